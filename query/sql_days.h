/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_DAYS_H
#define WEIR_QUERY_SQL_DAYS_H
/*
 * The tables that are small in each shard: the rows of one statement, shard
 * after shard. Days that are not wanted are not opened.
 */
#include "schema/sqlite_api.h"

struct sql_env;
struct sql_table;

int sql_days_register(
    sqlite3 *db, const struct sql_table *t, struct sql_env *env);

#endif
