/* SPDX-License-Identifier: ISC */
/* Rules on synthetic series: when they speak, and with which numbers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/alert_rule.h"
#include "schema/base/attr.h"

enum { STEP_S = 300, DAY_S = 86400, MAX_PERIODS = 1000 };

/*
 * A series is drawn: one letter a period. '.' sound (50), 'x' a miss (150 above
 * a threshold of 100, 50 below it), digits 0-9 that times 100, '?' no value.
 * What comes out: '.' nothing, '!' fired, 'r' recovered.
 */
static double
value_of(const struct alert_rule *rule, char c)
{
	bool below = rule->kind == ALERT_BELOW;

	switch (c) {
	case '.': return below ? 150 : 50;
	case 'x': return below ? 50 : 150;
	case '?': return NAN;
	default: return (c - '0') * 100;
	}
}

static void
run(const struct alert_rule *rule, const char *series, unsigned first_minute,
    char *out)
{
	static double past[MAX_PERIODS];
	struct alert_state state = {0};
	size_t n = strlen(series);
	const int64_t begin = 1700000100;

	for (size_t i = 0; i < n; i++) {
		double before[ALERT_MAX_READINGS];
		int64_t end_s = begin + (int64_t)i * STEP_S;
		struct alert_event e;

		past[i] = value_of(rule, series[i]);
		for (size_t k = 0; k < rule->readings; k++) {
			int64_t at = alert_reading_s(rule, k, end_s, STEP_S);
			int64_t back = (end_s - at) / STEP_S;

			before[k] =
			    back <= (int64_t)i ? past[(int64_t)i - back] : NAN;
		}
		e = alert_step(rule, &state, end_s, STEP_S, past[i], before,
		    (first_minute + (unsigned)i * 5) % 1440);
		out[i] = ".!r"[e.kind];
	}
	out[n] = '\0';
}

#define ABOVE .kind = ALERT_ABOVE, .threshold = 100

static void
thresholds_speak_as_often_as_they_should(void **state)
{
	static const struct {
		const char *name;
		struct alert_rule rule;
		unsigned first_minute;
		const char *series, *want;
	} cases[] = {
	    {"each time", {ABOVE, .in_a_row = 1}, 0, ".x.xx..x", ".!.!!..!"},
	    {"equal is no miss", {ABOVE, .in_a_row = 1}, 0, "112", "..!"},
	    {"below", {.kind = ALERT_BELOW, .threshold = 100, .in_a_row = 1}, 0,
		"x.x1", "!.!."},
	    {"no value is no miss", {ABOVE, .in_a_row = 1}, 0, "x?x", "!.!"},
	    {"below, no value",
		{.kind = ALERT_BELOW, .threshold = 100, .in_a_row = 1}, 0,
		"?x?", ".!."},
	    {"daily", {ABOVE, .in_a_row = 1, .hold_s = DAY_S}, 0, "xx.xx",
		"!...."},
	    {"each third", {ABOVE, .in_a_row = 3}, 0, "xx.xxxxxxx.",
		".....!..!.."},
	    {"a missing value ends a row", {ABOVE, .in_a_row = 3}, 0, "xx?xxx",
		".....!"},
	    {"each sixth", {ABOVE, .in_a_row = 6}, 0, "xxxxxxxxxxxxx",
		".....!.....!."},
	    {"each twelfth", {ABOVE, .in_a_row = 12}, 0,
		"xxxxxxxxxxx.xxxxxxxxxxxxx", ".......................!."},
	    {"daily third", {ABOVE, .in_a_row = 3, .hold_s = DAY_S}, 0,
		"xxxxxx.xxx", "..!......."},
	    {"held for four periods",
		{ABOVE, .in_a_row = 3, .hold_s = 4 * STEP_S}, 0, "xxxxxxxxxx.x",
		"..!...!....."},
	    {"recovery", {ABOVE, .in_a_row = 1, .recovery = true}, 0, ".xx..x.",
		".!!r.!r"},
	    {"no recovery without a message",
		{ABOVE, .in_a_row = 3, .recovery = true}, 0, "xx.xxx.",
		".....!r"},
	    {"a missing value is no recovery",
		{ABOVE, .in_a_row = 1, .recovery = true}, 0, "x??.", "!..r"},
	    {"daily, recovery once",
		{ABOVE, .in_a_row = 1, .hold_s = DAY_S, .recovery = true}, 0,
		"x.x.", "!r.."},
	    /* Quiet from 00:10 to 00:20: the third and fourth period. */
	    {"quiet hours",
		{ABOVE, .in_a_row = 1, .quiet_from = 10, .quiet_to = 20}, 0,
		"xxxxx", "!!..!"},
	    {"a row over quiet hours",
		{ABOVE, .in_a_row = 3, .quiet_from = 10, .quiet_to = 20}, 0,
		"xxxxxxxx", "....!..!"},
	    {"recovery waits for the end of quiet hours",
		{ABOVE, .in_a_row = 1, .recovery = true, .quiet_from = 10,
		    .quiet_to = 20},
		0, "xx...", "!!..r"},
	    {"quiet over midnight",
		{ABOVE, .in_a_row = 1, .quiet_from = 1430, .quiet_to = 5}, 1425,
		"xxxxx", "!...!"},
	    {"no data",
		{.kind = ALERT_NO_DATA, .in_a_row = 2, .recovery = true}, 0,
		"?.??x", "...!r"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[MAX_PERIODS];

		run(&cases[i].rule, cases[i].series, cases[i].first_minute,
		    got);
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: %s gives %s, not %s", cases[i].name,
			    cases[i].series, got, cases[i].want);
	}
}

static void
daily_speaks_again_after_a_day(void **state)
{
	const struct alert_rule rule = {ABOVE, .in_a_row = 1, .hold_s = DAY_S};
	char series[DAY_S / STEP_S + 3], got[MAX_PERIODS];

	(void)state;
	memset(series, 'x', sizeof series - 1);
	series[sizeof series - 1] = '\0';
	run(&rule, series, 0, got);
	for (size_t i = 0; i < sizeof series - 1; i++)
		assert_int_equal(got[i], i % (DAY_S / STEP_S) == 0 ? '!' : '.');
}

/* The three that FlowViewer has: 6 readings and 2.67, 12 and 4, 12 and 3. */
static void
sigma_looks_at_the_periods_before(void **state)
{
	static const struct {
		unsigned readings;
		double k;
	} types[] = {{6, 2.67}, {12, 4}, {12, 3}};

	(void)state;
	for (size_t t = 0; t < ARRAY_LEN(types); t++) {
		const struct alert_rule rule = {.kind = ALERT_SIGMA,
		    .readings = types[t].readings,
		    .k = types[t].k,
		    .in_a_row = 1};
		double before[12], sum = 0, squares = 0, mean, limit;
		struct alert_state s = {0};
		struct alert_event e;

		for (unsigned i = 0; i < rule.readings; i++) {
			before[i] = 1000 + 10 * (i % 5);
			sum += before[i];
		}
		mean = sum / rule.readings;
		for (unsigned i = 0; i < rule.readings; i++)
			squares += pow(before[i] - mean, 2);
		limit = floor(
		    mean + rule.k * sqrt(squares / (rule.readings - 1)) + 0.5);

		e = alert_step(&rule, &s, 300, STEP_S, limit, before, 0);
		assert_int_equal(e.kind, ALERT_QUIET);
		assert_true(e.limit == limit && fabs(e.mean - mean) < 1e-9);
		e = alert_step(&rule, &s, 600, STEP_S, limit + 1, before, 0);
		assert_int_equal(e.kind, ALERT_FIRED);

		/* One unknown reading: nothing can be said. */
		before[3] = NAN;
		e = alert_step(&rule, &s, 900, STEP_S, 1e9, before, 0);
		assert_int_equal(e.kind, ALERT_QUIET);
		assert_true(isnan(e.limit));
	}
}

static void
weeks_need_one_of_them(void **state)
{
	const struct alert_rule rule = {
	    .kind = ALERT_WEEKS, .readings = 3, .k = 1.5, .in_a_row = 1};
	const double two[] = {100, NAN, 300}, none[] = {NAN, NAN, NAN};
	struct alert_state s = {0};
	struct alert_event e;

	(void)state;
	assert_int_equal(
	    alert_reading_s(&rule, 1, 1700000100, STEP_S), 1698790500);
	e = alert_step(&rule, &s, 300, STEP_S, 300, two, 0);
	assert_int_equal(e.kind, ALERT_QUIET);
	assert_true(e.mean == 200 && e.limit == 300);
	e = alert_step(&rule, &s, 600, STEP_S, 301, two, 0);
	assert_int_equal(e.kind, ALERT_FIRED);
	e = alert_step(&rule, &s, 900, STEP_S, 1e9, none, 0);
	assert_int_equal(e.kind, ALERT_QUIET);
}

static void
a_message_tells_of_the_whole_row(void **state)
{
	const struct alert_rule rule = {ABOVE, .in_a_row = 3, .recovery = true};
	const double values[] = {110, 170, 120, 130, 90};
	struct alert_state s = {0};
	struct alert_event e = {0};

	(void)state;
	for (int i = 0; i < 3; i++)
		e = alert_step(
		    &rule, &s, 300 * (i + 1), STEP_S, values[i], NULL, 0);
	assert_int_equal(e.kind, ALERT_FIRED);
	assert_int_equal(e.n_misses, 3);
	assert_int_equal(e.first_miss_s, 300);
	assert_true(e.worst == 170 && e.limit == 100 && e.miss);
	for (int i = 3; i < 5; i++)
		e = alert_step(
		    &rule, &s, 300 * (i + 1), STEP_S, values[i], NULL, 0);
	assert_int_equal(e.kind, ALERT_RECOVERED);
	assert_int_equal(e.first_miss_s, 300);
	assert_true(e.worst == 170 && !e.miss);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(thresholds_speak_as_often_as_they_should),
	    cmocka_unit_test(daily_speaks_again_after_a_day),
	    cmocka_unit_test(sigma_looks_at_the_periods_before),
	    cmocka_unit_test(weeks_need_one_of_them),
	    cmocka_unit_test(a_message_tells_of_the_whole_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
