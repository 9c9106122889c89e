/* SPDX-License-Identifier: ISC */
/* Moments out of text: see when.h. */
#include "schema/base/when.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "schema/base/attr.h"
#include "schema/base/clock.h"

/* Years 1970-9999: what the format can write and flows can have. */
static const int64_t MAX_EPOCH_S = INT64_C(253402300799);

static const char no_time[] =
    "is no time: want 2024-03-01T12:00, -90m, now or @1709295056";

/* Digits at *p, at least min and at most max of them; *p moves behind. */
static bool
take_digits(const char **p, size_t min, size_t max, int64_t *out)
{
	size_t n = 0;
	int64_t value = 0;

	while (n < max && isdigit((unsigned char)(*p)[n]))
		value = value * 10 + ((*p)[n++] - '0');
	if (n < min)
		return false;
	*p += n;
	*out = value;
	return true;
}

static bool
take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* c and then exactly two digits, at most max. */
static bool
take_field(const char **p, char c, int max, int *out)
{
	int64_t value;

	if (!take_char(p, c) || !take_digits(p, 2, 2, &value) || value > max)
		return false;
	*out = (int)value;
	return true;
}

/* Nothing, or a point and one to three digits: milliseconds. */
static bool
take_fraction(const char **p, int64_t *ms)
{
	const char *digits;

	*ms = 0;
	if (!take_char(p, '.'))
		return true;
	digits = *p;
	if (!take_digits(p, 1, 3, ms))
		return false;
	for (ptrdiff_t n = *p - digits; n < 3; n++)
		*ms *= 10;
	return true;
}

static bool
parse_epoch(const char *text, int64_t *out)
{
	int64_t s, ms;
	bool marked = take_char(&text, '@');

	/* Other lengths, unmarked, are more likely a date typed wrongly. */
	if (!take_digits(&text, marked ? 1 : 9, marked ? 12 : 10, &s) ||
	    !take_fraction(&text, &ms) || *text != '\0' || s > MAX_EPOCH_S)
		return false;
	*out = s * MS_PER_S + ms;
	return true;
}

static bool
parse_relative(const char *text, int64_t now_ms, int64_t *out)
{
	static const struct {
		char unit;
		int64_t ms;
	} units[] = {{'s', MS_PER_S}, {'m', 60 * MS_PER_S},
	    {'h', 3600 * MS_PER_S}, {'d', MS_PER_DAY},
	    {'w', INT64_C(7) * MS_PER_DAY}};
	int64_t n;

	if (strncmp(text, "now", 3) == 0) {
		text += 3;
		if (*text == '\0') {
			*out = now_ms;
			return true;
		}
	}
	if (!take_char(&text, '-') || !take_digits(&text, 1, 9, &n))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (text[0] == units[i].unit && text[1] == '\0') {
			*out = now_ms - n * units[i].ms;
			return true;
		}
	}
	return false;
}

/* A date and time of day as it was written. */
struct written {
	struct tm tm;
	int64_t ms;
	bool has_zone;
	int64_t offset_s; /* with has_zone: east of Greenwich */
};

static bool
take_date(const char **p, struct tm *tm)
{
	int64_t year;

	if (!take_digits(p, 4, 4, &year) || year < 1970 ||
	    !take_field(p, '-', 12, &tm->tm_mon) ||
	    !take_field(p, '-', 31, &tm->tm_mday))
		return false;
	tm->tm_year = (int)year - 1900;
	tm->tm_mon--;
	return true;
}

/* From the T or blank on. */
static bool
take_time_of_day(const char **p, struct written *w)
{
	if (!take_field(p, **p == ' ' ? ' ' : 'T', 23, &w->tm.tm_hour) ||
	    !take_field(p, ':', 59, &w->tm.tm_min))
		return false;
	if (**p != ':')
		return true;
	return take_field(p, ':', 59, &w->tm.tm_sec) &&
	       take_fraction(p, &w->ms);
}

/* Nothing, Z, +HH:MM or -HH:MM. */
static bool
take_zone(const char **p, struct written *w)
{
	char sign = **p;
	int hours, minutes;

	if (sign == '\0')
		return true;
	w->has_zone = true;
	if (take_char(p, 'Z'))
		return true;
	if ((sign != '+' && sign != '-') || !take_field(p, sign, 23, &hours) ||
	    !take_field(p, ':', 59, &minutes))
		return false;
	w->offset_s = (hours * 60 + minutes) * 60;
	if (sign == '-')
		w->offset_s = -w->offset_s;
	return true;
}

static bool
parse_written(const char *text, struct written *w)
{
	*w = (struct written){0};
	if (!take_date(&text, &w->tm))
		return false;
	if (*text == '\0')
		return true;
	return take_time_of_day(&text, w) && take_zone(&text, w) &&
	       *text == '\0';
}

/* Whether normalizing a into b changed the day or the time of day. */
static bool
same_fields(const struct tm *a, const struct tm *b)
{
	return a->tm_mday == b->tm_mday && a->tm_mon == b->tm_mon &&
	       a->tm_hour == b->tm_hour && a->tm_min == b->tm_min;
}

/*
 * Summer time is tried first, so that of two moments the earlier is taken:
 * with tm_isdst = -1 glibc chooses by the offset of an earlier call.
 */
static bool
local_epoch(const struct tm *tm, int64_t *out)
{
	for (int dst = 1; dst >= 0; dst--) {
		struct tm copy = *tm;

		copy.tm_isdst = dst;
		*out = mktime(&copy);
		if (same_fields(tm, &copy))
			return true;
	}
	return false;
}

static const char *
parse_date(const char *text, int64_t *out)
{
	struct written w;
	struct tm copy;
	int64_t s;

	if (!parse_written(text, &w))
		return no_time;
	copy = w.tm;
	s = timegm(&copy);
	if (!same_fields(&w.tm, &copy))
		return "is no time: that month has no such day";
	if (w.has_zone)
		s -= w.offset_s;
	else if (!local_epoch(&w.tm, &s))
		return "is no local time: the clocks skipped it";
	*out = s * MS_PER_S + w.ms;
	return NULL;
}

const char *
when_parse(const char *text, int64_t now_ms, int64_t *out)
{
	if (parse_epoch(text, out) || parse_relative(text, now_ms, out))
		return NULL;
	return parse_date(text, out);
}
