/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_RATES_H
#define WEIR_REPORT_RATES_H
/*
 * What is said of a row of rates: largest, smallest, average, percentiles.
 * Every bin counts as one sample, however long it is, but for the average,
 * which is over time: all that was carried by all seconds counted.
 */
#include <stdbool.h>
#include <stddef.h>

enum { RATES_MAX_PERCENTILES = 8, PERCENTILE_NAME_LEN = 16 };

/* The rate of one bin. */
struct sample {
	double rate; /* per second */
	double seconds;
	bool is_known; /* false: nothing was received then, which is not 0 */
};

/* What is asked for. */
struct rates_spec {
	bool nonzero;                          /* samples above zero alone */
	double percent[RATES_MAX_PERCENTILES]; /* in (0, 100] */
	size_t n_percentiles;
};

struct rates {
	size_t n; /* samples counted; of none, all is 0 */
	double max, min, avg;
	double percentile[RATES_MAX_PERCENTILES];
};

/*
 * Over the known samples, or those above zero. A percentile p is
 * the smallest rate of which at least p per cent of the samples are not above:
 * of n samples, ascending, number ceil(p / 100 * n) (nearest rank).
 */
void rates_of(struct rates *r, const struct sample *s, size_t n,
    const struct rates_spec *how);

/* "95th", "99.9th", "1st". */
void percentile_name(double percent, char out[PERCENTILE_NAME_LEN]);

#endif
