/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_WALK_H
#define WEIR_QUERY_WALK_H
/*
 * The flows of a whole store that pass a filter, a batch at a time, as scan.h
 * gives them in order, but in the thread that asks and cheap to begin anew: a
 * join asks for the few flows of one address ten thousand times. So shards stay
 * open, as of the moment when they were first looked at, and so does what is
 * known of the store.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/batch.h"
#include "schema/db.h"

struct filter;
struct plan_path;
struct scan_stats;
struct segment;
struct walk;

struct walk_want {
	const struct filter *filter; /* borrowed until the next begin */
	flow_column_set columns;
	/* Whether a day is looked at; NULL: every one. */
	bool (*day)(void *arg, int32_t day);
	void *arg;
};

/* The shards there are now. stop (may be NULL) is asked now and then while
 * rows are read; true ends that with ERR_STOPPED. */
int walk_open(struct walk **out, const char *dir, db_stop_fn *stop,
    void *stop_arg, struct err *err) MUST_CHECK;
void walk_close(struct walk *w); /* accepts NULL */

void walk_begin(struct walk *w, const struct walk_want *want);

/* To the next segment that the filter can touch: 1, 0 behind the last, or an
 * error. What is there is borrowed until the next call. */
int walk_segment(struct walk *w, struct err *err) MUST_CHECK;
int32_t walk_day(const struct walk *w);
const struct segment *walk_at(const struct walk *w);
struct plan_path walk_plan(const struct walk *w); /* to its rows */

/* The next flows, at most max of them, of this segment or those behind it: 1,
 * 0 behind the last, or an error. b is borrowed until the next call. */
int walk_next(struct walk *w, size_t max, const struct batch **b,
    struct err *err) MUST_CHECK;

/* Since walk_open, but for has_bounds: not known. */
const struct scan_stats *walk_stats(const struct walk *w);

#endif
