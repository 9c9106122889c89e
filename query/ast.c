/* SPDX-License-Identifier: ISC */
/* A filter as a tree: see ast.h. */
#include "query/ast.h"

#include <stdlib.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"

struct ast *
ast_new(enum ast_kind kind)
{
	struct ast *a = xcalloc(1, sizeof *a);

	a->kind = kind;
	return a;
}

struct ast *
ast_new_ranges(unsigned column)
{
	struct ast *a = ast_new(AST_RANGES);

	a->column = column;
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
	free(a->exporter);
	free(a->text);
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
ast_add_exporter(
    struct ast *a, const struct prefix *p, enum ast_verdict verdict)
{
	a->exporter = xgrow(a->exporter, a->n_exporters, &a->cap_exporters,
	    sizeof *a->exporter);
	a->exporter[a->n_exporters++] = (struct ast_exporter){*p, verdict};
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

struct ast *
ast_complement(const struct ast *a, int64_t max)
{
	struct ast *rest = ast_new_ranges(a->column);
	int64_t next = 0;

	for (size_t i = 0; i < a->n_ranges; i++) {
		if (a->range[i].lo > next)
			ast_add_range(rest, next, a->range[i].lo - 1);
		next = a->range[i].hi + 1;
	}
	if (next <= max)
		ast_add_range(rest, next, max);
	return rest;
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

/* Whether a counts where both hold an exporter, a behind b in the list. */
static bool
counts_more(const struct ast_exporter *a, const struct ast_exporter *b)
{
	if (a->prefix.len != b->prefix.len)
		return a->prefix.len > b->prefix.len;
	return b->verdict == AST_UNLISTED;
}

bool
ast_holds_exporter(const struct ast *a, const struct addr *exporter)
{
	const struct ast_exporter *best = NULL;
	bool includes = false;

	for (size_t i = 0; i < a->n_exporters; i++) {
		const struct ast_exporter *e = &a->exporter[i];

		includes = includes || e->verdict == AST_INCLUDED;
		if (prefix_holds(&e->prefix, exporter) &&
		    (best == NULL || counts_more(e, best)))
			best = e;
	}
	if (best == NULL || best->verdict == AST_UNLISTED)
		return !includes;
	return best->verdict == AST_INCLUDED;
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

/* ---- printing ---- */

/* In an operand of "not" or of "and" what is joined needs brackets. */
static void
print_operand(const struct ast *a, struct buf *out)
{
	bool joined = a->text == NULL && a->n_children > 1;

	buf_puts(out, joined ? "(" : "");
	ast_print(a, out);
	buf_puts(out, joined ? ")" : "");
}

void
ast_print(const struct ast *a, struct buf *out)
{
	if (a->text != NULL) {
		buf_puts(out, a->text);
		return;
	}
	if (a->kind == AST_TRUE)
		buf_puts(out, "any");
	if (a->kind == AST_NOT)
		buf_puts(out, "not ");
	for (size_t i = 0; i < a->n_children; i++) {
		if (i > 0)
			buf_puts(out, a->kind == AST_AND ? " and " : " or ");
		print_operand(a->child[i], out);
	}
}
