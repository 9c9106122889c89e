/* SPDX-License-Identifier: ISC */
/*
 * Rates over time as areas on each other: see chart.h. Bins are drawn as the
 * steps they are. Where nothing arrived the areas have a gap.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

enum {
	AXIS_ROOM = 24,  /* below the plot: loss, labels of times */
	LEGEND_GAP = 14, /* between those and the legend */
	NOTES_GAP = 8,
	MAX_STEPS = 6,      /* of the value axis, one side */
	MAX_STEPS_EACH = 4, /* the larger one of two sides */
	TICK_WIDTH = 76,    /* a label of time, with air */
	MAX_HOVERS = 2000,  /* titles in an SVG */
	AREA_SHARE = 85,    /* per cent: colour of areas; lines have all */
};

static const double LINE_WIDTH = 1.5;

/* The bins as they are drawn: several together where they would be narrower
 * than half a pixel. */
struct columns_of {
	size_t n;
	size_t each; /* bins in a column */
};

struct plot {
	struct canvas *canvas;
	const struct time_chart *chart;
	const struct timeline *t;
	const struct theme *theme;
	struct rect at;
	struct value_axis axis;
	unsigned n_steps[N_SIDES];
	double zero_y;
	struct columns_of columns;
	struct color *color; /* of the curves */
	double tag_y;        /* of the last one beside the plot */
};

/* ---- bins to columns ---- */

static struct columns_of
count_columns(const struct timeline *t, double width)
{
	struct columns_of c = {.each = 1};

	while ((double)t->grid.n / (double)c.each > width * 2)
		c.each++;
	c.n = (t->grid.n + c.each - 1) / c.each;
	return c;
}

static size_t
first_bin(const struct plot *p, size_t column)
{
	size_t bin = column * p->columns.each;

	return bin < p->t->grid.n ? bin : p->t->grid.n;
}

static double
column_x(const struct plot *p, size_t column)
{
	const struct grid *g = &p->t->grid;
	double span = (double)(g->edge[g->n] - g->edge[0]);

	return p->at.x + (double)(g->edge[first_bin(p, column)] - g->edge[0]) /
			     span * p->at.w;
}

/* The average of a column's bins over their time. */
static double
column_rate(const struct plot *p, const double *rate, size_t column)
{
	const struct grid *g = &p->t->grid;
	size_t from = first_bin(p, column), to = first_bin(p, column + 1);
	double sum = 0;

	if (to - from == 1)
		return rate[from];
	for (size_t i = from; i < to; i++)
		sum += rate[i] * (double)grid_bin_ms(g, i);
	return sum / (double)(g->edge[to] - g->edge[from]);
}

static bool
is_silent(const struct plot *p, const bool *silent, size_t column)
{
	for (size_t i = first_bin(p, column); i < first_bin(p, column + 1); i++)
		if (!silent[i])
			return false;
	return true;
}

/* The end of the run of columns from first on that are as silent as it. */
static size_t
run_end(const struct plot *p, const bool *silent, size_t first)
{
	size_t i = first + 1;

	while (i < p->columns.n &&
	       is_silent(p, silent, i) == is_silent(p, silent, first))
		i++;
	return i;
}

/* ---- the scale ---- */

static double
rate_y(const struct plot *p, enum side side, double rate)
{
	double height =
	    p->at.h / (p->n_steps[SIDE_ABOVE] + p->n_steps[SIDE_BELOW]);
	double up = rate / p->axis.step * height;

	return side == SIDE_ABOVE ? p->zero_y - up : p->zero_y + up;
}

static double
largest(const double *rate, const struct timeline *t)
{
	double max = 0;

	for (size_t i = 0; rate != NULL && i < t->grid.n; i++)
		max = fmax(max, rate[i]);
	return max;
}

static unsigned
steps_for(const struct value_axis *a, double max)
{
	unsigned n = (unsigned)ceil(max / a->step * (1 - 1e-9));

	return n > 0 ? n : 1;
}

static void
make_scale(struct plot *p)
{
	const struct timeline *t = p->t;
	double max[N_SIDES], both;
	unsigned n_sides = 0;

	for (int s = 0; s < N_SIDES; s++) {
		max[s] = fmax(largest(t->sum[s], t), largest(t->compare[s], t));
		n_sides += t->has_side[s];
	}
	both = fmax(max[SIDE_ABOVE], max[SIDE_BELOW]);
	value_axis_for(
	    &p->axis, both, n_sides == 2 ? MAX_STEPS_EACH : MAX_STEPS);
	for (int s = 0; s < N_SIDES; s++)
		p->n_steps[s] =
		    t->has_side[s] ? steps_for(&p->axis, max[s]) : 0;
	if (n_sides == 0)
		p->n_steps[SIDE_ABOVE] = p->axis.n;
}

static void
place_zero(struct plot *p)
{
	unsigned all = p->n_steps[SIDE_ABOVE] + p->n_steps[SIDE_BELOW];

	p->zero_y = p->at.y + p->at.h * p->n_steps[SIDE_ABOVE] / all;
}

/* ---- what is behind and before the data ---- */

static void
draw_level(struct plot *p, enum side side, unsigned i)
{
	chart_level(p->canvas, p->theme, &p->axis, i, &p->at,
	    rate_y(p, side, p->axis.step * i));
}

static void
draw_levels(struct plot *p)
{
	for (int s = 0; s < N_SIDES; s++)
		for (unsigned i = 1; i <= p->n_steps[s]; i++)
			draw_level(p, (enum side)s, i);
}

static double
time_x(const struct plot *p, int64_t ms)
{
	const struct grid *g = &p->t->grid;

	return p->at.x + (double)(ms - g->edge[0]) /
			     (double)(g->edge[g->n] - g->edge[0]) * p->at.w;
}

/* Labels at the ends move inwards; what would touch its neighbour is left out,
 * but not a new day. */
static void
draw_times(struct plot *p)
{
	const struct grid *g = &p->t->grid;
	struct time_tick tick[AXIS_MAX_TICKS];
	size_t max =
	    (size_t)fmax(2, fmin(p->at.w / TICK_WIDTH, AXIS_MAX_TICKS));
	size_t n = time_axis(tick, g->edge[0], g->edge[g->n], max);
	double bottom = p->at.y + p->at.h;

	for (size_t i = 0; i < n; i++) {
		double x = time_x(p, tick[i].at_ms);
		double half = chart_text_width(p->canvas, tick[i].text) / 2;
		struct rect mark = {round(x), bottom, 1, 4};
		struct rect line = {round(x), p->at.y, 1, p->at.h};
		double text_x =
		    fmin(fmax(x, half + 2), p->chart->frame.width - half - 2);

		p->canvas->ops->rect(p->canvas, &line, p->theme->line, NULL);
		p->canvas->ops->rect(p->canvas, &mark, p->theme->quiet, NULL);
		chart_text(p->canvas, text_x, bottom + 20, ANCHOR_MIDDLE,
		    tick[i].is_major ? p->theme->text : p->theme->quiet,
		    tick[i].text);
	}
}

static void
draw_silences(struct plot *p)
{
	for (size_t i = 0; i < p->columns.n;) {
		size_t end = run_end(p, p->t->is_silent, i);
		struct rect r = {column_x(p, i), p->at.y,
		    column_x(p, end) - column_x(p, i), p->at.h};

		if (is_silent(p, p->t->is_silent, i))
			p->canvas->ops->hatch(
			    p->canvas, &r, p->theme->line, "nothing arrived");
		i = end;
	}
}

/* A strip at the foot, the stronger the more was lost. */
static void
draw_losses(struct plot *p)
{
	for (size_t i = 0; i < p->columns.n; i++) {
		double lost = column_rate(p, p->t->lost, i);
		double x = column_x(p, i);
		struct rect r = {
		    x, p->at.y + p->at.h + 1, column_x(p, i + 1) - x, 4};
		char title[60];

		if (lost <= 0)
			continue;
		snprintf(title, sizeof title, "%.2f %% of the flows were lost",
		    lost * 100);
		p->canvas->ops->rect(p->canvas, &r,
		    color_mix(p->theme->warn, p->theme->page,
			fmin(1, 0.4 + lost * 6)),
		    title);
	}
}

/* ---- the data ---- */

/* Steps along the columns [from, to): two points each. */
static size_t
trace(const struct plot *p, enum side side, const double *rate, size_t from,
    size_t to, struct point *out)
{
	size_t n = 0;

	for (size_t i = from; i < to; i++) {
		double y = rate_y(p, side, column_rate(p, rate, i));

		out[n++] = (struct point){column_x(p, i), y};
		out[n++] = (struct point){column_x(p, i + 1), y};
	}
	return n;
}

/* The area between the axis and rate, and a line along rate. */
static void
draw_run(struct plot *p, enum side side, const double *rate, size_t from,
    size_t to, struct color color)
{
	struct point *at = xcalloc(2 * (to - from) + 2, sizeof *at);
	struct stroke stroke = {.width = LINE_WIDTH, .color = color};
	size_t n = trace(p, side, rate, from, to, at);

	at[n] = (struct point){at[n - 1].x, p->zero_y};
	at[n + 1] = (struct point){at[0].x, p->zero_y};
	p->canvas->ops->area(p->canvas, at, n + 2,
	    color_mix(color, p->theme->page, AREA_SHARE / 100.0), NULL);
	p->canvas->ops->line(p->canvas, at, n, &stroke);
	free(at);
}

static void
draw_curve(
    struct plot *p, enum side side, const double *rate, struct color color)
{
	for (size_t i = 0; i < p->columns.n;) {
		size_t end = run_end(p, p->t->is_silent, i);

		if (!is_silent(p, p->t->is_silent, i))
			draw_run(p, side, rate, i, end, color);
		i = end;
	}
}

/* From the top of the pile down, each over the one before: so there are no
 * seams. */
static void
draw_side(struct plot *p, enum side side)
{
	const struct timeline *t = p->t;
	double *pile = xcalloc(t->grid.n, sizeof *pile);

	if (t->has_side[side])
		memcpy(pile, t->sum[side], t->grid.n * sizeof *pile);
	for (size_t i = t->n_curves; i-- > 0;) {
		if (t->curve[i].side != side)
			continue;
		draw_curve(p, side, pile, p->color[i]);
		for (size_t k = 0; k < t->grid.n; k++)
			pile[k] = fmax(0, pile[k] - t->curve[i].rate[k]);
	}
	free(pile);
}

static void
draw_compared_run(struct plot *p, enum side side, size_t from, size_t to)
{
	struct stroke stroke = {.width = 1, .color = p->theme->quiet};
	struct point *at = xcalloc(2 * (to - from), sizeof *at);
	size_t n = trace(p, side, p->t->compare[side], from, to, at);

	p->canvas->ops->line(p->canvas, at, n, &stroke);
	free(at);
}

static void
draw_compared(struct plot *p, enum side side)
{
	const bool *silent = p->t->compare_silent;

	if (p->t->compare[side] == NULL)
		return;
	for (size_t i = 0; i < p->columns.n;) {
		size_t end = run_end(p, silent, i);

		if (!is_silent(p, silent, i))
			draw_compared_run(p, side, i, end);
		i = end;
	}
}

/* The first percentile of all curves together. */
static void
draw_percentile(struct plot *p, enum side side)
{
	const struct time_chart *chart = p->chart;
	struct stroke stroke = {
	    .width = 1, .is_dashed = true, .color = p->theme->bad};
	char name[PERCENTILE_NAME_LEN];
	struct point at[2];
	struct rates r;
	double y;

	if (chart->stats->n_percentiles == 0 || !p->t->has_side[side])
		return;
	timeline_rates(&p->t->grid, p->t->sum[side], p->t->is_silent, 0,
	    p->t->grid.n, chart->stats, &r);
	if (r.n == 0 || r.max <= 0)
		return;
	y = floor(rate_y(p, side, r.percentile[0])) + 0.5;
	at[0] = (struct point){p->at.x, y};
	at[1] = (struct point){p->at.x + p->at.w, y};
	p->canvas->ops->line(p->canvas, at, 2, &stroke);
	percentile_name(chart->stats->percent[0], name);
	p->tag_y = fmax(y + 4, p->tag_y + FONT_PX + 1);
	chart_text(p->canvas, p->at.x + p->at.w + 4, p->tag_y, ANCHOR_START,
	    p->theme->bad, name);
}

/* ---- titles ---- */

static void
put_rate(struct buf *text, const struct plot *p, const char *label,
    const double *rate, size_t column)
{
	char value[AXIS_TEXT_LEN];

	si_format(column_rate(p, rate, column), value);
	buf_printf(text, "\n%s: %s", label, value);
}

static void
put_side(struct buf *text, const struct plot *p, enum side side, size_t column)
{
	static const char *const names[] = {"above", "below"};
	const struct timeline *t = p->t;
	bool two = t->has_side[SIDE_ABOVE] && t->has_side[SIDE_BELOW];

	if (!t->has_side[side])
		return;
	for (size_t i = 0; i < t->n_curves; i++)
		if (t->curve[i].side == side && t->curve[i].label != NULL)
			put_rate(text, p, t->curve[i].label, t->curve[i].rate,
			    column);
	put_rate(text, p, two ? names[side] : load_infos[t->load].title,
	    t->sum[side], column);
	if (t->compare[side] != NULL)
		put_rate(text, p, "earlier", t->compare[side], column);
}

static void
draw_hovers(struct plot *p)
{
	const struct grid *g = &p->t->grid;
	char range[AXIS_RANGE_LEN];
	struct buf text;

	if (p->canvas->ops->hover == NULL || p->columns.n > MAX_HOVERS)
		return;
	buf_init(&text, 65536);
	for (size_t i = 0; i < p->columns.n; i++) {
		double x = column_x(p, i);
		struct rect r = {x, p->at.y, column_x(p, i + 1) - x, p->at.h};

		if (is_silent(p, p->t->is_silent, i))
			continue;
		time_range_format(g->edge[first_bin(p, i)],
		    g->edge[first_bin(p, i + 1)], range);
		buf_clear(&text);
		buf_puts(&text, range);
		for (int s = 0; s < N_SIDES; s++)
			put_side(&text, p, (enum side)s, i);
		p->canvas->ops->hover(p->canvas, &r, buf_str(&text));
	}
	buf_release(&text);
}

/* ---- notes ---- */

static bool
has_notes(const struct time_chart *chart)
{
	return chart->timeline->n_silent > 0 ||
	       chart->timeline->lost_share > 0 || chart->stats->nonzero;
}

/* Each behind a sample of what it explains. */
static void
draw_notes(struct plot *p, double y)
{
	double x = CHART_PAD;
	struct rect box = {x, y + 5, 10, 10};
	char text[80];

	if (p->t->n_silent > 0) {
		p->canvas->ops->hatch(p->canvas, &box, p->theme->quiet, NULL);
		chart_text(p->canvas, x + 18, y + 14, ANCHOR_START,
		    p->theme->quiet, "nothing arrived");
		x += 18 + chart_text_width(p->canvas, "nothing arrived") + 24;
	}
	if (p->t->lost_share > 0) {
		box = (struct rect){x, y + 8, 10, 4};
		p->canvas->ops->rect(p->canvas, &box, p->theme->warn, NULL);
		snprintf(text, sizeof text,
		    "%.2f %% of the flows were lost on the way",
		    p->t->lost_share * 100);
		chart_text(p->canvas, x + 18, y + 14, ANCHOR_START,
		    p->theme->quiet, text);
		x += 18 + chart_text_width(p->canvas, text) + 24;
	}
	if (p->chart->stats->nonzero)
		chart_text(p->canvas, x, y + 14, ANCHOR_START, p->theme->quiet,
		    "statistics of buckets above zero");
}

/* ---- all of it ---- */

double
time_chart_height(const struct canvas *c, const struct time_chart *chart)
{
	double height =
	    frame_top(c, &chart->frame) + chart->height + AXIS_ROOM + CHART_PAD;
	struct legend legend;

	if (chart->no_legend)
		return height;
	if (chart->timeline->n_curves > 0) {
		time_chart_legend(chart, &legend);
		height += LEGEND_GAP + legend_height(&legend);
		legend_release(&legend);
	}
	return height + (has_notes(chart) ? NOTES_GAP + CHART_ROW : 0);
}

static void
place_plot(struct plot *p)
{
	const struct frame *f = &p->chart->frame;
	double left = CHART_PAD + chart_labels_width(p->canvas, &p->axis);
	char name[PERCENTILE_NAME_LEN] = "";
	double right = CHART_PAD;

	if (p->chart->stats->n_percentiles > 0 && p->t->n_curves > 0) {
		percentile_name(p->chart->stats->percent[0], name);
		right += chart_text_width(p->canvas, name);
	}
	p->at = (struct rect){
	    .x = ceil(left),
	    .y = frame_top(p->canvas, f),
	    .w = floor(f->width - right) - ceil(left),
	    .h = p->chart->height,
	};
}

static void
draw_plot(struct plot *p)
{
	draw_levels(p);
	if (p->t->has_span) {
		draw_times(p);
		draw_silences(p);
		for (int s = 0; s < N_SIDES; s++)
			draw_side(p, (enum side)s);
		draw_losses(p);
	}
	draw_level(p, SIDE_ABOVE, 0);
	for (int s = 0; s < N_SIDES; s++) {
		draw_compared(p, (enum side)s);
		draw_percentile(p, (enum side)s);
	}
	if (p->chart->nothing != NULL)
		chart_text(p->canvas, p->at.x + p->at.w / 2,
		    p->at.y + p->at.h / 2, ANCHOR_MIDDLE, p->theme->quiet,
		    p->chart->nothing);
	draw_hovers(p);
}

void
time_chart_draw(struct canvas *c, const struct time_chart *chart)
{
	struct plot p = {
	    .canvas = c,
	    .chart = chart,
	    .t = chart->timeline,
	    .theme = chart->frame.theme,
	};
	struct legend legend = {0};
	double y;

	frame_draw(c, &chart->frame, time_chart_height(c, chart));
	make_scale(&p);
	place_plot(&p);
	place_zero(&p);
	p.columns = count_columns(p.t, p.at.w);
	p.color = xcalloc(p.t->n_curves + 1, sizeof *p.color);
	time_chart_colors(chart, p.color);
	draw_plot(&p);
	y = p.at.y + p.at.h + AXIS_ROOM;
	if (!chart->no_legend && p.t->n_curves > 0) {
		time_chart_legend(chart, &legend);
		legend_draw(c, p.theme, &legend, CHART_PAD, y + LEGEND_GAP,
		    chart->frame.width - 2 * CHART_PAD);
		y += LEGEND_GAP + legend_height(&legend);
		legend_release(&legend);
	}
	if (!chart->no_legend && has_notes(chart))
		draw_notes(&p, y + NOTES_GAP);
	free(p.color);
}
