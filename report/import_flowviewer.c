/* SPDX-License-Identifier: ISC */
/*
 * weir import-flowviewer: monitors with their RRDs, groups and saved filters of
 * FlowViewer or FlowTracker. Files there are only read. What is here already
 * under a name is left alone, so that it can be done again.
 */
#include <errno.h>
#include <fts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/names.h"
#include "query/saved.h"
#include "query/store_names.h"
#include "report/alert.h"
#include "report/alert_send.h"
#include "report/commands.h"
#include "report/flowviewer_file.h"
#include "report/request.h"
#include "report/saved_table.h"
#include "report/series.h"
#include "report/table.h"
#include "report/track.h"
#include "report/track_group.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/state.h"

/* A file, and what became of it. */
struct found {
	char *path, *base; /* base: its name without folder and ending */
	const char *kind;  /* "monitor", ... */
	char *name;        /* as it is called here */
	const char *result;
	char *note;
};

struct takeover {
	struct request request;
	const char *dir; /* NULL: not given */
	struct found *found;
	size_t n, cap;
	char **rrd; /* paths */
	size_t n_rrds, cap_rrds;
};

/* ---- the command line ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir import-flowviewer DIR\n\n"
	    "Take over what FlowViewer or FlowTracker has in DIR and below it: "
	    "monitors\n"
	    "(.fil, .archive) with their RRDs, groups (.grp), saved filters "
	    "(.svf). They\n"
	    "become trackings, which go on where the RRDs end, groups of "
	    "trackings, alert\n"
	    "rules and filters. A table tells what became of each file, and "
	    "what could not\n"
	    "be translated. A device becomes an exporter where the "
	    "configuration has one of\n"
	    "that name. Nothing in DIR is changed, and what is here already "
	    "is left alone.\n\n"
	    "  weir import-flowviewer /var/www/cgi-bin/FlowViewer_4.6\n"
	    "  weir import-flowviewer /var/FlowViewer -f csv > report.csv\n");
}

static int
take_dir(void *arg, const char *word, struct err *err)
{
	struct takeover *x = arg;

	if (x->dir != NULL)
		return err_set(err, ERR_USAGE, "want one DIR");
	x->dir = word;
	return 0;
}

static const struct request_spec spec = {
    .bare = take_dir, .help = help, .no_words = true};

/* ---- what there is ---- */

static const char *
kind_of(const char *ending, const char *path)
{
	int64_t ignored;

	if (strcmp(ending, ".svf") == 0)
		return "filter";
	if (strcmp(ending, ".grp") == 0)
		return "group";
	if (strcmp(ending, ".fil") == 0)
		return "monitor";
	/* The RRD of an archived monitor has that ending, too. */
	if (strcmp(ending, ".archive") == 0)
		return series_last(path, &ignored, NULL) == 0 ? "rrd"
							      : "archived";
	return strcmp(ending, ".rrd") == 0 ? "rrd" : NULL;
}

static void
add_found(struct takeover *x, const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	const char *dot = strrchr(name, '.');
	const char *kind = dot != NULL ? kind_of(dot, path) : NULL;

	if (kind == NULL)
		return;
	if (strcmp(kind, "rrd") == 0) {
		x->rrd = xgrow(x->rrd, x->n_rrds, &x->cap_rrds, sizeof *x->rrd);
		x->rrd[x->n_rrds++] = xstrdup(path);
		return;
	}
	x->found = xgrow(x->found, x->n, &x->cap, sizeof *x->found);
	x->found[x->n++] = (struct found){
	    .path = xstrdup(path),
	    .base = xasprintf("%.*s", (int)(dot - name), name),
	    .kind = kind,
	    .result = "not taken over",
	};
}

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int
find_files(struct takeover *x, struct err *err)
{
	char *root = xasprintf("%s/", x->dir), *roots[] = {root, NULL};
	FTS *tree = NULL;
	const FTSENT *e;
	int rc = 0;

	if (access(x->dir, R_OK | X_OK) != 0 ||
	    (tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name)) ==
		NULL)
		rc = err_sys(err, "%s", x->dir);
	while (rc == 0 && (e = fts_read(tree)) != NULL)
		if (e->fts_info == FTS_F)
			add_found(x, e->fts_path);
	if (tree != NULL)
		fts_close(tree);
	free(root);
	if (rc == 0 && x->n == 0)
		rc = err_set(err, ERR_USAGE,
		    "%s: has no file of FlowViewer: .fil, .archive, .grp, "
		    ".svf",
		    x->dir);
	return rc;
}

static const char *
find_rrd(const struct takeover *x, const char *base)
{
	for (size_t i = 0; i < x->n_rrds; i++) {
		const char *name = strrchr(x->rrd[i], '/') + 1;

		if ((size_t)(strrchr(name, '.') - name) == strlen(base) &&
		    strncmp(name, base, strlen(base)) == 0)
			return x->rrd[i];
	}
	return NULL;
}

/* ---- one file ---- */

struct taking {
	struct takeover *all;
	struct found *found;
	struct flowviewer_file file;
	struct buf left; /* what had no place, for people */
	char *words;     /* the filter, as it is printed here */
};

static void
leave(struct taking *k, const char *what)
{
	buf_printf(&k->left, "%s%s", k->left.len > 0 ? "; " : "", what);
}

static int
read_words(struct taking *k, struct err *err)
{
	const struct request *r = &k->all->request;
	struct buf raw, printed;
	struct filter f;
	char *line, *rest;
	int rc = 0;

	buf_init(&raw, SAVED_TEXT_LEN);
	buf_init(&printed, SAVED_TEXT_LEN);
	flowviewer_words(&k->file, r->conf, &raw, &k->left);
	filter_init(&f);
	f.names = store_names(r->store_names);
	line = rest = xstrdup(buf_str(&raw));
	for (char *word; rc == 0 && (word = strsep(&rest, "\n")) != NULL;)
		if (word[0] != '\0')
			rc = filter_add_word(&f, word, r->now_ms, err);
	if (rc == 0) {
		filter_print_without_span(&f, &printed);
		k->words = xstrdup(buf_str(&printed));
	}
	free(line);
	filter_release(&f);
	buf_release(&raw);
	buf_release(&printed);
	return rc;
}

/* ---- saved filters ---- */

/* Blanks and what else no name here has become _. */
static char *
filter_name(const char *title)
{
	char *name = xasprintf("%.*s", (int)SAVED_NAME_LEN - 2, title);

	for (char *p = name; *p != '\0'; p++)
		if (strchr(
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789_-.",
			*p) == NULL)
			*p = '_';
	if (!saved_is_name(name)) {
		char *longer = xasprintf("f_%s", name);

		free(name);
		name = longer;
	}
	return name;
}

static int
put_filter(struct state *s, void *arg, struct err *err)
{
	struct taking *k = arg;
	struct saved old = {0}, one = {
				    .name = k->found->name,
				    .text = k->words,
				    .changed_ms = k->all->request.now_ms,
				};
	int rc = saved_get(s, SAVED_FILTER, one.name, &old, err);

	saved_release(&old);
	if (rc == 1)
		return err_set(
		    err, ERR_USAGE, "filter %s is there already", one.name);
	return rc != 0 ? rc : saved_put(s, SAVED_FILTER, &one, err);
}

static int
take_filter(struct taking *k, struct err *err)
{
	const char *title = flowviewer_get(&k->file, "filter_title");
	int rc;

	k->found->name = filter_name(title[0] != '\0' ? title : k->found->base);
	if ((rc = read_words(k, err)) != 0)
		return rc;
	if (k->words[0] == '\0')
		return err_set(
		    err, ERR_USAGE, "nothing is left of it as a filter");
	return state_change(k->all->request.dir, put_filter, k, err);
}

/* ---- monitors ---- */

static int
read_type(const struct taking *k, enum load *load, struct err *err)
{
	static const struct {
		const char *name;
		enum load load;
	} types[] = {
	    {"bps", LOAD_BITS},
	    {"pps", LOAD_PACKETS},
	    {"fpsi", LOAD_FLOWS},
	    {"fpsa", LOAD_ACTIVE},
	    {"Individual", LOAD_BITS},
	    {"Individual-bps", LOAD_BITS},
	    {"Individual-bps-prorated", LOAD_BITS},
	    {"Individual-pps", LOAD_PACKETS},
	    {"Individual-pps-prorated", LOAD_PACKETS},
	    {"Individual-fps", LOAD_FLOWS},
	    {"Individual-fps-prorated", LOAD_ACTIVE},
	};
	const char *type = flowviewer_get(&k->file, "monitor_type");

	if (type[0] == '\0')
		type = flowviewer_get(&k->file, "tracking_type");
	*load = LOAD_BITS;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, type) == 0) {
			*load = types[i].load;
			return 0;
		}
	return type[0] == '\0'
		   ? 0
		   : err_set(err, ERR_USAGE, "unknown type %.60s", type);
}

static const char *
label_of(const struct taking *k)
{
	const char *label = flowviewer_get(&k->file, "monitor_label");

	if (label[0] == '\0')
		label = flowviewer_get(&k->file, "tracking_label");
	return label[0] != '\0' ? label : k->found->base;
}

/* Where the first value of a file is; its last one ends at end_s. */
static int64_t
first_value_s(const char *path, int64_t end_s)
{
	enum { DAY_S = 86400, DAYS = 1100 };
	struct series_rows rows;
	int64_t start_s = end_s;

	if (series_read(path, SERIES_AVERAGE, end_s - (int64_t)DAYS * DAY_S,
		end_s, DAY_S, &rows, NULL) == 0)
		for (size_t i = rows.n; i > 0; i--)
			if (!isnan(rows.row[i - 1].value))
				start_s = rows.row[i - 1].end_s - rows.step_s;
	series_release(&rows);
	return start_s;
}

struct monitor {
	struct taking *k;
	struct track track; /* its texts are borrowed */
	const char *rrd;    /* NULL: none is there */
};

static int
put_file(const struct monitor *m, struct err *err)
{
	char *path = track_path(m->k->all->request.dir, m->track.id);
	int rc;

	(void)unlink(path);
	if (m->rrd == NULL)
		rc = series_create(
		    path, SERIES_FLOWTRACKER, m->track.start_s, err);
	else if ((rc = series_prepare_from(path, m->rrd, NULL, 0, err)) == 0)
		rc = series_accept(path, err);
	free(path);
	return rc;
}

/* "Y|1419984000|why". */
static int
put_revision(
    struct state *s, const struct monitor *m, const char *text, struct err *err)
{
	char *copy = xstrdup(text), *rest = copy;
	const char *mark = strsep(&rest, "|"), *when = strsep(&rest, "|");
	struct track_change c = {
	    .at_s = when != NULL ? strtol(when, NULL, 10) : 0,
	    .who = xstrdup("FlowViewer"),
	    .what = xstrdup("revised"),
	    .old = xstrdup(""),
	    .new = xstrdup(m->track.filter),
	    .comment = xstrdup(rest != NULL ? rest : ""),
	    .mark = mark[0] == 'Y',
	};
	int rc;

	c.changed_ms = c.at_s * MS_PER_S;
	rc = track_add_change(s, m->track.id, &c, err);
	free(c.who);
	free(c.what);
	free(c.old);
	free(c.new);
	free(c.comment);
	free(copy);
	return rc;
}

static int
put_revisions(struct state *s, const struct monitor *m, struct err *err)
{
	const struct flowviewer_file *f = &m->k->file;
	int rc = 0;

	for (size_t i = 0; i < f->n_fields && rc == 0; i++)
		if (strcmp(f->field[i].name, "revision") == 0)
			rc = put_revision(s, m, f->field[i].value, err);
	return rc;
}

/* Its threshold and frequency; what is no rule is no alert. */
static int
put_alert(struct state *s, const struct monitor *m, struct err *err)
{
	const struct flowviewer_file *f = &m->k->file;
	const char *frequency = flowviewer_get(f, "alert_frequency");
	const char *to = flowviewer_get(f, "alert_destination");
	double threshold = strtod(flowviewer_get(f, "alert_threshold"), NULL);
	struct alert a = {
	    .track_id = m->track.id,
	    .changed_ms = m->track.changed_ms,
	    .done_s = m->track.done_s,
	};
	int rc;

	if (!alert_frequency(frequency, &a.rule))
		return 0;
	if (a.rule.kind != ALERT_SIGMA) {
		if (threshold == 0)
			return 0;
		a.rule.kind = threshold > 0 ? ALERT_ABOVE : ALERT_BELOW;
		a.rule.threshold = fabs(threshold);
	}
	if (to[0] != '\0' &&
	    alert_check_target(m->k->all->request.conf, to, NULL) != 0) {
		leave(m->k, "alert_destination (no mail-server configured, or "
			    "no address)");
		to = "";
	}
	a.target = xstrdup(to);
	a.comment = xstrdup("");
	rc = alert_insert(s, &a, err);
	free(a.target);
	free(a.comment);
	return rc;
}

static int
put_monitor(struct state *s, void *arg, struct err *err)
{
	struct monitor *m = arg;
	struct track_list tracks = {0};
	struct track_groups groups = {0};
	int rc = track_get_all(s, &tracks, err);

	if (rc == 0)
		rc = track_groups_get_all(s, &groups, err);
	if (rc == 0)
		rc = track_name_is_free(
		    &tracks, &groups, m->track.name, 0, 0, err);
	track_list_release(&tracks);
	track_groups_release(&groups);
	if (rc == 0)
		rc = track_insert(s, &m->track, err);
	if (rc == 0)
		rc = put_file(m, err);
	if (rc == 0)
		rc = put_revisions(s, m, err);
	if (rc == 0)
		rc = put_alert(s, m, err);
	if (rc == 0 && strcmp(m->k->found->kind, "archived") == 0) {
		m->track.status = TRACK_ARCHIVED;
		rc = track_update_row(s, &m->track, err);
	}
	return rc;
}

/* Where the file ends; without one it begins now. */
static int
find_times(struct monitor *m, struct err *err)
{
	const struct request *r = &m->k->all->request;
	struct track *t = &m->track;
	int rc;

	t->created_ms = t->changed_ms = r->now_ms;
	t->start_s = t->done_s =
	    track_floor_s(r->now_ms - (int64_t)r->conf->track_lag_s * MS_PER_S);
	if (m->rrd == NULL) {
		leave(m->k, "no RRD: begins now");
		return 0;
	}
	if ((rc = series_check(m->rrd, err)) != 0 ||
	    (rc = series_last(m->rrd, &t->done_s, err)) != 0)
		return rc;
	t->done_s -= t->done_s % SERIES_STEP_S;
	t->start_s = first_value_s(m->rrd, t->done_s);
	return 0;
}

static int
take_monitor(struct taking *k, struct err *err)
{
	struct monitor m = {.k = k, .rrd = find_rrd(k->all, k->found->base)};
	const char *times = flowviewer_get(&k->file, "sampling_multiplier");
	struct scale scale;
	int rc;

	k->found->name = xstrdup(label_of(k));
	m.track = (struct track){.name = k->found->name,
	    .layout = SERIES_FLOWTRACKER,
	    .scale = xstrdup(strtod(times, NULL) > 1 ? times : ""),
	    .comment = xstrdup(flowviewer_get(&k->file, "general_comment"))};
	if ((rc = track_check_name(m.track.name, err)) == 0 &&
	    (rc = read_type(k, &m.track.load, err)) == 0 &&
	    (rc = request_read_scale(
		 m.track.scale, k->all->request.conf, &scale, err)) == 0 &&
	    (rc = read_words(k, err)) == 0 && (rc = find_times(&m, err)) == 0) {
		m.track.filter = k->words;
		rc = state_change(k->all->request.dir, put_monitor, &m, err);
	}
	free(m.track.scale);
	free(m.track.comment);
	return rc;
}

/* ---- groups ---- */

struct grouping {
	struct taking *k;
	struct track_list tracks;
	struct track_groups groups;
};

/* By the label, or by what its file was called. */
static const struct track *
find_member(const struct grouping *g, const char *label)
{
	const struct track *t = track_find(&g->tracks, label, false);
	char *wanted = flowviewer_file_name(label);

	for (size_t i = 0; t == NULL && i < g->tracks.n; i++) {
		char *name = flowviewer_file_name(g->tracks.track[i].name);

		if (g->tracks.track[i].status != TRACK_REMOVED &&
		    strcmp(name, wanted) == 0)
			t = &g->tracks.track[i];
		free(name);
	}
	free(wanted);
	return t;
}

static void
add_member(struct grouping *g, struct track_group *made,
    const struct flowviewer_member *m)
{
	const struct track *t = find_member(g, m->label), *first = NULL;
	char *why = NULL;

	if (made->n > 0)
		first = track_find_id(&g->tracks, made->member[0].track_id);
	if (t == NULL)
		why = xasprintf("member %s is not there", m->label);
	else if (first != NULL && first->load != t->load)
		why = xasprintf("member %s is of another type", m->label);
	else if (track_group_at(made, t->id) < made->n)
		why = xasprintf("member %s is there twice", m->label);
	else
		track_group_insert(made,
		    (struct track_member){
			t->id, m->position >= 200, xstrdup("auto")},
		    SIZE_MAX);
	if (why != NULL)
		leave(g->k, why);
	free(why);
}

static int
by_position(const void *a, const void *b)
{
	int64_t x = ((const struct flowviewer_member *)a)->position;
	int64_t y = ((const struct flowviewer_member *)b)->position;

	return (x > y) - (x < y);
}

static int
put_group(struct state *s, void *arg, struct err *err)
{
	struct grouping *g = arg;
	struct taking *k = g->k;
	struct track_group made = {.name = xstrdup(k->found->name),
	    .comment = xstrdup(flowviewer_get(&k->file, "general_comment")),
	    .changed_ms = k->all->request.now_ms};
	int rc = track_get_all(s, &g->tracks, err);

	if (rc == 0)
		rc = track_groups_get_all(s, &g->groups, err);
	if (rc == 0)
		rc = track_name_is_free(
		    &g->tracks, &g->groups, made.name, 0, 0, err);
	if (k->file.n_members > 0)
		qsort(k->file.member, k->file.n_members, sizeof *k->file.member,
		    by_position);
	for (size_t i = 0; rc == 0 && i < k->file.n_members; i++)
		add_member(g, &made, &k->file.member[i]);
	if (rc == 0 && made.n == 0)
		rc = err_set(err, ERR_USAGE, "none of its members is there");
	if (rc == 0)
		rc = track_group_put(s, &made, err);
	track_group_release(&made);
	return rc;
}

static int
take_group(struct taking *k, struct err *err)
{
	struct grouping g = {.k = k};
	int rc;

	k->found->name = xstrdup(label_of(k));
	if ((rc = track_check_name(k->found->name, err)) == 0)
		rc = state_change(k->all->request.dir, put_group, &g, err);
	if (rc == 0)
		leave(k, "colours: chosen anew");
	track_list_release(&g.tracks);
	track_groups_release(&g.groups);
	return rc;
}

/* ---- all of them ---- */

static bool
is_group(const struct taking *k)
{
	const char *type = flowviewer_get(&k->file, "monitor_type");

	return strcmp(k->found->kind, "group") == 0 ||
	       strcmp(type, "Group") == 0 ||
	       strcmp(flowviewer_get(&k->file, "tracking_type"), "Group") == 0;
}

static int
take_one(struct taking *k, struct err *err)
{
	if (strcmp(k->found->kind, "filter") == 0)
		return take_filter(k, err);
	return is_group(k) ? take_group(k, err) : take_monitor(k, err);
}

/* What is wrong with one file is told in the table. Only what would be wrong
 * with all of them ends it. */
static int
take(struct takeover *x, struct found *found, bool groups, struct err *err)
{
	struct taking k = {.all = x, .found = found};
	struct err why = {0};
	int rc;

	buf_init(&k.left, SAVED_TEXT_LEN);
	rc = flowviewer_read(&k.file, found->path, &why);
	if (rc == 0 && is_group(&k) != groups) {
		flowviewer_file_release(&k.file);
		return 0;
	}
	if (rc == 0 && (rc = take_one(&k, &why)) == 0)
		found->result = "taken over";
	free(found->note);
	found->note = xstrdup(rc != 0 ? why.text : buf_str(&k.left));
	buf_release(&k.left);
	free(k.words);
	flowviewer_file_release(&k.file);
	if (rc == ERR_FULL || rc == ERR_BUSY || rc == ERR_NEWER) {
		*err = why;
		return rc;
	}
	return 0;
}

/* Groups last: they name the others. */
static int
take_all(struct takeover *x, struct err *err)
{
	int lock_fd;
	int rc = track_lock(&lock_fd, x->request.dir, 10000, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < x->n && rc == 0; i++)
		rc = take(x, &x->found[i], false, err);
	for (size_t i = 0; i < x->n && rc == 0; i++)
		rc = take(x, &x->found[i], true, err);
	close(lock_fd);
	return rc;
}

static const struct table_column columns[] = {
    {.name = "file", .heading = "File", .kind = VALUE_TEXT},
    {.name = "kind", .heading = "Kind", .kind = VALUE_TEXT},
    {.name = "name", .heading = "Name here", .kind = VALUE_TEXT},
    {.name = "result", .heading = "Result", .kind = VALUE_TEXT},
    {.name = "note",
	.heading = "Not translated, or why not",
	.kind = VALUE_TEXT},
};

static const struct table_head head = {.column = columns,
    .n_columns = ARRAY_LEN(columns),
    .n_keys = 1,
    .caption = "files of FlowViewer\n"};

static void
fill(void *arg, size_t i, union table_cell *cell)
{
	const struct takeover *x = arg;
	const struct found *f = &x->found[i];

	cell[0].text = f->path;
	cell[1].text = f->kind;
	cell[2].text = f->name != NULL ? f->name : "";
	cell[3].text = f->result;
	cell[4].text = f->note != NULL ? f->note : "";
}

static void
takeover_release(struct takeover *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->found[i].path);
		free(x->found[i].base);
		free(x->found[i].name);
		free(x->found[i].note);
	}
	for (size_t i = 0; i < x->n_rrds; i++)
		free(x->rrd[i]);
	free(x->found);
	free(x->rrd);
	request_release(&x->request);
}

static int
run(struct takeover *x, struct err *err)
{
	int rc = x->dir != NULL ? find_files(x, err)
				: err_set(err, ERR_USAGE, "no DIR given");

	if (rc == 0)
		rc = take_all(x, err);
	return rc != 0
		   ? rc
		   : saved_write(&x->request, &head, x->n, fill, x, "", err);
}

int
import_flowviewer_main(int argc, char **argv)
{
	struct takeover x = {0};
	struct err err = {0};
	int rc = request_parse(&x.request, &spec, argc, argv, &x, &err);

	if (rc == 0)
		rc = x.request.help ? request_help(&x.request, &err)
				    : run(&x, &err);
	takeover_release(&x);
	return request_status("import-flowviewer", rc, &err);
}
