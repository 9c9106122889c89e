/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_WHEN_H
#define WEIR_SCHEMA_BASE_WHEN_H
/* A moment as people write it. */
#include <stdint.h>

/*
 * Read text as a moment into *out, epoch milliseconds:
 *   2024-03-01, 2024-03-01T12:00[:SS[.mmm]]   local zone (TZ); also with a
 *       blank for the T; behind a time of day Z or +HH:MM names the zone. Of
 *       the two moments that one local time has when clocks go back, the first.
 *   @1709295056[.mmm], or nine or ten digits   seconds of the epoch
 *   now, -90m, now-90m   before now_ms; units s m h d w (a d is 24 hours)
 * Returns NULL, or what is wrong in words that follow a quotation of text.
 * Source: ISO 8601-1:2019, the extended formats.
 */
const char *when_parse(const char *text, int64_t now_ms, int64_t *out);

#endif
