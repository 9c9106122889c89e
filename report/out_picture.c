/* SPDX-License-Identifier: ISC */
/*
 * A table as a pie, PNG or SVG: its first rows, and "others", which are all
 * rest of the total, shown or not. See chart_pie.c.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/cell.h"
#include "report/chart.h"
#include "report/drawing.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

struct collected {
	struct pie_slice *slice; /* labels owned */
	size_t n, cap;
	struct cell_clock clock;
};

static void
begin(struct out *o)
{
	assert(o->style.picture != NULL && o->head.parts > 0);
	o->state = xcalloc(1, sizeof(struct collected));
}

static void
put_key(struct out *o, struct buf *text, size_t i, struct table_value v)
{
	static const struct out_style plain = {0};
	const struct table_column *col = &o->head.column[i];
	struct collected *c = o->state;
	char value[CELL_MAX];
	char *end;

	if (v.kind == VALUE_NULL)
		return;
	buf_puts(text, i == 0 ? "" : col->join != NULL ? col->join : " ");
	if (v.kind == VALUE_TEXT) {
		buf_puts(text, v.cell.text);
		return;
	}
	end = cell_put(value, &plain, &c->clock, col, v);
	buf_put(text, value, (size_t)(end - value));
}

/* Of a row: with what is joined to the keys, as names are, or without, which
 * tells the colour. */
static char *
label_row(struct out *o, const union table_cell *cell, bool with_joined)
{
	const struct table_column *col = o->head.column;
	struct buf text;
	char *label;

	buf_init(&text, SIZE_MAX);
	for (size_t i = 0; i < o->head.n_keys; i++)
		if (with_joined || col[i].join == NULL)
			put_key(o, &text, i, table_value(&col[i], cell[i]));
	label = xstrdup(buf_str(&text));
	buf_release(&text);
	return label;
}

static void
put_names(const struct out *o, struct buf *names)
{
	for (size_t i = 0; i < o->head.n_keys; i++)
		if (o->head.column[i].join == NULL)
			buf_printf(names, "%s%s", i > 0 ? "," : "",
			    o->head.column[i].name);
}

static void
row(struct out *o, const union table_cell *cell)
{
	struct collected *c = o->state;
	struct pie_slice *slice;
	struct buf names;
	char *values;

	if (c->n == o->style.picture->slices)
		return;
	buf_init(&names, SIZE_MAX);
	put_names(o, &names);
	values = label_row(o, cell, false);
	c->slice = xgrow(c->slice, c->n, &c->cap, sizeof *c->slice);
	slice = &c->slice[c->n++];
	slice->label = label_row(o, cell, true);
	slice->value = cell[o->head.parts].number;
	slice->hash = palette_hash(buf_str(&names), values);
	free(values);
	buf_release(&names);
}

static double
height(void *arg, const struct canvas *c)
{
	return pie_chart_height(c, arg);
}

static void
draw(void *arg, struct canvas *c)
{
	pie_chart_draw(c, arg);
}

/* Of the caption's lines the last is the span, the one before, unless it is the
 * first, the filter. */
static void
split_caption(const char *caption, struct buf *words, struct buf *span)
{
	const char *line = caption;
	size_t number = 0;

	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		if (number > 1) {
			buf_clear(words);
			buf_puts(words, buf_str(span));
		}
		buf_clear(span);
		buf_put(span, line, len);
		line += len + (line[len] == '\n');
		number++;
	}
}

static void
end_as(struct out *o, const struct table_foot *foot, enum picture_format format)
{
	const struct picture_style *style = o->style.picture;
	const struct table_column *col = &o->head.column[o->head.parts];
	struct collected *c = o->state;
	struct buf title, names, words, span;
	struct pie_chart chart = {
	    .slice = c->slice,
	    .n = c->n,
	    .total = foot->total[o->head.parts].number,
	    .measure = col->name,
	    .is_octets = col->quantity == QUANTITY_OCTETS,
	    .height = (double)style->height,
	    .nothing = "no flow matches",
	};
	struct drawing drawing = {
	    .style = style, .height = height, .draw = draw, .arg = &chart};
	void *data = NULL;
	size_t len = 0;

	buf_init(&title, SIZE_MAX);
	buf_init(&names, SIZE_MAX);
	buf_init(&words, SIZE_MAX);
	buf_init(&span, SIZE_MAX);
	put_names(o, &names);
	if (style->title != NULL)
		buf_puts(&title, style->title);
	else
		buf_printf(&title, "%s by %s", col->name, buf_str(&names));
	split_caption(o->head.caption, &words, &span);
	chart.frame = (struct frame){
	    .theme = style->theme,
	    .width = (double)style->width,
	    .title = buf_str(&title),
	    .words = buf_str(&words),
	    .span = buf_str(&span),
	};
	drawing.description = buf_str(&title);
	o->rc = drawing_make(&drawing, format, &data, &len, &o->err);
	if (o->rc == 0)
		sink_put(o->sink, data, len);
	free(data);
	buf_release(&title);
	buf_release(&names);
	buf_release(&words);
	buf_release(&span);
}

static void
end_png(struct out *o, const struct table_foot *foot)
{
	end_as(o, foot, PICTURE_PNG);
}

static void
end_svg(struct out *o, const struct table_foot *foot)
{
	end_as(o, foot, PICTURE_SVG);
}

static void
release(struct out *o)
{
	struct collected *c = o->state;

	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->slice[i].label);
	free(c->slice);
	free(c);
}

const struct out_format out_png = {
    .name = "png",
    .begin = begin,
    .row = row,
    .end = end_png,
    .release = release,
};

const struct out_format out_svg = {
    .name = "svg",
    .begin = begin,
    .row = row,
    .end = end_svg,
    .release = release,
};
