/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_DB_H
#define WEIR_SCHEMA_DB_H
/*
 * The only door to SQLite: no other file calls sqlite3_*. One connection
 * belongs to one thread. Every failure is sorted into the codes of err.h in
 * one place, and its text names the file.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct db;
struct stmt;

enum db_mode {
	DB_READ,   /* read only; waits up to 5 s for a lock */
	DB_WRITE,  /* existing file */
	DB_CREATE, /* made if missing */
	/* The same without WAL: small files, written rarely, that whoever
	 * may read the folder can read. */
	DB_CREATE_PLAIN,
};

int db_open(struct db **out, const char *path, enum db_mode mode,
    struct err *err) MUST_CHECK;
void db_close(struct db *db); /* accepts NULL; finalize statements first */
const char *db_path(const struct db *db);

/* Where connections that write put their temporary files, which have no name
 * and end with the process; else where TMPDIR says, or /var/tmp. Of the whole
 * process: to be called before there are threads; again with the same is
 * nothing. */
void db_set_temporary_folder(const char *dir);

/* One or more statements, their rows thrown away. */
int db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;
/* The same where nothing can be done about a failure: rolling back. */
void db_try(struct db *db, const char *sql);

/* First column of the first row of sql, or fallback when there is no row. */
int db_get_int(struct db *db, const char *sql, int64_t fallback, int64_t *out,
    struct err *err) MUST_CHECK;

/*
 * Whether the file is ours: its application_id and a user_version (*version)
 * of at most newest. *version 0 without an error: an empty database. what
 * names it in "a SQLite database, but not WHAT". ERR_CORRUPT: somebody else's;
 * ERR_NEWER.
 */
int db_check_identity(struct db *db, int32_t application_id, int newest,
    const char *what, int64_t *version, struct err *err) MUST_CHECK;

/* Say so of a file: that application_id and user_version; in a transaction. */
int db_mark(struct db *db, int32_t application_id, int version,
    struct err *err) MUST_CHECK;

/*
 * Check the identity of a file that may be written to; one that is empty gets
 * its tables by sql and its mark, once, whoever else opens it meanwhile.
 */
int db_make_ours(struct db *db, int32_t application_id, int version,
    const char *what, const char *sql, struct err *err) MUST_CHECK;

/* One statement, to its end, with an integer for its one parameter. */
int db_run_for(struct db *db, const char *sql, const char *parameter,
    int64_t value, struct err *err) MUST_CHECK;

int db_prepare(struct db *db, const char *sql, struct stmt **out,
    struct err *err) MUST_CHECK;
void stmt_finalize(struct stmt *s); /* accepts NULL */

/* Parameters by name, with its colon. An unknown name is a bug. */
void stmt_bind_int(struct stmt *s, const char *name, int64_t value);
/* NAN is NULL. */
void stmt_bind_real(struct stmt *s, const char *name, double value);
/* text NULL is NULL. */
void stmt_bind_text(struct stmt *s, const char *name, const char *text);
void stmt_bind_blob(
    struct stmt *s, const char *name, const void *bytes, size_t len);
/* The same by position, from 1, for hot paths. */
void stmt_set_int(struct stmt *s, int position, int64_t value);
void stmt_set_null(struct stmt *s, int position);

/*
 * A set of integers for the SQL function holds(:set, value), for lists too long
 * for IN: fn says whether value is in it. set is borrowed as long as the
 * statement is there.
 */
typedef bool db_holds_fn(const void *set, int64_t value);
void stmt_set_holds(
    struct stmt *s, int position, db_holds_fn *fn, const void *set);

/* 1: a row is there; 0: done; else an error. After 0 or an error the
 * statement is reset and may be bound and stepped again. */
int stmt_step(struct stmt *s, struct err *err) MUST_CHECK;
/* Step to the end: 0 or an error. */
int stmt_run(struct stmt *s, struct err *err) MUST_CHECK;
/* The same, and finalize it. */
int stmt_finish(struct stmt *s, struct err *err) MUST_CHECK;
void stmt_reset(struct stmt *s);

/* Bind the columns of the current row of from, the first to the first
 * parameter and so on, as they are; to may be of another connection. */
void stmt_bind_row(struct stmt *to, struct stmt *from);

/* Columns of the current row, from 0; text until the next step. */
int64_t stmt_int(struct stmt *s, int column);
double stmt_real(struct stmt *s, int column);      /* NAN for NULL */
const char *stmt_text(struct stmt *s, int column); /* "" for NULL */
const void *stmt_blob(struct stmt *s, int column, size_t *len); /* or NULL */
bool stmt_is_null(struct stmt *s, int column);

/*
 * The whole database as of one moment into the file at path, which must not
 * exist: one plain file, without WAL. Others may write to it meanwhile.
 */
int db_copy(struct db *from, const char *path, struct err *err) MUST_CHECK;

int64_t db_last_id(struct db *db); /* rowid of the last insert */

/*
 * Ask fn now and then (some hundred microseconds apart) while a statement of db
 * runs; true ends the statement with ERR_STOPPED. fn NULL: nobody is asked.
 */
typedef bool db_stop_fn(void *arg);
void db_set_stop(struct db *db, db_stop_fn *fn, void *arg);

/*
 * Rows in bulk, half as long again as fast as stmt_step: the SQL aggregate
 * take(a, b, ...) of a connection puts its arguments, integers, into arrays.
 *   SELECT take(src_addr, octets) FROM flow_0001
 */
enum { DB_TAKE_MAX = 32 }; /* arguments at most */

struct db_taker {
	int64_t *column[DB_TAKE_MAX]; /* by argument; borrowed */
	size_t n;                     /* values in each */
	size_t room;                  /* values that fit */
	/* n is room: make it less. Other than 0 ends the statement with
	 * ERR_STOPPED. */
	int (*full)(struct db_taker *t);
	void *arg; /* full's */
};

/* t is borrowed as long as db is open. */
int db_set_taker(struct db *db, struct db_taker *t, struct err *err) MUST_CHECK;

/*
 * The other way round, a third faster than binding and stepping for each row:
 * integers in memory as a table of a connection, with columns v0, v1, ...
 *   INSERT INTO flow_0001 SELECT NULL, v0, v1 FROM give
 */
enum { DB_GIVE_MAX = 16 }; /* columns */

struct db_giver {
	const int64_t (*row)[DB_GIVE_MAX]; /* borrowed */
	size_t n_rows;
};

/* g is borrowed as long as db is open; what it says may change between
 * statements. */
int db_set_giver(
    struct db *db, const struct db_giver *g, struct err *err) MUST_CHECK;

#endif
