/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_NEAR_H
#define WEIR_SCHEMA_BASE_NEAR_H
/* The word that was meant, when one was mistyped. */

struct near {
	const char *word; /* as typed; borrowed */
	const char *best; /* NULL: none is near; borrowed */
	unsigned distance;
};

/* Offer known words one by one; of those equally near the first stays. Upper
 * and lower case are the same. */
void near_offer(struct near *n, const char *known);

#endif
