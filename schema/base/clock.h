/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_CLOCK_H
#define WEIR_SCHEMA_BASE_CLOCK_H
/*
 * Times are int64_t milliseconds since the epoch, UTC, in half-open ranges
 * [from_ms, to_ms). Text for people is in the local zone (TZ).
 */
#include <stdbool.h>
#include <stdint.h>

struct tm;

enum { MS_PER_S = 1000, MS_PER_DAY = 86400000 };
enum { CLOCK_TEXT_LEN = 40, CLOCK_DAY_LEN = 16 };

int64_t clock_now_ms(void);       /* wall clock */
int64_t clock_monotonic_ms(void); /* for intervals */
/* Whether what was done at done_ms, 0 for never, is to be done again: also
 * after the clock was set back. */
bool clock_is_due(int64_t done_ms, int64_t every_ms, int64_t now_ms);

/* Days since the epoch, UTC; floor, also before 1970. */
int32_t clock_day(int64_t ms);
void clock_format_day(int32_t day, char out[CLOCK_DAY_LEN]); /* YYYY-MM-DD */
bool clock_parse_day(const char *text, int32_t *day);        /* the same */

bool clock_is_zone(const char *name); /* "Europe/Berlin", "UTC" */

/*
 * What "local" is in this thread from now on: a zone of the tz database, such
 * as "Europe/Berlin", or with "" again the process's own (TZ). false: there is
 * no such zone, nothing changed.
 */
bool clock_set_zone(const char *name);
/* What the process's own zone is, a name as above, unless the environment names
 * one (TZ), or this was called before. */
void clock_set_own_zone(const char *name);
const char *clock_get_zone(void);

void clock_to_local(int64_t ms, struct tm *out); /* without milliseconds */
/*
 * The moment that a local time names, tm_year to tm_sec, which may be out of
 * their ranges: the first of two where clocks went back; where they went
 * forward over it, that change. So it is the first moment at which clocks show
 * this time or a later one.
 */
int64_t clock_from_local(const struct tm *tm);

/* "2024-03-01 12:01:00.027", local zone. */
void clock_format_ms(int64_t ms, char out[CLOCK_TEXT_LEN]);
/* "2024-03-01T12:01:00.027Z", UTC; of the years 1000 to 9999. */
void clock_format_iso(int64_t ms, char out[CLOCK_TEXT_LEN]);
/* Name of the local zone at that time, such as "UTC" or "CET". */
void clock_zone(int64_t ms, char out[CLOCK_TEXT_LEN]);

#endif
