/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SCAN_H
#define WEIR_QUERY_SCAN_H
/*
 * The one way to read flows: every shard and segment that a filter can touch,
 * as batches of the columns asked for. Each shard is read as of one moment.
 */
#include "schema/base/err.h"
#include "schema/batch.h"

struct filter;

/* What a scan looked at. The bounds are of the whole store, whatever the
 * filter, unless fn ended the scan. */
struct scan_stats {
	size_t n_shards;          /* opened */
	size_t n_shards_pruned;   /* left out unopened, by the catalog */
	size_t n_segments;        /* read */
	size_t n_segments_pruned; /* left out by their bounds or the shard's */
	uint64_t n_flows;         /* handed over */
	bool has_bounds;          /* the store holds any flow at all */
	int64_t min_start_ms;     /* of all flows stored, with has_bounds */
	int64_t max_end_ms;
};

/* Takes a batch (borrowed until it returns). Other than 0 ends the scan, which
 * returns it: an ERR_* code, or 1 for "enough". */
typedef int scan_fn(const struct batch *b, void *arg);

/*
 * Call fn for all flows of the store in folder dir that pass f, shards by day,
 * flows in order of arrival. A shard that is removed meanwhile is as if it had
 * not been there. Returns 0, what fn returned, or
 * ERR_SYSTEM: dir or a shard cannot be read; ERR_CORRUPT, ERR_NEWER: a shard is
 * damaged, no shard at all, or of a newer weir (err names the file).
 */
int scan_run(const char *dir, const struct filter *f, flow_column_set columns,
    scan_fn *fn, void *arg, struct scan_stats *stats,
    struct err *err) MUST_CHECK;

#endif
