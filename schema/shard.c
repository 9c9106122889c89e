/* SPDX-License-Identifier: ISC */
/*
 * One day's flows in one SQLite file: see shard.h. Transactions, and what goes
 * together in them; which day a flow belongs to and when to commit are the
 * writer's business.
 */
#include "schema/shard.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/address_build.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/migrate.h"
#include "schema/minute.h"
#include "schema/segment.h"
#include "schema/source.h"
#include "schema/store.h"
#include "sql.h"

struct shard {
	struct db *db;
	int64_t version; /* of the file, once looked at */
	bool writing;
	bool in_transaction;
	uint64_t full_rows; /* 0: by SEGMENT_MIN_ROWS and SEGMENT_SHARE */
	struct segments segments;
	struct sources sources;
	size_t next_index; /* of the segment being sealed */
	struct segment_inserter *inserter;
	struct stmt *insert_packet, *update_segment;
	struct address_build address;
	char *import_key; /* what shard_note_import said; NULL: nothing */
	uint64_t import_n;
	struct stmt *add_minute[N_MINUTE_KINDS]; /* by kind; NULL: not ready */
};

/* ---- what is in the file ---- */

static int
load(struct shard *s, struct err *err)
{
	int rc = segments_load(&s->segments, s->db, s->version, err);

	if (rc == 0)
		rc = sources_load(&s->sources, s->db, err);
	return rc;
}

/*
 * Whether the file is a shard of ours. Version 0: an empty database, which the
 * writer is just about to fill.
 */
static int
check_identity(struct shard *s, struct err *err)
{
	return db_check_identity(s->db, SHARD_APPLICATION_ID, SHARD_VERSION,
	    "one of weir's", &s->version, err);
}

/* ---- writing ---- */

/* The one that takes rows, if it is not sealed; there is one at least. */
static struct segment *
last_segment(const struct shard *s)
{
	return &s->segments.segment[s->segments.n - 1];
}

/* Inside a transaction: a new, empty live segment behind the others. */
static int
add_segment(struct shard *s, struct err *err)
{
	segment_inserter_clear(s->inserter);
	return segments_add(&s->segments, s->db, err);
}

static int
create_tables(struct shard *s, struct err *err)
{
	int rc = db_exec(s->db, "BEGIN IMMEDIATE", err);

	if (rc != 0)
		return rc;
	if ((rc = db_exec(s->db, sql_create_shard, err)) != 0 ||
	    (rc = add_segment(s, err)) != 0 ||
	    (rc = db_exec(s->db, sql_create_flows_text, err)) != 0 ||
	    (rc = db_mark(s->db, SHARD_APPLICATION_ID, SHARD_VERSION, err)) !=
		0 ||
	    (rc = db_exec(s->db, "COMMIT", err)) != 0)
		db_try(s->db, "ROLLBACK");
	else
		s->version = SHARD_VERSION;
	return rc;
}

static int
make_views(void *arg, struct err *err)
{
	struct shard *s = arg;
	int rc = segments_load(&s->segments, s->db, SHARD_VERSION, err);

	if (rc == 0)
		rc = segments_make_view(&s->segments, s->db, err);
	return rc != 0 ? rc : db_exec(s->db, sql_create_flows_text, err);
}

static int
migrate_shard(struct shard *s, struct err *err)
{
	static const struct migration steps[] = {
	    {2, sql_migrate_shard_2},
	    {3, sql_migrate_shard_3},
	};
	int rc = migrate(
	    s->db, s->version, steps, ARRAY_LEN(steps), make_views, s, err);

	if (rc == 0)
		s->version = SHARD_VERSION;
	return rc;
}

/* A finished day is read-only; adding to it makes it writable again. */
static void
allow_writing(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return;
	if ((st.st_mode & S_IWUSR) == 0)
		(void)chmod(path, st.st_mode | S_IWUSR);
	(void)utimensat(AT_FDCWD, path, NULL, 0);
}

/* Before anything is changed in a file that may not be ours to change. */
static int
check_before_writing(const char *path, struct err *err)
{
	struct shard *s;
	int rc;

	if (access(path, F_OK) != 0)
		return 0;
	if ((rc = shard_open_read(&s, path, err)) != 0)
		return rc;
	rc = check_identity(s, err);
	shard_close(s);
	return rc;
}

/*
 * Whoever removes old days goes by the file's mode and by when it was touched:
 * of him and us one comes first, and when the day is gone we begin a fresh one.
 */
static int
begin_using(const char *path, struct err *err)
{
	int hold_fd, rc;

	if (access(path, F_OK) != 0)
		return 0;
	if ((rc = store_hold_shards(&hold_fd, path, err)) != 0)
		return rc;
	if ((rc = check_before_writing(path, err)) == 0)
		allow_writing(path);
	close(hold_fd);
	return rc;
}

int
shard_open_write(
    struct shard **out, const char *path, uint64_t full_rows, struct err *err)
{
	struct shard *s;
	int rc = begin_using(path, err);

	if (rc != 0)
		return rc;
	s = xcalloc(1, sizeof *s);
	s->writing = true;
	s->full_rows = full_rows;
	if ((rc = db_open(&s->db, path, DB_CREATE, err)) != 0 ||
	    (rc = segment_inserter_new(&s->inserter, s->db, err)) != 0 ||
	    (rc = check_identity(s, err)) != 0 ||
	    (rc = s->version == 0 ? create_tables(s, err)
				  : migrate_shard(s, err)) != 0 ||
	    (rc = load(s, err)) != 0 ||
	    (rc = db_prepare(
		 s->db, sql_insert_packet, &s->insert_packet, err)) != 0 ||
	    (rc = segment_prepare_update(&s->update_segment, s->db, err)) !=
		0) {
		shard_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

static uint64_t
rows_to_fill(const struct shard *s)
{
	uint64_t share = s->segments.n_flows / SEGMENT_SHARE;

	if (s->full_rows > 0)
		return s->full_rows;
	return share > SEGMENT_MIN_ROWS ? share : SEGMENT_MIN_ROWS;
}

/*
 * Make the last segment one that takes rows. One that was sealed because the
 * day was over, and is not full, takes late ones with its indexes: that is
 * slower, but a day of a thousand imports has no thousand segments.
 */
static int
ensure_live_segment(struct shard *s, struct err *err)
{
	int rc;

	if (s->segments.n == 0 || last_segment(s)->layout != SEGMENT_LAYOUT ||
	    last_segment(s)->n_flows >= rows_to_fill(s)) {
		if (s->segments.n > 0 && (rc = segment_store(last_segment(s),
					      s->update_segment, err)) != 0)
			return rc;
		if ((rc = add_segment(s, err)) != 0)
			return rc;
	}
	return 0;
}

static int
insert_packet(
    struct shard *s, const struct packet *p, int64_t source_id, struct err *err)
{
	const struct segment *g = last_segment(s);
	const int64_t values[] = {g->id, (int64_t)g->n_flows + 1, p->n_flows,
	    source_id, p->received_ms, p->unix_secs, p->unix_nsecs,
	    p->uptime_ms, p->sequence};

	if (p->no_header)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		stmt_set_int(s->insert_packet, (int)i + 1, values[i]);
	if (p->no_sequence)
		stmt_set_null(s->insert_packet, (int)ARRAY_LEN(values));
	return stmt_run(s->insert_packet, err);
}

/* Back to what was committed last, in the file and in memory. */
void
shard_roll_back(struct shard *s)
{
	struct err ignored;

	if (!s->in_transaction)
		return;
	segment_inserter_clear(s->inserter);
	db_try(s->db, "ROLLBACK");
	s->in_transaction = false;
	free(s->import_key);
	s->import_key = NULL;
	if (load(s, &ignored) != 0) {
		s->segments.n = 0;
		sources_clear(&s->sources);
	}
}

static int
undo(struct shard *s, int rc)
{
	shard_roll_back(s);
	return rc;
}

static int
begin_writing(struct shard *s, struct err *err)
{
	int rc;

	assert(s->writing);
	if (s->in_transaction)
		return 0;
	if ((rc = db_exec(s->db, "BEGIN IMMEDIATE", err)) == 0)
		s->in_transaction = true;
	return rc;
}

int
shard_append(struct shard *s, const struct packet *p, const struct flow *flows,
    struct err *err)
{
	struct segment *g;
	int64_t source_id;
	int rc;

	if ((rc = begin_writing(s, err)) != 0)
		return rc;
	if ((rc = ensure_live_segment(s, err)) != 0 ||
	    (rc = sources_find(
		 &s->sources, s->db, &p->source, &source_id, err)) != 0 ||
	    (rc = insert_packet(s, p, source_id, err)) != 0)
		return undo(s, rc);
	address_build_release(&s->address);
	g = last_segment(s);
	rc = segment_insert(g, s->inserter, flows, p->n_flows, source_id, err);
	if (rc != 0)
		return undo(s, rc);
	s->segments.n_flows += p->n_flows;
	return 0;
}

int
shard_add_minute(struct shard *s, const struct minute_row *row, struct err *err)
{
	struct stmt **q = &s->add_minute[row->kind];
	int rc;

	if ((rc = begin_writing(s, err)) != 0)
		return rc;
	/* After a failure to roll back: shard_commit needs a segment. */
	if (s->segments.n == 0 && (rc = ensure_live_segment(s, err)) != 0)
		return undo(s, rc);
	if (*q == NULL &&
	    (rc = db_prepare(s->db, minute_insert_sql(row->kind), q, err)) != 0)
		return undo(s, rc);
	minute_bind(*q, row);
	rc = stmt_run(*q, err);
	return rc != 0 ? undo(s, rc) : 0;
}

void
shard_note_import(struct shard *s, const char *key, uint64_t n)
{
	assert(s->in_transaction);
	if (s->import_key == NULL || strcmp(s->import_key, key) != 0) {
		free(s->import_key);
		s->import_key = xstrdup(key);
	}
	s->import_n = n;
}

static int
store_import(struct shard *s, struct err *err)
{
	struct stmt *q = NULL;
	int rc;

	if (s->import_key == NULL)
		return 0;
	if ((rc = db_prepare(s->db, sql_upsert_import, &q, err)) != 0)
		return rc;
	stmt_bind_text(q, ":key", s->import_key);
	stmt_bind_int(q, ":n_datagrams", (int64_t)s->import_n);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

int
shard_imported(struct shard *s, const char *key, uint64_t *n, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(s->db, sql_select_import, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":key", key);
	rc = stmt_step(q, err);
	*n = rc == 1 ? (uint64_t)stmt_int(q, 0) : 0;
	stmt_finalize(q);
	return rc < 0 ? rc : 0;
}

/* A checkpoint syncs the WAL first: see PRAGMA synchronous. */
int
shard_sync(struct shard *s, struct err *err)
{
	return db_exec(s->db, "PRAGMA wal_checkpoint(PASSIVE)", err);
}

int
shard_commit(struct shard *s, struct err *err)
{
	int rc;

	if (!s->in_transaction)
		return 0;
	if ((rc = store_import(s, err)) != 0 ||
	    (rc = segment_store(last_segment(s), s->update_segment, err)) !=
		0 ||
	    (rc = db_exec(s->db, "COMMIT", err)) != 0)
		return undo(s, rc);
	s->in_transaction = false;
	free(s->import_key);
	s->import_key = NULL;
	return 0;
}

/* Seal the oldest unsealed segment of the first n. */
static int
seal_step(struct shard *s, size_t n, struct err *err)
{
	struct segment *g = s->segments.segment;
	int rc;

	assert(!s->in_transaction);
	while (n > 0 && g->sealed) {
		g++;
		n--;
	}
	if (n == 0)
		return 0;
	if (segment_index_column(s->next_index) != NULL) {
		if ((rc = segment_index(g, s->db, s->next_index, err)) != 0)
			return rc;
		s->next_index++;
		return 1;
	}
	if ((rc = segment_mark_sealed(g, s->db, s->update_segment, err)) != 0)
		return rc;
	s->next_index = 0;
	return 1;
}

int
shard_seal_step(struct shard *s, struct err *err)
{
	size_t n = s->segments.n;

	if (n > 0 && last_segment(s)->n_flows < rows_to_fill(s))
		n--;
	return seal_step(s, n, err);
}

/* One file, that needs no write access to its folder to be opened. Best
 * effort: readers that are at it keep the WAL in place. */
static int
leave_wal(struct shard *s, struct err *err)
{
	int64_t ignored;

	if (s->inserter != NULL)
		segment_inserter_clear(s->inserter);
	stmt_finalize(s->insert_packet);
	stmt_finalize(s->update_segment);
	for (size_t i = 0; i < ARRAY_LEN(s->add_minute); i++) {
		stmt_finalize(s->add_minute[i]);
		s->add_minute[i] = NULL;
	}
	s->insert_packet = s->update_segment = NULL;
	return db_get_int(
	    s->db, "PRAGMA journal_mode = DELETE", 0, &ignored, err);
}

int
shard_finish_step(struct shard *s, struct err *err)
{
	int rc = shard_commit(s, err);

	if (rc != 0 || (rc = seal_step(s, s->segments.n, err)) != 0 ||
	    (rc = address_build_step(&s->address, s->db, &s->segments, err)) !=
		0 ||
	    (rc = leave_wal(s, err)) != 0)
		return rc;
	if (chmod(shard_path(s), 0444) != 0)
		return err_sys(err, "%s: chmod", shard_path(s));
	return 0;
}

int
shard_finish(struct shard *s, struct err *err)
{
	int rc;

	while ((rc = shard_finish_step(s, err)) == 1)
		continue;
	return rc;
}

/* ---- repairing ---- */

int
shard_add_segment(struct shard *s, struct err *err)
{
	int rc = begin_writing(s, err);

	if (rc == 0 && (rc = add_segment(s, err)) != 0)
		return undo(s, rc);
	return rc != 0 ? rc : shard_commit(s, err);
}

static int
mend_segment(struct shard *s, struct segment *g, struct err *err)
{
	int rc = segment_recount(g, s->db, err);

	g->in_address = false;
	if (rc == 0)
		rc = segment_store(g, s->update_segment, err);
	for (size_t i = 0;
	     rc == 0 && g->sealed && segment_index_column(i) != NULL; i++)
		rc = segment_index(g, s->db, i, err);
	return rc;
}

int
shard_mend(struct shard *s, struct err *err)
{
	int rc = begin_writing(s, err);

	if (rc == 0)
		rc = db_exec(s->db, "DELETE FROM address", err);
	for (size_t i = 0; i < s->segments.n && rc == 0; i++)
		rc = mend_segment(s, &s->segments.segment[i], err);
	return rc != 0 ? undo(s, rc) : shard_commit(s, err);
}

/* ---- reading ---- */

int
shard_open_read(struct shard **out, const char *path, struct err *err)
{
	struct shard *s = xcalloc(1, sizeof *s);
	int rc = db_open(&s->db, path, DB_READ, err);

	if (rc != 0) {
		shard_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int
shard_begin_read(struct shard *s, struct err *err)
{
	int rc;

	if ((rc = db_exec(s->db, "BEGIN", err)) != 0)
		return rc;
	s->in_transaction = true;
	if ((rc = check_identity(s, err)) != 0 ||
	    (s->version > 0 && (rc = load(s, err)) != 0))
		shard_end_read(s);
	return rc;
}

void
shard_end_read(struct shard *s)
{
	if (s->in_transaction)
		db_try(s->db, "COMMIT");
	s->in_transaction = false;
}

int64_t
shard_version(const struct shard *s)
{
	return s->version;
}

const struct segment *
shard_segments(const struct shard *s, size_t *n)
{
	*n = s->segments.n;
	return s->segments.segment;
}

const struct source *
shard_sources(const struct shard *s, size_t *n)
{
	*n = s->sources.n;
	return s->sources.source;
}

/* ---- both ---- */

void
shard_close(struct shard *s)
{
	if (s == NULL)
		return;
	if (s->db != NULL && s->in_transaction)
		db_try(s->db, "ROLLBACK");
	if (s->db != NULL && s->writing)
		(void)leave_wal(s, NULL);
	segment_inserter_free(s->inserter);
	db_close(s->db);
	segments_release(&s->segments);
	sources_release(&s->sources);
	address_build_release(&s->address);
	free(s->import_key);
	free(s);
}

struct db *
shard_db(struct shard *s)
{
	return s->db;
}

const char *
shard_path(const struct shard *s)
{
	return db_path(s->db);
}
