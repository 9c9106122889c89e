/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_RASTER_H
#define WEIR_REPORT_RASTER_H
/*
 * How much of each pixel a shape covers, exactly: what makes slanted edges and
 * lines of 1.5 pixels look smooth. (libgd smooths lines of one pixel alone, and
 * no polygons.)
 */
#include <stddef.h>

#include "report/canvas.h"

struct raster;

struct raster *raster_new(size_t width, size_t height);
void raster_free(struct raster *r); /* accepts NULL */

/* Add the inside of n points, in either direction; shapes may overlap. */
void raster_area(struct raster *r, const struct point *p, size_t n);

/* Add a line of some width through n points; dash > 0: so long, with gaps of
 * the same length. */
void raster_line(struct raster *r, const struct point *p, size_t n,
    double width, double dash);

/* Call fn for the pixels that are covered (0 < cover <= 1), then forget. */
typedef void raster_fn(void *arg, int x, int y, double cover);
void raster_flush(struct raster *r, raster_fn *fn, void *arg);

#endif
