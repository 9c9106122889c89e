/* SPDX-License-Identifier: ISC */
/* imports: runs of a content; and what shards note of them. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/imports.h"
#include "schema/shard.h"
#include "tests/temp.h"

#define SUM_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static int
setup(void **state)
{
	*state = temp_new();
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct imports *
reopened(struct imports *old, const char *dir)
{
	struct imports *im;
	struct err err;

	imports_close(old);
	if (imports_open(&im, dir, &err) != 0)
		fail_msg("%s", err.text);
	return im;
}

static void
the_last_run_of_a_content_is_found(void **state)
{
	struct imports *im = reopened(NULL, *state);
	struct import_run first, second, found;
	struct err err;

	assert_int_equal(imports_find(im, SUM_A, &found, &err), 0);
	assert_int_equal(
	    imports_begin(im, SUM_A, "x.pcap", 1000, &first, &err), 0);
	im = reopened(im, *state);
	assert_int_equal(imports_find(im, SUM_A, &found, &err), 1);
	assert_int_equal(found.id, first.id);
	assert_int_equal(found.ended_ms, 0);
	assert_string_equal(found.key, first.key);
	assert_int_equal(imports_find(im, SUM_B, &found, &err), 0);

	assert_int_equal(imports_end(im, &first, 2000, &err), 0);
	im = reopened(im, *state);
	assert_int_equal(imports_find(im, SUM_A, &found, &err), 1);
	assert_int_equal(found.ended_ms, 2000);

	assert_int_equal(
	    imports_begin(im, SUM_A, "y.pcap", 3000, &second, &err), 0);
	assert_string_not_equal(second.key, first.key);
	assert_int_equal(imports_find(im, SUM_A, &found, &err), 1);
	assert_int_equal(found.id, second.id);
	assert_int_equal(found.ended_ms, 0);
	imports_close(im);
}

static void
other_databases_are_refused(void **state)
{
	static const struct {
		const char *sql;
		int want;
	} cases[] = {
	    {"CREATE TABLE t (a)", ERR_CORRUPT},
	    {"PRAGMA application_id = 0x77656969; PRAGMA user_version = 2",
		ERR_NEWER},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path = xasprintf("%s/imports.db", (const char *)*state);
		struct imports *im;
		struct db *db;
		struct err err;

		(void)remove(path);
		assert_int_equal(db_open(&db, path, DB_CREATE_PLAIN, &err), 0);
		assert_int_equal(db_exec(db, cases[i].sql, &err), 0);
		db_close(db);
		assert_int_equal(
		    imports_open(&im, *state, &err), cases[i].want);
		assert_non_null(strstr(err.text, path));
		free(path);
	}
}

static void
append(struct shard *s)
{
	struct packet p = {.n_flows = 1};
	struct flow f = {.start_ms = 1};
	struct err err;

	p.source.exporter = addr_from_ip4(1);
	assert_int_equal(shard_append(s, &p, &f, &err), 0);
}

static uint64_t
imported(struct shard *s, const char *key)
{
	struct err err;
	uint64_t n = 99;

	assert_int_equal(shard_imported(s, key, &n, &err), 0);
	return n;
}

/* The note is there when the flows are, and only then. */
static void
notes_are_committed_with_their_flows(void **state)
{
	char *path = xasprintf("%s/2024-03-01.db", (const char *)*state);
	struct shard *s;
	struct err err;

	assert_int_equal(shard_open_write(&s, path, 0, &err), 0);
	assert_int_equal(imported(s, "a"), 0);
	append(s);
	shard_note_import(s, "a", 7);
	assert_int_equal(imported(s, "a"), 0);
	shard_roll_back(s);
	append(s); /* by somebody else */
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(imported(s, "a"), 0);

	append(s);
	shard_note_import(s, "a", 7);
	append(s);
	shard_note_import(s, "a", 8);
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(shard_sync(s, &err), 0);
	append(s);
	shard_note_import(s, "b", 1);
	assert_int_equal(shard_commit(s, &err), 0);
	append(s);
	shard_note_import(s, "b", 2);
	shard_close(s); /* not committed */

	assert_int_equal(shard_open_write(&s, path, 0, &err), 0);
	assert_int_equal(imported(s, "a"), 8);
	assert_int_equal(imported(s, "b"), 1);
	assert_int_equal(imported(s, "c"), 0);
	shard_close(s);
	free(path);
}

static void *
open_and_close(void *dir)
{
	struct imports *im;
	struct err err;

	if (imports_open(&im, dir, &err) != 0)
		return xstrdup(err.text);
	imports_close(im);
	return NULL;
}

static void
several_may_be_the_first(void **state)
{
	enum { N = 8 };
	pthread_t thread[N];

	for (size_t i = 0; i < N; i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, open_and_close, *state),
		    0);
	for (size_t i = 0; i < N; i++) {
		void *failed;

		pthread_join(thread[i], &failed);
		if (failed != NULL)
			fail_msg("%s", (char *)failed);
	}
}

int
main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
	    IN_FOLDER(the_last_run_of_a_content_is_found),
	    IN_FOLDER(other_databases_are_refused),
	    IN_FOLDER(notes_are_committed_with_their_flows),
	    IN_FOLDER(several_may_be_the_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
