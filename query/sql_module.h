/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_MODULE_H
#define WEIR_QUERY_SQL_MODULE_H
/* What the modules behind the tables have in common. */
#include "query/sql_env.h"
#include "query/sql_push.h"
#include "query/sql_table.h"
#include "schema/base/err.h"
#include "schema/sqlite_api.h"

/* A module registered with a connection. */
struct module {
	sqlite3_module methods;
	const struct sql_table *table;
	const struct sql_env *env;
};

/* An instance: a virtual table, or the table-valued function itself. */
struct instance {
	sqlite3_vtab base;
	const struct sql_table *table;
	const struct sql_env *env;
	char *dir; /* NULL: the function, whose argument it is */
};

/* Register what t describes; methods has xBestIndex, xFindFunction and what is
 * of cursors. */
int module_register(sqlite3 *db, const sqlite3_module *methods,
    const struct sql_table *t, struct sql_env *env);

/* What the statement gets for an error: keeps its text. */
int module_fail(sqlite3_vtab *vtab, int rc, const struct err *err);

/* Walk through the plan idxStr: add is called for each condition on another
 * column than dir, and *dir is set if that was among them. */
typedef int module_add_fn(
    void *arg, const struct pushed *p, sqlite3_value *v, struct err *err);
int module_conditions(const struct instance *t, const char *plan,
    sqlite3_value **argv, const char **dir, module_add_fn *add, void *arg,
    struct err *err);

/* "TABLE: CONDITIONS", one line, for --explain. */
void module_explain(
    const struct instance *t, const char *plan, sqlite3_value **argv);

#endif
