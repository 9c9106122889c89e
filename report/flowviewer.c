/* SPDX-License-Identifier: ISC */
/*
 * FlowGrapher's bins and statistics: see flowviewer.h.
 * Source: FlowViewer 4.6 (public domain), FlowGrapher_Main.cgi, and the
 * flow-report type linear-interpolated-flows-octets-packets of flow-tools
 * 0.68.5 that it reads.
 */
#include "report/flowviewer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"

int
flowviewer_init(struct flowviewer *fv, const struct grid *g, struct err *err)
{
	int64_t span = g->edge[g->n] - g->edge[0];

	*fv = (struct flowviewer){.grid = g};
	if (g->edge[0] % MS_PER_S != 0 || g->size_ms % MS_PER_S != 0 ||
	    span % g->size_ms != 0)
		return err_set(err, ERR_USAGE,
		    "mode=flowviewer counts in whole seconds and whole "
		    "buckets: from= must be a second, bucket= seconds, and the "
		    "span a multiple of it");
	if (span / MS_PER_S > FLOWVIEWER_MAX_S)
		return err_set(err, ERR_USAGE,
		    "mode=flowviewer takes spans of up to %d days",
		    FLOWVIEWER_MAX_S / 86400);
	fv->n_seconds = (size_t)(span / MS_PER_S);
	fv->second = xcalloc(fv->n_seconds, sizeof *fv->second);
	fv->bin = xcalloc(g->n, sizeof *fv->bin);
	return 0;
}

void
flowviewer_release(struct flowviewer *fv)
{
	free(fv->second);
	free(fv->bin);
	*fv = (struct flowviewer){0};
}

static int64_t
second_of(int64_t ms)
{
	return ms / MS_PER_S - (ms % MS_PER_S < 0);
}

void
flowviewer_add(
    struct flowviewer *fv, int64_t start_ms, int64_t end_ms, uint64_t value)
{
	int64_t from = second_of(fv->grid->edge[0]);
	int64_t first = second_of(start_ms) - from;
	int64_t last = second_of(end_ms) - from;
	double share = (double)value / (double)(last - first + 1);

	if (first < 0)
		first = 0;
	if (last >= (int64_t)fv->n_seconds)
		last = (int64_t)fv->n_seconds - 1;
	for (int64_t s = first; s <= last; s++)
		fv->second[s] += share;
}

/* Seconds of a bin that a flow which goes on in others has in it: from where
 * it starts, all, or to where it ends. */
static double
seconds_in_bin(
    int64_t begin_ms, int64_t size_ms, int64_t start_ms, int64_t end_ms)
{
	int64_t lo = start_ms > begin_ms ? start_ms : begin_ms;
	int64_t stop = begin_ms + size_ms;
	int64_t hi = end_ms < stop ? end_ms : stop;

	return (double)(hi - lo) / MS_PER_S;
}

void
flowviewer_add_active(struct flowviewer *fv, int64_t start_ms, int64_t end_ms)
{
	const struct grid *g = fv->grid;
	int64_t from = g->edge[0], to = g->edge[g->n];
	double length = (double)(end_ms - start_ms) / MS_PER_S;
	double counted = length < 1 ? 1 : length;
	size_t first, last;

	if (end_ms <= from || start_ms >= to)
		return;
	if (length <= 0)
		length = 0.001;
	first = start_ms <= from ? 0 : grid_find(g, start_ms);
	last = end_ms >= to ? g->n - 1 : grid_find(g, end_ms);
	if (first == last && start_ms >= from && end_ms <= to) {
		fv->bin[first] += counted;
		return;
	}
	/* FlowGrapher loses the first part of a flow that starts with the
	 * span and goes on past the first bin. */
	for (size_t i = start_ms == from ? 1 : first; i <= last; i++)
		fv->bin[i] +=
		    counted / length *
		    seconds_in_bin(g->edge[i], g->size_ms, start_ms, end_ms);
}

void
flowviewer_merge(struct flowviewer *fv, const struct flowviewer *other)
{
	for (size_t i = 0; i < fv->n_seconds; i++)
		fv->second[i] += other->second[i];
	for (size_t i = 0; i < fv->grid->n; i++)
		fv->bin[i] += other->bin[i];
}

/*
 * flow-report prints its sums with six decimals, and that is what FlowGrapher
 * adds up. Rounding alike also makes the order of the flows not matter.
 */
static double
as_printed(double sum)
{
	return nearbyint(sum * 1e6) / 1e6;
}

void
flowviewer_rates(const struct flowviewer *fv, double factor, double *rate)
{
	const struct grid *g = fv->grid;
	size_t size_s = (size_t)(g->size_ms / MS_PER_S);

	memcpy(rate, fv->bin, g->n * sizeof *rate);
	for (size_t s = 0; s < fv->n_seconds; s++)
		rate[s / size_s] += as_printed(fv->second[s]) * factor;
	for (size_t i = 0; i < g->n; i++)
		rate[i] /= (double)size_s;
}

static int
compare(const void *px, const void *py)
{
	const double *x = px, *y = py;

	return (*x > *y) - (*x < *y);
}

/* The position of a percentile among n sorted rates, z of them above zero. */
static size_t
percentile_at(size_t n, size_t z, double percent, bool nonzero)
{
	size_t at = nonzero ? n - (z - (size_t)(percent / 100 * (double)z))
			    : (size_t)(percent / 100 * (double)n);

	return at < n ? at : n - 1;
}

struct flowviewer_statistics
flowviewer_statistics(
    const double *rate, size_t n, double percent, bool nonzero)
{
	struct flowviewer_statistics s = {0};
	double *sorted = xcalloc(n, sizeof *sorted);
	double sum = 0;
	size_t z = 0;

	memcpy(sorted, rate, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, compare);
	for (size_t i = 0; i < n; i++) {
		sum += rate[i];
		z += rate[i] > 0;
	}
	if (z > 0) {
		s.max = (uint64_t)sorted[n - 1];
		s.percentile =
		    (uint64_t)sorted[percentile_at(n, z, percent, nonzero)];
		s.avg = (uint64_t)(sum / (double)(nonzero ? z : n));
		s.min = (uint64_t)sorted[nonzero ? n - z : 0];
		if (nonzero && s.min == 0)
			s.min = 1;
	}
	free(sorted);
	return s;
}
