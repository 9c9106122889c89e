/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SCAN_H
#define WEIR_QUERY_SCAN_H
/*
 * The one way to read flows: every shard and segment that a filter can touch,
 * on all cores, as batches of the columns asked for. Each shard is read as of
 * one moment, whatever is written to it meanwhile. A shard that is removed
 * before it is begun is as if it had not been there.
 *
 * Two ways to take them: scan_run (or scan_open and scan_next) gives them in
 * order, by day and arrival, to the calling thread; scan_spread gives them to
 * as many threads as there are, in any order. The answer is the same with any
 * number of threads, batches included in the first way.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/batch.h"

struct dedup;
struct filter;
struct scale;
struct scan;

enum { SCAN_MAX_THREADS = 64 };

/* How far a scan is. What is left out unread is done. */
struct scan_progress {
	size_t n_shards_done, n_shards;
	uint64_t bytes_done, bytes; /* of their files, about */
	uint64_t n_flows;           /* that passed the filter so far */
};

/* Who looks on, and may end it; all zero: nobody. */
struct scan_watch {
	atomic_bool stop;   /* set it, from any thread or signal handler: the
			       scan ends within 100 ms with ERR_STOPPED */
	int64_t timeout_ms; /* then it ends with ERR_LIMIT; 0: never */
	int64_t began_ms;   /* monotonic: what that counts from, for several
			       scans of one answer; 0: the scan's beginning */
	/* Called some times a second by the thread that called the scan, while
	 * it is in there; NULL: not. */
	void (*progress)(const struct scan_progress *p, void *arg);
	void *arg;
};

/* All borrowed until the scan is over. */
struct scan_query {
	const char *dir; /* data folder */
	const struct filter *filter;
	flow_column_set columns;
	const struct scale *scale; /* NULL: counters as they were sent */
	unsigned n_threads;        /* 0: one for each core */
	struct scan_watch *watch;  /* NULL: nobody looks on */
	const struct dedup *dedup; /* what to leave out; NULL: nothing */
};

/* What a scan looked at. The bounds are of the whole store, whatever the
 * filter, unless the consumer ended the scan. */
struct scan_stats {
	size_t n_shards;        /* opened */
	size_t n_shards_pruned; /* left out unopened, by the catalog */
	size_t n_segments;      /* read */
	size_t
	    n_segments_pruned; /* left out by bounds, or addresses of a day */
	uint64_t n_flows;      /* handed over */
	uint64_t n_duplicates; /* left out by dedup */
	bool has_bounds;       /* the store holds any flow at all */
	int64_t min_start_ms;  /* of all flows stored, with has_bounds */
	int64_t max_end_ms;
};

/*
 * Takes a batch (borrowed until it returns; with dedup it may be empty). Other
 * than 0 ends the scan, which returns it: an ERR_* code, with err set, or 1 for
 * "enough".
 */
typedef int scan_fn(const struct batch *b, void *arg, struct err *err);

/*
 * Call fn for all flows that pass, in order. Returns 0, what fn returned, or
 * ERR_SYSTEM: dir or a shard cannot be read; ERR_CORRUPT, ERR_NEWER: a shard is
 * damaged, no shard at all, or of a newer weir (err names the file);
 * ERR_STOPPED, ERR_LIMIT: as the watch said.
 */
int scan_run(const struct scan_query *q, scan_fn *fn, void *arg,
    struct scan_stats *stats, struct err *err) MUST_CHECK;

/* The same when asked: *b is the next batch, until the call after. Returns 1,
 * 0 behind the last one, or an error. stats are of what was handed over so far;
 * borrowed until scan_close, which may come at any time. */
int scan_open(
    struct scan **out, const struct scan_query *q, struct err *err) MUST_CHECK;
int scan_next(
    struct scan *s, const struct batch **b, struct err *err) MUST_CHECK;
const struct scan_stats *scan_stats(const struct scan *s);
void scan_close(struct scan *s); /* accepts NULL */

/*
 * What each thread does with its batches, on a state of its own; arg is shared
 * by all. A thread calls begin, batch for each of its batches, then end if all
 * went well, then free. So end is where a state is added to what is shared,
 * under a lock, and as batches come in any order the sum must not depend on it.
 */
struct scan_consumer {
	void *(*begin)(void *arg);
	scan_fn *batch;                           /* arg is the state */
	int (*end)(void *state, struct err *err); /* 0 or an error */
	void (*free)(void *state);
};

/* As scan_run, without its order. */
int scan_spread(const struct scan_query *q, const struct scan_consumer *c,
    void *arg, struct scan_stats *stats, struct err *err) MUST_CHECK;

#endif
