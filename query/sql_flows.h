/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_FLOWS_H
#define WEIR_QUERY_SQL_FLOWS_H
/*
 * Tables flows and flows_text: conditions go down to the shards and segments as
 * a filter, only the columns used are read, and rows come as they are asked
 * for, so that LIMIT ends the reading.
 */
#include "schema/sqlite_api.h"

struct sql_env;
struct sql_table;

int sql_flows_register(
    sqlite3 *db, const struct sql_table *t, struct sql_env *env);

#endif
