/* SPDX-License-Identifier: ISC */
/*
 * Many values between memory and SQL at a time: sets that SQL asks, rows out
 * into arrays, rows in from them. See db.h.
 */
#include <assert.h>
#include <stdlib.h>

#include "schema/base/mem.h"
#include "schema/db_state.h"

/* ---- sets ---- */

struct holds {
	db_holds_fn *fn;
	const void *set;
};

static const char HOLDS[] = "weir holds"; /* the type of the pointer */

static void
holds(sqlite3_context *context, int n, sqlite3_value **value)
{
	const struct holds *h = sqlite3_value_pointer(value[0], HOLDS);

	(void)n;
	if (h == NULL)
		sqlite3_result_error(context, "holds: not for you", -1);
	else
		sqlite3_result_int(
		    context, h->fn(h->set, sqlite3_value_int64(value[1])));
}

int
db_add_holds(struct db *db)
{
	return sqlite3_create_function_v2(db->handle, "holds", 2,
	    SQLITE_UTF8 | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC, NULL, holds,
	    NULL, NULL, NULL);
}

void
stmt_set_holds(struct stmt *s, int position, db_holds_fn *fn, const void *set)
{
	struct holds *h = xcalloc(1, sizeof *h);
	int rc;

	*h = (struct holds){fn, set};
	rc = sqlite3_bind_pointer(s->handle, position, h, HOLDS, free);
	assert(rc == SQLITE_OK);
	(void)rc;
}

/* ---- rows out ---- */

static void
take_row(sqlite3_context *context, int n, sqlite3_value **value)
{
	struct db_taker *t = sqlite3_user_data(context);

	assert(n <= DB_TAKE_MAX);
	for (int i = 0; i < n; i++)
		t->column[i][t->n] = sqlite3_value_int64(value[i]);
	if (++t->n == t->room && t->full(t) != 0)
		sqlite3_result_error_code(context, SQLITE_INTERRUPT);
}

static void
take_nothing(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

int
db_set_taker(struct db *db, struct db_taker *t, struct err *err)
{
	int rc = sqlite3_create_function_v2(db->handle, "take", -1,
	    SQLITE_UTF8 | SQLITE_DIRECTONLY, t, NULL, take_row, take_nothing,
	    NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, err);
}

/* ---- rows in ---- */

/* A virtual table that is there without being created: "Eponymous-only virtual
 * tables" in SQLite's documentation. */
struct give_table {
	sqlite3_vtab base;
	const struct db_giver *giver;
};

struct give_cursor {
	sqlite3_vtab_cursor base;
	const struct db_giver *giver;
	size_t at;
};

static int
give_connect(sqlite3 *handle, void *giver, int argc, const char *const *argv,
    sqlite3_vtab **out, char **text)
{
	struct give_table *t = xcalloc(1, sizeof *t);

	(void)argc;
	(void)argv;
	(void)text;
	t->giver = giver;
	*out = &t->base;
	return sqlite3_declare_vtab(handle,
	    "CREATE TABLE give (v0, v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, "
	    "v11, v12, v13, v14, v15)");
}

static int
give_disconnect(sqlite3_vtab *t)
{
	free(t);
	return SQLITE_OK;
}

static int
give_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	(void)info;
	return SQLITE_OK;
}

static int
give_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct give_cursor *c = xcalloc(1, sizeof *c);

	c->giver = ((struct give_table *)t)->giver;
	*out = &c->base;
	return SQLITE_OK;
}

static int
give_close(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int
give_begin(sqlite3_vtab_cursor *c, int plan, const char *plan_text, int n,
    sqlite3_value **value)
{
	(void)plan;
	(void)plan_text;
	(void)n;
	(void)value;
	((struct give_cursor *)c)->at = 0;
	return SQLITE_OK;
}

static int
give_next(sqlite3_vtab_cursor *c)
{
	((struct give_cursor *)c)->at++;
	return SQLITE_OK;
}

static int
give_is_over(sqlite3_vtab_cursor *c)
{
	const struct give_cursor *g = (struct give_cursor *)c;

	return g->at >= g->giver->n_rows;
}

static int
give_column(sqlite3_vtab_cursor *c, sqlite3_context *to, int i)
{
	const struct give_cursor *g = (struct give_cursor *)c;

	sqlite3_result_int64(to, g->giver->row[g->at][i]);
	return SQLITE_OK;
}

static int
give_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
	*out = (sqlite3_int64)((struct give_cursor *)c)->at;
	return SQLITE_OK;
}

int
db_set_giver(struct db *db, const struct db_giver *g, struct err *err)
{
	static const sqlite3_module module = {
	    .xConnect = give_connect,
	    .xDisconnect = give_disconnect,
	    .xBestIndex = give_plan,
	    .xOpen = give_open,
	    .xClose = give_close,
	    .xFilter = give_begin,
	    .xNext = give_next,
	    .xEof = give_is_over,
	    .xColumn = give_column,
	    .xRowid = give_rowid,
	};
	/* It is only read; SQLite's type has no const. */
	union {
		const struct db_giver *in;
		void *out;
	} giver = {.in = g};
	int rc = sqlite3_create_module(db->handle, "give", &module, giver.out);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, err);
}
