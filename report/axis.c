/* SPDX-License-Identifier: ISC */
/* Round steps and their labels: see axis.h. */
#include "report/axis.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "report/grid.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"

/* ---- values ---- */

enum { MAX_EXPONENT = 18 };

static const char prefixes[] = " kMGTPE";

/* The prefix for a value: not below 1 in its unit, if there is one. */
static int
exponent_for(double value)
{
	int exponent = 0;

	while (exponent < MAX_EXPONENT && value >= pow(10, exponent + 3))
		exponent += 3;
	return exponent;
}

static double
step_for(double max, unsigned max_steps)
{
	double raw = max / max_steps;
	double power = pow(10, floor(log10(raw)));
	static const double rounds[] = {1, 2, 5, 10};

	for (size_t i = 0; i < ARRAY_LEN(rounds); i++)
		if (rounds[i] * power * max_steps >= max * (1 - 1e-9))
			return rounds[i] * power;
	return 10 * power;
}

void
value_axis_for(struct value_axis *a, double max, unsigned max_steps)
{
	double unit;

	if (!(max > 1e-9))
		max = 1; /* nothing to show: an axis all the same */
	a->step = step_for(max, max_steps);
	a->n = (unsigned)ceil(max / a->step * (1 - 1e-9));
	/* 200, 400, ... 1000 reads better than 0.2 k, 0.4 k, ... 1.0 k. */
	a->exponent = exponent_for(value_axis_top(a) * 0.999);
	unit = a->step / pow(10, a->exponent);
	a->decimals = unit < 1 ? (int)ceil(-log10(unit) - 1e-9) : 0;
}

double
value_axis_top(const struct value_axis *a)
{
	return a->step * a->n;
}

static void
put_prefix(char out[AXIS_TEXT_LEN], int exponent)
{
	size_t len = strlen(out);

	if (exponent > 0)
		snprintf(out + len, AXIS_TEXT_LEN - len, " %c",
		    prefixes[exponent / 3]);
}

void
value_axis_label(
    const struct value_axis *a, unsigned i, char out[AXIS_TEXT_LEN])
{
	if (i == 0) {
		snprintf(out, AXIS_TEXT_LEN, "0");
		return;
	}
	snprintf(out, AXIS_TEXT_LEN, "%.*f", a->decimals,
	    a->step * i / pow(10, a->exponent));
	put_prefix(out, a->exponent);
}

void
si_format(double value, char out[AXIS_TEXT_LEN])
{
	double size = fabs(value);
	int exponent, decimals;

	/* As it will be rounded: 999.6 is 1.00 k. */
	if (size >= 1)
		size += 0.5 * pow(10, floor(log10(size)) - 2);
	exponent = exponent_for(size);
	size /= pow(10, exponent);
	if (value == 0)
		decimals = 0;
	else if (size >= 1)
		decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
	else
		decimals = size >= 0.0005 ? 3 : 6;
	if (exponent == 0 && value == floor(value))
		decimals = 0; /* 3, not 3.00 */
	snprintf(
	    out, AXIS_TEXT_LEN, "%.*f", decimals, value / pow(10, exponent));
	put_prefix(out, exponent);
}

/* ---- times ---- */

enum time_unit { UNIT_MS, UNIT_MONTH };

enum label {
	LABEL_NONE,
	LABEL_SPLIT,   /* 14:05:00.2 */
	LABEL_SECOND,  /* 14:05:00 */
	LABEL_MINUTE,  /* 14:05 */
	LABEL_DAY,     /* Sat 30 Mar */
	LABEL_WEEKDAY, /* Sat 30 */
	LABEL_DATE,    /* 30 Mar */
	LABEL_MONTH,   /* Mar */
	LABEL_YEAR,    /* 2024 */
};

/* Steps, each with what a tick says, and what it says where something larger
 * begins. */
static const struct time_step {
	enum time_unit unit;
	int64_t size;
	enum label text;
	enum label major;
} steps[] = {
    {UNIT_MS, 100, LABEL_SPLIT, LABEL_NONE},
    {UNIT_MS, 200, LABEL_SPLIT, LABEL_NONE},
    {UNIT_MS, 500, LABEL_SPLIT, LABEL_NONE},
    {UNIT_MS, 1000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 2000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 5000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 10000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 15000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 30000, LABEL_SECOND, LABEL_NONE},
    {UNIT_MS, 60000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 120000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 300000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 600000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 900000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 1800000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 3600000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 7200000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 10800000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 21600000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, 43200000, LABEL_MINUTE, LABEL_DAY},
    {UNIT_MS, MS_PER_DAY, LABEL_WEEKDAY, LABEL_DATE},
    {UNIT_MS, INT64_C(2) * MS_PER_DAY, LABEL_WEEKDAY, LABEL_DATE},
    {UNIT_MS, INT64_C(7) * MS_PER_DAY, LABEL_DATE, LABEL_NONE},
    {UNIT_MONTH, 1, LABEL_MONTH, LABEL_YEAR},
    {UNIT_MONTH, 2, LABEL_MONTH, LABEL_YEAR},
    {UNIT_MONTH, 3, LABEL_MONTH, LABEL_YEAR},
    {UNIT_MONTH, 6, LABEL_MONTH, LABEL_YEAR},
    {UNIT_MONTH, 12, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 24, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 60, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 240, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 1200, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 6000, LABEL_YEAR, LABEL_YEAR},
    {UNIT_MONTH, 24000, LABEL_YEAR, LABEL_YEAR},
};

/* The month whose number since year 0 is a multiple of size, after ms. */
static int64_t
next_month(int64_t ms, int64_t size)
{
	struct tm first = {.tm_mday = 1}, tm;
	int64_t month;

	clock_to_local(ms, &tm);
	month = (tm.tm_year + 1900) * INT64_C(12) + tm.tm_mon;
	month = (month / size + 1) * size;
	first.tm_year = (int)(month / 12) - 1900;
	first.tm_mon = (int)(month % 12);
	return clock_from_local(&first);
}

static int64_t
next_tick(const struct time_step *step, int64_t ms)
{
	return step->unit == UNIT_MONTH ? next_month(ms, step->size)
					: grid_next(ms, step->size);
}

static bool
is_major(const struct time_step *step, const struct tm *tm)
{
	if (step->major == LABEL_NONE)
		return false;
	if (step->unit == UNIT_MONTH)
		return tm->tm_mon == 0;
	if (step->size < MS_PER_DAY)
		return tm->tm_hour == 0 && tm->tm_min == 0;
	return tm->tm_mday <= step->size / MS_PER_DAY;
}

static const char weekdays[][4] = {
    "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/* At out; how long it is. */
static size_t
put_label(char *out, size_t size, enum label label, int64_t ms)
{
	int len = 0, tenth = (int)(ms % MS_PER_S / 100);
	const char *weekday, *month;
	struct tm tm;

	clock_to_local(ms, &tm);
	weekday = weekdays[tm.tm_wday];
	month = months[tm.tm_mon];
	switch (label) {
	case LABEL_SPLIT:
		len = snprintf(out, size, "%02d:%02d:%02d.%d", tm.tm_hour,
		    tm.tm_min, tm.tm_sec, tenth);
		break;
	case LABEL_SECOND:
		len = snprintf(out, size, "%02d:%02d:%02d", tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
		break;
	case LABEL_MINUTE:
		len = snprintf(out, size, "%02d:%02d", tm.tm_hour, tm.tm_min);
		break;
	case LABEL_DAY:
		len =
		    snprintf(out, size, "%s %d %s", weekday, tm.tm_mday, month);
		break;
	case LABEL_WEEKDAY:
		len = snprintf(out, size, "%s %d", weekday, tm.tm_mday);
		break;
	case LABEL_DATE:
		len = snprintf(out, size, "%d %s", tm.tm_mday, month);
		break;
	case LABEL_MONTH: len = snprintf(out, size, "%s", month); break;
	case LABEL_YEAR:
		len = snprintf(out, size, "%d", tm.tm_year + 1900);
		break;
	case LABEL_NONE: break;
	}
	return (size_t)len < size ? (size_t)len : size - 1;
}

static void
label_tick(struct time_tick *tick, const struct time_step *step)
{
	struct tm tm;

	clock_to_local(tick->at_ms, &tm);
	tick->is_major = is_major(step, &tm);
	put_label(tick->text, sizeof tick->text,
	    tick->is_major ? step->major : step->text, tick->at_ms);
}

/* Ticks of one step; more than max is told as max + 1. */
static size_t
count_ticks(const struct time_step *step, int64_t from_ms, int64_t to_ms,
    size_t max, struct time_tick *out)
{
	size_t n = 0;

	for (int64_t at = next_tick(step, from_ms - 1); at <= to_ms;
	     at = next_tick(step, at)) {
		if (n == max)
			return max + 1;
		out[n].at_ms = at;
		n++;
	}
	return n;
}

/* Whether all would be too many, by their size alone: no need to count. */
static bool
is_too_fine(
    const struct time_step *step, int64_t from_ms, int64_t to_ms, size_t max)
{
	int64_t size = step->unit == UNIT_MONTH ? step->size * 28 * MS_PER_DAY
						: step->size;

	return (to_ms - from_ms) / size > (int64_t)(max * 2);
}

size_t
time_axis(
    struct time_tick *out, int64_t from_ms, int64_t to_ms, size_t max_ticks)
{
	size_t n = 0;

	assert(max_ticks >= 1 && max_ticks <= AXIS_MAX_TICKS);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (is_too_fine(&steps[i], from_ms, to_ms, max_ticks))
			continue;
		n = count_ticks(&steps[i], from_ms, to_ms, max_ticks, out);
		if (n > max_ticks)
			continue;
		for (size_t k = 0; k < n; k++)
			label_tick(&out[k], &steps[i]);
		return n;
	}
	return 0;
}

static size_t
put_moment(char *out, size_t size, int64_t ms, bool with_date, bool with_s)
{
	size_t len = 0;

	if (with_date) {
		len = put_label(out, size, LABEL_DATE, ms);
		len += (size_t)snprintf(out + len, size - len, " ");
	}
	len += put_label(
	    out + len, size - len, with_s ? LABEL_SECOND : LABEL_MINUTE, ms);
	if (ms % MS_PER_S != 0)
		len += (size_t)snprintf(
		    out + len, size - len, ".%03d", (int)(ms % MS_PER_S));
	return len;
}

void
time_range_format(int64_t from_ms, int64_t to_ms, char out[AXIS_RANGE_LEN])
{
	bool with_s = from_ms % 60000 != 0 || to_ms % 60000 != 0;
	size_t len = put_moment(out, AXIS_RANGE_LEN, from_ms, true, with_s);
	struct tm from, to;
	bool other_day;

	clock_to_local(from_ms, &from);
	clock_to_local(to_ms, &to);
	other_day = from.tm_yday != to.tm_yday || from.tm_year != to.tm_year;

	len += (size_t)snprintf(out + len, AXIS_RANGE_LEN - len, " - ");
	put_moment(out + len, AXIS_RANGE_LEN - len, to_ms, other_day, with_s);
}
