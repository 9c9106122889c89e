/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_DRAWING_H
#define WEIR_REPORT_DRAWING_H
/* A picture of any kind as the bytes of a file, in memory. */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct canvas;
struct theme;

enum picture_format { PICTURE_PNG, PICTURE_SVG };

/* What is asked of the looks, by words. Text is borrowed from them. */
struct picture_style {
	uint64_t width;   /* pixels at scale 1 of the whole */
	uint64_t height;  /* of its plot, map or pie */
	uint64_t density; /* of a PNG: 2 has twice the pixels */
	const struct theme *theme;
	const char *title; /* NULL: made */
	const char *font;  /* see fonts_new; NULL: the usual one */
	uint64_t slices;   /* of a pie, without others */
};

void picture_style_init(struct picture_style *s);

/* The words, for the table of a request_spec whose arg begins with a struct
 * picture_style. Each returns 0 or ERR_USAGE. */
#define PICTURE_WORDS                                                          \
	{"width", picture_set_width}, {"height", picture_set_height},          \
	    {"density", picture_set_density}, {"theme", picture_set_theme},    \
	    {"title", picture_set_title},                                      \
	{                                                                      \
		"font", picture_set_font                                       \
	}

int picture_set_width(void *arg, const char *value, struct err *err);
int picture_set_height(void *arg, const char *value, struct err *err);
int picture_set_density(void *arg, const char *value, struct err *err);
int picture_set_theme(void *arg, const char *value, struct err *err);
int picture_set_title(void *arg, const char *value, struct err *err);
int picture_set_font(void *arg, const char *value, struct err *err);
int picture_set_slices(void *arg, const char *value, struct err *err);

/* A number from min to max behind key=. */
int picture_number(const char *key, const char *value, uint64_t min,
    uint64_t max, uint64_t *out, struct err *err) MUST_CHECK;

struct drawing {
	const struct picture_style *style;
	const char *description; /* for who cannot see it */
	/* How high it is (c knows only widths of text), and the drawing. */
	double (*height)(void *arg, const struct canvas *c);
	void (*draw)(void *arg, struct canvas *c);
	void *arg;
};

/* free() *data. ERR_USAGE: there is no such font, or it would have too many
 * pixels; ERR_SYSTEM: libgd cannot. */
int drawing_make(const struct drawing *d, enum picture_format format,
    void **data, size_t *len, struct err *err) MUST_CHECK;

#endif
