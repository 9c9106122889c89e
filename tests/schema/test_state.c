/* SPDX-License-Identifier: ISC */
/* DIR/state.db: made, read, refused, written by two at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/state.h"
#include "tests/temp.h"

static const char insert[] = "INSERT INTO value_group VALUES "
			     "('servers', '10.0.0.1', '', 0)";

static int
set_up(void **state)
{
	*state = temp_new();
	return 0;
}

static int
tear_down(void **state)
{
	temp_remove(*state);
	return 0;
}

static int64_t
count(struct state *s, const char *sql)
{
	struct err err = {0};
	int64_t n = -1;

	if (db_get_int(state_db(s), sql, 0, &n, &err) != 0)
		fail_msg("%s", err.text);
	return n;
}

static void
none_yet_is_no_error(void **state)
{
	struct state *s;
	struct err err;

	assert_int_equal(state_open_read(&s, *state, &err), 0);
	assert_null(s);
}

static int
insert_group(struct state *s, void *returned, struct err *err)
{
	int rc = db_exec(state_db(s), insert, err);

	return rc != 0 ? rc : *(const int *)returned;
}

static void
what_is_committed_is_read(void **state)
{
	int refused = ERR_USAGE, kept = 0;
	struct state *s;
	struct err err = {0};

	assert_int_equal(
	    state_change(*state, insert_group, &refused, &err), ERR_USAGE);
	assert_int_equal(state_change(*state, insert_group, &kept, &err), 0);
	assert_int_equal(state_open_read(&s, *state, &err), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM value_group"), 1);
	assert_int_not_equal(db_exec(state_db(s), insert, &err), 0);
	state_close(s);
}

/* A killed first start, or an editor's touch. */
static void
an_empty_file_is_filled(void **state)
{
	char *path = xasprintf("%s/state.db", (char *)*state);
	struct err err = {0};
	struct state *s;
	FILE *f = fopen(path, "w");

	fclose(f);
	assert_int_equal(state_open_read(&s, *state, &err), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM saved_filter"), 0);
	state_close(s);
	free(path);
}

static void
foreign_and_newer_files_are_refused(void **state)
{
	static const struct {
		const char *sql;
		int want;
	} cases[] = {
	    {"CREATE TABLE a (b)", ERR_CORRUPT},
	    {"PRAGMA application_id = 2003134835; PRAGMA user_version = 9999",
		ERR_NEWER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path = xasprintf("%s/state.db", (char *)*state);
		struct err err = {0};
		struct state *s;
		struct db *db;

		assert_int_equal(db_open(&db, path, DB_CREATE_PLAIN, &err), 0);
		assert_int_equal(db_exec(db, cases[i].sql, &err), 0);
		db_close(db);
		assert_int_equal(
		    state_open_write(&s, *state, &err), cases[i].want);
		assert_non_null(strstr(err.text, path));
		assert_int_equal(
		    state_open_read(&s, *state, &err), cases[i].want);
		assert_int_equal(unlink(path), 0);
		free(path);
	}
}

static int
insert_filter(struct state *s, void *arg, struct err *err)
{
	(void)arg;
	return db_exec(state_db(s),
	    "INSERT INTO saved_filter SELECT 'n' || count(*), '', '', 0 "
	    "FROM saved_filter",
	    err);
}

static void *
open_and_add(void *dir)
{
	struct err err;

	return state_change(dir, insert_filter, NULL, &err) == 0
		   ? NULL
		   : xstrdup(err.text);
}

static void
several_may_begin_at_once(void **state)
{
	enum { N = 8 };
	pthread_t thread[N];
	struct err err = {0};
	struct state *s;

	for (size_t i = 0; i < N; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, open_and_add, *state), 0);
	for (size_t i = 0; i < N; i++) {
		void *failed;

		pthread_join(thread[i], &failed);
		if (failed != NULL)
			fail_msg("%s", (char *)failed);
	}
	assert_int_equal(state_open_read(&s, *state, &err), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM saved_filter"), N);
	state_close(s);
}

/* With a cache of a page, what is not committed is in the file already. */
static void
write_and_die(const char *dir)
{
	struct state *s;
	struct err err;

	if (state_open_write(&s, dir, &err) == 0 &&
	    db_exec(state_db(s), "PRAGMA cache_size = 1; BEGIN IMMEDIATE",
		&err) == 0)
		for (int i = 0; i < 2000; i++)
			if (insert_filter(s, NULL, &err) != 0)
				break;
	_exit(0);
}

static void
what_a_killed_writer_left_is_taken_back(void **state)
{
	char *journal = xasprintf("%s/state.db-journal", (char *)*state);
	int kept = 0;
	struct state *s;
	struct err err = {0};
	pid_t pid;

	assert_int_equal(state_change(*state, insert_group, &kept, &err), 0);
	if ((pid = fork()) == 0)
		write_and_die(*state);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(access(journal, F_OK), 0);
	if (state_open_read(&s, *state, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(count(s, "SELECT count(*) FROM saved_filter"), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM value_group"), 1);
	state_close(s);
	free(journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		none_yet_is_no_error, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_is_committed_is_read, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		an_empty_file_is_filled, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		foreign_and_newer_files_are_refused, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		several_may_begin_at_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_a_killed_writer_left_is_taken_back, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
