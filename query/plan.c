/* SPDX-License-Identifier: ISC */
/*
 * How a filter is answered: see plan.h. SQLite's own choice is poor: it takes
 * the port for src = X AND dst_port = 443, which was 13 times slower, and no
 * index at all for a list of TCP flags. What the values are decides, not which
 * columns are asked for: port 443 is a third of the flows, port 7 none.
 */
#include "query/plan.h"

#include <assert.h>
#include <stddef.h>
#include <sys/stat.h>

#include "query/ast.h"
#include "query/filter.h"
#include "schema/base/buf.h"
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

/* ---- the way to the rows ---- */

/*
 * What is paid, in rows read one after the other (0.15 us), as measured on
 * segments of 250,000 rows: a page of the table read on its own; a row in it;
 * its place in a set of rows; a row found by the index on end_ms, whose rows
 * lie close together.
 */
enum {
	PAGE_COST = 60,
	ROW_COST = 2,
	SET_COST = 6,
	TIME_ROW_COST = 4,
	ROWS_A_PAGE = 130,
};

enum {
	FIRST_LIMIT = 64, /* rows counted at first; then so many times more */
	LIMIT_STEP = 8,
	/* One in so many rows is counted at most: when there are more, what
	 * is left to gain is less than what counting costs. */
	COUNTED_SHARE = 16,
	FEW_ROWS = 256, /* are read in any order */
	/* In longer lists each row is faster looked up: SQLite's time for a
	 * statement grows with the square of its parameters. */
	MAX_RANGES_SERVED = 256,
};

static const uint64_t NOT_SERVED = UINT64_MAX;

/* Columns with an index, and one in how many rows usually has one value. */
static const struct served {
	enum flow_column column;
	uint64_t usual;
} served[] = {
    {COL_SRC_ADDR, 25000},
    {COL_DST_ADDR, 25000},
    {COL_SRC_PORT, 25000},
    {COL_DST_PORT, 10000},
    {COL_TCP_FLAGS, 2500},
};

struct planner {
	const struct segment *segment;
	const struct plan_counter *counter;
	uint64_t limit; /* more rows than this are too many */
	bool more;      /* some condition has more */
};

static const struct served *
find_served(const struct ast *a)
{
	if (a->kind != AST_RANGES || a->n_ranges == 0 ||
	    a->n_ranges > MAX_RANGES_SERVED)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(served); i++)
		if (served[i].column == a->column)
			return &served[i];
	return NULL;
}

static uint64_t
guess_rows(const struct planner *p, const struct ast *a, uint64_t usual)
{
	uint64_t n_values = ast_count_values(a), n = p->segment->n_flows;

	return n_values < usual ? n / usual * n_values : n;
}

/* Each range takes a search, which costs as much as a row. */
static uint64_t
estimate_ranges(struct planner *p, const struct ast *a, struct plan_path *out)
{
	const struct served *s = find_served(a);
	uint64_t n = 0;

	if (s == NULL)
		return NOT_SERVED;
	if (p->counter == NULL)
		n = guess_rows(p, a, s->usual);
	else if (a->n_ranges < p->limit &&
		 !p->counter->count(p->counter->arg, a, p->limit, &n))
		return NOT_SERVED;
	n += a->n_ranges - 1;
	if (n >= p->limit) {
		p->more = true;
		return NOT_SERVED;
	}
	out->arm[0] = a;
	out->n_arms = 1;
	return n;
}

static uint64_t estimate(
    struct planner *p, const struct ast *a, struct plan_path *out);

/* The best condition. */
static uint64_t
estimate_and(struct planner *p, const struct ast *a, struct plan_path *out)
{
	uint64_t best = NOT_SERVED;

	for (size_t i = 0; i < a->n_children; i++) {
		struct plan_path path;
		uint64_t n = estimate(p, a->child[i], &path);

		if (n < best) {
			best = n;
			*out = path;
		}
	}
	return best;
}

/* All of them, if each has an index. */
static uint64_t
estimate_or(struct planner *p, const struct ast *a, struct plan_path *out)
{
	uint64_t all = a->n_children > 0 ? 0 : NOT_SERVED;

	out->n_arms = 0;
	for (size_t i = 0; i < a->n_children && all != NOT_SERVED; i++) {
		struct plan_path path;
		uint64_t n = estimate(p, a->child[i], &path);

		if (n == NOT_SERVED ||
		    out->n_arms + path.n_arms > PLAN_MAX_ARMS)
			return NOT_SERVED;
		for (size_t k = 0; k < path.n_arms; k++)
			out->arm[out->n_arms++] = path.arm[k];
		all += n;
	}
	if (all != NOT_SERVED && all >= p->limit) {
		p->more = true;
		return NOT_SERVED;
	}
	return all;
}

/* How many rows the indexes of out->arm[] lead to; NOT_SERVED: there are none,
 * or too many rows. */
static uint64_t
estimate(struct planner *p, const struct ast *a, struct plan_path *out)
{
	*out = (struct plan_path){0};
	switch (a->kind) {
	case AST_AND: return estimate_and(p, a, out);
	case AST_OR: return estimate_or(p, a, out);
	case AST_RANGES: return estimate_ranges(p, a, out);
	default: return NOT_SERVED;
	}
}

/* Count a few rows of each condition, then more: what has fewest is found
 * before those with many are counted far. */
static uint64_t
find_arms(struct planner *p, const struct ast *root, struct plan_path *out)
{
	uint64_t max = p->segment->n_flows / COUNTED_SHARE, n;

	p->limit = p->counter != NULL ? FIRST_LIMIT : max;
	for (;;) {
		if (p->limit > max)
			p->limit = max;
		p->more = false;
		n = estimate(p, root, out);
		if (n != NOT_SERVED || !p->more || p->limit == max)
			return n;
		p->limit *= LIMIT_STEP;
	}
}

/*
 * How many rows the time leaves by end_ms: counted if that is less than limit
 * and a part of the segment, else as the bounds suggest. A few flows with a
 * clock of 1970 make any time look narrow: then counting tells better.
 */
static uint64_t
estimate_time(const struct planner *p, const struct plan_time *t,
    uint64_t limit, bool *is_guess)
{
	const struct segment *g = p->segment;
	struct ast_range range = {
	    .lo = max(t->end_from_ms, g->min_end_ms),
	    .hi = min(t->end_to_ms, g->max_end_ms + 1) - 1,
	};
	const struct ast time = {.kind = AST_RANGES,
	    .column = COL_END_MS,
	    .range = &range,
	    .n_ranges = 1};
	uint64_t countable = g->n_flows / COUNTED_SHARE, n = 0;
	double share = ((double)range.hi - (double)range.lo + 1) /
		       ((double)g->max_end_ms - (double)g->min_end_ms + 1);
	uint64_t suggested = (uint64_t)(share * (double)g->n_flows);

	*is_guess = true;
	if (suggested >= limit || p->counter == NULL)
		return suggested;
	if (countable > limit)
		countable = limit;
	if (!p->counter->count(p->counter->arg, &time, countable, &n))
		return NOT_SERVED;
	*is_guess = n >= countable;
	if (!*is_guess)
		return n;
	return suggested < countable ? NOT_SERVED : suggested;
}

static void
consider_time(const struct planner *p, const struct filter *f,
    struct plan_path *best, uint64_t cost)
{
	const struct plan_time t = plan_time(f, p->segment);
	uint64_t limit = cost / TIME_ROW_COST, n;
	bool is_guess;

	if (t.end_from_ms == INT64_MIN && t.end_to_ms == INT64_MAX)
		return;
	if ((n = estimate_time(p, &t, limit, &is_guess)) < limit)
		*best = (struct plan_path){.kind = PLAN_INDEX,
		    .column = COL_END_MS,
		    .n_rows = n,
		    .is_guess = is_guess};
}

/* An index has the rows of one value in the order of the table. */
static bool
is_in_order(const struct plan_path *path)
{
	const struct ast *a = path->arm[0];

	return path->n_arms == 1 && a->n_ranges == 1 &&
	       a->range[0].lo == a->range[0].hi;
}

/* Each page is read once if rows are read in order, as those of a set are. */
static uint64_t
cost_of(const struct planner *p, const struct plan_path *path)
{
	uint64_t n = path->n_rows;
	uint64_t n_pages = p->segment->n_flows / ROWS_A_PAGE + 1;

	if (path->kind == PLAN_INDEX && !is_in_order(path))
		return n * (PAGE_COST + ROW_COST);
	return (n < n_pages ? n : n_pages) * PAGE_COST + n * ROW_COST +
	       (path->kind == PLAN_UNION ? n * SET_COST : 0);
}

static void
consider_arms(struct planner *p, const struct ast *root, struct plan_path *best,
    uint64_t *cost)
{
	struct plan_path path;
	uint64_t n = find_arms(p, root, &path);
	bool by_one;

	if (n == NOT_SERVED)
		return;
	assert(path.n_arms > 0);
	by_one = path.n_arms == 1 && (n < FEW_ROWS || is_in_order(&path));
	path.kind = by_one ? PLAN_INDEX : PLAN_UNION;
	path.column = (enum flow_column)path.arm[0]->column;
	path.n_rows = n;
	path.is_guess = p->counter == NULL;
	if (cost_of(p, &path) >= *cost)
		return;
	*best = path;
	*cost = cost_of(p, &path);
}

struct plan_path
plan_path(const struct filter *f, const struct segment *g,
    const struct plan_counter *counter)
{
	struct planner p = {.segment = g, .counter = counter};
	struct plan_path best = {.kind = PLAN_SCAN, .n_rows = g->n_flows};
	uint64_t cost = g->n_flows;

	/* An unsealed segment has some of its indexes at most. */
	if (g->sealed) {
		consider_arms(&p, f->ast, &best, &cost);
		consider_time(&p, f, &best, cost);
	}
	return best;
}

bool
plan_is_alike(const struct plan_path *a, const struct plan_path *b)
{
	if (a->kind != b->kind || a->n_arms != b->n_arms)
		return false;
	for (size_t i = 0; i < a->n_arms; i++)
		if (a->arm[i] != b->arm[i])
			return false;
	return a->n_arms > 0 || a->column == b->column;
}

void
plan_print(const struct plan_path *path, struct buf *out)
{
	if (path->kind == PLAN_SCAN)
		buf_puts(out, "row by row");
	else if (path->n_arms == 0)
		buf_printf(out, "by index %s", flow_columns[path->column].name);
	for (size_t i = 0; i < path->n_arms; i++)
		buf_printf(out, "%s%s",
		    i > 0              ? ", "
		    : path->n_arms > 1 ? "by indexes "
				       : "by index ",
		    flow_columns[path->arm[i]->column].name);
}
