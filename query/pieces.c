/* SPDX-License-Identifier: ISC */
/*
 * The work of a scan: see pieces.h. A cursor goes through shards and segments;
 * a shard stays open from its first piece to the end of its last. Its views go
 * from thread to thread: whoever needs one takes an idle one, or joins with
 * another; when the file has gone meanwhile that fails, and threads share what
 * is open.
 */
#include "query/pieces.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "query/plan.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/shard.h"
#include "schema/store.h"

/* Some ten milliseconds of work: so that the last ones end together, and a
 * listing has its first lines soon. */
enum { PIECE_ROWS = 65536 };

/* A shard at work. */
struct piece_shard {
	struct view *first; /* whose moment it is */
	struct view **idle; /* first and those that joined */
	size_t n_idle, cap_idle;
	bool alone;      /* nobody can join any more */
	size_t n_pieces; /* taken and not ended */
	bool passed;     /* by the cursor: there are no more */
};

struct pieces {
	const struct scan_query *q;
	bool in_order;
	bool (*stop)(void *);
	void *stop_arg;
	/* The cursor, under its own lock: shards are opened under it. */
	pthread_mutex_t cursor_lock;
	struct store_list list;
	uint64_t *bytes; /* of each shard's file; NULL: nobody looks on */
	uint64_t bytes_passed, all_bytes;
	struct catalog catalog;
	struct exporters exporters;
	size_t next_shard;
	struct piece_shard *shard; /* being cut; NULL: none */
	size_t segment;
	uint64_t part;
	struct plan_path path; /* of the segment, from part 0 on */
	uint64_t n_taken;
	struct scan_stats passed;
	/* All else. */
	pthread_mutex_t lock;
	pthread_cond_t returned; /* a view is idle */
};

/* ---- shards ---- */

static void
shard_free(struct piece_shard *s)
{
	for (size_t i = 0; i < s->n_idle; i++)
		if (s->idle[i] != s->first)
			view_close(s->idle[i]);
	view_close(s->first);
	free(s->idle);
	free(s);
}

static void
give_back(struct pieces *p, struct piece_shard *s, struct view *v)
{
	pthread_mutex_lock(&p->lock);
	s->idle =
	    xgrow(s->idle, s->n_idle, &s->cap_idle, sizeof(struct view *));
	s->idle[s->n_idle++] = v;
	pthread_cond_broadcast(&p->returned);
	pthread_mutex_unlock(&p->lock);
}

/* An idle view, NULL when there is none and others can join. */
static struct view *
take_idle(struct pieces *p, struct piece_shard *s)
{
	struct view *v = NULL;

	pthread_mutex_lock(&p->lock);
	while (s->n_idle == 0 && s->alone)
		pthread_cond_wait(&p->returned, &p->lock);
	if (s->n_idle > 0)
		v = s->idle[--s->n_idle];
	pthread_mutex_unlock(&p->lock);
	return v;
}

static int
take_view(
    struct pieces *p, struct piece_shard *s, struct view **v, struct err *err)
{
	int rc;

	while ((*v = take_idle(p, s)) == NULL) {
		if ((rc = view_join(v, s->first, err)) == 1) {
			view_set_stop(*v, p->stop, p->stop_arg);
			return 0;
		}
		if (rc != 0)
			return rc;
		pthread_mutex_lock(&p->lock);
		s->alone = true;
		pthread_mutex_unlock(&p->lock);
	}
	return 0;
}

/* ---- the cursor ---- */

static void
widen_bounds(struct scan_stats *st, const struct segment *g)
{
	if (!st->has_bounds || g->min_start_ms < st->min_start_ms)
		st->min_start_ms = g->min_start_ms;
	if (!st->has_bounds || g->max_end_ms > st->max_end_ms)
		st->max_end_ms = g->max_end_ms;
	st->has_bounds = true;
}

/* Whether the catalog alone tells that no flow of the shard can pass. */
static bool
prune_shard(struct pieces *p, const struct store_shard *file)
{
	const struct catalog_day *d =
	    plan_prunes_shard(p->q->filter, &p->catalog, file);

	if (d == NULL)
		return false;
	if (d->whole.n_flows > 0)
		widen_bounds(&p->passed, &d->whole);
	p->passed.n_shards_pruned++;
	p->passed.n_segments_pruned += d->n_segments;
	return true;
}

/* The next shard of the list; p->shard stays NULL if it is left out. */
static int
open_shard(struct pieces *p, struct err *err)
{
	const struct store_shard *file = &p->list.shard[p->next_shard];
	struct piece_shard *s;
	struct view *v;
	int rc;

	if (p->bytes != NULL && p->next_shard > 0)
		p->bytes_passed += p->bytes[p->next_shard - 1];
	p->next_shard++;
	if (prune_shard(p, file))
		return 0;
	if ((rc = view_open(&v, file->path, &p->exporters, err)) != 1)
		return rc;
	view_set_stop(v, p->stop, p->stop_arg);
	s = xcalloc(1, sizeof *s);
	s->first = v;
	give_back(p, s, v);
	p->shard = s;
	p->segment = p->part = 0;
	p->passed.n_shards++;
	return 0;
}

static void
pass_shard(struct pieces *p)
{
	struct piece_shard *s = p->shard;
	bool done;

	p->shard = NULL;
	pthread_mutex_lock(&p->lock);
	s->passed = true;
	done = s->n_pieces == 0;
	pthread_mutex_unlock(&p->lock);
	if (done)
		shard_free(s);
}

/* Conditions are counted while others read; when there is no view for that,
 * reading will tell why. */
static void
plan_segment(struct pieces *p, const struct segment *g)
{
	struct view *v;

	if (take_view(p, p->shard, &v, NULL) != 0) {
		p->path = plan_path(p->q->filter, g, NULL);
		return;
	}
	p->path = view_plan(v, g, p->q->filter);
	give_back(p, p->shard, v);
}

/* Whether there is a part of the segment left; else the cursor is behind it. */
static bool
has_part(struct pieces *p, const struct segment *g)
{
	if (p->part == 0) {
		if (g->n_flows > 0)
			widen_bounds(&p->passed, g);
		if (g->n_flows > 0 && !plan_prunes(p->q->filter, g)) {
			p->passed.n_segments++;
			plan_segment(p, g);
			return true;
		}
		if (g->n_flows > 0)
			p->passed.n_segments_pruned++;
	} else if (p->part * PIECE_ROWS < g->n_flows &&
		   p->path.kind == PLAN_SCAN) {
		return true;
	}
	p->segment++;
	p->part = 0;
	return false;
}

/* Whether there is a piece of the shard at the cursor. */
static bool
cut(struct pieces *p, struct piece *out)
{
	size_t n;
	const struct segment *g = view_segments(p->shard->first, &n);

	while (p->segment < n && !has_part(p, &g[p->segment]))
		continue;
	if (p->segment == n)
		return false;
	out->shard = p->shard;
	out->segment = p->segment;
	out->part = p->part++;
	out->path = p->path;
	pthread_mutex_lock(&p->lock);
	p->shard->n_pieces++;
	pthread_mutex_unlock(&p->lock);
	return true;
}

static int
advance(struct pieces *p, struct piece *out, struct err *err)
{
	int rc;

	for (;;) {
		if (p->shard != NULL && cut(p, out))
			return 1;
		if (p->shard != NULL)
			pass_shard(p);
		if (p->next_shard == p->list.n)
			return 0;
		if ((rc = open_shard(p, err)) != 0) {
			p->next_shard = p->list.n;
			return rc;
		}
	}
}

int
pieces_next(struct pieces *p, struct piece *out, struct err *err)
{
	int rc;

	pthread_mutex_lock(&p->cursor_lock);
	rc = advance(p, out, err);
	out->number = p->n_taken;
	if (rc != 0)
		p->n_taken++;
	out->passed = p->passed;
	p->passed = (struct scan_stats){0};
	pthread_mutex_unlock(&p->cursor_lock);
	return rc;
}

/* ---- how far it is ---- */

static void
weigh_shards(struct pieces *p)
{
	p->bytes = xcalloc(p->list.n, sizeof *p->bytes);
	for (size_t i = 0; i < p->list.n; i++) {
		struct stat st;

		if (stat(p->list.shard[i].path, &st) == 0)
			p->bytes[i] = (uint64_t)st.st_size;
		p->all_bytes += p->bytes[i];
	}
}

/* What of its rows the cursor has passed, in bytes of the file. */
static uint64_t
bytes_within(const struct pieces *p)
{
	size_t n;
	const struct segment *g = view_segments(p->shard->first, &n);
	double passed = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		double rows = (double)g[i].n_flows;
		double cut = (double)(p->part * PIECE_ROWS);

		all += rows;
		if (i < p->segment)
			passed += rows;
		else if (i == p->segment)
			passed += cut < rows ? cut : rows;
	}
	return all > 0 ? (uint64_t)((double)p->bytes[p->next_shard - 1] *
				    passed / all)
		       : 0;
}

void
pieces_progress(struct pieces *p, struct scan_progress *out)
{
	pthread_mutex_lock(&p->cursor_lock);
	*out = (struct scan_progress){
	    .n_shards = p->list.n,
	    .n_shards_done = p->next_shard - (p->shard != NULL),
	    .bytes = p->all_bytes,
	    .bytes_done = p->bytes_passed,
	};
	if (p->shard != NULL)
		out->bytes_done += bytes_within(p);
	else if (p->next_shard > 0)
		out->bytes_done += p->bytes[p->next_shard - 1];
	pthread_mutex_unlock(&p->cursor_lock);
}

/* ---- pieces ---- */

static struct compile_rows
rows_of(const struct piece *piece, const struct segment *g)
{
	struct compile_rows rows = {
	    .first = (int64_t)(piece->part * PIECE_ROWS) + 1,
	    .last = (int64_t)((piece->part + 1) * PIECE_ROWS),
	};

	if (rows.last >= (int64_t)g->n_flows)
		rows.last = INT64_MAX;
	return rows;
}

int
piece_read(struct pieces *p, const struct piece *piece, struct view_sink *sink,
    struct err *err)
{
	size_t n;
	const struct segment *g =
	    view_segments(piece->shard->first, &n) + piece->segment;
	struct view_task task = {
	    .segment = g,
	    .filter = p->q->filter,
	    .columns = p->q->columns,
	    .path = piece->path,
	    .in_order = p->in_order,
	};
	struct view *v;
	int rc = take_view(p, piece->shard, &v, err);

	if (rc != 0)
		return rc;
	if (task.path.kind == PLAN_SCAN)
		task.rows = rows_of(piece, g);
	rc = view_run(v, &task, sink, err);
	give_back(p, piece->shard, v);
	return rc;
}

void
piece_end(struct pieces *p, const struct piece *piece)
{
	struct piece_shard *s = piece->shard;
	bool done;

	pthread_mutex_lock(&p->lock);
	done = --s->n_pieces == 0 && s->passed;
	pthread_mutex_unlock(&p->lock);
	if (done)
		shard_free(s);
}

/* ---- all of it ---- */

int
pieces_open(struct pieces **out, const struct scan_query *q, bool in_order,
    bool (*stop)(void *), void *arg, struct err *err)
{
	struct pieces *p = xcalloc(1, sizeof *p);
	int rc = store_list(&p->list, q->dir, err);

	if (rc != 0) {
		free(p);
		return rc;
	}
	p->q = q;
	p->in_order = in_order;
	p->stop = stop;
	p->stop_arg = arg;
	if (q->watch != NULL && q->watch->progress != NULL)
		weigh_shards(p);
	plan_read_catalog(&p->catalog, q->dir, q->filter);
	pthread_mutex_init(&p->cursor_lock, NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->returned, NULL);
	*out = p;
	return 0;
}

void
pieces_close(struct pieces *p)
{
	if (p == NULL)
		return;
	if (p->shard != NULL)
		pass_shard(p);
	catalog_release(&p->catalog);
	store_list_release(&p->list);
	free(p->bytes);
	exporters_release(&p->exporters);
	pthread_mutex_destroy(&p->cursor_lock);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->returned);
	free(p);
}
