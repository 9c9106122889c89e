/* SPDX-License-Identifier: ISC */
/* A filter as a tree: see ast.h. */
#include "query/ast.h"

#include <stdlib.h>

#include "schema/base/mem.h"

struct ast *
ast_new(enum ast_kind kind)
{
	struct ast *a = xcalloc(1, sizeof *a);

	a->kind = kind;
	return a;
}

void
ast_free(struct ast *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n_children; i++)
		ast_free(a->child[i]);
	free(a->child);
	free(a->range);
	free(a->prefix);
	free(a);
}

void
ast_add_child(struct ast *parent, struct ast *child)
{
	parent->child = xgrow(parent->child, parent->n_children,
	    &parent->cap_children, sizeof(struct ast *));
	parent->child[parent->n_children++] = child;
}

void
ast_add_range(struct ast *a, int64_t lo, int64_t hi)
{
	a->range =
	    xgrow(a->range, a->n_ranges, &a->cap_ranges, sizeof *a->range);
	a->range[a->n_ranges++] = (struct ast_range){lo, hi};
}

void
ast_add_prefix(struct ast *a, const struct prefix *p)
{
	a->prefix = xgrow(
	    a->prefix, a->n_prefixes, &a->cap_prefixes, sizeof *a->prefix);
	a->prefix[a->n_prefixes++] = *p;
}

static int
compare_lo(const void *a, const void *b)
{
	const struct ast_range *x = a, *y = b;

	return (x->lo > y->lo) - (x->lo < y->lo);
}

/* Whether r, which begins no earlier than last, overlaps or touches it. */
static bool
joins(const struct ast_range *last, const struct ast_range *r)
{
	return last->hi == INT64_MAX || r->lo <= last->hi + 1;
}

void
ast_normalize_ranges(struct ast *a)
{
	size_t n = 0;

	if (a->n_ranges == 0)
		return;
	qsort(a->range, a->n_ranges, sizeof *a->range, compare_lo);
	for (size_t i = 1; i < a->n_ranges; i++) {
		struct ast_range *last = &a->range[n];
		const struct ast_range *r = &a->range[i];

		if (!joins(last, r))
			a->range[++n] = *r;
		else if (r->hi > last->hi)
			last->hi = r->hi;
	}
	a->n_ranges = n + 1;
}

bool
ast_holds(const struct ast *a, int64_t value)
{
	size_t lo = 0, hi = a->n_ranges;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (value < a->range[mid].lo)
			hi = mid;
		else if (value > a->range[mid].hi)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

bool
ast_holds_exporter(const struct ast *a, const struct addr *exporter)
{
	for (size_t i = 0; i < a->n_prefixes; i++)
		if (prefix_holds(&a->prefix[i], exporter))
			return true;
	return false;
}

uint64_t
ast_count_values(const struct ast *a)
{
	uint64_t n = 0;

	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct ast_range *r = &a->range[i];
		uint64_t steps = (uint64_t)r->hi - (uint64_t)r->lo;

		if (steps >= UINT64_MAX - n)
			return UINT64_MAX;
		n += steps + 1;
	}
	return n;
}
