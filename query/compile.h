/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_COMPILE_H
#define WEIR_QUERY_COMPILE_H
/*
 * A filter as SQL over one segment. Every value is a bound parameter: nothing
 * a user types becomes part of the statement.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/plan.h"
#include "schema/base/buf.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct ast;
struct filter;
struct segment;
struct source;

struct compiled_bind {
	char name[16]; /* with its colon */
	int64_t value;
	const struct ast *set; /* for holds(), not NULL: instead of value */
};

struct compiled {
	struct buf sql;
	struct compiled_bind *bind; /* bind[i] is parameter i + 1 */
	size_t n_binds, cap_binds;
};

/* Rows by id, both included; first 0: all rows. */
struct compile_rows {
	int64_t first, last;
};

/* What a statement is made for. All borrowed. */
struct compile_target {
	const struct segment *segment; /* with at least one flow */
	const struct source *source;   /* of its shard, by position id - 1 */
	size_t n_sources;
	flow_column_set columns; /* wanted in the result */
	struct plan_path path;
	struct compile_rows rows; /* to look at: :first_id and :last_id */
	bool in_order;            /* of arrival; else in any order */
	bool bulk;                /* through take(): see db_set_taker */
};

/* The columns that table source holds: they come with a row's source_id. */
enum {
	COMPILE_SOURCE_COLUMNS = 1 << COL_EXPORTER | 1 << COL_ENGINE_TYPE |
				 1 << COL_ENGINE_ID | 1 << COL_SAMPLING,
};

/* Whether the source's id is in the result: when its columns are wanted, or
 * nothing else is. */
bool compile_has_source(flow_column_set columns);

/*
 * SELECT f.source_id (see above), then the wanted columns of the flow table in
 * the order of enum flow_column, then f.id for FLOW_ROW_ID, of the rows that
 * pass f. *out is filled in any
 * case: release it. ERR_LIMIT: the statement would be too long.
 */
int compile_segment(struct compiled *out, const struct filter *f,
    const struct compile_target *target, struct err *err) MUST_CHECK;

/* SELECT the number of rows that meet a condition of plan_counter, up to
 * :limit. As above. */
int compile_count(struct compiled *out, const struct segment *g,
    const struct ast *condition, uint64_t limit, struct err *err) MUST_CHECK;
void compiled_release(struct compiled *c); /* accepts a zeroed struct */

#endif
