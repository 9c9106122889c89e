/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_WRITER_H
#define WEIR_COLLECTOR_WRITER_H
/*
 * Decoded datagrams into the shards of a store: which shard, when to commit,
 * when to seal, when a day is finished. Used by one thread at a time.
 */
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct minute_row;
struct writer;

/*
 * Take the store in folder dir, made if missing; ERR_BUSY when another process
 * writes there. segment_rows: see shard_open_write.
 */
int writer_open(struct writer **out, const char *dir, uint64_t segment_rows,
    struct err *err) MUST_CHECK;

/*
 * What happened to the store that somebody should read: a shard that was
 * damaged, foreign or of a newer weir was renamed (DAY.db.damaged-TIME,
 * DAY.db.newer-TIME) and a fresh one begun. Called by the thread that writes.
 */
typedef void writer_notice_fn(void *arg, const char *text);
void writer_on_notice(struct writer *w, writer_notice_fn *notice, void *arg);

/* Add a datagram's flows to the shard of day (clock_day of the arrival, or of
 * the export for imports). Visible to readers after writer_commit. */
int writer_add(struct writer *w, int32_t day, const struct packet *p,
    const struct flow *flows, struct err *err) MUST_CHECK;
/* Add a row of the account to the shard of its day. */
int writer_add_minute(
    struct writer *w, const struct minute_row *row, struct err *err) MUST_CHECK;
/* Note and ask what of an import is in the shard of day: shard_note_import,
 * shard_imported. */
int writer_note_import(struct writer *w, int32_t day, const char *key,
    uint64_t n, struct err *err) MUST_CHECK;
int writer_imported(struct writer *w, int32_t day, const char *key, uint64_t *n,
    struct err *err) MUST_CHECK;
int writer_commit(struct writer *w, struct err *err) MUST_CHECK;
/* What was committed survives a power cut. */
int writer_sync(struct writer *w, struct err *err) MUST_CHECK;

/* After an error of these: everything since the last writer_commit is out of
 * all shards, to be added again or given up. */
void writer_roll_back(struct writer *w);

/* Open the shard of day ahead of its first flow, to see errors early. */
int writer_open_day(struct writer *w, int32_t day, struct err *err) MUST_CHECK;

/*
 * Whether the files are still those that were opened; if somebody removed them
 * or the whole folder, begin anew. Not between writer_add and writer_commit.
 */
int writer_check_files(struct writer *w, struct err *err) MUST_CHECK;

/* One step of sealing, when there is time: 1 done, 0 nothing to do. Not
 * between writer_add and writer_commit. */
int writer_seal_step(struct writer *w, struct err *err) MUST_CHECK;

/* One step of finishing the days before day: 1 done, 0 all are finished. Not
 * between writer_add and writer_commit. */
int writer_finish_step(
    struct writer *w, int32_t day, struct err *err) MUST_CHECK;

/*
 * Commit and let go of the store. Shards of days before today are finished:
 * sealed and made plain read-only files. Accepts NULL. w is gone in any case;
 * on an error what was committed before stays.
 */
int writer_close(struct writer *w, int32_t today, struct err *err) MUST_CHECK;

#endif
