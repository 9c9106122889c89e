/* SPDX-License-Identifier: ISC */
/* A whole store, pulled: see walk.h. */
#include "query/walk.h"

#include <stdlib.h>

#include "query/filter.h"
#include "query/plan.h"
#include "query/scan.h"
#include "query/view.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/shard.h"
#include "schema/store.h"

/* Shards that stay open between two beginnings: a join begins anew for each
 * row of the other table. */
enum { KEEP_OPEN = 32 };

/* After so many beginnings rows are not counted any more before they are read:
 * it is a join, for a few rows each time. */
enum { COUNT_FOR = 16 };

struct walk {
	db_stop_fn *stop;
	void *stop_arg;
	char *dir;
	struct store_list list;
	struct view **view; /* by list; NULL: not open */
	size_t n_open;
	struct catalog catalog;
	bool has_catalog; /* it was read, or is not to be had */
	struct exporters exporters;
	struct scan_stats stats;

	unsigned n_begun;
	struct walk_want want;
	struct batch batch;
	size_t shard;   /* in list; list.n: behind the last */
	bool in_shard;  /* the view of shard is open, and looked at */
	size_t segment; /* the next one to look at */
	const struct segment *at;
	bool reading; /* at is being read */
};

int
walk_open(struct walk **out, const char *dir, db_stop_fn *stop, void *stop_arg,
    struct err *err)
{
	struct walk *w = xcalloc(1, sizeof *w);
	int rc = store_list(&w->list, dir, err);

	if (rc != 0) {
		free(w);
		return rc;
	}
	w->stop = stop;
	w->stop_arg = stop_arg;
	w->dir = xstrdup(dir);
	w->view = xcalloc(w->list.n, sizeof(struct view *));
	w->shard = w->list.n;
	*out = w;
	return 0;
}

void
walk_close(struct walk *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->list.n; i++)
		view_close(w->view[i]);
	free(w->view);
	batch_release(&w->batch);
	exporters_release(&w->exporters);
	catalog_release(&w->catalog);
	store_list_release(&w->list);
	free(w->dir);
	free(w);
}

void
walk_begin(struct walk *w, const struct walk_want *want)
{
	w->want = *want;
	w->n_begun += w->n_begun <= COUNT_FOR;
	batch_release(&w->batch);
	batch_init(&w->batch, want->columns);
	if (!w->has_catalog &&
	    (want->filter->has_from || want->filter->has_to)) {
		plan_read_catalog(&w->catalog, w->dir, want->filter);
		w->has_catalog = true;
	}
	w->shard = 0;
	w->in_shard = w->reading = false;
}

/* ---- shards ---- */

/* Whether no flow of the shard can pass, as far as is known unopened. */
static bool
prune_shard(struct walk *w)
{
	const struct store_shard *file = &w->list.shard[w->shard];
	const struct catalog_day *d;

	if (w->want.day != NULL && !w->want.day(w->want.arg, file->day)) {
		w->stats.n_shards_pruned++;
		return true;
	}
	d = plan_prunes_shard(w->want.filter, &w->catalog, file);
	if (d == NULL)
		return false;
	w->stats.n_shards_pruned++;
	w->stats.n_segments_pruned += d->n_segments;
	return true;
}

/* 1: the view is open; 0: the shard is gone. */
static int
open_shard(struct walk *w, struct err *err)
{
	struct view **v = &w->view[w->shard];
	int rc;

	if (*v != NULL)
		return 1;
	rc = view_open(v, w->list.shard[w->shard].path, &w->exporters, err);
	if (rc == 1) {
		view_set_stop(*v, w->stop, w->stop_arg);
		w->stats.n_shards++;
		w->n_open++;
	}
	return rc;
}

static void
leave_shard(struct walk *w)
{
	if (w->in_shard && w->n_open > KEEP_OPEN) {
		view_close(w->view[w->shard]);
		w->view[w->shard] = NULL;
		w->n_open--;
	}
	w->in_shard = false;
	w->shard++;
}

/* To the next shard that has to be looked at: 1, or 0 behind the last. */
static int
next_shard(struct walk *w, struct err *err)
{
	int rc;

	for (; w->shard < w->list.n; w->shard++) {
		if (w->stop != NULL && w->stop(w->stop_arg))
			return err_set(err, ERR_STOPPED, "stopped");
		if (prune_shard(w))
			continue;
		if ((rc = open_shard(w, err)) < 0)
			return rc;
		if (rc == 1) {
			w->in_shard = true;
			w->segment = 0;
			return 1;
		}
	}
	return 0;
}

/* ---- segments ---- */

/* Within the open shard: whether there is one more. */
static bool
next_in_shard(struct walk *w)
{
	size_t n;
	const struct segment *g = view_segments(w->view[w->shard], &n);

	while (w->segment < n) {
		w->at = &g[w->segment++];
		if (w->at->n_flows == 0)
			continue;
		if (!plan_prunes(w->want.filter, w->at)) {
			w->stats.n_segments++;
			return true;
		}
		w->stats.n_segments_pruned++;
	}
	return false;
}

int
walk_segment(struct walk *w, struct err *err)
{
	int rc;

	w->reading = false;
	for (;;) {
		if (!w->in_shard && (rc = next_shard(w, err)) != 1)
			return rc;
		if (next_in_shard(w))
			return 1;
		leave_shard(w);
	}
}

int32_t
walk_day(const struct walk *w)
{
	return w->list.shard[w->shard].day;
}

const struct segment *
walk_at(const struct walk *w)
{
	return w->at;
}

struct plan_path
walk_plan(const struct walk *w)
{
	return w->n_begun > COUNT_FOR
		   ? plan_path(w->want.filter, w->at, NULL)
		   : view_plan(w->view[w->shard], w->at, w->want.filter);
}

/* ---- flows ---- */

static int
begin_segment(struct walk *w, struct err *err)
{
	int rc = walk_segment(w, err);
	struct plan_path path;

	if (rc != 1)
		return rc;
	path = walk_plan(w);
	rc = view_read(w->view[w->shard], w->at, w->want.filter, &path,
	    w->want.columns, err);
	w->reading = rc == 0;
	return rc == 0 ? 1 : rc;
}

int
walk_next(struct walk *w, size_t max, const struct batch **b, struct err *err)
{
	int rc;

	for (;;) {
		if (!w->reading && (rc = begin_segment(w, err)) != 1)
			return rc;
		rc = view_next(w->view[w->shard], &w->batch, max, err);
		if (rc != 0)
			break;
		w->reading = false;
	}
	if (rc == 1) {
		w->stats.n_flows += w->batch.n;
		*b = &w->batch;
	}
	return rc;
}

const struct scan_stats *
walk_stats(const struct walk *w)
{
	return &w->stats;
}
