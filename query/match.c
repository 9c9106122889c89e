/* SPDX-License-Identifier: ISC */
/* A filter on flows in memory: see match.h. */
#include "query/match.h"

#include "query/ast.h"
#include "query/filter.h"
#include "schema/batch.h"

static flow_column_set
node_columns(const struct ast *a)
{
	flow_column_set set = 0;

	if (a->kind == AST_RANGES)
		set = (flow_column_set)1 << a->column;
	else if (a->kind == AST_EXPORTERS)
		set = (flow_column_set)1 << COL_EXPORTER;
	for (size_t i = 0; i < a->n_children; i++)
		set |= node_columns(a->child[i]);
	return set;
}

flow_column_set
match_columns(const struct filter *f)
{
	flow_column_set set = node_columns(f->ast);

	if (f->has_from)
		set |= (flow_column_set)1 << COL_END_MS;
	if (f->has_to)
		set |= (flow_column_set)1 << COL_START_MS;
	return set;
}

static bool match_node(const struct ast *a, const struct batch *b, size_t i);

/* Whether one of the children answers wanted. */
static bool
any_child(const struct ast *a, const struct batch *b, size_t i, bool wanted)
{
	for (size_t k = 0; k < a->n_children; k++)
		if (match_node(a->child[k], b, i) == wanted)
			return true;
	return false;
}

static bool
match_node(const struct ast *a, const struct batch *b, size_t i)
{
	switch (a->kind) {
	case AST_TRUE: return true;
	case AST_AND: return !any_child(a, b, i, false);
	case AST_OR: return any_child(a, b, i, true);
	case AST_NOT: return !match_node(a->child[0], b, i);
	case AST_RANGES: return ast_holds(a, b->col[a->column][i]);
	case AST_EXPORTERS:
		return ast_holds_exporter(
		    a, &b->exporters[b->col[COL_EXPORTER][i]]);
	}
	return false;
}

bool
match_flow(const struct filter *f, const struct batch *b, size_t i)
{
	if (f->has_from && b->col[COL_END_MS][i] < f->from_ms)
		return false;
	if (f->has_to && b->col[COL_START_MS][i] >= f->to_ms)
		return false;
	return match_node(f->ast, b, i);
}
