/* SPDX-License-Identifier: ISC */
/* The catalog says what the shards say, and is made again when it does not. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/catalog.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { DAY = 20000 };

static void
refresh(const char *dir)
{
	struct err err;

	if (catalog_refresh(dir, &err) != 0)
		fail_msg("%s", err.text);
}

/* The row of a day and whether it counts; false: no row. */
static bool
find(const char *dir, int32_t day, struct catalog_day *out, bool *counts)
{
	char *path = store_shard_path(dir, day);
	const struct catalog_day *d;
	struct catalog c;
	struct stat st;
	struct err err;

	if (catalog_read(&c, dir, &err) != 0)
		fail_msg("%s", err.text);
	if ((d = catalog_find(&c, day)) != NULL)
		*out = *d;
	*counts = d != NULL && stat(path, &st) == 0 && catalog_counts(d, &st);
	catalog_release(&c);
	free(path);
	return d != NULL;
}

static bool
counts(const char *dir, int32_t day)
{
	struct catalog_day d;
	bool yes;

	return find(dir, day, &d, &yes) && yes;
}

static bool
has_row(const char *dir, int32_t day)
{
	struct catalog_day d;
	bool ignored;

	return find(dir, day, &d, &ignored);
}

static size_t
count_files(const char *dir, const char *prefix)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
	closedir(d);
	return n;
}

static void
rows_are_the_bounds_of_whole_shards(void **state)
{
	int64_t midnight = (int64_t)DAY * MS_PER_DAY;
	struct catalog_day d;
	bool yes;

	days_finish(*state, DAY, 9, 30); /* three segments */
	refresh(*state);
	assert_true(find(*state, DAY, &d, &yes));
	assert_true(yes);
	assert_int_equal(d.n_segments, 3);
	assert_int_equal(d.whole.n_flows, 90);
	assert_int_equal(d.whole.min_start_ms, midnight);
	assert_int_equal(d.whole.max_start_ms, midnight + 89000);
	assert_int_equal(d.whole.min_end_ms, midnight + 500);
	assert_int_equal(d.whole.max_end_ms, midnight + 89500);
	assert_int_equal(d.whole.max_duration_ms, 500);
}

static void
only_finished_shards_have_rows(void **state)
{
	days_finish(*state, DAY, 1, 0);
	days_finish(*state, DAY + 1, 0, 0); /* finished without any flow */
	shard_close(days_open(*state, DAY + 2, 1, 0));
	refresh(*state);
	assert_true(counts(*state, DAY));
	assert_true(counts(*state, DAY + 1));
	assert_false(has_row(*state, DAY + 2));
}

static void
a_shard_written_to_again_does_not_count(void **state)
{
	struct shard *s;
	struct catalog_day d;
	bool yes;

	days_finish(*state, DAY, 1, 0);
	refresh(*state);
	assert_true(counts(*state, DAY));
	/* from the moment it is open for writing, before any commit */
	s = days_open(*state, DAY, 0, 0);
	assert_false(counts(*state, DAY));
	shard_close(s);
	assert_false(counts(*state, DAY));
	refresh(*state);
	assert_false(has_row(*state, DAY));
	days_finish(*state, DAY, 1, 0);
	assert_false(counts(*state, DAY));
	refresh(*state);
	assert_true(find(*state, DAY, &d, &yes));
	assert_true(yes);
	assert_int_equal(d.whole.n_flows, 20);
}

static void
a_file_of_another_time_or_size_does_not_count(void **state)
{
	char *path = store_shard_path(*state, DAY);
	struct timespec times[2];
	struct stat st;

	days_finish(*state, DAY, 1, 0);
	refresh(*state);
	assert_int_equal(stat(path, &st), 0);
	times[0] = times[1] = st.st_mtim;
	times[1].tv_nsec ^= 1;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_false(counts(*state, DAY));
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_true(counts(*state, DAY));
	/* the first thing that a writer does, before the file changes */
	assert_int_equal(chmod(path, 0644), 0);
	assert_false(counts(*state, DAY));
	assert_int_equal(truncate(path, st.st_size + 1), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	assert_int_equal(chmod(path, 0444), 0);
	assert_false(counts(*state, DAY));
	free(path);
}

static void
rows_go_with_their_shards(void **state)
{
	struct err err;

	for (int32_t i = 0; i < 4; i++)
		days_finish(*state, DAY + i, 1, 0);
	refresh(*state);
	for (int32_t i = 0; i < 4; i += 3) { /* the first and the last */
		char *path = store_shard_path(*state, DAY + i);

		assert_int_equal(unlink(path), 0);
		free(path);
	}
	refresh(*state);
	assert_false(has_row(*state, DAY));
	assert_true(has_row(*state, DAY + 1));
	assert_true(has_row(*state, DAY + 2));
	assert_false(has_row(*state, DAY + 3));
	assert_int_equal(catalog_remove(*state, DAY + 1, &err), 0);
	assert_false(has_row(*state, DAY + 1));
	assert_true(has_row(*state, DAY + 2));
}

static void
without_a_catalog_there_is_no_row_to_remove(void **state)
{
	struct catalog c = {.n = 9};
	struct err err;

	assert_int_equal(catalog_remove(*state, DAY, &err), 0);
	assert_int_equal(count_files(*state, "catalog.db"), 0);
	assert_int_equal(catalog_read(&c, *state, &err), ERR_SYSTEM);
	assert_int_equal(c.n, 0);
	assert_null(catalog_find(&c, DAY));
}

static void
a_damaged_or_foreign_catalog_is_set_aside(void **state)
{
	static const char junk[] = "no database at all, just words, and more "
				   "of them than a header has bytes, so that "
				   "nobody takes it for one";
	char *path = catalog_path(*state);
	struct catalog c;
	struct err err;

	days_finish(*state, DAY, 1, 0);
	for (int i = 0; i < 2; i++) {
		(void)unlink(path);
		if (i == 0)
			days_write(path, 0, junk, sizeof junk);
		else
			days_exec(path, "CREATE TABLE shard (day)");
		assert_int_equal(catalog_read(&c, *state, &err), ERR_CORRUPT);
		assert_non_null(strstr(err.text, path));
		assert_int_equal(
		    count_files(*state, "catalog.db.damaged-"), (size_t)i);
		refresh(*state);
		assert_true(counts(*state, DAY));
		if (i == 0)
			sleep(1); /* the name has the time in seconds */
	}
	assert_int_equal(count_files(*state, "catalog.db.damaged-"), 2);
	free(path);
}

static void
a_newer_catalog_is_left_alone(void **state)
{
	char *path = catalog_path(*state);
	struct catalog c;
	struct err err;

	days_finish(*state, DAY, 1, 0);
	refresh(*state);
	days_exec(path, "PRAGMA user_version = 99");
	assert_int_equal(catalog_read(&c, *state, &err), ERR_NEWER);
	assert_int_equal(catalog_refresh(*state, &err), ERR_NEWER);
	assert_non_null(strstr(err.text, "upgrade"));
	assert_int_equal(days_int(path, "SELECT count(*) FROM shard"), 1);
	free(path);
}

static void
rebuilding_believes_no_row(void **state)
{
	char *path = catalog_path(*state);
	struct catalog_day d;
	struct err err;
	bool yes;

	days_finish(*state, DAY, 1, 0);
	refresh(*state);
	days_exec(path, "UPDATE shard SET n_flows = 77");
	refresh(*state); /* size and time agree: not looked into */
	assert_true(find(*state, DAY, &d, &yes));
	assert_int_equal(d.whole.n_flows, 77);
	assert_int_equal(catalog_rebuild(*state, &err), 0);
	assert_true(find(*state, DAY, &d, &yes));
	assert_int_equal(d.whole.n_flows, 10);
	free(path);
}

static void
a_shard_that_cannot_be_read_has_no_row(void **state)
{
	char *path = store_shard_path(*state, DAY);

	days_write(path, 0, "words, no database", 18);
	assert_int_equal(chmod(path, 0444), 0);
	days_finish(*state, DAY + 1, 1, 0);
	refresh(*state);
	assert_false(has_row(*state, DAY));
	assert_true(counts(*state, DAY + 1));
	free(path);
}

/* It needs no write access to be read, and leaves no file beside it. */
static void
the_catalog_is_one_plain_file(void **state)
{
	days_finish(*state, DAY, 1, 0);
	refresh(*state);
	assert_int_equal(count_files(*state, "catalog.db"), 1);
	assert_true(counts(*state, DAY));
	assert_int_equal(count_files(*state, "catalog.db"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(rows_are_the_bounds_of_whole_shards),
	    in_store(only_finished_shards_have_rows),
	    in_store(a_shard_written_to_again_does_not_count),
	    in_store(a_file_of_another_time_or_size_does_not_count),
	    in_store(rows_go_with_their_shards),
	    in_store(without_a_catalog_there_is_no_row_to_remove),
	    in_store(a_damaged_or_foreign_catalog_is_set_aside),
	    in_store(a_newer_catalog_is_left_alone),
	    in_store(rebuilding_believes_no_row),
	    in_store(a_shard_that_cannot_be_read_has_no_row),
	    in_store(the_catalog_is_one_plain_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
