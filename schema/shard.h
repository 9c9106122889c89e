/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_SHARD_H
#define WEIR_SCHEMA_SHARD_H
/*
 * One SQLite file with the flows that arrived on one UTC day, in segments, with
 * the headers of their datagrams and what the collector counted. One process
 * writes a shard, any number read it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"
#include "schema/segment.h"

struct db;
struct minute_row;
struct shard;

/* Application id "weir" in the header of every file of ours. */
enum { SHARD_APPLICATION_ID = 0x77656972, SHARD_VERSION = 3 };

/* Rows that make a segment full: a 64th of the day so far, so that a day of
 * any size has a few hundred segments (SQLite's UNION ALL ends at 500). */
enum { SEGMENT_MIN_ROWS = 250000, SEGMENT_SHARE = 64 };

/* ---- writing ---- */

/*
 * Open for writing, made if missing. full_rows: rows that fill a segment,
 * 0 for the rule above. ERR_CORRUPT: damaged, or no shard at all; ERR_NEWER.
 */
int shard_open_write(struct shard **out, const char *path, uint64_t full_rows,
    struct err *err) MUST_CHECK;

/*
 * All appends until shard_commit are one transaction; appending begins it.
 * After an error of either nothing since the last commit is in the shard, and
 * it may be appended again.
 */
int shard_append(struct shard *s, const struct packet *p,
    const struct flow *flows, struct err *err) MUST_CHECK;
int shard_commit(struct shard *s, struct err *err) MUST_CHECK;
void shard_roll_back(struct shard *s); /* to the last commit */

/* Add a row to what its minute holds; part of the same transaction. */
int shard_add_minute(
    struct shard *s, const struct minute_row *row, struct err *err) MUST_CHECK;

/*
 * Note with the flows of this transaction that of the import known by key all
 * datagrams of this shard up to number n, from 1, are in; and ask for that
 * number, 0 when none is. shard_sync: what was committed survives a power cut.
 */
void shard_note_import(struct shard *s, const char *key, uint64_t n);
int shard_imported(
    struct shard *s, const char *key, uint64_t *n, struct err *err) MUST_CHECK;
int shard_sync(struct shard *s, struct err *err) MUST_CHECK;

/*
 * One step of sealing (one index, or the statistics), to be called between
 * commits. Returns 1 when a step was done, 0 when there is nothing to seal.
 */
int shard_seal_step(struct shard *s, struct err *err) MUST_CHECK;

/*
 * The day is over: seal everything, note which addresses occur (address.h) and
 * leave one plain read-only file, without WAL, that anyone may open and copy.
 * A step (an index, the addresses of a segment) returns 1; after 0 only
 * shard_close may follow. shard_finish makes all steps.
 */
int shard_finish_step(struct shard *s, struct err *err) MUST_CHECK;
int shard_finish(struct shard *s, struct err *err) MUST_CHECK;

/* ---- repairing ---- */

/* One more empty segment; outside a transaction. */
int shard_add_segment(struct shard *s, struct err *err) MUST_CHECK;

/* Set counts and bounds of all segments to what their rows say, build the
 * indexes that sealed ones lack, and forget which addresses occur. */
int shard_mend(struct shard *s, struct err *err) MUST_CHECK;

/* ---- reading ---- */

/* Open an existing shard; it stays a snapshot from shard_begin_read to
 * shard_end_read. */
int shard_open_read(
    struct shard **out, const char *path, struct err *err) MUST_CHECK;
int shard_begin_read(struct shard *s, struct err *err) MUST_CHECK;
void shard_end_read(struct shard *s);

/* The version of the file, SHARD_VERSION or less; 0: nothing is in it yet. */
int64_t shard_version(const struct shard *s);

/* All segments by id, and all sources by position id - 1; both borrowed
 * until the next shard_begin_read, shard_append or shard_close. */
const struct segment *shard_segments(const struct shard *s, size_t *n);
const struct source *shard_sources(const struct shard *s, size_t *n);

/* ---- both ---- */

void shard_close(struct shard *s);    /* accepts NULL; uncommitted is lost */
struct db *shard_db(struct shard *s); /* for compiled queries */
const char *shard_path(const struct shard *s);

#endif
