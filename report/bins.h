/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_BINS_H
#define WEIR_REPORT_BINS_H
/*
 * What a flow carried, spread over bins of time. Whole numbers only: what the
 * bins of a span get of a flow is exactly what part_before says of the span,
 * so bins of any size, and spans side by side, add up to the octet. Bins of
 * several threads are merged by adding them.
 *
 * A flow lives from its first to its last millisecond, both included. The
 * ways to spread it are those of SiLK's rwcount (--load-scheme).
 */
#include <stdint.h>

#include "report/grid.h"

enum spread {
	SPREAD_PROPORTIONAL, /* evenly over its milliseconds */
	SPREAD_UNIFORM,      /* the same to each bin it touches */
	SPREAD_START,        /* all to the bin it starts in */
	SPREAD_MIDDLE,       /* all to the bin of its middle */
	SPREAD_END,          /* all to the bin it ends in */
	SPREAD_MAXIMUM,      /* all to each bin it touches: an upper bound */
	SPREAD_MINIMUM,      /* all if it lies in one bin: a lower bound */
	N_SPREADS
};

/* As spread= names them, in the order of enum spread. */
extern const char *const spread_names[N_SPREADS];

/*
 * Of a value that is spread evenly over duration_ms, what lies before its
 * millisecond offset_ms: floor(value * offset_ms / duration_ms) without the
 * product, which may have 96 bits. 0 <= offset_ms <= duration_ms < 2^31.
 */
static inline uint64_t
part_before(uint64_t value, uint64_t offset_ms, uint64_t duration_ms)
{
	return value / duration_ms * offset_ms +
	       value % duration_ms * offset_ms / duration_ms;
}

/* What of value lies in [from_ms, to_ms), by the same rule. */
uint64_t part_within(uint64_t value, int64_t start_ms, int64_t end_ms,
    int64_t from_ms, int64_t to_ms);

/* Add value, carried by a flow of [start_ms, end_ms], to the n bins of g;
 * what lies outside its span is left out. */
void bins_add(uint64_t *bin, const struct grid *g, enum spread spread,
    int64_t start_ms, int64_t end_ms, uint64_t value);

#endif
