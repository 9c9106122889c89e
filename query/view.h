/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_VIEW_H
#define WEIR_QUERY_VIEW_H
/*
 * One shard as of one moment, and the flows of one of its segments that pass
 * a filter: a batch at a time when asked, or all of a range of rows in bulk.
 *
 * The moment is when the shard was opened: rows are only ever added, so the
 * segments of then and the last row of each say all, and nothing needs to be
 * locked or held open in the file for it. A view is used by one thread at a
 * time; others join it with a view of their own, of the same moment.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/compile.h"
#include "schema/base/err.h"
#include "schema/batch.h"

struct filter;
struct segment;
struct view;

/* The exporters of all shards seen, each address once, so that a position
 * means the same in all batches of one scan. */
struct exporters {
	struct addr *addr;
	size_t n, cap;
	struct addr **old; /* smaller arrays: batches may still point there */
	size_t n_old, cap_old;
	void *tree; /* finds positions by address */
};

void exporters_release(struct exporters *x); /* accepts a zeroed struct */

/*
 * Open a shard; x (borrowed) gets its exporters. Returns 1, 0 when it was
 * removed meanwhile, or ERR_SYSTEM, ERR_CORRUPT, ERR_NEWER.
 */
int view_open(struct view **out, const char *path, struct exporters *x,
    struct err *err) MUST_CHECK;

/*
 * Another view of the shard and the moment of first, which must stay open.
 * Returns 1, 0 when the file is gone or another one has its name, or an error.
 */
int view_join(
    struct view **out, const struct view *first, struct err *err) MUST_CHECK;
void view_close(struct view *v); /* accepts NULL */

/* Borrowed until view_close. */
const struct segment *view_segments(const struct view *v, size_t *n);
const char *view_path(const struct view *v);

/* How rows of a segment that pass are best found; may count some first. Ends no
 * reading. */
struct plan_path view_plan(
    struct view *v, const struct segment *g, const struct filter *f);

/*
 * Begin to read a segment that holds flows; ends the one before. f is borrowed
 * as long as rows are read, path until this returns. view_next puts up to max
 * <= BATCH_MAX flows into b, which has the same columns: 1, 0 behind the last
 * one, or an error. Flows come in order of arrival.
 */
int view_read(struct view *v, const struct segment *g, const struct filter *f,
    const struct plan_path *path, flow_column_set columns,
    struct err *err) MUST_CHECK;
int view_next(
    struct view *v, struct batch *b, size_t max, struct err *err) MUST_CHECK;

/* What to read in bulk. Of one view filter, columns and in_order are always
 * the same, and so is path of one segment. */
struct view_task {
	const struct segment *segment; /* with at least one flow */
	const struct filter *filter;
	flow_column_set columns;
	struct plan_path path;
	struct compile_rows rows; /* as compile_target has them */
	bool in_order;
};

/* Where it goes: b has the columns of the task. full is called when b has room
 * flows; it takes them and empties b, or puts another one in its place, and may
 * change room (1 to BATCH_MAX). Other than 0 ends the reading. */
struct view_sink {
	struct batch *b;
	size_t room;
	int (*full)(struct view_sink *sink);
	void *arg; /* full's */
};

/*
 * Read it all; the last flows are left in sink->b. ERR_STOPPED: full said so,
 * or view_set_stop's fn.
 */
int view_run(struct view *v, const struct view_task *task,
    struct view_sink *sink, struct err *err) MUST_CHECK;

/* The statement that view_run would run. *out is filled in any case. */
int view_compile(struct view *v, const struct view_task *task,
    struct compiled *out, struct err *err) MUST_CHECK;

/* See db_set_stop. */
void view_set_stop(struct view *v, bool (*fn)(void *), void *arg);

#endif
