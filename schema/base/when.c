/* SPDX-License-Identifier: ISC */
/* Moments out of text: see when.h. */
#include "schema/base/when.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "schema/base/buf.h"
#include "schema/base/clock.h"

/* Years 1970-9999: what the format can write and flows can have. */
static const int64_t MAX_EPOCH_S = INT64_C(253402300799);

static const struct {
	char unit;
	int64_t ms;
} units[] = {{'s', MS_PER_S}, {'m', 60 * MS_PER_S}, {'h', 3600 * MS_PER_S},
    {'d', MS_PER_DAY}, {'w', INT64_C(7) * MS_PER_DAY}};

/* Days by name, and how many after today. */
static const struct {
	const char *name;
	int64_t days;
} days[] = {{"today", 0}, {"yesterday", -1}, {"tomorrow", 1}};

static int
no_time(struct complaint *why, const char *text)
{
	char shown[QUOTE_LEN];

	complain(why, "\"%s\" is no time", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want 2024-03-01T12:00, 12:00, yesterday "
				  "12:00, -90m, now or @1709295056");
}

/* ---- pieces ---- */

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

/* A number of min to 2 digits from least to most. */
static bool
take_field(const char **p, size_t min, int least, int most, int *out)
{
	int64_t value;

	if (!take_digits(p, min, 2, &value) || value < least || value > most)
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

/* ---- counted times ---- */

static bool
read_epoch(struct when *w, const char *text)
{
	int64_t s, ms;
	bool marked = take_char(&text, '@');

	/* Other lengths, unmarked, are more likely a date typed wrongly. */
	if (!take_digits(&text, marked ? 1 : 9, marked ? 12 : 10, &s) ||
	    !take_fraction(&text, &ms) || *text != '\0' || s > MAX_EPOCH_S)
		return false;
	w->kind = WHEN_EPOCH;
	w->ms = s * MS_PER_S + ms;
	return true;
}

static int64_t
unit_ms(char unit)
{
	for (size_t i = 0; i < ARRAY_LEN(units); i++)
		if (units[i].unit == unit)
			return units[i].ms;
	return 0;
}

/* A number and one letter of units[]; all of text. */
static bool
take_span(const char *text, int64_t *amount, char *unit)
{
	if (!take_digits(&text, 1, 9, amount))
		return false;
	*unit = text[0];
	return unit_ms(text[0]) > 0 && text[1] == '\0';
}

static bool
read_ago(struct when *w, const char *text)
{
	w->kind = WHEN_AGO;
	w->unit = 's';
	if (strncmp(text, "now", 3) == 0) {
		text += 3;
		if (*text == '\0')
			return true;
	}
	return take_char(&text, '-') && take_span(text, &w->amount, &w->unit);
}

int
when_read_span(int64_t *ms, const char *text, struct complaint *why)
{
	int64_t amount;
	char unit, shown[QUOTE_LEN];

	if (take_span(text, &amount, &unit) && amount > 0) {
		*ms = amount * unit_ms(unit);
		return 0;
	}
	complain(
	    why, "\"%s\" is no length of time", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want a number with its unit: 90m, 12h, 7d; "
				  "units are s m h d w");
}

/* ---- dates and times of day ---- */

/* HH:MM[:SS[.mmm]] */
static bool
take_clock(const char **p, struct when *w)
{
	w->has_time = true;
	if (!take_field(p, 2, 0, 23, &w->tm.tm_hour) || !take_char(p, ':') ||
	    !take_field(p, 2, 0, 59, &w->tm.tm_min))
		return false;
	if (!take_char(p, ':'))
		return true;
	return take_field(p, 2, 0, 59, &w->tm.tm_sec) &&
	       take_fraction(p, &w->ms);
}

/* Nothing, Z, +HH:MM or -HH:MM. */
static bool
take_zone(const char **p, struct when *w)
{
	char sign = **p;
	int hours, minutes;

	if (sign == '\0')
		return true;
	w->has_zone = true;
	if (take_char(p, 'Z'))
		return true;
	if ((sign != '+' && sign != '-') || !take_char(p, sign) ||
	    !take_field(p, 2, 0, 23, &hours) || !take_char(p, ':') ||
	    !take_field(p, 2, 0, 59, &minutes))
		return false;
	w->offset_s = (hours * 60 + minutes) * 60;
	if (sign == '-')
		w->offset_s = -w->offset_s;
	return true;
}

/* Nothing, or a time of day behind a T or blank, and its zone, to the end. */
static bool
take_rest(const char *p, struct when *w)
{
	if (*p == '\0')
		return true;
	return (take_char(&p, 'T') || take_char(&p, ' ')) &&
	       take_clock(&p, w) && take_zone(&p, w) && *p == '\0';
}

static bool
read_day(struct when *w, const char *text)
{
	w->kind = WHEN_DAY;
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		size_t len = strlen(days[i].name);

		if (strncmp(text, days[i].name, len) == 0) {
			w->amount = days[i].days;
			/* which day that is depends on the zone */
			return take_rest(text + len, w) && !w->has_zone;
		}
	}
	return take_clock(&text, w) && *text == '\0';
}

static bool
take_year(const char **p, struct tm *tm)
{
	int64_t year;

	if (!take_digits(p, 4, 4, &year) || year < 1970)
		return false;
	tm->tm_year = (int)year - 1900;
	return true;
}

/* 2024-03-01 */
static bool
take_iso(const char **p, struct when *w)
{
	w->kind = WHEN_DATE;
	return take_year(p, &w->tm) && take_char(p, '-') &&
	       take_field(p, 2, 1, 12, &w->tm.tm_mon) && take_char(p, '-') &&
	       take_field(p, 2, 1, 31, &w->tm.tm_mday);
}

/* 01.03.2024, 1.3.2024 */
static bool
take_dotted(const char **p, struct when *w)
{
	w->kind = WHEN_DATE;
	return take_field(p, 1, 1, 31, &w->tm.tm_mday) && take_char(p, '.') &&
	       take_field(p, 1, 1, 12, &w->tm.tm_mon) && take_char(p, '.') &&
	       take_year(p, &w->tm);
}

/* 03/01/2024 or 01/03/2024 */
static bool
take_slashed(const char **p, struct when *w)
{
	w->kind = WHEN_SLASHED;
	return take_field(p, 1, 1, 31, &w->tm.tm_mon) && take_char(p, '/') &&
	       take_field(p, 1, 1, 31, &w->tm.tm_mday) && take_char(p, '/') &&
	       take_year(p, &w->tm);
}

/* Whether normalizing it leaves the date as it is. */
static int
check_day(const struct when *w, struct complaint *why)
{
	struct tm copy = w->tm;

	timegm(&copy);
	if (copy.tm_mday == w->tm.tm_mday && copy.tm_mon == w->tm.tm_mon)
		return 0;
	complain(why, "%04d-%02d-%02d is no day", w->tm.tm_year + 1900,
	    w->tm.tm_mon + 1, w->tm.tm_mday);
	return complain_hint(why, "that month is shorter");
}

static int
read_date(struct when *w, const char *text, struct complaint *why)
{
	static bool (*const takers[])(const char **p, struct when *w) = {
	    take_iso, take_dotted, take_slashed};

	for (size_t i = 0; i < ARRAY_LEN(takers); i++) {
		const char *p = text;

		*w = (struct when){0};
		if (!takers[i](&p, w) || !take_rest(p, w))
			continue;
		w->tm.tm_mon--;
		return w->kind == WHEN_SLASHED ? 0 : check_day(w, why);
	}
	return no_time(why, text);
}

int
when_read(struct when *w, const char *text, struct complaint *why)
{
	static bool (*const readers[])(struct when * w, const char *text) = {
	    read_epoch, read_ago, read_day};

	for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
		*w = (struct when){0};
		if (readers[i](w, text))
			return 0;
	}
	return read_date(w, text, why);
}

/* ---- what it means ---- */

int
when_settle(struct when *w, enum when_order order, struct complaint *why)
{
	int first = w->tm.tm_mon + 1, second = w->tm.tm_mday;

	if (w->kind != WHEN_SLASHED)
		return 0;
	if (order == WHEN_ASK && first <= 12 && second <= 12 &&
	    first != second) {
		complain(why, "%02d/%02d/%d may be in two months", first,
		    second, w->tm.tm_year + 1900);
		return complain_hint(why,
		    "write %d-%02d-%02d or %d-%02d-%02d, or say dates=mdy or "
		    "dates=dmy",
		    w->tm.tm_year + 1900, first, second, w->tm.tm_year + 1900,
		    second, first);
	}
	if (order == WHEN_DMY || (order == WHEN_ASK && first > 12)) {
		w->tm.tm_mon = second - 1;
		w->tm.tm_mday = first;
	}
	if (w->tm.tm_mon > 11) {
		complain(why, "there is no month %d", w->tm.tm_mon + 1);
		return complain_hint(why, "want %s",
		    order == WHEN_DMY ? "dd/mm/yyyy" : "mm/dd/yyyy");
	}
	w->kind = WHEN_DATE;
	return check_day(w, why);
}

/* The day that is so many after today, at the time of day written. */
static struct tm
date_of_day(const struct when *w, int64_t now_ms)
{
	struct tm tm;

	clock_to_local(now_ms, &tm);
	tm.tm_mday += (int)w->amount;
	tm.tm_hour = w->tm.tm_hour;
	tm.tm_min = w->tm.tm_min;
	tm.tm_sec = w->tm.tm_sec;
	timegm(&tm); /* the last day of the month and on */
	return tm;
}

int64_t
when_resolve(const struct when *w, int64_t now_ms)
{
	struct tm tm = w->tm;

	switch (w->kind) {
	case WHEN_EPOCH: return w->ms;
	case WHEN_AGO: return now_ms - w->amount * unit_ms(w->unit);
	case WHEN_DAY: tm = date_of_day(w, now_ms); break;
	case WHEN_DATE:
	case WHEN_SLASHED: break;
	}
	if (w->has_zone)
		return ((int64_t)timegm(&tm) - w->offset_s) * MS_PER_S + w->ms;
	return clock_from_local(&tm) + w->ms;
}

/* ---- printing ---- */

static void
put_fraction(struct buf *out, int64_t ms)
{
	if (ms % MS_PER_S != 0)
		buf_printf(out, ".%03d", (int)(ms % MS_PER_S));
}

static void
put_clock(const struct when *w, struct buf *out)
{
	int64_t offset_min = w->offset_s / 60;

	buf_printf(out, "%02d:%02d", w->tm.tm_hour, w->tm.tm_min);
	if (w->tm.tm_sec != 0 || w->ms != 0)
		buf_printf(out, ":%02d", w->tm.tm_sec);
	put_fraction(out, w->ms);
	if (w->has_zone && offset_min == 0)
		buf_puts(out, "Z");
	else if (w->has_zone)
		buf_printf(out, "%c%02d:%02d", offset_min < 0 ? '-' : '+',
		    (int)(offset_min < 0 ? -offset_min : offset_min) / 60,
		    (int)(offset_min < 0 ? -offset_min : offset_min) % 60);
}

static void
put_date(const struct when *w, struct buf *out)
{
	if (w->kind == WHEN_SLASHED)
		buf_printf(out, "%02d/%02d/%04d", w->tm.tm_mon + 1,
		    w->tm.tm_mday, w->tm.tm_year + 1900);
	else
		buf_printf(out, "%04d-%02d-%02d", w->tm.tm_year + 1900,
		    w->tm.tm_mon + 1, w->tm.tm_mday);
	if (w->has_time) {
		buf_puts(out, "T");
		put_clock(w, out);
	}
}

static void
put_day(const struct when *w, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(days); i++)
		if (days[i].days == w->amount)
			buf_puts(out, days[i].name);
	if (w->has_time) {
		buf_puts(out, "T");
		put_clock(w, out);
	}
}

void
when_print(const struct when *w, struct buf *out)
{
	switch (w->kind) {
	case WHEN_EPOCH:
		buf_printf(out, "@%" PRId64, w->ms / MS_PER_S);
		put_fraction(out, w->ms);
		break;
	case WHEN_AGO:
		if (w->amount == 0)
			buf_puts(out, "now");
		else
			buf_printf(out, "-%" PRId64 "%c", w->amount, w->unit);
		break;
	case WHEN_DAY: put_day(w, out); break;
	case WHEN_DATE:
	case WHEN_SLASHED: put_date(w, out); break;
	}
}
