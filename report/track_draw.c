/* SPDX-License-Identifier: ISC */
/* weir track graph: which trackings and groups are drawn, and where it goes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/alert.h"
#include "report/graph.h"
#include "report/palette.h"
#include "report/sink.h"
#include "report/track_cmd.h"
#include "report/track_graph.h"
#include "report/track_group.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/state.h"

enum {
	WIDTH = 600,
	HEIGHT = 150,
	SMALL_WIDTH = 400,
	SMALL_HEIGHT = 110,
	THUMBNAIL_WIDTH = 250,
	THUMBNAIL_HEIGHT = 80,
	MARKS = 3,
};

enum format { FORMAT_PNG, FORMAT_SVG }; /* as in the command's table */

struct drawing {
	struct track_command *command;
	struct track_groups groups;
	struct state *state; /* for histories; may be NULL */
};

/* A picture and what it borrows. */
struct plan {
	struct track_picture picture;
	struct buf title, note;
	struct track_curve *curve;
	char **text; /* paths and names of curves, texts of marks */
	size_t n_texts, cap_texts;
	struct track_mark *mark;
};

static const char *
keep(struct plan *p, char *text)
{
	p->text = xgrow(p->text, p->n_texts, &p->cap_texts, sizeof *p->text);
	p->text[p->n_texts++] = text;
	return text;
}

static void
plan_release(struct plan *p)
{
	for (size_t i = 0; i < p->n_texts; i++)
		free(p->text[i]);
	free(p->text);
	free(p->curve);
	free(p->mark);
	buf_release(&p->title);
	buf_release(&p->note);
}

static unsigned
or_else(unsigned given, unsigned preset)
{
	return given != 0 ? given : preset;
}

/* ---- what all have ---- */

/* As long a row as a span of that length has. */
static int64_t
step_for(int64_t length_s)
{
	size_t i = 0;

	while (i + 1 < n_track_ranges && length_s > track_ranges[i].length_s)
		i++;
	return track_ranges[i].step_s;
}

/* The span asked for, up to the last period that is in. */
static int
set_span(struct plan *p, const struct track_command *c, const char *name,
    struct err *err)
{
	const struct filter *f = &c->request.filter;
	const struct track_range *range =
	    c->range != NULL ? c->range : &track_ranges[0];
	struct track_picture *x = &p->picture;

	x->to_s = f->has_to ? track_floor_s(f->to_ms) : x->done_s;
	x->from_s =
	    f->has_from ? track_floor_s(f->from_ms) : x->to_s - range->length_s;
	if (x->from_s >= x->to_s)
		return err_set(
		    err, ERR_USAGE, "graph: from= is not before to=");
	x->step_s = c->step_s != TRACK_NOT_GIVEN ? c->step_s
		    : f->has_from                ? step_for(x->to_s - x->from_s)
						 : range->step_s;
	buf_printf(&p->title, "%s", name);
	if (!f->has_from)
		buf_printf(&p->title, ": %s", range->title);
	return 0;
}

static void
set_look(struct plan *p, const struct track_command *c)
{
	struct track_picture *x = &p->picture;
	bool small = c->args.n > 1;

	x->theme = c->theme != NULL ? c->theme : theme_find("light");
	x->thumbnail = c->thumbnail;
	x->density = or_else(c->density, 1);
	x->width = or_else(c->width, c->thumbnail ? THUMBNAIL_WIDTH
				     : small      ? SMALL_WIDTH
						  : WIDTH);
	x->height = or_else(c->height, c->thumbnail ? THUMBNAIL_HEIGHT
				       : small      ? SMALL_HEIGHT
						    : HEIGHT);
	x->svg = c->request.own_format == FORMAT_SVG;
	x->title = buf_str(&p->title);
	x->note = buf_str(&p->note);
}

static void
plan_init(struct plan *p)
{
	*p = (struct plan){0};
	buf_init(&p->title, 1000);
	buf_init(&p->note, 1 << 20);
}

/* ---- one tracking ---- */

static const char *
describe(struct plan *p, const struct track_change *c)
{
	char day[CLOCK_TEXT_LEN];

	clock_format_ms(c->at_s * MS_PER_S, day);
	day[strlen("YYYY-MM-DD")] = '\0';
	return keep(p, xasprintf("%s %s", day,
			   c->comment[0] != '\0' ? c->comment : c->new));
}

/* The last ones that are to be marked. */
static int
set_marks(struct plan *p, const struct drawing *d, const struct track *t,
    struct err *err)
{
	int64_t marks = d->command->marks;
	size_t max = marks != TRACK_NOT_GIVEN ? (size_t)marks : MARKS, n = 0;
	struct track_changes changes = {0};
	int rc = d->state != NULL
		     ? track_get_changes(d->state, t->id, &changes, err)
		     : 0;

	p->mark = xcalloc(max + 1, sizeof *p->mark);
	for (size_t i = changes.n; i > 0 && n < max; i--) {
		const struct track_change *c = &changes.change[i - 1];

		if (c->mark)
			p->mark[n++] = (struct track_mark){
			    .at_s = c->at_s, .text = describe(p, c)};
	}
	p->picture.mark = p->mark;
	p->picture.n_marks = n;
	track_changes_release(&changes);
	return rc;
}

/* Limits of its rules that are a value. */
static int
set_limits(struct plan *p, const struct drawing *d, const struct track *t,
    struct err *err)
{
	struct alert_list rules = {0};
	int rc = d->state != NULL ? alert_get_all(d->state, &rules, err) : 0;

	p->mark = xreallocarray(
	    p->mark, p->picture.n_marks + rules.n + 1, sizeof *p->mark);
	for (size_t i = 0; i < rules.n; i++) {
		const struct alert_rule *r = &rules.alert[i].rule;

		if (rules.alert[i].track_id != t->id ||
		    (r->kind != ALERT_ABOVE && r->kind != ALERT_BELOW))
			continue;
		p->mark[p->picture.n_marks++] =
		    (struct track_mark){.value = r->threshold,
			.text = r->kind == ALERT_ABOVE ? "alert above"
						       : "alert below"};
	}
	p->picture.mark = p->mark;
	alert_list_release(&rules);
	return rc;
}

static int
plan_track(struct plan *p, const struct drawing *d, const struct track *t,
    struct err *err)
{
	const struct track_command *c = d->command;
	int rc;

	p->curve = xcalloc(1, sizeof *p->curve);
	p->curve[0] = (struct track_curve){
	    .path = keep(p, track_path(c->request.dir, t->id)),
	    .name = t->name,
	    .color = palette_single(false),
	};
	p->picture = (struct track_picture){.load = t->load,
	    .curve = p->curve,
	    .n_curves = 1,
	    .start_s = t->start_s,
	    .done_s = t->done_s};
	if ((rc = set_span(p, c, t->name, err)) != 0 ||
	    (rc = set_marks(p, d, t, err)) != 0 ||
	    (rc = set_limits(p, d, t, err)) != 0)
		return rc;
	buf_printf(&p->note, "%s%s%s%s", t->filter,
	    t->scale[0] != '\0' ? " scale=" : "", t->scale,
	    t->status == TRACK_ARCHIVED ? " (archived)" : "");
	set_look(p, c);
	return 0;
}

/* ---- a group ---- */

/* What a member is called; NULL: it is removed or its file is gone. */
static const char *
member_name(struct plan *p, const struct track *t, const char *path)
{
	if (t == NULL || t->status == TRACK_REMOVED || access(path, R_OK) != 0)
		return NULL;
	return t->status == TRACK_ARCHIVED
		   ? keep(p, xasprintf("%s (archived)", t->name))
		   : t->name;
}

static void
note_missing(struct plan *p, const struct track *t)
{
	buf_printf(&p->note, "%s%s", p->note.len > 0 ? ", " : "missing: ",
	    t != NULL ? t->name : "one that was purged");
}

static int
plan_group(struct plan *p, const struct drawing *d, const struct track_group *g,
    struct err *err)
{
	const struct track_command *c = d->command;
	struct color *color = xcalloc(g->n + 1, sizeof *color);
	struct track_picture *x = &p->picture;
	int rc;

	*x = (struct track_picture){.stacked = true, .start_s = INT64_MAX};
	p->curve = xcalloc(g->n + 1, sizeof *p->curve);
	track_member_colors(g, color);
	for (size_t i = 0; i < g->n; i++) {
		const struct track *t =
		    track_find_id(&c->list, g->member[i].track_id);
		const char *path =
		    keep(p, track_path(c->request.dir, g->member[i].track_id));
		const char *name = member_name(p, t, path);

		if (name == NULL) {
			note_missing(p, t);
			continue;
		}
		x->load = t->load;
		if (t->done_s > x->done_s)
			x->done_s = t->done_s;
		p->curve[x->n_curves++] = (struct track_curve){
		    path, name, color[i], g->member[i].below};
	}
	free(color);
	x->curve = p->curve;
	if (x->n_curves == 0)
		return err_set(
		    err, ERR_USAGE, "group %s has no member", g->name);
	if ((rc = set_span(p, c, g->name, err)) == 0)
		set_look(p, c);
	return rc;
}

/* ---- where it goes ---- */

static int
draw_named(struct drawing *d, const char *name, void **data, size_t *len,
    struct err *err)
{
	const struct track_group *g = track_group_find(&d->groups, name);
	struct track *t = NULL;
	struct plan p;
	int rc = g != NULL ? 0 : track_named(d->command, name, &t, err);

	plan_init(&p);
	if (rc == 0)
		rc = g != NULL ? plan_group(&p, d, g, err)
			       : plan_track(&p, d, t, err);
	if (rc == 0)
		rc = track_draw(&p.picture, data, len, err);
	plan_release(&p);
	return rc;
}

static int
draw_all(struct drawing *d, void **data, size_t *len, struct err *err)
{
	const struct track_command *c = d->command;
	size_t n = c->args.n;
	struct png_part *part;
	void **made;
	int rc = 0;

	if (n == 1)
		return draw_named(d, c->args.arg[0], data, len, err);
	if (c->request.own_format == FORMAT_SVG)
		return err_set(err, ERR_USAGE,
		    "graph: several pictures in one are a PNG, no SVG");
	part = xcalloc(n, sizeof *part);
	made = xcalloc(n, sizeof *made);
	for (size_t i = 0; i < n && rc == 0; i++) {
		rc = draw_named(d, c->args.arg[i], &made[i], &part[i].len, err);
		part[i].data = made[i];
	}
	if (rc == 0)
		rc = png_tile(part, n, or_else(c->columns, 2),
		    c->theme != NULL ? c->theme->page
				     : theme_find("light")->page,
		    data, len, err);
	for (size_t i = 0; i < n; i++)
		free(made[i]);
	free(made);
	free(part);
	return rc;
}

static int
write_picture(const struct track_command *c, const void *data, size_t len,
    struct err *err)
{
	struct sink *sink;
	int rc = sink_open(&sink, c->request.output, err);

	if (rc != 0)
		return rc;
	sink_put(sink, data, len);
	return sink_close(sink, err);
}

int
track_graph_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct drawing d = {.command = c};
	void *data = NULL;
	size_t len = 0;
	int rc = track_no_filter(c, true, err);

	if (rc == 0 && c->request.own_format != FORMAT_SVG &&
	    c->request.output == NULL && isatty(STDOUT_FILENO))
		rc = err_set(err, ERR_USAGE,
		    "a PNG is nothing for a terminal: give -o FILE");
	if (c->request.own_format == NO_OWN_FORMAT)
		c->request.own_format = FORMAT_PNG;
	if (rc == 0)
		rc = track_read(c, err);
	if (rc == 0)
		rc = track_groups_load(c->request.dir, &d.groups, err);
	if (rc == 0)
		rc = state_open_read(&d.state, c->request.dir, err);
	if (rc == 0)
		rc = draw_all(&d, &data, &len, err);
	if (rc == 0)
		rc = write_picture(c, data, len, err);
	free(data);
	state_close(d.state);
	track_groups_release(&d.groups);
	return rc;
}
