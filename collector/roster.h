/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_ROSTER_H
#define WEIR_COLLECTOR_ROSTER_H
/*
 * Who is known, up to a maximum: keys to positions of an array that the caller
 * keeps. All memory is allocated at the start.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"

struct roster;

struct roster_key {
	struct addr addr;
	uint32_t more; /* what else tells apart */
};

struct roster *roster_new(size_t max);
void roster_free(struct roster *r); /* accepts NULL */

/* 1..max, in the order of adding; 0: not there. */
size_t roster_find(const struct roster *r, const struct roster_key *key);
/* Of a key that is not there; 0: max are. */
size_t roster_add(struct roster *r, const struct roster_key *key);
void roster_clear(struct roster *r);

size_t roster_n(const struct roster *r);
bool roster_is_full(const struct roster *r);
/* Borrowed until roster_clear. */
const struct roster_key *roster_at(const struct roster *r, size_t position);

#endif
