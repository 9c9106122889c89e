/* SPDX-License-Identifier: ISC */
/* A filter on flows in memory: see match.h. */
#include "query/match.h"

#include <string.h>

#include "query/ast.h"
#include "query/filter.h"
#include "query/quantity.h"

static flow_column_set
node_columns(const struct ast *a)
{
	flow_column_set set = 0;

	if (a->kind == AST_RANGES || a->kind == AST_COMPARE)
		set = quantity_columns(a->column);
	if (a->kind == AST_COMPARE)
		set |= quantity_columns(a->other);
	if (a->kind == AST_EXPORTERS)
		set = (flow_column_set)1 << COL_EXPORTER;
	for (size_t i = 0; i < a->n_children; i++)
		set |= node_columns(a->child[i]);
	return set;
}

flow_column_set
match_columns(const struct filter *f)
{
	const struct filter_box box = filter_box(f);
	flow_column_set set = node_columns(f->ast);

	if (box.min_end_ms != INT64_MIN || box.max_end_ms != INT64_MAX)
		set |= (flow_column_set)1 << COL_END_MS;
	if (box.min_start_ms != INT64_MIN || box.max_start_ms != INT64_MAX)
		set |= (flow_column_set)1 << COL_START_MS;
	return set;
}

/* ---- 64 flows at a time ---- */

/* Flows first to first + n - 1 of a batch, n <= 64. */
struct chunk {
	const struct batch *batch;
	size_t first, n;
};

/* One range is all that most conditions have. */
static uint64_t
in_range(const int64_t *value, size_t n, const struct ast_range *r)
{
	uint64_t bits = 0, size = (uint64_t)r->hi - (uint64_t)r->lo;

	for (size_t i = 0; i < n; i++)
		bits |= (uint64_t)((uint64_t)value[i] - (uint64_t)r->lo <= size)
			<< i;
	return bits;
}

/* Of the flows in among, which are few or have many ranges to be sought in. */
static uint64_t
in_ranges(const int64_t *value, uint64_t among, const struct ast *a)
{
	uint64_t bits = 0;

	for (; among != 0; among &= among - 1) {
		int i = __builtin_ctzll(among);

		bits |= (uint64_t)ast_holds(a, value[i]) << i;
	}
	return bits;
}

static uint64_t
match_ranges(const struct chunk *c, const struct ast *a, uint64_t among)
{
	enum { FEW = 4 };
	int64_t scratch[64];
	const int64_t *value =
	    quantity_values(a->column, c->batch, c->first, c->n, scratch);
	uint64_t bits = 0;

	if (a->n_ranges > FEW)
		return in_ranges(value, among, a);
	for (size_t i = 0; i < a->n_ranges; i++)
		bits |= in_range(value, c->n, &a->range[i]);
	return bits & among;
}

static uint64_t
match_exporters(const struct chunk *c, const struct ast *a, uint64_t among)
{
	const int64_t *position = c->batch->col[COL_EXPORTER] + c->first;
	uint64_t bits = 0;

	for (; among != 0; among &= among - 1) {
		int i = __builtin_ctzll(among);

		bits |= (uint64_t)ast_holds_exporter(
			    a, &c->batch->exporters[position[i]])
			<< i;
	}
	return bits;
}

static uint64_t
match_compare(const struct chunk *c, const struct ast *a, uint64_t among)
{
	int64_t scratch_x[64], scratch_y[64];
	const int64_t *x =
	    quantity_values(a->column, c->batch, c->first, c->n, scratch_x);
	const int64_t *y =
	    quantity_values(a->other, c->batch, c->first, c->n, scratch_y);
	uint64_t bits = 0;

	for (size_t i = 0; i < c->n; i++) {
		bool holds = a->op == AST_EQUAL  ? x[i] == y[i]
			     : a->op == AST_LESS ? x[i] < y[i]
						 : x[i] <= y[i];

		bits |= (uint64_t)holds << i;
	}
	return bits & among;
}

/* Which of the flows in among pass. */
static uint64_t
match_node(const struct chunk *c, const struct ast *a, uint64_t among)
{
	uint64_t left = among; /* not decided yet */

	switch (a->kind) {
	case AST_TRUE: return among;
	case AST_AND:
		for (size_t i = 0; i < a->n_children && left != 0; i++)
			left = match_node(c, a->child[i], left);
		return left;
	case AST_OR:
		for (size_t i = 0; i < a->n_children && left != 0; i++)
			left &= ~match_node(c, a->child[i], left);
		return among & ~left;
	case AST_NOT: return among & ~match_node(c, a->child[0], among);
	case AST_RANGES: return match_ranges(c, a, among);
	case AST_EXPORTERS: return match_exporters(c, a, among);
	case AST_COMPARE: return match_compare(c, a, among);
	}
	return 0;
}

/* ---- time ---- */

static uint64_t
match_time(const struct chunk *c, enum flow_column column, int64_t min_ms,
    int64_t max_ms)
{
	const struct ast_range r = {min_ms, max_ms};
	uint64_t all = c->n == 64 ? UINT64_MAX : (UINT64_C(1) << c->n) - 1;

	if (min_ms == INT64_MIN && max_ms == INT64_MAX)
		return all;
	if (min_ms > max_ms)
		return 0;
	return in_range(c->batch->col[column] + c->first, c->n, &r);
}

static uint64_t
match_chunk(
    const struct chunk *c, const struct filter *f, const struct filter_box *box)
{
	uint64_t among =
	    match_time(c, COL_START_MS, box->min_start_ms, box->max_start_ms);

	among &= match_time(c, COL_END_MS, box->min_end_ms, box->max_end_ms);
	return among != 0 ? match_node(c, f->ast, among) : 0;
}

/* ---- a batch ---- */

size_t
match_batch(
    const struct filter *f, const struct batch *b, struct match_set *out)
{
	const struct filter_box box = filter_box(f);
	size_t n = 0;

	memset(out, 0, sizeof *out);
	for (size_t first = 0; first < b->n; first += 64) {
		struct chunk c = {b, first, b->n - first};

		if (c.n > 64)
			c.n = 64;
		out->word[first / 64] = match_chunk(&c, f, &box);
		n += (size_t)__builtin_popcountll(out->word[first / 64]);
	}
	return n;
}

static void
keep_column(int64_t *col, const struct match_set *set, size_t n)
{
	size_t kept = 0;

	for (size_t first = 0; first < n; first += 64)
		for (uint64_t w = set->word[first / 64]; w != 0; w &= w - 1)
			col[kept++] = col[first + (size_t)__builtin_ctzll(w)];
}

void
match_keep(struct batch *b, const struct match_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < MATCH_WORDS; i++)
		n += (size_t)__builtin_popcountll(set->word[i]);
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL)
			keep_column(b->col[c], set, b->n);
	b->n = n;
}

bool
match_flow(const struct filter *f, const struct batch *b, size_t i)
{
	const struct filter_box box = filter_box(f);
	const struct chunk c = {b, i, 1};

	return match_chunk(&c, f, &box) != 0;
}
