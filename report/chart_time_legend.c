/* SPDX-License-Identifier: ISC */
/*
 * The table under a graph over time: what each curve carried, its largest,
 * smallest and average rate, its percentiles. They are of the bins, however
 * wide these are drawn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"
#include "report/flowviewer.h"
#include "schema/base/mem.h"

void
time_chart_colors(const struct time_chart *chart, struct color *out)
{
	const struct timeline *t = chart->timeline;
	uint64_t *hash = xcalloc(t->n_curves + 1, sizeof *hash);
	struct color *color = xcalloc(t->n_curves + 1, sizeof *color);
	size_t n = 0;

	/* Both sides have the same keys in the same order, but a key that is on
	 * one side alone. */
	for (size_t i = 0; i < t->n_curves; i++)
		if (t->curve[i].label != NULL && !t->curve[i].is_others &&
		    (t->curve[i].side == SIDE_ABOVE ||
			!t->has_side[SIDE_ABOVE]))
			hash[n++] = t->curve[i].hash;
	palette_assign(chart->frame.theme, hash, n, color);
	for (size_t i = 0; i < t->n_curves; i++) {
		const struct curve *curve = &t->curve[i];

		out[i] = palette_single(curve->side == SIDE_BELOW);
		if (curve->is_others)
			out[i] = chart->frame.theme->others;
		for (size_t k = 0; k < n && curve->label != NULL; k++)
			if (hash[k] == curve->hash && !curve->is_others)
				out[i] = color[k];
	}
	free(hash);
	free(color);
}

static bool
is_split(const struct timeline *t)
{
	return t->n_curves > 0 && t->curve[0].label != NULL;
}

static void
add_columns(const struct time_chart *chart, struct legend *l)
{
	static const struct legend_column first = {"peak", 100};

	legend_add_column(l, first.name, first.importance);
	for (size_t i = 0; i < chart->stats->n_percentiles; i++) {
		char name[PERCENTILE_NAME_LEN];

		percentile_name(chart->stats->percent[i], name);
		legend_add_column(l, name, i == 0 ? 80 : 10);
	}
	legend_add_column(l, "average", 90);
	legend_add_column(l, "min", 20);
	if (chart->as_flowviewer)
		return;
	if (chart->timeline->load != LOAD_ACTIVE)
		legend_add_column(l, "total", 60);
	if (is_split(chart->timeline))
		legend_add_column(l, "share", 70);
}

static uint64_t
side_total(const struct timeline *t, enum side side)
{
	uint64_t total = 0;

	for (size_t i = 0; i < t->n_curves; i++)
		if (t->curve[i].side == side)
			total += t->curve[i].total;
	return total;
}

static size_t
put_rates(const struct time_chart *chart, const double *rate,
    const bool *is_silent, struct legend_row *row)
{
	const struct grid *g = &chart->timeline->grid;
	struct rates r;
	size_t at = 0;

	timeline_rates(g, rate, is_silent, 0, g->n, chart->stats, &r);
	si_format(r.max, row->value[at++]);
	for (size_t i = 0; i < chart->stats->n_percentiles; i++)
		si_format(r.percentile[i], row->value[at++]);
	si_format(r.avg, row->value[at++]);
	si_format(r.min, row->value[at++]);
	return at;
}

/* Whole numbers, as FlowGrapher prints them. */
static void
put_flowviewer(
    const struct time_chart *chart, const double *rate, struct legend_row *row)
{
	struct flowviewer_statistics s = {0};
	size_t at = 1;

	for (size_t i = 0; i < chart->stats->n_percentiles; i++) {
		s = flowviewer_statistics(rate, chart->timeline->grid.n,
		    chart->stats->percent[i], chart->stats->nonzero);
		snprintf(row->value[at++], AXIS_TEXT_LEN, "%llu",
		    (unsigned long long)s.percentile);
	}
	snprintf(
	    row->value[0], AXIS_TEXT_LEN, "%llu", (unsigned long long)s.max);
	snprintf(
	    row->value[at++], AXIS_TEXT_LEN, "%llu", (unsigned long long)s.avg);
	snprintf(
	    row->value[at], AXIS_TEXT_LEN, "%llu", (unsigned long long)s.min);
}

static void
put_total(const struct time_chart *chart, uint64_t total, uint64_t of,
    struct legend_row *row, size_t at)
{
	enum load load = chart->timeline->load;
	char *text = row->value[at];

	if (load != LOAD_ACTIVE) {
		si_format((double)total, text);
		if (load == LOAD_BITS)
			strncat(text, strchr(text, ' ') != NULL ? "B" : " B",
			    AXIS_TEXT_LEN - strlen(text) - 1);
		text = row->value[at + 1];
	}
	if (of > 0 && is_split(chart->timeline))
		snprintf(text, AXIS_TEXT_LEN, "%.1f %%",
		    (double)total * 100 / (double)of);
}

static void
put_values(const struct time_chart *chart, const double *rate, uint64_t total,
    uint64_t of, struct legend_row *row)
{
	if (chart->as_flowviewer)
		put_flowviewer(chart, rate, row);
	else
		put_total(chart, total, of, row,
		    put_rates(chart, rate, chart->timeline->is_silent, row));
}

static const char *
label_of(const struct time_chart *chart, const struct curve *curve)
{
	if (curve->label != NULL)
		return curve->label;
	if (chart->side_words[curve->side] != NULL)
		return chart->side_words[curve->side];
	return load_infos[chart->timeline->load].title;
}

static void
add_curves(const struct time_chart *chart, struct legend *l, enum side side,
    const struct color *color)
{
	const struct timeline *t = chart->timeline;
	uint64_t all = side_total(t, side);
	struct legend_row *row;
	size_t n = 0;

	for (size_t i = 0; i < t->n_curves; i++) {
		if (t->curve[i].side != side)
			continue;
		row = legend_add(
		    l, MARK_BOX, color[i], label_of(chart, &t->curve[i]));
		put_values(
		    chart, t->curve[i].rate, t->curve[i].total, all, row);
		n++;
	}
	if (n > 1) {
		row = legend_add(
		    l, MARK_TOTAL, chart->frame.theme->text, "total");
		put_values(chart, t->sum[side], all, all, row);
	}
}

static void
add_compared(const struct time_chart *chart, struct legend *l, enum side side)
{
	char label[80];
	struct legend_row *row;

	if (chart->timeline->compare[side] == NULL)
		return;
	snprintf(label, sizeof label, "%s earlier", chart->compared);
	row = legend_add(l, MARK_LINE, chart->frame.theme->quiet, label);
	put_rates(chart, chart->timeline->compare[side],
	    chart->timeline->compare_silent, row);
}

void
time_chart_legend(const struct time_chart *chart, struct legend *l)
{
	static const char *const names[] = {"above", "below"};
	const struct timeline *t = chart->timeline;
	struct color *color = xcalloc(t->n_curves + 1, sizeof *color);

	*l = (struct legend){0};
	add_columns(chart, l);
	time_chart_colors(chart, color);
	for (int s = 0; s < N_SIDES; s++) {
		if (!t->has_side[s])
			continue;
		if (is_split(t) && chart->side_words[s] != NULL) {
			char *heading =
			    xasprintf("%s: %s", names[s], chart->side_words[s]);

			legend_add(l, MARK_HEADING, chart->frame.theme->quiet,
			    heading);
			free(heading);
		}
		add_curves(chart, l, (enum side)s, color);
		add_compared(chart, l, (enum side)s);
	}
	free(color);
}
