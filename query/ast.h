/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_AST_H
#define WEIR_QUERY_AST_H
/*
 * A filter as a tree. Every condition on one column is a sorted list of
 * disjoint ranges of its values: value lists, excludes, CIDR prefixes and flag
 * masks all come down to that while parsing, so that both back ends (SQL and
 * in memory) stay small.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/flow.h"

enum ast_kind {
	AST_TRUE,      /* every flow */
	AST_AND,       /* all of child[]; every flow when there is none */
	AST_OR,        /* any of child[]; no flow when there is none */
	AST_NOT,       /* not child[0] */
	AST_RANGES,    /* column's value lies in one of range[]; every column
			  but COL_EXPORTER, whose values are mere positions */
	AST_EXPORTERS, /* the exporter lies in one of prefix[] */
};

struct ast_range {
	int64_t lo, hi; /* both included */
};

struct ast {
	enum ast_kind kind;
	enum flow_column column; /* AST_RANGES */
	struct ast **child;      /* owned */
	size_t n_children, cap_children;
	struct ast_range *range; /* owned; sorted, disjoint, not touching */
	size_t n_ranges, cap_ranges;
	struct prefix *prefix; /* owned */
	size_t n_prefixes, cap_prefixes;
};

struct ast *ast_new(enum ast_kind kind);
void ast_free(struct ast *a); /* the whole tree; accepts NULL */

/* child moves into parent. */
void ast_add_child(struct ast *parent, struct ast *child);
void ast_add_range(struct ast *a, int64_t lo, int64_t hi); /* unsorted yet */
void ast_add_prefix(struct ast *a, const struct prefix *p);

/* Sort range[] and join what overlaps or touches. */
void ast_normalize_ranges(struct ast *a);

/* Whether normalized range[], or one of prefix[], holds it. */
bool ast_holds(const struct ast *a, int64_t value);
bool ast_holds_exporter(const struct ast *a, const struct addr *exporter);

/* How many values normalized range[] holds; UINT64_MAX also for more. */
uint64_t ast_count_values(const struct ast *a);

#endif
