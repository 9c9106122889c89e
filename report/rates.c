/* SPDX-License-Identifier: ISC */
/* Statistics over bins: see rates.h. */
#include "report/rates.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
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
rates_of(struct rates *r, const struct sample *s, size_t n,
    const struct rates_spec *how)
{
	double *rate = xcalloc(n, sizeof *rate);
	double carried = 0, seconds = 0;

	assert(how->n_percentiles <= RATES_MAX_PERCENTILES);
	*r = (struct rates){0};
	r->n = select_rates(s, n, how->nonzero, rate, &carried, &seconds);
	if (r->n > 0) {
		qsort(rate, r->n, sizeof *rate, compare);
		r->max = rate[r->n - 1];
		r->min = rate[0];
		r->avg = seconds > 0 ? carried / seconds : 0;
		for (size_t i = 0; i < how->n_percentiles; i++)
			r->percentile[i] =
			    nearest_rank(rate, r->n, how->percent[i]);
	}
	free(rate);
}

void
percentile_name(double percent, char out[PERCENTILE_NAME_LEN])
{
	int whole = (int)percent;
	const char *suffix = "th";

	if ((double)whole == percent && whole / 10 % 10 != 1) {
		switch (whole % 10) {
		case 1: suffix = "st"; break;
		case 2: suffix = "nd"; break;
		case 3: suffix = "rd"; break;
		default: break;
		}
	}
	snprintf(out, PERCENTILE_NAME_LEN, "%.6g%s", percent, suffix);
}
