/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SCALE_H
#define WEIR_QUERY_SCALE_H
/*
 * Octets and packets of sampled flows, multiplied to what they stand for. What
 * is stored, and what filters compare, are the counters as sent.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/flow.h"

struct batch;
struct conf;

enum scale_mode {
	SCALE_NONE,
	SCALE_HEADER, /* by the interval that the configuration says of the
			 exporter at the flow's end, else by that of its
			 header */
	SCALE_FIXED,  /* all by factor */
};

enum { SCALE_MAX_FACTOR = 1000000 };

struct scale {
	enum scale_mode mode;
	uint64_t factor;         /* 1..SCALE_MAX_FACTOR */
	const struct conf *conf; /* of SCALE_HEADER; borrowed */
};

/* What scale_batch has to see, when these are wanted. */
flow_column_set scale_columns(const struct scale *s, flow_column_set wanted);

/* What the counters of flow i are multiplied by: at least 1. */
int64_t scale_factor(const struct scale *s, const struct batch *b, size_t i);

/* Multiply octets and packets, as far as b has them. */
void scale_batch(const struct scale *s, struct batch *b);

#endif
