/* SPDX-License-Identifier: ISC */
/*
 * SVG, complete in itself: no scripts, no references but to fonts by name. It
 * is read by browsers and printers, and shows titles when pointed at. Text may
 * hold anything; it is escaped here.
 * Source: SVG 1.1, W3C recommendation of 2011-08-16.
 */
#include "report/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/html/asset.h"
#include "report/utf8.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

struct svg {
	struct canvas canvas;
	struct buf *out; /* borrowed */
};

static struct svg *
svg_of(struct canvas *c)
{
	return (struct svg *)c; /* its first member */
}

static const char *const families[N_FACES] = {
    [FACE_TEXT] = "'DejaVu Sans',Verdana,system-ui,sans-serif",
    [FACE_BOLD] = "'DejaVu Sans',Verdana,system-ui,sans-serif",
    [FACE_MONO] = "'DejaVu Sans Mono',Consolas,monospace",
};

static const char *const anchors[] = {
    [ANCHOR_START] = "start",
    [ANCHOR_MIDDLE] = "middle",
    [ANCHOR_END] = "end",
};

static const char *
entity_of(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* What XML does not allow, however it is written, is replaced. */
static void
put_escaped(struct buf *out, const char *text)
{
	while (*text != '\0') {
		uint32_t code;
		size_t len = utf8_next(text, &code);
		const char *entity = entity_of(*text);

		if (code == 0xFFFD || (utf8_is_control(code) && code != '\n'))
			buf_puts(out, UTF8_REPLACEMENT);
		else if (entity != NULL)
			buf_puts(out, entity);
		else
			buf_put(out, text, len);
		text += len;
	}
}

/* At most two decimals, none if they are zero. */
static void
put_number(struct buf *out, double x)
{
	long hundredths = lround(x * 100);

	if (hundredths % 100 == 0)
		buf_printf(out, "%ld", hundredths / 100);
	else if (hundredths % 10 == 0)
		buf_printf(out, "%.1f", (double)hundredths / 100);
	else
		buf_printf(out, "%.2f", (double)hundredths / 100);
}

static void
put_attribute(struct buf *out, const char *name, double x)
{
	buf_printf(out, " %s=\"", name);
	put_number(out, x);
	buf_puts(out, "\"");
}

static void
put_color(struct buf *out, const char *name, struct color c)
{
	buf_printf(out, " %s=\"#%02x%02x%02x\"", name, c.r, c.g, c.b);
}

/* Ends an element of this name, with a title in it if there is one. */
static void
put_end(struct buf *out, const char *name, const char *title)
{
	if (title == NULL) {
		buf_puts(out, "/>\n");
		return;
	}
	buf_puts(out, "><title>");
	put_escaped(out, title);
	buf_printf(out, "</title></%s>\n", name);
}

static void
put_rect(struct buf *out, const struct rect *r)
{
	buf_puts(out, "<rect");
	put_attribute(out, "x", r->x);
	put_attribute(out, "y", r->y);
	put_attribute(out, "width", r->w);
	put_attribute(out, "height", r->h);
}

static void
svg_rect(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	struct buf *out = svg_of(c)->out;

	put_rect(out, r);
	put_color(out, "fill", color);
	buf_puts(out, " shape-rendering=\"crispEdges\"");
	put_end(out, "rect", title);
}

/* Where only one of x and y changes, only that is written. */
static void
put_path(struct buf *out, const struct point *p, size_t n, bool is_closed)
{
	buf_puts(out, "<path d=\"");
	for (size_t i = 0; i < n; i++) {
		bool same_x = i > 0 && fabs(p[i].x - p[i - 1].x) < 0.005;
		bool same_y = i > 0 && fabs(p[i].y - p[i - 1].y) < 0.005;

		buf_puts(out, i == 0 ? "M" : same_y ? "H" : same_x ? "V" : "L");
		if (!same_x || same_y)
			put_number(out, p[i].x);
		if (!same_x && !same_y)
			buf_puts(out, " ");
		if (!same_y)
			put_number(out, p[i].y);
	}
	buf_puts(out, is_closed ? "z\"" : "\"");
}

static void
svg_area(struct canvas *c, const struct point *p, size_t n, struct color color,
    const char *title)
{
	struct buf *out = svg_of(c)->out;

	put_path(out, p, n, true);
	put_color(out, "fill", color);
	put_end(out, "path", title);
}

static void
svg_line(
    struct canvas *c, const struct point *p, size_t n, const struct stroke *s)
{
	struct buf *out = svg_of(c)->out;

	put_path(out, p, n, false);
	put_color(out, "stroke", s->color);
	put_attribute(out, "stroke-width", s->width);
	if (s->is_dashed)
		buf_puts(out, " stroke-dasharray=\"4\"");
	buf_puts(out, " fill=\"none\"/>\n");
}

/* The stroke where x + y is sum, cut at the rectangle. */
static void
put_slant(struct buf *out, const struct rect *r, double sum)
{
	double x0 = fmax(r->x, sum - r->y - r->h);
	double x1 = fmin(r->x + r->w, sum - r->y);

	buf_puts(out, "M");
	put_number(out, x0);
	buf_puts(out, " ");
	put_number(out, sum - x0);
	buf_puts(out, "L");
	put_number(out, x1);
	buf_puts(out, " ");
	put_number(out, sum - x1);
}

static void
svg_hatch(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	enum { STEP = 8 };
	struct buf *out = svg_of(c)->out;
	long first = lround(ceil((r->x + r->y) / STEP));
	long last = lround(floor((r->x + r->w + r->y + r->h) / STEP));

	buf_puts(out, "<path d=\"");
	for (long i = first; i <= last; i++)
		put_slant(out, r, (double)i * STEP);
	buf_puts(out, "\" fill=\"none\"");
	put_color(out, "stroke", color);
	buf_puts(out, "/>\n");
	if (title != NULL)
		c->ops->hover(c, r, title);
}

static void
svg_text(struct canvas *c, double x, double y, const struct text_style *s,
    const char *utf8)
{
	struct buf *out = svg_of(c)->out;

	buf_puts(out, "<text");
	put_attribute(out, "x", x);
	put_attribute(out, "y", y);
	buf_printf(out, " font-family=\"%s\" font-size=\"%u\"",
	    families[s->face], s->px);
	if (s->face == FACE_BOLD)
		buf_puts(out, " font-weight=\"bold\"");
	if (s->anchor != ANCHOR_START)
		buf_printf(out, " text-anchor=\"%s\"", anchors[s->anchor]);
	put_color(out, "fill", s->color);
	buf_puts(out, " xml:space=\"preserve\">");
	put_escaped(out, utf8);
	buf_puts(out, "</text>\n");
}

static void
svg_hover(struct canvas *c, const struct rect *r, const char *title)
{
	struct buf *out = svg_of(c)->out;

	put_rect(out, r);
	buf_puts(out, " class=\"at\"");
	put_end(out, "rect", title);
}

static const struct canvas_ops svg_ops = {
    .rect = svg_rect,
    .area = svg_area,
    .line = svg_line,
    .hatch = svg_hatch,
    .text = svg_text,
    .hover = svg_hover,
};

struct canvas *
canvas_svg_new(double width, double height, const char *description,
    struct fonts *fonts, struct buf *out)
{
	struct svg *svg = xcalloc(1, sizeof *svg);

	svg->canvas = (struct canvas){.ops = &svg_ops, .fonts = fonts};
	svg->out = out;
	buf_puts(out, "<svg xmlns=\"http://www.w3.org/2000/svg\"");
	put_attribute(out, "width", width);
	put_attribute(out, "height", height);
	buf_puts(out, " viewBox=\"0 0 ");
	put_number(out, width);
	buf_puts(out, " ");
	put_number(out, height);
	buf_puts(out, "\" role=\"img\">\n<desc>");
	put_escaped(out, description);
	/* A page whose policy names its hash may have it inline. */
	buf_printf(out, "</desc>\n<style>%s</style>\n", asset_graph_css);
	return &svg->canvas;
}

void
canvas_svg_free(struct canvas *c)
{
	if (c == NULL)
		return;
	buf_puts(svg_of(c)->out, "</svg>\n");
	free(svg_of(c));
}
