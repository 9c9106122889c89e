/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_HASH_H
#define WEIR_SCHEMA_BASE_HASH_H
/* Hashing for tables that are found by what strangers send. */
#include <stdint.h>

/* All bits of x to all bits of the result, one to one. Fold the words of a key
 * into it one after the other: h = hash_mix(h ^ word). Filters on disk rest on
 * it: it stays as it is. */
static inline uint64_t
hash_mix(uint64_t x)
{
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	x ^= x >> 32;
	x *= UINT64_C(0xd6e8feb86659fd93);
	return x ^ x >> 32;
}

/* To begin with where somebody who knows the hash could send what collides:
 * another number in each process. */
uint64_t hash_seed(void);

#endif
