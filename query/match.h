/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_MATCH_H
#define WEIR_QUERY_MATCH_H
/* A filter on flows in memory: agrees with its SQL on every flow. */
#include <stdbool.h>
#include <stddef.h>

#include "schema/flow.h"

struct batch;
struct filter;

/* The columns that match_flow reads. */
flow_column_set match_columns(const struct filter *f);

/* Whether flow number i of b passes; b has match_columns(f) at least. */
bool match_flow(const struct filter *f, const struct batch *b, size_t i);

#endif
