/* SPDX-License-Identifier: ISC */
/* Hours into a week: see heat.h. */
#include "report/heat.h"

#include <time.h>

#include "schema/base/clock.h"

const char heat_day_names[HEAT_DAYS][4] = {
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

/* Where a bin belongs. The first of a span may begin within its hour. */
static struct heat_cell *
cell_of(struct heat *h, int64_t ms)
{
	struct tm tm;

	clock_to_local(ms, &tm);
	return &h->cell[(tm.tm_wday + HEAT_DAYS - 1) % HEAT_DAYS][tm.tm_hour];
}

static void
add_bin(struct heat *h, const struct timeline *t, size_t i)
{
	struct heat_cell *cell = cell_of(h, t->grid.edge[i]);

	if (t->is_silent[i])
		return;
	cell->ms += grid_bin_ms(&t->grid, i);
	for (size_t k = 0; k < t->n_curves; k++)
		cell->sum += t->curve[k].bin[i];
	if (t->sum[SIDE_ABOVE][i] > cell->peak)
		cell->peak = t->sum[SIDE_ABOVE][i];
}

void
heat_make(struct heat *h, const struct timeline *t)
{
	*h = (struct heat){.busiest_day = -1, .busiest_hour = -1};
	for (size_t i = 0; i < t->grid.n; i++)
		add_bin(h, t, i);
	for (int d = 0; d < HEAT_DAYS; d++)
		for (int hour = 0; hour < HEAT_HOURS; hour++) {
			struct heat_cell *cell = &h->cell[d][hour];

			cell->rate = load_rate(t->load, cell->sum, cell->ms);
			if (cell->rate <= h->max)
				continue;
			h->max = cell->rate;
			h->busiest_day = d;
			h->busiest_hour = hour;
		}
}
