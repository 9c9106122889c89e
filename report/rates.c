/* SPDX-License-Identifier: ISC */
/* Statistics over bins: see rates.h. */
#include "report/rates.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "schema/base/mem.h"

static int
compare(const void *px, const void *py)
{
	const double *x = px, *y = py;

	return (*x > *y) - (*x < *y);
}

/* The rates that count, unsorted; sums up what they carried and lasted. */
static size_t
select_rates(const struct sample *s, size_t n, bool nonzero, double *rate,
    double *carried, double *seconds)
{
	size_t n_counted = 0;

	for (size_t i = 0; i < n; i++) {
		if (!s[i].is_known || (nonzero && s[i].rate <= 0))
			continue;
		rate[n_counted++] = s[i].rate;
		*carried += s[i].rate * s[i].seconds;
		*seconds += s[i].seconds;
	}
	return n_counted;
}

static double
nearest_rank(const double *sorted, size_t n, double percent)
{
	/* 95 % of 20 is 19, whatever binary fractions make of 0.95. */
	double rank = ceil(percent * (double)n / 100 - 1e-9);

	return sorted[rank < 1 ? 0 : (size_t)rank - 1];
}

void
rates_of(struct rates *r, const struct sample *s, size_t n, bool nonzero,
    const double *percent, size_t n_percentiles)
{
	double *rate = xcalloc(n, sizeof *rate);
	double carried = 0, seconds = 0;

	assert(n_percentiles <= RATES_MAX_PERCENTILES);
	*r = (struct rates){0};
	r->n = select_rates(s, n, nonzero, rate, &carried, &seconds);
	if (r->n > 0) {
		qsort(rate, r->n, sizeof *rate, compare);
		r->max = rate[r->n - 1];
		r->min = rate[0];
		r->avg = seconds > 0 ? carried / seconds : 0;
		for (size_t i = 0; i < n_percentiles; i++)
			r->percentile[i] = nearest_rank(rate, r->n, percent[i]);
	}
	free(rate);
}
