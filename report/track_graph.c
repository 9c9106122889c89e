/* SPDX-License-Identifier: ISC */
/*
 * Arguments for rrdgraph: see track_graph.h.
 * Source: rrdgraph(1), rrdgraph_data(1), rrdgraph_graph(1) of RRDtool 1.7.
 */
#include "report/track_graph.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/palette.h"
#include "report/series.h"
#include "report/utf8.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

struct args {
	char **arg;
	size_t n, cap;
};

static void PRINTF_LIKE(2, 3) add(struct args *a, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort(); /* out of memory */
	va_end(ap);
	a->arg = xgrow(a->arg, a->n, &a->cap, sizeof *a->arg);
	a->arg[a->n++] = text;
}

static void
args_release(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->arg[i]);
	free(a->arg);
}

/* Colons part arguments, backslashes begin codes; to be freed. At most so many
 * characters, and as many if pad. */
static char *
escape(const char *text, size_t max, bool pad)
{
	char *made = xcalloc(strlen(text) * 2 + (pad ? max : 0) + 8, 1),
	     *to = made;
	size_t n = 0;

	for (; *text != '\0' && n < max; n++) {
		uint32_t code;
		size_t len = utf8_next(text, &code);

		if (*text == ':')
			*to++ = '\\';
		if (len == 1 && (code < ' ' || code >= 0x7f || *text == '\\'))
			*to++ = '/';
		else
			memcpy(to, text, len), to += len;
		text += len;
	}
	if (*text != '\0')
		to = stpcpy(to, "\xe2\x80\xa6"); /* an ellipsis */
	for (; pad && n < max; n++)
		*to++ = ' ';
	return made;
}

/* ---- what frames it ---- */

static void
add_color(struct args *a, const char *part, struct color c)
{
	add(a, "--color");
	add(a, "%s#%02X%02X%02X", part, c.r, c.g, c.b);
}

static void
add_colors(struct args *a, const struct theme *t)
{
	add_color(a, "BACK", t->page);
	add_color(a, "CANVAS", t->page);
	add_color(a, "SHADEA", t->page);
	add_color(a, "SHADEB", t->page);
	add_color(a, "GRID", t->line);
	add_color(a, "MGRID", color_mix(t->line, t->quiet, 0.7));
	add_color(a, "FONT", t->text);
	add_color(a, "AXIS", t->quiet);
	add_color(a, "FRAME", t->line);
	add_color(a, "ARROW", t->page);
}

static void
add_frame(struct args *a, const struct track_picture *p)
{
	static const char *const fonts[] = {"DEFAULT:9:DejaVu Sans",
	    "TITLE:10:DejaVu Sans", "LEGEND:9:DejaVu Sans Mono"};

	add(a, "--imgformat");
	add(a, "%s", p->svg ? "SVG" : "PNG");
	add(a, "--start");
	add(a, "%" PRId64, p->from_s);
	add(a, "--end");
	add(a, "%" PRId64, p->to_s);
	add(a, "--width");
	add(a, "%u", p->width);
	add(a, "--height");
	add(a, "%u", p->height);
	add(a, "--zoom");
	add(a, "%u", p->density);
	add(a, "--border");
	add(a, "0");
	add(a, "--disable-rrdtool-tag");
	for (size_t i = 0; i < ARRAY_LEN(fonts); i++) {
		add(a, "--font");
		add(a, "%s", p->thumbnail ? "DEFAULT:7:DejaVu Sans" : fonts[i]);
	}
	add_colors(a, p->theme);
	if (!p->stacked) {
		add(a, "--lower-limit");
		add(a, "0");
	}
	if (p->thumbnail) {
		add(a, "--full-size-mode");
		add(a, "--no-legend");
	} else {
		add(a, "--vertical-label");
		add(a, "%s", load_infos[p->load].title);
	}
	if (p->title != NULL) {
		add(a, "--title");
		add(a, "%s", p->title);
	}
}

/* ---- what is in it ---- */

static void
add_data(struct args *a, const struct track_picture *p, size_t i,
    const char *name, const char *kind)
{
	char *path = escape(p->curve[i].path, SIZE_MAX / 4, false);

	add(a, "DEF:%s%zu=%s:flowbits:%s:step=%" PRId64 ":reduce=%s", name, i,
	    path, kind, p->step_s, kind);
	free(path);
}

static const char *
unit_name(enum load load)
{
	return load == LOAD_ACTIVE ? "" : load_infos[load].name;
}

/* The largest average of a curve; -1: nothing of it is known. */
static double
largest_of(const struct track_picture *p, size_t curve)
{
	struct series_rows rows;
	double largest = -1;

	if (series_read(p->curve[curve].path, SERIES_AVERAGE, p->from_s,
		p->to_s, p->step_s, &rows, NULL) == 0)
		for (size_t i = 0; i < rows.n; i++)
			if (rows.row[i].value > largest)
				largest = rows.row[i].value;
	series_release(&rows);
	return largest;
}

/* Nobody counts in thousandths of a flow. */
static bool
is_small(const struct track_picture *p)
{
	bool small = true;

	for (size_t i = 0; i < p->n_curves && small; i++)
		small = largest_of(p, i) < 1;
	return small;
}

/* name and value: 14 characters. */
static void
add_value(
    struct args *a, const char *var, size_t i, const char *name, bool small)
{
	add(a, "GPRINT:%s%zu:%-4s %s", var, i, name,
	    small ? "%6.3lf  " : "%6.2lf %s");
}

/* Where something should have been counted and nothing was heard. */
static void
add_unknown(struct args *a, const struct track_picture *p)
{
	const struct color c = p->theme->line;

	add(a,
	    "CDEF:gap=avg0,UN,TIME,%" PRId64 ",GT,TIME,%" PRId64
	    ",LE,+,+,3,EQ,INF,UNKN,IF",
	    p->start_s, p->done_s);
	add(a, "AREA:gap#%02X%02X%02X", c.r, c.g, c.b);
}

static void
add_single(struct args *a, const struct track_picture *p)
{
	const struct color c = p->curve[0].color;
	const struct color peak =
	    color_mix(p->theme->quiet, p->theme->page, 0.6);
	bool has_peak = p->step_s > SERIES_STEP_S;

	add_data(a, p, 0, "avg", "AVERAGE");
	add_data(a, p, 0, "max", "MAX");
	add_unknown(a, p);
	add(a, "AREA:avg0#%02X%02X%02XD9:Average", c.r, c.g, c.b);
	add(a, "LINE1.5:avg0#%02X%02X%02X", c.r, c.g, c.b);
	if (has_peak)
		add(a, "LINE1:max0#%02X%02X%02X:Peak 5 Minute Period", peak.r,
		    peak.g, peak.b);
}

/* Of the averages that are drawn; in one line, if it fits. */
static void
add_statistics(struct args *a, const struct track_picture *p, bool small)
{
	enum { ONE_LINE = 560 };
	const char *unit = unit_name(p->load);

	if (largest_of(p, 0) < 0) {
		add(a, "COMMENT:\\l");
		add(a, "COMMENT:nothing is known of this span\\l");
		return;
	}
	add(a, "VDEF:vmax0=avg0,MAXIMUM");
	add(a, "VDEF:v950=avg0,95,PERCENTNAN");
	add(a, "VDEF:vavg0=avg0,AVERAGE");
	add(a, "VDEF:vmin0=avg0,MINIMUM");
	add(a, "VDEF:vlast0=avg0,LAST");
	add(a, "COMMENT:\\l");
	add_value(a, "vmax", 0, "max", small);
	add_value(a, "v95", 0, "95th", small);
	add_value(a, "vavg", 0, "avg", small);
	if (p->width < ONE_LINE)
		add(a, "COMMENT:%s\\l", unit);
	add_value(a, "vmin", 0, "min", small);
	add_value(a, "vlast", 0, "last", small);
	add(a, "COMMENT:%s\\l", unit);
}

/* A name and its values are one line. */
static void
add_member(struct args *a, const struct track_picture *p, size_t i,
    size_t name_len, bool stack, bool small)
{
	enum { THREE_VALUES = 520 };
	const struct track_curve *k = &p->curve[i];
	char *name = escape(k->name, name_len, true);

	add_data(a, p, i, "avg", "AVERAGE");
	add(a, "CDEF:in%zu=avg%zu,UN,0,avg%zu,%sIF", i, i, i,
	    k->below ? "-1,*," : "");
	add(a, "AREA:in%zu#%02X%02X%02XE6:%s%s", i, k->color.r, k->color.g,
	    k->color.b, name, stack ? ":STACK" : "");
	free(name);
	if (largest_of(p, i) < 0) {
		add(a, "COMMENT:not known\\l");
		return;
	}
	add(a, "VDEF:vavg%zu=avg%zu,AVERAGE", i, i);
	add(a, "VDEF:vmax%zu=avg%zu,MAXIMUM", i, i);
	add(a, "VDEF:vlast%zu=avg%zu,LAST", i, i);
	add_value(a, "vavg", i, "avg", small);
	add_value(a, "vmax", i, "max", small);
	if (p->width >= THREE_VALUES)
		add_value(a, "vlast", i, "last", small);
	add(a, "COMMENT:%s\\l", unit_name(p->load));
}

static size_t
longest_name(const struct track_picture *p)
{
	enum { MOST = 26 };
	size_t longest = 0;

	for (size_t i = 0; i < p->n_curves; i++) {
		const char *name = p->curve[i].name;
		size_t n = 0;
		uint32_t code;

		for (; *name != '\0'; n++)
			name += utf8_next(name, &code);
		if (n > longest)
			longest = n;
	}
	return longest < MOST ? longest : MOST;
}

/* One side of the axis, from there outwards; unknown adds nothing. */
static void
add_side(struct args *a, const struct track_picture *p, bool below, bool small)
{
	size_t len = longest_name(p);
	bool first = true;

	for (size_t i = 0; i < p->n_curves; i++) {
		if (p->curve[i].below != below)
			continue;
		if (below && first)
			add(a, "COMMENT:below the axis\\:\\l");
		add_member(a, p, i, len, !first, small);
		first = false;
	}
}

static void
add_group(struct args *a, const struct track_picture *p, bool small)
{
	const struct color c = p->theme->text;

	add_side(a, p, false, small);
	add_side(a, p, true, small);
	add(a, "HRULE:0#%02X%02X%02X", c.r, c.g, c.b);
}

static void
add_marks(struct args *a, const struct track_picture *p)
{
	const struct color c = p->theme->bad;

	for (size_t i = 0; i < p->n_marks; i++) {
		const struct track_mark *m = &p->mark[i];
		char *text = escape(m->text, 80, false);

		if (m->at_s == 0)
			add(a, "HRULE:%.17g#%02X%02X%02X:%s\\l", m->value, c.r,
			    c.g, c.b, text);
		else if (m->at_s > p->from_s && m->at_s <= p->to_s)
			add(a, "VRULE:%" PRId64 "#%02X%02X%02X:%s\\l", m->at_s,
			    c.r, c.g, c.b, text);
		free(text);
	}
}

static const char *
resolution(int64_t step_s, char *room, size_t len)
{
	if (step_s % 86400 == 0)
		snprintf(room, len, "%" PRId64 "-day", step_s / 86400);
	else if (step_s % 3600 == 0)
		snprintf(room, len, "%" PRId64 "-hour", step_s / 3600);
	else
		snprintf(room, len, "%" PRId64 "-minute", step_s / 60);
	return room;
}

static void
add_note(struct args *a, const struct track_picture *p)
{
	char until[CLOCK_TEXT_LEN], zone[CLOCK_TEXT_LEN], room[32];
	char *note = escape(p->note, 100, false), *time;

	clock_format_ms(p->done_s * MS_PER_S, until);
	clock_zone(p->done_s * MS_PER_S, zone);
	until[strlen("YYYY-MM-DD hh:mm")] = '\0';
	time = escape(until, sizeof until, false);
	if (note[0] != '\0')
		add(a, "COMMENT:%s\\l", note);
	add(a, "COMMENT:%s data, up to %s %s\\l",
	    resolution(p->step_s, room, sizeof room), time, zone);
	free(time);
	free(note);
}

/* librrd knows the environment's zone alone. */
static void
use_zone(void)
{
	const char *zone = clock_get_zone();

	if (zone[0] != '\0')
		(void)setenv("TZ", zone, 1);
	tzset();
}

int
track_draw(
    const struct track_picture *p, void **data, size_t *len, struct err *err)
{
	const bool small = is_small(p);
	struct args a = {0};
	int rc;

	use_zone();
	add(&a, "graph");
	add(&a, "-");
	add_frame(&a, p);
	if (small) {
		add(&a, "--units-exponent");
		add(&a, "0");
		add(&a, "--left-axis-format");
		add(&a, "%%.3lf");
	}
	if (p->stacked)
		add_group(&a, p, small);
	else
		add_single(&a, p);
	if (!p->stacked && !p->thumbnail)
		add_statistics(&a, p, small);
	add_marks(&a, p);
	if (!p->thumbnail)
		add_note(&a, p);
	rc = series_draw(a.arg, a.n, data, len, err);
	args_release(&a);
	return rc;
}
