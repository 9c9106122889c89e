/* SPDX-License-Identifier: ISC */
/* Tables of flows and what is known of each: see segment.h. */
#include "schema/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "sql.h"

enum { SQL_MAX = 65536, VIEW_MAX = 1 << 20 };

static const char *const index_columns[] = {
    "end_ms", "src_addr", "dst_addr", "src_port", "dst_port", "tcp_flags"};

const char *
segment_index_column(size_t i)
{
	return i < ARRAY_LEN(index_columns) ? index_columns[i] : NULL;
}

char *
segment_sql(const char *template, uint32_t id, const char *column)
{
	struct buf out;

	buf_init(&out, SQL_MAX);
	while (*template != '\0') {
		if (strncmp(template, "NNNN", 4) == 0) {
			buf_printf(&out, "%04u", id);
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

/* ---- columns ---- */

static const char *const columns[N_FLOW_COLUMNS] = {
    [COL_EXPORTER] = "f.source_id",
    [COL_SRC_ADDR] = "f.src_addr",
    [COL_DST_ADDR] = "f.dst_addr",
    [COL_NEXT_HOP] = "f.next_hop",
    [COL_INPUT_IF] = "f.input_if",
    [COL_OUTPUT_IF] = "f.output_if",
    [COL_PACKETS] = "f.packets",
    [COL_OCTETS] = "f.octets",
    [COL_START_MS] = "f.start_ms",
    [COL_END_MS] = "f.end_ms",
    [COL_DURATION_MS] = "f.duration_ms",
    [COL_SRC_PORT] = "f.src_port",
    [COL_DST_PORT] = "f.dst_port",
    [COL_TCP_FLAGS] = "f.tcp_flags",
    [COL_PROTOCOL] = "f.protocol",
    [COL_TOS] = "f.tos",
    [COL_SRC_AS] = "f.src_as",
    [COL_DST_AS] = "f.dst_as",
    [COL_SRC_MASK] = "f.src_mask",
    [COL_DST_MASK] = "f.dst_mask",
    [COL_QUIRKS] = "f.quirks",
};

static const char *const packed[N_FLOW_COLUMNS] = {
    [COL_NEXT_HOP] = "(f.route >> 32 & 4294967295)",
    [COL_INPUT_IF] = "(f.route >> 16 & 65535)",
    [COL_OUTPUT_IF] = "(f.route & 65535)",
    [COL_SRC_AS] = "(f.labels >> 45)",
    [COL_DST_AS] = "(f.labels >> 29 & 65535)",
    [COL_SRC_MASK] = "(f.labels >> 21 & 255)",
    [COL_DST_MASK] = "(f.labels >> 13 & 255)",
    [COL_TOS] = "(f.labels >> 5 & 255)",
    [COL_QUIRKS] = "(f.labels & 31)",
};

const char *
segment_column(unsigned layout, enum flow_column column)
{
	return layout > 1 && packed[column] != NULL ? packed[column]
						    : columns[column];
}

static int64_t
pack_route(const struct flow *f)
{
	return (int64_t)((uint64_t)f->next_hop << 32 |
			 (uint64_t)f->input_if << 16 | f->output_if);
}

static int64_t
pack_labels(const struct flow *f)
{
	return (int64_t)((uint64_t)f->src_as << 45 | (uint64_t)f->dst_as << 29 |
			 (uint64_t)f->src_mask << 21 |
			 (uint64_t)f->dst_mask << 13 | (uint64_t)f->tos << 5 |
			 f->quirks);
}

static int
exec(struct db *db, const char *template, uint32_t id, const char *column,
    struct err *err)
{
	char *sql = segment_sql(template, id, column);
	int rc = db_exec(db, sql, err);

	free(sql);
	return rc;
}

/* ---- all of them ---- */

static void
append(struct segments *s, const struct segment *g)
{
	s->segment = xgrow(s->segment, s->n, &s->cap, sizeof *g);
	s->segment[s->n++] = *g;
	s->n_flows += g->n_flows;
}

int
segments_load(
    struct segments *s, struct db *db, int64_t version, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(db,
	    version > 1 ? sql_select_segments : sql_select_segments_1, &q, err);

	s->n = 0;
	s->n_flows = 0;
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1)
		append(s, &(struct segment){
			      .id = (uint32_t)stmt_int(q, 0),
			      .n_flows = (uint64_t)stmt_int(q, 1),
			      .min_start_ms = stmt_int(q, 2),
			      .max_start_ms = stmt_int(q, 3),
			      .min_end_ms = stmt_int(q, 4),
			      .max_end_ms = stmt_int(q, 5),
			      .max_duration_ms = stmt_int(q, 6),
			      .sealed = stmt_int(q, 7) != 0,
			      .layout = (unsigned)stmt_int(q, 8),
			      .in_address = stmt_int(q, 9) != 0,
			  });
	stmt_finalize(q);
	return rc;
}

void
segments_release(struct segments *s)
{
	free(s->segment);
	*s = (struct segments){0};
}

/* One arm of view flows. The CROSS JOIN keeps the segment as the outer loop, so
 * that conditions on its columns can use its indexes; the CAST lets an
 * expression be compared with '80' as a column is. */
static void
put_arm(struct buf *sql, const struct segment *g)
{
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++) {
		const char *name = flow_columns[c].name;
		const char *column = segment_column(g->layout, c);

		buf_puts(sql, c == 0 ? "SELECT " : ", ");
		if (c == COL_EXPORTER || column == NULL)
			buf_printf(sql, "s.%s", name);
		else if (column[0] == '(')
			buf_printf(sql, "CAST(%s AS INTEGER)", column);
		else
			buf_puts(sql, column);
		buf_printf(sql, " AS %s", name);
	}
	buf_printf(sql,
	    "\nFROM flow_%04u AS f CROSS JOIN source AS s "
	    "ON s.id = f.source_id\n",
	    g->id);
}

int
segments_make_view(const struct segments *s, struct db *db, struct err *err)
{
	struct buf sql;
	int rc;

	buf_init(&sql, VIEW_MAX);
	buf_puts(&sql, "DROP VIEW IF EXISTS flows;\n"
		       "CREATE VIEW flows AS\n"
		       "-- All flows of this day; see table flow_0001.\n");
	for (size_t i = 0; i < s->n; i++) {
		buf_puts(&sql, i > 0 ? "UNION ALL\n" : "");
		put_arm(&sql, &s->segment[i]);
	}
	assert(!sql.overflow);
	rc = db_exec(db, buf_str(&sql), err);
	buf_release(&sql);
	return rc;
}

int
segments_add(struct segments *s, struct db *db, struct err *err)
{
	struct segment g = {.id = (uint32_t)s->n + 1, .layout = SEGMENT_LAYOUT};
	int rc = exec(db, sql_create_segment, g.id, "", err);

	if (rc != 0)
		return rc;
	append(s, &g);
	return segments_make_view(s, db, err);
}

/* ---- rows ---- */

struct segment_inserter {
	struct db *db;
	struct db_giver giver;
	int64_t row[SEGMENT_ROWS_AT_ONCE][DB_GIVE_MAX];
	struct stmt *insert; /* into the segment used last, or NULL */
};

int
segment_inserter_new(
    struct segment_inserter **out, struct db *db, struct err *err)
{
	struct segment_inserter *in = xcalloc(1, sizeof *in);
	int rc;

	in->db = db;
	in->giver.row = (const int64_t(*)[DB_GIVE_MAX])in->row;
	if ((rc = db_set_giver(db, &in->giver, err)) != 0) {
		free(in);
		return rc;
	}
	*out = in;
	return 0;
}

void
segment_inserter_clear(struct segment_inserter *in)
{
	stmt_finalize(in->insert);
	in->insert = NULL;
}

void
segment_inserter_free(struct segment_inserter *in)
{
	if (in == NULL)
		return;
	segment_inserter_clear(in);
	free(in);
}

static int
prepare_insert(
    struct segment_inserter *in, const struct segment *g, struct err *err)
{
	char *sql = segment_sql(sql_insert_flows, g->id, "");
	int rc = db_prepare(in->db, sql, &in->insert, err);

	free(sql);
	return rc;
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

/* In the order of the columns of table flow_NNNN behind the id, which SQLite
 * counts up: rows are numbered from 1 without gaps. */
static void
fill_row(int64_t row[DB_GIVE_MAX], const struct flow *f, int64_t source_id)
{
	const int64_t values[] = {f->src_addr, f->dst_addr, f->octets,
	    f->packets, f->end_ms, f->end_ms - f->start_ms, f->src_port,
	    f->dst_port, f->protocol, f->tcp_flags, source_id, pack_route(f),
	    pack_labels(f)};

	memcpy(row, values, sizeof values);
}

int
segment_insert(struct segment *g, struct segment_inserter *in,
    const struct flow *flows, size_t n, int64_t source_id, struct err *err)
{
	int rc;

	if (in->insert == NULL && (rc = prepare_insert(in, g, err)) != 0)
		return rc;
	assert(n <= SEGMENT_ROWS_AT_ONCE);
	for (size_t i = 0; i < n; i++)
		fill_row(in->row[i], &flows[i], source_id);
	in->giver.n_rows = n;
	if ((rc = stmt_run(in->insert, err)) != 0)
		return rc;
	for (size_t i = 0; i < n; i++) {
		widen_bounds(g, &flows[i]);
		g->n_flows++;
	}
	g->in_address = false;
	return 0;
}

/* ---- table segment ---- */

int
segment_prepare_update(struct stmt **out, struct db *db, struct err *err)
{
	return db_prepare(db, sql_update_segment, out, err);
}

int
segment_store(const struct segment *g, struct stmt *update, struct err *err)
{
	stmt_bind_int(update, ":id", g->id);
	stmt_bind_int(update, ":sealed", g->sealed);
	stmt_bind_int(update, ":n_flows", (int64_t)g->n_flows);
	stmt_bind_int(update, ":min_start_ms", g->min_start_ms);
	stmt_bind_int(update, ":max_start_ms", g->max_start_ms);
	stmt_bind_int(update, ":min_end_ms", g->min_end_ms);
	stmt_bind_int(update, ":max_end_ms", g->max_end_ms);
	stmt_bind_int(update, ":max_duration_ms", g->max_duration_ms);
	stmt_bind_int(update, ":in_address", g->in_address);
	return stmt_run(update, err);
}

int
segment_recount(struct segment *g, struct db *db, struct err *err)
{
	char *sql = segment_sql(sql_count_segment, g->id, "");
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql, &q, err);

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
	return rc;
}

/* ---- sealing ---- */

int
segment_index(const struct segment *g, struct db *db, size_t i, struct err *err)
{
	assert(i < ARRAY_LEN(index_columns));
	return exec(db, sql_create_index, g->id, index_columns[i], err);
}

/* The statistics tell SQLite's planner which index is the narrow one. */
int
segment_mark_sealed(
    struct segment *g, struct db *db, struct stmt *update, struct err *err)
{
	int rc;

	if ((rc = db_exec(db, "BEGIN IMMEDIATE", err)) != 0)
		return rc;
	g->sealed = true;
	if ((rc = db_exec(db, "PRAGMA analysis_limit = 1000", err)) != 0 ||
	    (rc = exec(db, "ANALYZE flow_NNNN", g->id, "", err)) != 0 ||
	    (rc = segment_store(g, update, err)) != 0 ||
	    (rc = db_exec(db, "COMMIT", err)) != 0) {
		g->sealed = false;
		db_try(db, "ROLLBACK");
	}
	return rc;
}
