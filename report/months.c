/* SPDX-License-Identifier: ISC */
/* Bins into months: see months.h. A bin belongs to the month it begins in. */
#include "report/months.h"

#include <stdlib.h>
#include <time.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"

/* Its name and its length; returns its end. */
static int64_t
name_month(struct month *m, int64_t ms, int64_t bin_ms)
{
	struct tm first = {.tm_mday = 1}, tm;
	int64_t begin, end;

	clock_to_local(ms, &tm);
	strftime(m->name, sizeof m->name, "%Y-%m", &tm);
	first.tm_year = tm.tm_year;
	first.tm_mon = tm.tm_mon;
	begin = clock_from_local(&first);
	first.tm_mon++;
	end = clock_from_local(&first);
	m->n_possible = (size_t)((end - begin) / bin_ms);
	return end;
}

static size_t
end_of_month(const struct grid *g, size_t from, int64_t end_ms)
{
	size_t i = from + 1;

	while (i < g->n && g->edge[i] < end_ms)
		i++;
	return i;
}

static void
fill_side(struct month *m, const struct timeline *t, enum side side,
    size_t from, size_t to, const struct rates_spec *how)
{
	struct rates *r = &m->rates[side];

	timeline_rates(&t->grid, t->sum[side], t->is_silent, from, to, how, r);
	if (how->n_percentiles > 0 && r->percentile[0] > m->billed)
		m->billed = r->percentile[0];
	for (size_t k = 0; k < t->n_curves; k++)
		for (size_t i = from; i < to && t->curve[k].side == side; i++)
			m->total[side] += t->curve[k].bin[i];
}

void
months_make(struct months *months, const struct timeline *t,
    const struct rates_spec *how)
{
	const struct grid *g = &t->grid;

	*months = (struct months){0};
	for (size_t i = 0; i < g->n;) {
		struct month m = {.from_ms = g->edge[i]};
		int64_t end_ms = name_month(&m, g->edge[i], g->size_ms);
		size_t end = end_of_month(g, i, end_ms);

		for (int s = 0; s < N_SIDES; s++)
			if (t->has_side[s])
				fill_side(&m, t, (enum side)s, i, end, how);
		for (size_t k = i; k < end; k++)
			m.n_samples += !t->is_silent[k];
		months->month = xgrow(months->month, months->n, &months->cap,
		    sizeof *months->month);
		months->month[months->n++] = m;
		i = end;
	}
}

void
months_release(struct months *m)
{
	free(m->month);
	*m = (struct months){0};
}
