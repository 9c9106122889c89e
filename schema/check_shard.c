/* SPDX-License-Identifier: ISC */
/* Whether a shard is whole: its pages, its segments, its datagrams. */
#include "schema/check_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/address.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/store.h"
#include "sql.h"

/* The first row of a query, as numbers; NULL counts as 0. */
static int
get_row(struct check *c, const char *template, uint32_t segment_id,
    int64_t *values, int n, struct err *err)
{
	char *sql = segment_sql(template, segment_id, "");
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard), sql, &q, err);

	free(sql);
	for (int i = 0; i < n; i++)
		values[i] = 0;
	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		for (int i = 0; i < n; i++)
			values[i] = stmt_int(q, i);
		rc = 0;
	}
	stmt_finalize(q);
	return rc;
}

/* SQLite's own check: its first complaint. */
static int
check_pages(struct check *c, struct err *err)
{
	const char *path = shard_path(c->shard);
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard),
	    c->options->full ? "PRAGMA integrity_check(1)"
			     : "PRAGMA quick_check(1)",
	    &q, err);

	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		rc = 0;
		if (strcmp(stmt_text(q, 0), "ok") != 0) {
			char what[300];

			snprintf(what, sizeof what, "damaged: %.250s",
			    stmt_text(q, 0));
			for (char *p = what; *p != '\0'; p++)
				if (*p == '\n')
					*p = ' ';
			check_find(c, REMEDY_SAVE, path, what);
		}
	}
	stmt_finalize(q);
	return rc;
}

static int
check_indexes(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	const char *column;
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard), sql_check_index, &q, err);

	for (size_t i = 0;
	     rc == 0 && (column = segment_index_column(i)) != NULL; i++) {
		char name[64], what[100];

		snprintf(name, sizeof name, "flow_%04u_%s", g->id, column);
		stmt_bind_text(q, ":name", name);
		if ((rc = stmt_step(q, err)) == 1) {
			snprintf(what, sizeof what, "no index on %s", column);
			if (stmt_int(q, 0) == 0)
				check_find(c, REMEDY_MEND, where, what);
			stmt_reset(q);
			rc = 0;
		}
	}
	stmt_finalize(q);
	return rc;
}

static int
check_all_rows(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	int64_t got[6], strays = 0;
	const int64_t want[] = {(int64_t)g->n_flows, g->min_start_ms,
	    g->max_start_ms, g->min_end_ms, g->max_end_ms, g->max_duration_ms};
	static const char *const names[] = {"number of flows", "earliest start",
	    "latest start", "earliest end", "latest end", "longest duration"};
	char what[160];
	int rc = get_row(c, sql_count_segment, g->id, got, 6, err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(want); i++) {
		if (got[i] == want[i])
			continue;
		snprintf(what, sizeof what,
		    "%s is %lld, table segment says %lld", names[i],
		    (long long)got[i], (long long)want[i]);
		check_find(c, REMEDY_MEND, where, what);
	}
	if (rc != 0 ||
	    (rc = get_row(c, sql_count_strays, g->id, &strays, 1, err)) != 0 ||
	    strays == 0)
		return rc;
	snprintf(what, sizeof what,
	    "%lld flows of a source that is not in table source",
	    (long long)strays);
	check_find(c, REMEDY_SAVE, where, what);
	return 0;
}

/* What the ends of the table and of its index on end_ms tell. */
static int
check_ends(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	int64_t got[3];
	int rc = get_row(c, sql_check_ends, g->id, got, 3, err);

	if (rc != 0)
		return rc;
	if (got[0] != (int64_t)g->n_flows)
		check_find(c, REMEDY_MEND, where,
		    "its rows are not as many as table segment says");
	else if (g->n_flows > 0 &&
		 (got[1] != g->min_end_ms || got[2] != g->max_end_ms))
		check_find(c, REMEDY_MEND, where,
		    "its bounds are not what table segment says");
	return 0;
}

static int
check_segment(struct check *c, const struct segment *g, struct err *err)
{
	char where[600];
	int rc = 0;

	snprintf(where, sizeof where, "%.500s: segment %u",
	    shard_path(c->shard), g->id);
	if (g->sealed)
		rc = check_indexes(c, g, where, err);
	/* A segment without indexes is read whole for this: full alone. */
	if (rc == 0 && (g->sealed || c->options->full))
		rc = check_ends(c, g, where, err);
	if (rc == 0 && c->options->full)
		rc = check_all_rows(c, g, where, err);
	return rc;
}

static int
check_packets(struct check *c, struct err *err)
{
	int64_t n = 0;
	char *sql, what[100];
	int rc;

	sql = xasprintf("SELECT count(*) FROM (%s)", sql_bad_packets);
	rc = get_row(c, sql, 0, &n, 1, err);
	free(sql);
	if (rc == 0 && n > 0) {
		snprintf(what, sizeof what,
		    "%lld rows of table packet point to flows that are not "
		    "theirs",
		    (long long)n);
		check_find(c, REMEDY_MEND, shard_path(c->shard), what);
	}
	return rc;
}

/* ---- table address ---- */

struct missing {
	const struct address_set *set;
	uint64_t n;
};

static const uint8_t *
get_block(void *arg, size_t block)
{
	const struct address_set *set = arg;

	return set->bits + block * ADDRESS_BLOCK_LEN;
}

static void
count_missing(void *arg, uint32_t addr)
{
	struct missing *m = arg;
	struct address_set set = *m->set;

	m->n += !address_may_hold(
	    set.n_blocks, get_block, &set, (struct address_range){addr, addr});
}

static int
check_all_addresses(struct check *c, const struct address_set *set,
    const struct segment *g, size_t n, struct err *err)
{
	struct missing m = {.set = set};
	char what[100];
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		if (g[i].in_address && g[i].sealed)
			rc = address_of_segment(shard_db(c->shard), g[i].id,
			    count_missing, &m, err);
	if (rc == 0 && m.n > 0) {
		snprintf(what, sizeof what,
		    "%llu addresses are not in table address",
		    (unsigned long long)m.n);
		check_find(c, REMEDY_MEND, shard_path(c->shard), what);
	}
	return rc;
}

/* Rows that make no sense tell nothing; without rows nothing is known. */
static int
check_addresses(
    struct check *c, const struct segment *g, size_t n, struct err *err)
{
	struct address_set set = {0};
	int64_t n_rows = 0;
	int rc = get_row(c, sql_count_address_blocks, 0, &n_rows, 1, err);

	if (rc == 0)
		rc = address_load(&set, shard_db(c->shard), err);
	if (rc == 0 && n_rows > 0 && set.n_blocks == 0)
		check_find(c, REMEDY_MEND, shard_path(c->shard),
		    "rows of table address are missing");
	else if (rc == 0 && set.n_blocks > 0 && c->options->full)
		rc = check_all_addresses(c, &set, g, n, err);
	address_release(&set);
	return rc;
}

static int
check_content(struct check *c, struct err *err)
{
	const struct segment *g;
	int64_t odd;
	size_t n;
	int rc = check_pages(c, err);

	if (rc != 0 || c->remedy == REMEDY_SAVE)
		return rc;
	g = shard_segments(c->shard, &n);
	if (n == 0)
		return 0; /* just came into being */
	if ((rc = get_row(c, sql_check_segments, 0, &odd, 1, err)) != 0)
		return rc;
	if (odd != 0) {
		check_find(c, REMEDY_SAVE, shard_path(c->shard),
		    "damaged: table segment does not name the tables that "
		    "there are");
		return 0;
	}
	if ((rc = get_row(c, sql_check_sources, 0, &odd, 1, err)) != 0)
		return rc;
	if (odd != 0)
		check_find(c, REMEDY_SAVE, shard_path(c->shard),
		    "damaged: rows of table source are missing");
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_segment(c, &g[i], err);
	if (rc == 0 && shard_version(c->shard) > 1)
		rc = check_addresses(c, g, n, err);
	if (rc == 0 && c->options->full)
		rc = check_packets(c, err);
	return rc;
}

/* Busy or out of memory is no finding; anything else the file's fault. */
static int
find_error(struct check *c, const char *path, int rc, const struct err *err)
{
	const char *text = err->text;
	size_t len = strlen(path);

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0; /* expired meanwhile */
	if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	check_find(
	    c, rc == ERR_CORRUPT ? REMEDY_SAVE : REMEDY_USER, path, text);
	return 0;
}

static void
check_finished(struct check *c, const struct store_shard *file)
{
	struct stat st;

	if (file->day < clock_day(c->options->now_ms) && !c->writer &&
	    stat(file->path, &st) == 0 && !catalog_is_finished(&st))
		check_find(c, REMEDY_FINISH, file->path,
		    "the day is over, its shard is not finished");
}

static void
check_version(struct check *c)
{
	int64_t version = shard_version(c->shard);

	c->old = version > 0 && version < SHARD_VERSION;
	if (c->old && c->remedy == REMEDY_NONE)
		c->remedy = REMEDY_RENEW;
}

int
check_look_at(struct check *c, const struct store_shard *file)
{
	struct err err;
	int rc;

	c->remedy = REMEDY_NONE;
	c->old = false;
	c->shard = NULL;
	if ((rc = shard_open_read(&c->shard, file->path, &err)) == 0 &&
	    (rc = shard_begin_read(c->shard, &err)) == 0) {
		rc = check_content(c, &err);
		check_version(c);
		shard_end_read(c->shard);
	}
	shard_close(c->shard);
	c->shard = NULL;
	if (rc != 0)
		rc = find_error(c, file->path, rc, &err);
	else
		check_finished(c, file);
	return rc;
}
