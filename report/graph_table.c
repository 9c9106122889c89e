/* SPDX-License-Identifier: ISC */
/*
 * Graphs as tables: see graph_table.h. Rates have three decimals; what is not
 * known, because nothing arrived then, is empty.
 */
#include "report/graph_table.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/flowviewer.h"
#include "report/heat.h"
#include "report/months.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"

enum { TEXT_MAX = 70000, MAX_COLUMNS = 12 };

/* A row in the making: cells of any kind point to the values beside them. */
struct row {
	union table_cell cell[MAX_COLUMNS];
	struct table_value any[MAX_COLUMNS];
	size_t n;
};

static void
put_null(struct row *r)
{
	r->any[r->n] = (struct table_value){.kind = VALUE_NULL};
	r->cell[r->n].any = &r->any[r->n];
	r->n++;
}

static void
put_rate(struct row *r, double rate)
{
	r->any[r->n] = (struct table_value){
	    VALUE_REAL, {.real = nearbyint(rate * 1000) / 1000}};
	r->cell[r->n].any = &r->any[r->n];
	r->n++;
}

static void
put_number(struct row *r, uint64_t number)
{
	r->any[r->n] = (struct table_value){VALUE_NUMBER, {.number = number}};
	r->cell[r->n].any = &r->any[r->n];
	r->n++;
}

static void
put_time(struct row *r, int64_t ms)
{
	r->cell[r->n++].time_ms = ms;
}

static void
put_text(struct row *r, const char *text)
{
	r->cell[r->n++].text = text;
}

struct writing {
	struct out *out;
	const struct timeline *t;
	const struct graph_request *g;
	struct table_column column[MAX_COLUMNS];
	size_t n_columns;
	bool measuring; /* the first of two rounds: widths alone */
	uint64_t n_rows;
};

static void
add_column(struct writing *w, const char *name, const char *heading,
    enum value_kind kind)
{
	assert(w->n_columns < MAX_COLUMNS);
	w->column[w->n_columns++] = (struct table_column){
	    .name = name,
	    .heading = heading,
	    .kind = kind,
	    .right = kind == VALUE_ANY,
	};
}

static void
emit(struct writing *w, const struct row *r)
{
	assert(r->n == w->n_columns);
	if (w->measuring) {
		out_measure(w->out, r->cell);
		return;
	}
	out_row(w->out, r->cell);
	w->n_rows++;
}

/* ---- over time ---- */

static const char *const side_names[] = {"above", "below"};

static bool
has_two_sides(const struct timeline *t)
{
	return t->has_side[SIDE_ABOVE] && t->has_side[SIDE_BELOW];
}

static void
add_time_columns(struct writing *w)
{
	const struct load_info *load = &load_infos[w->g->load];

	add_column(w, "start_ms", "Start", VALUE_TIME);
	add_column(w, "seconds", "Seconds", VALUE_ANY);
	if (has_two_sides(w->t))
		add_column(w, "side", "Side", VALUE_TEXT);
	if (w->g->split != NULL)
		add_column(w, w->g->split, w->g->split, VALUE_TEXT);
	if (!w->g->as_flowviewer)
		add_column(w, load->sum, load->sum, VALUE_ANY);
	add_column(w, load->name, load->title, VALUE_ANY);
	if (w->g->compared != NULL)
		add_column(w, "earlier", "earlier", VALUE_ANY);
}

/* first: of its side and bin; the comparison is of all curves together. */
static void
emit_curve(struct writing *w, const struct curve *c, size_t bin, bool first)
{
	const struct timeline *t = w->t;
	struct row r = {.n = 0};

	put_time(&r, t->grid.edge[bin]);
	put_rate(&r, (double)grid_bin_ms(&t->grid, bin) / MS_PER_S);
	if (has_two_sides(t))
		put_text(&r, side_names[c->side]);
	if (w->g->split != NULL)
		put_text(&r, c->label);
	if (t->is_silent[bin]) {
		if (!w->g->as_flowviewer)
			put_null(&r);
		put_null(&r);
	} else {
		if (!w->g->as_flowviewer)
			put_number(&r, c->bin[bin]);
		put_rate(&r, c->rate[bin]);
	}
	if (w->g->compared != NULL) {
		if (!first || t->compare_silent[bin])
			put_null(&r);
		else
			put_rate(&r, t->compare[c->side][bin]);
	}
	emit(w, &r);
}

static void
emit_times(struct writing *w)
{
	const struct timeline *t = w->t;

	for (size_t i = 0; i < t->grid.n; i++)
		for (size_t k = 0; k < t->n_curves; k++)
			emit_curve(w, &t->curve[k], i,
			    k == 0 || t->curve[k].side != t->curve[k - 1].side);
}

/* ---- hours of the week ---- */

static void
add_heat_columns(struct writing *w)
{
	const struct load_info *load = &load_infos[w->g->load];

	add_column(w, "weekday", "Weekday", VALUE_TEXT);
	add_column(w, "hour", "Hour", VALUE_ANY);
	add_column(w, "seconds", "Seconds", VALUE_ANY);
	add_column(w, load->sum, load->sum, VALUE_ANY);
	add_column(w, load->name, load->title, VALUE_ANY);
	add_column(w, "peak", "Peak", VALUE_ANY);
}

static void
emit_heat(struct writing *w)
{
	struct heat heat;

	heat_make(&heat, w->t);
	for (int d = 0; d < HEAT_DAYS; d++)
		for (int h = 0; h < HEAT_HOURS; h++) {
			const struct heat_cell *c = &heat.cell[d][h];
			struct row r = {.n = 0};

			put_text(&r, heat_day_names[d]);
			put_number(&r, (uint64_t)h);
			put_rate(&r, (double)c->ms / MS_PER_S);
			if (c->ms == 0) {
				put_null(&r);
				put_null(&r);
				put_null(&r);
			} else {
				put_number(&r, c->sum);
				put_rate(&r, c->rate);
				put_rate(&r, c->peak);
			}
			emit(w, &r);
		}
}

/* ---- months ---- */

static void
add_month_columns(struct writing *w)
{
	const struct load_info *load = &load_infos[w->g->load];

	add_column(w, "month", "Month", VALUE_TEXT);
	add_column(w, "billed", "Billed", VALUE_ANY);
	if (has_two_sides(w->t)) {
		add_column(w, "above", "Above", VALUE_ANY);
		add_column(w, "below", "Below", VALUE_ANY);
	}
	add_column(w, "average", "Average", VALUE_ANY);
	add_column(w, "peak", "Peak", VALUE_ANY);
	add_column(w, load->sum, load->sum, VALUE_ANY);
	add_column(w, "samples", "Samples", VALUE_ANY);
	add_column(w, "possible_samples", "of", VALUE_ANY);
}

static void
emit_months(struct writing *w)
{
	struct months months;

	months_make(&months, w->t, &w->g->stats);
	for (size_t i = 0; i < months.n; i++) {
		const struct month *m = &months.month[i];
		const struct rates *above = &m->rates[SIDE_ABOVE];
		const struct rates *below = &m->rates[SIDE_BELOW];
		struct row r = {.n = 0};

		put_text(&r, m->name);
		put_rate(&r, m->billed);
		if (has_two_sides(w->t)) {
			put_rate(&r, above->percentile[0]);
			put_rate(&r, below->percentile[0]);
		}
		put_rate(&r, fmax(above->avg, below->avg));
		put_rate(&r, fmax(above->max, below->max));
		put_number(&r, m->total[SIDE_ABOVE] + m->total[SIDE_BELOW]);
		put_number(&r, m->n_samples);
		put_number(&r, m->n_possible);
		emit(w, &r);
	}
	months_release(&months);
}

/* ---- statistics ---- */

enum { MAX_EXTRA = 2 * (4 + RATES_MAX_PERCENTILES) + 2, EXTRA_NAME = 32 };

/* Beside the table, for programs: members such as "max" or "above_p95". */
struct extras {
	struct table_extra extra[MAX_EXTRA];
	char name[MAX_EXTRA][EXTRA_NAME];
	size_t n;
};

static void
add_extra(struct extras *x, const char *prefix, const char *name, double value)
{
	assert(x->n < MAX_EXTRA);
	snprintf(x->name[x->n], EXTRA_NAME, "%s%s", prefix, name);
	x->extra[x->n] = (struct table_extra){x->name[x->n], VALUE_REAL,
	    {.real = nearbyint(value * 1000) / 1000}};
	x->n++;
}

static void
add_percentile(
    struct extras *x, const char *prefix, double percent, double value)
{
	char name[EXTRA_NAME];

	snprintf(name, sizeof name, "p%.6g", percent);
	add_extra(x, prefix, name, value);
}

static void
add_flowviewer(struct extras *x, const struct writing *w)
{
	const struct rates_spec *how = &w->g->stats;
	struct flowviewer_statistics s = flowviewer_statistics(
	    w->t->sum[SIDE_ABOVE], w->t->grid.n, 95, how->nonzero);

	add_extra(x, "", "max", (double)s.max);
	add_extra(x, "", "average", (double)s.avg);
	add_extra(x, "", "min", (double)s.min);
	for (size_t i = 0; i < how->n_percentiles; i++) {
		s = flowviewer_statistics(w->t->sum[SIDE_ABOVE], w->t->grid.n,
		    how->percent[i], how->nonzero);
		add_percentile(x, "", how->percent[i], (double)s.percentile);
	}
}

static void
add_statistics(struct extras *x, const struct writing *w, enum side side)
{
	const struct timeline *t = w->t;
	const struct rates_spec *how = &w->g->stats;
	const char *prefix = "";
	struct rates r;

	if (has_two_sides(t))
		prefix = side == SIDE_ABOVE ? "above_" : "below_";
	timeline_rates(
	    &t->grid, t->sum[side], t->is_silent, 0, t->grid.n, how, &r);
	add_extra(x, prefix, "max", r.max);
	add_extra(x, prefix, "average", r.avg);
	add_extra(x, prefix, "min", r.min);
	for (size_t i = 0; i < how->n_percentiles; i++)
		add_percentile(x, prefix, how->percent[i], r.percentile[i]);
}

static void
make_extras(struct extras *x, const struct writing *w)
{
	if (w->g->kind != GRAPH_TIME || !w->t->has_span)
		return;
	if (w->g->as_flowviewer) {
		add_flowviewer(x, w);
		return;
	}
	for (int s = 0; s < N_SIDES; s++)
		if (w->t->has_side[s])
			add_statistics(x, w, (enum side)s);
	add_extra(x, "", "lost_share", w->t->lost_share);
}

/* The legend of the picture, for people: the same numbers. */
static void
put_legend(const struct writing *w, struct buf *note)
{
	struct time_chart chart = {
	    .frame = {.theme = w->g->picture.theme},
	    .timeline = w->t,
	    .side_words = {w->g->side_words[0], w->g->side_words[1]},
	    .compared = w->g->compared,
	    .stats = &w->g->stats,
	    .as_flowviewer = w->g->as_flowviewer,
	};
	struct legend l;

	time_chart_legend(&chart, &l);
	buf_printf(note, "%-24s", "");
	for (size_t c = 0; c < l.n_columns; c++)
		buf_printf(note, "%10s", l.column[c].name);
	buf_puts(note, "\n");
	for (size_t i = 0; i < l.n; i++) {
		buf_printf(note, "%-24.60s", l.row[i].label);
		for (size_t c = 0; c < l.n_columns; c++)
			buf_printf(note, "%10s", l.row[i].value[c]);
		buf_puts(note, "\n");
	}
	legend_release(&l);
}

static void
put_notes(const struct writing *w, struct buf *note)
{
	if (w->g->kind == GRAPH_TIME && w->t->n_curves > 0)
		put_legend(w, note);
	if (w->t->n_silent > 0)
		buf_printf(note,
		    "nothing arrived in %zu of %zu buckets, which is not 0\n",
		    w->t->n_silent, w->t->grid.n);
	if (w->t->lost_share > 0)
		buf_printf(note, "%.2f %% of the flows were lost on the way\n",
		    w->t->lost_share * 100);
}

/* ---- all of it ---- */

static const struct kind_of_table {
	void (*columns)(struct writing *w);
	void (*rows)(struct writing *w);
} kinds[] = {
    [GRAPH_TIME] = {add_time_columns, emit_times},
    [GRAPH_HEATMAP] = {add_heat_columns, emit_heat},
    [GRAPH_BILLING] = {add_month_columns, emit_months},
};

static void
write_rows(struct writing *w, struct table_head *head)
{
	const struct kind_of_table *kind = &kinds[w->g->kind];

	kind->columns(w);
	head->column = w->column;
	head->n_columns = w->n_columns;
	out_begin(w->out, head);
	if (!w->t->has_span)
		return;
	w->measuring = w->out->format->measure != NULL;
	if (w->measuring)
		kind->rows(w);
	w->measuring = false;
	kind->rows(w);
}

void
graph_write_table(struct out *out, const struct timeline *t,
    const struct graph_request *g, const struct graph_source *from,
    const struct request *request)
{
	struct writing w = {.out = out, .t = t, .g = g};
	struct table_head head = {.n_keys = 1, .name = "graph"};
	struct extras extras = {.n = 0};
	struct table_foot foot = {0};
	struct buf caption, note;

	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	graph_title(g, &caption);
	buf_printf(&caption, "\n%s%s", from->words,
	    from->words[0] != '\0' ? "\n" : "");
	graph_span(t, &caption);
	buf_puts(&caption, "\n");
	head.caption = buf_str(&caption);
	head.has_from = head.has_to = t->has_span;
	if (t->has_span) {
		head.from_ms = t->grid.edge[0];
		head.to_ms = t->grid.edge[t->grid.n];
	}
	write_rows(&w, &head);
	put_notes(&w, &note);
	request_note(request, &out->style, &t->stats, t->stats.n_flows, &note);
	make_extras(&extras, &w);
	foot.matched = w.n_rows;
	foot.note = buf_str(&note);
	foot.extra = extras.extra;
	foot.n_extra = extras.n;
	out_end(out, &foot);
	buf_release(&caption);
	buf_release(&note);
}
