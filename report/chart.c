/* SPDX-License-Identifier: ISC */
/* Frames and legends: see chart.h. */
#include "report/chart.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"

enum {
	TITLE_Y = 29,      /* baselines, from above */
	LINE = 19,         /* from one baseline to the next */
	SPAN_GAP = 24,     /* at least between title and span */
	BELOW_WORDS = 14,  /* from the last baseline on */
	VALUE_WIDTH = 74,  /* of a legend's column */
	LABEL_WIDTH = 150, /* at least, before columns are left out */
	MARK_SIZE = 10,
	MARK_WIDTH = 18,
	ROW_BASELINE = 14, /* from the row's top */
	CUT_MAX = 1024,    /* bytes of a text that may be cut */
	LABEL_GAP = 8,     /* between an axis and its labels */
};

/* ---- text ---- */

void
chart_text(struct canvas *c, double x, double y, enum anchor anchor,
    struct color color, const char *text)
{
	struct text_style style = {FACE_TEXT, FONT_PX, anchor, color};

	c->ops->text(c, x, y, &style, text);
}

static void
draw_cut(struct canvas *c, double x, double y, double width,
    const struct text_style *style, const char *text)
{
	char cut[CUT_MAX];

	snprintf(cut, sizeof cut, "%s", text);
	text_cut(c, style, cut, sizeof cut, width);
	c->ops->text(c, x, y, style, cut);
}

void
chart_text_cut(struct canvas *c, double x, double y, double width,
    enum face face, struct color color, const char *text)
{
	struct text_style style = {face, FONT_PX, ANCHOR_START, color};

	draw_cut(c, x, y, width, &style, text);
}

double
chart_text_width(const struct canvas *c, const char *text)
{
	struct text_style style = {.face = FACE_TEXT, .px = FONT_PX};

	return text_width(c, &style, text);
}

/* ---- the axis of values ---- */

double
chart_labels_width(const struct canvas *c, const struct value_axis *a)
{
	char label[AXIS_TEXT_LEN];
	double width = 0;

	for (unsigned i = 0; i <= a->n; i++) {
		value_axis_label(a, i, label);
		width = fmax(width, chart_text_width(c, label));
	}
	return width + LABEL_GAP;
}

void
chart_level(struct canvas *c, const struct theme *theme,
    const struct value_axis *a, unsigned i, const struct rect *at, double y)
{
	struct rect line = {at->x, round(y), at->w, 1};
	char label[AXIS_TEXT_LEN];

	value_axis_label(a, i, label);
	c->ops->rect(c, &line, i == 0 ? theme->quiet : theme->line, NULL);
	chart_text(
	    c, at->x - LABEL_GAP, line.y + 4, ANCHOR_END, theme->quiet, label);
}

/* ---- the frame ---- */

static struct text_style
title_style(const struct frame *f)
{
	return (struct text_style){
	    FACE_BOLD, FONT_TITLE_PX, ANCHOR_START, f->theme->text};
}

/* Whether title and span have room beside each other. */
static bool
is_one_line(const struct canvas *c, const struct frame *f)
{
	struct text_style style = title_style(f);

	return text_width(c, &style, f->title) + SPAN_GAP +
		   chart_text_width(c, f->span) <=
	       f->width - 2 * CHART_PAD;
}

double
frame_top(const struct canvas *c, const struct frame *f)
{
	double y = TITLE_Y;

	if (!is_one_line(c, f))
		y += LINE;
	if (f->words[0] != '\0')
		y += LINE;
	return y + BELOW_WORDS;
}

void
frame_draw(struct canvas *c, const struct frame *f, double height)
{
	struct rect page = {0, 0, f->width, height};
	struct text_style style = title_style(f);
	double room = f->width - 2 * CHART_PAD;
	double y = TITLE_Y;

	c->ops->rect(c, &page, f->theme->page, NULL);
	draw_cut(c, CHART_PAD, y, room, &style, f->title);
	if (is_one_line(c, f)) {
		chart_text(c, f->width - CHART_PAD, y, ANCHOR_END,
		    f->theme->quiet, f->span);
	} else {
		y += LINE;
		chart_text_cut(
		    c, CHART_PAD, y, room, FACE_TEXT, f->theme->quiet, f->span);
	}
	if (f->words[0] != '\0')
		chart_text_cut(c, CHART_PAD, y + LINE, room, FACE_MONO,
		    f->theme->quiet, f->words);
}

/* ---- the legend ---- */

void
legend_add_column(struct legend *l, const char *name, unsigned importance)
{
	struct legend_column *col;

	assert(l->n_columns < LEGEND_MAX_COLUMNS);
	col = &l->column[l->n_columns++];
	snprintf(col->name, sizeof col->name, "%s", name);
	col->importance = importance;
}

struct legend_row *
legend_add(struct legend *l, enum legend_mark mark, struct color color,
    const char *label)
{
	struct legend_row *row;

	l->row = xgrow(l->row, l->n, &l->cap, sizeof *l->row);
	row = &l->row[l->n++];
	*row = (struct legend_row){
	    .mark = mark, .color = color, .label = xstrdup(label)};
	return row;
}

void
legend_release(struct legend *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->row[i].label);
	free(l->row);
	*l = (struct legend){0};
}

double
legend_height(const struct legend *l)
{
	return (double)(l->n + (l->n_columns > 0)) * CHART_ROW;
}

/* Whether fewer than n columns are more important than column i. */
static bool
is_shown(const struct legend *l, size_t i, size_t n)
{
	size_t before = 0;

	for (size_t k = 0; k < l->n_columns; k++)
		before += l->column[k].importance > l->column[i].importance ||
			  (k < i && l->column[k].importance ==
					l->column[i].importance);
	return before < n;
}

/* The right ends of the columns; 0 for one that is left out. Returns how wide
 * labels may be. */
static double
place_columns(const struct legend *l, double x, double width,
    double right[LEGEND_MAX_COLUMNS])
{
	double room = width - LABEL_WIDTH;
	size_t n = room > 0 ? (size_t)(room / VALUE_WIDTH) : 0;
	double at = x + width;

	for (size_t i = l->n_columns; i-- > 0;) {
		right[i] = 0;
		if (!is_shown(l, i, n))
			continue;
		right[i] = at;
		at -= VALUE_WIDTH;
	}
	return at - x;
}

static void
draw_mark(struct canvas *c, const struct theme *theme,
    const struct legend_row *row, double x, double y, double width)
{
	struct rect box = {x, y + 5, MARK_SIZE, MARK_SIZE};
	struct rect line = {x, y + 9, MARK_SIZE, 2};
	struct rect above = {x, y - 1, width, 1};

	switch (row->mark) {
	case MARK_BOX: c->ops->rect(c, &box, row->color, NULL); break;
	case MARK_LINE: c->ops->rect(c, &line, row->color, NULL); break;
	case MARK_TOTAL: c->ops->rect(c, &above, theme->line, NULL); break;
	case MARK_HEADING:
	case MARK_PLAIN: break;
	}
}

static void
draw_row(struct canvas *c, const struct theme *theme, const struct legend *l,
    const struct legend_row *row, double x, double y, double width)
{
	double right[LEGEND_MAX_COLUMNS];
	double room = place_columns(l, x, width, right);
	bool is_heading = row->mark == MARK_HEADING;
	double indent = is_heading || row->mark == MARK_PLAIN ? 0 : MARK_WIDTH;

	draw_mark(c, theme, row, x, y, width);
	chart_text_cut(c, x + indent, y + ROW_BASELINE,
	    (is_heading ? width : room) - indent,
	    is_heading ? FACE_MONO : FACE_TEXT,
	    is_heading ? theme->quiet : theme->text, row->label);
	for (size_t i = 0; i < l->n_columns; i++)
		if (right[i] > 0)
			chart_text(c, right[i], y + ROW_BASELINE, ANCHOR_END,
			    theme->text, row->value[i]);
}

void
legend_draw(struct canvas *c, const struct theme *theme, const struct legend *l,
    double x, double y, double width)
{
	double right[LEGEND_MAX_COLUMNS];

	place_columns(l, x, width, right);
	for (size_t i = 0; i < l->n_columns; i++)
		if (right[i] > 0)
			chart_text(c, right[i], y + ROW_BASELINE, ANCHOR_END,
			    theme->quiet, l->column[i].name);
	if (l->n_columns > 0)
		y += CHART_ROW;
	for (size_t i = 0; i < l->n; i++)
		draw_row(c, theme, l, &l->row[i], x, y + (double)i * CHART_ROW,
		    width);
}
