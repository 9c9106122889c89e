/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PAIRS_H
#define WEIR_REPORT_PAIRS_H
/*
 * Ports of hosts, each with marks: what one source tried. Exact until it is
 * halved: then only hosts whose hash says so are kept, all their ports with
 * them, so that what is kept is a fair sample of hosts. Which hosts does not
 * depend on the order in which they came, nor on the process.
 */
#include <stddef.h>
#include <stdint.h>

struct pairs {
	uint64_t *slot; /* 0: free */
	size_t n, n_slots;
	unsigned level; /* one host of 2^level is kept */
	uint64_t seed;
};

struct pair {
	uint32_t host;
	uint16_t port;
	uint8_t class, marks;
};

void pairs_release(struct pairs *p); /* accepts a zeroed struct */

/* Add marks (not 0) to a pair, which is made if missing. Returns how many pairs
 * there are more: 0 or 1. */
size_t pairs_mark(struct pairs *p, const struct pair *pair);

/* Keep half of the hosts. */
void pairs_halve(struct pairs *p);

/* All pairs by class, host, port; n of them. free() it. */
struct pair *pairs_sorted(const struct pairs *p);

#endif
