/* SPDX-License-Identifier: ISC */
/* A copy is a store, with all that was committed, and only that. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/backup.h"
#include "schema/catalog.h"
#include "schema/check.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { DAY = 20000 };

static int
make_store(void **state)
{
	char *dir;

	*state = temp_new();
	dir = xasprintf("%s/a", (const char *)*state);
	days_make_store(dir);
	free(dir);
	return 0;
}

struct pair {
	char *from, *to;
};

static struct pair
folders(void **state)
{
	return (struct pair){xasprintf("%s/a", (const char *)*state),
	    xasprintf("%s/b", (const char *)*state)};
}

static void
release(struct pair *p)
{
	free(p->from);
	free(p->to);
}

static void
expect(const struct pair *p, size_t n_copied, size_t n_there)
{
	struct backup_result r;
	struct err err;

	if (backup_store(p->from, p->to, &r, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.n_copied, n_copied);
	assert_int_equal(r.n_there, n_there);
	assert_int_equal(r.bytes > 0, n_copied > 0);
}

static int64_t
count(const char *dir, int32_t day)
{
	char *path = store_shard_path(dir, day);
	int64_t n = days_int(path, "SELECT count(*) FROM flows");

	free(path);
	return n;
}

/* SQLite's file format: the read version in the header is 2 for WAL. */
static bool
is_wal(const char *dir, int32_t day)
{
	char *path = store_shard_path(dir, day);
	FILE *f = fopen(path, "r");
	int version;

	assert_non_null(f);
	assert_int_equal(fseek(f, 19, SEEK_SET), 0);
	version = fgetc(f);
	fclose(f);
	free(path);
	return version == 2;
}

static void
fail_on_finding(const struct check_finding *f, void *arg)
{
	(void)arg;
	fail_msg("%s: %s", f->where, f->what);
}

static void
expect_whole(const char *dir, size_t n_shards)
{
	const struct check_options o = {
	    .full = true, .now_ms = (int64_t)(DAY + 1) * MS_PER_DAY};
	struct check_result r;
	struct err err;

	if (check_store(dir, &o, fail_on_finding, NULL, &r, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(r.n_shards, n_shards);
}

static void
a_copy_has_what_was_committed(void **state)
{
	struct pair p = folders(state);
	struct packet packet = {.n_flows = 1};
	struct flow flow = {0};
	struct shard *s;
	struct catalog c;

	days_finish(p.from, DAY, 5, 20);
	s = days_open(p.from, DAY + 1, 7, 20); /* in its WAL */
	assert_int_equal(shard_append(s, &packet, &flow, NULL), 0);
	expect(&p, 2, 0);
	assert_int_equal(count(p.to, DAY), 50);
	assert_int_equal(count(p.to, DAY + 1), 70);
	expect_whole(p.to, 2);
	assert_false(is_wal(p.to, DAY + 1));
	assert_int_equal(catalog_read(&c, p.to, NULL), 0);
	assert_int_equal(c.n, 1);
	catalog_release(&c);
	/* the writer was not disturbed */
	assert_int_equal(shard_commit(s, NULL), 0);
	shard_close(s);
	assert_int_equal(count(p.from, DAY + 1), 71);
	/* and the copy is written to as any store */
	shard_close(days_open(p.to, DAY + 1, 1, 0));
	assert_int_equal(count(p.to, DAY + 1), 80);
	release(&p);
}

static void
done_again_it_copies_what_changed(void **state)
{
	struct pair p = folders(state);
	char *gone = store_shard_path(p.from, DAY);

	days_finish(p.from, DAY, 1, 0);
	days_finish(p.from, DAY + 1, 1, 0);
	expect(&p, 2, 0);
	expect(&p, 0, 2);
	days_finish(p.from, DAY + 1, 1, 0);
	assert_int_equal(unlink(gone), 0);
	expect(&p, 1, 0);
	assert_int_equal(count(p.to, DAY), 10);
	assert_int_equal(count(p.to, DAY + 1), 20);
	expect_whole(p.to, 2);
	free(gone);
	release(&p);
}

static void
what_the_shards_cannot_tell_is_copied_too(void **state)
{
	struct pair p = folders(state);
	char *from = xasprintf("%s/imports.db", p.from);
	char *to = xasprintf("%s/imports.db", p.to);

	days_finish(p.from, DAY, 1, 0);
	for (int i = 0; i < 2; i++) {
		days_exec(from, i == 0 ? "CREATE TABLE import (id)"
				       : "INSERT INTO import VALUES (9)");
		expect(&p, i == 0 ? 1 : 0, i == 0 ? 0 : 1);
		assert_int_equal(
		    days_int(to, "SELECT count(*) FROM import"), i);
	}
	free(to);
	free(from);
	release(&p);
}

static void
what_an_interrupted_copy_left_does_no_harm(void **state)
{
	struct pair p = folders(state);
	char *path = store_shard_path(p.to, DAY);
	char *copying = xasprintf("%s" STORE_COPYING, path);
	char *wal = xasprintf("%s-wal", path);

	days_make_store(p.to);
	days_write(copying, 0, "half a page", 11);
	days_write(wal, 0, "of another file", 15);
	shard_close(days_open(p.from, DAY, 3, 0));
	expect(&p, 1, 0);
	assert_int_equal(count(p.to, DAY), 30);
	assert_int_not_equal(access(copying, F_OK), 0);
	assert_int_not_equal(access(wal, F_OK), 0);
	free(wal);
	free(copying);
	free(path);
	release(&p);
}

static void
a_shard_that_cannot_be_copied_does_not_stop_the_others(void **state)
{
	struct pair p = folders(state);
	char *bad = store_shard_path(p.from, DAY);
	struct backup_result r;
	struct err err;

	days_write(bad, 0, "words, and no database at all", 29);
	days_finish(p.from, DAY + 1, 1, 0);
	assert_int_equal(backup_store(p.from, p.to, &r, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, bad));
	assert_int_equal(r.n_copied, 1);
	expect_whole(p.to, 1);
	free(bad);
	release(&p);
}

static void
folders_that_will_not_do_are_refused(void **state)
{
	struct pair p = folders(state);
	struct backup_result r;
	struct err err;
	int lock_fd;

	assert_int_equal(backup_store(p.from, p.from, &r, &err), ERR_USAGE);
	assert_int_equal(backup_store(p.to, p.from, &r, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, p.to));
	assert_int_equal(store_lock(&lock_fd, p.to, &err), 0);
	assert_int_equal(backup_store(p.from, p.to, &r, &err), ERR_BUSY);
	close(lock_fd);
	release(&p);
}

#define with_copy(f)                                                           \
	cmocka_unit_test_setup_teardown(f, make_store, days_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    with_copy(a_copy_has_what_was_committed),
	    with_copy(done_again_it_copies_what_changed),
	    with_copy(what_the_shards_cannot_tell_is_copied_too),
	    with_copy(what_an_interrupted_copy_left_does_no_harm),
	    with_copy(a_shard_that_cannot_be_copied_does_not_stop_the_others),
	    with_copy(folders_that_will_not_do_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
