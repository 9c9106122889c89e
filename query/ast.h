/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_AST_H
#define WEIR_QUERY_AST_H
/*
 * A filter as a tree. Every condition on one quantity is a sorted list of
 * disjoint ranges of its values: value lists, excludes, CIDR prefixes and flag
 * masks all come down to that while parsing, so that both back ends (SQL and
 * in memory) stay small.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/flow.h"

struct buf;

enum ast_kind {
	AST_TRUE,      /* every flow */
	AST_AND,       /* all of child[]; every flow when there is none */
	AST_OR,        /* any of child[]; no flow when there is none */
	AST_NOT,       /* not child[0] */
	AST_RANGES,    /* column's value lies in one of range[]; every quantity
			  but COL_EXPORTER, whose values are mere positions */
	AST_EXPORTERS, /* what the longest of exporter[] that holds the exporter
			  says, the first of equals; without one, whether
			  none includes */
	AST_COMPARE,   /* column op other; neither is COL_EXPORTER */
};

enum ast_op { AST_EQUAL, AST_LESS, AST_AT_MOST };

struct ast_range {
	int64_t lo, hi; /* both included */
};

enum ast_verdict {
	AST_INCLUDED,
	AST_EXCLUDED,
	AST_UNLISTED, /* as if no prefix held it */
};

struct ast_exporter {
	struct prefix prefix;
	enum ast_verdict verdict;
};

struct ast {
	enum ast_kind kind;
	unsigned column; /* AST_RANGES, AST_COMPARE: an enum flow_column or an
			    enum quantity */
	enum ast_op op;
	unsigned other;
	struct ast **child; /* owned */
	size_t n_children, cap_children;
	struct ast_range *range; /* owned; sorted, disjoint, not touching */
	size_t n_ranges, cap_ranges;
	struct ast_exporter *exporter; /* owned */
	size_t n_exporters, cap_exporters;
	/* Owned: how this condition with all below it is written, "dport=80";
	 * NULL for what stands between such conditions. */
	char *text;
	unsigned word; /* child of a filter's root: which word, from 1 on */
};

struct ast *ast_new(enum ast_kind kind);
struct ast *ast_new_ranges(unsigned column);
void ast_free(struct ast *a); /* the whole tree; accepts NULL */

/* child moves into parent. */
void ast_add_child(struct ast *parent, struct ast *child);
void ast_add_range(struct ast *a, int64_t lo, int64_t hi); /* unsorted yet */
void ast_add_exporter(
    struct ast *a, const struct prefix *p, enum ast_verdict verdict);

/* Sort range[] and join what overlaps or touches. */
void ast_normalize_ranges(struct ast *a);
/* What range[], normalized, leaves of 0 to max, as a new node. */
struct ast *ast_complement(const struct ast *a, int64_t max);

/* Whether normalized range[], or exporter[], holds it. */
bool ast_holds(const struct ast *a, int64_t value);
bool ast_holds_exporter(const struct ast *a, const struct addr *exporter);

/* How many values normalized range[] holds; UINT64_MAX also for more. */
uint64_t ast_count_values(const struct ast *a);

/* As where= takes it. */
void ast_print(const struct ast *a, struct buf *out);

#endif
