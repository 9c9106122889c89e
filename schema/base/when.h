/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_WHEN_H
#define WEIR_SCHEMA_BASE_WHEN_H
/*
 * A moment as people write it:
 *   2024-03-01, 2024-03-01T12:00[:SS[.mmm]]   also with a blank for the T;
 *       behind a time of day Z or +HH:MM names the zone, else it is local
 *   01.03.2024, 03/01/2024, 01/03/2024   the same, with or without a time; of
 *       two numbers that may both be a month, WHEN_MDY or WHEN_DMY decides
 *   12:00   today
 *   today, yesterday, tomorrow   at 00:00 or a time of day behind it
 *   now, -90m, now-90m   units s m h d w; a d is 24 hours
 *   @1709295056[.mmm], or nine or ten digits   seconds of the epoch
 * Source: ISO 8601-1:2019, the extended formats.
 */
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "schema/base/complain.h"

struct buf;

/* Which number of a date with slashes is the month. */
enum when_order { WHEN_ASK, WHEN_MDY, WHEN_DMY };

enum when_kind {
	WHEN_EPOCH,   /* ms */
	WHEN_AGO,     /* amount of unit before now */
	WHEN_DAY,     /* amount days after today, and a time of day */
	WHEN_DATE,    /* tm, and a time of day */
	WHEN_SLASHED, /* the same, tm_mon and tm_mday are first and second */
};

struct when {
	enum when_kind kind;
	int64_t ms; /* with a time of day: of its second */
	int64_t amount;
	char unit;
	struct tm tm; /* as written, tm_mon from 0 */
	bool has_time, has_zone;
	int64_t offset_s; /* with has_zone: east of Greenwich */
};

/* Read text. ERR_USAGE: why says what is wrong. */
int when_read(
    struct when *w, const char *text, struct complaint *why) MUST_CHECK;

/* A length of time such as 90m, in ms. */
int when_read_span(
    int64_t *ms, const char *text, struct complaint *why) MUST_CHECK;

/* Settle which number of a date is the month, if that is not clear. */
int when_settle(
    struct when *w, enum when_order order, struct complaint *why) MUST_CHECK;

/* The moment, epoch milliseconds, in this thread's zone; w is settled. */
int64_t when_resolve(const struct when *w, int64_t now_ms);

/* In one spelling, which when_read reads as the same. */
void when_print(const struct when *w, struct buf *out);

#endif
