/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_SOURCE_H
#define WEIR_SCHEMA_SOURCE_H
/*
 * Table source of one shard, and all its rows in memory: who exports, one row
 * for each combination seen in datagram headers. Whoever can send datagrams can
 * make rows by forging addresses, so there is a maximum.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct db;

/* Rows at most. What more exporters send is of one source without an address,
 * whose exporter is called 'others'. */
enum { SOURCE_MAX = 65536 };

struct sources {
	struct source *source; /* by position id - 1 */
	size_t n, cap;
	size_t last;    /* the one found last is mostly the next one */
	uint32_t *slot; /* ids by hash, 0: free; NULL: nobody asked yet */
	size_t n_slots; /* a power of two */
	uint64_t seed;
};

void sources_clear(struct sources *s);   /* accepts a zeroed struct */
void sources_release(struct sources *s); /* the same */

/* Read them anew. */
int sources_load(struct sources *s, struct db *db, struct err *err) MUST_CHECK;

/* *id is the row of src, which is made if it is new. */
int sources_find(struct sources *s, struct db *db, const struct source *src,
    int64_t *id, struct err *err) MUST_CHECK;

#endif
