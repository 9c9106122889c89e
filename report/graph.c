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
#include "schema/base/lazy.h"
#include "schema/base/mem.h"

/* clang-format off */
#define GD_FUNCTIONS(X) \
	X(gdFTUseFontConfig) X(gdFontGetMediumBold) X(gdFontGetSmall) \
	X(gdFree) X(gdImageAlphaBlending) X(gdImageCopy) X(gdImageCopyResized) \
	X(gdImageCreateFromPngPtr) X(gdImageCreateTrueColor) X(gdImageDestroy) \
	X(gdImageFilledRectangle) X(gdImagePngPtrEx) X(gdImageSetClip) \
	X(gdImageSetPixel) X(gdImageSetResolution) X(gdImageString) \
	X(gdImageStringFTEx)
/* clang-format on */

LAZY_LIBRARY(gd, "libgd.so.3", GD_FUNCTIONS)

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
	complaint = gd()->gdImageStringFTEx(image, box, color, f->name[face],
	    points(px), 0, x, y, copy, &extra);
	gd()->gdFree(extra.fontpath);
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
	gd()->gdFTUseFontConfig(fontconfig);
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
	return s->face == FACE_BOLD ? gd()->gdFontGetMediumBold()
				    : gd()->gdFontGetSmall();
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

struct image {
	struct canvas canvas;
	gdImagePtr image;
	struct raster *raster;
	double scale;
};

static struct image *
image_of(struct canvas *c)
{
	return (struct image *)c; /* its first member */
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
flush(struct image *im, struct color color)
{
	struct blend b = {.image = im->image, .color = color};

	raster_flush(im->raster, blend_pixel, &b);
}

static struct point *
scaled(const struct image *im, const struct point *p, size_t n)
{
	struct point *out = xreallocarray(NULL, n, sizeof *out);

	for (size_t i = 0; i < n; i++) {
		out[i].x = p[i].x * im->scale;
		out[i].y = p[i].y * im->scale;
	}
	return out;
}

struct box {
	int x0, y0, x1, y1; /* included */
};

/* The pixels of a rectangle, one at least. */
static struct box
box_of(const struct image *im, const struct rect *r)
{
	struct box b = {
	    .x0 = (int)lround(r->x * im->scale),
	    .y0 = (int)lround(r->y * im->scale),
	    .x1 = (int)lround((r->x + r->w) * im->scale) - 1,
	    .y1 = (int)lround((r->y + r->h) * im->scale) - 1,
	};

	if (b.x1 < b.x0)
		b.x1 = b.x0;
	if (b.y1 < b.y0)
		b.y1 = b.y0;
	return b;
}

static void
image_rect(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	struct image *im = image_of(c);
	struct box b = box_of(im, r);

	(void)title;
	gd()->gdImageFilledRectangle(
	    im->image, b.x0, b.y0, b.x1, b.y1, pack(color));
}

static void
image_area(struct canvas *c, const struct point *p, size_t n,
    struct color color, const char *title)
{
	struct image *im = image_of(c);
	struct point *at = scaled(im, p, n);

	(void)title;
	raster_area(im->raster, at, n);
	flush(im, color);
	free(at);
}

static void
image_line(
    struct canvas *c, const struct point *p, size_t n, const struct stroke *s)
{
	enum { DASH = 4 };
	struct image *im = image_of(c);
	struct point *at = scaled(im, p, n);

	raster_line(im->raster, at, n, s->width * im->scale,
	    s->is_dashed ? DASH * im->scale : 0);
	flush(im, s->color);
	free(at);
}

static void
image_hatch(struct canvas *c, const struct rect *r, struct color color,
    const char *title)
{
	enum { STEP = 8 };
	struct image *im = image_of(c);
	struct box b = box_of(im, r);
	int step = (int)lround(STEP * im->scale);
	int width = (int)lround(im->scale);

	(void)title;
	gd()->gdImageSetClip(im->image, b.x0, b.y0, b.x1, b.y1);
	for (int y = b.y0; y <= b.y1; y++)
		for (int x = b.x0; x <= b.x1; x++)
			if ((x + y) % step < width)
				gd()->gdImageSetPixel(
				    im->image, x, y, pack(color));
	gd()->gdImageSetClip(im->image, 0, 0, gdImageSX(im->image) - 1,
	    gdImageSY(im->image) - 1);
}

/* Bitmap fonts are drawn small and enlarged. */
static void
draw_bitmap(struct image *im, double x, double y, const struct text_style *s,
    const char *utf8)
{
	gdFontPtr font = bitmap_font(s);
	char *ascii = to_ascii(utf8);
	int w = (int)strlen(ascii) * font->w, h = font->h;
	gdImagePtr small = gd()->gdImageCreateTrueColor(w > 0 ? w : 1, h);
	/* Letters stand on the eleventh of thirteen lines. */
	int top = (int)lround((y - 10) * im->scale);

	if (small != NULL) {
		gd()->gdImageAlphaBlending(small, 0);
		gd()->gdImageFilledRectangle(small, 0, 0, w, h,
		    gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent));
		gd()->gdImageString(
		    small, font, 0, 0, (unsigned char *)ascii, pack(s->color));
		gd()->gdImageCopyResized(im->image, small,
		    (int)lround(x * im->scale), top, 0, 0,
		    (int)lround(w * im->scale), (int)lround(h * im->scale), w,
		    h);
		gd()->gdImageDestroy(small);
	}
	free(ascii);
}

static void
image_text(struct canvas *c, double x, double y, const struct text_style *s,
    const char *utf8)
{
	struct image *im = image_of(c);
	double width = width_at(c->fonts, s, im->scale, utf8);

	if (s->anchor == ANCHOR_MIDDLE)
		x -= width / 2;
	else if (s->anchor == ANCHOR_END)
		x -= width;
	if (c->fonts->name[s->face] == NULL)
		draw_bitmap(im, x, y, s, utf8);
	else if (utf8[0] != '\0')
		(void)string_ft(im->image, NULL, pack(s->color), c->fonts,
		    s->face, s->px * im->scale, (int)lround(x * im->scale),
		    (int)lround(y * im->scale), utf8);
}

static const struct canvas_ops image_ops = {
    .rect = image_rect,
    .area = image_area,
    .line = image_line,
    .hatch = image_hatch,
    .text = image_text,
};

struct canvas *
canvas_png_new(double width, double height, double scale, struct fonts *fonts)
{
	struct image *im = xcalloc(1, sizeof *im);
	int w = (int)lround(width * scale), h = (int)lround(height * scale);

	im->canvas = (struct canvas){.ops = &image_ops, .fonts = fonts};
	im->scale = scale;
	im->image = gd()->gdImageCreateTrueColor(w, h);
	im->raster = raster_new((size_t)w, (size_t)h);
	return &im->canvas;
}

static int
encode(gdImagePtr image, void **data, size_t *len, struct err *err)
{
	enum { LEVEL = 6 };
	int size = 0;
	void *made = gd()->gdImagePngPtrEx(image, &size, LEVEL);

	if (made == NULL)
		return err_set(err, ERR_SYSTEM, "libgd cannot make the PNG");
	*data = xreallocarray(NULL, (size_t)size, 1);
	memcpy(*data, made, (size_t)size);
	*len = (size_t)size;
	gd()->gdFree(made);
	return 0;
}

int
canvas_png_take(struct canvas *c, void **data, size_t *len, struct err *err)
{
	enum { PER_INCH = 96 };
	struct image *im = image_of(c);
	int dpi = (int)lround(PER_INCH * im->scale);

	gd()->gdImageSetResolution(im->image, (unsigned)dpi, (unsigned)dpi);
	return encode(im->image, data, len, err);
}

void
canvas_png_free(struct canvas *c)
{
	struct image *im = image_of(c);

	if (c == NULL)
		return;
	if (im->image != NULL)
		gd()->gdImageDestroy(im->image);
	raster_free(im->raster);
	free(im);
}

/* ---- several in one ---- */

enum { TILE_GAP = 8 };

/* Columns are as wide as the widest, each row as high as its highest. */
struct tiles {
	gdImagePtr *image;
	size_t n, columns;
	int width;
};

static int
tiles_read(struct tiles *t, const struct png_part *part, struct err *err)
{
	for (size_t i = 0; i < t->n; i++) {
		const void *data = part[i].data;
		void *unread;

		memcpy(&unread, &data, sizeof unread); /* libgd has no const */
		t->image[i] =
		    gd()->gdImageCreateFromPngPtr((int)part[i].len, unread);
		if (t->image[i] == NULL)
			return err_set(
			    err, ERR_SYSTEM, "libgd cannot read a PNG");
		if (gdImageSX(t->image[i]) > t->width)
			t->width = gdImageSX(t->image[i]);
	}
	return 0;
}

/* Where the row below that of number i begins. */
static int
below_row(const struct tiles *t, size_t i, int y)
{
	int height = 0;

	for (size_t k = i; k < t->n && k < i + t->columns; k++)
		if (gdImageSY(t->image[k]) > height)
			height = gdImageSY(t->image[k]);
	return y + height + TILE_GAP;
}

static void
copy_tiles(const struct tiles *t, gdImagePtr all)
{
	int y = 0;

	for (size_t i = 0; i < t->n; i += t->columns) {
		for (size_t k = i; k < t->n && k < i + t->columns; k++)
			gd()->gdImageCopy(all, t->image[k],
			    (int)(k - i) * (t->width + TILE_GAP), y, 0, 0,
			    gdImageSX(t->image[k]), gdImageSY(t->image[k]));
		y = below_row(t, i, y);
	}
}

static int
tiles_write(const struct tiles *t, struct color page, void **data, size_t *len,
    struct err *err)
{
	int w = (t->width + TILE_GAP) * (int)t->columns - TILE_GAP, h = 0, rc;
	gdImagePtr all;

	for (size_t i = 0; i < t->n && h <= PICTURE_MAX_PX; i += t->columns)
		h = below_row(t, i, h);
	h -= TILE_GAP;
	if (w > PICTURE_MAX_PX || h > PICTURE_MAX_PX)
		return err_set(err, ERR_USAGE,
		    "a picture of %d x %d pixels is too large, want at most "
		    "%d: take fewer, or other columns=",
		    w, h, PICTURE_MAX_PX);
	all = gd()->gdImageCreateTrueColor(w, h);
	gd()->gdImageFilledRectangle(all, 0, 0, w - 1, h - 1, pack(page));
	copy_tiles(t, all);
	rc = encode(all, data, len, err);
	gd()->gdImageDestroy(all);
	return rc;
}

int
png_tile(const struct png_part *part, size_t n, size_t columns,
    struct color page, void **data, size_t *len, struct err *err)
{
	struct tiles t = {.n = n, .columns = columns < n ? columns : n};
	int rc;

	t.image = xcalloc(n, sizeof(gdImagePtr));
	rc = tiles_read(&t, part, err);
	if (rc == 0)
		rc = tiles_write(&t, page, data, len, err);
	for (size_t i = 0; i < n; i++)
		if (t.image[i] != NULL)
			gd()->gdImageDestroy(t.image[i]);
	free(t.image);
	return rc;
}
