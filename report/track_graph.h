/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_GRAPH_H
#define WEIR_REPORT_TRACK_GRAPH_H
/*
 * Pictures of trackings, drawn by librrd: one with its largest five minutes,
 * statistics, limits and marks; or several of one unit, stacked on both sides
 * of the axis.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/canvas.h"
#include "report/load.h"
#include "schema/base/err.h"

struct theme;

struct track_curve {
	const char *path, *name;
	struct color color;
	bool below; /* the axis */
};

struct track_mark { /* a moment; or with at_s 0 a value */
	int64_t at_s;
	double value;
	const char *text;
};

/* All borrowed. */
struct track_picture {
	const char *title;
	const char *note; /* a line below: the filter's words, say */
	enum load load;
	int64_t from_s, to_s, step_s; /* of the data in it */
	const struct track_curve *curve;
	size_t n_curves;
	bool stacked; /* a group, however many it has */
	/* Unknown between them is told from not begun yet. */
	int64_t start_s, done_s;
	const struct track_mark *mark;
	size_t n_marks;
	const struct theme *theme;
	unsigned width, height, density; /* pixels of the plot; of a thumbnail
					    all of it */
	bool thumbnail;                  /* small, without words */
	bool svg;
};

/* free() what it makes. */
int track_draw(const struct track_picture *p, void **data, size_t *len,
    struct err *err) MUST_CHECK;

#endif
