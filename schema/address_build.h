/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_ADDRESS_BUILD_H
#define WEIR_SCHEMA_ADDRESS_BUILD_H
/* Table address of a shard whose segments are sealed, made in steps. */
#include <stdbool.h>
#include <stddef.h>

#include "schema/address.h"
#include "schema/base/err.h"

struct db;
struct segments;

struct address_build {
	bool under_way;
	bool anew; /* of all segments; else of those that are not in it */
	struct address_set set;
	size_t at; /* segments before are done */
};

/* Give up what is under way: rows were added. Accepts a zeroed struct. */
void address_build_release(struct address_build *b);

/*
 * One step, outside a transaction: the addresses of a segment, or writing them
 * all down in one transaction. Returns 1 when it was done, 0 when the table
 * knows all flows.
 */
int address_build_step(struct address_build *b, struct db *db,
    struct segments *s, struct err *err) MUST_CHECK;

#endif
