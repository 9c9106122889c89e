/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_QUANTITY_H
#define WEIR_QUERY_QUANTITY_H
/*
 * What a condition tests: a column of the flow, or a whole number made of
 * several. Numbers of enum flow_column come first, so that a column is a
 * quantity too. In SQL they are written by compile.c.
 */
#include <stdint.h>

#include "schema/flow.h"

struct batch;

enum quantity {
	/* Quotients are rounded down, and 0 where the divisor is 0: a flow of
	 * one instant has no rate. */
	QUANTITY_PACKET_SIZE = N_FLOW_COLUMNS, /* octets / packets */
	QUANTITY_BPS,                          /* octets * 8 / duration */
	QUANTITY_PPS,                          /* packets / duration */
	QUANTITY_DSCP,                         /* upper six bits of tos */
	QUANTITY_INTERVAL, /* of sampling: the word without its mode */
	QUANTITY_ENGINE,   /* engine_type * 256 + engine_id */
	N_QUANTITIES
};

enum { SAMPLING_INTERVAL_MASK = 0x3fff };

/* The columns it is made of. */
flow_column_set quantity_columns(unsigned quantity);

/* Of flow number i of b, which has those columns; not of COL_EXPORTER, where it
 * is a mere position. */
int64_t quantity_value(unsigned quantity, const struct batch *b, size_t i);

/*
 * Of the n flows from number first on: a pointer to n values, into b or into
 * scratch, which has room for n.
 */
const int64_t *quantity_values(unsigned quantity, const struct batch *b,
    size_t first, size_t n, int64_t *scratch);

#endif
