/* SPDX-License-Identifier: ISC */
/* Clocks, days and time as text: see clock.h. */
#include "schema/base/clock.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

bool
clock_is_due(int64_t done_ms, int64_t every_ms, int64_t now_ms)
{
	return done_ms == 0 || now_ms < done_ms || now_ms - done_ms >= every_ms;
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

/* ---- zones ---- */

enum { TZ_MAX_LEN = 256, PATH_MAX_LEN = 512 };

/*
 * glibc knows one zone at a time, that of the environment variable TZ. Threads
 * that want different ones take turns: leave_zone ends what enter_zone began.
 * The variable is changed in place, as setenv(3) would move the environment
 * under the feet of other threads.
 */
static pthread_mutex_t zone_lock = PTHREAD_MUTEX_INITIALIZER;
static char zone_variable[3 + TZ_MAX_LEN] = "TZ=";
static const char unset_zone[] = ":/etc/localtime"; /* what that means */
static char zone_own[TZ_MAX_LEN];                   /* TZ as it was */
static _Thread_local char zone_wanted[TZ_MAX_LEN];  /* "": zone_own */

static void
enter_zone(void)
{
	char *value = zone_variable + 3;
	const char *tz, *want;

	pthread_mutex_lock(&zone_lock);
	tz = getenv("TZ");
	if (tz != value) {
		if (zone_wanted[0] == '\0')
			return;
		snprintf(zone_own, sizeof zone_own, "%s",
		    tz != NULL ? tz : unset_zone);
		value[0] = '\0';
		putenv(zone_variable);
	}
	want = zone_wanted[0] != '\0' ? zone_wanted : zone_own;
	if (strcmp(value, want) != 0) {
		snprintf(value, TZ_MAX_LEN, "%s", want);
		tzset();
	}
}

static void
leave_zone(void)
{
	pthread_mutex_unlock(&zone_lock);
}

/* Whether it is a file of compiled zone information (RFC 9636). */
static bool
is_zone_file(const char *name)
{
	const char *folder = getenv("TZDIR");
	char path[PATH_MAX_LEN], magic[4];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof path, "%s/%s",
	    folder != NULL ? folder : "/usr/share/zoneinfo", name);
	f = fopen(path, "rbe");
	if (f != NULL) {
		found = fread(magic, sizeof magic, 1, f) == 1 &&
			memcmp(magic, "TZif", sizeof magic) == 0;
		fclose(f);
	}
	return found;
}

bool
clock_is_zone(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_+-/";

	return strlen(name) < sizeof zone_wanted && name[0] != '\0' &&
	       name[0] != '/' && name[strspn(name, allowed)] == '\0' &&
	       (strcmp(name, "UTC") == 0 || is_zone_file(name));
}

bool
clock_set_zone(const char *name)
{
	if (name[0] != '\0' && !clock_is_zone(name))
		return false;
	snprintf(zone_wanted, sizeof zone_wanted, "%s", name);
	return true;
}

void
clock_set_own_zone(const char *name)
{
	const char *tz;

	pthread_mutex_lock(&zone_lock);
	tz = getenv("TZ");
	if (tz == NULL) {
		(void)setenv("TZ", name, 1);
		tzset();
	} else if (tz == zone_variable + 3 && strcmp(zone_own, unset_zone) == 0)
		snprintf(zone_own, sizeof zone_own, "%s", name);
	pthread_mutex_unlock(&zone_lock);
}

const char *
clock_get_zone(void)
{
	return zone_wanted;
}

static void
local_time(time_t t, struct tm *out)
{
	enter_zone();
	localtime_r(&t, out);
	leave_zone();
}

/* ---- local times ---- */

void
clock_to_local(int64_t ms, struct tm *out)
{
	local_time((time_t)floor_div(ms, MS_PER_S), out);
}

/* What clocks are ahead of UTC at t. */
static int64_t
offset_at(int64_t t)
{
	struct tm tm;

	local_time((time_t)t, &tm);
	return tm.tm_gmtoff;
}

/* mktime(3) leaves open which of two moments it takes, and what a time is that
 * was skipped. */
int64_t
clock_from_local(const struct tm *tm)
{
	struct tm copy = *tm;
	int64_t written = timegm(&copy); /* as if at offset 0 */
	int64_t before = offset_at(written - 86400);
	int64_t after = offset_at(written + 86400);
	int64_t lo, hi;

	/* The larger offset is the earlier moment. */
	lo = written - (before > after ? before : after);
	hi = written - (before > after ? after : before);
	if (lo + offset_at(lo) == written)
		return lo * MS_PER_S;
	if (hi + offset_at(hi) == written)
		return hi * MS_PER_S;
	/* The change is behind lo, where clocks show too little, and not
	 * behind hi. */
	while (hi - lo > 1) {
		int64_t middle = lo + (hi - lo) / 2;

		if (middle + offset_at(middle) < written)
			lo = middle;
		else
			hi = middle;
	}
	return hi * MS_PER_S;
}

/* len characters are there; the milliseconds and end come behind. */
static void
put_ms(char out[CLOCK_TEXT_LEN], size_t len, int64_t ms, const char *end)
{
	int64_t rest = ms - floor_div(ms, MS_PER_S) * MS_PER_S;

	snprintf(out + len, CLOCK_TEXT_LEN - len, ".%03d%s", (int)rest, end);
}

void
clock_format_ms(int64_t ms, char out[CLOCK_TEXT_LEN])
{
	struct tm tm;

	local_time((time_t)floor_div(ms, MS_PER_S), &tm);
	put_ms(out, strftime(out, CLOCK_TEXT_LEN, "%Y-%m-%d %H:%M:%S", &tm), ms,
	    "");
}

void
clock_format_iso(int64_t ms, char out[CLOCK_TEXT_LEN])
{
	time_t t = (time_t)floor_div(ms, MS_PER_S);
	struct tm tm;

	gmtime_r(&t, &tm);
	put_ms(out, strftime(out, CLOCK_TEXT_LEN, "%Y-%m-%dT%H:%M:%S", &tm), ms,
	    "Z");
}

void
clock_zone(int64_t ms, char out[CLOCK_TEXT_LEN])
{
	struct tm tm;

	/* tm_zone stays: glibc keeps the names of all zones it has met. */
	clock_to_local(ms, &tm);
	snprintf(out, CLOCK_TEXT_LEN, "%s", tm.tm_zone);
}
