/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_CANVAS_H
#define WEIR_REPORT_CANVAS_H
/*
 * What charts draw on: a few shapes and text, in pixels at scale 1, y down.
 * graph.c makes PNG of it, svg.c SVG. Colours are opaque, so what is drawn
 * later covers what was there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct canvas;

struct color {
	uint8_t r, g, b;
};

struct point {
	double x, y;
};

struct rect {
	double x, y, w, h;
};

enum face { FACE_TEXT, FACE_BOLD, FACE_MONO, N_FACES };

enum anchor { ANCHOR_START, ANCHOR_MIDDLE, ANCHOR_END };

enum { FONT_PX = 12, FONT_TITLE_PX = 15 }; /* there are no smaller ones */

struct text_style {
	enum face face;
	unsigned px;
	enum anchor anchor;
	struct color color;
};

struct stroke {
	double width;
	bool is_dashed;
	struct color color;
};

struct canvas_ops {
	/* Filled; edges on whole pixels. title, where the format can: shown
	 * when pointed at, or NULL. */
	void (*rect)(struct canvas *c, const struct rect *r, struct color color,
	    const char *title);
	/* The inside of n points. */
	void (*area)(struct canvas *c, const struct point *p, size_t n,
	    struct color color, const char *title);
	/* Through n points. */
	void (*line)(struct canvas *c, const struct point *p, size_t n,
	    const struct stroke *s);
	/* Slanted lines. */
	void (*hatch)(struct canvas *c, const struct rect *r,
	    struct color color, const char *title);
	/* utf8 with its baseline at y. */
	void (*text)(struct canvas *c, double x, double y,
	    const struct text_style *s, const char *utf8);
	/* Nothing to be seen but a title when pointed at; NULL where the
	 * format has none. */
	void (*hover)(
	    struct canvas *c, const struct rect *r, const char *title);
};

struct fonts;

/* The first member of what implements it. */
struct canvas {
	const struct canvas_ops *ops;
	struct fonts *fonts; /* borrowed: widths of text in any format */
};

/* ---- fonts: graph.c ---- */

/*
 * name NULL: DejaVu Sans, else what fontconfig has for "sans", else the bitmap
 * fonts of libgd. "builtin": those. Anything else: a font file, or a pattern of
 * fontconfig; NULL is returned when there is no such font.
 */
struct fonts *fonts_new(const char *name);
void fonts_free(struct fonts *f); /* accepts NULL */

/* Pixels at scale 1 that text takes. */
double text_width(
    const struct canvas *c, const struct text_style *s, const char *utf8);

/* The same, cut with an ellipsis so that it takes at most width. */
void text_cut(const struct canvas *c, const struct text_style *s, char *utf8,
    size_t size, double width);

/* share of a, the rest of b: what a half transparent a would look like. */
struct color color_mix(struct color a, struct color b, double share);

/* Of two colours for text the one that stands out more on this ground. */
struct color color_readable(struct color on, struct color a, struct color b);

#endif
