/* SPDX-License-Identifier: ISC */
/* Scales: round, distinct, over the changes of the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "report/axis.h"
#include "schema/base/attr.h"

static void
values_get_round_steps(void **state)
{
	static const struct {
		double max;
		const char *want;
	} cases[] = {
	    {0, "0|0.2|0.4|0.6|0.8|1.0|"},
	    {84.2e6, "0|20 M|40 M|60 M|80 M|100 M|"},
	    /* FlowGrapher wrote "1 M" twice here. */
	    {2e6, "0|0.5 M|1.0 M|1.5 M|2.0 M|"},
	    {999, "0|200|400|600|800|1000|"},
	    {1001, "0|0.5 k|1.0 k|1.5 k|"},
	    {0.03, "0|0.01|0.02|0.03|"},
	    {1, "0|0.2|0.4|0.6|0.8|1.0|"},
	    {5, "0|1|2|3|4|5|"},
	    {5.0001, "0|2|4|6|"},
	    {3e18, "0|1 E|2 E|3 E|"},
	};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct value_axis a;
		char got[200] = "", label[AXIS_TEXT_LEN];

		value_axis_for(&a, cases[c].max, 5);
		assert_true(value_axis_top(&a) >= cases[c].max * (1 - 1e-6));
		for (unsigned i = 0; i <= a.n; i++) {
			value_axis_label(&a, i, label);
			strncat(got, label, 40);
			strncat(got, "|", 2);
		}
		if (strcmp(got, cases[c].want) != 0)
			fail_msg(
			    "%g: %s, not %s", cases[c].max, got, cases[c].want);
	}
}

static void
labels_of_values_are_distinct(void **state)
{
	(void)state;
	for (double max = 1e-3; max < 1e17; max *= 1.37) {
		struct value_axis a;
		char before[AXIS_TEXT_LEN], label[AXIS_TEXT_LEN];

		value_axis_for(&a, max, 6);
		assert_true(a.n >= 1 && a.n <= 6);
		value_axis_label(&a, 0, before);
		for (unsigned i = 1; i <= a.n; i++) {
			value_axis_label(&a, i, label);
			assert_string_not_equal(label, before);
			memcpy(before, label, sizeof label);
		}
	}
}

static void
three_digits_and_a_prefix(void **state)
{
	static const struct {
		double value;
		const char *want;
	} cases[] = {{0, "0"}, {84.23e6, "84.2 M"}, {999.6, "1.00 k"},
	    {999.4, "999"}, {3, "3"}, {3.25, "3.25"}, {0.0312, "0.031"},
	    {0.00004, "0.000040"}, {123456, "123 k"}, {9.999e9, "10.0 G"},
	    {1e21, "1000 E"}, {999999, "1.00 M"}, {12, "12"}, {12.34, "12.3"}};

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		char got[AXIS_TEXT_LEN];

		si_format(cases[c].value, got);
		assert_string_equal(got, cases[c].want);
	}
}

/* Local time as YYYYMMDDhhmm. */
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
times_say_what_changes(void **state)
{
	static const struct {
		int64_t from, to;
		const char *want;
	} cases[] = {
	    {202403291200, 202403291201,
		"12:00:00|12:00:10|12:00:20|12:00:30|12:00:40|12:00:50|"
		"12:01:00|"},
	    {202403292355, 202403300005,
		"23:55|23:56|23:57|23:58|23:59|*Sat 30 Mar|00:01|00:02|00:03|"
		"00:04|00:05|"},
	    {202403290000, 202403300000,
		"*Fri 29 Mar|03:00|06:00|09:00|12:00|15:00|18:00|21:00|"
		"*Sat 30 Mar|"},
	    /* clocks go forward at 02:00 */
	    {202403310000, 202403310800,
		"*Sun 31 Mar|01:00|03:00|04:00|05:00|06:00|07:00|08:00|"},
	    {202403300000, 202404010000,
		"*Sat 30 Mar|06:00|12:00|18:00|*Sun 31 Mar|06:00|12:00|18:00|"
		"*Mon 1 Apr|"},
	    /* and back at 03:00 */
	    {202410270000, 202410270600,
		"*Sun 27 Oct|01:00|02:00|02:00|03:00|04:00|05:00|06:00|"},
	    {202403260000, 202404020000,
		"Tue 26|Wed 27|Thu 28|Fri 29|Sat 30|Sun 31|*1 Apr|Tue 2|"},
	    {202403010000, 202404010000, "4 Mar|11 Mar|18 Mar|25 Mar|1 Apr|"},
	    {202310150000, 202407010000,
		"Nov|Dec|*2024|Feb|Mar|Apr|May|Jun|Jul|"},
	    {202301010000, 202601010000,
		"*2023|Jul|*2024|Jul|*2025|Jul|*2026|"},
	};

	(void)state;
	setenv("TZ", "Europe/Rome", 1);
	tzset();
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		struct time_tick tick[12];
		char got[300] = "";
		size_t n =
		    time_axis(tick, at(cases[c].from), at(cases[c].to), 12);

		for (size_t i = 0; i < n; i++) {
			strncat(got, tick[i].is_major ? "*" : "", 2);
			strncat(got, tick[i].text, 40);
			strncat(got, "|", 2);
		}
		if (strcmp(got, cases[c].want) != 0)
			fail_msg("%s, not %s", got, cases[c].want);
	}
}

static void
every_span_has_ticks_that_fit(void **state)
{
	struct time_tick tick[AXIS_MAX_TICKS];
	int64_t from = at(202402281703) + 123;

	(void)state;
	for (double span = 1000; span < 3e13; span *= 1.6)
		for (size_t max = 4; max <= 20; max += 8) {
			int64_t to = from + (int64_t)span;
			size_t n = time_axis(tick, from, to, max);

			assert_true(n >= 1 && n <= max);
			for (size_t i = 0; i < n; i++) {
				assert_true(tick[i].at_ms >= from);
				assert_true(tick[i].at_ms <= to);
				assert_true(i == 0 ||
					    tick[i].at_ms > tick[i - 1].at_ms);
			}
		}
}

static void
ranges_are_short(void **state)
{
	static const struct {
		int64_t from, to;
		const char *want;
	} cases[] = {
	    {202403291405, 202403291410, "29 Mar 14:05 - 14:10"},
	    {202403292355, 202403300000, "29 Mar 23:55 - 30 Mar 00:00"},
	};
	char got[AXIS_RANGE_LEN];

	(void)state;
	for (size_t c = 0; c < ARRAY_LEN(cases); c++) {
		time_range_format(at(cases[c].from), at(cases[c].to), got);
		assert_string_equal(got, cases[c].want);
	}
	time_range_format(
	    at(202403291405) + 10000, at(202403291405) + 20500, got);
	assert_string_equal(got, "29 Mar 14:05:10 - 14:05:20.500");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_get_round_steps),
	    cmocka_unit_test(labels_of_values_are_distinct),
	    cmocka_unit_test(three_digits_and_a_prefix),
	    cmocka_unit_test(times_say_what_changes),
	    cmocka_unit_test(every_span_has_ticks_that_fit),
	    cmocka_unit_test(ranges_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
