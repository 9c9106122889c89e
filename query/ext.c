/* SPDX-License-Identifier: ISC */
/*
 * weir.so, the same tables and functions for other programs with SQLite in
 * them, such as the sqlite3 shell, Python or Datasette. Everything goes through
 * the host's SQLite, see schema/sqlite_api.h.
 *
 *   .load /usr/local/lib/weir/weir
 *   SELECT weir_open('/var/lib/weir');         -- tables as in weir sql
 *   CREATE VIRTUAL TABLE f USING weir('/var/lib/weir');  -- one of them
 *   SELECT * FROM weir('/var/lib/weir') LIMIT 10;        -- without a name
 */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "query/sql_env.h"
#include "query/sql_table.h"
#include "schema/store.h"

/* sqlite3_vtab_in() and the end of the table of calls that is used. */
enum { OLDEST_SQLITE = 3038000 };

/* Never written to; const but for SQLite, which hands it to functions. It is
 * here however often the extension is loaded. */
static struct sql_env no_limits;

static int
find_store(const char *dir, struct err *err)
{
	struct store_list list;
	int rc = store_list(&list, dir, err);

	if (rc == 0)
		store_list_release(&list);
	return rc;
}

static void
do_open(sqlite3_context *c, int n, sqlite3_value **v)
{
	sqlite3 *db = sqlite3_context_db_handle(c);
	const char *dir = (const char *)sqlite3_value_text(v[0]);
	struct err err;

	(void)n;
	if (dir == NULL)
		return;
	if (find_store(dir, &err) != 0)
		sqlite3_result_error(c, err.text, -1);
	else if (sql_create_tables(db, dir) != SQLITE_OK)
		sqlite3_result_error(c, sqlite3_errmsg(db), -1);
	else
		sqlite3_result_value(c, v[0]);
}

__attribute__((visibility("default"))) int sqlite3_weir_init(
    sqlite3 *db, char **error, const sqlite3_api_routines *api);

/* The name that SQLite makes of weir.so. */
int
sqlite3_weir_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
	int rc;

	SQLITE_EXTENSION_INIT2(api);
	if (sqlite3_libversion_number() < OLDEST_SQLITE) {
		*error = sqlite3_mprintf(
		    "weir needs SQLite 3.38 or newer, this is %s",
		    sqlite3_libversion());
		return SQLITE_ERROR;
	}
	if ((rc = sql_register(db, &no_limits)) != SQLITE_OK)
		return rc;
	return sqlite3_create_function_v2(db, "weir_open", 1,
	    SQLITE_UTF8 | SQLITE_DIRECTONLY, NULL, do_open, NULL, NULL, NULL);
}
