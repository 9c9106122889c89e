/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_FLOWVIEWER_H
#define WEIR_REPORT_FLOWVIEWER_H
/*
 * FlowGrapher's own arithmetic, for numbers that must equal those of
 * FlowViewer 4.6: mode=flowviewer. Bits, packets and "flows initiated" are
 * spread over the seconds a flow touches, each with the same share; flows
 * active are their seconds, 1 s at least, by the millisecond. Statistics are
 * cut to whole numbers.
 */
#include <stdbool.h>
#include <stdint.h>

#include "report/grid.h"

enum { FLOWVIEWER_MAX_S = 40 * 86400 }; /* a span's seconds */

struct flowviewer {
	const struct grid *grid; /* borrowed; from its start, whole seconds */
	double *second;          /* sums of the seconds, not divided yet */
	double *bin;             /* or of the bins: active flows */
	size_t n_seconds;
};

/* ERR_USAGE: the grid is not of whole seconds, or too long. */
int flowviewer_init(
    struct flowviewer *fv, const struct grid *g, struct err *err) MUST_CHECK;
void flowviewer_release(struct flowviewer *fv); /* accepts a zeroed struct */

/* value: octets, packets, or 1. */
void flowviewer_add(
    struct flowviewer *fv, int64_t start_ms, int64_t end_ms, uint64_t value);
void flowviewer_add_active(
    struct flowviewer *fv, int64_t start_ms, int64_t end_ms);
/* What another thread has counted with the same grid. */
void flowviewer_merge(struct flowviewer *fv, const struct flowviewer *other);

/* Rates of the grid's bins, per second; of what was added times factor: 8 for
 * bits. */
void flowviewer_rates(const struct flowviewer *fv, double factor, double *rate);

struct flowviewer_statistics {
	uint64_t max, percentile, avg, min;
};

/* percent: FlowViewer's is 95. All n rates, or those above zero. */
struct flowviewer_statistics flowviewer_statistics(
    const double *rate, size_t n, double percent, bool nonzero);

#endif
