/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_SESSION_H
#define WEIR_QUERY_SQL_SESSION_H
/*
 * Statements of strangers over a whole store: one SELECT at a time, which can
 * read the tables of sql_table.h and nothing else, write nothing, and ends by
 * itself. It runs on a connection in memory that never has a file; the shards
 * are opened read-only behind the tables. After sqlite.org, "Defense Against
 * The Dark Arts".
 */
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct buf;
struct scan_stats;
struct sql_session;

enum { SQL_MAX_COLUMNS = 100 }; /* of an answer, and of a statement's tables */

/* 0: no limit. */
struct sql_limits {
	int64_t timeout_ms; /* of one statement */
	/* Bytes of SQLite's memory in this process, sorting and grouping
	 * included: they use no files. Not in force where the process opened
	 * a shard before its first session. */
	int64_t memory;
	const atomic_bool *stop; /* set, it ends a statement; NULL: nobody */
};

int sql_open(struct sql_session **out, const char *dir,
    const struct sql_limits *limits, struct err *err) MUST_CHECK;
void sql_close(struct sql_session *s); /* accepts NULL */

/* Take the one statement in text; ends the one before. ERR_USAGE: err says what
 * is wrong, and points at it. */
int sql_prepare(
    struct sql_session *s, const char *text, struct err *err) MUST_CHECK;

size_t sql_n_columns(const struct sql_session *s);
const char *sql_column_name(const struct sql_session *s, size_t i);

/*
 * 1: a row is there; 0: there is none left; ERR_USAGE: a function was given
 * something wrong; ERR_LIMIT: time or memory is up; ERR_STOPPED: as stop says;
 * ERR_SYSTEM, ERR_CORRUPT, ERR_NEWER: a shard cannot be read.
 */
int sql_step(struct sql_session *s, struct err *err) MUST_CHECK;

struct sql_value {
	enum {
		SQL_NULL,
		SQL_INTEGER,
		SQL_REAL,
		SQL_TEXT, /* bytes has a NUL behind len */
		SQL_BLOB,
	} type;
	int64_t integer;
	double real;
	const void *bytes; /* borrowed until the next step */
	size_t len;
};

struct sql_value sql_value(const struct sql_session *s, size_t i);

/* What was read so far, without the bounds. */
const struct scan_stats *sql_stats(const struct sql_session *s);

/*
 * Lines that tell how the prepared statement would be answered: SQLite's plan,
 * the conditions taken over, the shards and segments to read. It is run, but
 * over empty tables: conditions that depend on other rows are not seen.
 */
int sql_explain(
    struct sql_session *s, struct buf *out, struct err *err) MUST_CHECK;

#endif
