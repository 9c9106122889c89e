/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_VIEW_H
#define WEIR_QUERY_VIEW_H
/*
 * One shard as of one moment, and the flows of one of its segments that pass
 * a filter, a batch at a time when asked. A view belongs to one thread.
 */
#include <stddef.h>

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
};

void exporters_release(struct exporters *x); /* accepts a zeroed struct */

/*
 * Open a shard; x (borrowed) gets its exporters. Returns 1, 0 when it was
 * removed meanwhile, or ERR_SYSTEM, ERR_CORRUPT, ERR_NEWER.
 */
int view_open(struct view **out, const char *path, struct exporters *x,
    struct err *err) MUST_CHECK;
void view_close(struct view *v); /* accepts NULL */

/* Borrowed until view_close. */
const struct segment *view_segments(const struct view *v, size_t *n);

/*
 * Begin to read a segment that holds flows; ends the one before. f is borrowed
 * until this returns. view_next puts up to max <= BATCH_MAX flows into b,
 * which has the same columns: 1, 0 behind the last one, or an error. Flows come
 * in order of arrival.
 */
int view_read(struct view *v, const struct segment *g, const struct filter *f,
    flow_column_set columns, struct err *err) MUST_CHECK;
int view_next(
    struct view *v, struct batch *b, size_t max, struct err *err) MUST_CHECK;

#endif
