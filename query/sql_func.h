/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_FUNC_H
#define WEIR_QUERY_SQL_FUNC_H
/*
 * The SQL functions that read and write addresses, flags and times. NULL in
 * gives NULL; a value that a function has no answer for is an error that names
 * the function, the value and what would be right.
 */
#include <stddef.h>

#include "schema/sqlite_api.h"

struct sql_env;

/* What is shown of a function. */
struct sql_func_info {
	const char *call; /* "in_net(ADDRESS, 'PREFIX')" */
	const char *comment;
};

extern const struct sql_func_info sql_funcs[];
extern const size_t n_sql_funcs;

/* Add them to a connection; env is borrowed as long as it is open. Returns
 * SQLITE_OK or what SQLite says. */
int sql_func_register(sqlite3 *db, struct sql_env *env);

/* Whether a function of this name is one of these. */
int sql_func_knows(const char *name);

/* These two are also asked in indexes, see sql_push.h. */
void sql_func_in_net(sqlite3_context *c, int n, sqlite3_value **v);
void sql_func_flags_match(sqlite3_context *c, int n, sqlite3_value **v);

#endif
