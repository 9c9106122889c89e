/* SPDX-License-Identifier: ISC */
/*
 * From shards to batches: see scan.h. scan_segment reads one segment with a
 * batch of its own; what all segments share is in struct scan.
 */
#include "query/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/compile.h"
#include "query/filter.h"
#include "query/plan.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/store.h"

struct scan {
	const struct filter *filter;
	flow_column_set columns;
	scan_fn *fn;
	void *arg;
	struct scan_stats *stats;
	struct addr *exporter; /* of all shards so far, each address once */
	size_t n_exporters, cap_exporters;
};

/* One shard, open as of one moment. */
struct view {
	struct shard *shard;
	const struct source *source; /* by position id - 1 */
	size_t n_sources;
	size_t *exporter; /* position in scan.exporter, by the same */
};

/* ---- exporters ---- */

static size_t
exporter_position(struct scan *sc, const struct addr *a)
{
	for (size_t i = 0; i < sc->n_exporters; i++)
		if (addr_equal(&sc->exporter[i], a))
			return i;
	sc->exporter = xgrow(sc->exporter, sc->n_exporters, &sc->cap_exporters,
	    sizeof *sc->exporter);
	sc->exporter[sc->n_exporters] = *a;
	return sc->n_exporters++;
}

static void
map_exporters(struct scan *sc, struct view *v)
{
	v->source = shard_sources(v->shard, &v->n_sources);
	v->exporter = xreallocarray(NULL, v->n_sources, sizeof *v->exporter);
	for (size_t i = 0; i < v->n_sources; i++)
		v->exporter[i] = exporter_position(sc, &v->source[i].exporter);
}

/* ---- rows ---- */

/* Column 1 and on of the current row into the batch, after source_id. */
static void
take_stored(struct batch *b, struct stmt *s)
{
	int from = 1;

	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL &&
		    (1u << c & COMPILE_SOURCE_COLUMNS) == 0)
			b->col[c][b->n] = stmt_int(s, from++);
}

static void
take_source(struct batch *b, const struct view *v, size_t position)
{
	const struct source *src = &v->source[position];

	if (b->col[COL_EXPORTER] != NULL)
		b->col[COL_EXPORTER][b->n] = (int64_t)v->exporter[position];
	if (b->col[COL_ENGINE_TYPE] != NULL)
		b->col[COL_ENGINE_TYPE][b->n] = src->engine_type;
	if (b->col[COL_ENGINE_ID] != NULL)
		b->col[COL_ENGINE_ID][b->n] = src->engine_id;
	if (b->col[COL_SAMPLING] != NULL)
		b->col[COL_SAMPLING][b->n] = src->sampling;
}

static int
take_row(struct batch *b, const struct view *v, struct stmt *s, struct err *err)
{
	int64_t source_id = stmt_int(s, 0);

	if (source_id < 1 || (uint64_t)source_id > v->n_sources)
		return err_set(err, ERR_CORRUPT,
		    "%s: a flow of source %lld, which is not in table source",
		    shard_path(v->shard), (long long)source_id);
	take_source(b, v, (size_t)source_id - 1);
	take_stored(b, s);
	b->n++;
	return 0;
}

/* Hand over what is in the batch. */
static int
flush(struct scan *sc, struct batch *b)
{
	int rc;

	if (b->n == 0)
		return 0;
	b->exporters = sc->exporter;
	b->n_exporters = sc->n_exporters;
	sc->stats->n_flows += b->n;
	rc = sc->fn(b, sc->arg);
	b->n = 0;
	return rc;
}

/* ---- segments ---- */

static int
read_rows(struct scan *sc, const struct view *v, struct batch *b,
    struct stmt *s, struct err *err)
{
	int rc;

	while ((rc = stmt_step(s, err)) == 1) {
		if ((rc = take_row(b, v, s, err)) != 0)
			return rc;
		if (b->n == BATCH_MAX && (rc = flush(sc, b)) != 0)
			return rc;
	}
	return rc != 0 ? rc : flush(sc, b);
}

static int
scan_segment(struct scan *sc, const struct view *v, const struct segment *g,
    struct batch *b, struct err *err)
{
	const struct compile_target target = {
	    .segment = g,
	    .source = v->source,
	    .n_sources = v->n_sources,
	    .columns = sc->columns,
	};
	struct compiled sql;
	struct stmt *s = NULL;
	int rc = compile_segment(&sql, sc->filter, &target, err);

	if (rc == 0)
		rc = db_prepare(shard_db(v->shard), buf_str(&sql.sql), &s, err);
	if (rc == 0) {
		for (size_t i = 0; i < sql.n_binds; i++)
			stmt_set_int(s, (int)i + 1, sql.bind[i].value);
		rc = read_rows(sc, v, b, s, err);
	}
	stmt_finalize(s);
	compiled_release(&sql);
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
scan_segments(
    struct scan *sc, const struct view *v, struct batch *b, struct err *err)
{
	size_t n;
	const struct segment *g = shard_segments(v->shard, &n);
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

/* Expiry may come between listing and opening. */
static bool
is_gone(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

static int
scan_shard(struct scan *sc, const char *path, struct batch *b, struct err *err)
{
	struct view v = {0};
	int rc = shard_open_read(&v.shard, path, err);

	if (rc != 0)
		return is_gone(path) ? 0 : rc;
	sc->stats->n_shards++;
	if ((rc = shard_begin_read(v.shard, err)) == 0) {
		map_exporters(sc, &v);
		rc = scan_segments(sc, &v, b, err);
		shard_end_read(v.shard);
	}
	free(v.exporter);
	shard_close(v.shard);
	return rc;
}

/* Whether the catalog alone tells that no flow of the shard can pass. */
static bool
prune_shard(
    struct scan *sc, const struct catalog *c, const struct store_shard *file)
{
	const struct catalog_day *d = catalog_find(c, file->day);
	struct stat st;

	if (d == NULL || stat(file->path, &st) != 0 || !catalog_counts(d, &st))
		return false;
	if (d->whole.n_flows > 0) {
		if (!plan_prunes(sc->filter, &d->whole))
			return false;
		widen_bounds(sc->stats, &d->whole);
	}
	sc->stats->n_shards_pruned++;
	sc->stats->n_segments_pruned += d->n_segments;
	return true;
}

/* Without the catalog, or where it does not help, each shard is opened. */
static void
read_catalog(struct catalog *c, const char *dir, const struct filter *f)
{
	if ((!f->has_from && !f->has_to) || catalog_read(c, dir, NULL) != 0)
		*c = (struct catalog){0};
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
	read_catalog(&catalog, dir, f);
	batch_init(&b, columns);
	for (size_t i = 0; i < list.n && rc == 0; i++)
		if (!prune_shard(&sc, &catalog, &list.shard[i]))
			rc = scan_shard(&sc, list.shard[i].path, &b, err);
	batch_release(&b);
	catalog_release(&catalog);
	store_list_release(&list);
	free(sc.exporter);
	return rc;
}
