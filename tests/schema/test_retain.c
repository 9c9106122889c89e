/* SPDX-License-Identifier: ISC */
/* What goes when a limit is reached, and that nothing else does. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/base/buf.h"
#include "schema/catalog.h"
#include "schema/retain.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

static const int32_t TODAY = 20000;
static const int64_t NOW_MS = INT64_C(20000) * MS_PER_DAY + 3600000;

/* ---- deciding ---- */

/* Days of ten bytes, relative to today; '+' open. The letters are what should
 * come of each: keep, age, size, free. */
static void
the_oldest_go_until_the_limits_hold(void **state)
{
	static const struct {
		const char *name;
		struct retain_limits limits;
		uint64_t free_bytes;
		struct {
			int32_t ago;
			bool open;
		} day[6];
		size_t n;
		const char *want;
	} rows[] = {
	    {"no limit", {0}, 0, {{9, 0}, {1, 0}, {0, 0}}, 3, "kkk"},
	    {"no shard", {.max_bytes = 1}, 0, {{0}}, 0, ""},
	    {"age: that many days before today stay", {.max_age_days = 2}, 0,
		{{4, 0}, {3, 0}, {2, 0}, {1, 0}, {0, 1}}, 5, "aakkk"},
	    {"age: gaps do not count", {.max_age_days = 2}, 0,
		{{900, 0}, {90, 0}, {2, 0}, {0, 1}}, 4, "aakk"},
	    {"age: the newest stays, however old", {.max_age_days = 1}, 0,
		{{900, 0}, {800, 0}}, 2, "ak"},
	    {"size: just fits", {.max_bytes = 30}, 0, {{2, 0}, {1, 0}, {0, 1}},
		3, "kkk"},
	    {"size: one byte over", {.max_bytes = 29}, 0,
		{{2, 0}, {1, 0}, {0, 1}}, 3, "skk"},
	    {"size: today stays alone", {.max_bytes = 1}, 0,
		{{2, 0}, {1, 0}, {0, 1}}, 3, "ssk"},
	    {"size: an open old day stays, the next goes", {.max_bytes = 25}, 0,
		{{9, 1}, {8, 0}, {7, 0}, {0, 1}}, 4, "kssk"},
	    {"free: enough", {.min_free_bytes = 50}, 50,
		{{2, 0}, {1, 0}, {0, 1}}, 3, "kkk"},
	    {"free: ten bytes short", {.min_free_bytes = 50}, 40,
		{{2, 0}, {1, 0}, {0, 1}}, 3, "fkk"},
	    {"free: eleven bytes short", {.min_free_bytes = 51}, 40,
		{{3, 0}, {2, 0}, {1, 0}, {0, 1}}, 4, "ffkk"},
	    {"free: cannot be reached", {.min_free_bytes = 5000}, 0,
		{{3, 0}, {2, 0}, {0, 1}}, 3, "ffk"},
	    {"what age frees counts for size and room",
		{.max_age_days = 5, .max_bytes = 20, .min_free_bytes = 20}, 10,
		{{7, 0}, {2, 0}, {0, 1}}, 3, "akk"},
	    {"all three",
		{.max_age_days = 5, .max_bytes = 40, .min_free_bytes = 35}, 5,
		{{7, 0}, {4, 0}, {3, 0}, {2, 0}, {1, 0}, {0, 1}}, 6, "asfkkk"},
	    {"days from tomorrow, of a wrong clock, stay", {.max_bytes = 1}, 0,
		{{1, 0}, {-1, 0}, {-2, 0}}, 3, "skk"},
	};

	(void)state;
	for (size_t r = 0; r < ARRAY_LEN(rows); r++) {
		struct retain_day days[6] = {0};
		char got[7] = "";

		for (size_t i = 0; i < rows[r].n; i++)
			days[i] = (struct retain_day){
			    .day = TODAY - rows[r].day[i].ago,
			    .bytes = 10,
			    .open = rows[r].day[i].open,
			    .reason = RETAIN_SIZE};
		retain_decide(days, rows[r].n, &rows[r].limits, TODAY,
		    rows[r].free_bytes);
		for (size_t i = 0; i < rows[r].n; i++)
			got[i] = "kasf"[days[i].reason];
		if (strcmp(got, rows[r].want) != 0)
			fail_msg("%s: %s", rows[r].name, got);
	}
}

/* ---- words ---- */

static void
reasons_and_sizes_in_words(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} rows[] = {{0, "0"}, {1023, "1023"}, {1024, "1.0K"}, {1536, "1.5K"},
	    {UINT64_C(3) << 30, "3.0G"}, {UINT64_C(2048) << 40, "2048.0T"}};
	const struct retain_limits l = {
	    .max_bytes = 2048, .min_free_bytes = 1, .max_age_days = 90};
	char text[RETAIN_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		retain_format_bytes(rows[i].bytes, text);
		assert_string_equal(text, rows[i].want);
	}
	retain_format_reason(&l, RETAIN_AGE, text);
	assert_string_equal(text, "older than 90 days");
	retain_format_reason(&l, RETAIN_SIZE, text);
	assert_string_equal(text, "more than 2.0K stored");
	retain_format_reason(&l, RETAIN_FREE, text);
	assert_string_equal(text, "less than 1 free");
}

/* ---- removing ---- */

static void
note(const struct retain_day *d, const char *path, void *arg)
{
	assert_non_null(strstr(path, ".db"));
	assert_true(d->bytes > 0);
	buf_printf(arg, "%d:%d ", (int)(d->day - TODAY), (int)d->reason);
}

/* What was removed: "-3:1 " is the shard of three days ago, for its age. */
static void
apply(const char *dir, const struct retain_limits *l, bool dry_run,
    const char *want)
{
	struct buf got;
	struct err err;

	buf_init(&got, 1000);
	if (retain_apply(dir, l, NOW_MS, dry_run, note, &got, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
}

static bool
exists(const char *dir, int32_t day, const char *suffix)
{
	char *path = store_shard_path(dir, day);
	char *name = xasprintf("%s%s", path, suffix);
	bool yes = access(name, F_OK) == 0;

	free(name);
	free(path);
	return yes;
}

static void
touch(const char *dir, int32_t day, const char *suffix, int64_t ms)
{
	char *path = store_shard_path(dir, day);
	char *name = xasprintf("%s%s", path, suffix);
	const struct timespec times[2] = {
	    {.tv_sec = ms / 1000}, {.tv_sec = ms / 1000}};

	if (access(name, F_OK) != 0)
		days_write(name, 0, "x", 1);
	assert_int_equal(utimensat(AT_FDCWD, name, times, 0), 0);
	free(name);
	free(path);
}

static void
shards_go_with_all_that_belongs_to_them(void **state)
{
	const struct retain_limits l = {.max_age_days = 2};
	struct catalog c;

	for (int32_t ago = 4; ago >= 0; ago--)
		days_finish(*state, TODAY - ago, 1, 0);
	touch(*state, TODAY - 4, "-wal", 0);
	touch(*state, TODAY - 4, "-shm", 0);
	assert_int_equal(catalog_refresh(*state, NULL), 0);
	apply(*state, &l, true, "-4:1 -3:1 ");
	assert_true(exists(*state, TODAY - 4, "-wal"));
	apply(*state, &l, false, "-4:1 -3:1 ");
	assert_false(exists(*state, TODAY - 4, ""));
	assert_false(exists(*state, TODAY - 4, "-wal"));
	assert_false(exists(*state, TODAY - 4, "-shm"));
	assert_false(exists(*state, TODAY - 4, STORE_REMOVED));
	assert_false(exists(*state, TODAY - 3, ""));
	assert_true(exists(*state, TODAY - 2, ""));
	assert_int_equal(catalog_read(&c, *state, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_null(catalog_find(&c, TODAY - 3));
	catalog_release(&c);
	apply(*state, &l, false, "");
}

static void
sizes_are_those_of_the_files(void **state)
{
	struct retain_limits l = {0};
	uint64_t bytes = 0;
	struct stat st;

	for (int32_t ago = 2; ago >= 0; ago--) {
		char *path = store_shard_path(*state, TODAY - ago);

		days_finish(*state, TODAY - ago, 1, 0);
		assert_int_equal(stat(path, &st), 0);
		bytes += (uint64_t)st.st_size;
		free(path);
	}
	l.max_bytes = bytes;
	apply(*state, &l, false, "");
	touch(*state, TODAY - 2, "-wal", 0); /* one byte more */
	apply(*state, &l, false, "-2:2 ");
	apply(*state, &l, false, "");
}

static void
the_room_left_is_the_file_systems(void **state)
{
	struct retain_limits l = {.min_free_bytes = INT64_MAX};
	struct statvfs fs;

	for (int32_t ago = 2; ago >= 0; ago--)
		days_finish(*state, TODAY - ago, 1, 0);
	assert_int_equal(statvfs(*state, &fs), 0);
	assert_true(fs.f_bavail > 0);
	l.min_free_bytes = 1;
	apply(*state, &l, false, "");
	l.min_free_bytes = INT64_MAX;
	apply(*state, &l, false, "-2:3 -1:3 ");
	assert_true(exists(*state, TODAY, ""));
}

/* An import may have an old day open; a killed collector leaves one. */
static void
unfinished_days_stay_while_they_are_written_to(void **state)
{
	const struct retain_limits l = {.max_age_days = 1};

	for (int32_t ago = 9; ago >= 6; ago--) {
		shard_close(days_open(*state, TODAY - ago, 1, 0));
		touch(*state, TODAY - ago, "", NOW_MS - 2 * MS_PER_DAY);
	}
	days_finish(*state, TODAY, 1, 0);
	touch(*state, TODAY - 8, "", NOW_MS - MS_PER_DAY + MS_PER_S);
	touch(*state, TODAY - 7, "-wal", NOW_MS - MS_PER_DAY + MS_PER_S);
	apply(*state, &l, false, "-9:1 -6:1 ");
	assert_true(exists(*state, TODAY - 8, ""));
	assert_true(exists(*state, TODAY - 7, "-wal"));
}

static void
readers_keep_a_shard_that_goes(void **state)
{
	const struct retain_limits l = {.max_age_days = 1};
	char *path = store_shard_path(*state, TODAY - 5);
	struct shard *s;
	struct err err;
	int64_t n;

	days_finish(*state, TODAY - 5, 3, 0);
	days_finish(*state, TODAY, 1, 0);
	assert_int_equal(shard_open_read(&s, path, &err), 0);
	assert_int_equal(shard_begin_read(s, &err), 0);
	apply(*state, &l, false, "-5:1 ");
	assert_false(exists(*state, TODAY - 5, ""));
	if (db_get_int(
		shard_db(s), "SELECT count(*) FROM flows", 0, &n, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 30);
	shard_end_read(s);
	shard_close(s);
	free(path);
}

/* Adds a datagram to an old day, as an import does. Does not return. */
static void
add_late_flows(const char *dir)
{
	char *path = store_shard_path(dir, TODAY - 5);
	struct packet p = {.source = {.exporter = addr_from_ip4(1)},
	    .n_flows = DAYS_PER_DATAGRAM};
	struct flow flows[DAYS_PER_DATAGRAM] = {0};
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, 0, &err) != 0 ||
	    shard_append(s, &p, flows, &err) != 0 || shard_commit(s, &err) != 0)
		_exit(1);
	shard_close(s);
	_exit(0);
}

static void
ignore(const struct retain_day *d, const char *path, void *arg)
{
	(void)d;
	(void)path;
	(void)arg;
}

static void
expire_now(const char *dir)
{
	const struct retain_limits l = {.max_age_days = 1};
	struct err err;

	_exit(retain_apply(dir, &l, NOW_MS, false, ignore, NULL, &err) == 0
		  ? 0
		  : 1);
}

static void
must_end_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Who begins to write to an old day at the moment it is to be removed keeps
 * what he wrote: the day stays, or it goes first. Both wait at the same place,
 * in turns one a little longer. */
static void
late_flows_are_not_removed_at_the_moment_they_come(void **state)
{
	static const struct timespec long_ago[2] = {
	    {.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char *path = store_shard_path(*state, TODAY - 5);

	days_finish(*state, TODAY, 1, 0);
	for (int turn = 0; turn < 30; turn++) {
		pid_t writer, remover;
		struct err err;
		int hold_fd;
		int64_t n;

		assert_int_equal(retain_remove(*state, TODAY - 5, &err), 0);
		days_finish(*state, TODAY - 5, 1, 0);
		assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
		assert_int_equal(store_hold_shards(&hold_fd, path, &err), 0);
		if ((writer = fork()) == 0) {
			close(hold_fd); /* or it would hold it as well */
			add_late_flows(*state);
		}
		if (turn % 2 == 0)
			usleep(2000);
		if ((remover = fork()) == 0) {
			close(hold_fd);
			expire_now(*state);
		}
		usleep(turn % 3 == 0 ? 0 : 3000);
		close(hold_fd);
		must_end_well(writer);
		must_end_well(remover);
		n = days_int(path, "SELECT count(*) FROM flows");
		if (n != DAYS_PER_DATAGRAM && n != 2 * DAYS_PER_DATAGRAM)
			fail_msg("turn %d: %lld flows", turn, (long long)n);
	}
	free(path);
}

static void
a_damaged_catalog_does_not_stop_it(void **state)
{
	const struct retain_limits l = {.max_age_days = 1};
	char *path = catalog_path(*state);

	days_finish(*state, TODAY - 5, 1, 0);
	days_finish(*state, TODAY, 1, 0);
	days_write(path, 0, "some words and no database", 26);
	apply(*state, &l, false, "-5:1 ");
	assert_false(exists(*state, TODAY - 5, ""));
	free(path);
}

static void
a_folder_that_is_not_there_is_named(void **state)
{
	const struct retain_limits l = {.max_age_days = 1};
	char *dir = xasprintf("%s/none", (const char *)*state);
	struct err err;

	assert_int_equal(
	    retain_apply(dir, &l, NOW_MS, false, note, NULL, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, dir));
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_oldest_go_until_the_limits_hold),
	    cmocka_unit_test(reasons_and_sizes_in_words),
	    in_store(shards_go_with_all_that_belongs_to_them),
	    in_store(sizes_are_those_of_the_files),
	    in_store(the_room_left_is_the_file_systems),
	    in_store(unfinished_days_stay_while_they_are_written_to),
	    in_store(readers_keep_a_shard_that_goes),
	    in_store(late_flows_are_not_removed_at_the_moment_they_come),
	    in_store(a_damaged_catalog_does_not_stop_it),
	    in_store(a_folder_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
