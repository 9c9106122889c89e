/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_ADDRESS_H
#define WEIR_SCHEMA_ADDRESS_H
/*
 * Which addresses occur in the flows of a day, as source or destination, so
 * that a search for one over months leaves out the days that lack it. It may
 * say that one occurs which does not (once in a hundred times), never the
 * reverse.
 *
 * A Bloom filter in blocks: the hash of a key picks a block of 512 bytes and
 * six bits in it, so that asking is reading one block. Keys are the addresses
 * and their /24 nets, ten bits each: 1 MB for a day of 20 M flows with 400,000
 * addresses, a thousandth of its size.
 * Sources: B. H. Bloom, "Space/time trade-offs in hash coding with allowable
 * errors", 1970; F. Putze, P. Sanders, J. Singler, "Cache-, hash- and
 * space-efficient Bloom filters", 2007.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct db;

enum {
	ADDRESS_BLOCK_LEN = 512,
	/* 32 MB: a day with more than 20 M addresses, forged ones, is too much;
	 * any address may be in it. */
	ADDRESS_MAX_BLOCKS = 65536,
};

struct address_set {
	uint8_t *bits;
	size_t n_blocks; /* a power of two; 0: nothing is known */
};

/* Empty, with room for so many addresses, or for as many as there may be. */
void address_init(struct address_set *s, uint64_t n_addresses);
void address_release(struct address_set *s); /* accepts a zeroed struct */

void address_add(struct address_set *s, uint32_t addr);
/* Too full to tell anything but "it may". */
bool address_is_full(const struct address_set *s);
/* Down to the blocks that are needed; nothing is known if it is too full. */
void address_fit(struct address_set *s);

struct address_range {
	uint32_t lo, hi; /* both included */
};

/* Gives a block of a set, borrowed until the next one; NULL: not known. */
typedef const uint8_t *address_block_fn(void *arg, size_t block);

/* Whether one of the addresses of r may occur, in a set of n_blocks > 0. A wide
 * range always may. */
bool address_may_hold(
    size_t n_blocks, address_block_fn *get, void *arg, struct address_range r);

/* ---- table address of a shard ---- */

/* Nothing is known when there are no rows, or they make no sense. */
int address_load(
    struct address_set *s, struct db *db, struct err *err) MUST_CHECK;
/* In place of what is there; inside a transaction. */
int address_store(
    const struct address_set *s, struct db *db, struct err *err) MUST_CHECK;

/* Call fn for each address of a sealed segment's flows, more than once maybe.
 */
typedef void address_fn(void *arg, uint32_t addr);
int address_of_segment(struct db *db, uint32_t segment_id, address_fn *fn,
    void *arg, struct err *err) MUST_CHECK;

#endif
