/* SPDX-License-Identifier: ISC */
/* Parts of a whole, clockwise from noon: see chart.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"
#include "schema/base/mem.h"

enum {
	AROUND = 26,       /* around the circle, for labels outside */
	TABLE_GAP = 24,    /* between it and the table */
	MIN_TABLE = 260,   /* a narrower one stands below */
	ARC_STEPS = 180,   /* straight pieces of a whole circle */
	MIN_INSIDE = 6,    /* per cent: a label that fits into its slice */
	LABEL_HEIGHT = 14, /* labels outside must not touch */
};

struct pie {
	struct canvas *canvas;
	const struct pie_chart *chart;
	const struct theme *theme;
	struct point center;
	double radius;
	double last_y[2]; /* of labels outside, right and left */
};

static double
radius_of(const struct pie_chart *chart)
{
	return fmax(10, chart->height / 2 - AROUND);
}

static bool
is_table_below(const struct pie_chart *chart)
{
	return chart->frame.width - 2 * CHART_PAD - chart->height - TABLE_GAP <
	       MIN_TABLE;
}

/* ---- the table ---- */

static void
put_value(const struct pie_chart *chart, uint64_t value, struct legend_row *row)
{
	si_format((double)value, row->value[0]);
	if (chart->is_octets)
		strncat(row->value[0],
		    strchr(row->value[0], ' ') != NULL ? "B" : " B",
		    AXIS_TEXT_LEN - strlen(row->value[0]) - 1);
	if (chart->total > 0)
		snprintf(row->value[1], AXIS_TEXT_LEN, "%.1f %%",
		    (double)value * 100 / (double)chart->total);
}

static uint64_t
others_of(const struct pie_chart *chart)
{
	uint64_t shown = 0;

	for (size_t i = 0; i < chart->n; i++)
		shown += chart->slice[i].value;
	return chart->total > shown ? chart->total - shown : 0;
}

static void
pick_colors(const struct pie_chart *chart, struct color *out)
{
	uint64_t *hash = xcalloc(chart->n + 1, sizeof *hash);

	for (size_t i = 0; i < chart->n; i++)
		hash[i] = chart->slice[i].hash;
	palette_assign(chart->frame.theme, hash, chart->n, out);
	out[chart->n] = chart->frame.theme->others;
	free(hash);
}

static void
make_legend(const struct pie_chart *chart, struct legend *l)
{
	struct color *color = xcalloc(chart->n + 1, sizeof *color);
	uint64_t others = others_of(chart);

	*l = (struct legend){0};
	legend_add_column(l, chart->measure, 90);
	legend_add_column(l, "share", 100);
	pick_colors(chart, color);
	for (size_t i = 0; i < chart->n; i++)
		put_value(chart, chart->slice[i].value,
		    legend_add(l, MARK_BOX, color[i], chart->slice[i].label));
	if (others > 0)
		put_value(chart, others,
		    legend_add(l, MARK_BOX, color[chart->n], "others"));
	put_value(chart, chart->total,
	    legend_add(l, MARK_TOTAL, chart->frame.theme->text, "total"));
	free(color);
}

/* ---- slices ---- */

static struct point
on_circle(const struct pie *p, double turn, double radius)
{
	double angle = (turn - 0.25) * 2 * acos(-1);

	return (struct point){p->center.x + cos(angle) * radius,
	    p->center.y + sin(angle) * radius};
}

static void
draw_area(struct pie *p, double from, double to, struct color color,
    const char *title)
{
	size_t n = 2 + (size_t)ceil((to - from) * ARC_STEPS);
	struct point *at = xcalloc(n + 1, sizeof *at);

	at[0] = p->center;
	for (size_t i = 0; i < n; i++)
		at[i + 1] = on_circle(p,
		    from + (to - from) * (double)i / (double)(n - 1),
		    p->radius);
	p->canvas->ops->area(p->canvas, at, n + 1, color, title);
	free(at);
}

/* Between slices; none where there is one alone. */
static void
draw_edge(struct pie *p, double turn)
{
	struct stroke stroke = {.width = 1.5, .color = p->theme->page};
	struct point at[2] = {p->center, on_circle(p, turn, p->radius + 1)};

	p->canvas->ops->line(p->canvas, at, 2, &stroke);
}

/* Outside with a line to it, unless the one before is too near. */
static void
draw_label_outside(struct pie *p, double turn, const char *text)
{
	struct stroke stroke = {.width = 1, .color = p->theme->quiet};
	struct point at[2] = {on_circle(p, turn, p->radius + 2),
	    on_circle(p, turn, p->radius + 9)};
	struct point to = on_circle(p, turn, p->radius + 12);
	bool is_left = turn > 0.5;
	double y = to.y + 4;

	if (fabs(y - p->last_y[is_left]) < LABEL_HEIGHT)
		return;
	p->last_y[is_left] = y;
	p->canvas->ops->line(p->canvas, at, 2, &stroke);
	chart_text(p->canvas, to.x, y, is_left ? ANCHOR_END : ANCHOR_START,
	    p->theme->quiet, text);
}

static void
draw_label(struct pie *p, double from, double to, struct color color)
{
	double share = (to - from) * 100, middle = (from + to) / 2;
	struct point inside = on_circle(p, middle, p->radius * 0.7);
	char text[20];

	if (share >= MIN_INSIDE) {
		snprintf(text, sizeof text, "%.0f %%", share);
		chart_text(p->canvas, inside.x, inside.y + 4, ANCHOR_MIDDLE,
		    color_readable(color, p->theme->text, p->theme->page),
		    text);
	} else if (share >= 0.5) {
		snprintf(text, sizeof text, "%.1f %%", share);
		draw_label_outside(p, middle, text);
	}
}

struct part {
	const char *label;
	uint64_t value;
	struct color color;
};

static size_t
list_parts(const struct pie_chart *chart, struct part *part)
{
	struct color *color = xcalloc(chart->n + 1, sizeof *color);
	uint64_t others = others_of(chart);
	size_t n = chart->n;

	pick_colors(chart, color);
	for (size_t i = 0; i < n; i++)
		part[i] = (struct part){
		    chart->slice[i].label, chart->slice[i].value, color[i]};
	if (others > 0)
		part[n++] = (struct part){"others", others, color[chart->n]};
	free(color);
	return n;
}

static void
draw_slice(struct pie *p, const struct part *part, double from, double to)
{
	struct legend_row row = {.label = NULL};
	char title[600];

	put_value(p->chart, part->value, &row);
	snprintf(title, sizeof title, "%.500s: %s, %s", part->label,
	    row.value[0], row.value[1]);
	draw_area(p, from, to, part->color, title);
}

static void
draw_slices(struct pie *p)
{
	struct part *part = xcalloc(p->chart->n + 1, sizeof *part);
	size_t n = list_parts(p->chart, part);
	double *turn = xcalloc(n + 1, sizeof *turn);

	for (size_t i = 0; i < n; i++)
		turn[i + 1] =
		    turn[i] + (double)part[i].value / (double)p->chart->total;
	for (size_t i = 0; i < n; i++)
		draw_slice(p, &part[i], turn[i], turn[i + 1]);
	for (size_t i = 0; i < n && n > 1; i++)
		draw_edge(p, turn[i]);
	for (size_t i = 0; i < n; i++)
		draw_label(p, turn[i], turn[i + 1], part[i].color);
	free(turn);
	free(part);
}

static void
draw_nothing(struct pie *p)
{
	draw_area(p, 0, 1, p->theme->panel, NULL);
	chart_text(p->canvas, p->center.x, p->center.y + 4, ANCHOR_MIDDLE,
	    p->theme->quiet, p->chart->nothing);
}

/* ---- all of it ---- */

double
pie_chart_height(const struct canvas *c, const struct pie_chart *chart)
{
	double height = frame_top(c, &chart->frame) + CHART_PAD;
	struct legend legend;
	double table;

	make_legend(chart, &legend);
	table = chart->total > 0 ? legend_height(&legend) : 0;
	legend_release(&legend);
	if (is_table_below(chart))
		return height + chart->height + table;
	return height + fmax(chart->height, table);
}

void
pie_chart_draw(struct canvas *c, const struct pie_chart *chart)
{
	double top = frame_top(c, &chart->frame);
	bool below = is_table_below(chart);
	double x = below ? CHART_PAD : CHART_PAD + chart->height + TABLE_GAP;
	struct pie p = {
	    .canvas = c,
	    .chart = chart,
	    .theme = chart->frame.theme,
	    .radius = radius_of(chart),
	    .last_y = {-LABEL_HEIGHT, -LABEL_HEIGHT},
	};
	struct legend legend;

	p.center = (struct point){
	    below ? chart->frame.width / 2 : CHART_PAD + chart->height / 2,
	    top + chart->height / 2};
	frame_draw(c, &chart->frame, pie_chart_height(c, chart));
	if (chart->total == 0) {
		draw_nothing(&p);
		return;
	}
	draw_slices(&p);
	make_legend(chart, &legend);
	legend_draw(c, p.theme, &legend, x, below ? top + chart->height : top,
	    chart->frame.width - CHART_PAD - x);
	legend_release(&legend);
}
