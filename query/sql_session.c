/* SPDX-License-Identifier: ISC */
/* Statements of strangers: see sql_session.h. */
#include "query/sql_session.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/sql_env.h"
#include "query/sql_func.h"
#include "query/sql_table.h"
#include "query/sql_temp.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/sqlite_api.h"

enum {
	STOP_OPS =
	    1000, /* of SQLite's machine, between two looks at the clock */
	MAX_VALUE_LEN = 1000000,
};

struct sql_session {
	sqlite3 *handle;
	struct sql_temp *temp;
	sqlite3_stmt *stmt;
	char *text; /* the statement's */
	struct sql_env env;
	struct scan_stats stats;
	struct sql_limits limits;
	int64_t deadline_ms; /* by the monotonic clock */
	char denied[200];    /* what the authorizer refused last, or "" */
};

/* ---- what a statement may do ---- */

/*
 * SQLite's functions that compute, and no others: not load_extension() and its
 * kind, nothing that tells of this connection.
 */
static const char *const functions[] = {"->", "->>", "abs", "acos", "acosh",
    "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil", "ceiling", "char",
    "coalesce", "concat", "concat_ws", "cos", "cosh", "count", "cume_dist",
    "current_date", "current_time", "current_timestamp", "date", "datetime",
    "degrees", "dense_rank", "exp", "first_value", "floor", "format", "glob",
    "group_concat", "hex", "ifnull", "iif", "instr", "json", "json_array",
    "json_array_length", "json_extract", "json_group_array",
    "json_group_object", "json_insert", "json_object", "json_patch",
    "json_quote", "json_remove", "json_replace", "json_set", "json_type",
    "json_valid", "julianday", "lag", "last_value", "lead", "length", "like",
    "likelihood", "likely", "ln", "log", "log10", "log2", "lower", "ltrim",
    "max", "min", "mod", "nth_value", "ntile", "nullif", "octet_length",
    "percent_rank", "pi", "pow", "power", "printf", "quote", "radians",
    "random", "rank", "replace", "round", "row_number", "rtrim", "sign", "sin",
    "sinh", "soundex", "sqlite_version", "sqrt", "strftime", "string_agg",
    "substr", "substring", "sum", "tan", "tanh", "time", "timediff", "total",
    "trim", "trunc", "typeof", "unhex", "unicode", "unixepoch", "unlikely",
    "upper", "zeroblob"};

static int
compare_names(const void *key, const void *item)
{
	return sqlite3_stricmp(key, *(const char *const *)item);
}

static bool
may_call(const char *name)
{
	return sql_func_knows(name) ||
	       bsearch(name, functions, ARRAY_LEN(functions),
		   sizeof functions[0], compare_names) != NULL;
}

/* With an empty column: the rows of a table, or of a common table expression
 * that has this name, are counted; nothing that could be counted is secret. */
static bool
may_read(const char *table, const char *column)
{
	return column[0] == '\0' || sql_table_knows(table) ||
	       sqlite3_stricmp(table, "json_each") == 0 ||
	       sqlite3_stricmp(table, "json_tree") == 0;
}

/* before NAME behind: what is said about it. */
static int
deny(struct sql_session *s, const char *before, const char *name,
    const char *behind)
{
	snprintf(
	    s->denied, sizeof s->denied, "%s%.60s%s", before, name, behind);
	return SQLITE_DENY;
}

static int
authorize(void *arg, int action, const char *a, const char *b, const char *c,
    const char *d)
{
	struct sql_session *s = arg;

	(void)c;
	(void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_RECURSIVE: return SQLITE_OK;
	case SQLITE_FUNCTION:
		return may_call(b)
			   ? SQLITE_OK
			   : deny(s, "function ", b, "() is not allowed");
	case SQLITE_READ:
		return may_read(a, b)
			   ? SQLITE_OK
			   : deny(s, "table ", a, " may not be read");
	default:
		return deny(s, "only SELECT is allowed", "",
		    ": nothing can be changed, attached or set");
	}
}

/* ---- opening ---- */

static int
fail(struct sql_session *s, int code, struct err *err)
{
	return err_set(err, code, "%s", sqlite3_errmsg(s->handle));
}

static bool
is_stopped(const struct sql_session *s)
{
	return s->limits.stop != NULL && atomic_load(s->limits.stop);
}

static bool
is_over(void *arg)
{
	const struct sql_session *s = arg;

	return is_stopped(s) || (s->limits.timeout_ms > 0 &&
				    clock_monotonic_ms() >= s->deadline_ms);
}

static int
ask_over(void *arg)
{
	return is_over(arg);
}

static void
set_limits(sqlite3 *db)
{
	static const struct {
		int id, value;
	} limits[] = {
	    {SQLITE_LIMIT_LENGTH, MAX_VALUE_LEN},
	    {SQLITE_LIMIT_SQL_LENGTH, 100000},
	    {SQLITE_LIMIT_COLUMN, SQL_MAX_COLUMNS},
	    {SQLITE_LIMIT_EXPR_DEPTH, 500},
	    {SQLITE_LIMIT_COMPOUND_SELECT, 50},
	    {SQLITE_LIMIT_VDBE_OP, 100000},
	    {SQLITE_LIMIT_FUNCTION_ARG, 100},
	    {SQLITE_LIMIT_ATTACHED, 0},
	    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
	    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	    {SQLITE_LIMIT_WORKER_THREADS, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		(void)sqlite3_limit(db, limits[i].id, limits[i].value);
}

/* Names in double quotes are names: SQLite would take an unknown one for text,
 * and a mistyped column for a constant. */
static void
set_switches(sqlite3 *db)
{
	static const struct {
		int id, value;
	} switches[] = {
	    {SQLITE_DBCONFIG_DEFENSIVE, 1},
	    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
	    {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
	    {SQLITE_DBCONFIG_DQS_DML, 0},
	    {SQLITE_DBCONFIG_DQS_DDL, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(switches); i++)
		(void)sqlite3_db_config(
		    db, switches[i].id, switches[i].value, NULL);
}

static int
set_up(struct sql_session *s, const char *dir)
{
	const char *keep[] = {"json_each", "json_tree", NULL};
	sqlite3 *db = s->handle;
	int rc;

	set_switches(db);
	if ((rc = sqlite3_drop_modules(db, keep)) != SQLITE_OK ||
	    (rc = sqlite3_exec(
		 db, "PRAGMA temp_store = FILE", NULL, NULL, NULL)) != 0 ||
	    (rc = sql_register(db, &s->env)) != SQLITE_OK ||
	    (rc = sql_create_tables(db, dir)) != SQLITE_OK ||
	    (rc = sqlite3_exec(
		 db, "PRAGMA query_only = ON", NULL, NULL, NULL)) != 0)
		return rc;
	set_limits(db);
	sqlite3_progress_handler(db, STOP_OPS, ask_over, s);
	return sqlite3_set_authorizer(db, authorize, s);
}

int
sql_open(struct sql_session **out, const char *dir,
    const struct sql_limits *limits, struct err *err)
{
	struct sql_session *s = xcalloc(1, sizeof *s);
	int rc;

	s->limits = *limits;
	s->env = (struct sql_env){
	    .now_ms = clock_now_ms(),
	    .stop = is_over,
	    .stop_arg = s,
	    .stats = &s->stats,
	    .no_functions = true,
	};
	/* Before db_open, which ends SQLite's counting of its memory. */
	(void)sqlite3_initialize();
	(void)sqlite3_hard_heap_limit64(limits->memory);
	s->temp = sql_temp_new();
	rc = sqlite3_open_v2(":memory:", &s->handle,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
	    sql_temp_name(s->temp));
	if (rc == SQLITE_OK)
		rc = set_up(s, dir);
	if (rc != SQLITE_OK) {
		rc = fail(s, ERR_SYSTEM, err);
		sql_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

static void
end_statement(struct sql_session *s)
{
	(void)sqlite3_finalize(s->stmt);
	s->stmt = NULL;
	free(s->text);
	s->text = NULL;
}

void
sql_close(struct sql_session *s)
{
	if (s == NULL)
		return;
	end_statement(s);
	if (sqlite3_close(s->handle) != SQLITE_OK)
		assert(!"sql_close: statements left open");
	sql_temp_free(s->temp);
	free(s);
}

/* ---- a statement ---- */

/* Characters before byte offset of UTF-8. */
static int
count_characters(const char *text, int offset)
{
	int n = 0;

	for (int i = 0; i < offset; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

static void
put_hint(struct err *err, const char *message)
{
	size_t len = strlen(err->text);

	if (strncmp(message, "no such table: ", 15) == 0 ||
	    strncmp(message, "no such column: ", 16) == 0)
		snprintf(err->text + len, sizeof err->text - len,
		    ": weir sql --schema shows what there is");
}

/* Show the line that has byte offset of text, and the place in it. */
static void
point_at(const char *text, int offset, struct err *err)
{
	const char *begin = text + offset;
	char *line;

	while (begin > text && begin[-1] != '\n')
		begin--;
	line = xasprintf("%.*s", (int)strcspn(begin, "\n"), begin);
	err_point(err, line, (size_t)(text + offset - begin));
	free(line);
}

/* What sqlite3_prepare found wrong. */
static int
refuse(struct sql_session *s, const char *text, int rc, struct err *err)
{
	bool denied = s->denied[0] != '\0';
	const char *message = denied ? s->denied : sqlite3_errmsg(s->handle);
	int at = denied ? -1 : sqlite3_error_offset(s->handle);

	if ((rc & 0xff) == SQLITE_NOMEM)
		return err_set(err, ERR_LIMIT,
		    "the statement is too large: SQLite has no memory for it");
	if (at < 0) {
		err_set(err, ERR_USAGE, "%.300s", message);
	} else {
		err_set(err, ERR_USAGE, "%.300s (position %d)", message,
		    count_characters(text, at) + 1);
		point_at(text, at, err);
	}
	put_hint(err, message);
	return ERR_USAGE;
}

static int
compile(struct sql_session *s, const char *text, sqlite3_stmt **out,
    const char **tail)
{
	s->denied[0] = '\0';
	return sqlite3_prepare_v2(s->handle, text, -1, out, tail);
}

/* Behind the statement only blanks and comments may come. */
static int
check_tail(
    struct sql_session *s, const char *text, const char *tail, struct err *err)
{
	while (*tail != '\0') {
		sqlite3_stmt *more = NULL;
		const char *rest = tail;
		int rc = compile(s, tail, &more, &rest);

		(void)sqlite3_finalize(more);
		if (rc == SQLITE_OK && more == NULL && rest != tail) {
			tail = rest;
			continue;
		}
		err_set(err, ERR_USAGE,
		    "one statement at a time: another begins at position %d",
		    count_characters(text, (int)(tail - text)) + 1);
		point_at(text, (int)(tail - text), err);
		return ERR_USAGE;
	}
	return 0;
}

static int
check_statement(struct sql_session *s, struct err *err)
{
	if (s->stmt == NULL)
		return err_set(err, ERR_USAGE, "there is no statement");
	if (!sqlite3_stmt_readonly(s->stmt) ||
	    sqlite3_column_count(s->stmt) == 0)
		return err_set(err, ERR_USAGE, "only SELECT is allowed");
	if (sqlite3_bind_parameter_count(s->stmt) > 0)
		return err_set(err, ERR_USAGE,
		    "%s has no value: write values into the statement",
		    sqlite3_bind_parameter_name(s->stmt, 1) != NULL
			? sqlite3_bind_parameter_name(s->stmt, 1)
			: "?");
	return 0;
}

int
sql_prepare(struct sql_session *s, const char *text, struct err *err)
{
	const char *tail = NULL;
	int rc;

	end_statement(s);
	s->stats = (struct scan_stats){0};
	s->deadline_ms = clock_monotonic_ms() + s->limits.timeout_ms;
	rc = compile(s, text, &s->stmt, &tail);
	if (rc != SQLITE_OK)
		return refuse(s, text, rc, err);
	s->text = xstrdup(text);
	if ((rc = check_statement(s, err)) == 0)
		rc = check_tail(s, text, tail, err);
	if (rc != 0)
		end_statement(s);
	return rc;
}

size_t
sql_n_columns(const struct sql_session *s)
{
	return (size_t)sqlite3_column_count(s->stmt);
}

const char *
sql_column_name(const struct sql_session *s, size_t i)
{
	const char *name = sqlite3_column_name(s->stmt, (int)i);

	return name != NULL ? name : "";
}

static int
over_time(const struct sql_session *s, struct err *err)
{
	if (is_stopped(s))
		return err_set(err, ERR_STOPPED, "stopped");
	return err_set(err, ERR_LIMIT,
	    "stopped after %" PRId64 ".%" PRId64 " s: narrow the question, or "
	    "give it more with timeout=",
	    s->limits.timeout_ms / 1000, s->limits.timeout_ms % 1000 / 100);
}

static int
over_memory(const struct sql_session *s, struct err *err)
{
	return err_set(err, ERR_LIMIT,
	    "it takes more than %" PRId64 " MB of memory: narrow the question, "
	    "or give it more with memory=",
	    s->limits.memory / 1000000);
}

static int
explain_failure(struct sql_session *s, int rc, struct err *err)
{
	switch (rc & 0xff) {
	case SQLITE_INTERRUPT: return over_time(s, err);
	case SQLITE_NOMEM: return over_memory(s, err);
	case SQLITE_TOOBIG:
		return err_set(err, ERR_USAGE, "%s: at most %d bytes",
		    sqlite3_errmsg(s->handle), MAX_VALUE_LEN);
	case SQLITE_CORRUPT: return fail(s, ERR_CORRUPT, err);
	case SQLITE_BUSY: return fail(s, ERR_BUSY, err);
	case SQLITE_ERROR: return fail(s, ERR_USAGE, err);
	default: return fail(s, ERR_SYSTEM, err);
	}
}

int
sql_step(struct sql_session *s, struct err *err)
{
	int rc = sqlite3_step(s->stmt);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : explain_failure(s, rc, err);
}

struct sql_value
sql_value(const struct sql_session *s, size_t i)
{
	sqlite3_stmt *stmt = s->stmt;
	struct sql_value v = {0};
	int at = (int)i;

	switch (sqlite3_column_type(stmt, at)) {
	case SQLITE_INTEGER:
		v.type = SQL_INTEGER;
		v.integer = sqlite3_column_int64(stmt, at);
		break;
	case SQLITE_FLOAT:
		v.type = SQL_REAL;
		v.real = sqlite3_column_double(stmt, at);
		break;
	case SQLITE_TEXT:
		v.type = SQL_TEXT;
		v.bytes = sqlite3_column_text(stmt, at);
		break;
	case SQLITE_BLOB:
		v.type = SQL_BLOB;
		v.bytes = sqlite3_column_blob(stmt, at);
		break;
	default: break;
	}
	if (v.type == SQL_TEXT || v.type == SQL_BLOB) {
		v.len = (size_t)sqlite3_column_bytes(stmt, at);
		if (v.bytes == NULL) { /* empty, or no memory */
			v.bytes = "";
			v.len = 0;
		}
	}
	return v;
}

const struct scan_stats *
sql_stats(const struct sql_session *s)
{
	return &s->stats;
}

/* ---- how it would be answered ---- */

enum { MAX_DEPTH = 32 };

/* SQLite's plan: a tree of lines, each with its id and its parent's. */
static int
put_plan(struct sql_session *s, struct buf *out, struct err *err)
{
	char *text = xasprintf("EXPLAIN QUERY PLAN %s", s->text);
	sqlite3_stmt *plan = NULL;
	int rc = compile(s, text, &plan, NULL);
	int path[MAX_DEPTH], depth = 0;

	while (rc == SQLITE_OK && sqlite3_step(plan) == SQLITE_ROW) {
		int parent = sqlite3_column_int(plan, 1);

		while (depth > 0 && path[depth - 1] != parent)
			depth--;
		buf_printf(out, "%*s%s\n", 2 * depth, "",
		    (const char *)sqlite3_column_text(plan, 3));
		if (depth < MAX_DEPTH)
			path[depth++] = sqlite3_column_int(plan, 0);
	}
	(void)sqlite3_finalize(plan);
	free(text);
	return rc == SQLITE_OK ? 0 : fail(s, ERR_USAGE, err);
}

int
sql_explain(struct sql_session *s, struct buf *out, struct err *err)
{
	int rc;

	if (sqlite3_stmt_isexplain(s->stmt))
		return err_set(err, ERR_USAGE, "this explains already");
	if ((rc = put_plan(s, out, err)) != 0)
		return rc;
	s->env.explain = out;
	while ((rc = sql_step(s, err)) == 1)
		continue;
	s->env.explain = NULL;
	return rc;
}
