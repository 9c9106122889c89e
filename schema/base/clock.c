/* SPDX-License-Identifier: ISC */
/* Clocks, days and time as text: see clock.h. */
#include "schema/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * MS_PER_S + ts.tv_nsec / 1000000;
}

int64_t
clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int32_t
clock_day(int64_t ms)
{
	return (int32_t)floor_div(ms, MS_PER_DAY);
}

void
clock_format_day(int32_t day, char out[CLOCK_DAY_LEN])
{
	time_t t = (time_t)day * 86400;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, CLOCK_DAY_LEN, "%Y-%m-%d", &tm);
}

bool
clock_parse_day(const char *text, int32_t *day)
{
	struct tm tm = {0};
	char again[CLOCK_DAY_LEN];
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end == NULL || *end != '\0')
		return false;
	*day = (int32_t)floor_div(timegm(&tm), 86400);
	clock_format_day(*day, again); /* refuses 2026-02-31 and 2026-2-3 */
	return strcmp(again, text) == 0;
}

void
clock_format_ms(int64_t ms, char out[CLOCK_TEXT_LEN])
{
	time_t t = (time_t)floor_div(ms, MS_PER_S);
	struct tm tm;
	size_t len;

	localtime_r(&t, &tm);
	len = strftime(out, CLOCK_TEXT_LEN, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + len, CLOCK_TEXT_LEN - len, ".%03d",
	    (int)(ms - (int64_t)t * MS_PER_S));
}

void
clock_zone(int64_t ms, char out[CLOCK_TEXT_LEN])
{
	time_t t = (time_t)floor_div(ms, MS_PER_S);
	struct tm tm;

	localtime_r(&t, &tm);
	if (strftime(out, CLOCK_TEXT_LEN, "%Z", &tm) == 0)
		snprintf(out, CLOCK_TEXT_LEN, "local time");
}
