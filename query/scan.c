/* SPDX-License-Identifier: ISC */
/*
 * From shards to batches: see scan.h. How one is read is view.h's business;
 * what all share is in struct scan.
 */
#include "query/scan.h"

#include "query/plan.h"
#include "query/view.h"
#include "schema/catalog.h"
#include "schema/shard.h"
#include "schema/store.h"

struct scan {
	const struct filter *filter;
	flow_column_set columns;
	scan_fn *fn;
	void *arg;
	struct scan_stats *stats;
	struct exporters exporters;
};

/* ---- segments ---- */

static int
scan_segment(struct scan *sc, struct view *v, const struct segment *g,
    struct batch *b, struct err *err)
{
	int rc = view_read(v, g, sc->filter, sc->columns, err);

	if (rc != 0)
		return rc;
	while ((rc = view_next(v, b, BATCH_MAX, err)) == 1) {
		sc->stats->n_flows += b->n;
		if ((rc = sc->fn(b, sc->arg)) != 0)
			return rc;
	}
	return rc;
}

static void
widen_bounds(struct scan_stats *st, const struct segment *g)
{
	if (!st->has_bounds || g->min_start_ms < st->min_start_ms)
		st->min_start_ms = g->min_start_ms;
	if (!st->has_bounds || g->max_end_ms > st->max_end_ms)
		st->max_end_ms = g->max_end_ms;
	st->has_bounds = true;
}

static int
scan_segments(struct scan *sc, struct view *v, struct batch *b, struct err *err)
{
	size_t n;
	const struct segment *g = view_segments(v, &n);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (g[i].n_flows == 0)
			continue;
		widen_bounds(sc->stats, &g[i]);
		if (plan_prunes(sc->filter, &g[i])) {
			sc->stats->n_segments_pruned++;
			continue;
		}
		sc->stats->n_segments++;
		rc = scan_segment(sc, v, &g[i], b, err);
	}
	return rc;
}

/* ---- shards ---- */

static int
scan_shard(struct scan *sc, const char *path, struct batch *b, struct err *err)
{
	struct view *v;
	int rc = view_open(&v, path, &sc->exporters, err);

	if (rc != 1)
		return rc;
	sc->stats->n_shards++;
	rc = scan_segments(sc, v, b, err);
	view_close(v);
	return rc;
}

/* Whether the catalog alone tells that no flow of the shard can pass. */
static bool
prune_shard(
    struct scan *sc, const struct catalog *c, const struct store_shard *file)
{
	const struct catalog_day *d = plan_prunes_shard(sc->filter, c, file);

	if (d == NULL)
		return false;
	if (d->whole.n_flows > 0)
		widen_bounds(sc->stats, &d->whole);
	sc->stats->n_shards_pruned++;
	sc->stats->n_segments_pruned += d->n_segments;
	return true;
}

int
scan_run(const char *dir, const struct filter *f, flow_column_set columns,
    scan_fn *fn, void *arg, struct scan_stats *stats, struct err *err)
{
	struct scan sc = {.filter = f,
	    .columns = columns,
	    .fn = fn,
	    .arg = arg,
	    .stats = stats};
	struct store_list list;
	struct catalog catalog;
	struct batch b;
	int rc;

	*stats = (struct scan_stats){0};
	if ((rc = store_list(&list, dir, err)) != 0)
		return rc;
	plan_read_catalog(&catalog, dir, f);
	batch_init(&b, columns);
	for (size_t i = 0; i < list.n && rc == 0; i++)
		if (!prune_shard(&sc, &catalog, &list.shard[i]))
			rc = scan_shard(&sc, list.shard[i].path, &b, err);
	batch_release(&b);
	catalog_release(&catalog);
	store_list_release(&list);
	exporters_release(&sc.exporters);
	return rc;
}
