/* SPDX-License-Identifier: ISC */
/* The seven ways to spread a flow over bins: see bins.h. */
#include "report/bins.h"

#include <assert.h>
#include <stdbool.h>

const char *const spread_names[N_SPREADS] = {
    [SPREAD_PROPORTIONAL] = "proportional",
    [SPREAD_UNIFORM] = "uniform",
    [SPREAD_START] = "start",
    [SPREAD_MIDDLE] = "middle",
    [SPREAD_END] = "end",
    [SPREAD_MAXIMUM] = "maximum",
    [SPREAD_MINIMUM] = "minimum",
};

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

uint64_t
part_within(uint64_t value, int64_t start_ms, int64_t end_ms, int64_t from_ms,
    int64_t to_ms)
{
	int64_t lo = larger(start_ms, from_ms);
	int64_t hi = smaller(end_ms + 1, to_ms);
	uint64_t duration = (uint64_t)(end_ms + 1 - start_ms);

	if (lo >= hi)
		return 0;
	if (lo == start_ms && hi == end_ms + 1)
		return value;
	return part_before(value, (uint64_t)(hi - start_ms), duration) -
	       part_before(value, (uint64_t)(lo - start_ms), duration);
}

/*
 * Bins from i on that are wholly within a flow and of the usual size get
 * value * size / duration each. floor of the running sum is carried along as a
 * remainder: long flows over small bins need no division for each.
 */
static size_t
add_whole_bins(uint64_t *bin, const struct grid *g, size_t i, int64_t start_ms,
    int64_t stop_ms, uint64_t value)
{
	uint64_t duration = (uint64_t)(stop_ms - start_ms);
	uint64_t size = (uint64_t)g->size_ms;
	uint64_t rest = value % duration;
	uint64_t each = value / duration * size + rest * size / duration;
	uint64_t more = rest * size % duration;
	uint64_t carry = rest * (uint64_t)(g->edge[i] - start_ms) % duration;

	while (i < g->n && g->edge[i + 1] <= stop_ms &&
	       grid_bin_ms(g, i) == g->size_ms) {
		bin[i] += each;
		carry += more;
		if (carry >= duration) {
			carry -= duration;
			bin[i]++;
		}
		i++;
	}
	return i;
}

static void
add_proportional(uint64_t *bin, const struct grid *g, int64_t start_ms,
    int64_t end_ms, uint64_t value)
{
	int64_t lo = larger(start_ms, g->edge[0]);
	int64_t stop = end_ms + 1;
	int64_t hi = smaller(stop, g->edge[g->n]);
	size_t i = grid_find(g, lo);

	bin[i] +=
	    part_within(value, start_ms, end_ms, g->edge[i], g->edge[i + 1]);
	while (++i < g->n && g->edge[i] < hi) {
		i = add_whole_bins(bin, g, i, start_ms, stop, value);
		if (i == g->n || g->edge[i] >= hi)
			return;
		bin[i] += part_within(
		    value, start_ms, end_ms, g->edge[i], g->edge[i + 1]);
	}
}

/* Bins of the usual size that [from_ms, to_ms) would touch outside the span. */
static uint64_t
bins_outside(const struct grid *g, int64_t from_ms, int64_t to_ms)
{
	if (from_ms >= to_ms)
		return 0;
	return (uint64_t)((to_ms - from_ms + g->size_ms - 1) / g->size_ms);
}

/* The bins that a flow touches: first to last of the span, and outside. */
struct touched {
	size_t first, last;
	uint64_t n_before, n_after;
};

static struct touched
touch(const struct grid *g, int64_t start_ms, int64_t end_ms)
{
	int64_t from = g->edge[0], to = g->edge[g->n];

	return (struct touched){
	    .first = grid_find(g, larger(start_ms, from)),
	    .last = grid_find(g, smaller(end_ms, to - 1)),
	    .n_before = bins_outside(g, start_ms, from),
	    .n_after = bins_outside(g, to, end_ms + 1),
	};
}

static void
add_uniform(uint64_t *bin, const struct touched *t, uint64_t value)
{
	uint64_t n = t->n_before + (t->last - t->first + 1) + t->n_after;

	for (size_t i = t->first; i <= t->last; i++) {
		uint64_t k = t->n_before + (i - t->first);

		bin[i] +=
		    part_before(value, k + 1, n) - part_before(value, k, n);
	}
}

static void
add_at(uint64_t *bin, const struct grid *g, int64_t ms, uint64_t value)
{
	if (ms >= g->edge[0] && ms < g->edge[g->n])
		bin[grid_find(g, ms)] += value;
}

void
bins_add(uint64_t *bin, const struct grid *g, enum spread spread,
    int64_t start_ms, int64_t end_ms, uint64_t value)
{
	struct touched t;

	assert(start_ms <= end_ms);
	if (end_ms < g->edge[0] || start_ms >= g->edge[g->n])
		return;
	switch (spread) {
	case SPREAD_START: add_at(bin, g, start_ms, value); return;
	case SPREAD_END: add_at(bin, g, end_ms, value); return;
	case SPREAD_MIDDLE:
		add_at(bin, g, start_ms + (end_ms - start_ms) / 2, value);
		return;
	case SPREAD_UNIFORM:
	case SPREAD_MAXIMUM:
	case SPREAD_MINIMUM: break;
	case SPREAD_PROPORTIONAL:
	case N_SPREADS:
		add_proportional(bin, g, start_ms, end_ms, value);
		return;
	}
	t = touch(g, start_ms, end_ms);
	if (spread == SPREAD_UNIFORM)
		add_uniform(bin, &t, value);
	else if (spread == SPREAD_MAXIMUM)
		for (size_t i = t.first; i <= t.last; i++)
			bin[i] += value;
	else if (t.first == t.last && t.n_before + t.n_after == 0)
		bin[t.first] += value;
}
