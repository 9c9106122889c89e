/* SPDX-License-Identifier: ISC */
/* From a drawing to a file: see drawing.h. */
#include "report/drawing.h"

#include <stdint.h>

#include "report/graph.h"
#include "report/palette.h"
#include "schema/base/buf.h"
#include "schema/base/num.h"

enum {
	DEFAULT_WIDTH = 900,
	MIN_WIDTH = 200,
	DEFAULT_HEIGHT = 240,
	MIN_HEIGHT = 40,
	MAX_DENSITY = 4,
	DEFAULT_SLICES = 8,
	MAX_SLICES = 50,
};

/* ---- words ---- */

void
picture_style_init(struct picture_style *s)
{
	*s = (struct picture_style){
	    .width = DEFAULT_WIDTH,
	    .height = DEFAULT_HEIGHT,
	    .density = 1,
	    .theme = theme_find("light"),
	    .slices = DEFAULT_SLICES,
	};
}

int
picture_number(const char *key, const char *value, uint64_t min, uint64_t max,
    uint64_t *out, struct err *err)
{
	if (parse_u64(value, max, out) && *out >= min)
		return 0;
	return err_set(err, ERR_USAGE,
	    "%s=%.60s: want a number from %llu to %llu", key, value,
	    (unsigned long long)min, (unsigned long long)max);
}

int
picture_set_width(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	return picture_number(
	    "width", value, MIN_WIDTH, PICTURE_MAX_PX, &s->width, err);
}

int
picture_set_height(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	return picture_number(
	    "height", value, MIN_HEIGHT, PICTURE_MAX_PX, &s->height, err);
}

int
picture_set_density(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	return picture_number(
	    "density", value, 1, MAX_DENSITY, &s->density, err);
}

int
picture_set_slices(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	return picture_number("slices", value, 1, MAX_SLICES, &s->slices, err);
}

int
picture_set_theme(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	if ((s->theme = theme_find(value)) != NULL)
		return 0;
	return err_set(err, ERR_USAGE, "theme=%.60s: light or dark", value);
}

int
picture_set_title(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	(void)err;
	s->title = value;
	return 0;
}

int
picture_set_font(void *arg, const char *value, struct err *err)
{
	struct picture_style *s = arg;

	(void)err;
	s->font = value; /* looked for when it is needed */
	return 0;
}

/* ---- files ---- */

static int
make_png(const struct drawing *d, double height, struct fonts *fonts,
    void **data, size_t *len, struct err *err)
{
	struct canvas *c;
	int rc;

	if (height * (double)d->style->density > PICTURE_MAX_PX ||
	    (double)d->style->width * (double)d->style->density >
		PICTURE_MAX_PX)
		return err_set(err, ERR_USAGE,
		    "the picture would have more than %d pixels in one "
		    "direction: take smaller width=, height= or density=",
		    PICTURE_MAX_PX);
	c = canvas_png_new(
	    (double)d->style->width, height, (double)d->style->density, fonts);
	d->draw(d->arg, c);
	rc = canvas_png_take(c, data, len, err);
	canvas_png_free(c);
	return rc;
}

static void
make_svg(const struct drawing *d, double height, struct fonts *fonts,
    void **data, size_t *len)
{
	struct canvas *c;
	struct buf out;

	buf_init(&out, SIZE_MAX);
	c = canvas_svg_new(
	    (double)d->style->width, height, d->description, fonts, &out);
	d->draw(d->arg, c);
	canvas_svg_free(c);
	*data = out.data; /* the caller's from here on */
	*len = out.len;
}

int
drawing_make(const struct drawing *d, enum picture_format format, void **data,
    size_t *len, struct err *err)
{
	struct fonts *fonts = fonts_new(d->style->font);
	struct canvas measure = {.fonts = fonts};
	double height;
	int rc = 0;

	if (fonts == NULL)
		return err_set(err, ERR_USAGE,
		    "font=%.60s: no such font; want a file, a name that "
		    "fontconfig knows, or builtin",
		    d->style->font);
	height = d->height(d->arg, &measure);
	if (format == PICTURE_PNG)
		rc = make_png(d, height, fonts, data, len, err);
	else
		make_svg(d, height, fonts, data, len);
	fonts_free(fonts);
	return rc;
}
