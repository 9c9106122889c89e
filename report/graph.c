/* SPDX-License-Identifier: ISC */
/*
 * PNG by libgd, the only file that calls it: see graph.h. Text is drawn by
 * FreeType through libgd at the scale of the file, so it is sharp at any.
 * Source: the libgd 2.3 reference, gdImageStringFTEx.
 */
#include "report/graph.h"

#include <gd.h>
#include <gdfontmb.h>
#include <gdfonts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/raster.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"

/* ---- fonts ---- */

struct fonts {
	char *name[N_FACES]; /* for FreeType; NULL: of libgd itself */
	bool by_fontconfig;
};

/* Where Debian's fonts-dejavu-core puts them; asking fontconfig costs 20 ms. */
static const char *const dejavu[N_FACES] = {
    [FACE_TEXT] = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    [FACE_BOLD] = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf",
    [FACE_MONO] = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf",
};

static const char *const patterns[N_FACES] = {
    [FACE_TEXT] = "sans",
    [FACE_BOLD] = "sans:bold",
    [FACE_MONO] = "monospace",
};

/* libgd counts in points of 1/72 inch at 96 to the inch. */
static double
points(double px)
{
	return px * 72 / 96;
}

/* NULL, or libgd's complaint. */
static const char *
string_ft(gdImagePtr image, int box[8], int color, const struct fonts *f,
    enum face face, double px, int x, int y, const char *text)
{
	gdFTStringExtra extra = {
	    .flags = gdFTEX_RETURNFONTPATHNAME,
	    .fontpath = NULL,
	};
	char *copy = xstrdup(text); /* libgd's parameter is not const */
	const char *complaint;

	if (!f->by_fontconfig)
		extra.flags |= gdFTEX_FONTPATHNAME;
	complaint = gdImageStringFTEx(image, box, color, f->name[face],
	    points(px), 0, x, y, copy, &extra);
	gdFree(extra.fontpath);
	free(copy);
	return complaint;
}

static bool
can_draw(const struct fonts *f)
{
	int box[8];

	for (int i = 0; i < N_FACES; i++)
		if (string_ft(NULL, box, 0, f, (enum face)i, FONT_PX, 0, 0,
			"0") != NULL)
			return false;
	return true;
}

static void
forget_names(struct fonts *f)
{
	for (size_t i = 0; i < N_FACES; i++) {
		free(f->name[i]);
		f->name[i] = NULL;
	}
}

/* One name for all faces, or one for each. */
static bool
take_names(
    struct fonts *f, const char *one, const char *const *each, bool fontconfig)
{
	forget_names(f);
	f->by_fontconfig = fontconfig;
	gdFTUseFontConfig(fontconfig);
	for (size_t i = 0; i < N_FACES; i++)
		f->name[i] = xstrdup(one != NULL ? one : each[i]);
	if (can_draw(f))
		return true;
	forget_names(f);
	return false;
}

struct fonts *
fonts_new(const char *name)
{
	struct fonts *f = xcalloc(1, sizeof *f);

	if (name == NULL) {
		if (access(dejavu[FACE_TEXT], R_OK) != 0 ||
		    !take_names(f, NULL, dejavu, false))
			(void)take_names(f, NULL, patterns, true);
		return f;
	}
	if (strcmp(name, "builtin") == 0 ||
	    take_names(f, name, NULL, strchr(name, '/') == NULL))
		return f;
	fonts_free(f);
	return NULL;
}

void
fonts_free(struct fonts *f)
{
	if (f == NULL)
		return;
	forget_names(f);
	free(f);
}

/* Bitmap fonts have 256 characters of ISO 8859-2 and one size each. */
static gdFontPtr
bitmap_font(const struct text_style *s)
{
	return s->face == FACE_BOLD ? gdFontGetMediumBold() : gdFontGetSmall();
}

/* What is not ASCII becomes one question mark a character. */
static char *
to_ascii(const char *utf8)
{
	char *out = xcalloc(strlen(utf8) + 1, 1);
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		if ((unsigned char)*utf8 < 0x80)
			out[n++] = *utf8;
		else if (((unsigned char)*utf8 & 0xc0) == 0xc0)
			out[n++] = '?';
	return out;
}

static size_t
count_characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

static double
width_at(const struct fonts *f, const struct text_style *s, double scale,
    const char *utf8)
{
	int box[8] = {0};

	if (f->name[s->face] == NULL)
		return (double)count_characters(utf8) * bitmap_font(s)->w;
	if (utf8[0] == '\0' || string_ft(NULL, box, 0, f, s->face,
				   s->px * scale, 0, 0, utf8) != NULL)
		return 0;
	return box[2] / scale;
}

double
text_width(const struct canvas *c, const struct text_style *s, const char *utf8)
{
	/* Widths at scale 1 are rounded glyph by glyph. */
	return width_at(c->fonts, s, 4, utf8);
}

void
text_cut(const struct canvas *c, const struct text_style *s, char *utf8,
    size_t size, double width)
{
	static const char dots[] = "...";
	size_t len = strlen(utf8);

	if (text_width(c, s, utf8) <= width || size < sizeof dots)
		return;
	if (len > size - sizeof dots)
		len = size - sizeof dots;
	do {
		/* A whole character at a time. */
		while (len > 0 && ((unsigned char)utf8[--len] & 0xc0) == 0x80)
			;
		memcpy(utf8 + len, dots, sizeof dots);
	} while (len > 0 && text_width(c, s, utf8) > width);
}

/* ---- the canvas ---- */

struct png {
	struct canvas canvas;
	gdImagePtr image;
	struct raster *raster;
	double scale;
};

static struct png *
png_of(struct canvas *c)
{
	return (struct png *)c; /* its first member */
}

static int
pack(struct color color)
{
	return gdTrueColor(color.r, color.g, color.b);
}

struct blend {
	gdImagePtr image;
	struct color color;
};

static int
blend_channel(int under, int over, double cover)
{
	return (int)lround(under + (over - under) * cover);
}

static void
blend_pixel(void *arg, int x, int y, double cover)
{
	const struct blend *b = arg;
	int *pixel = &gdImageTrueColorPixel(b->image, x, y);
	int p = *pixel;

	*pixel =
	    gdTrueColor(blend_channel(gdTrueColorGetRed(p), b->color.r, cover),
		blend_channel(gdTrueColorGetGreen(p), b->color.g, cover),
		blend_channel(gdTrueColorGetBlue(p), b->color.b, cover));
}

static void
flush(struct png *png, struct color color)
{
	struct blend b = {.image = png->image, .color = color};

	raster_flush(png->raster, blend_pixel, &b);
}

static struct point *
scaled(const struct png *png, const struct point *p, size_t n)
{
	struct point *out = xreallocarray(NULL, n, sizeof *out);

	for (size_t i = 0; i < n; i++) {
		out[i].x = p[i].x * png->scale;
		out[i].y = p[i].y * png->scale;
	}
	return out;
}

struct box {
	int x0, y0, x1, y1; /* included */
};

/* The pixels of a rectangle, one at least. */
static struct box
box_of(const struct png *png, const struct rect *r)
{
	struct box b = {
	    .x0 = (int)lround(r->x * png->scale),
	    .y0 = (int)lround(r->y * png->scale),
	    .x1 = (int)lround((r->x + r->w) * png->scale) - 1,
	    .y1 = (int)lround((r->y + r->h) * png->scale) - 1,
	};

	if (b.x1 < b.x0)
		b.x1 = b.x0;
	if (b.y1 < b.y0)
		b.y1 = b.y0;
	return b;
}

static void
png_rect(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	struct png *png = png_of(c);
	struct box b = box_of(png, r);

	(void)title;
	gdImageFilledRectangle(png->image, b.x0, b.y0, b.x1, b.y1, pack(color));
}

static void
png_area(struct canvas *c, const struct point *p, size_t n, struct color color,
    const char *title)
{
	struct png *png = png_of(c);
	struct point *at = scaled(png, p, n);

	(void)title;
	raster_area(png->raster, at, n);
	flush(png, color);
	free(at);
}

static void
png_line(
    struct canvas *c, const struct point *p, size_t n, const struct stroke *s)
{
	enum { DASH = 4 };
	struct png *png = png_of(c);
	struct point *at = scaled(png, p, n);

	raster_line(png->raster, at, n, s->width * png->scale,
	    s->is_dashed ? DASH * png->scale : 0);
	flush(png, s->color);
	free(at);
}

static void
png_hatch(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	enum { STEP = 8 };
	struct png *png = png_of(c);
	struct box b = box_of(png, r);
	int step = (int)lround(STEP * png->scale);
	int width = (int)lround(png->scale);

	(void)title;
	gdImageSetClip(png->image, b.x0, b.y0, b.x1, b.y1);
	for (int y = b.y0; y <= b.y1; y++)
		for (int x = b.x0; x <= b.x1; x++)
			if ((x + y) % step < width)
				gdImageSetPixel(png->image, x, y, pack(color));
	gdImageSetClip(png->image, 0, 0, gdImageSX(png->image) - 1,
	    gdImageSY(png->image) - 1);
}

/* Bitmap fonts are drawn small and enlarged. */
static void
draw_bitmap(struct png *png, double x, double y, const struct text_style *s,
    const char *utf8)
{
	gdFontPtr font = bitmap_font(s);
	char *ascii = to_ascii(utf8);
	int w = (int)strlen(ascii) * font->w, h = font->h;
	gdImagePtr small = gdImageCreateTrueColor(w > 0 ? w : 1, h);
	/* Letters stand on the eleventh of thirteen lines. */
	int top = (int)lround((y - 10) * png->scale);

	if (small != NULL) {
		gdImageAlphaBlending(small, 0);
		gdImageFilledRectangle(small, 0, 0, w, h,
		    gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent));
		gdImageString(
		    small, font, 0, 0, (unsigned char *)ascii, pack(s->color));
		gdImageCopyResized(png->image, small,
		    (int)lround(x * png->scale), top, 0, 0,
		    (int)lround(w * png->scale), (int)lround(h * png->scale), w,
		    h);
		gdImageDestroy(small);
	}
	free(ascii);
}

static void
png_text(struct canvas *c, double x, double y, const struct text_style *s,
    const char *utf8)
{
	struct png *png = png_of(c);
	double width = width_at(c->fonts, s, png->scale, utf8);

	if (s->anchor == ANCHOR_MIDDLE)
		x -= width / 2;
	else if (s->anchor == ANCHOR_END)
		x -= width;
	if (c->fonts->name[s->face] == NULL)
		draw_bitmap(png, x, y, s, utf8);
	else if (utf8[0] != '\0')
		(void)string_ft(png->image, NULL, pack(s->color), c->fonts,
		    s->face, s->px * png->scale, (int)lround(x * png->scale),
		    (int)lround(y * png->scale), utf8);
}

static const struct canvas_ops png_ops = {
    .rect = png_rect,
    .area = png_area,
    .line = png_line,
    .hatch = png_hatch,
    .text = png_text,
};

struct canvas *
png_new(double width, double height, double scale, struct fonts *fonts)
{
	struct png *png = xcalloc(1, sizeof *png);
	int w = (int)lround(width * scale), h = (int)lround(height * scale);

	png->canvas = (struct canvas){.ops = &png_ops, .fonts = fonts};
	png->scale = scale;
	png->image = gdImageCreateTrueColor(w, h);
	png->raster = raster_new((size_t)w, (size_t)h);
	return &png->canvas;
}

int
png_take(struct canvas *c, void **data, size_t *len, struct err *err)
{
	enum { PER_INCH = 96, LEVEL = 6 };
	struct png *png = png_of(c);
	int size = 0, dpi = (int)lround(PER_INCH * png->scale);
	void *made;

	gdImageSetResolution(png->image, (unsigned)dpi, (unsigned)dpi);
	made = gdImagePngPtrEx(png->image, &size, LEVEL);
	if (made == NULL)
		return err_set(err, ERR_SYSTEM, "libgd cannot make the PNG");
	*data = xreallocarray(NULL, (size_t)size, 1);
	memcpy(*data, made, (size_t)size);
	*len = (size_t)size;
	gdFree(made);
	return 0;
}

void
png_free(struct canvas *c)
{
	struct png *png = png_of(c);

	if (c == NULL)
		return;
	if (png->image != NULL)
		gdImageDestroy(png->image);
	raster_free(png->raster);
	free(png);
}
