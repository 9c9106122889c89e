/* SPDX-License-Identifier: ISC */
/*
 * Coverage by signed areas: see raster.h. Each edge adds to the pixels it
 * passes what it covers of them to its right; the running sum of a row is then
 * the cover. An edge downwards counts positive, one upwards negative.
 */
#include "report/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"

struct raster {
	size_t width, height;
	float *sum;       /* height rows of width + 1 */
	size_t top, stop; /* rows that anything was added to */
};

struct raster *
raster_new(size_t width, size_t height)
{
	struct raster *r = xcalloc(1, sizeof *r);

	r->width = width;
	r->height = height;
	r->sum = xcalloc(height, (width + 1) * sizeof *r->sum);
	r->top = height;
	return r;
}

void
raster_free(struct raster *r)
{
	if (r == NULL)
		return;
	free(r->sum);
	free(r);
}

static double
clamp(double x, double max)
{
	return x < 0 ? 0 : x > max ? max : x;
}

/* A part of an edge that stays within one pixel, or left or right of all: dy
 * of the row's height, x on average. */
static void
add_cell(struct raster *r, float *row, double x, double dy)
{
	double at = clamp(x, (double)r->width);
	size_t i = (size_t)at;

	if (i >= r->width) {
		row[r->width] += (float)dy;
		return;
	}
	row[i] += (float)(dy * (1 - (at - (double)i)));
	row[i + 1] += (float)(dy * (at - (double)i));
}

/* A part of an edge within one row, from x0 to x1, left to right. */
static void
add_row(struct raster *r, float *row, double x0, double x1, double dy)
{
	double slope;

	if (x1 - x0 < 1e-9 || x1 <= 0 || x0 >= (double)r->width) {
		add_cell(r, row, (x0 + x1) / 2, dy);
		return;
	}
	slope = dy / (x1 - x0);
	if (x0 < 0) {
		add_cell(r, row, 0, -x0 * slope);
		x0 = 0;
	}
	if (x1 > (double)r->width) {
		add_cell(
		    r, row, (double)r->width, (x1 - (double)r->width) * slope);
		x1 = (double)r->width;
	}
	while (x0 < x1) {
		double next = floor(x0) + 1;

		if (next > x1)
			next = x1;
		add_cell(r, row, (x0 + next) / 2, (next - x0) * slope);
		x0 = next;
	}
}

/* From the upper to the lower end; sign tells which way it really goes. */
static void
add_edge(struct raster *r, struct point a, struct point b, double sign)
{
	double slope = (b.x - a.x) / (b.y - a.y);
	double y = clamp(a.y, (double)r->height);
	double stop = clamp(b.y, (double)r->height);

	if (y >= stop)
		return;
	if ((size_t)y < r->top)
		r->top = (size_t)y;
	if ((size_t)ceil(stop) > r->stop)
		r->stop = (size_t)ceil(stop);
	while (y < stop) {
		size_t at = (size_t)y;
		double next = (double)at + 1 < stop ? (double)at + 1 : stop;
		double x0 = a.x + (y - a.y) * slope;
		double x1 = a.x + (next - a.y) * slope;

		add_row(r, r->sum + at * (r->width + 1), x0 < x1 ? x0 : x1,
		    x0 < x1 ? x1 : x0, (next - y) * sign);
		y = next;
	}
}

void
raster_area(struct raster *r, const struct point *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct point a = p[i], b = p[(i + 1) % n];

		if (a.y < b.y)
			add_edge(r, a, b, 1);
		else if (a.y > b.y)
			add_edge(r, b, a, -1);
	}
}

/* A piece of line with square ends, so that corners are filled; always in the
 * same direction, so that pieces that overlap add up. */
static void
add_piece(struct raster *r, struct point a, struct point b, double width)
{
	double dx = b.x - a.x, dy = b.y - a.y;
	double len = hypot(dx, dy), half = width / 2;
	struct point q[4];

	if (len < 1e-9)
		return;
	dx *= half / len;
	dy *= half / len;
	q[0] = (struct point){a.x - dx - dy, a.y - dy + dx};
	q[1] = (struct point){b.x + dx - dy, b.y + dy + dx};
	q[2] = (struct point){b.x + dx + dy, b.y + dy - dx};
	q[3] = (struct point){a.x - dx + dy, a.y - dy - dx};
	raster_area(r, q, 4);
}

static struct point
along(struct point a, struct point b, double share)
{
	return (struct point){
	    a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share};
}

/* at: how far along the pattern the line is; returns where it is behind b. The
 * square ends of a piece are part of a dash. */
static double
add_dashes(struct raster *r, struct point a, struct point b, double width,
    double dash, double at)
{
	double len = hypot(b.x - a.x, b.y - a.y), half = width / 2;
	double done = 0;

	while (done < len) {
		double phase = fmod(at + done, 2 * dash);
		double piece = phase < dash ? dash - phase : 2 * dash - phase;
		double end = done + piece < len ? done + piece : len;

		if (phase < dash && end - done > width)
			add_piece(r, along(a, b, (done + half) / len),
			    along(a, b, (end - half) / len), width);
		done += piece > 1e-6 ? piece : 1e-6;
	}
	return fmod(at + len, 2 * dash);
}

void
raster_line(struct raster *r, const struct point *p, size_t n, double width,
    double dash)
{
	double at = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		if (dash > 0)
			at = add_dashes(r, p[i], p[i + 1], width, dash, at);
		else
			add_piece(r, p[i], p[i + 1], width);
	}
}

void
raster_flush(struct raster *r, raster_fn *fn, void *arg)
{
	enum { NOTHING = 255 }; /* less than 1 / 255 cannot be seen */

	for (size_t y = r->top; y < r->stop; y++) {
		float *row = r->sum + y * (r->width + 1);
		float sum = 0;

		for (size_t x = 0; x < r->width; x++) {
			float cover;

			sum += row[x];
			cover = fabsf(sum);
			if (cover * NOTHING > 1)
				fn(arg, (int)x, (int)y,
				    cover < 1 ? (double)cover : 1);
		}
		memset(row, 0, (r->width + 1) * sizeof *row);
	}
	r->top = r->height;
	r->stop = 0;
}
