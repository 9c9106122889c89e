/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_PLAN_H
#define WEIR_QUERY_PLAN_H
/*
 * How a filter is answered: which segments it cannot touch, what of its time
 * is left to ask of the others, and which index drives the search of one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/flow.h"

struct ast;
struct buf;
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
	PLAN_UNION, /* by a set of rows, which indexes lead to */
};

enum { PLAN_MAX_ARMS = 16 };

struct plan_path {
	enum plan_kind kind;
	enum flow_column column; /* PLAN_INDEX */
	/* Conditions that indexes serve, of the filter: every flow that passes
	 * meets one of them. PLAN_INDEX: one, or none for the time. */
	const struct ast *arm[PLAN_MAX_ARMS];
	size_t n_arms;
	uint64_t n_rows; /* to read, duplicates of PLAN_UNION included */
	bool is_guess;   /* n_rows is, else it was counted */
};

/* Who counts rows of the segment in an index. */
struct plan_counter {
	/* Those that meet an AST_RANGES, up to limit. Returns false when they
	 * cannot be counted. */
	bool (*count)(void *arg, const struct ast *condition, uint64_t limit,
	    uint64_t *n_rows);
	void *arg;
};

/*
 * The cheapest way. counter NULL: by what is usual, for whom counting would
 * take longer than reading. Borrows f.
 */
struct plan_path plan_path(const struct filter *f, const struct segment *g,
    const struct plan_counter *counter);

/* Whether the same indexes serve the same conditions. */
bool plan_is_alike(const struct plan_path *a, const struct plan_path *b);

/* "row by row", "by index dst_port", "by indexes src_addr, dst_addr". */
void plan_print(const struct plan_path *path, struct buf *out);

#endif
