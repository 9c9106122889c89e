/* SPDX-License-Identifier: ISC */
/* Where bins begin and end: on the span, on the clock, over its changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report/grid.h"
#include "schema/base/attr.h"

static const int64_t S = 1000, M = 60 * INT64_C(1000), H = 3600 * INT64_C(1000),
		     D = 24 * 3600 * INT64_C(1000);

static void
set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* Local time as YYYYMMDDhhmm; of an hour that comes twice, the first. */
static int64_t
at(int64_t digits)
{
	struct tm tm = {.tm_min = (int)(digits % 100),
	    .tm_hour = (int)(digits / 100 % 100),
	    .tm_mday = (int)(digits / 10000 % 100),
	    .tm_mon = (int)(digits / 1000000 % 100) - 1,
	    .tm_year = (int)(digits / 100000000) - 1900,
	    .tm_isdst = -1};

	return (int64_t)mktime(&tm) * 1000;
}

static void
make(struct grid *g, int64_t from, int64_t to, int64_t size,
    enum grid_align align)
{
	struct err err = {0};

	if (grid_init(g, from, to, size, align, &err) != 0)
		fail_msg("%s", err.text);
}

/* Whatever the grid: it tiles its span, and each moment is found. */
static void
check_tiles(const struct grid *g, int64_t from, int64_t to)
{
	assert_int_equal(g->edge[0], from);
	assert_int_equal(g->edge[g->n], to);
	for (size_t i = 0; i < g->n; i++) {
		assert_true(g->edge[i] < g->edge[i + 1]);
		assert_int_equal(grid_find(g, g->edge[i]), i);
		assert_int_equal(grid_find(g, g->edge[i + 1] - 1), i);
	}
}

static void
from_the_start_the_last_bin_is_shorter(void **state)
{
	struct grid g;

	(void)state;
	set_zone("UTC");
	make(&g, 7, 7 + 10 * S + 300, 3 * S, GRID_FROM_START);
	check_tiles(&g, 7, 7 + 10 * S + 300);
	assert_int_equal(g.n, 4);
	assert_int_equal(grid_bin_ms(&g, 0), 3 * S);
	assert_int_equal(grid_bin_ms(&g, 3), S + 300);
	grid_release(&g);
	make(&g, 0, 9 * S, 3 * S, GRID_FROM_START);
	assert_int_equal(g.n, 3);
	assert_int_equal(grid_bin_ms(&g, 2), 3 * S);
	grid_release(&g);
}

static void
on_the_clock_the_ends_are_neither_tiny_nor_huge(void **state)
{
	(void)state;
	set_zone("Asia/Kathmandu"); /* 5:45 east of Greenwich */
	for (int64_t from = at(202403010000); from < at(202403010010);
	     from += 17 * S + 1)
		for (int64_t span = 10 * M; span < 20 * M; span += 41 * S + 7) {
			struct grid g;

			make(&g, from, from + span, 5 * M, GRID_ON_CLOCK);
			check_tiles(&g, from, from + span);
			for (size_t i = 0; i < g.n; i++) {
				assert_true(grid_bin_ms(&g, i) >= 5 * M / 2);
				assert_true(grid_bin_ms(&g, i) <= 15 * M / 2);
			}
			for (size_t i = 1; i < g.n; i++)
				assert_int_equal(
				    (g.edge[i] - at(202403010000)) % (5 * M),
				    0);
			grid_release(&g);
		}
}

/* Rome's clocks: 2024-03-31 02:00 to 03:00, 2024-10-27 03:00 to 02:00. */
static void
days_are_local_days_when_clocks_change(void **state)
{
	static const struct {
		int64_t from, to;
		size_t changed;
		int64_t hours;
	} cases[] = {
	    {202403290000, 202404030000, 2, 23},
	    {202410250000, 202410300000, 2, 25},
	};

	(void)state;
	set_zone("Europe/Rome");
	for (size_t c = 0; c < ARRAY_LEN(cases); c++)
		for (int align = 0; align < 2; align++) {
			int64_t from = at(cases[c].from), to = at(cases[c].to);
			struct grid g;

			make(&g, from, to, D, (enum grid_align)align);
			check_tiles(&g, from, to);
			assert_int_equal(g.n, 5);
			for (size_t i = 0; i < g.n; i++)
				assert_int_equal(grid_bin_ms(&g, i),
				    i == cases[c].changed ? cases[c].hours * H
							  : 24 * H);
			grid_release(&g);
		}
}

static void
days_from_a_time_of_day_keep_it(void **state)
{
	struct grid g;

	(void)state;
	set_zone("Europe/Rome");
	make(
	    &g, at(202403291330) + 5, at(202404031330) + 5, D, GRID_FROM_START);
	assert_int_equal(g.n, 5);
	assert_int_equal(g.edge[3], at(202404011330) + 5);
	grid_release(&g);
}

static void
hours_stand_on_the_clock_when_it_changes(void **state)
{
	struct grid g;

	(void)state;
	set_zone("Europe/Rome");
	make(&g, at(202403310000), at(202404010000), 2 * H, GRID_ON_CLOCK);
	check_tiles(&g, at(202403310000), at(202404010000));
	assert_int_equal(g.n, 12);
	assert_int_equal(g.edge[2], at(202403310400));
	assert_int_equal(grid_bin_ms(&g, 1), 1 * H); /* 02:00 is 03:00 */
	grid_release(&g);
	make(&g, at(202410270000), at(202410280000), 6 * H, GRID_ON_CLOCK);
	assert_int_equal(g.n, 4);
	assert_int_equal(grid_bin_ms(&g, 0), 7 * H);
	assert_int_equal(g.edge[1], at(202410270600));
	grid_release(&g);
	/* Hours of elapsed time stay 60 minutes. */
	make(&g, at(202410270000), at(202410280000), H, GRID_ON_CLOCK);
	assert_int_equal(g.n, 25);
	check_tiles(&g, at(202410270000), at(202410280000));
	grid_release(&g);
}

static void
weeks_begin_on_mondays(void **state)
{
	struct grid g;

	(void)state;
	set_zone("UTC");
	assert_int_equal(grid_floor(at(202611251200), 7 * D), at(202611230000));
	assert_int_equal(grid_floor(at(202611230000), 7 * D), at(202611230000));
	make(&g, at(202601010000), at(202603310000), 7 * D, GRID_ON_CLOCK);
	check_tiles(&g, at(202601010000), at(202603310000));
	assert_int_equal(g.edge[1], at(202601050000));
	grid_release(&g);
}

static void
clock_multiples_are_of_the_local_clock(void **state)
{
	(void)state;
	set_zone("Asia/Kathmandu");
	assert_int_equal(grid_floor(at(202403010130) + 5, H), at(202403010100));
	assert_int_equal(grid_floor(at(202403011130), 6 * H), at(202403010600));
	set_zone("UTC");
	assert_int_equal(grid_floor(-1, S), -S);
}

static void
sizes_are_what_people_count_in(void **state)
{
	static const struct {
		int64_t span;
		size_t max;
		int64_t want;
	} cases[] = {
	    {1000, 100, 100},
	    {300 * 1000, 400, 1000},
	    {3600 * 1000, 400, 10 * 1000},
	    {86400 * 1000, 400, 300 * 1000},
	    {INT64_C(7) * 86400 * 1000, 400, 1800 * 1000},
	    {INT64_C(30) * 86400 * 1000, 400, 7200 * 1000},
	    {INT64_C(1096) * 86400 * 1000, 400, INT64_C(7) * 86400 * 1000},
	    {INT64_C(36500) * 86400 * 1000, 400, INT64_C(364) * 86400 * 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(
		    grid_choose_size(77, 77 + cases[i].span, cases[i].max),
		    cases[i].want);
	/* Past the table as well there is an end. */
	assert_true(
	    grid_choose_size(0, INT64_C(1) << 60, 10) * 10 >= INT64_C(1) << 60);
}

static void
too_few_and_too_many_are_refused(void **state)
{
	struct grid g;
	struct err err = {0};

	(void)state;
	set_zone("UTC");
	assert_int_equal(
	    grid_init(&g, 0, 2 * S - 1, S, GRID_FROM_START, &err), ERR_USAGE);
	assert_non_null(strstr(err.text, "bucket="));
	grid_release(&g);
	make(&g, 0, 2 * S, S, GRID_FROM_START);
	assert_int_equal(g.n, 2);
	grid_release(&g);
	assert_int_equal(
	    grid_init(&g, 0, 30 * D, S, GRID_FROM_START, &err), ERR_USAGE);
	assert_non_null(strstr(err.text, "larger bucket="));
	grid_release(&g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(from_the_start_the_last_bin_is_shorter),
	    cmocka_unit_test(on_the_clock_the_ends_are_neither_tiny_nor_huge),
	    cmocka_unit_test(days_are_local_days_when_clocks_change),
	    cmocka_unit_test(days_from_a_time_of_day_keep_it),
	    cmocka_unit_test(hours_stand_on_the_clock_when_it_changes),
	    cmocka_unit_test(weeks_begin_on_mondays),
	    cmocka_unit_test(clock_multiples_are_of_the_local_clock),
	    cmocka_unit_test(sizes_are_what_people_count_in),
	    cmocka_unit_test(too_few_and_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
