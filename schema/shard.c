/* SPDX-License-Identifier: ISC */
/*
 * One day's flows in one SQLite file: see shard.h. Owns the tables source,
 * segment, packet and flow_NNNN and the views; which day a flow belongs to and
 * when to commit are the writer's business.
 *
 * Why segments: six indexes on one growing table cost more the larger it is
 * (45 k flows/s after a million rows), since every commit dirties most index
 * pages; rows appended to an unindexed table whose indexes are sorted in one
 * go stay at five times that, at any size.
 */
#include "schema/shard.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/minute.h"
#include "sql.h"

struct shard {
	struct db *db;
	bool writing;
	bool in_transaction;
	uint64_t full_rows; /* 0: by SEGMENT_MIN_ROWS and SEGMENT_SHARE */
	uint64_t n_flows;   /* of all segments */
	struct segment *segment;
	size_t n_segments, cap_segments;
	struct source *source; /* [id - 1] */
	size_t n_sources, cap_sources;
	size_t last_source;       /* the one used last is mostly the next one */
	size_t next_index;        /* of the segment being sealed */
	struct stmt *insert_flow; /* into the live segment; NULL: not ready */
	struct stmt *insert_packet, *update_segment;
	char *import_key; /* what shard_note_import said; NULL: nothing */
	uint64_t import_n;
	struct stmt *add_minute[2]; /* by kind; NULL: not ready */
};

/* What a sealed segment is searched by. */
static const char *const index_columns[] = {
    "end_ms", "src_addr", "dst_addr", "src_port", "dst_port", "tcp_flags"};

/* An SQL template with NNNN and COLUMN replaced; free() the result. */
static char *
expand(const char *template, uint32_t segment_id, const char *column)
{
	struct buf out;

	buf_init(&out, 65536);
	while (*template != '\0') {
		if (strncmp(template, "NNNN", 4) == 0) {
			buf_printf(&out, "%04u", segment_id);
			template += 4;
		} else if (strncmp(template, "COLUMN", 6) == 0) {
			buf_puts(&out, column);
			template += 6;
		} else {
			buf_put(&out, template ++, 1);
		}
	}
	assert(!out.overflow);
	return out.data;
}

static int
exec_template(struct shard *s, const char *template, uint32_t segment_id,
    const char *column, struct err *err)
{
	char *sql = expand(template, segment_id, column);
	int rc = db_exec(s->db, sql, err);

	free(sql);
	return rc;
}

/* ---- what is in the file ---- */

static void
read_segment(struct shard *s, struct stmt *q)
{
	struct segment g = {
	    .id = (uint32_t)stmt_int(q, 0),
	    .n_flows = (uint64_t)stmt_int(q, 1),
	    .min_start_ms = stmt_int(q, 2),
	    .max_start_ms = stmt_int(q, 3),
	    .min_end_ms = stmt_int(q, 4),
	    .max_end_ms = stmt_int(q, 5),
	    .max_duration_ms = stmt_int(q, 6),
	    .sealed = stmt_int(q, 7) != 0,
	};

	s->segment =
	    xgrow(s->segment, s->n_segments, &s->cap_segments, sizeof g);
	s->segment[s->n_segments++] = g;
	s->n_flows += g.n_flows;
}

static void
read_source(struct shard *s, struct stmt *q)
{
	struct source src = {
	    .engine_type = (uint8_t)stmt_int(q, 2),
	    .engine_id = (uint8_t)stmt_int(q, 3),
	    .sampling = (uint16_t)stmt_int(q, 4),
	};

	if (!addr_parse(stmt_text(q, 1), &src.exporter))
		src.exporter = (struct addr){0};
	s->source = xgrow(s->source, s->n_sources, &s->cap_sources, sizeof src);
	s->source[s->n_sources++] = src;
}

static int
for_each_row(struct shard *s, const char *sql,
    void (*row)(struct shard *, struct stmt *), struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(s->db, sql, &q, err);

	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1)
		row(s, q);
	stmt_finalize(q);
	return rc;
}

static int
load(struct shard *s, struct err *err)
{
	int rc;

	s->n_segments = s->n_sources = s->last_source = 0;
	s->n_flows = 0;
	rc = for_each_row(s, sql_select_segments, read_segment, err);
	if (rc == 0)
		rc = for_each_row(s, sql_select_sources, read_source, err);
	return rc;
}

/*
 * Whether the file is a shard of ours. *version 0: an empty database, which
 * the writer is just about to fill.
 */
static int
check_identity(struct shard *s, int64_t *version, struct err *err)
{
	return db_check_identity(s->db, SHARD_APPLICATION_ID, SHARD_VERSION,
	    "one of weir's", version, err);
}

/* ---- writing ---- */

static int
bind_and_store_segment(
    struct shard *s, const struct segment *g, struct err *err)
{
	struct stmt *q = s->update_segment;

	stmt_bind_int(q, ":id", g->id);
	stmt_bind_int(q, ":sealed", g->sealed);
	stmt_bind_int(q, ":n_flows", (int64_t)g->n_flows);
	stmt_bind_int(q, ":min_start_ms", g->min_start_ms);
	stmt_bind_int(q, ":max_start_ms", g->max_start_ms);
	stmt_bind_int(q, ":min_end_ms", g->min_end_ms);
	stmt_bind_int(q, ":max_end_ms", g->max_end_ms);
	stmt_bind_int(q, ":max_duration_ms", g->max_duration_ms);
	return stmt_run(q, err);
}

static int
create_flows_view(struct shard *s, struct err *err)
{
	struct buf sql;
	int rc;

	buf_init(&sql, 1 << 20);
	buf_puts(&sql, "DROP VIEW IF EXISTS flows;\n"
		       "CREATE VIEW flows AS\n"
		       "-- All flows of this day; see table flow_0001.\n");
	for (size_t i = 0; i < s->n_segments; i++) {
		char *arm = expand(sql_view_flows_arm, s->segment[i].id, "");

		buf_printf(&sql, "%s%s", i > 0 ? "UNION ALL\n" : "", arm);
		free(arm);
	}
	assert(!sql.overflow);
	rc = db_exec(s->db, buf_str(&sql), err);
	buf_release(&sql);
	return rc;
}

/* Inside a transaction: a new, empty live segment behind the others. */
static int
add_segment(struct shard *s, struct err *err)
{
	struct segment g = {.id = (uint32_t)s->n_segments + 1};
	int rc = exec_template(s, sql_create_segment, g.id, "", err);

	if (rc != 0)
		return rc;
	s->segment =
	    xgrow(s->segment, s->n_segments, &s->cap_segments, sizeof g);
	s->segment[s->n_segments++] = g;
	stmt_finalize(s->insert_flow);
	s->insert_flow = NULL;
	return create_flows_view(s, err);
}

static int
create_tables(struct shard *s, struct err *err)
{
	char pragmas[80];
	int rc;

	snprintf(pragmas, sizeof pragmas,
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    SHARD_APPLICATION_ID, SHARD_VERSION);
	if ((rc = db_exec(s->db, "BEGIN IMMEDIATE", err)) != 0)
		return rc;
	if ((rc = db_exec(s->db, sql_create_shard, err)) != 0 ||
	    (rc = add_segment(s, err)) != 0 ||
	    (rc = db_exec(s->db, sql_create_flows_text, err)) != 0 ||
	    (rc = db_exec(s->db, pragmas, err)) != 0 ||
	    (rc = db_exec(s->db, "COMMIT", err)) != 0)
		db_try(s->db, "ROLLBACK");
	return rc;
}

/* A finished day is read-only; adding to it makes it writable again. */
static void
allow_writing(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWUSR) == 0)
		(void)chmod(path, st.st_mode | S_IWUSR);
}

/* A writer was killed while it changed the file: only one that writes can
 * take that back, whoever else opens it is refused. */
static bool
needs_roll_back(const char *path)
{
	char *journal = xasprintf("%s-journal", path);
	bool there = access(journal, F_OK) == 0;

	free(journal);
	return there;
}

/* Before anything is changed in a file that may not be ours to change. */
static int
check_before_writing(const char *path, struct err *err)
{
	struct shard *s;
	int64_t version;
	int rc;

	if (access(path, F_OK) != 0 || needs_roll_back(path))
		return 0;
	if ((rc = shard_open_read(&s, path, err)) != 0)
		return rc;
	rc = check_identity(s, &version, err);
	shard_close(s);
	return rc;
}

int
shard_open_write(
    struct shard **out, const char *path, uint64_t full_rows, struct err *err)
{
	struct shard *s;
	int64_t version;
	int rc = check_before_writing(path, err);

	if (rc != 0)
		return rc;
	s = xcalloc(1, sizeof *s);
	s->writing = true;
	s->full_rows = full_rows;
	allow_writing(path);
	if ((rc = db_open(&s->db, path, DB_CREATE, err)) != 0 ||
	    (rc = check_identity(s, &version, err)) != 0 ||
	    (version == 0 && (rc = create_tables(s, err)) != 0) ||
	    (rc = load(s, err)) != 0 ||
	    (rc = db_prepare(
		 s->db, sql_insert_packet, &s->insert_packet, err)) != 0 ||
	    (rc = db_prepare(
		 s->db, sql_update_segment, &s->update_segment, err)) != 0) {
		shard_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

static uint64_t
rows_to_fill(const struct shard *s)
{
	uint64_t share = s->n_flows / SEGMENT_SHARE;

	if (s->full_rows > 0)
		return s->full_rows;
	return share > SEGMENT_MIN_ROWS ? share : SEGMENT_MIN_ROWS;
}

/* Make the last segment one that takes rows. */
static int
ensure_live_segment(struct shard *s, struct err *err)
{
	const struct segment *last = &s->segment[s->n_segments - 1];
	char *sql;
	int rc;

	if (s->n_segments == 0 || last->sealed ||
	    last->n_flows >= rows_to_fill(s)) {
		if (s->n_segments > 0 &&
		    (rc = bind_and_store_segment(s, last, err)) != 0)
			return rc;
		if ((rc = add_segment(s, err)) != 0)
			return rc;
	}
	if (s->insert_flow != NULL)
		return 0;
	sql = expand(sql_insert_flow, s->segment[s->n_segments - 1].id, "");
	rc = db_prepare(s->db, sql, &s->insert_flow, err);
	free(sql);
	return rc;
}

static bool
same_source(const struct source *a, const struct source *b)
{
	return a->engine_id == b->engine_id &&
	       a->engine_type == b->engine_type && a->sampling == b->sampling &&
	       addr_equal(&a->exporter, &b->exporter);
}

static int
add_source(struct shard *s, const struct source *src, struct err *err)
{
	char text[ADDR_TEXT_LEN];
	struct stmt *q = NULL;
	int rc = db_prepare(s->db, sql_insert_source, &q, err);

	if (rc != 0)
		return rc;
	addr_format(&src->exporter, text);
	stmt_bind_text(q, ":exporter", text);
	stmt_bind_int(q, ":engine_type", src->engine_type);
	stmt_bind_int(q, ":engine_id", src->engine_id);
	stmt_bind_int(q, ":sampling", src->sampling);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	if (rc != 0)
		return rc;
	s->source =
	    xgrow(s->source, s->n_sources, &s->cap_sources, sizeof *src);
	s->source[s->n_sources++] = *src;
	return 0;
}

/* *id is the row of table source, made if new. */
static int
find_source(
    struct shard *s, const struct source *src, int64_t *id, struct err *err)
{
	int rc;

	if (s->last_source >= s->n_sources ||
	    !same_source(&s->source[s->last_source], src)) {
		size_t i = 0;

		while (i < s->n_sources && !same_source(&s->source[i], src))
			i++;
		if (i == s->n_sources && (rc = add_source(s, src, err)) != 0)
			return rc;
		s->last_source = i;
	}
	*id = (int64_t)s->last_source + 1;
	return 0;
}

static int
insert_packet(
    struct shard *s, const struct packet *p, int64_t source_id, struct err *err)
{
	const struct segment *g = &s->segment[s->n_segments - 1];
	const int64_t values[] = {g->id, (int64_t)g->n_flows + 1, p->n_flows,
	    source_id, p->received_ms, p->unix_secs, p->unix_nsecs,
	    p->uptime_ms, p->sequence};

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		stmt_set_int(s->insert_packet, (int)i + 1, values[i]);
	if (p->no_sequence)
		stmt_set_null(s->insert_packet, (int)ARRAY_LEN(values));
	return stmt_run(s->insert_packet, err);
}

static void
widen_bounds(struct segment *g, const struct flow *f)
{
	if (g->n_flows == 0 || f->start_ms < g->min_start_ms)
		g->min_start_ms = f->start_ms;
	if (g->n_flows == 0 || f->start_ms > g->max_start_ms)
		g->max_start_ms = f->start_ms;
	if (g->n_flows == 0 || f->end_ms < g->min_end_ms)
		g->min_end_ms = f->end_ms;
	if (g->n_flows == 0 || f->end_ms > g->max_end_ms)
		g->max_end_ms = f->end_ms;
	if (f->end_ms - f->start_ms > g->max_duration_ms)
		g->max_duration_ms = f->end_ms - f->start_ms;
}

/* Values in the order of the columns of table flow_NNNN. */
static int
insert_flow(
    struct shard *s, const struct flow *f, int64_t source_id, struct err *err)
{
	struct segment *g = &s->segment[s->n_segments - 1];
	const int64_t values[] = {(int64_t)g->n_flows + 1, source_id,
	    f->src_addr, f->dst_addr, f->next_hop, f->input_if, f->output_if,
	    f->packets, f->octets, f->end_ms - f->start_ms, f->end_ms,
	    f->src_port, f->dst_port, f->tcp_flags, f->protocol, f->tos,
	    f->src_as, f->dst_as, f->src_mask, f->dst_mask, f->quirks};
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		stmt_set_int(s->insert_flow, (int)i + 1, values[i]);
	if ((rc = stmt_run(s->insert_flow, err)) != 0)
		return rc;
	widen_bounds(g, f);
	g->n_flows++;
	s->n_flows++;
	return 0;
}

/* Back to what was committed last, in the file and in memory. */
void
shard_roll_back(struct shard *s)
{
	struct err ignored;

	if (!s->in_transaction)
		return;
	stmt_finalize(s->insert_flow);
	s->insert_flow = NULL;
	db_try(s->db, "ROLLBACK");
	s->in_transaction = false;
	free(s->import_key);
	s->import_key = NULL;
	if (load(s, &ignored) != 0)
		s->n_segments = s->n_sources = 0;
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
	int64_t source_id;
	int rc;

	if ((rc = begin_writing(s, err)) != 0)
		return rc;
	if ((rc = ensure_live_segment(s, err)) != 0 ||
	    (rc = find_source(s, &p->source, &source_id, err)) != 0 ||
	    (rc = insert_packet(s, p, source_id, err)) != 0)
		return undo(s, rc);
	for (size_t i = 0; i < p->n_flows; i++)
		if ((rc = insert_flow(s, &flows[i], source_id, err)) != 0)
			return undo(s, rc);
	return 0;
}

int
shard_add_minute(struct shard *s, const struct minute_row *row, struct err *err)
{
	static const char *const sql[] = {
	    [MINUTE_OF_SOURCE] = sql_add_minute,
	    [MINUTE_OF_COLLECTOR] = sql_add_collector_minute,
	};
	struct stmt **q = &s->add_minute[row->kind];
	int rc;

	if ((rc = begin_writing(s, err)) != 0)
		return rc;
	/* After a failure to roll back: shard_commit needs a segment. */
	if (s->n_segments == 0 && (rc = ensure_live_segment(s, err)) != 0)
		return undo(s, rc);
	if (*q == NULL && (rc = db_prepare(s->db, sql[row->kind], q, err)) != 0)
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
	    (rc = bind_and_store_segment(
		 s, &s->segment[s->n_segments - 1], err)) != 0 ||
	    (rc = db_exec(s->db, "COMMIT", err)) != 0)
		return undo(s, rc);
	s->in_transaction = false;
	free(s->import_key);
	s->import_key = NULL;
	return 0;
}

/* The statistics tell SQLite's planner which index is the narrow one. */
static int
mark_sealed(struct shard *s, struct segment *g, struct err *err)
{
	int rc;

	if ((rc = db_exec(s->db, "BEGIN IMMEDIATE", err)) != 0)
		return rc;
	g->sealed = true;
	if ((rc = db_exec(s->db, "PRAGMA analysis_limit = 1000", err)) != 0 ||
	    (rc = exec_template(s, "ANALYZE flow_NNNN", g->id, "", err)) != 0 ||
	    (rc = bind_and_store_segment(s, g, err)) != 0 ||
	    (rc = db_exec(s->db, "COMMIT", err)) != 0) {
		g->sealed = false;
		db_try(s->db, "ROLLBACK");
	}
	return rc;
}

/* Seal the oldest unsealed segment of the first n. */
static int
seal_step(struct shard *s, size_t n, struct err *err)
{
	struct segment *g = s->segment;
	int rc;

	assert(!s->in_transaction);
	while (n > 0 && g->sealed) {
		g++;
		n--;
	}
	if (n == 0)
		return 0;
	if (s->next_index < ARRAY_LEN(index_columns)) {
		rc = exec_template(s, sql_create_index, g->id,
		    index_columns[s->next_index], err);
		if (rc != 0)
			return rc;
		s->next_index++;
		return 1;
	}
	if ((rc = mark_sealed(s, g, err)) != 0)
		return rc;
	s->next_index = 0;
	return 1;
}

int
shard_seal_step(struct shard *s, struct err *err)
{
	size_t n = s->n_segments;

	if (n > 0 && s->segment[n - 1].n_flows < rows_to_fill(s))
		n--;
	return seal_step(s, n, err);
}

/* One file, that needs no write access to its folder to be opened. Best
 * effort: readers that are at it keep the WAL in place. */
static int
leave_wal(struct shard *s, struct err *err)
{
	int64_t ignored;

	stmt_finalize(s->insert_flow);
	stmt_finalize(s->insert_packet);
	stmt_finalize(s->update_segment);
	for (size_t i = 0; i < ARRAY_LEN(s->add_minute); i++) {
		stmt_finalize(s->add_minute[i]);
		s->add_minute[i] = NULL;
	}
	s->insert_flow = s->insert_packet = s->update_segment = NULL;
	return db_get_int(
	    s->db, "PRAGMA journal_mode = DELETE", 0, &ignored, err);
}

int
shard_finish(struct shard *s, struct err *err)
{
	int rc = shard_commit(s, err);

	if (rc != 0)
		return rc;
	while ((rc = seal_step(s, s->n_segments, err)) == 1)
		continue;
	if (rc != 0 || (rc = leave_wal(s, err)) != 0)
		return rc;
	if (chmod(shard_path(s), 0444) != 0)
		return err_sys(err, "%s: chmod", shard_path(s));
	return 0;
}

/* ---- repairing ---- */

const char *
shard_index_column(size_t i)
{
	return i < ARRAY_LEN(index_columns) ? index_columns[i] : NULL;
}

int
shard_add_segment(struct shard *s, struct err *err)
{
	int rc = begin_writing(s, err);

	if (rc == 0 && (rc = add_segment(s, err)) != 0)
		return undo(s, rc);
	return rc != 0 ? rc : shard_commit(s, err);
}

static int
recount(struct shard *s, struct segment *g, struct err *err)
{
	char *sql = expand(sql_count_segment, g->id, "");
	struct stmt *q = NULL;
	int rc = db_prepare(s->db, sql, &q, err);

	free(sql);
	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		g->n_flows = (uint64_t)stmt_int(q, 0);
		g->min_start_ms = stmt_int(q, 1);
		g->max_start_ms = stmt_int(q, 2);
		g->min_end_ms = stmt_int(q, 3);
		g->max_end_ms = stmt_int(q, 4);
		g->max_duration_ms = stmt_int(q, 5);
		rc = 0;
	}
	stmt_finalize(q);
	return rc != 0 ? rc : bind_and_store_segment(s, g, err);
}

static int
create_indexes(struct shard *s, const struct segment *g, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(index_columns) && rc == 0; i++)
		rc = exec_template(
		    s, sql_create_index, g->id, index_columns[i], err);
	return rc;
}

int
shard_mend(struct shard *s, struct err *err)
{
	int rc = begin_writing(s, err);

	for (size_t i = 0; i < s->n_segments && rc == 0; i++) {
		struct segment *g = &s->segment[i];

		rc = recount(s, g, err);
		if (g->sealed && rc == 0)
			rc = create_indexes(s, g, err);
	}
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
	int64_t version;
	int rc;

	if ((rc = db_exec(s->db, "BEGIN", err)) != 0)
		return rc;
	s->in_transaction = true;
	if ((rc = check_identity(s, &version, err)) != 0 ||
	    (version > 0 && (rc = load(s, err)) != 0))
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

const struct segment *
shard_segments(const struct shard *s, size_t *n)
{
	*n = s->n_segments;
	return s->segment;
}

const struct source *
shard_sources(const struct shard *s, size_t *n)
{
	*n = s->n_sources;
	return s->source;
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
	db_close(s->db);
	free(s->segment);
	free(s->source);
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
