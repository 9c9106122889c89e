/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_MATCH_H
#define WEIR_QUERY_MATCH_H
/*
 * A filter on flows in memory: agrees with its SQL on every flow. A batch is
 * tested a column at a time, 64 flows to a word of bits: some hundred filters
 * on every batch are meant to be cheap.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/batch.h"

struct filter;

enum { MATCH_WORDS = BATCH_MAX / 64 };

/* A set of a batch's flows: number i is bit i % 64 of word i / 64. */
struct match_set {
	uint64_t word[MATCH_WORDS];
};

/* The columns that matching reads. */
flow_column_set match_columns(const struct filter *f);

/* The flows of b that pass, and how many; b has match_columns(f) at least. */
size_t match_batch(
    const struct filter *f, const struct batch *b, struct match_set *out);

/* Leave only those flows in b, in their order; any columns. */
void match_keep(struct batch *b, const struct match_set *set);

static inline bool
match_has(const struct match_set *set, size_t i)
{
	return (set->word[i / 64] >> i % 64 & 1) != 0;
}

/* Whether flow number i of b passes: for one flow at a time. */
bool match_flow(const struct filter *f, const struct batch *b, size_t i);

#endif
