/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_SEGMENT_H
#define WEIR_SCHEMA_SEGMENT_H
/*
 * The tables flow_NNNN of a shard. Rows go to the last one, the live segment,
 * which has no index; a full one is sealed: its indexes are built one at a
 * time. The row of table segment says what is in each.
 *
 * Why: six indexes on one growing table cost more the larger it is (45 k
 * flows/s after a million rows), since every commit dirties most index pages;
 * rows appended to an unindexed table whose indexes are sorted in one go stay
 * at many times that, at any size.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct db;
struct stmt;

struct segment {
	uint32_t id;      /* table flow_%04u */
	uint64_t n_flows; /* rows */
	/* Bounds of the rows, valid when n_flows > 0. */
	int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
	int64_t max_duration_ms; /* of one flow */
	unsigned layout;         /* of its columns: see segment_column */
	bool sealed;     /* all six indexes are there; rows are only added to
			    the last one of a day that was finished before */
	bool in_address; /* table address knows its addresses */
};

/* All of a shard, by id, which is position + 1. */
struct segments {
	struct segment *segment;
	size_t n, cap;
	uint64_t n_flows; /* of all */
};

void segments_release(struct segments *s); /* accepts a zeroed struct */

/* Read table segment anew, of a shard of that version. */
int segments_load(struct segments *s, struct db *db, int64_t version,
    struct err *err) MUST_CHECK;

/* Inside a transaction: a new, empty one behind the others, and the view flows
 * over all of them. */
int segments_add(struct segments *s, struct db *db, struct err *err) MUST_CHECK;
int segments_make_view(
    const struct segments *s, struct db *db, struct err *err) MUST_CHECK;

/* A statement of an .sql file with NNNN and COLUMN replaced; free() it. */
char *segment_sql(const char *template, uint32_t id, const char *column);

/* What a sealed segment is searched by; NULL past the last. */
const char *segment_index_column(size_t i);

/* ---- rows ---- */

/*
 * Columns of tables flow_NNNN. Layout 1, of shards of version 1, has one for
 * each field; layout 2 packs nine of them into two integers. The SQL expression
 * of a column, the table being called f; of those that come with the source
 * only its id is there, as COL_EXPORTER, the others are NULL.
 */
enum { SEGMENT_LAYOUT = 2 }; /* of new ones */
const char *segment_column(unsigned layout, enum flow_column column);

/* Of the largest datagram. */
enum { SEGMENT_ROWS_AT_ONCE = 30 };

/* Inserts flows through a connection, a datagram's at once. */
struct segment_inserter;

int segment_inserter_new(
    struct segment_inserter **out, struct db *db, struct err *err) MUST_CHECK;
void segment_inserter_free(struct segment_inserter *in); /* before db closes;
							    accepts NULL */
/* The next flows go into another segment, or its table was rolled back. */
void segment_inserter_clear(struct segment_inserter *in);

/* Insert n <= SEGMENT_ROWS_AT_ONCE flows of a source, and count them in. */
int segment_insert(struct segment *g, struct segment_inserter *in,
    const struct flow *flows, size_t n, int64_t source_id,
    struct err *err) MUST_CHECK;

/* ---- table segment ---- */

int segment_prepare_update(
    struct stmt **out, struct db *db, struct err *err) MUST_CHECK;

/* Write its row through that statement. */
int segment_store(
    const struct segment *g, struct stmt *update, struct err *err) MUST_CHECK;

/* Set count and bounds to what the rows say. */
int segment_recount(
    struct segment *g, struct db *db, struct err *err) MUST_CHECK;

/* ---- sealing ---- */

/* Build index number i; nothing when it is there. */
int segment_index(const struct segment *g, struct db *db, size_t i,
    struct err *err) MUST_CHECK;

/* Once it has all of them: say so in table segment. A transaction. */
int segment_mark_sealed(struct segment *g, struct db *db, struct stmt *update,
    struct err *err) MUST_CHECK;

#endif
