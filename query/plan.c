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
	const struct filter_box box = filter_box(f);

	return g->max_end_ms < box.min_end_ms ||
	       g->min_end_ms > box.max_end_ms ||
	       g->max_start_ms < box.min_start_ms ||
	       g->min_start_ms > box.max_start_ms;
}

/* ---- whole days ---- */

/* Of a longer list some address is likely to occur. */
enum { MAX_RANGES = 256 };

static bool
is_address_list(const struct ast *a)
{
	return a->kind == AST_RANGES && a->n_ranges <= MAX_RANGES &&
	       (a->column == COL_SRC_ADDR || a->column == COL_DST_ADDR);
}

static bool
asks_address(const struct ast *a)
{
	bool asks = is_address_list(a);

	for (size_t i = 0; i < a->n_children && !asks; i++)
		asks = asks_address(a->child[i]);
	return asks;
}

void
plan_read_catalog(struct catalog *out, const char *dir, const struct filter *f)
{
	if ((!f->has_from && !f->has_to && !asks_address(f->ast)) ||
	    catalog_read(out, dir, NULL) != 0)
		*out = (struct catalog){0};
}

static bool
holds_one_of(
    struct catalog *c, const struct catalog_day *d, const struct ast *a)
{
	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct address_range r = {
		    (uint32_t)a->range[i].lo, (uint32_t)a->range[i].hi};

		if (catalog_may_hold(c, d, r))
			return true;
	}
	return false;
}

/* Whether the addresses of a day leave it open that one of its flows passes. */
static bool
may_pass(struct catalog *c, const struct catalog_day *d, const struct ast *a)
{
	bool is_or = a->kind == AST_OR;

	if (is_address_list(a))
		return holds_one_of(c, d, a);
	if (!is_or && a->kind != AST_AND)
		return true;
	for (size_t i = 0; i < a->n_children; i++)
		if (may_pass(c, d, a->child[i]) == is_or)
			return is_or;
	return !is_or;
}

const struct catalog_day *
plan_prunes_shard(
    const struct filter *f, struct catalog *c, const struct store_shard *file)
{
	const struct catalog_day *d = catalog_find(c, file->day);
	struct stat st;

	if (d == NULL || stat(file->path, &st) != 0 || !catalog_counts(d, &st))
		return NULL;
	return d->whole.n_flows == 0 || plan_prunes(f, &d->whole) ||
		       !may_pass(c, d, f->ast)
		   ? d
		   : NULL;
}

static int64_t
max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t
min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* a + b, or INT64_MAX when that is more. */
static int64_t
add(int64_t a, int64_t b)
{
	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

/*
 * A flow ends no earlier than it starts, and no later than its start plus the
 * longest life of the segment's flows: that lets the index on end_ms serve
 * what is asked of the start.
 */
struct plan_time
plan_time(const struct filter *f, const struct segment *g)
{
	const struct filter_box box = filter_box(f);
	struct plan_time t = {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX};
	int64_t min_end = max(box.min_end_ms, box.min_start_ms);
	int64_t max_end =
	    min(box.max_end_ms, add(box.max_start_ms, g->max_duration_ms));

	if (min_end > g->min_end_ms)
		t.end_from_ms = min_end;
	if (max_end < g->max_end_ms)
		t.end_to_ms = max_end + 1;
	if (box.min_start_ms > g->min_start_ms)
		t.start_from_ms = box.min_start_ms;
	if (box.max_start_ms < g->max_start_ms)
		t.start_to_ms = box.max_start_ms + 1;
	return t;
}

bool
plan_asks_time(const struct plan_time *t)
{
	return t->end_from_ms != INT64_MIN || t->end_to_ms != INT64_MAX ||
	       t->start_from_ms != INT64_MIN || t->start_to_ms != INT64_MAX;
}

/* Whether end_ms alone leaves less than a quarter of the segment's span; with
 * more, reading all rows in order is faster than finding them one by one. */
static bool
is_time_narrow(const struct filter *f, const struct segment *g)
{
	const struct plan_time t = plan_time(f, g);
	int64_t lo = max(t.end_from_ms, g->min_end_ms);
	int64_t hi = min(t.end_to_ms, g->max_end_ms + 1) - 1;

	return (t.end_from_ms != INT64_MIN || t.end_to_ms != INT64_MAX) &&
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

	for (size_t i = 0; a->kind == AST_AND && i < a->n_children; i++)
		consider(best, a->child[i]);
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
	struct choice best = {0};

	/* An unsealed segment has some of its indexes at most. */
	if (!g->sealed)
		return (struct plan_path){.kind = PLAN_SCAN};
	consider(&best, f->ast);
	if (best.rank < TIME_RANK && is_time_narrow(f, g)) {
		best.column = COL_END_MS;
		best.rank = TIME_RANK;
	}
	if (best.rank > 0)
		return (struct plan_path){PLAN_INDEX, best.column};
	return (struct plan_path){.kind = best.has_or ? PLAN_EACH : PLAN_SCAN};
}
