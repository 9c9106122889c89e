/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_MONTHS_H
#define WEIR_REPORT_MONTHS_H
/*
 * A timeline by calendar months of the local clock, as transit is billed: the
 * 95th percentile of the averages over five minutes, in and out each, of which
 * the larger one is paid for.
 */
#include <stddef.h>
#include <stdint.h>

#include "report/timeline.h"

enum { MONTH_NAME_LEN = 16 };

struct month {
	char name[MONTH_NAME_LEN]; /* "2024-03" */
	int64_t from_ms;           /* of what the span has of it */
	struct rates rates[N_SIDES];
	uint64_t total[N_SIDES]; /* sums: see load.h */
	double billed; /* the larger of the first percentiles of the sides */
	size_t n_samples, n_possible; /* buckets known, and in all of the month
				       */
};

struct months {
	struct month *month; /* owned */
	size_t n, cap;
};

void months_make(
    struct months *m, const struct timeline *t, const struct rates_spec *how);
void months_release(struct months *m); /* accepts a zeroed struct */

#endif
