/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_TABLE_H
#define WEIR_QUERY_SQL_TABLE_H
/*
 * The tables that SQL sees over all shards of a store, and what is said of
 * them. Each has its own columns, then day, then the hidden argument dir, the
 * data folder.
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/buf.h"
#include "schema/sqlite_api.h"

struct sql_env;

struct sql_column {
	const char *name;
	const char *type; /* INTEGER or TEXT */
	const char *comment;
};

struct sql_table {
	const char *name;   /* in statements */
	const char *module; /* in CREATE VIRTUAL TABLE, and as a function */
	const char *comment;
	const struct sql_column *column;
	size_t n_columns; /* without day and dir */
	/* Of all but flows: the table of a shard that has the same columns, or
	 * else its rows as SQL; and what tells its rows apart, with day. */
	const char *from;
	const char *select;
	const char *key;
	bool by_minute; /* column 0 is the start of a minute */
	/* Whether select has :path, :bytes and :finished of the file. */
	bool of_file;
};

extern const struct sql_table sql_tables[];
extern const size_t n_sql_tables;

/* A view over them. */
struct sql_view {
	const char *name;
	const char *select;
	const char *comment;
};

extern const struct sql_view sql_views[];
extern const size_t n_sql_views;

/* Columns of a table with day and dir; name of one, NULL behind the last. */
int sql_table_day(const struct sql_table *t);
int sql_table_dir(const struct sql_table *t);
const char *sql_table_column(const struct sql_table *t, int i);

/* Whether a table or view has this name. */
bool sql_table_knows(const char *name);

/* Add modules and functions to a connection, which borrows env. */
int sql_register(sqlite3 *db, struct sql_env *env);

/* Make temporary tables and views, by the names above, of the store in dir.
 * Returns SQLITE_OK or what SQLite says. */
int sql_create_tables(sqlite3 *db, const char *dir);

/* All of it for people to read, as CREATE statements with comments. */
void sql_describe(struct buf *out);

#endif
