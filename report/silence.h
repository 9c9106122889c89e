/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SILENCE_H
#define WEIR_REPORT_SILENCE_H
/*
 * When nothing arrived, and when flows were lost on the way, from the account
 * that shards keep by the minute.
 */
#include <stdbool.h>

#include "report/grid.h"
#include "schema/base/err.h"

/* Minutes without any datagram that are taken for a silence: a small network
 * has pauses of one or two. */
enum { SILENCE_MINUTES = 5 };

/*
 * For each bin of g: whether it lies in a silence wholly, and which share of
 * the flows sent in the minutes it touches was lost; lost_share is of all of
 * them. What is still to come is silent as well. lost and lost_share may be
 * NULL. Errors are those of opening shards.
 */
int silence_find(const char *dir, const struct grid *g, int64_t now_ms,
    bool *is_silent, double *lost, double *lost_share,
    struct err *err) MUST_CHECK;

#endif
