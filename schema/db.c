/* SPDX-License-Identifier: ISC */
/*
 * Connections and statements: see db.h. This file and db_bulk.c are the only
 * ones that call sqlite3_* for files of ours. What a connection needs is set in
 * db_open and nowhere else.
 */
#include "schema/db.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"
#include "schema/db_state.h"
#include "schema/sqlite_api.h"

/* Sort a result of SQLite into what the caller can do about it. */
static int
code_of(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_BUSY;
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return ERR_CORRUPT;
	case SQLITE_INTERRUPT: return ERR_STOPPED;
	default: return ERR_SYSTEM;
	}
}

int
db_fail(struct db *db, int rc, struct err *err)
{
	if (rc == SQLITE_READONLY_ROLLBACK)
		return err_set(err, ERR_SYSTEM,
		    "%s: who wrote to it was killed, and what it left can be "
		    "taken back only by somebody who may write to it: run "
		    "this as that user once, or weir check --repair",
		    db->path);
	return err_set(err, code_of(rc), "%s: %s", db->path,
	    db->handle != NULL && rc != SQLITE_NOMEM
		? sqlite3_errmsg(db->handle)
		: sqlite3_errstr(rc));
}

/*
 * foreign_keys and trusted_schema as SQLite's own security page advises;
 * secure_delete is on in Debian's build and would overwrite dropped pages.
 */
static const char setup_both[] = "PRAGMA foreign_keys = ON;"
				 "PRAGMA trusted_schema = OFF;";

/*
 * WAL: readers never wait for the writer. NORMAL: a power cut may undo the
 * last commits but never corrupts; a killed process loses none.
 *
 * CREATE INDEX sorts in pieces of cache_size, 2 MB at least, which stay in the
 * processor's cache; they are joined in a temporary file. With the whole of it
 * in memory (temp_store, or a larger cache) sealing took twice as long, and the
 * rows, appended in order, need no cache.
 */
static const char setup_writer[] = "PRAGMA secure_delete = OFF;"
				   "PRAGMA page_size = 8192;"
				   "PRAGMA journal_mode = WAL;"
				   "PRAGMA synchronous = NORMAL;"
				   "PRAGMA cache_size = -2048;";

static const char setup_plain[] = "PRAGMA temp_store = MEMORY;"
				  "PRAGMA journal_mode = DELETE;";

static const char setup_reader[] = "PRAGMA temp_store = MEMORY;"
				   "PRAGMA query_only = ON;"
				   "PRAGMA cache_size = -8192;";

/* ---- what is of the whole process ---- */

#ifdef WEIR_EXTENSION
/* It is the host's to decide, which did so long ago. */
static void
configure(void)
{
}

void
db_set_temporary_folder(const char *dir)
{
	(void)dir;
}
#else
/* SQLite counts its memory under one lock, at which threads with connections
 * of their own queue: a fifth of the time of two. Nobody reads the count. */
static void
configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

void
db_set_temporary_folder(const char *dir)
{
	if (sqlite3_temp_directory != NULL &&
	    strcmp(sqlite3_temp_directory, dir) == 0)
		return;
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = sqlite3_mprintf("%s", dir);
}
#endif

/* ---- connections ---- */

/* *cut_short: somebody was killed while he changed the file, and left a
 * rollback journal, which a connection that may only read cannot take back. */
static int
open_once(struct db **out, const char *path, enum db_mode mode, bool *cut_short,
    struct err *err)
{
	static const int flags[] = {
	    [DB_READ] = SQLITE_OPEN_READONLY,
	    [DB_WRITE] = SQLITE_OPEN_READWRITE,
	    [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	    [DB_CREATE_PLAIN] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	static const char *const setup[] = {
	    [DB_READ] = setup_reader,
	    [DB_WRITE] = setup_writer,
	    [DB_CREATE] = setup_writer,
	    [DB_CREATE_PLAIN] = setup_plain,
	};
	struct db *db = xcalloc(1, sizeof *db);
	int64_t schema_version;
	int rc;

	db->path = xstrdup(path);
	rc = sqlite3_open_v2(path, &db->handle,
	    flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK) {
		rc = db_fail(db, rc, err);
		goto out;
	}
	sqlite3_busy_timeout(db->handle, 5000);
	if ((rc = db_add_holds(db)) != SQLITE_OK) {
		rc = db_fail(db, rc, err);
		goto out;
	}
	if ((rc = db_exec(db, setup_both, err)) != 0 ||
	    (rc = db_exec(db, setup[mode], err)) != 0)
		goto out;
	/* Reads the header: a file that is no database is refused here. */
	rc = db_get_int(db, "PRAGMA schema_version", 0, &schema_version, err);
out:
	*cut_short = rc != 0 && sqlite3_extended_errcode(db->handle) ==
				    SQLITE_READONLY_ROLLBACK;
	if (rc != 0) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

/* What whoever reads first with a connection that may write does by itself.
 * SQLite's locks see to it that nobody is at it any more. */
static bool
take_back(const char *path)
{
	sqlite3 *handle;
	bool done = sqlite3_open_v2(path, &handle,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
			NULL) == SQLITE_OK &&
		    sqlite3_exec(handle, "PRAGMA schema_version", NULL, NULL,
			NULL) == SQLITE_OK;

	(void)sqlite3_close(handle);
	return done;
}

int
db_open(struct db **out, const char *path, enum db_mode mode, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	bool cut_short;
	int rc;

	pthread_once(&once, configure);
	rc = open_once(out, path, mode, &cut_short, err);
	if (cut_short && take_back(path))
		rc = open_once(out, path, mode, &cut_short, err);
	return rc;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	/* close, not close_v2: a statement left behind is a bug to see. */
	if (sqlite3_close(db->handle) != SQLITE_OK)
		assert(!"db_close: statements left open");
	free(db->path);
	free(db);
}

const char *
db_path(const struct db *db)
{
	return db->path;
}

int
db_exec(struct db *db, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_fail(db, rc, err);
}

void
db_try(struct db *db, const char *sql)
{
	(void)sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

int
db_get_int(struct db *db, const char *sql, int64_t fallback, int64_t *out,
    struct err *err)
{
	struct stmt *s = NULL;
	int rc = db_prepare(db, sql, &s, err);

	if (rc != 0)
		return rc;
	assert(s != NULL);
	rc = stmt_step(s, err);
	if (rc >= 0) {
		*out = rc == 1 ? stmt_int(s, 0) : fallback;
		rc = 0;
	}
	stmt_finalize(s);
	return rc;
}

int
db_prepare(struct db *db, const char *sql, struct stmt **out, struct err *err)
{
	sqlite3_stmt *handle;
	struct stmt *s;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &handle, NULL);

	if (rc != SQLITE_OK) {
		rc = db_fail(db, rc, err);
		assert(rc != 0);
		return rc;
	}
	s = xcalloc(1, sizeof *s);
	*s = (struct stmt){.handle = handle, .db = db};
	*out = s;
	return 0;
}

void
stmt_finalize(struct stmt *s)
{
	if (s == NULL)
		return;
	sqlite3_finalize(s->handle);
	free(s);
}

static int
position_of(struct stmt *s, const char *name)
{
	int position = sqlite3_bind_parameter_index(s->handle, name);

	assert(position > 0);
	return position;
}

void
stmt_bind_int(struct stmt *s, const char *name, int64_t value)
{
	stmt_set_int(s, position_of(s, name), value);
}

void
stmt_bind_real(struct stmt *s, const char *name, double value)
{
	/* SQLite makes NULL of NAN. */
	int rc = sqlite3_bind_double(s->handle, position_of(s, name), value);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void
stmt_bind_text(struct stmt *s, const char *name, const char *text)
{
	int rc = sqlite3_bind_text(
	    s->handle, position_of(s, name), text, -1, SQLITE_TRANSIENT);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void
stmt_bind_blob(struct stmt *s, const char *name, const void *bytes, size_t len)
{
	int rc = sqlite3_bind_blob64(
	    s->handle, position_of(s, name), bytes, len, SQLITE_TRANSIENT);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void
stmt_set_int(struct stmt *s, int position, int64_t value)
{
	int rc = sqlite3_bind_int64(s->handle, position, value);

	assert(rc == SQLITE_OK);
	(void)rc;
}

void
stmt_set_null(struct stmt *s, int position)
{
	int rc = sqlite3_bind_null(s->handle, position);

	assert(rc == SQLITE_OK);
	(void)rc;
}

int
stmt_step(struct stmt *s, struct err *err)
{
	int rc = sqlite3_step(s->handle);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		rc = db_fail(s->db, rc, err);
	else
		rc = 0;
	sqlite3_reset(s->handle);
	return rc;
}

int
stmt_run(struct stmt *s, struct err *err)
{
	int rc;

	while ((rc = stmt_step(s, err)) == 1)
		continue;
	return rc;
}

int
stmt_finish(struct stmt *s, struct err *err)
{
	int rc = stmt_run(s, err);

	stmt_finalize(s);
	return rc;
}

int
db_run_for(struct db *db, const char *sql, const char *parameter, int64_t value,
    struct err *err)
{
	struct stmt *s;
	int rc = db_prepare(db, sql, &s, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(s, parameter, value);
	return stmt_finish(s, err);
}

void
stmt_reset(struct stmt *s)
{
	sqlite3_reset(s->handle);
}

void
stmt_bind_row(struct stmt *to, struct stmt *from)
{
	int n = sqlite3_column_count(from->handle);

	for (int i = 0; i < n; i++) {
		int rc = sqlite3_bind_value(
		    to->handle, i + 1, sqlite3_column_value(from->handle, i));

		assert(rc == SQLITE_OK);
		(void)rc;
	}
}

int64_t
stmt_int(struct stmt *s, int column)
{
	return sqlite3_column_int64(s->handle, column);
}

double
stmt_real(struct stmt *s, int column)
{
	return stmt_is_null(s, column)
		   ? NAN
		   : sqlite3_column_double(s->handle, column);
}

const char *
stmt_text(struct stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s->handle, column);

	return text != NULL ? (const char *)text : "";
}

const void *
stmt_blob(struct stmt *s, int column, size_t *len)
{
	const void *bytes = sqlite3_column_blob(s->handle, column);

	*len = (size_t)sqlite3_column_bytes(s->handle, column);
	return bytes;
}

bool
stmt_is_null(struct stmt *s, int column)
{
	return sqlite3_column_type(s->handle, column) == SQLITE_NULL;
}

/* All pages in one step: the read transaction that it is keeps the moment. */
static int
copy_pages(struct db *from, struct db *to, struct err *err)
{
	sqlite3_backup *b =
	    sqlite3_backup_init(to->handle, "main", from->handle, "main");
	int rc;

	if (b == NULL)
		return db_fail(to, sqlite3_errcode(to->handle), err);
	(void)sqlite3_backup_step(b, -1);
	rc = sqlite3_backup_finish(b);
	return rc == SQLITE_OK ? 0 : db_fail(to, rc, err);
}

int
db_copy(struct db *from, const char *path, struct err *err)
{
	struct db *to = NULL;
	int64_t ignored;
	int rc = db_open(&to, path, DB_CREATE_PLAIN, err);

	if (rc != 0)
		return rc;
	/* The header it got says WAL when that of from does. */
	if ((rc = copy_pages(from, to, err)) == 0)
		rc = db_get_int(
		    to, "PRAGMA journal_mode = DELETE", 0, &ignored, err);
	db_close(to);
	return rc;
}

int64_t
db_last_id(struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

/* In one statement, as of one moment: another process may be making it. */
static int
read_identity(struct db *db, int64_t *id, int64_t *version, int64_t *n_tables,
    struct err *err)
{
	struct stmt *s = NULL;
	int rc = db_prepare(db,
	    "SELECT application_id, user_version, "
	    "(SELECT count(*) FROM sqlite_schema) "
	    "FROM pragma_application_id, pragma_user_version",
	    &s, err);

	if (rc != 0)
		return rc;
	if ((rc = stmt_step(s, err)) == 1) {
		*id = stmt_int(s, 0);
		*version = stmt_int(s, 1);
		*n_tables = stmt_int(s, 2);
		rc = 0;
	}
	stmt_finalize(s);
	return rc;
}

int
db_check_identity(struct db *db, int32_t application_id, int newest,
    const char *what, int64_t *version, struct err *err)
{
	int64_t id = 0, n_tables = 0;
	int rc;

	*version = 0;
	if ((rc = read_identity(db, &id, version, &n_tables, err)) != 0)
		return rc;
	if (n_tables == 0 && id == 0 && *version == 0)
		return 0;
	if (id != application_id)
		return err_set(err, ERR_CORRUPT,
		    "%s: a SQLite database, but not %s", db->path, what);
	if (*version > newest)
		return err_set(err, ERR_NEWER,
		    "%s: written by a newer weir (format %lld, this one knows "
		    "%d): upgrade weir",
		    db->path, (long long)*version, newest);
	return 0;
}

int
db_mark(struct db *db, int32_t application_id, int version, struct err *err)
{
	char pragmas[80];

	snprintf(pragmas, sizeof pragmas,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    application_id, version);
	return db_exec(db, pragmas, err);
}

int
db_make_ours(struct db *db, int32_t application_id, int version,
    const char *what, const char *sql, struct err *err)
{
	int64_t found;
	int rc =
	    db_check_identity(db, application_id, version, what, &found, err);

	if (rc != 0 || found > 0)
		return rc;
	if ((rc = db_exec(db, "BEGIN IMMEDIATE", err)) != 0)
		return rc;
	/* Again: another process may have been faster. */
	rc = db_check_identity(db, application_id, version, what, &found, err);
	if (rc == 0 && found == 0 && (rc = db_exec(db, sql, err)) == 0)
		rc = db_mark(db, application_id, version, err);
	if (rc != 0 || (rc = db_exec(db, "COMMIT", err)) != 0)
		db_try(db, "ROLLBACK");
	return rc;
}

/* ---- stopping ---- */

enum { STOP_OPS = 10000 }; /* of SQLite's machine, between two questions */

static int
ask_stop(void *arg)
{
	const struct db *db = arg;

	return db->stop(db->stop_arg);
}

void
db_set_stop(struct db *db, db_stop_fn *fn, void *arg)
{
	db->stop = fn;
	db->stop_arg = arg;
	sqlite3_progress_handler(
	    db->handle, STOP_OPS, fn != NULL ? ask_stop : NULL, db);
}
