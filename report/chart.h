/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_CHART_H
#define WEIR_REPORT_CHART_H
/*
 * What all pictures share: a title with what was asked for beneath it, and a
 * legend that is a small table. The kinds of picture are chart_*.c; each says
 * how high it is and then draws itself.
 */
#include <stdbool.h>
#include <stddef.h>

#include "report/axis.h"
#include "report/canvas.h"
#include "report/heat.h"
#include "report/months.h"
#include "report/palette.h"
#include "report/rates.h"
#include "report/timeline.h"

enum {
	CHART_PAD = 16, /* around everything */
	CHART_ROW = 20, /* of a legend */
};

/* ---- the frame ---- */

struct frame {
	const struct theme *theme;
	double width;      /* of the picture */
	const char *title; /* of what */
	const char *span;  /* of when, beside it or below */
	const char *words; /* the filter as typed; "": none */
};

/* Where what is below the frame's words begins. */
double frame_top(const struct canvas *c, const struct frame *f);
/* Paint the page, height pixels high, and the words. */
void frame_draw(struct canvas *c, const struct frame *f, double height);

/* Text of the usual size. */
void chart_text(struct canvas *c, double x, double y, enum anchor anchor,
    struct color color, const char *text);
/* The same, cut to width. */
void chart_text_cut(struct canvas *c, double x, double y, double width,
    enum face face, struct color color, const char *text);
double chart_text_width(const struct canvas *c, const char *text);

/* ---- the axis of values ---- */

/* Room for its labels, left of the plot, with the gap between. */
double chart_labels_width(const struct canvas *c, const struct value_axis *a);
/* The line of step i at height y, across the plot at, and its label. */
void chart_level(struct canvas *c, const struct theme *theme,
    const struct value_axis *a, unsigned i, const struct rect *at, double y);

/* ---- the legend ---- */

enum { LEGEND_MAX_COLUMNS = 6 + RATES_MAX_PERCENTILES };

enum legend_mark {
	MARK_HEADING,
	MARK_PLAIN, /* no mark, no room for one */
	MARK_BOX,
	MARK_LINE,
	MARK_TOTAL, /* below a line */
};

struct legend_row {
	enum legend_mark mark;
	struct color color;
	char *label; /* owned */
	char value[LEGEND_MAX_COLUMNS][AXIS_TEXT_LEN];
};

struct legend_column {
	char name[PERCENTILE_NAME_LEN];
	unsigned importance; /* a narrow picture leaves the least out first */
};

struct legend {
	struct legend_column column[LEGEND_MAX_COLUMNS];
	size_t n_columns;
	struct legend_row *row; /* owned */
	size_t n, cap;
};

void legend_add_column(struct legend *l, const char *name, unsigned importance);
/* The new row, its values "". */
struct legend_row *legend_add(struct legend *l, enum legend_mark mark,
    struct color color, const char *label);
double legend_height(const struct legend *l);
void legend_draw(struct canvas *c, const struct theme *theme,
    const struct legend *l, double x, double y, double width);
void legend_release(struct legend *l); /* accepts a zeroed struct */

/* ---- pictures ---- */

/* Rates over time, as areas. All borrowed. */
struct time_chart {
	struct frame frame;
	double height; /* of the plot */
	const struct timeline *timeline;
	const char *side_words[N_SIDES]; /* of above= and below= */
	const char *compared;            /* "7d": how much earlier */
	const struct rates_spec *stats;
	bool as_flowviewer;
	bool no_legend;
	const char *nothing; /* what an empty picture says */
};

double time_chart_height(
    const struct canvas *c, const struct time_chart *chart);
void time_chart_draw(struct canvas *c, const struct time_chart *chart);

/* Rows and columns of the legend beneath it. */
void time_chart_legend(const struct time_chart *chart, struct legend *l);
/* One colour for each curve. */
void time_chart_colors(const struct time_chart *chart, struct color *out);

/* The hours of a week. All borrowed. */
struct heat_chart {
	struct frame frame;
	double height; /* of the map */
	const struct heat *heat;
	const char *nothing;
};

double heat_chart_height(
    const struct canvas *c, const struct heat_chart *chart);
void heat_chart_draw(struct canvas *c, const struct heat_chart *chart);

/* Months as they are billed. All borrowed. */
struct month_chart {
	struct frame frame;
	double height; /* of the plot */
	const struct timeline *timeline;
	const struct months *months;
	const struct rates_spec *stats;
	const char *nothing;
};

double month_chart_height(
    const struct canvas *c, const struct month_chart *chart);
void month_chart_draw(struct canvas *c, const struct month_chart *chart);

/* Parts of a whole. All borrowed. */
struct pie_slice {
	char *label;
	uint64_t value;
	uint64_t hash; /* for its colour: see palette_hash */
};

struct pie_chart {
	struct frame frame;
	double height; /* of the pie, which is as wide */
	const struct pie_slice *slice;
	size_t n;
	uint64_t total; /* what slices are less than it is "others" */
	const char *measure;
	bool is_octets;
	const char *nothing; /* what a pie of nothing says */
};

double pie_chart_height(const struct canvas *c, const struct pie_chart *chart);
void pie_chart_draw(struct canvas *c, const struct pie_chart *chart);

#endif
