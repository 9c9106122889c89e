/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_SALVAGE_H
#define WEIR_SCHEMA_SALVAGE_H
/* What can still be read of a damaged shard, into a fresh one. */
#include <stdint.h>

#include "schema/base/err.h"

struct salvaged {
	uint64_t n_flows; /* saved */
	uint64_t n_lost;  /* flows known to have been there beside them */
};

/*
 * Make the shard at path to, which must not exist, of all rows of the one at
 * path from that can be read: table by table, around what gives errors. from
 * is only read. It is left sealed and finished. When nothing can be read
 * there are 0 flows. ERR_*: the fresh one cannot be written.
 */
int salvage_shard(const char *from, const char *to, struct salvaged *out,
    struct err *err) MUST_CHECK;

#endif
