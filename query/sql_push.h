/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_PUSH_H
#define WEIR_QUERY_SQL_PUSH_H
/*
 * The conditions of a statement that a table takes over from SQLite. They are
 * planned once (xBestIndex) and written down as text, such as
 *   src_addr=? AND end_ms>=? AND flags_match(tcp_flags,?)
 * which EXPLAIN QUERY PLAN shows, and come back with their values when rows
 * are asked for (xFilter). Equality on the hidden column dir, which is how a
 * table-valued function gets its argument, is one of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/sqlite_api.h"

struct buf;
struct sql_table;

enum push_op {
	PUSH_EQ,
	PUSH_NE,
	PUSH_LT,
	PUSH_LE,
	PUSH_GT,
	PUSH_GE,
	PUSH_IN, /* the value is a list, see push_in */
	PUSH_IN_NET,
	PUSH_FLAGS_MATCH,
	N_PUSH_OPS
};

/* What xFindFunction returns for the last two. */
enum {
	PUSH_FUNCTION_IN_NET = SQLITE_INDEX_CONSTRAINT_FUNCTION,
	PUSH_FUNCTION_FLAGS_MATCH,
};

/* Whether a table takes a condition over. */
enum push_answer {
	PUSH_NO,
	PUSH_PARTLY, /* more rows may come: SQLite looks again */
	PUSH_WHOLLY,
};

typedef enum push_answer push_fn(
    const struct sql_table *t, int column, enum push_op op);

/*
 * The plan of xBestIndex: what of info is taken over, its cost, and idxStr.
 * rows: of the whole table, about. has_dir: the data folder is known already,
 * else it must be among the conditions. Returns SQLITE_OK, _CONSTRAINT when
 * this way does not work, _NOMEM.
 */
int push_plan(const struct sql_table *t, push_fn *takes, double rows,
    bool has_dir, sqlite3_index_info *info);

struct pushed {
	int column;
	enum push_op op;
};

/* Read one condition from *text, which moves behind it; false at the end. */
bool push_read(const struct sql_table *t, const char **text, struct pushed *p);

/* The same condition with its value, for people; other sets take v apart. */
void push_describe(const struct sql_table *t, const struct pushed *p,
    sqlite3_value *v, struct buf *out);

/* Comparisons with the text of a day, all of which must hold. */
enum { PUSH_MAX_DAYS = 8 };

struct push_days {
	struct {
		enum push_op op;
		sqlite3_value *value; /* owned */
	} at[PUSH_MAX_DAYS];
	size_t n;
};

int push_days_add(struct push_days *d, enum push_op op, sqlite3_value *v,
    struct err *err) MUST_CHECK;
bool push_days_hold(const struct push_days *d, int32_t day);
void push_days_release(struct push_days *d); /* accepts a zeroed struct */

#endif
