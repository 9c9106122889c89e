/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ORDER_H
#define WEIR_REPORT_ORDER_H
/*
 * Flows in an order of their columns: batches go in, batches come out when all
 * are in. Of the first N flows no more than N are kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct batch;
struct column;
struct order;

enum {
	ORDER_MAX_KEYS = 8,
	ORDER_MAX_FLOWS = 2000000, /* at most 250 bytes each */
};

struct order_key {
	const struct column *column;
	bool descending;
};

/* columns: what goes out, and what the keys need. limit 0: all flows. */
struct order *order_new(const struct order_key *key, size_t n_keys,
    flow_column_set columns, uint64_t limit);
void order_free(struct order *o); /* accepts NULL */

/* ERR_LIMIT: more than ORDER_MAX_FLOWS would have to be kept. */
int order_add(
    struct order *o, const struct batch *b, struct err *err) MUST_CHECK;

/* No more will be added. */
void order_sort(struct order *o);

/* The next flows, in b, which has the columns; b->n is 0 behind the last. */
void order_next(struct order *o, struct batch *b);

#endif
