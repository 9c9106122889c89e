/* SPDX-License-Identifier: ISC */
/*
 * What makes and changes trackings: create, revise, rename, archive, restart,
 * remove, restore, purge. Each is one transaction in state.db; files are named
 * by number, so only create, revise and purge touch any.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/saved.h"
#include "report/alert.h"
#include "report/track_cmd.h"
#include "report/track_group.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/state.h"

enum { LOCK_WAIT_MS = 10000, KEEP_DAYS = 30 };

/* ---- what is noted ---- */

struct note {
	const char *what, *old, *new;
};

static int
add_note(struct state *s, const struct track_command *c, const struct track *t,
    const struct note *n, struct err *err)
{
	char *who = track_who(c);
	char *comment = xstrdup(c->args.comment != NULL ? c->args.comment : "");
	struct track_change change = {
	    .changed_ms = c->request.now_ms,
	    .at_s = t->done_s,
	    .who = who,
	    .comment = comment,
	    .what = xstrdup(n->what),
	    .old = xstrdup(n->old),
	    .new = xstrdup(n->new),
	    .mark = c->mark,
	};
	int rc = track_add_change(s, t->id, &change, err);

	free(change.what);
	free(change.old);
	free(change.new);
	free(who);
	free(comment);
	return rc;
}

/* The one of that name, as of this transaction. */
static int
find_now(struct state *s, struct track_command *c, const char *name,
    struct track **out, struct err *err)
{
	int rc;

	track_list_release(&c->list);
	rc = track_get_all(s, &c->list, err);
	return rc != 0 ? rc : track_named(c, name, out, err);
}

/* Nobody else, tracking or group, has the name. */
static int
refuse_taken(struct state *s, const struct track_command *c, const char *name,
    int64_t but, struct err *err)
{
	struct track_groups groups;
	int rc = track_groups_get_all(s, &groups, err);

	if (rc == 0)
		rc = track_name_is_free(&c->list, &groups, name, but, 0, err);
	track_groups_release(&groups);
	return rc;
}

/* ---- filters ---- */

/*
 * The filter's words, to be freed. A tracking counts what of a flow lies in
 * each period: other ways to include flows, and a zone, mean nothing to it.
 */
static int
read_filter(struct track_command *c, char **out, struct err *err)
{
	struct filter *f = &c->request.filter;
	struct buf words;

	*out = NULL;
	if (f->include != INCLUDE_ANY)
		return err_set(err, ERR_USAGE,
		    "include= is not for trackings: they count the part of a "
		    "flow that lies in each period");
	if (c->request.has_dedup)
		return err_set(err, ERR_USAGE,
		    "dedup= is not for trackings: name one exporter or "
		    "interface, such as exporter=192.0.2.1 in_if=3");
	if (c->request.has_lines)
		return err_set(err, ERR_USAGE, "lines= is not for trackings");
	f->zone[0] = '\0';
	buf_init(&words, SAVED_TEXT_LEN);
	filter_print_without_span(f, &words);
	*out = xstrdup(buf_str(&words));
	buf_release(&words);
	return 0;
}

/* ---- create ---- */

struct creation {
	struct track_command *command;
	struct track track;
};

static int
put_new(struct state *s, void *arg, struct err *err)
{
	struct creation *x = arg;
	struct track_command *c = x->command;
	const struct note note = {"created", "", x->track.filter};
	char *path;
	int rc = track_get_all(s, &c->list, err);

	if (rc == 0)
		rc = refuse_taken(s, c, x->track.name, 0, err);
	if (rc == 0 && c->list.n >= TRACK_MAX)
		rc = err_set(err, ERR_LIMIT, "create: %d trackings are there",
		    TRACK_MAX);
	if (rc != 0 || (rc = track_insert(s, &x->track, err)) != 0 ||
	    (rc = add_note(s, c, &x->track, &note, err)) != 0)
		return rc;
	path = track_path(c->request.dir, x->track.id);
	(void)unlink(path); /* of a create that was killed */
	rc = series_create(path, x->track.layout, x->track.start_s, err);
	free(path);
	return rc;
}

static int
check_new(const struct track_command *c, struct err *err)
{
	const struct filter *f = &c->request.filter;
	int rc = track_check_name(c->args.arg[0], err);

	if (rc != 0)
		return rc;
	if (c->load == TRACK_NOT_GIVEN)
		return err_set(err, ERR_USAGE,
		    "create: type= is not given: want bps, pps, fps or active");
	if (f->has_to)
		return err_set(err, ERR_USAGE,
		    "create: a tracking has no end: want from= alone, for "
		    "flows that are stored already");
	if (f->has_from && f->from_ms >= c->request.now_ms)
		return err_set(err, ERR_USAGE,
		    "create: from= is to come: want a time that has been");
	return 0;
}

/* DIR/rrd is made by whoever locks it first. */
static int
make_folder(const struct track_command *c, struct err *err)
{
	int lock_fd;
	int rc = track_lock(&lock_fd, c->request.dir, LOCK_WAIT_MS, err);

	if (rc == 0)
		close(lock_fd);
	return rc;
}

int
track_create_action(void *command, struct err *err)
{
	struct track_command *c = command;
	const struct request *r = &c->request;
	struct creation x = {.command = c};
	struct track *t = &x.track;
	int rc = check_new(c, err);

	if (rc == 0)
		rc = read_filter(c, &t->filter, err);
	if (rc == 0)
		rc = make_folder(c, err);
	if (rc == 0) {
		t->name = xstrdup(c->args.arg[0]);
		t->load = (enum load)c->load;
		t->layout =
		    c->layout == SERIES_LONG ? SERIES_LONG : SERIES_FLOWTRACKER;
		t->scale = xstrdup(r->scaled != NULL ? r->scaled : "");
		t->late = c->late != TRACK_NOT_GIVEN ? c->late : 0;
		t->comment =
		    xstrdup(c->args.comment != NULL ? c->args.comment : "");
		t->changed_ms = r->now_ms;
		t->start_s = r->filter.has_from
				 ? track_floor_s(r->filter.from_ms)
				 : track_due_s(c);
		t->done_s = t->start_s;
		rc = state_change(r->dir, put_new, &x, err);
	}
	free(t->name);
	free(t->filter);
	free(t->scale);
	free(t->comment);
	return rc;
}

/* ---- revise ---- */

struct revision {
	struct track_command *command;
	char *filter; /* NULL: as it was */
};

static void
replace(char **text, const char *with)
{
	free(*text);
	*text = xstrdup(with);
}

/* Periods still to be counted anew would be so with the new filter. */
static void
forget_base(const struct track_command *c, const struct track *t)
{
	char *base = track_base_path(c->request.dir, t->id);

	(void)unlink(base);
	free(base);
}

static int
put_revision(struct state *s, void *arg, struct err *err)
{
	struct revision *x = arg;
	struct track_command *c = x->command;
	const char *scaled = c->request.scaled;
	struct track *t;
	char *old = NULL;
	int rc = find_now(s, c, c->args.arg[0], &t, err);

	if (rc != 0)
		return rc;
	old = xasprintf("%s%s%s", t->filter,
	    t->scale[0] != '\0' ? " scale=" : "", t->scale);
	if (x->filter != NULL) {
		replace(&t->filter, x->filter);
		replace(&t->scale, scaled != NULL ? scaled : "");
	}
	if (c->args.comment != NULL)
		replace(&t->comment, c->args.comment);
	if (c->late != TRACK_NOT_GIVEN)
		t->late = c->late;
	t->changed_ms = c->request.now_ms;
	forget_base(c, t);
	rc = track_update_row(s, t, err);
	if (rc == 0)
		rc = alert_reset(s, t->id, err);
	if (rc == 0) {
		char *new = xasprintf("%s%s%s", t->filter,
		    t->scale[0] != '\0' ? " scale=" : "", t->scale);
		const struct note note = {"revised", old, new};

		rc = add_note(s, c, t, &note, err);
		free(new);
	}
	free(old);
	return rc;
}

static int
check_revision(const struct track_command *c, struct err *err)
{
	if (c->load != TRACK_NOT_GIVEN || c->layout != TRACK_NOT_GIVEN)
		return err_set(err, ERR_USAGE,
		    "revise: the %s of a tracking that has values cannot "
		    "change: make another tracking",
		    c->load != TRACK_NOT_GIVEN ? "type" : "layout");
	if (c->request.filter.has_from || c->request.filter.has_to)
		return err_set(err, ERR_USAGE,
		    "revise: counts from the next period on, want no span; "
		    "recreate makes earlier ones anew");
	return 0;
}

int
track_revise_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct revision x = {.command = c};
	int lock_fd = -1;
	int rc = check_revision(c, err);

	if (rc == 0)
		rc = read_filter(c, &x.filter, err);
	if (x.filter != NULL && x.filter[0] == '\0' &&
	    c->request.scaled == NULL) {
		free(x.filter);
		x.filter = NULL;
	}
	if (rc == 0 && x.filter == NULL && c->args.comment == NULL &&
	    c->late == TRACK_NOT_GIVEN)
		rc = err_set(err, ERR_USAGE,
		    "revise: nothing is new: want filter words, comment= or "
		    "late=");
	if (rc == 0)
		rc = track_lock(&lock_fd, c->request.dir, LOCK_WAIT_MS, err);
	if (rc == 0)
		rc = state_change(c->request.dir, put_revision, &x, err);
	if (lock_fd >= 0)
		close(lock_fd);
	free(x.filter);
	return rc;
}

/* ---- rename ---- */

static int
put_name(struct state *s, void *arg, struct err *err)
{
	struct track_command *c = arg;
	const struct note note = {"renamed", c->args.arg[0], c->args.arg[1]};
	struct track *t;
	int rc = find_now(s, c, c->args.arg[0], &t, err);

	if (rc == 0)
		rc = refuse_taken(s, c, c->args.arg[1], t->id, err);
	if (rc != 0)
		return rc;
	replace(&t->name, c->args.arg[1]);
	t->changed_ms = c->request.now_ms;
	rc = track_update_row(s, t, err);
	return rc != 0 ? rc : add_note(s, c, t, &note, err);
}

int
track_rename_action(void *command, struct err *err)
{
	struct track_command *c = command;
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = track_check_name(c->args.arg[1], err);
	return rc != 0 ? rc : state_change(c->request.dir, put_name, c, err);
}

/* ---- status ---- */

struct status_change {
	struct track_command *command;
	enum track_status from[2], to;
	size_t n_from;
	const char *what; /* "archived" */
};

static int
refuse_status(
    const struct status_change *x, const struct track *t, struct err *err)
{
	for (size_t i = 0; i < x->n_from; i++)
		if (t->status == x->from[i])
			return 0;
	return err_set(err, ERR_USAGE, "tracking %s is %s already", t->name,
	    track_status_names[t->status]);
}

static int
put_status(struct state *s, const struct status_change *x, const char *name,
    struct err *err)
{
	struct track_command *c = x->command;
	const struct note note = {x->what, "", ""};
	bool restore = x->from[0] == TRACK_REMOVED;
	struct track *t = track_find(&c->list, name, restore);
	int rc;

	if (t == NULL && restore)
		return err_set(err, ERR_USAGE,
		    "no tracking %.80s was removed in the last %d days", name,
		    KEEP_DAYS);
	if (t == NULL)
		return track_unknown(&c->list, name, err);
	if ((rc = refuse_status(x, t, err)) != 0 ||
	    (restore && (rc = refuse_taken(s, c, name, t->id, err)) != 0))
		return rc;
	t->status = x->to;
	t->changed_ms = c->request.now_ms;
	rc = track_update_row(s, t, err);
	return rc != 0 ? rc : add_note(s, c, t, &note, err);
}

static int
put_statuses(struct state *s, void *arg, struct err *err)
{
	const struct status_change *x = arg;
	struct track_command *c = x->command;
	int rc = track_get_all(s, &c->list, err);

	for (size_t i = 0; i < c->args.n && rc == 0; i++)
		rc = put_status(s, x, c->args.arg[i], err);
	return rc;
}

static int
change_status(struct status_change *x, struct err *err)
{
	int rc = track_no_filter(x->command, false, err);

	return rc != 0 ? rc
		       : state_change(
			     x->command->request.dir, put_statuses, x, err);
}

int
track_archive_action(void *command, struct err *err)
{
	struct status_change x = {.command = command,
	    .from = {TRACK_ACTIVE},
	    .n_from = 1,
	    .to = TRACK_ARCHIVED,
	    .what = "archived"};

	return change_status(&x, err);
}

/* It goes on where it stopped, so what it missed is counted, too. */
int
track_restart_action(void *command, struct err *err)
{
	struct status_change x = {.command = command,
	    .from = {TRACK_ARCHIVED},
	    .n_from = 1,
	    .to = TRACK_ACTIVE,
	    .what = "restarted"};

	return change_status(&x, err);
}

int
track_remove_action(void *command, struct err *err)
{
	struct status_change x = {.command = command,
	    .from = {TRACK_ACTIVE, TRACK_ARCHIVED},
	    .n_from = 2,
	    .to = TRACK_REMOVED,
	    .what = "removed"};

	return change_status(&x, err);
}

int
track_restore_action(void *command, struct err *err)
{
	struct status_change x = {.command = command,
	    .from = {TRACK_REMOVED},
	    .n_from = 1,
	    .to = TRACK_ACTIVE,
	    .what = "restored"};

	return change_status(&x, err);
}

/* ---- purge ---- */

struct purging {
	const char *dir;
	int64_t before_ms; /* removed before then */
	size_t n;
};

static void
unlink_files(const char *dir, int64_t id)
{
	char *path = track_path(dir, id), *base = track_base_path(dir, id);

	(void)unlink(path);
	(void)unlink(base);
	free(path);
	free(base);
}

/* Rows last: files without a row would never be found again. */
static int
purge_rows(struct state *s, void *arg, struct err *err)
{
	struct purging *x = arg;
	struct track_list all;
	int rc = track_get_all(s, &all, err);

	for (size_t i = 0; i < all.n && rc == 0; i++) {
		const struct track *t = &all.track[i];

		if (t->status != TRACK_REMOVED || t->changed_ms >= x->before_ms)
			continue;
		unlink_files(x->dir, t->id);
		rc = track_delete(s, t->id, err);
		x->n++;
	}
	track_list_release(&all);
	return rc;
}

static int
purge(const char *dir, int64_t before_ms, size_t *n, struct err *err)
{
	struct purging x = {.dir = dir, .before_ms = before_ms};
	int lock_fd;
	int rc = track_lock(&lock_fd, dir, LOCK_WAIT_MS, err);

	if (rc != 0)
		return rc;
	rc = state_change(dir, purge_rows, &x, err);
	close(lock_fd);
	*n = x.n;
	return rc;
}

int
track_purge_old(const char *dir, int64_t now_ms, struct err *err)
{
	size_t n;

	return purge(dir, now_ms - KEEP_DAYS * (int64_t)MS_PER_DAY, &n, err);
}

int
track_purge_action(void *command, struct err *err)
{
	struct track_command *c = command;
	size_t n = 0;
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = purge(c->request.dir, INT64_MAX, &n, err);
	if (rc == 0)
		log_info("%zu removed tracking%s purged", n, n == 1 ? "" : "s");
	return rc;
}
