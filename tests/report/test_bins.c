/* SPDX-License-Identifier: ISC */
/*
 * Spreading flows over bins against a second, naive way: millisecond after
 * millisecond. SiLK's worked example, FlowViewer's rules, statistics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/bins.h"
#include "report/flowviewer.h"
#include "report/rates.h"
#include "schema/base/attr.h"

static const int64_t S = 1000, M = 60 * INT64_C(1000);

static void
make(struct grid *g, int64_t from, int64_t to, int64_t size,
    enum grid_align align)
{
	struct err err = {0};

	if (grid_init(g, from, to, size, align, &err) != 0)
		fail_msg("%s", err.text);
}

static uint64_t
next(uint64_t *state) /* splitmix64: public domain, Sebastiano Vigna */
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* ---- the naive way ---- */

__extension__ typedef unsigned __int128 u128;

/* What millisecond number k of n gets of value. */
static uint64_t
share_of_ms(uint64_t value, uint64_t k, uint64_t n)
{
	u128 wide = value;

	return (uint64_t)(wide * (k + 1) / n) - (uint64_t)(wide * k / n);
}

/* From the first bin on, one after the other; n: outside. */
static size_t
naive_find(const struct grid *g, int64_t ms)
{
	for (size_t i = 0; i < g->n; i++)
		if (ms >= g->edge[i] && ms < g->edge[i + 1])
			return i;
	return g->n;
}

static void
naive_proportional(uint64_t *bin, const struct grid *g, int64_t start,
    int64_t end, uint64_t value)
{
	uint64_t n = (uint64_t)(end - start + 1);

	for (int64_t ms = start; ms <= end; ms++) {
		size_t i = naive_find(g, ms);

		if (i < g->n)
			bin[i] += share_of_ms(value, (uint64_t)(ms - start), n);
	}
}

struct life {
	int64_t start, end;
	uint64_t value;
};

/* Starts and ends on, before and behind edges, short and long. */
static struct life
random_life(uint64_t *seed, const struct grid *g)
{
	static const uint64_t values[] = {
	    0, 1, 2, 7, 1000, 4294967295, UINT64_C(1) << 50, UINT64_MAX / 4};
	int64_t moment[2];

	for (int i = 0; i < 2; i++) {
		uint64_t r = next(seed);

		if (r % 3 == 0)
			moment[i] = g->edge[r / 3 % (g->n + 1)] +
				    (int)(r >> 40) % 3 - 1;
		else
			moment[i] = g->edge[0] - 500 +
				    (int64_t)(r / 3 %
					      (uint64_t)(g->edge[g->n] -
							 g->edge[0] + 1000));
	}
	return (struct life){
	    .start = moment[0] < moment[1] ? moment[0] : moment[1],
	    .end = moment[0] < moment[1] ? moment[1] : moment[0],
	    .value = values[next(seed) % ARRAY_LEN(values)],
	};
}

static void
bins_are_as_the_naive_way_has_them(void **state)
{
	static const struct {
		int64_t from, to, size;
		enum grid_align align;
	} grids[] = {
	    {0, 3000, 1000, GRID_FROM_START},
	    {7, 3010, 100, GRID_FROM_START}, /* the last is shorter */
	    {123, 4567, 100, GRID_ON_CLOCK},
	    {-777, 900, 200, GRID_ON_CLOCK},
	    {0, 1000, 1, GRID_FROM_START},
	};
	uint64_t seed = 1;

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(grids); k++) {
		uint64_t got[1000], want[1000];
		struct grid g;

		make(&g, grids[k].from, grids[k].to, grids[k].size,
		    grids[k].align);
		for (int n = 0; n < 300; n++) {
			struct life f = random_life(&seed, &g);

			memset(got, 0, sizeof got);
			memset(want, 0, sizeof want);
			bins_add(got, &g, SPREAD_PROPORTIONAL, f.start, f.end,
			    f.value);
			naive_proportional(want, &g, f.start, f.end, f.value);
			for (size_t i = 0; i < g.n; i++)
				if (got[i] != want[i])
					fail_msg("grid %zu, flow %lld..%lld of "
						 "%llu: bin %zu has %llu, not "
						 "%llu",
					    k, (long long)f.start,
					    (long long)f.end,
					    (unsigned long long)f.value, i,
					    (unsigned long long)got[i],
					    (unsigned long long)want[i]);
		}
		grid_release(&g);
	}
}

/* Also where the product would have 96 bits: a week of 2^63 octets. */
static void
spans_side_by_side_add_up_to_the_octet(void **state)
{
	static const int64_t week = INT64_C(7) * 86400 * 1000;
	uint64_t seed = 2;

	(void)state;
	for (int n = 0; n < 200; n++) {
		uint64_t value = next(&seed) >> (next(&seed) % 40 + 1);
		int64_t end = (int64_t)(next(&seed) % (uint64_t)week);
		int64_t cut = (int64_t)(next(&seed) % (uint64_t)(end + 1));
		uint64_t bin[800] = {0}, sum = 0;
		struct grid g;

		assert_true(part_within(value, 0, end, -10, cut) +
				part_within(value, 0, end, cut, end + 9) ==
			    value);
		make(&g, cut / 2, cut / 2 + 700 * M, M, GRID_FROM_START);
		bins_add(bin, &g, SPREAD_PROPORTIONAL, 0, end, value);
		for (size_t i = 0; i < g.n; i++)
			sum += bin[i];
		assert_true(
		    sum == part_within(value, 0, end, g.edge[0], g.edge[g.n]));
		grid_release(&g);
	}
}

/* The example of rwcount(1): 9,000 bytes from 12:03:50 to 12:06:20 and 200
 * within 12:04, bins of a minute from 12:03 on. */
static void
silk_example_comes_out(void **state)
{
	static const struct {
		const char *name;
		uint64_t want[4];
	} rows[] = {
	    {"proportional", {600, 3800, 3600, 1200}},
	    {"uniform", {2250, 2450, 2250, 2250}},
	    {"start", {9000, 200, 0, 0}},
	    {"middle", {0, 200, 9000, 0}},
	    {"end", {0, 200, 0, 9000}},
	    {"maximum", {9000, 9200, 9000, 9000}},
	    {"minimum", {0, 200, 0, 0}},
	};
	struct grid g;

	(void)state;
	make(&g, 3 * M, 7 * M, M, GRID_FROM_START);
	assert_int_equal(ARRAY_LEN(rows), N_SPREADS);
	for (int i = 0; i < N_SPREADS; i++) {
		uint64_t bin[4] = {0};

		assert_string_equal(spread_names[i], rows[i].name);
		bins_add(bin, &g, (enum spread)i, 3 * M + 50 * S,
		    6 * M + 20 * S - 1, 9000);
		bins_add(bin, &g, (enum spread)i, 4 * M + 10 * S,
		    4 * M + 30 * S, 200);
		if (memcmp(bin, rows[i].want, sizeof bin) != 0)
			fail_msg("%s: %llu %llu %llu %llu", rows[i].name,
			    (unsigned long long)bin[0],
			    (unsigned long long)bin[1],
			    (unsigned long long)bin[2],
			    (unsigned long long)bin[3]);
	}
	grid_release(&g);
}

/* What each way has of a flow that goes past both ends of the span: as if the
 * bins went on. */
static void
ways_leave_out_what_is_outside(void **state)
{
	static const uint64_t want[N_SPREADS][2] = {
	    [SPREAD_PROPORTIONAL] = {600, 600},
	    [SPREAD_UNIFORM] = {500, 500},
	    [SPREAD_MIDDLE] = {3000, 0},
	    [SPREAD_MAXIMUM] = {3000, 3000},
	};
	struct grid g;

	(void)state;
	make(&g, 10 * S, 12 * S, S, GRID_FROM_START);
	for (int i = 0; i < N_SPREADS; i++) {
		uint64_t bin[2] = {0};

		/* 8.5 to 13.5: bins 8, 9, [10, 11], 12, 13 */
		bins_add(bin, &g, (enum spread)i, 8500, 13499, 3000);
		if (i == SPREAD_MIDDLE) /* of 5,000 ms: 10,999 */
			assert_int_equal(bin[0], 3000);
		assert_memory_equal(bin, want[i], sizeof bin);
	}
	grid_release(&g);
}

static void
one_bin_that_holds_all_is_the_minimum(void **state)
{
	uint64_t bin[2] = {0};
	struct grid g;

	(void)state;
	make(&g, 0, 2 * S, S, GRID_FROM_START);
	bins_add(bin, &g, SPREAD_MINIMUM, 0, 999, 5);
	bins_add(bin, &g, SPREAD_MINIMUM, 0, 1000, 7);
	bins_add(bin, &g, SPREAD_MINIMUM, -1, 5, 11); /* begins outside */
	assert_int_equal(bin[0], 5);
	assert_int_equal(bin[1], 0);
	grid_release(&g);
}

/* ---- FlowViewer ---- */

static void
seconds_get_equal_shares(void **state)
{
	struct flowviewer fv;
	struct grid g;
	struct err err = {0};
	double rate[9], first[9], second[9];

	(void)state;
	make(&g, 100 * S, 109 * S, S, GRID_FROM_START);
	assert_int_equal(flowviewer_init(&fv, &g, &err), 0);
	/* 10.9 s: seconds 100 to 110, of which the last two are outside. */
	flowviewer_add(&fv, 100 * S, 110 * S + 900, 5000);
	flowviewer_add(&fv, 103 * S + 999, 104 * S, 3); /* 1 ms: two seconds */
	flowviewer_rates(&fv, 1, rate);
	for (size_t i = 0; i < g.n; i++)
		assert_true(
		    rate[i] == 454.545455 + (i == 3 || i == 4 ? 1.5 : 0));
	flowviewer_rates(&fv, 8, first);
	assert_true(first[0] == 454.545455 * 8);
	flowviewer_release(&fv);
	/* Two threads, or the other order, make no difference. */
	for (int swap = 0; swap < 2; swap++) {
		struct flowviewer part;
		uint64_t seed = 5;

		assert_int_equal(flowviewer_init(&fv, &g, &err), 0);
		assert_int_equal(flowviewer_init(&part, &g, &err), 0);
		for (int i = 0; i < 500; i++) {
			int64_t start = 95 * S + (int64_t)(next(&seed) % 14000);
			int64_t end = start + (int64_t)(next(&seed) % 9000);

			flowviewer_add(
			    (i % 2 != 0) == (swap != 0) ? &fv : &part, start,
			    end, next(&seed) % 100000);
		}
		flowviewer_merge(&fv, &part);
		flowviewer_rates(&fv, 8, swap != 0 ? second : first);
		flowviewer_release(&part);
		flowviewer_release(&fv);
	}
	assert_memory_equal(first, second, sizeof first);
	grid_release(&g);
}

static void
active_flows_follow_flowgrapher(void **state)
{
	static const struct {
		int64_t start, end; /* ms from the span's start */
		double want[3];     /* seconds in bins of 10 s */
	} cases[] = {
	    {1000, 4000, {3, 0, 0}},
	    {1000, 1200, {1, 0, 0}}, /* 1 s at least */
	    {1000, 1000, {1, 0, 0}},
	    {1000, 25000, {9, 10, 5}},
	    {-5000, 4000, {4, 0, 0}}, /* begun before */
	    {-5000, 15000, {10, 5, 0}},
	    {25000, 40000, {0, 0, 5}}, /* ends behind */
	    {-5000, 99000, {10, 10, 10}},
	    {0, 15000, {0, 5, 0}},        /* its own rule: see the source */
	    {9600, 10400, {0.5, 0.5, 0}}, /* 0.8 s counts as 1 */
	    {-9000, 0, {0, 0, 0}},
	    {30000, 31000, {0, 0, 0}},
	};
	struct grid g;
	struct err err = {0};

	(void)state;
	make(&g, 100 * S, 130 * S, 10 * S, GRID_FROM_START);
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct flowviewer fv;
		double rate[3];

		assert_int_equal(flowviewer_init(&fv, &g, &err), 0);
		flowviewer_add_active(
		    &fv, 100 * S + cases[c].start, 100 * S + cases[c].end);
		flowviewer_rates(&fv, 1, rate);
		for (size_t i = 0; i < 3; i++)
			if (rate[i] * 10 - cases[c].want[i] > 1e-9 ||
			    cases[c].want[i] - rate[i] * 10 > 1e-9)
				fail_msg("case %zu, bin %zu: %f, not %f", c, i,
				    rate[i] * 10, cases[c].want[i]);
		flowviewer_release(&fv);
	}
	grid_release(&g);
}

static void
flowviewer_wants_whole_seconds(void **state)
{
	static const struct {
		int64_t from, to, size;
	} bad[] = {{1, 10001, 1000}, {0, 9500, 1000}, {0, 9000, 1500},
	    {0, 9000, 2000}, {0, INT64_C(41) * 86400 * 1000, 86400 * 1000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct flowviewer fv;
		struct grid g;
		struct err err = {0};

		make(&g, bad[i].from, bad[i].to, bad[i].size, GRID_FROM_START);
		assert_int_equal(flowviewer_init(&fv, &g, &err), ERR_USAGE);
		assert_non_null(strstr(err.text, "mode=flowviewer"));
		flowviewer_release(&fv);
		grid_release(&g);
	}
}

static void
flowviewer_statistics_are_cut(void **state)
{
	double rate[40] = {0};
	struct flowviewer_statistics s;

	(void)state;
	for (size_t i = 0; i < 20; i++)
		rate[i * 2] = (double)i + 0.9; /* 0.9 to 19.9, and 20 zeros */
	s = flowviewer_statistics(rate, 40, 95, false);
	assert_int_equal(s.max, 19);
	assert_int_equal(s.min, 0);
	assert_int_equal(s.avg, 5);         /* 208 / 40 = 5.2 */
	assert_int_equal(s.percentile, 18); /* number 38 from 0 */
	s = flowviewer_statistics(rate, 40, 95, true);
	assert_int_equal(s.min, 1); /* 0.9 cut is 0, which cannot be */
	assert_int_equal(s.avg, 10);
	assert_int_equal(s.percentile, 19); /* 40 - (20 - 19) = 39 */
	memset(rate, 0, sizeof rate);
	s = flowviewer_statistics(rate, 40, 95, true);
	assert_int_equal(s.max + s.min + s.avg + s.percentile, 0);
}

/* ---- statistics ---- */

static void
statistics_are_over_known_time(void **state)
{
	static const struct sample samples[] = {{10, 1, true}, {0, 1, true},
	    {40, 1, true}, {0, 5, false}, {20, 0.5, true}, {30, 1, true}};
	struct rates_spec how = {
	    .percent = {95, 50, 100, 1, 80, 20}, .n_percentiles = 6};
	struct rates r;

	(void)state;
	rates_of(&r, samples, ARRAY_LEN(samples), &how);
	assert_int_equal(r.n, 5);
	assert_true(r.max == 40 && r.min == 0);
	assert_true(r.avg == 90 / 4.5);
	assert_true(r.percentile[0] == 40 && r.percentile[1] == 20);
	assert_true(r.percentile[2] == 40 && r.percentile[3] == 0);
	assert_true(r.percentile[4] == 30 && r.percentile[5] == 0);
	how.nonzero = true;
	rates_of(&r, samples, ARRAY_LEN(samples), &how);
	assert_int_equal(r.n, 4);
	assert_true(r.min == 10 && r.avg == 90 / 3.5);
	assert_true(r.percentile[1] == 20);
	rates_of(&r, samples + 3, 1, &how);
	assert_int_equal(r.n, 0);
	assert_true(r.max == 0 && r.percentile[0] == 0);
}

/* 95 % of 20, 40, ... samples leaves exactly 1, 2, ... above. */
static void
ranks_are_exact(void **state)
{
	static const struct rates_spec how = {
	    .percent = {95}, .n_percentiles = 1};
	struct sample s[200];

	(void)state;
	for (size_t n = 20; n <= 200; n += 20) {
		struct rates r;

		for (size_t i = 0; i < n; i++)
			s[i] = (struct sample){(double)i + 1, 1, true};
		rates_of(&r, s, n, &how);
		assert_true(r.percentile[0] == (double)(n - n / 20));
	}
}

static void
percentiles_have_names(void **state)
{
	static const struct {
		double percent;
		const char *want;
	} cases[] = {{95, "95th"}, {99.9, "99.9th"}, {1, "1st"}, {2, "2nd"},
	    {3, "3rd"}, {11, "11th"}, {12, "12th"}, {53, "53rd"},
	    {1.5, "1.5th"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[PERCENTILE_NAME_LEN];

		percentile_name(cases[i].percent, name);
		assert_string_equal(name, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bins_are_as_the_naive_way_has_them),
	    cmocka_unit_test(spans_side_by_side_add_up_to_the_octet),
	    cmocka_unit_test(silk_example_comes_out),
	    cmocka_unit_test(ways_leave_out_what_is_outside),
	    cmocka_unit_test(one_bin_that_holds_all_is_the_minimum),
	    cmocka_unit_test(seconds_get_equal_shares),
	    cmocka_unit_test(active_flows_follow_flowgrapher),
	    cmocka_unit_test(flowviewer_wants_whole_seconds),
	    cmocka_unit_test(flowviewer_statistics_are_cut),
	    cmocka_unit_test(statistics_are_over_known_time),
	    cmocka_unit_test(ranks_are_exact),
	    cmocka_unit_test(percentiles_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
