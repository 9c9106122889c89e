/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_TEMP_H
#define WEIR_QUERY_SQL_TEMP_H
/*
 * Where SQLite puts what it sorts and groups: files that are memory, and count
 * as SQLite's, so that one limit holds for all of it and nothing is left on a
 * disk. SQLite's own way of sorting in memory (temp_store) keeps each row in an
 * allocation of its own: grouping 3 million flows by address took four times
 * the time and three times the memory.
 */
#include "schema/sqlite_api.h"

struct sql_temp;

/* Whatever is opened through it is temporary, whatever its name. */
struct sql_temp *sql_temp_new(void);
const char *sql_temp_name(const struct sql_temp *t); /* for sqlite3_open_v2 */
/* After all connections that used it were closed; accepts NULL. */
void sql_temp_free(struct sql_temp *t);

#endif
