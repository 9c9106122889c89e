/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_VALUES_H
#define WEIR_REPORT_TRACK_VALUES_H
/*
 * The values of many trackings over periods of 300 seconds, from one pass over
 * the flows: each batch goes through all filters.
 */
#include <stddef.h>
#include <stdint.h>

#include "query/scale.h"
#include "report/load.h"
#include "schema/base/err.h"

struct filter;
struct scan_watch;

struct track_job {
	const struct filter *filter; /* without a span */
	struct scale scale;
	enum load load;
};

/* A sum takes 8 bytes, for each thread. */
enum { TRACK_MAX_SUMS = 1 << 20 };

struct track_span {
	int64_t from_s; /* start of the first period */
	size_t n;       /* periods; n * jobs at most TRACK_MAX_SUMS */
};

/*
 * value[j * span->n + i]: a second, of job j in period i. NAN: nothing was
 * heard from any exporter, and no flow of another time reaches into it.
 */
int track_values(const char *dir, const struct track_job *job, size_t n_jobs,
    const struct track_span *span, int64_t now_ms, struct scan_watch *watch,
    double *value, struct err *err) MUST_CHECK;

#endif
