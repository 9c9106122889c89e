/* SPDX-License-Identifier: ISC */
/*
 * Rows out of a damaged shard: see salvage.h. A range of rows that gives an
 * error is halved until what is damaged stands alone: a page that is lost
 * costs its own rows only. The b-trees are SQLite's business; what its checks
 * of page structure cannot see is not seen here either.
 */
#include "schema/salvage.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "sql.h"

/* Consecutive flows of the damaged segment, as far as they were read. */
struct run {
	int64_t first, n; /* ids there */
	int64_t saved;    /* flows before them, in the fresh segment */
};

struct salvage {
	struct db *from, *to;
	struct stmt *select, *insert; /* of the table being copied */
	int64_t n_rows;               /* inserted of it */
	int64_t last_id;              /* of the last row inserted, there */
	bool renumber;                /* ids in the order of arrival */
	struct run *run;              /* of it, when renumbered */
	size_t n_runs, cap_runs;
	struct err failure; /* of the fresh shard */
	int failed;
};

/* ---- one table ---- */

/* How the fresh shard's columns are made of those that layout 1 has instead. */
static const struct {
	const char *name, *sql;
} packed[] = {
    {"route", "next_hop << 32 | input_if << 16 | output_if"},
    {"labels", "src_as << 45 | dst_as << 29 | src_mask << 21 | "
	       "dst_mask << 13 | tos << 5 | quirks"},
};

/* Whether the damaged table has a column; yes, when that cannot be told. */
static bool
has_column(struct db *from, const char *table, const char *name)
{
	struct stmt *q = NULL;
	bool yes = true;

	if (db_prepare(from, sql_has_column, &q, NULL) != 0)
		return true;
	stmt_bind_text(q, ":table_name", table);
	stmt_bind_text(q, ":name", name);
	if (stmt_step(q, NULL) == 1)
		yes = stmt_int(q, 0) > 0;
	stmt_finalize(q);
	return yes;
}

/* The columns of a table of the fresh shard that the damaged one has, commas
 * between: there, here, and as many question marks. */
struct columns {
	struct buf from, to, marks;
};

static void
put_column(
    struct columns *c, struct db *from, const char *table, const char *name)
{
	const char *comma = c->marks.len > 0 ? ", " : "";
	const char *sql = NULL;

	for (size_t i = 0; i < ARRAY_LEN(packed); i++)
		if (strcmp(name, packed[i].name) == 0 &&
		    has_column(from, table, "next_hop"))
			sql = packed[i].sql;
	if (sql == NULL && !has_column(from, table, name))
		return; /* of an earlier version: the default is right */
	if (sql != NULL)
		buf_printf(&c->from, "%s%s", comma, sql);
	else
		buf_printf(&c->from, "%s\"%s\"", comma, name);
	buf_printf(&c->to, "%s\"%s\"", comma, name);
	buf_printf(&c->marks, "%s?", comma);
}

static int
list_columns(struct salvage *s, const char *table, struct columns *c)
{
	struct stmt *q = NULL;
	int rc = db_prepare(s->to, sql_select_columns, &q, &s->failure);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":table_name", table);
	while ((rc = stmt_step(q, &s->failure)) == 1)
		put_column(c, s->from, table, stmt_text(q, 0));
	stmt_finalize(q);
	return rc;
}

static void
end_table(struct salvage *s)
{
	stmt_finalize(s->select);
	stmt_finalize(s->insert);
	s->select = s->insert = NULL;
}

/* tail: what follows FROM table. 1: the damaged shard has no such table that
 * can be read. */
static int
begin_table(struct salvage *s, const char *table, const char *tail)
{
	struct columns c;
	char *sql;
	int rc;

	buf_init(&c.from, 4096);
	buf_init(&c.to, 4096);
	buf_init(&c.marks, 4096);
	s->n_rows = s->last_id = 0;
	s->n_runs = 0;
	rc = list_columns(s, table, &c);
	if (rc == 0 && c.marks.len == 0)
		rc = 1;
	sql = xasprintf("INSERT OR IGNORE INTO \"%s\" (%s) VALUES (%s)", table,
	    buf_str(&c.to), buf_str(&c.marks));
	if (rc == 0)
		rc = db_prepare(s->to, sql, &s->insert, &s->failure);
	free(sql);
	s->failed = rc < 0 ? rc : 0;
	sql = xasprintf(
	    "SELECT %s FROM \"%s\" %s", buf_str(&c.from), table, tail);
	if (rc == 0 && db_prepare(s->from, sql, &s->select, NULL) != 0) {
		end_table(s);
		rc = 1;
	}
	free(sql);
	buf_release(&c.from);
	buf_release(&c.to);
	buf_release(&c.marks);
	return rc;
}

static void
add_to_run(struct salvage *s, int64_t id)
{
	struct run *last = s->n_runs > 0 ? &s->run[s->n_runs - 1] : NULL;

	if (last == NULL || id != last->first + last->n) {
		s->run = xgrow(s->run, s->n_runs, &s->cap_runs, sizeof *last);
		last = &s->run[s->n_runs++];
		*last = (struct run){.first = id, .saved = s->n_rows};
	}
	last->n++;
}

static void
insert_row(struct salvage *s)
{
	stmt_bind_row(s->insert, s->select);
	s->last_id = stmt_int(s->select, 0);
	if (s->renumber) {
		add_to_run(s, s->last_id);
		stmt_set_int(s->insert, 1, s->n_rows + 1);
	}
	if (s->failed == 0)
		s->failed = stmt_run(s->insert, &s->failure);
	s->n_rows++;
}

/* Rows until the first error: false. */
static bool
copy_rows(struct salvage *s)
{
	int rc;

	while ((rc = stmt_step(s->select, NULL)) == 1 && s->failed == 0)
		insert_row(s);
	if (rc == 1)
		stmt_reset(s->select);
	return rc == 0;
}

/* Rows with ids from lo to hi. */
static void
copy_range(struct salvage *s, int64_t lo, int64_t hi)
{
	while (lo <= hi && s->failed == 0) {
		int64_t middle;

		s->last_id = lo - 1;
		stmt_bind_int(s->select, ":lo", lo);
		stmt_bind_int(s->select, ":hi", hi);
		if (copy_rows(s))
			return;
		lo = s->last_id + 1; /* the error is there or behind */
		if (lo >= hi)
			return;
		middle = lo + (hi - lo) / 2;
		copy_range(s, lo, middle);
		lo = middle + 1;
	}
}

/* The largest id in the damaged table: where that cannot be read no row is
 * smaller than 16 bytes. */
static int64_t
find_last_id(struct salvage *s, const char *table)
{
	char *sql = xasprintf("SELECT max(id) FROM \"%s\"", table);
	int64_t last = 0;
	struct stat st;

	if (db_get_int(s->from, sql, 0, &last, NULL) != 0)
		last = stat(db_path(s->from), &st) == 0 ? st.st_size / 16 : 0;
	free(sql);
	return last;
}

/* A table with many rows by id. */
static void
copy_by_id(struct salvage *s, const char *table, bool renumber)
{
	int64_t last = find_last_id(s, table);

	s->renumber = renumber;
	if (begin_table(s, table, "WHERE id BETWEEN :lo AND :hi") == 0)
		copy_range(s, 1, last);
	s->renumber = false;
	end_table(s);
}

/* A small table: from its beginning, then from its end. */
static void
copy_from_both_ends(struct salvage *s, const char *table)
{
	bool all = false;

	if (s->failed == 0 && begin_table(s, table, "ORDER BY 1") == 0)
		all = copy_rows(s);
	end_table(s);
	if (!all && s->failed == 0 &&
	    begin_table(s, table, "ORDER BY 1 DESC") == 0)
		(void)copy_rows(s);
	end_table(s);
}

/* All but the flows, the datagrams and what is made anew. */
static void
copy_small_tables(struct salvage *s)
{
	struct stmt *q = NULL;
	int rc = db_prepare(s->to, sql_select_small_tables, &q, &s->failure);

	if (rc == 0) {
		while ((rc = stmt_step(q, &s->failure)) == 1 && s->failed == 0)
			copy_from_both_ends(s, stmt_text(q, 0));
	}
	stmt_finalize(q);
	if (rc < 0)
		s->failed = rc;
}

/* ---- what hangs together ---- */

/* Flows saved with ids below id. */
static int64_t
n_saved_below(const struct salvage *s, int64_t id)
{
	size_t lo = 0, hi = s->n_runs;

	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;

		if (s->run[middle].first < id)
			lo = middle + 1;
		else
			hi = middle;
	}
	if (lo == 0)
		return 0;
	const struct run *r = &s->run[lo - 1];
	int64_t n = id - r->first;

	return r->saved + (n < r->n ? n : r->n);
}

/* Datagrams point to the flows that are left of them; those that have none
 * left go. */
static void
fit_packets(struct salvage *s, int64_t segment_id)
{
	struct stmt *select = NULL, *update = NULL;
	int rc;

	if ((rc = db_prepare(
		 s->to, sql_select_packets, &select, &s->failure)) != 0 ||
	    (rc = db_prepare(s->to, sql_update_packet, &update, &s->failure)) !=
		0)
		goto out;
	stmt_bind_int(select, ":segment_id", segment_id);
	while ((rc = stmt_step(select, &s->failure)) == 1) {
		int64_t first = stmt_int(select, 1);
		int64_t before = n_saved_below(s, first);
		int64_t behind = n_saved_below(s, first + stmt_int(select, 2));

		stmt_bind_int(update, ":id", stmt_int(select, 0));
		stmt_bind_int(update, ":first_flow_id", before + 1);
		stmt_bind_int(update, ":n_flows", behind - before);
		if ((rc = stmt_run(update, &s->failure)) != 0)
			break;
	}
out:
	stmt_finalize(select);
	stmt_finalize(update);
	s->failed = rc;
}

static char *
flow_table(size_t segment_id)
{
	return xasprintf("flow_%04zu", segment_id);
}

/* The number of the last segment: from the schema, as table segment may not
 * be readable. */
static size_t
count_segments(struct db *from)
{
	int64_t n = 0;

	if (db_get_int(from, sql_select_last_flow_table, 0, &n, NULL) != 0)
		n = 0;
	return n < 0 || n > 9999 ? 0 : (size_t)n;
}

static int
add_segments(struct shard *to, size_t n, struct err *err)
{
	size_t have;
	int rc = 0;

	shard_segments(to, &have);
	for (; have < n && rc == 0; have++)
		rc = shard_add_segment(to, err);
	return rc;
}

/* Table segment of the damaged shard against what was saved. */
static uint64_t
count_lost(struct salvage *s, uint64_t n_saved)
{
	int64_t n = 0;

	if (db_get_int(
		s->from, "SELECT sum(n_flows) FROM segment", 0, &n, NULL) != 0)
		return 0;
	return (uint64_t)n > n_saved ? (uint64_t)n - n_saved : 0;
}

static void
copy_segments(struct salvage *s, size_t n_segments, struct salvaged *out)
{
	int64_t last_source = 0;

	for (size_t i = 1; i <= n_segments && s->failed == 0; i++) {
		char *table = flow_table(i);
		char *max = xasprintf("SELECT max(source_id) FROM %s", table);
		int64_t id = 0;

		copy_by_id(s, table, true);
		out->n_flows += (uint64_t)s->n_rows;
		if (s->failed == 0)
			fit_packets(s, (int64_t)i);
		if (s->failed == 0)
			s->failed = db_get_int(s->to, max, 0, &id, &s->failure);
		if (id > last_source)
			last_source = id;
		free(max);
		free(table);
	}
	/* A flow's source that is lost leaves a row that says so. */
	for (int64_t id = 1; id <= last_source && s->failed == 0; id++) {
		char *sql = xasprintf("INSERT OR IGNORE INTO source VALUES "
				      "(%lld, 'lost %lld', 0, 0, 0)",
		    (long long)id, (long long)id);

		s->failed = db_exec(s->to, sql, &s->failure);
		free(sql);
	}
}

static void
copy_all(struct salvage *s, size_t n_segments, struct salvaged *out)
{
	s->failed = db_exec(s->to, "BEGIN IMMEDIATE", &s->failure);
	if (s->failed == 0)
		copy_small_tables(s);
	if (s->failed == 0)
		copy_by_id(s, "packet", false);
	copy_segments(s, n_segments, out);
	if (s->failed == 0)
		s->failed = db_exec(s->to,
		    "DELETE FROM packet WHERE n_flows = 0; COMMIT",
		    &s->failure);
	if (s->failed != 0)
		db_try(s->to, "ROLLBACK");
	out->n_lost = count_lost(s, out->n_flows);
	free(s->run);
}

static int
copy_into(
    struct shard *to, struct db *from, struct salvaged *out, struct err *err)
{
	struct salvage s = {.from = from, .to = shard_db(to)};
	size_t n = count_segments(from);
	int rc = add_segments(to, n, err);

	if (rc != 0)
		return rc;
	copy_all(&s, n, out);
	if (s.failed != 0)
		return err_set(err, s.failed, "%s", s.failure.text);
	if ((rc = shard_mend(to, err)) == 0)
		rc = shard_finish(to, err);
	return rc;
}

int
salvage_shard(
    const char *from, const char *to, struct salvaged *out, struct err *err)
{
	struct db *db = NULL;
	struct shard *shard;
	int rc;

	*out = (struct salvaged){0};
	if (db_open(&db, from, DB_READ, NULL) != 0)
		return 0; /* nothing to read */
	if ((rc = shard_open_write(&shard, to, 0, err)) == 0) {
		rc = copy_into(shard, db, out, err);
		shard_close(shard);
	}
	db_close(db);
	return rc;
}
