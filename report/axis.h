/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_AXIS_H
#define WEIR_REPORT_AXIS_H
/*
 * Scales that people read at a glance: round steps with SI prefixes for
 * values, the local clock and calendar for times. No two labels of an axis are
 * the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AXIS_TEXT_LEN = 32, AXIS_RANGE_LEN = 80, AXIS_MAX_TICKS = 64 };

/* Lines at 0, step, 2 step, ... n step, where n step is not below the largest
 * value. */
struct value_axis {
	double step; /* 1, 2 or 5 times a power of ten */
	unsigned n;
	int exponent; /* of all labels: 3 for k, 6 for M, ... */
	int decimals;
};

/* n is max_steps at most, and at least 1; max < 0 counts as 0. */
void value_axis_for(struct value_axis *a, double max, unsigned max_steps);
double value_axis_top(const struct value_axis *a);
/* Of line i: "0", "2.5 M". */
void value_axis_label(
    const struct value_axis *a, unsigned i, char out[AXIS_TEXT_LEN]);

/* Three digits that count and a prefix: "84.2 M", "999", "0.031", "0". */
void si_format(double value, char out[AXIS_TEXT_LEN]);

struct time_tick {
	int64_t at_ms;
	bool is_major; /* a new day among hours, month among days, year */
	char text[AXIS_TEXT_LEN];
};

/* Ticks in [from_ms, to_ms], at most max_ticks <= AXIS_MAX_TICKS; how many. */
size_t time_axis(
    struct time_tick *out, int64_t from_ms, int64_t to_ms, size_t max_ticks);

/* "14:05:00 - 14:10:00", "22 Nov 23:55 - 23 Nov 00:10": a bin, for a title. */
void time_range_format(
    int64_t from_ms, int64_t to_ms, char out[AXIS_RANGE_LEN]);

#endif
