/* SPDX-License-Identifier: ISC */
/* A store pulled: the same flows as a scan pushes, however it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/scan.h"
#include "query/walk.h"
#include "schema/base/attr.h"
#include "schema/catalog.h"
#include "tests/query/fixture.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum {
	COLUMNS = 1 << COL_EXPORTER | 1 << COL_SRC_ADDR | 1 << COL_END_MS |
		  1 << COL_OCTETS,
};

static int
make_store(void **state)
{
	*state = temp_new();
	fixture_make_store(*state);
	return 0;
}

static int
remove_store(void **state)
{
	temp_remove(*state);
	return 0;
}

/* Three days of 400 flows: sealed in part, one without indexes. */
static void
fill(const char *dir)
{
	static const size_t steps[] = {SIZE_MAX, 9, 0};
	uint64_t rng = 1;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int32_t day = clock_day(NOW_MS) - (int32_t)i;
		int64_t from_ms = (int64_t)day * MS_PER_DAY;
		struct fixture_flow *flows = fixture_flows(
		    &rng, 400, from_ms, from_ms + 3600 * MS_PER_S);

		fixture_store(dir, day, flows, 400, 150, steps[i]);
		free(flows);
	}
}

/* ---- what came, as one number that depends on the order ---- */

struct sum {
	uint64_t n, hash;
};

static void
add(struct sum *s, const struct batch *b)
{
	char exporter[ADDR_TEXT_LEN];

	for (size_t i = 0; i < b->n; i++) {
		addr_format(&b->exporters[b->col[COL_EXPORTER][i]], exporter);
		s->n++;
		for (const char *p = exporter; *p != '\0'; p++)
			s->hash = s->hash * 31 + (unsigned char)*p;
		s->hash = s->hash * 31 + (uint64_t)b->col[COL_SRC_ADDR][i];
		s->hash = s->hash * 31 + (uint64_t)b->col[COL_END_MS][i];
		s->hash = s->hash * 31 + (uint64_t)b->col[COL_OCTETS][i];
	}
}

static int
push(const struct batch *b, void *arg, struct err *err)
{
	(void)err;
	add(arg, b);
	return 0;
}

static struct sum
scan(const char *dir, const struct filter *f)
{
	const struct scan_query q = {
	    .dir = dir, .filter = f, .columns = COLUMNS};
	struct scan_stats stats;
	struct sum s = {0};
	struct err err;

	if (scan_run(&q, push, &s, &stats, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static struct walk *
open_walk(const char *dir)
{
	struct walk *w;
	struct err err;

	if (walk_open(&w, dir, NULL, NULL, &err) != 0)
		fail_msg("%s", err.text);
	return w;
}

static struct sum
walk(struct walk *w, const struct filter *f, size_t max)
{
	const struct walk_want want = {.filter = f, .columns = COLUMNS};
	const struct batch *b;
	struct sum s = {0};
	struct err err;
	int rc;

	walk_begin(w, &want);
	while ((rc = walk_next(w, max, &b, &err)) == 1) {
		assert_in_range(b->n, 1, max);
		add(&s, b);
	}
	if (rc != 0)
		fail_msg("%s", err.text);
	return s;
}

static void
it_gives_what_a_scan_gives(void **state)
{
	static const char *const filters[] = {"", "src=10.0.0.0/24",
	    "dport=443 flags=S/SA", "exporter=192.0.2.1", "sport=0,53",
	    "from=2024-02-29T00:10Z to=2024-03-01T00:20Z", "src=1.2.3.4"};
	static const size_t sizes[] = {1, 7, 100, BATCH_MAX};
	struct walk *w;

	fill(*state);
	w = open_walk(*state);
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		struct filter f;
		struct sum want;

		fixture_filter(&f, filters[i]);
		want = scan(*state, &f);
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++) {
			struct sum got = walk(w, &f, sizes[k]);

			if (got.n != want.n || got.hash != want.hash)
				fail_msg("%s by %zu: %ju flows, want %ju",
				    filters[i], sizes[k], (uintmax_t)got.n,
				    (uintmax_t)want.n);
		}
		filter_release(&f);
	}
	walk_close(w);
}

static void
ids_tell_rows_of_a_segment_apart(void **state)
{
	struct walk_want want = {.columns = FLOW_ROW_ID};
	const struct segment *segment = NULL;
	const struct batch *b;
	struct filter f;
	struct walk *w;
	struct err err;
	int64_t last = 0;
	size_t n = 0;

	fill(*state);
	fixture_filter(&f, "dport=443,80");
	want.filter = &f;
	w = open_walk(*state);
	walk_begin(w, &want);
	while (walk_next(w, 5, &b, &err) == 1) {
		if (walk_at(w) != segment)
			last = 0;
		segment = walk_at(w);
		for (size_t i = 0; i < b->n; i++) {
			assert_true(b->id[i] > last);
			assert_true((uint64_t)b->id[i] <= segment->n_flows);
			last = b->id[i];
			n++;
		}
	}
	assert_in_range(n, 100, 600);
	walk_close(w);
	filter_release(&f);
}

/* ---- many days ---- */

static bool
is_odd(void *arg, int32_t day)
{
	(void)arg;
	return day % 2 != 0;
}

static void
only_the_shards_that_can_matter_are_opened(void **state)
{
	enum { N_DAYS = 80 };
	int32_t first = clock_day(NOW_MS) - N_DAYS + 1;
	struct walk_want want = {0};
	const struct batch *b;
	struct filter f, all;
	struct walk *w;
	struct err err;

	for (int32_t i = 0; i < N_DAYS; i++)
		days_finish(*state, first + i, 3, 0);
	if (catalog_refresh(*state, &err) != 0)
		fail_msg("%s", err.text);
	fixture_filter(&f, "from=2024-02-10T00:00Z to=2024-02-11T00:00Z");
	fixture_filter(&all, "");

	w = open_walk(*state);
	assert_int_equal(walk(w, &f, 10).n, 30);
	assert_int_equal(walk_stats(w)->n_shards, 1);
	assert_int_equal(walk_stats(w)->n_shards_pruned, N_DAYS - 1);
	/* What is open stays open; beyond a number it is opened again. */
	assert_int_equal(walk(w, &all, 10).n, 30 * N_DAYS);
	assert_int_equal(walk_stats(w)->n_shards, N_DAYS);
	assert_int_equal(walk(w, &all, 10).n, 30 * N_DAYS);
	assert_in_range(walk_stats(w)->n_shards, N_DAYS, 2 * N_DAYS - 30);
	walk_close(w);

	w = open_walk(*state);
	want = (struct walk_want){.filter = &all, .day = is_odd};
	walk_begin(w, &want);
	while (walk_next(w, 1000, &b, &err) == 1)
		assert_true(is_odd(NULL, walk_day(w)));
	assert_int_equal(walk_stats(w)->n_shards, N_DAYS / 2);
	walk_close(w);
	filter_release(&f);
	filter_release(&all);
}

static void
a_shard_that_went_is_as_if_never_there(void **state)
{
	char *path = store_shard_path(*state, clock_day(NOW_MS));
	struct filter f;
	struct walk *w;

	fill(*state);
	fixture_filter(&f, "");
	w = open_walk(*state);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(walk(w, &f, 100).n, 800);
	walk_close(w);
	filter_release(&f);
	free(path);
}

static bool
count_down(void *arg)
{
	return --*(int *)arg < 0;
}

static void
it_stops_when_told(void **state)
{
	const struct batch *b;
	struct walk_want want = {0};
	struct filter f;
	struct walk *w;
	struct err err;
	int left = 2, rc;

	fill(*state);
	fixture_filter(&f, "");
	want.filter = &f;
	if (walk_open(&w, *state, count_down, &left, &err) != 0)
		fail_msg("%s", err.text);
	walk_begin(w, &want);
	while ((rc = walk_next(w, 1, &b, &err)) == 1)
		continue;
	assert_int_equal(rc, ERR_STOPPED);
	walk_close(w);
	filter_release(&f);
}

static void
a_damaged_shard_is_named(void **state)
{
	char *path = store_shard_path(*state, clock_day(NOW_MS) - 1);
	struct walk_want want = {0};
	const struct batch *b;
	struct filter f;
	struct walk *w;
	struct err err;
	int rc;

	fill(*state);
	days_write(path, 0, "no database", 11);
	fixture_filter(&f, "");
	want.filter = &f;
	w = open_walk(*state);
	walk_begin(w, &want);
	while ((rc = walk_next(w, 1000, &b, &err)) == 1)
		continue;
	assert_int_equal(rc, ERR_CORRUPT);
	assert_non_null(strstr(err.text, path));
	walk_close(w);
	filter_release(&f);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		it_gives_what_a_scan_gives, make_store, remove_store),
	    cmocka_unit_test_setup_teardown(
		ids_tell_rows_of_a_segment_apart, make_store, remove_store),
	    cmocka_unit_test_setup_teardown(
		only_the_shards_that_can_matter_are_opened, make_store,
		remove_store),
	    cmocka_unit_test_setup_teardown(
		a_shard_that_went_is_as_if_never_there, make_store,
		remove_store),
	    cmocka_unit_test_setup_teardown(
		it_stops_when_told, make_store, remove_store),
	    cmocka_unit_test_setup_teardown(
		a_damaged_shard_is_named, make_store, remove_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
