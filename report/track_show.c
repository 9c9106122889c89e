/* SPDX-License-Identifier: ISC */
/* weir track list, show and values: trackings as tables. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/alert.h"
#include "report/rates.h"
#include "report/table.h"
#include "report/track_cmd.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/state.h"

/* A rate as it is shown, or nothing. */
static struct table_value
shown_rate(double rate)
{
	if (isnan(rate))
		return (struct table_value){.kind = VALUE_NULL};
	return (struct table_value){
	    VALUE_REAL, {.real = nearbyint(rate * 1000) / 1000}};
}

/* ---- list ---- */

static const struct table_column list_columns[] = {
    {.name = "name", .heading = "Tracking", .kind = VALUE_TEXT},
    {.name = "type", .heading = "Type", .kind = VALUE_TEXT},
    {.name = "status", .heading = "Status", .kind = VALUE_TEXT},
    {.name = "value", .heading = "Last", .kind = VALUE_ANY, .right = true},
    {.name = "at_ms", .heading = "Up to", .kind = VALUE_TIME, .drop = 2},
    {.name = "filter", .heading = "Filter", .kind = VALUE_TEXT, .drop = 1},
    {.name = "scale", .heading = "Scale", .kind = VALUE_TEXT, .drop = 5},
    {.name = "late", .heading = "Late", .kind = VALUE_NUMBER, .drop = 4},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT, .drop = 3},
    {.name = "changed_ms", .heading = "Changed", .kind = VALUE_TIME, .drop = 6},
    {.name = "alarms", .heading = "Alarms", .kind = VALUE_NUMBER, .drop = 4},
};

static const struct table_head list_head = {.column = list_columns,
    .n_columns = ARRAY_LEN(list_columns),
    .n_keys = 1,
    .caption = "trackings\n"};

struct listing {
	const struct track **track; /* not removed */
	struct table_value *last;
	size_t n;
	struct alert_list rules;
};

/* Rules that say so now. */
static uint64_t
count_alarms(const struct alert_list *rules, int64_t track_id)
{
	uint64_t n = 0;

	for (size_t i = 0; i < rules->n; i++)
		n += rules->alert[i].track_id == track_id &&
		     rules->alert[i].state.spoken;
	return n;
}

/* What is not there is not known: list tells what there is. */
double
track_last_value(const char *dir, const struct track *t)
{
	char *path = track_path(dir, t->id);
	struct series_rows rows;
	double value = NAN;

	if (series_read(path, SERIES_AVERAGE, t->done_s - SERIES_STEP_S,
		t->done_s, SERIES_STEP_S, &rows, NULL) == 0 &&
	    rows.n > 0 && rows.step_s == SERIES_STEP_S)
		value = rows.row[rows.n - 1].value;
	series_release(&rows);
	free(path);
	return value;
}

static void
fill_track(void *arg, size_t i, union table_cell *cell)
{
	const struct listing *l = arg;
	const struct track *t = l->track[i];
	union table_cell *to = cell;

	(to++)->text = t->name;
	(to++)->text = load_infos[t->load].name;
	(to++)->text = track_status_names[t->status];
	(to++)->any = &l->last[i];
	(to++)->time_ms = t->done_s * MS_PER_S;
	(to++)->text = t->filter;
	(to++)->text = t->scale;
	(to++)->number = (uint64_t)t->late;
	(to++)->text = t->comment;
	(to++)->time_ms = t->changed_ms;
	to->number = count_alarms(&l->rules, t->id);
}

int
track_list_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct listing l = {0};
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = track_read(c, err);
	if (rc == 0)
		rc = alert_load(c->request.dir, &l.rules, err);
	if (rc != 0)
		return rc;
	l.track = xcalloc(c->list.n + 1, sizeof(struct track *));
	l.last = xcalloc(c->list.n + 1, sizeof *l.last);
	for (size_t i = 0; i < c->list.n; i++)
		if (c->list.track[i].status != TRACK_REMOVED) {
			l.track[l.n] = &c->list.track[i];
			l.last[l.n] = shown_rate(
			    track_last_value(c->request.dir, l.track[l.n]));
			l.n++;
		}
	rc = saved_write(&c->request, &list_head, l.n, fill_track, &l,
	    "no tracking is there; weir track create NAME type=bps WORDS makes "
	    "one\n",
	    err);
	alert_list_release(&l.rules);
	free(l.track);
	free(l.last);
	return rc;
}

/* ---- show ---- */

static const struct table_column show_columns[] = {
    {.name = "changed_ms", .heading = "When", .kind = VALUE_TIME},
    {.name = "what", .heading = "What", .kind = VALUE_TEXT},
    {.name = "who", .heading = "Who", .kind = VALUE_TEXT},
    {.name = "old", .heading = "From", .kind = VALUE_TEXT, .drop = 1},
    {.name = "new", .heading = "To", .kind = VALUE_TEXT},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT},
    {.name = "at_ms", .heading = "Counts from", .kind = VALUE_TIME, .drop = 2},
    {.name = "mark", .heading = "Mark", .kind = VALUE_NUMBER, .drop = 3},
};

static void
fill_change(void *arg, size_t i, union table_cell *cell)
{
	const struct track_changes *all = arg;
	const struct track_change *c = &all->change[i];
	union table_cell *to = cell;

	(to++)->time_ms = c->changed_ms;
	(to++)->text = c->what;
	(to++)->text = c->who;
	(to++)->text = c->old;
	(to++)->text = c->new;
	(to++)->text = c->comment;
	(to++)->time_ms = c->at_s * MS_PER_S;
	to->number = c->mark;
}

static void
put_caption(const struct track *t, const char *path, struct buf *text)
{
	char from[CLOCK_TEXT_LEN], to[CLOCK_TEXT_LEN];

	clock_format_ms(t->start_s * MS_PER_S, from);
	clock_format_ms(t->done_s * MS_PER_S, to);
	buf_printf(text, "%s: %s, %s\n", t->name, load_infos[t->load].title,
	    track_status_names[t->status]);
	buf_printf(text, "%s%s%s\n", t->filter[0] != '\0' ? t->filter : "all",
	    t->scale[0] != '\0' ? " scale=" : "", t->scale);
	if (t->comment[0] != '\0')
		buf_printf(text, "%s\n", t->comment);
	buf_printf(text, "from %s to %s in %s\n", from, to, path);
	if (t->late > 0)
		buf_printf(text,
		    "the last %" PRId64 " periods are counted anew each time\n",
		    t->late);
}

static int
write_show(struct track_command *c, const struct track *t,
    struct track_changes *changes, struct err *err)
{
	char *path = track_path(c->request.dir, t->id);
	const struct table_extra extra[] = {
	    {"id", VALUE_SIGNED, {.difference = t->id}},
	    {"name", VALUE_TEXT, {.text = t->name}},
	    {"type", VALUE_TEXT, {.text = load_infos[t->load].name}},
	    {"unit", VALUE_TEXT, {.text = load_infos[t->load].title}},
	    {"status", VALUE_TEXT, {.text = track_status_names[t->status]}},
	    {"filter", VALUE_TEXT, {.text = t->filter}},
	    {"scale", VALUE_TEXT, {.text = t->scale}},
	    {"late", VALUE_SIGNED, {.difference = t->late}},
	    {"layout", VALUE_TEXT, {.text = track_layout_names[t->layout]}},
	    {"comment", VALUE_TEXT, {.text = t->comment}},
	    {"created_ms", VALUE_TIME, {.time_ms = t->created_ms}},
	    {"changed_ms", VALUE_TIME, {.time_ms = t->changed_ms}},
	    {"start_ms", VALUE_TIME, {.time_ms = t->start_s * MS_PER_S}},
	    {"done_ms", VALUE_TIME, {.time_ms = t->done_s * MS_PER_S}},
	    {"file", VALUE_TEXT, {.text = path}},
	};
	const struct table_foot foot = {.matched = changes->n,
	    .note = "",
	    .extra = extra,
	    .n_extra = ARRAY_LEN(extra)};
	struct table_head head = {.column = show_columns,
	    .n_columns = ARRAY_LEN(show_columns),
	    .n_keys = 1,
	    .name = "tracking"};
	struct buf caption;
	int rc;

	buf_init(&caption, 1 << 20);
	put_caption(t, path, &caption);
	head.caption = buf_str(&caption);
	rc = saved_write_foot(
	    &c->request, &head, changes->n, fill_change, changes, &foot, err);
	buf_release(&caption);
	free(path);
	return rc;
}

int
track_show_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct track_changes changes = {0};
	struct state *s = NULL;
	struct track *t;
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = track_read(c, err);
	if (rc == 0)
		rc = track_named(c, c->args.arg[0], &t, err);
	if (rc == 0)
		rc = state_open_read(&s, c->request.dir, err);
	if (rc == 0)
		rc = track_get_changes(s, t->id, &changes, err);
	if (rc == 0)
		rc = write_show(c, t, &changes, err);
	track_changes_release(&changes);
	state_close(s);
	return rc;
}

/* ---- values ---- */

static const struct table_column value_columns[] = {
    {.name = "from_ms", .heading = "From", .kind = VALUE_TIME},
    {.name = "to_ms", .heading = "To", .kind = VALUE_TIME, .drop = 1},
    {.name = "average", .heading = "Average", .kind = VALUE_ANY, .right = true},
    {.name = "max",
	.heading = "Largest 5 min",
	.kind = VALUE_ANY,
	.right = true},
    {.name = "total", .heading = "Total", .kind = VALUE_ANY, .right = true},
};

struct values {
	const struct track *track;
	struct series_rows average, max;
	size_t first;              /* shown: lines= is of the latest rows */
	struct table_value any[3]; /* of the row that is filled */
};

/* Octets, packets or flows of a row; flows at a time have no sum. */
static double
row_total(const struct track *t, double average, int64_t step_s)
{
	if (t->load == LOAD_ACTIVE)
		return NAN;
	return average * (double)step_s * MS_PER_S / load_infos[t->load].per_ms;
}

static void
fill_row(void *arg, size_t i, union table_cell *cell)
{
	struct values *v = arg;
	const size_t at = v->first + i;
	const struct series_point *p = &v->average.row[at];
	int64_t step_s = v->average.step_s;
	double total = row_total(v->track, p->value, step_s);

	cell[0].time_ms = (p->end_s - step_s) * MS_PER_S;
	cell[1].time_ms = p->end_s * MS_PER_S;
	v->any[0] = shown_rate(p->value);
	v->any[1] = shown_rate(at < v->max.n ? v->max.row[at].value : NAN);
	v->any[2] = shown_rate(isnan(total) ? total : nearbyint(total));
	for (int k = 0; k < 3; k++)
		cell[2 + k].any = &v->any[k];
}

static struct rates
value_rates(const struct values *v)
{
	const struct rates_spec how = {.percent = {95}, .n_percentiles = 1};
	struct sample *s = xcalloc(v->average.n + 1, sizeof *s);
	struct rates r;

	for (size_t i = 0; i < v->average.n; i++)
		s[i] = (struct sample){v->average.row[i].value,
		    (double)v->average.step_s, !isnan(v->average.row[i].value)};
	rates_of(&r, s, v->average.n, &how);
	free(s);
	return r;
}

static double
last_known(const struct series_rows *rows)
{
	for (size_t i = rows->n; i > 0; i--)
		if (!isnan(rows->row[i - 1].value))
			return rows->row[i - 1].value;
	return NAN;
}

static int
write_values(struct track_command *c, struct values *v, struct err *err)
{
	const struct track *t = v->track;
	const struct rates r = value_rates(v);
	const bool any = r.n > 0;
	const struct table_extra extra[] = {
	    {"name", VALUE_TEXT, {.text = t->name}},
	    {"type", VALUE_TEXT, {.text = load_infos[t->load].name}},
	    {"unit", VALUE_TEXT, {.text = load_infos[t->load].title}},
	    {"step_s", VALUE_SIGNED, {.difference = v->average.step_s}},
	    {"average", VALUE_REAL, {.real = any ? r.avg : NAN}},
	    {"max", VALUE_REAL, {.real = any ? r.max : NAN}},
	    {"p95", VALUE_REAL, {.real = any ? r.percentile[0] : NAN}},
	    {"min", VALUE_REAL, {.real = any ? r.min : NAN}},
	    {"last", VALUE_REAL, {.real = last_known(&v->average)}},
	};
	const struct table_foot foot = {.matched = v->average.n,
	    .note = v->average.n == 0 ? "no period is in\n" : "",
	    .extra = extra,
	    .n_extra = ARRAY_LEN(extra)};
	struct table_head head = {.column = value_columns,
	    .n_columns = ARRAY_LEN(value_columns),
	    .n_keys = 1,
	    .name = "values"};
	uint64_t lines = c->request.lines;
	struct buf caption;
	int rc;

	v->first = lines > 0 && lines < v->average.n
		       ? v->average.n - (size_t)lines
		       : 0;
	buf_init(&caption, 1 << 20);
	buf_printf(&caption, "%s: %s\n%s\nrows of %" PRId64 " s\n", t->name,
	    load_infos[t->load].title, t->filter[0] != '\0' ? t->filter : "all",
	    v->average.step_s);
	head.caption = buf_str(&caption);
	rc = saved_write_foot(&c->request, &head, v->average.n - v->first,
	    fill_row, v, &foot, err);
	buf_release(&caption);
	return rc;
}

/* The rows asked for: those of a span that ends with the last period, or from
 * one time to another. */
struct wanted {
	int64_t from_s, to_s, step_s;
};

static struct wanted
wanted_rows(const struct track_command *c, const struct track *t)
{
	const struct track_range *range =
	    c->range != NULL ? c->range : &track_ranges[0];
	const struct filter *f = &c->request.filter;
	struct wanted w = {.step_s = range->step_s};

	w.to_s = f->has_to ? track_floor_s(f->to_ms) : t->done_s;
	w.from_s =
	    f->has_from ? track_floor_s(f->from_ms) : w.to_s - range->length_s;
	if (c->step_s != TRACK_NOT_GIVEN)
		w.step_s = c->step_s;
	else if (c->range == NULL)
		w.step_s = SERIES_STEP_S;
	return w;
}

static int
read_values(const struct track_command *c, struct values *v, struct err *err)
{
	const struct wanted w = wanted_rows(c, v->track);
	char *path = track_path(c->request.dir, v->track->id);
	int rc;

	if (w.from_s >= w.to_s)
		rc = err_set(err, ERR_USAGE, "values: from= is not before to=");
	else if ((rc = series_read(path, SERIES_AVERAGE, w.from_s, w.to_s,
		      w.step_s, &v->average, err)) == 0)
		rc = series_read(
		    path, SERIES_MAX, w.from_s, w.to_s, w.step_s, &v->max, err);
	free(path);
	return rc;
}

int
track_values_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct values v = {0};
	struct track *t;
	int rc = track_no_filter(c, true, err);

	if (rc == 0)
		rc = track_read(c, err);
	if (rc == 0)
		rc = track_named(c, c->args.arg[0], &t, err);
	if (rc == 0) {
		v.track = t;
		rc = read_values(c, &v, err);
	}
	if (rc == 0)
		rc = write_values(c, &v, err);
	series_release(&v.average);
	series_release(&v.max);
	return rc;
}
