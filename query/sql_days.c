/* SPDX-License-Identifier: ISC */
/* Tables of one statement for each shard: see sql_days.h. */
#include "query/sql_days.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "query/sql_cond.h"
#include "query/sql_module.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/store.h"

enum {
	MAX_COLUMNS = 32,
	SELECT_MAX = 4000, /* bytes */
};

/* About how many rows each of them has. */
static const double TYPICAL_ROWS = 1e5;

struct cursor {
	sqlite3_vtab_cursor base;
	char *dir;
	struct store_list list;
	size_t at; /* in list; list.n: behind the last */
	struct shard *shard;
	struct stmt *rows;
	struct push_days days;
	struct cond_span minutes;
};

/* ---- planning ---- */

static enum push_answer
takes(const struct sql_table *t, int column, enum push_op op)
{
	if (op == PUSH_IN || op == PUSH_IN_NET || op == PUSH_FLAGS_MATCH)
		return PUSH_NO;
	if (column == sql_table_day(t))
		return PUSH_WHOLLY;
	return t->by_minute && column == 0 && op != PUSH_NE ? PUSH_WHOLLY
							    : PUSH_NO;
}

static int
best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	const struct instance *t = (struct instance *)vtab;

	return push_plan(t->table, takes, TYPICAL_ROWS, t->dir != NULL, info);
}

/* ---- cursors ---- */

static int
open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct cursor *c = xcalloc(1, sizeof *c);

	(void)vtab;
	*out = &c->base;
	return SQLITE_OK;
}

static const struct instance *
instance_of(const struct cursor *c)
{
	return (const struct instance *)c->base.pVtab;
}

static void
close_shard(struct cursor *c)
{
	stmt_finalize(c->rows);
	c->rows = NULL;
	if (c->shard != NULL)
		shard_end_read(c->shard);
	shard_close(c->shard);
	c->shard = NULL;
}

static void
reset(struct cursor *c)
{
	close_shard(c);
	store_list_release(&c->list);
	push_days_release(&c->days);
	free(c->dir);
	c->dir = NULL;
	c->at = 0;
	c->minutes = (struct cond_span){INT64_MIN, INT64_MAX};
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	reset(c);
	free(c);
	return SQLITE_OK;
}

/* ---- shards ---- */

/* A shard holds the minutes of its own day alone. */
static bool
is_wanted(const struct cursor *c, int32_t day)
{
	int64_t from_ms = (int64_t)day * MS_PER_DAY;

	if (instance_of(c)->table->by_minute &&
	    (c->minutes.lo >= from_ms + MS_PER_DAY || c->minutes.hi < from_ms))
		return false;
	return push_days_hold(&c->days, day);
}

static void
bind(struct cursor *c, const struct stat *st)
{
	const struct sql_table *t = instance_of(c)->table;

	if (t->by_minute) {
		stmt_bind_int(c->rows, ":from_ms", c->minutes.lo);
		stmt_bind_int(c->rows, ":to_ms", c->minutes.hi);
	}
	if (t->of_file) {
		stmt_bind_text(c->rows, ":path", c->list.shard[c->at].path);
		stmt_bind_int(c->rows, ":bytes", st->st_size);
		stmt_bind_int(c->rows, ":finished", catalog_is_finished(st));
	}
}

/* Which columns the shard's table has: their number, 0: there is no such table,
 * or an error. */
static int
find_columns(struct cursor *c, bool *has, struct err *err)
{
	const struct sql_table *t = instance_of(c)->table;
	struct stmt *q = NULL;
	int n = 0, rc;

	rc = db_prepare(shard_db(c->shard),
	    "SELECT name FROM pragma_table_info(:from)", &q, err);
	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":from", t->from);
	while ((rc = stmt_step(q, err)) == 1)
		for (size_t i = 0; i < t->n_columns; i++)
			if (strcmp(t->column[i].name, stmt_text(q, 0)) == 0) {
				has[i] = true;
				n++;
			}
	stmt_finalize(q);
	return rc < 0 ? rc : n;
}

/* What a file of an older version lacks was not counted yet: 0. */
static void
put_select(const struct sql_table *t, const bool *has, struct buf *sql)
{
	for (size_t i = 0; i < t->n_columns; i++)
		buf_printf(sql, has[i] ? "%s\"%s\"" : "%s0",
		    i == 0 ? "SELECT " : ", ", t->column[i].name);
	buf_printf(sql, " FROM %s", t->from);
	if (t->by_minute)
		buf_puts(sql, " WHERE minute_ms BETWEEN :from_ms AND :to_ms");
	buf_printf(sql, " ORDER BY %s", t->key);
}

static int
prepare_table(struct cursor *c, const bool *has, struct err *err)
{
	struct buf sql;
	int rc;

	buf_init(&sql, SELECT_MAX);
	put_select(instance_of(c)->table, has, &sql);
	rc = db_prepare(shard_db(c->shard), buf_str(&sql), &c->rows, err);
	buf_release(&sql);
	return rc;
}

/* 1: the rows can be asked for, 0: there are none. */
static int
prepare(struct cursor *c, struct err *err)
{
	const struct sql_table *t = instance_of(c)->table;
	bool has[MAX_COLUMNS] = {false};
	int rc;

	assert(t->n_columns <= MAX_COLUMNS);
	if (t->select != NULL)
		rc = db_prepare(shard_db(c->shard), t->select, &c->rows, err);
	else if ((rc = find_columns(c, has, err)) > 0)
		rc = prepare_table(c, has, err);
	else
		return rc;
	return rc == 0 ? 1 : rc;
}

/* 1: open, 0: there is nothing in it, or it is gone. */
static int
open_shard(struct cursor *c, struct err *err)
{
	const struct sql_env *env = instance_of(c)->env;
	const char *path = c->list.shard[c->at].path;
	size_t n_segments;
	struct stat st;
	int rc;

	if (stat(path, &st) != 0 && errno == ENOENT)
		return 0;
	if ((rc = shard_open_read(&c->shard, path, err)) != 0)
		return rc;
	db_set_stop(shard_db(c->shard), env->stop, env->stop_arg);
	if ((rc = shard_begin_read(c->shard, err)) != 0)
		return rc;
	/* Without any, a writer is just about to fill it. */
	(void)shard_segments(c->shard, &n_segments);
	if (n_segments == 0)
		return 0;
	if ((rc = prepare(c, err)) == 1)
		bind(c, &st);
	return rc;
}

/* ---- rows ---- */

/* To the next row, of the open shard or one behind it. */
static int
advance(struct cursor *c, struct err *err)
{
	int rc;

	while (c->at < c->list.n) {
		rc = 0;
		if (c->rows != NULL)
			rc = stmt_step(c->rows, err);
		else if (is_wanted(c, c->list.shard[c->at].day) &&
			 (rc = open_shard(c, err)) == 1)
			continue;
		if (rc == 1)
			return 0;
		close_shard(c);
		if (rc < 0)
			return rc;
		c->at++;
	}
	return 0;
}

/* What would be opened; then there is nothing. */
static void
explain(struct cursor *c, const char *plan, sqlite3_value **argv)
{
	struct buf *out = instance_of(c)->env->explain;
	size_t n = 0;

	module_explain(instance_of(c), plan, argv);
	for (size_t i = 0; i < c->list.n; i++)
		n += is_wanted(c, c->list.shard[i].day);
	buf_printf(
	    out, "  shards: %zu to open, %zu left out\n", n, c->list.n - n);
	c->at = c->list.n;
}

static int
add_condition(
    void *arg, const struct pushed *p, sqlite3_value *v, struct err *err)
{
	struct cursor *c = arg;

	if (p->column == sql_table_day(instance_of(c)->table))
		return push_days_add(&c->days, p->op, v, err);
	cond_narrow(&c->minutes, p->op, v);
	return 0;
}

static int
begin(struct cursor *c, const char *plan, sqlite3_value **argv, struct err *err)
{
	const char *dir;
	int rc;

	reset(c);
	if ((rc = module_conditions(
		 instance_of(c), plan, argv, &dir, add_condition, c, err)) != 0)
		return rc;
	c->dir = xstrdup(dir);
	if ((rc = store_list(&c->list, dir, err)) != 0)
		return rc;
	if (instance_of(c)->env->explain == NULL)
		return advance(c, err);
	explain(c, plan, argv);
	return 0;
}

static int
filter(sqlite3_vtab_cursor *base, int unused, const char *plan, int argc,
    sqlite3_value **argv)
{
	struct err err;
	int rc = begin((struct cursor *)base, plan, argv, &err);

	(void)unused;
	(void)argc;
	return rc == 0 ? SQLITE_OK : module_fail(base->pVtab, rc, &err);
}

static int
next(sqlite3_vtab_cursor *base)
{
	struct err err;
	int rc = advance((struct cursor *)base, &err);

	return rc == 0 ? SQLITE_OK : module_fail(base->pVtab, rc, &err);
}

static int
eof(sqlite3_vtab_cursor *base)
{
	const struct cursor *c = (struct cursor *)base;

	return c->at >= c->list.n;
}

static void
put_text(sqlite3_context *to, const char *text)
{
	sqlite3_result_text(to, text, -1, SQLITE_TRANSIENT);
}

static int
column(sqlite3_vtab_cursor *base, sqlite3_context *to, int i)
{
	const struct cursor *c = (struct cursor *)base;
	const struct sql_table *t = instance_of(c)->table;
	char day[CLOCK_DAY_LEN];

	if (i == sql_table_day(t)) {
		clock_format_day(c->list.shard[c->at].day, day);
		put_text(to, day);
	} else if (i == sql_table_dir(t)) {
		put_text(to, c->dir);
	} else if (stmt_is_null(c->rows, i)) {
		sqlite3_result_null(to);
	} else if (strcmp(t->column[i].type, "TEXT") == 0) {
		put_text(to, stmt_text(c->rows, i));
	} else {
		sqlite3_result_int64(to, stmt_int(c->rows, i));
	}
	return SQLITE_OK;
}

/* The rows have a primary key instead: SQLite does not ask. */
static int
row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	(void)base;
	*out = 0;
	return SQLITE_OK;
}

static const sqlite3_module methods = {
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = row_id,
};

int
sql_days_register(sqlite3 *db, const struct sql_table *t, struct sql_env *env)
{
	return module_register(db, &methods, t, env);
}
