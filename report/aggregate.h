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

/* 45 to 80 bytes each, with the table that finds them. */
enum { AGGREGATE_MAX_GROUPS = 50000000 };

struct aggregate_sums {
	uint64_t flows;
	uint64_t octets;
	uint64_t packets;
};

struct aggregate_group {
	uint64_t key[REPORT_MAX_KEYS]; /* in the order of the keys; of the
					  exporter, a number for
					  aggregate_exporter */
	struct aggregate_sums sums;
};

struct aggregate_options {
	uint64_t max_groups; /* below 2^32 */
};

struct aggregate_order {
	/* The larger comes first; NULL: by keys alone. */
	uint64_t (*rank)(const struct aggregate_sums *sums);
	size_t first_key; /* without rank; ascending */
	bool backwards;   /* the other way round, but for groups that are equal
			     in what they are ordered by */
};

/* For rank. */
uint64_t aggregate_flows(const struct aggregate_sums *sums);
uint64_t aggregate_octets(const struct aggregate_sums *sums);
uint64_t aggregate_packets(const struct aggregate_sums *sums);

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

/* Flows, each once, whatever the keys. */
struct aggregate_sums aggregate_total(const struct aggregate *a);

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
