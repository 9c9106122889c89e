/* SPDX-License-Identifier: ISC */
/* What modules have in common: see sql_module.h. */
#include "query/sql_module.h"

#include <stdlib.h>
#include <string.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"

enum { DECLARE_MAX = 8000 }; /* bytes of a CREATE TABLE */

/* All but flows have no row ids of their own. */
static int
declare(sqlite3 *db, const struct sql_table *t)
{
	struct buf sql;
	int rc;

	buf_init(&sql, DECLARE_MAX);
	buf_puts(&sql, "CREATE TABLE x(");
	for (size_t i = 0; i < t->n_columns; i++)
		buf_printf(
		    &sql, "\"%s\" %s, ", t->column[i].name, t->column[i].type);
	buf_puts(&sql, "day TEXT, dir HIDDEN");
	if (t->key != NULL)
		buf_printf(
		    &sql, ", PRIMARY KEY (day, %s)) WITHOUT ROWID", t->key);
	else
		buf_puts(&sql, ")");
	rc = sqlite3_declare_vtab(db, buf_str(&sql));
	buf_release(&sql);
	return rc;
}

/* An argument of a module comes as it was typed: 'it''s' or "x" or x. */
static char *
unquote(const char *arg)
{
	char *out = xstrdup(arg), *to = out;
	char quote = arg[0];

	if (quote != '\'' && quote != '"')
		return out;
	for (const char *p = arg + 1; *p != '\0'; p++) {
		if (*p == quote && *++p != quote)
			break;
		*to++ = *p;
	}
	*to = '\0';
	return out;
}

/* argv: module, database, table, then the arguments in brackets. */
static int
instance_connect(sqlite3 *db, void *module, int argc, const char *const *argv,
    sqlite3_vtab **out, char **error)
{
	const struct module *m = module;
	struct instance *t;
	int rc;

	if (argc > 4) {
		*error = sqlite3_mprintf(
		    "%s takes one argument, the data folder", m->table->module);
		return SQLITE_ERROR;
	}
	if ((rc = declare(db, m->table)) != SQLITE_OK)
		return rc;
	t = xcalloc(1, sizeof *t);
	t->table = m->table;
	t->env = m->env;
	t->dir = argc > 3 ? unquote(argv[3]) : NULL;
	*out = &t->base;
	return SQLITE_OK;
}

static int
instance_disconnect(sqlite3_vtab *vtab)
{
	struct instance *t = (struct instance *)vtab;

	free(t->dir);
	free(t);
	return SQLITE_OK;
}

/* Another address than instance_connect: SQLite then has no table of that name
 * without CREATE. */
static int
create(sqlite3 *db, void *module, int argc, const char *const *argv,
    sqlite3_vtab **out, char **error)
{
	return instance_connect(db, module, argc, argv, out, error);
}

int
module_register(sqlite3 *db, const sqlite3_module *methods,
    const struct sql_table *t, struct sql_env *env)
{
	struct module *m = xcalloc(1, sizeof *m);

	*m = (struct module){.methods = *methods, .table = t, .env = env};
	m->methods.xConnect = instance_connect;
	m->methods.xCreate = env->no_functions ? create : instance_connect;
	m->methods.xDisconnect = m->methods.xDestroy = instance_disconnect;
	/* Calls free also when it fails. */
	return sqlite3_create_module_v2(db, t->module, &m->methods, m, free);
}

int
module_fail(sqlite3_vtab *vtab, int rc, const struct err *err)
{
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf("%s", err->text);
	switch (rc) {
	case ERR_STOPPED: return SQLITE_INTERRUPT;
	case ERR_BUSY: return SQLITE_BUSY;
	case ERR_CORRUPT: return SQLITE_CORRUPT_VTAB;
	case ERR_LIMIT: return SQLITE_TOOBIG;
	case ERR_USAGE: return SQLITE_ERROR;
	default: return SQLITE_IOERR;
	}
}

int
module_conditions(const struct instance *t, const char *plan,
    sqlite3_value **argv, const char **dir, module_add_fn *add, void *arg,
    struct err *err)
{
	struct pushed p;
	int rc = 0;

	*dir = t->dir;
	for (int i = 0; rc == 0 && push_read(t->table, &plan, &p); i++) {
		if (p.column == sql_table_dir(t->table))
			*dir = (const char *)sqlite3_value_text(argv[i]);
		else
			rc = add(arg, &p, argv[i], err);
	}
	if (rc == 0 && *dir == NULL)
		rc = err_set(err, ERR_USAGE,
		    "%s: want the data folder as its argument: %s('/var/weir')",
		    t->table->module, t->table->module);
	return rc;
}

void
module_explain(const struct instance *t, const char *plan, sqlite3_value **argv)
{
	struct buf *out = t->env->explain;
	const char *before = ": ";
	struct pushed p;

	buf_printf(out, "%s", t->table->name);
	for (int i = 0; push_read(t->table, &plan, &p); i++) {
		buf_puts(out, before);
		push_describe(t->table, &p, argv[i], out);
		before = " AND ";
	}
	buf_puts(out, before[0] == ':' ? ": all rows\n" : "\n");
}
