/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_HEADERS_H
#define WEIR_SCHEMA_HEADERS_H
/*
 * The headers of the datagrams in a shard, one after another in order of
 * arrival, each with the place of its flows: what table packet holds.
 */
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct headers;
struct shard;

struct header {
	struct packet packet;
	uint32_t segment_id;
	uint64_t first_flow; /* number in the segment, from 1 */
};

/* s is within shard_begin_read until headers_close. */
int headers_open(
    struct headers **out, struct shard *s, struct err *err) MUST_CHECK;
/* 1, or 0 behind the last one, or an error. */
int headers_next(
    struct headers *h, struct header *out, struct err *err) MUST_CHECK;
void headers_close(struct headers *h); /* accepts NULL */

#endif
