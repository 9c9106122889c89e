/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GRID_H
#define WEIR_REPORT_GRID_H
/*
 * Where the bins of a graph begin and end: edge[0] is the span's start,
 * edge[n] its end, and bin i is [edge[i], edge[i + 1]). The first and the last
 * may be shorter or longer than the others, days have 23 to 25 hours.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

/* Ten years of five minutes; a row of 64-bit sums takes 8 MiB. */
enum { GRID_MAX_BINS = 1048576 };

struct grid {
	int64_t *edge; /* n + 1 moments, ascending; owned */
	size_t n;      /* bins */
	int64_t size_ms;
};

enum grid_align {
	/* Bins are counted from the span's start; the last may be shorter. */
	GRID_FROM_START,
	/* Bins begin when the local clock shows a multiple of their size; the
	 * first and the last have half of the size at least, 1.5 at most. */
	GRID_ON_CLOCK,
	/* The same, but the ends are as short as they happen to be. */
	GRID_ON_CLOCK_CUT,
};

/*
 * Bins of size_ms over [from_ms, to_ms), from_ms < to_ms. Sizes of whole days
 * are counted in local days; so are those of two hours and more that stand on
 * the clock. ERR_USAGE: less than 2 bins, or more than GRID_MAX_BINS.
 */
int grid_init(struct grid *g, int64_t from_ms, int64_t to_ms, int64_t size_ms,
    enum grid_align align, struct err *err) MUST_CHECK;
void grid_release(struct grid *g); /* accepts a zeroed struct */

/* A size that people count in, so that the span has at most max_bins. */
int64_t grid_choose_size(int64_t from_ms, int64_t to_ms, size_t max_bins);

/* The local clock's last multiple of size_ms up to ms. */
int64_t grid_floor(int64_t ms, int64_t size_ms);

/* The first such multiple after ms. */
int64_t grid_next(int64_t ms, int64_t size_ms);

/* The bin that ms lies in, which must be within the span. */
static inline size_t
grid_find(const struct grid *g, int64_t ms)
{
	size_t i = (size_t)((ms - g->edge[0]) / g->size_ms);

	if (i >= g->n)
		i = g->n - 1;
	while (g->edge[i] > ms)
		i--;
	while (g->edge[i + 1] <= ms)
		i++;
	return i;
}

static inline int64_t
grid_bin_ms(const struct grid *g, size_t i)
{
	return g->edge[i + 1] - g->edge[i];
}

#endif
