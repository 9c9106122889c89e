/* SPDX-License-Identifier: ISC */
/* Whole shards left out of a scan, and never one that is needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/scan.h"
#include "schema/catalog.h"
#include "tests/query/fixture.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { N_DAYS = 400, HOUR_MS = 3600 * 1000 };

static int32_t
first_day(void)
{
	return clock_day(NOW_MS) - N_DAYS + 1;
}

/* n finished days, 30 flows in the first half minute of each. */
static void
fill(const char *dir, int n)
{
	struct err err;

	for (int i = 0; i < n; i++)
		days_finish(dir, first_day() + i, 3, 0);
	if (catalog_refresh(dir, &err) != 0)
		fail_msg("%s", err.text);
}

static int
count(const struct batch *b, void *arg, struct err *err)
{
	(void)err;
	*(size_t *)arg += b->n;
	return 0;
}

/* Flows of [from_ms, to_ms); 0: that side open. */
static size_t
scan(const char *dir, int64_t from_ms, int64_t to_ms, struct scan_stats *stats)
{
	struct filter f;
	const struct scan_query q = {.dir = dir, .filter = &f};
	struct err err;
	size_t n = 0;

	filter_init(&f);
	f.has_from = from_ms != 0;
	f.from_ms = from_ms;
	f.has_to = to_ms != 0;
	f.to_ms = to_ms;
	if (scan_run(&q, count, &n, stats, &err) != 0)
		fail_msg("%s", err.text);
	filter_release(&f);
	return n;
}

static void
an_hour_of_400_days_opens_the_shards_it_needs(void **state)
{
	int64_t midnight;
	struct scan_stats all, stats;

	fill(*state, N_DAYS);
	assert_int_equal(scan(*state, 0, 0, &all), 30 * N_DAYS);
	assert_int_equal(all.n_shards, N_DAYS);
	assert_int_equal(all.n_shards_pruned, 0);
	for (int i = 0; i < N_DAYS; i += 57) {
		midnight = (int64_t)(first_day() + i) * MS_PER_DAY;
		assert_int_equal(
		    scan(*state, midnight, midnight + HOUR_MS, &stats), 30);
		assert_int_equal(stats.n_shards, 1);
		assert_int_equal(stats.n_shards_pruned, N_DAYS - 1);
		assert_int_equal(stats.n_segments, 1);
		assert_int_equal(stats.n_segments_pruned, N_DAYS - 1);
		assert_true(stats.has_bounds);
		assert_int_equal(stats.min_start_ms, all.min_start_ms);
		assert_int_equal(stats.max_end_ms, all.max_end_ms);
	}
	/* two days meet in it */
	midnight = (int64_t)(first_day() + 9) * MS_PER_DAY;
	assert_int_equal(
	    scan(*state, midnight + 29000, midnight + MS_PER_DAY + 1, &stats),
	    2);
	assert_int_equal(stats.n_shards, 2);
	/* nobody's hour */
	midnight = (int64_t)first_day() * MS_PER_DAY;
	assert_int_equal(
	    scan(*state, midnight + HOUR_MS, midnight + 2 * HOUR_MS, &stats),
	    0);
	assert_int_equal(stats.n_shards, 0);
	assert_int_equal(stats.n_shards_pruned, N_DAYS);
	assert_int_equal(stats.max_end_ms, all.max_end_ms);
}

/* A day of one flow, 10.0.I.1 to 192.0.2.I. */
static void
finish_pair(const char *dir, int i)
{
	char *path = store_shard_path(dir, first_day() + i);
	struct packet p = {.n_flows = 1};
	struct flow f = {.src_addr = 0x0a000001 + ((uint32_t)i << 8),
	    .dst_addr = 0xc0000200 + (uint32_t)i,
	    .dst_port = 443};
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, 0, &err) != 0 ||
	    shard_append(s, &p, &f, &err) != 0 || shard_finish(s, &err) != 0)
		fail_msg("%s", err.text);
	shard_close(s);
	free(path);
}

static size_t
scan_words(const char *dir, const char *words, struct scan_stats *stats)
{
	struct filter f;
	const struct scan_query q = {.dir = dir, .filter = &f};
	struct err err;
	size_t n = 0;

	fixture_filter(&f, words);
	if (scan_run(&q, count, &n, stats, &err) != 0)
		fail_msg("%s: %s", words, err.text);
	filter_release(&f);
	return n;
}

static void
days_without_an_address_are_not_opened(void **state)
{
	enum { N = 60 };
	static const struct {
		const char *words;
		size_t n_flows, n_shards;
	} cases[] = {
	    {"src=10.0.7.1", 1, 1},
	    {"src=10.0.7.2", 0, 0},
	    {"dst=192.0.2.9", 1, 1},
	    {"src=10.0.3.1,10.0.5.1,10.0.200.1", 2, 2},
	    {"src=10.0.3.0/24", 1, 1},
	    {"src=10.0.8.0/21", 8, 8},
	    {"src=10.0.7.1 dst=192.0.2.7 dport=443", 1, 1},
	    {"src=10.0.7.1 dst=192.0.2.8", 0, 0},
	    /* Source or destination: that is for the shard to say. */
	    {"dst=10.0.7.1", 0, 1},
	    /* Every day may have one. */
	    {"src=10.0.0.0/16", N, N},
	    {"src=-10.0.7.1", N - 1, N},
	    {"dport=443", N, N},
	};
	char *path = catalog_path(*state);
	struct scan_stats all, stats;
	struct err err;

	for (int i = 0; i < N; i++)
		finish_pair(*state, i);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_int_equal(scan_words(*state, "", &all), N);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t n = scan_words(*state, cases[i].words, &stats);

		if (n != cases[i].n_flows ||
		    stats.n_shards != cases[i].n_shards)
			fail_msg("%s: %zu flows of %zu shards", cases[i].words,
			    n, stats.n_shards);
		assert_int_equal(stats.n_shards_pruned, N - stats.n_shards);
		assert_int_equal(stats.min_start_ms, all.min_start_ms);
		assert_int_equal(stats.max_end_ms, all.max_end_ms);
	}
	/* The same without the catalog. */
	assert_int_equal(unlink(path), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(scan_words(*state, cases[i].words, &stats),
		    cases[i].n_flows);
		assert_int_equal(stats.n_shards, N);
	}
	free(path);
}

/* What is not in the catalog, or no longer true, is looked up in the shard. */
static void
a_catalog_that_is_no_help_is_no_error(void **state)
{
	enum { MISSING, EMPTY, JUNK, FOREIGN, NEWER, CUT, N_KINDS };
	int64_t from_ms = (int64_t)(first_day() + 1) * MS_PER_DAY;
	char *path = catalog_path(*state);
	struct scan_stats stats;

	fill(*state, 3);
	for (int kind = 0; kind < N_KINDS; kind++) {
		struct err err;

		(void)unlink(path);
		if (kind >= NEWER)
			assert_int_equal(catalog_refresh(*state, &err), 0);
		if (kind == EMPTY)
			days_write(path, 0, "", 0);
		else if (kind == JUNK)
			days_write(path, 0, "some words and no database", 26);
		else if (kind == FOREIGN)
			days_exec(path, "CREATE TABLE shard (day)");
		else if (kind == NEWER)
			days_exec(path, "PRAGMA user_version = 99");
		else if (kind == CUT)
			assert_int_equal(truncate(path, 4096), 0);
		assert_int_equal(scan(*state, from_ms, from_ms + 1, &stats), 1);
		if (stats.n_shards != 3)
			fail_msg("kind %d: %zu shards", kind, stats.n_shards);
		assert_int_equal(stats.n_shards_pruned, 0);
	}
	free(path);
}

/* Flows of another day, imported into a finished shard. */
static void
flows_added_after_finishing_are_found(void **state)
{
	int64_t noon = (int64_t)first_day() * MS_PER_DAY + MS_PER_DAY / 2;
	char *path = store_shard_path(*state, first_day());
	struct flow f = {.start_ms = noon, .end_ms = noon};
	struct packet p = {.n_flows = 1};
	struct scan_stats stats;
	struct shard *s;
	struct err err;

	fill(*state, 2);
	assert_int_equal(scan(*state, noon, noon + 1, &stats), 0);
	assert_int_equal(stats.n_shards, 0);
	assert_int_equal(shard_open_write(&s, path, 0, &err), 0);
	assert_int_equal(shard_append(s, &p, &f, &err), 0);
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(scan(*state, noon, noon + 1, &stats), 1);
	assert_int_equal(shard_finish(s, &err), 0);
	shard_close(s);
	assert_int_equal(scan(*state, noon, noon + 1, &stats), 1);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_int_equal(scan(*state, noon, noon + 1, &stats), 1);
	assert_int_equal(stats.n_shards, 1);
	assert_int_equal(stats.n_shards_pruned, 1);
	free(path);
}

/* Its name was listed, and leads nowhere when it is opened. */
static void
a_shard_removed_while_scanning_is_skipped(void **state)
{
	char *path = store_shard_path(*state, first_day() + 1);
	struct scan_stats stats;

	fill(*state, 3);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(scan(*state, 0, 0, &stats), 60);
	assert_int_equal(stats.n_shards, 2);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(an_hour_of_400_days_opens_the_shards_it_needs),
	    in_store(days_without_an_address_are_not_opened),
	    in_store(a_catalog_that_is_no_help_is_no_error),
	    in_store(flows_added_after_finishing_are_found),
	    in_store(a_shard_removed_while_scanning_is_skipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
