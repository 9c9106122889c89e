/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_PLAN_H
#define WEIR_QUERY_PLAN_H
/*
 * How a filter is answered: which segments it cannot touch, what of its time
 * is left to ask of the others, and which index drives the search of one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "schema/flow.h"

struct catalog;
struct catalog_day;
struct filter;
struct segment;
struct store_shard;

/* Whether the segment's bounds show that no row is in the filter's time. */
bool plan_prunes(const struct filter *f, const struct segment *g);

/* What the catalog of dir knows; empty where it cannot be read or would not
 * help: each shard is opened then. Release it. */
void plan_read_catalog(
    struct catalog *out, const char *dir, const struct filter *f);

/* The catalog's row of a shard when it alone tells that no flow of it can pass,
 * else NULL. */
const struct catalog_day *plan_prunes_shard(
    const struct filter *f, struct catalog *c, const struct store_shard *file);

/* What is left to ask of a flow's times, half-open, where the segment's bounds
 * leave it open; INT64_MIN or INT64_MAX: nothing. */
struct plan_time {
	int64_t end_from_ms, end_to_ms;
	int64_t start_from_ms, start_to_ms;
};

struct plan_time plan_time(const struct filter *f, const struct segment *g);
bool plan_asks_time(const struct plan_time *t);

/* How the rows of a segment are found. */
enum plan_kind {
	PLAN_SCAN,  /* one after the other, by id */
	PLAN_INDEX, /* by the index on column */
	PLAN_EACH,  /* by an index for each arm of an OR, if SQLite likes */
};

struct plan_path {
	enum plan_kind kind;
	enum flow_column column; /* PLAN_INDEX */
};

struct plan_path plan_path(const struct filter *f, const struct segment *g);

#endif
