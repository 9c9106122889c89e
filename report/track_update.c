/* SPDX-License-Identifier: ISC */
/* Updates: see track_update.h. */
#include "report/track_update.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/filter.h"
#include "query/store_names.h"
#include "report/alert_check.h"
#include "report/request.h"
#include "report/track_values.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/state.h"

/* Periods in a block: what is lost when it is killed, and what a pass over
 * flows may hold. */
enum { BLOCK_PERIODS = 2016 };

/* Those so far behind come after the others. */
enum { BEHIND_S = 86400 };

struct item {
	const struct track *track;
	struct filter filter;
	struct scale scale;
	char *path, *base;
	bool again;    /* a file of its own, at path, that begins at from_s */
	bool has_base; /* it is there */
	bool new_main, new_base; /* copies are prepared */
	bool begun;     /* the file has all up to from_s: a block is written */
	int64_t from_s; /* end of the last period that is in for good */
	bool failed;
};

struct work {
	const struct track_work *how;
	struct store_names *names;
	struct track_list tracks;
	struct item *item;
	size_t n, cap;
	struct track_result result;
	/* The block. */
	struct item **due;
	struct track_job *job;
	size_t n_due;
	struct track_span span;
	double *value;
};

static int64_t
block_end_s(const struct work *w)
{
	return w->span.from_s + (int64_t)w->span.n * SERIES_STEP_S;
}

static void
set_aside(struct work *w, struct item *i, const struct err *err)
{
	if (i->new_main)
		series_abandon(i->path);
	if (i->new_base)
		series_abandon(i->base);
	i->new_main = i->new_base = false;
	i->failed = true;
	w->result.n_failed++;
	if (w->how->failed != NULL)
		w->how->failed(i->track->name, err, w->how->arg);
}

/* ---- what there is to do ---- */

static int
read_definition(struct work *w, struct item *i, struct err *err)
{
	int rc =
	    request_read_scale(i->track->scale, w->how->conf, &i->scale, err);

	i->filter.names = store_names(w->names);
	if (rc == 0)
		rc = filter_add_line(
		    &i->filter, i->track->filter, w->how->now_ms, err);
	if (rc == 0)
		rc = filter_check(&i->filter, err);
	return rc;
}

static int
find_start(struct item *i, struct err *err)
{
	int64_t last_s;
	int rc;

	i->has_base = i->track->late > 0 && access(i->base, F_OK) == 0;
	rc = series_last(i->has_base ? i->base : i->path, &last_s, err);
	if (rc == 0)
		i->from_s =
		    last_s < i->track->done_s ? last_s : i->track->done_s;
	return rc;
}

static struct item *
add_item(struct work *w, const struct track *t)
{
	struct item *i;

	w->item = xgrow(w->item, w->n, &w->cap, sizeof *w->item);
	i = &w->item[w->n++];
	*i = (struct item){
	    .track = t,
	    .path = track_path(w->how->dir, t->id),
	    .base = track_base_path(w->how->dir, t->id),
	};
	filter_init(&i->filter);
	w->result.n_trackings++;
	return i;
}

static void
add_due(struct work *w, const struct track *t)
{
	struct err err = {0};
	struct item *i;

	if (t->status != TRACK_ACTIVE || t->done_s >= w->how->to_s)
		return;
	i = add_item(w, t);
	if (read_definition(w, i, &err) != 0 || find_start(i, &err) != 0)
		set_aside(w, i, &err);
}

static void
work_release(struct work *w)
{
	for (size_t i = 0; i < w->n; i++) {
		filter_release(&w->item[i].filter);
		free(w->item[i].path);
		free(w->item[i].base);
	}
	free(w->item);
	free(w->due);
	free(w->job);
	free(w->value);
	track_list_release(&w->tracks);
	store_names_free(w->names);
}

/* ---- a block ---- */

/* The items that begin in [min_s, before_s), and the first moment of them. */
static int64_t
first_of(const struct work *w, int64_t min_s, int64_t before_s, size_t *n)
{
	int64_t first_s = before_s;

	*n = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct item *x = &w->item[i];

		if (x->failed || x->from_s < min_s || x->from_s >= before_s)
			continue;
		(*n)++;
		if (x->from_s < first_s)
			first_s = x->from_s;
	}
	return first_s;
}

/* false: nothing more is due. */
static bool
choose_block(struct work *w)
{
	int64_t to_s = w->how->to_s, min_s = to_s - BEHIND_S;
	size_t n, max;

	w->span.from_s = first_of(w, min_s, to_s, &n);
	if (n == 0) {
		min_s = INT64_MIN;
		w->span.from_s = first_of(w, min_s, to_s, &n);
	}
	if (n == 0)
		return false;
	max = TRACK_MAX_SUMS / n < BLOCK_PERIODS ? TRACK_MAX_SUMS / n
						 : BLOCK_PERIODS;
	w->span.n = (size_t)(to_s - w->span.from_s) / SERIES_STEP_S;
	if (w->span.n > max)
		w->span.n = max;
	w->n_due = 0;
	for (size_t i = 0; i < w->n; i++) {
		struct item *x = &w->item[i];

		if (x->failed || x->from_s < min_s ||
		    x->from_s >= block_end_s(w))
			continue;
		w->job[w->n_due] =
		    (struct track_job){&x->filter, x->scale, x->track->load};
		w->due[w->n_due++] = x;
	}
	return true;
}

/* The periods of due number k that are not in, those that end by until_s at
 * the beginning; to be freed. */
static struct series_point *
points_of(
    const struct work *w, size_t k, int64_t until_s, size_t *n, size_t *n_until)
{
	struct series_point *point = xcalloc(w->span.n, sizeof *point);

	*n = *n_until = 0;
	for (size_t i = 0; i < w->span.n; i++) {
		int64_t end_s =
		    w->span.from_s + (int64_t)(i + 1) * SERIES_STEP_S;

		if (end_s <= w->due[k]->from_s)
			continue;
		*n_until += end_s <= until_s;
		point[(*n)++] =
		    (struct series_point){end_s, w->value[k * w->span.n + i]};
	}
	return point;
}

/* When periods are still to be counted anew, the base gets the others. */
static int
prepare_base(
    struct item *x, const struct series_point *point, size_t n, struct err *err)
{
	int rc;

	if (x->has_base && n == 0)
		return 0;
	rc = series_prepare_from(
	    x->base, x->has_base ? x->base : x->path, point, n, err);
	x->new_base = rc == 0;
	return rc;
}

static int
prepare(struct work *w, size_t k, struct err *err)
{
	struct item *x = w->due[k];
	int64_t late_s = x->again ? 0 : x->track->late * SERIES_STEP_S;
	size_t n, n_final;
	struct series_point *point =
	    points_of(w, k, w->how->to_s - late_s, &n, &n_final);
	int rc = series_prepare_from(x->path,
	    late_s > 0 && x->has_base && !x->begun ? x->base : x->path, point,
	    n, err);

	x->new_main = rc == 0;
	if (rc == 0 && late_s > 0)
		rc = prepare_base(x, point, n_final, err);
	free(point);
	return rc;
}

/* Of the file system that the files are on: one call for all of them. */
static int
sync_folder(const struct work *w, bool files, struct err *err)
{
	char *folder = xasprintf("%s/rrd", w->how->dir);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0 || (files ? syncfs(fd) : fsync(fd)) != 0)
		rc = err_sys(err, "%s", folder);
	if (fd >= 0)
		close(fd);
	free(folder);
	return rc;
}

static int
prepare_all(struct work *w, struct err *err)
{
	for (size_t k = 0; k < w->n_due; k++) {
		struct err why = {0};
		int rc = prepare(w, k, &why);

		if (rc == ERR_FULL) {
			*err = why;
			return rc;
		}
		if (rc != 0)
			set_aside(w, w->due[k], &why);
	}
	return sync_folder(w, true, err);
}

static int
accept_all(struct work *w, struct err *err)
{
	for (size_t k = 0; k < w->n_due; k++) {
		struct item *x = w->due[k];
		int rc = 0;

		if (x->new_main)
			rc = series_accept(x->path, err);
		x->new_main = x->new_main && rc != 0;
		if (rc == 0 && x->new_base)
			rc = series_accept(x->base, err);
		if (rc != 0)
			return rc;
		x->has_base = x->has_base || x->new_base;
		x->new_base = false;
	}
	return sync_folder(w, false, err);
}

static void
abandon_all(struct work *w)
{
	for (size_t k = 0; k < w->n_due; k++) {
		if (w->due[k]->new_main)
			series_abandon(w->due[k]->path);
		if (w->due[k]->new_base)
			series_abandon(w->due[k]->base);
		w->due[k]->new_main = w->due[k]->new_base = false;
	}
}

/* That the periods are in, and what the rules say of them: once. */
static int
write_done(struct state *s, void *arg, struct err *err)
{
	const struct work *w = arg;
	struct alert_list rules;
	int rc = alert_get_all(s, &rules, err);

	for (size_t k = 0; k < w->n_due && rc == 0; k++) {
		const struct item *x = w->due[k];
		const struct alert_block block = {x->path, w->span.from_s,
		    w->value + k * w->span.n, w->span.n};

		if (x->failed || x->again)
			continue;
		rc = track_set_done(s, x->track->id, block_end_s(w), err);
		if (rc == 0)
			rc = alert_check(
			    s, x->track, &rules, &block, w->how->now_ms, err);
	}
	alert_list_release(&rules);
	return rc;
}

static void
move_on(struct work *w)
{
	int64_t end_s = block_end_s(w);

	for (size_t k = 0; k < w->n_due; k++) {
		struct item *x = w->due[k];

		if (x->failed)
			continue;
		w->result.n_values +=
		    (uint64_t)(end_s - x->from_s) / SERIES_STEP_S;
		x->from_s = end_s;
		x->begun = true;
	}
	w->result.done_s = end_s;
}

static int
do_block(struct work *w, struct err *err)
{
	int rc;

	w->value =
	    xreallocarray(w->value, w->n_due * w->span.n + 1, sizeof *w->value);
	rc = track_values(w->how->dir, w->job, w->n_due, &w->span,
	    w->how->now_ms, w->how->watch, w->value, err);
	if (rc != 0)
		return rc;
	if ((rc = prepare_all(w, err)) != 0 || (rc = accept_all(w, err)) != 0) {
		abandon_all(w);
		return rc;
	}
	if ((rc = state_change(w->how->dir, write_done, w, err)) == 0)
		move_on(w);
	return rc;
}

static int
do_blocks(struct work *w, struct err *err)
{
	int rc = 0;

	w->due = xcalloc(w->n + 1, sizeof(struct item *));
	w->job = xcalloc(w->n + 1, sizeof *w->job);
	while (rc == 0 && choose_block(w)) {
		rc = do_block(w, err);
		if (rc == 0 && w->how->progress != NULL)
			w->how->progress(&w->result, w->how->arg);
	}
	return rc;
}

/* ---- the two ways ---- */

static int
begin(struct work *w, const struct track_work *how, int *lock_fd,
    int64_t wait_ms, struct err *err)
{
	int rc;

	*w = (struct work){.how = how};
	w->result.done_s = how->to_s;
	rc = track_lock(lock_fd, how->dir, wait_ms, err);
	if (rc == 0)
		rc = track_load(how->dir, &w->tracks, err);
	w->names = store_names_new(how->dir, how->conf, NULL);
	return rc;
}

static void
end(struct work *w, int lock_fd, struct track_result *out)
{
	*out = w->result;
	work_release(w);
	if (lock_fd >= 0)
		close(lock_fd);
}

int
track_update(
    const struct track_work *how, struct track_result *out, struct err *err)
{
	struct work w;
	int lock_fd;
	int rc = begin(&w, how, &lock_fd, 0, err);

	for (size_t i = 0; i < w.tracks.n && rc == 0; i++)
		add_due(&w, &w.tracks.track[i]);
	if (rc == 0)
		rc = do_blocks(&w, err);
	end(&w, lock_fd, out);
	return rc;
}

/* What was before from_s stays, as well as the file still knows it. */
static int
keep_history(const struct work *w, const struct item *i, struct err *err)
{
	char *path = track_path(w->how->dir, i->track->id);
	struct series_point *point = NULL;
	size_t n = 0;
	int rc = 0;

	if (access(path, F_OK) == 0)
		rc = series_history(path, i->track->layout, i->track->start_s,
		    i->from_s, &point, &n, err);
	if (rc == 0)
		rc = series_prepare(i->path, point, n, err);
	if (rc == 0)
		rc = series_accept(i->path, err);
	free(point);
	free(path);
	return rc;
}

static int
add_again(
    struct work *w, const struct track *t, int64_t from_s, struct err *err)
{
	struct item *i = add_item(w, t);
	int rc;

	free(i->path);
	i->path =
	    xasprintf("%s/rrd/%lld.again.rrd", w->how->dir, (long long)t->id);
	i->again = true;
	i->from_s = from_s;
	(void)unlink(i->path); /* of one that was killed */
	if ((rc = read_definition(w, i, err)) != 0)
		return err_prefix(err, rc, "tracking %s", t->name);
	if (from_s <= t->start_s)
		return series_create(i->path, t->layout, from_s, err);
	rc = series_create(i->path, t->layout, t->start_s, err);
	return rc != 0 ? rc : keep_history(w, i, err);
}

/* The first moment of the new file. */
struct again {
	struct work *work;
	int64_t from_s;
};

static int
write_start(struct state *s, void *arg, struct err *err)
{
	const struct again *a = arg;
	const struct work *w = a->work;
	int rc = 0;

	for (size_t i = 0; i < w->n && rc == 0; i++) {
		const struct track *t = w->item[i].track;

		if (!w->item[i].failed)
			rc = track_set_start(s, t->id,
			    a->from_s < t->start_s ? a->from_s : t->start_s,
			    w->how->to_s, err);
	}
	return rc;
}

/*
 * The base is of the old file, so it goes first: should this be killed before
 * all is renamed, it is made again from the file as it is then.
 */
static int
replace_files(struct work *w, int64_t from_s, struct err *err)
{
	struct again again = {w, from_s};
	int rc = 0;

	for (size_t i = 0; i < w->n; i++) {
		struct item *x = &w->item[i];
		char *path;

		if (x->failed)
			continue;
		(void)unlink(x->base);
		path = track_path(w->how->dir, x->track->id);
		if (rename(x->path, path) != 0)
			rc = err_sys(err, "%s", path);
		free(path);
		if (rc != 0)
			return rc;
	}
	if ((rc = sync_folder(w, false, err)) != 0)
		return rc;
	return state_change(w->how->dir, write_start, &again, err);
}

int
track_recreate(const struct track_work *how, const int64_t *id, size_t n,
    int64_t from_s, struct track_result *out, struct err *err)
{
	enum { WAIT_MS = 10000 };
	struct work w;
	int lock_fd;
	int rc = begin(&w, how, &lock_fd, WAIT_MS, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		const struct track *t = track_find_id(&w.tracks, id[i]);

		if (t != NULL && t->status != TRACK_REMOVED)
			rc = add_again(&w, t, from_s, err);
	}
	if (rc == 0)
		rc = do_blocks(&w, err);
	if (rc == 0)
		rc = replace_files(&w, from_s, err);
	for (size_t i = 0; i < w.n; i++)
		if (w.item[i].again)
			(void)unlink(w.item[i].path);
	end(&w, lock_fd, out);
	return rc;
}
