/* SPDX-License-Identifier: ISC */
/*
 * How a filter is answered: see plan.h. SQLite's own choice is poor: it takes
 * the port for src = X AND dst_port = 443, which was 13 times slower, and no
 * index at all for a list of TCP flags.
 */
#include "query/plan.h"

#include <stddef.h>
#include <sys/stat.h>

#include "query/ast.h"
#include "query/filter.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/shard.h"
#include "schema/store.h"

/* ---- time ---- */

bool
plan_prunes(const struct filter *f, const struct segment *g)
{
	return (f->has_from && g->max_end_ms < f->from_ms) ||
	       (f->has_to && g->min_start_ms >= f->to_ms);
}

void
plan_read_catalog(struct catalog *out, const char *dir, const struct filter *f)
{
	if ((!f->has_from && !f->has_to) || catalog_read(out, dir, NULL) != 0)
		*out = (struct catalog){0};
}

const struct catalog_day *
plan_prunes_shard(const struct filter *f, const struct catalog *c,
    const struct store_shard *file)
{
	const struct catalog_day *d = catalog_find(c, file->day);
	struct stat st;

	if (d == NULL || stat(file->path, &st) != 0 || !catalog_counts(d, &st))
		return NULL;
	return d->whole.n_flows == 0 || plan_prunes(f, &d->whole) ? d : NULL;
}

/*
 * A flow that begins before to ends before to plus the longest life of the
 * segment's flows: that lets the index on end_ms serve both sides.
 */
struct plan_time
plan_time(const struct filter *f, const struct segment *g)
{
	struct plan_time t = {0};
	int64_t longest = g->max_duration_ms;

	t.from = f->has_from && g->min_end_ms < f->from_ms;
	t.to = f->has_to && g->max_start_ms >= f->to_ms;
	if (f->has_to && g->max_end_ms - longest >= f->to_ms) {
		t.end_before = true;
		t.end_before_ms = f->to_ms + longest;
	}
	return t;
}

bool
plan_asks_time(const struct plan_time *t)
{
	return t->from || t->to || t->end_before;
}

/* Whether end_ms alone leaves less than a quarter of the segment's span; with
 * more, reading all rows in order is faster than finding them one by one. */
static bool
is_time_narrow(const struct filter *f, const struct segment *g)
{
	const struct plan_time t = plan_time(f, g);
	int64_t lo = t.from ? f->from_ms : g->min_end_ms;
	int64_t hi = t.end_before ? t.end_before_ms - 1 : g->max_end_ms;

	return (t.from || t.end_before) &&
	       hi - lo < (g->max_end_ms - g->min_end_ms) / 4;
}

/* ---- the driving index ---- */

/*
 * Which conditions an index serves well, by how many values they name; of two
 * with the same rank the one with fewer wins. Longer lists and ranges read
 * most of the segment, and reading all of it in order is faster then.
 */
static const struct driver {
	enum flow_column column;
	uint64_t max_values;
	unsigned rank;
} drivers[] = {
    {COL_SRC_ADDR, 1024, 5},
    {COL_DST_ADDR, 1024, 5},
    {COL_TCP_FLAGS, 64, 4},
    {COL_SRC_PORT, 1024, 3},
    {COL_DST_PORT, 1024, 3},
    {COL_SRC_ADDR, 65536, 1},
    {COL_DST_ADDR, 65536, 1},
};

enum { TIME_RANK = 2 };

static const struct driver *
find_driver(const struct ast *a, uint64_t n_values)
{
	for (size_t i = 0; i < ARRAY_LEN(drivers); i++)
		if (a->kind == AST_RANGES && a->column == drivers[i].column &&
		    n_values <= drivers[i].max_values)
			return &drivers[i];
	return NULL;
}

/* The best so far. */
struct choice {
	enum flow_column column;
	unsigned rank; /* 0: none */
	uint64_t n_values;
	bool has_or;
};

static void
consider(struct choice *best, const struct ast *a)
{
	uint64_t n = ast_count_values(a);
	const struct driver *d = find_driver(a, n);

	if (a->kind == AST_OR)
		best->has_or = true;
	if (d == NULL || d->rank < best->rank ||
	    (d->rank == best->rank && n >= best->n_values))
		return;
	best->column = a->column;
	best->rank = d->rank;
	best->n_values = n;
}

struct plan_path
plan_path(const struct filter *f, const struct segment *g)
{
	const struct ast *root = f->ast;
	struct choice best = {0};

	/* An unsealed segment has some of its indexes at most. */
	if (!g->sealed)
		return (struct plan_path){.kind = PLAN_SCAN};
	if (root->kind != AST_AND)
		consider(&best, root);
	else
		for (size_t i = 0; i < root->n_children; i++)
			consider(&best, root->child[i]);
	if (best.rank < TIME_RANK && is_time_narrow(f, g)) {
		best.column = COL_END_MS;
		best.rank = TIME_RANK;
	}
	if (best.rank > 0)
		return (struct plan_path){PLAN_INDEX, best.column};
	return (struct plan_path){.kind = best.has_or ? PLAN_EACH : PLAN_SCAN};
}
