/* SPDX-License-Identifier: ISC */
/* A week as a map of 7 by 24 cells, the darker the busier: see chart.h. */
#include <math.h>
#include <stdio.h>

#include "report/chart.h"
#include "schema/base/clock.h"

enum {
	DAY_WIDTH = 40,   /* names of days */
	HOUR_HEIGHT = 22, /* hours beneath the map */
	CELL_GAP = 2,
	SCALE_HEIGHT = 44, /* what colours mean, beneath */
	SCALE_STEPS = 60,
	SCALE_WIDTH = 240,
	MIN_LABEL = 34, /* a cell's width for its rate in it */
};

enum { HOUR_MS = 3600 * MS_PER_S };

struct map {
	struct canvas *canvas;
	const struct heat_chart *chart;
	const struct theme *theme;
	struct rect at;
	double cell_w, cell_h;
};

/* From nothing over the first colour to what stands out most. */
static struct color
heat_color(const struct theme *theme, double share)
{
	struct color middle = palette_single(false);
	struct color end = color_mix(middle, theme->text, 0.45);

	return share < 0.5 ? color_mix(middle, theme->panel, share * 2)
			   : color_mix(end, middle, share * 2 - 1);
}

double
heat_chart_height(const struct canvas *c, const struct heat_chart *chart)
{
	return frame_top(c, &chart->frame) + chart->height + HOUR_HEIGHT +
	       SCALE_HEIGHT + CHART_PAD;
}

/* "84M", "850k", "1.2G": what has room in a cell. */
static void
short_rate(double rate, char out[AXIS_TEXT_LEN])
{
	static const char prefixes[] = "\0kMGTPE";
	size_t i = 0;

	while (rate >= 999.5 && i + 2 < sizeof prefixes) {
		rate /= 1000;
		i++;
	}
	snprintf(out, AXIS_TEXT_LEN,
	    rate < 9.95 && rate > 0 ? "%.1f%.1s" : "%.0f%.1s", rate,
	    prefixes + i);
}

static void
cell_title(const struct map *m, int day, int hour, char *out, size_t size)
{
	const struct heat_cell *cell = &m->chart->heat->cell[day][hour];
	char rate[AXIS_TEXT_LEN], peak[AXIS_TEXT_LEN];

	si_format(cell->rate, rate);
	si_format(cell->peak, peak);
	snprintf(out, size, "%s %02d:00\naverage: %s\npeak: %s\nhours: %lld",
	    heat_day_names[day], hour, rate, peak,
	    (long long)((cell->ms + HOUR_MS / 2) / HOUR_MS));
}

static void
draw_cell(struct map *m, int day, int hour)
{
	const struct heat *h = m->chart->heat;
	const struct heat_cell *cell = &h->cell[day][hour];
	struct color color =
	    heat_color(m->theme, h->max > 0 ? cell->rate / h->max : 0);
	struct rect r = {m->at.x + hour * m->cell_w, m->at.y + day * m->cell_h,
	    m->cell_w - CELL_GAP, m->cell_h - CELL_GAP};
	char text[200];

	if (cell->ms == 0) {
		m->canvas->ops->hatch(
		    m->canvas, &r, m->theme->line, "nothing arrived");
		return;
	}
	cell_title(m, day, hour, text, sizeof text);
	m->canvas->ops->rect(m->canvas, &r, color, text);
	if (m->cell_w < MIN_LABEL || m->cell_h < CHART_ROW)
		return;
	short_rate(cell->rate, text);
	chart_text(m->canvas, r.x + r.w / 2, r.y + r.h / 2 + 4, ANCHOR_MIDDLE,
	    color_readable(color, m->theme->text, m->theme->page), text);
}

static void
draw_names(struct map *m)
{
	int each = m->cell_w < 24 ? 3 : 1;
	char text[12]; /* any int */

	for (int d = 0; d < HEAT_DAYS; d++)
		chart_text(m->canvas, m->at.x - 8,
		    m->at.y + (d + 0.5) * m->cell_h + 3, ANCHOR_END,
		    d < 5 ? m->theme->text : m->theme->quiet,
		    heat_day_names[d]);
	for (int h = 0; h < HEAT_HOURS; h += each) {
		snprintf(text, sizeof text, "%02d", h);
		chart_text(m->canvas,
		    m->at.x + (h + 0.5) * m->cell_w - CELL_GAP / 2.0,
		    m->at.y + m->at.h + 16, ANCHOR_MIDDLE, m->theme->quiet,
		    text);
	}
}

static void
draw_busiest(struct map *m, double x, double y)
{
	const struct heat *h = m->chart->heat;
	char rate[AXIS_TEXT_LEN], text[100];

	if (h->busiest_day < 0) {
		chart_text(m->canvas, x, y, ANCHOR_END, m->theme->quiet,
		    m->chart->nothing != NULL ? m->chart->nothing
					      : "nothing but zero");
		return;
	}
	si_format(h->max, rate);
	snprintf(text, sizeof text, "busiest: %s %02d:00, %s on average",
	    heat_day_names[h->busiest_day], h->busiest_hour, rate);
	chart_text(m->canvas, x, y, ANCHOR_END, m->theme->text, text);
}

/* What colours mean, and where it is darkest. */
static void
draw_scale(struct map *m)
{
	double y = m->at.y + m->at.h + HOUR_HEIGHT + 14;
	double width = fmin(SCALE_WIDTH, m->at.w / 3);
	double step = width / SCALE_STEPS;
	double x = CHART_PAD + 16;
	char rate[AXIS_TEXT_LEN];

	chart_text(
	    m->canvas, CHART_PAD, y + 10, ANCHOR_START, m->theme->quiet, "0");
	for (int i = 0; i < SCALE_STEPS; i++) {
		struct rect r = {x + i * step, y, step, 12};

		m->canvas->ops->rect(m->canvas, &r,
		    heat_color(m->theme, (double)i / (SCALE_STEPS - 1)), NULL);
	}
	si_format(m->chart->heat->max, rate);
	chart_text(m->canvas, x + width + 6, y + 10, ANCHOR_START,
	    m->theme->quiet, rate);
	draw_busiest(m, m->chart->frame.width - CHART_PAD, y + 10);
}

void
heat_chart_draw(struct canvas *c, const struct heat_chart *chart)
{
	const struct frame *f = &chart->frame;
	struct map m = {.canvas = c, .chart = chart, .theme = f->theme};

	m.at = (struct rect){
	    .x = CHART_PAD + DAY_WIDTH,
	    .y = frame_top(c, f),
	    .w = f->width - 2 * CHART_PAD - DAY_WIDTH,
	    .h = chart->height,
	};
	m.cell_w = m.at.w / HEAT_HOURS;
	m.cell_h = m.at.h / HEAT_DAYS;
	frame_draw(c, f, heat_chart_height(c, chart));
	for (int d = 0; d < HEAT_DAYS; d++)
		for (int h = 0; h < HEAT_HOURS; h++)
			draw_cell(&m, d, h);
	draw_names(&m);
	draw_scale(&m);
}
