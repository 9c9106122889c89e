/* SPDX-License-Identifier: ISC */
/* Trackings in state.db, and their files: see track.h. */
#include "report/track.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/state.h"
#include "sql.h"

const char *const track_status_names[] = {
    [TRACK_ACTIVE] = "active",
    [TRACK_ARCHIVED] = "archived",
    [TRACK_REMOVED] = "removed",
    NULL,
};

const char *const track_layout_names[] = {
    [SERIES_FLOWTRACKER] = "flowtracker",
    [SERIES_LONG] = "long",
    NULL,
};

static const char *const load_names[] = {"bps", "pps", "fps", "active", NULL};

/* ---- rows ---- */

static int
read_choice(struct stmt *q, int column, const char *const *names,
    const char *what, unsigned *out, struct err *err)
{
	const char *text = stmt_text(q, column);

	for (*out = 0; names[*out] != NULL; (*out)++)
		if (strcmp(names[*out], text) == 0)
			return 0;
	return err_set(err, ERR_CORRUPT,
	    "state.db: tracking %s: unknown %s \"%.40s\"", stmt_text(q, 1),
	    what, text);
}

static int
take_row(struct stmt *q, struct track *t, struct err *err)
{
	unsigned load, layout, status;
	int rc;

	if ((rc = read_choice(q, 2, load_names, "type", &load, err)) != 0 ||
	    (rc = read_choice(
		 q, 3, track_layout_names, "layout", &layout, err)) != 0 ||
	    (rc = read_choice(
		 q, 8, track_status_names, "status", &status, err)) != 0)
		return rc;
	*t = (struct track){
	    .id = stmt_int(q, 0),
	    .name = xstrdup(stmt_text(q, 1)),
	    .load = (enum load)load,
	    .layout = (enum series_layout)layout,
	    .filter = xstrdup(stmt_text(q, 4)),
	    .scale = xstrdup(stmt_text(q, 5)),
	    .late = stmt_int(q, 6),
	    .comment = xstrdup(stmt_text(q, 7)),
	    .status = (enum track_status)status,
	    .created_ms = stmt_int(q, 9),
	    .changed_ms = stmt_int(q, 10),
	    .start_s = stmt_int(q, 11),
	    .done_s = stmt_int(q, 12),
	};
	return 0;
}

int
track_get_all(struct state *s, struct track_list *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_trackings, &q, err);

	*out = (struct track_list){0};
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		out->track =
		    xgrow(out->track, out->n, &out->cap, sizeof *out->track);
		if ((rc = take_row(q, &out->track[out->n], err)) != 0)
			break;
		out->n++;
	}
	stmt_finalize(q);
	return rc;
}

int
track_load(const char *dir, struct track_list *out, struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, dir, err);

	*out = (struct track_list){0};
	if (rc == 0 && s != NULL)
		rc = track_get_all(s, out, err);
	state_close(s);
	return rc;
}

void
track_list_release(struct track_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->track[i].name);
		free(l->track[i].filter);
		free(l->track[i].scale);
		free(l->track[i].comment);
	}
	free(l->track);
	*l = (struct track_list){0};
}

struct track *
track_find(const struct track_list *l, const char *name, bool removed)
{
	struct track *found = NULL;

	for (size_t i = 0; i < l->n; i++) {
		struct track *t = &l->track[i];

		if ((t->status == TRACK_REMOVED) == removed &&
		    strcasecmp(t->name, name) == 0 &&
		    (found == NULL || t->changed_ms > found->changed_ms))
			found = t;
	}
	return found;
}

struct track *
track_find_id(const struct track_list *l, int64_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->track[i].id == id)
			return &l->track[i];
	return NULL;
}

int
track_unknown(const struct track_list *l, const char *name, struct err *err)
{
	struct suggestion meant;
	char shown[QUOTE_LEN];

	quote(name, SIZE_MAX, shown);
	suggest_begin(&meant, name);
	for (size_t i = 0; i < l->n; i++)
		if (l->track[i].status != TRACK_REMOVED)
			suggest_offer(&meant, l->track[i].name);
	if (meant.name[0] != '\0')
		return err_set(err, ERR_USAGE,
		    "unknown tracking \"%s\": do you mean %s?", shown,
		    meant.name);
	return err_set(err, ERR_USAGE,
	    "unknown tracking \"%s\": weir track list shows those there are",
	    shown);
}

int
track_check_name(const char *name, struct err *err)
{
	char shown[QUOTE_LEN];
	size_t len = strlen(name);
	bool bad = len == 0 || len > TRACK_NAME_LEN || name[0] == '@' ||
		   name[0] == '-' || name[0] == ' ' || name[len - 1] == ' ';

	for (size_t i = 0; i < len; i++)
		bad = bad || (unsigned char)name[i] < ' ' || name[i] == 0x7f ||
		      name[i] == '=';
	if (!bad)
		return 0;
	return err_set(err, ERR_USAGE,
	    "\"%s\" is no name: want a line of at most %d bytes without = and "
	    "without @, - or a blank at its ends",
	    quote(name, SIZE_MAX, shown), (int)TRACK_NAME_LEN);
}

/* ---- writing rows ---- */

static void
bind_settings(struct stmt *q, const struct track *t)
{
	stmt_bind_text(q, ":name", t->name);
	stmt_bind_text(q, ":filter", t->filter);
	stmt_bind_text(q, ":scale", t->scale);
	stmt_bind_int(q, ":late", t->late);
	stmt_bind_text(q, ":comment", t->comment);
	stmt_bind_int(q, ":changed_ms", t->changed_ms);
}

int
track_insert(struct state *s, struct track *t, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_insert_tracking, &q, err);

	if (rc != 0)
		return rc;
	bind_settings(q, t);
	stmt_bind_text(q, ":load", load_names[t->load]);
	stmt_bind_text(q, ":layout", track_layout_names[t->layout]);
	stmt_bind_int(q, ":start_s", t->start_s);
	stmt_bind_int(q, ":done_s", t->done_s);
	rc = stmt_finish(q, err);
	t->id = db_last_id(state_db(s));
	return rc;
}

int
track_update_row(struct state *s, const struct track *t, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_update_tracking, &q, err);

	if (rc != 0)
		return rc;
	bind_settings(q, t);
	stmt_bind_int(q, ":id", t->id);
	stmt_bind_text(q, ":status", track_status_names[t->status]);
	return stmt_finish(q, err);
}

int
track_set_done(struct state *s, int64_t id, int64_t done_s, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_update_tracking_done, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", id);
	stmt_bind_int(q, ":done_s", done_s);
	return stmt_finish(q, err);
}

int
track_set_start(struct state *s, int64_t id, int64_t start_s, int64_t done_s,
    struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_update_tracking_start, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", id);
	stmt_bind_int(q, ":start_s", start_s);
	stmt_bind_int(q, ":done_s", done_s);
	return stmt_finish(q, err);
}

int
track_delete(struct state *s, int64_t id, struct err *err)
{
	return db_run_for(state_db(s), sql_delete_tracking, ":id", id, err);
}

/* ---- history ---- */

int
track_add_change(
    struct state *s, int64_t id, const struct track_change *c, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_insert_tracking_change, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":tracking_id", id);
	stmt_bind_int(q, ":changed_ms", c->changed_ms);
	stmt_bind_int(q, ":at_s", c->at_s);
	stmt_bind_text(q, ":who", c->who);
	stmt_bind_text(q, ":what", c->what);
	stmt_bind_text(q, ":old", c->old);
	stmt_bind_text(q, ":new", c->new);
	stmt_bind_text(q, ":comment", c->comment);
	stmt_bind_int(q, ":mark", c->mark);
	return stmt_finish(q, err);
}

int
track_get_changes(
    struct state *s, int64_t id, struct track_changes *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_tracking_changes, &q, err);

	*out = (struct track_changes){0};
	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":tracking_id", id);
	while ((rc = stmt_step(q, err)) == 1) {
		out->change =
		    xgrow(out->change, out->n, &out->cap, sizeof *out->change);
		out->change[out->n++] = (struct track_change){
		    .changed_ms = stmt_int(q, 0),
		    .at_s = stmt_int(q, 1),
		    .who = xstrdup(stmt_text(q, 2)),
		    .what = xstrdup(stmt_text(q, 3)),
		    .old = xstrdup(stmt_text(q, 4)),
		    .new = xstrdup(stmt_text(q, 5)),
		    .comment = xstrdup(stmt_text(q, 6)),
		    .mark = stmt_int(q, 7) != 0,
		};
	}
	stmt_finalize(q);
	return rc;
}

void
track_changes_release(struct track_changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->change[i].who);
		free(c->change[i].what);
		free(c->change[i].old);
		free(c->change[i].new);
		free(c->change[i].comment);
	}
	free(c->change);
	*c = (struct track_changes){0};
}

/* ---- files ---- */

char *
track_path(const char *dir, int64_t id)
{
	return xasprintf("%s/rrd/%" PRId64 ".rrd", dir, id);
}

char *
track_base_path(const char *dir, int64_t id)
{
	return xasprintf("%s/rrd/%" PRId64 ".base.rrd", dir, id);
}

int64_t
track_floor_s(int64_t ms)
{
	int64_t step_ms = (int64_t)SERIES_STEP_S * MS_PER_S;

	return (ms - (ms % step_ms + step_ms) % step_ms) / MS_PER_S;
}

static int
wait_for_lock(int fd, int64_t wait_ms)
{
	enum { PAUSE_MS = 20 };
	const struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	int64_t until_ms = clock_monotonic_ms() + wait_ms;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -1;
		if (clock_monotonic_ms() >= until_ms) {
			errno = EWOULDBLOCK;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}

int
track_lock(int *lock_fd, const char *dir, int64_t wait_ms, struct err *err)
{
	char *folder = xasprintf("%s/rrd", dir);
	char *path = xasprintf("%s/lock", folder);
	int rc = 0;

	*lock_fd = -1;
	if (mkdir(folder, 0777) != 0 && errno != EEXIST)
		rc = err_sys(err, "%s", folder);
	else if ((*lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) <
		 0)
		rc = err_sys(err, "%s", path);
	else if (wait_for_lock(*lock_fd, wait_ms) != 0)
		rc =
		    errno == EWOULDBLOCK
			? err_set(err, ERR_BUSY,
			      "%s: another weir track is at work there", folder)
			: err_sys(err, "%s", path);
	if (rc != 0 && *lock_fd >= 0) {
		close(*lock_fd);
		*lock_fd = -1;
	}
	free(path);
	free(folder);
	return rc;
}
