/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_AGGREGATE_H
#define WEIR_REPORT_AGGREGATE_H
/*
 * Flows added up by any keys: batches go in, groups with their sums come out
 * in a stated order. Each thread adds to a part of its own.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/keys.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct addr;
struct aggregate;
struct aggregate_part;
struct batch;
struct scan_consumer;

/* 45 to 80 bytes each, with the table that finds them, and 8 more for each
 * number that is kept beyond the three. */
enum { AGGREGATE_MAX_GROUPS = 50000000 };

struct aggregate_sums {
	uint64_t flows;
	uint64_t octets;
	uint64_t packets;
	/* With AGGREGATE_EACH_WAY: those whose source is the lower address. */
	uint64_t flows_ab, octets_ab, packets_ab;
	/* With AGGREGATE_DISTINCT, see aggregate_count. */
	uint64_t distinct[2];
	/* With AGGREGATE_TIMES: of all flows. */
	int64_t min_start_ms, max_end_ms;
};

struct aggregate_group {
	uint64_t key[REPORT_MAX_KEYS]; /* in the order of the keys; of the
					  exporter, a number for
					  aggregate_exporter */
	struct aggregate_sums sums;
};

/* What else is kept of each group. */
enum aggregate_extras {
	AGGREGATE_EACH_WAY = 1u << 0,
	AGGREGATE_STARTED = 1u << 1, /* flows are those that start in the span
					of the options */
	AGGREGATE_DISTINCT = 1u << 2,
	AGGREGATE_TIMES = 1u << 3,
};

struct aggregate_options {
	uint64_t max_groups; /* below 2^32 */
	unsigned extras;
	int64_t from_ms, to_ms; /* AGGREGATE_STARTED */
};

struct aggregate_order {
	/* The larger comes first; NULL: by keys alone. */
	uint64_t (*rank)(const struct aggregate_sums *sums, const void *arg);
	/* Which groups there are; NULL: all. */
	bool (*keep)(const struct aggregate_sums *sums, const void *arg);
	const void *arg;
	size_t first_key; /* without rank; ascending */
	bool backwards;   /* the other way round, but for groups that are equal
			     in what they are ordered by */
};

/* For rank. */
uint64_t aggregate_flows(const struct aggregate_sums *sums, const void *arg);
uint64_t aggregate_octets(const struct aggregate_sums *sums, const void *arg);
uint64_t aggregate_packets(const struct aggregate_sums *sums, const void *arg);

/* By at least one key; keys are borrowed, and settled. */
struct aggregate *aggregate_new(
    const struct report_keys *keys, const struct aggregate_options *o);
void aggregate_free(struct aggregate *a); /* accepts NULL */

/* What aggregate_add needs to see of a flow. */
flow_column_set aggregate_columns(const struct aggregate *a);

/*
 * A part of a for one thread, which makes it: any number of batches, all parts'
 * of one scan, then aggregate_end, which adds them to a. Threads may do all of
 * this at once. ERR_LIMIT: there would be more than max_groups groups.
 */
struct aggregate_part *aggregate_part_new(struct aggregate *a);
int aggregate_add(struct aggregate_part *p, const struct batch *b,
    struct err *err) MUST_CHECK;
int aggregate_end(struct aggregate_part *p, struct err *err) MUST_CHECK;
void aggregate_part_free(struct aggregate_part *p);

/* The same for scan_spread, with the aggregate as its arg. */
extern const struct scan_consumer aggregate_consumer;

/* ---- when all parts have ended ---- */

size_t aggregate_n_groups(const struct aggregate *a);

/* Flows, each once, whatever the keys; nothing each way, nothing distinct. */
struct aggregate_sums aggregate_total(const struct aggregate *a);

/*
 * Into distinct[which] of each group of a, how many groups of pairs there are
 * with its keys: pairs has those of a and one behind them, and added up the
 * same scan.
 */
void aggregate_count(
    struct aggregate *a, size_t which, const struct aggregate *pairs);

/* How many groups an order keeps. */
size_t aggregate_kept(
    const struct aggregate *a, const struct aggregate_order *order);

/*
 * The numbers of the first groups in an order, at most limit (0: all) of them;
 * *n says how many, free() the array. Groups that are equal in what they are
 * ordered by follow their keys, ascending, so the order is always the same.
 */
uint32_t *aggregate_sort(const struct aggregate *a,
    const struct aggregate_order *order, size_t limit, size_t *n);

void aggregate_get(
    const struct aggregate *a, uint32_t group, struct aggregate_group *out);

/* The address behind a key that is the exporter. */
const struct addr *aggregate_exporter(const struct aggregate *a, uint64_t key);

#endif
