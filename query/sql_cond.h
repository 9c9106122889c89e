/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_COND_H
#define WEIR_QUERY_SQL_COND_H
/*
 * Conditions on the columns of tables flows and flows_text as a filter, with
 * SQL's own rules for comparing: numbers in text count as numbers, text comes
 * behind all numbers, NULL passes nothing.
 */
#include <stdbool.h>

#include "query/filter.h"
#include "query/sql_push.h"
#include "schema/base/err.h"
#include "schema/flow.h"

/* Whether flows, or flows_text, can take it over. */
push_fn cond_takes, cond_takes_text;

/* Values of one column, both included; lo > hi: none. */
struct cond_span {
	int64_t lo, hi;
};

/* To those that compare so with v; not PUSH_NE. */
void cond_narrow(struct cond_span *s, enum push_op op, sqlite3_value *v);

/* What rows are wanted. */
struct cond {
	bool text;            /* of flows_text */
	struct filter filter; /* borrowed by whoever walks */
	bool nothing;         /* no row can pass */
};

void cond_init(struct cond *c, bool text);
void cond_release(struct cond *c); /* accepts a zeroed struct */

/* Add one that was taken over, of a column of enum flow_column. ERR_USAGE: the
 * list of a function is wrong. */
int cond_add(struct cond *c, const struct pushed *p, sqlite3_value *v,
    struct err *err) MUST_CHECK;

#endif
