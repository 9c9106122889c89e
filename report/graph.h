/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GRAPH_H
#define WEIR_REPORT_GRAPH_H
/* Canvases that become files: PNG by libgd, SVG as text. */
#include <stddef.h>

#include "report/canvas.h"
#include "schema/base/err.h"

struct buf;

enum { PICTURE_MAX_PX = 16384 }; /* each way, in the file */

struct canvas *canvas_png_new(
    double width, double height, double scale, struct fonts *fonts);
/* The file, free() it. ERR_SYSTEM: libgd cannot make it. */
int canvas_png_take(
    struct canvas *c, void **data, size_t *len, struct err *err) MUST_CHECK;
void canvas_png_free(struct canvas *c); /* accepts NULL */

/* description: for who cannot see it. What is drawn is appended to out, which
 * is borrowed until canvas_svg_free. */
struct canvas *canvas_svg_new(double width, double height,
    const char *description, struct fonts *fonts, struct buf *out);
void canvas_svg_free(struct canvas *c); /* ends the file; accepts NULL */

/* PNG files beside and below each other, in so many columns; free() it. */
struct png_part {
	const void *data;
	size_t len;
};

int png_tile(const struct png_part *part, size_t n, size_t columns,
    struct color page, void **data, size_t *len, struct err *err) MUST_CHECK;

#endif
