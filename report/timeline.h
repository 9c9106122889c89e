/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TIMELINE_H
#define WEIR_REPORT_TIMELINE_H
/*
 * The numbers behind a graph: what the flows that pass a filter carried, in
 * bins of time, as one curve or one for each of the keys that carried most.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/scan.h"
#include "report/grid.h"
#include "report/keys.h"
#include "report/load.h"
#include "report/rates.h"
#include "schema/base/err.h"

struct filter;
struct scale;

/* Traffic one way is drawn above the axis, the other below. */
enum side { SIDE_ABOVE, SIDE_BELOW, N_SIDES };

enum { TIMELINE_MAX_TOP = 50 };

struct timeline_query {
	const char *dir;             /* data folder */
	const struct filter *filter; /* its span, else that of the store */
	const struct scale *scale;   /* of octets and packets; NULL: as sent */
	enum load load;
	enum spread spread;
	bool as_flowviewer; /* FlowGrapher's arithmetic */
	int64_t bucket_ms;  /* 0: chosen */
	enum grid_align align;
	size_t max_bins;          /* when chosen */
	struct report_keys split; /* none: one curve */
	size_t top;               /* keys; the rest is "others" */
	bool top_by_peak; /* the largest sums in a bucket, not in the span */
	/* Flows of each side; both NULL: all, above. */
	const struct filter *side[N_SIDES];
	int64_t now_ms;           /* where a span without an end may end */
	struct scan_watch *watch; /* who may end it; NULL: nobody */
	unsigned n_threads;       /* to read with; 0: one for each core */
	int64_t compare_ms;       /* the span so much earlier as well; 0: not */
};

struct curve {
	char *label;   /* values of the keys; NULL without split */
	uint64_t hash; /* for its colour */
	enum side side;
	bool is_others;
	uint64_t *bin;  /* sums: see load.h; NULL as FlowViewer counts */
	uint64_t total; /* of them */
	double *rate;   /* a second, by bin */
};

struct timeline {
	enum load load;
	bool has_span; /* false: the store is empty, and so is all else */
	struct grid grid;
	/* Above, then below; in each the keys by total or peak, the largest
	 * first, then others. */
	struct curve *curve;
	size_t n_curves;
	bool has_side[N_SIDES];
	double *sum[N_SIDES]; /* of the curves; NULL: no such side */
	bool *is_silent;      /* by bin: nothing arrived, which is not zero */
	double *compare[N_SIDES]; /* earlier; NULL: not asked for */
	bool *compare_silent;     /* by bin, then */
	double *lost;             /* by bin: share of the flows sent, 0 to 1 */
	double lost_share;        /* of the span */
	size_t n_silent;          /* bins */
	struct scan_stats stats;  /* of what was read for the curves */
};

/*
 * Read the store. ERR_USAGE: the span has too few or too many bins, or is not
 * one that FlowViewer's way can count; else as scan_run. Release in any case.
 */
int timeline_make(struct timeline *t, const struct timeline_query *q,
    struct err *err) MUST_CHECK;
void timeline_release(struct timeline *t); /* accepts a zeroed struct */

/* Statistics over rates by bin of the bins [from, to), those that are not
 * silent; as rates_of. */
void timeline_rates(const struct grid *g, const double *rate,
    const bool *is_silent, size_t from, size_t to, const struct rates_spec *how,
    struct rates *out);

/* The filter f with another span; borrows what f has. */
struct filter timeline_filter(
    const struct filter *f, int64_t from_ms, int64_t to_ms);

#endif
