/* SPDX-License-Identifier: ISC */
/*
 * What is billed, month by month: a bar up to the percentile with a line at the
 * average; the other way below the axis. Peaks would leave no room for what is
 * paid, and are in the table. See chart.h.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/chart.h"

enum {
	AXIS_ROOM = 28,
	LEGEND_GAP = 14,
	MAX_BAR = 56,
	MAX_STEPS = 5,
	MAX_ROWS = 60,  /* months in the table of a picture: the last ones */
	TEXT_ROOM = 16, /* above a bar, for its value */
};

struct bars {
	struct canvas *canvas;
	const struct month_chart *chart;
	const struct theme *theme;
	struct rect at;
	struct value_axis axis;
	double zero_y, px_per_unit;
	bool has_side[N_SIDES];
};

static double
largest(const struct month_chart *chart, enum side side)
{
	double max = 0;

	for (size_t i = 0; i < chart->months->n; i++)
		max = fmax(
		    max, chart->months->month[i].rates[side].percentile[0]);
	return max;
}

static double
rate_y(const struct bars *b, enum side side, double rate)
{
	double up = rate * b->px_per_unit;

	return side == SIDE_ABOVE ? b->zero_y - up : b->zero_y + up;
}

/* ---- the table ---- */

static bool
has_two(const struct month_chart *chart)
{
	return chart->timeline->has_side[SIDE_ABOVE] &&
	       chart->timeline->has_side[SIDE_BELOW];
}

static void
put_total(const struct month_chart *chart, uint64_t total, char *out)
{
	enum load load = chart->timeline->load;

	if (load == LOAD_ACTIVE)
		return;
	si_format((double)total, out);
	if (load == LOAD_BITS)
		strncat(out, strchr(out, ' ') != NULL ? "B" : " B",
		    AXIS_TEXT_LEN - strlen(out) - 1);
}

static void
add_row(
    const struct month_chart *chart, const struct month *m, struct legend *l)
{
	struct legend_row *row =
	    legend_add(l, MARK_PLAIN, palette_single(false), m->name);
	bool two = has_two(chart);
	double peak = 0;
	size_t at = 0;

	si_format(m->billed, row->value[at++]);
	for (int s = 0; s < N_SIDES; s++) {
		if (two)
			si_format(m->rates[s].percentile[0], row->value[at++]);
		peak = fmax(peak, m->rates[s].max);
	}
	si_format(fmax(m->rates[SIDE_ABOVE].avg, m->rates[SIDE_BELOW].avg),
	    row->value[at++]);
	si_format(peak, row->value[at++]);
	put_total(chart, m->total[SIDE_ABOVE] + m->total[SIDE_BELOW],
	    row->value[at++]);
	snprintf(row->value[at], AXIS_TEXT_LEN, "%.1f %%",
	    (double)m->n_samples * 100 / (double)m->n_possible);
}

static void
make_legend(const struct month_chart *chart, struct legend *l)
{
	const struct months *m = chart->months;
	char name[PERCENTILE_NAME_LEN];

	*l = (struct legend){0};
	percentile_name(chart->stats->percent[0], name);
	if (has_two(chart)) {
		legend_add_column(l, "billed", 100);
		legend_add_column(l, "above", 80);
		legend_add_column(l, "below", 80);
	} else {
		legend_add_column(l, name, 100);
	}
	legend_add_column(l, "average", 70);
	legend_add_column(l, "peak", 60);
	legend_add_column(l, "total", 65);
	legend_add_column(l, "known", 50);
	for (size_t i = m->n > MAX_ROWS ? m->n - MAX_ROWS : 0; i < m->n; i++)
		add_row(chart, &m->month[i], l);
}

/* ---- the picture ---- */

double
month_chart_height(const struct canvas *c, const struct month_chart *chart)
{
	double height =
	    frame_top(c, &chart->frame) + chart->height + AXIS_ROOM + CHART_PAD;
	struct legend legend;

	if (chart->months->n == 0)
		return height;
	make_legend(chart, &legend);
	height += LEGEND_GAP + legend_height(&legend);
	legend_release(&legend);
	return height;
}

static void
draw_level(struct bars *b, enum side side, unsigned i)
{
	chart_level(b->canvas, b->theme, &b->axis, i, &b->at,
	    rate_y(b, side, b->axis.step * i));
}

static void
place(struct bars *b)
{
	const struct month_chart *chart = b->chart;
	double above = largest(chart, SIDE_ABOVE);
	double below = largest(chart, SIDE_BELOW);
	double room = chart->height - TEXT_ROOM;
	double left;

	b->has_side[SIDE_ABOVE] = chart->timeline->has_side[SIDE_ABOVE];
	b->has_side[SIDE_BELOW] = chart->timeline->has_side[SIDE_BELOW];
	value_axis_for(&b->axis, fmax(above, below), MAX_STEPS);
	if (b->has_side[SIDE_BELOW])
		room -= TEXT_ROOM;
	else
		above = value_axis_top(&b->axis);
	b->px_per_unit = above + below > 0 ? room / (above + below) : 0;
	left = ceil(CHART_PAD + chart_labels_width(b->canvas, &b->axis));
	b->at = (struct rect){
	    .x = left,
	    .y = frame_top(b->canvas, &chart->frame),
	    .w = chart->frame.width - CHART_PAD - left,
	    .h = chart->height,
	};
	b->zero_y = round(b->at.y + TEXT_ROOM + above * b->px_per_unit);
}

static void
month_title(const struct month *m, enum side side, char *out, size_t size)
{
	char billed[AXIS_TEXT_LEN], avg[AXIS_TEXT_LEN], max[AXIS_TEXT_LEN];

	si_format(m->rates[side].percentile[0], billed);
	si_format(m->rates[side].avg, avg);
	si_format(m->rates[side].max, max);
	snprintf(out, size, "%s\npercentile: %s\naverage: %s\npeak: %s",
	    m->name, billed, avg, max);
}

static void
draw_bar(struct bars *b, const struct month *m, enum side side, double x,
    double width)
{
	const struct rates *r = &m->rates[side];
	struct color color = palette_single(side == SIDE_BELOW);
	double top = rate_y(b, side, r->percentile[0]);
	struct rect bar = {
	    x, fmin(top, b->zero_y), width, fabs(top - b->zero_y)};
	struct rect avg = {x, rate_y(b, side, r->avg), width, 1};
	char text[200];

	month_title(m, side, text, sizeof text);
	b->canvas->ops->rect(
	    b->canvas, &bar, color_mix(color, b->theme->page, 0.85), text);
	b->canvas->ops->rect(b->canvas, &avg, b->theme->page, NULL);
	if (width < 30)
		return;
	si_format(r->percentile[0], text);
	chart_text(b->canvas, x + width / 2,
	    side == SIDE_ABOVE ? top - 4 : top + 13, ANCHOR_MIDDLE,
	    b->theme->text, text);
}

/* The year below the first month and each January. */
static void
draw_name(
    struct bars *b, const struct month *m, double x, bool is_first, double slot)
{
	static const char names[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int number = (m->name[5] - '0') * 10 + (m->name[6] - '0');
	bool is_major = is_first || number == 1;
	char text[MONTH_NAME_LEN];

	if (slot < 28 && !is_major)
		return;
	snprintf(text, sizeof text, "%s", names[number - 1]);
	if (is_major)
		snprintf(text, sizeof text, slot < 60 ? "%.4s" : "%.4s %s",
		    m->name, names[number - 1]);
	chart_text(b->canvas, x, b->at.y + b->at.h + 18, ANCHOR_MIDDLE,
	    is_major ? b->theme->text : b->theme->quiet, text);
}

static void
draw_bars(struct bars *b)
{
	const struct months *m = b->chart->months;
	double slot = b->at.w / (double)m->n;
	double width = fmin(MAX_BAR, slot * 0.7);

	for (size_t i = 0; i < m->n; i++) {
		double x = b->at.x + ((double)i + 0.5) * slot;

		for (int s = 0; s < N_SIDES; s++)
			if (b->has_side[s])
				draw_bar(b, &m->month[i], (enum side)s,
				    x - width / 2, width);
		draw_name(b, &m->month[i], x, i == 0, slot);
	}
}

static void
draw_levels(struct bars *b)
{
	for (int s = 0; s < N_SIDES; s++) {
		double max = largest(b->chart, (enum side)s);

		for (unsigned i = 1; i <= b->axis.n; i++)
			if ((s == SIDE_ABOVE && !b->has_side[SIDE_BELOW]) ||
			    b->axis.step * i <= max)
				draw_level(b, (enum side)s, i);
	}
}

void
month_chart_draw(struct canvas *c, const struct month_chart *chart)
{
	struct bars b = {
	    .canvas = c, .chart = chart, .theme = chart->frame.theme};
	struct legend legend = {0};

	frame_draw(c, &chart->frame, month_chart_height(c, chart));
	place(&b);
	draw_levels(&b);
	if (chart->nothing != NULL)
		chart_text(c, b.at.x + b.at.w / 2, b.at.y + b.at.h / 2,
		    ANCHOR_MIDDLE, b.theme->quiet, chart->nothing);
	else
		draw_bars(&b);
	draw_level(&b, SIDE_ABOVE, 0);
	if (chart->months->n == 0)
		return;
	make_legend(chart, &legend);
	legend_draw(c, b.theme, &legend, CHART_PAD,
	    b.at.y + b.at.h + AXIS_ROOM + LEGEND_GAP,
	    chart->frame.width - 2 * CHART_PAD);
	chart_text(c, CHART_PAD,
	    b.at.y + b.at.h + AXIS_ROOM + LEGEND_GAP + legend_height(&legend) +
		16,
	    ANCHOR_START, b.theme->quiet, "the line in a bar is the average");
	legend_release(&legend);
}
