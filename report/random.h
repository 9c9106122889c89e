/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_RANDOM_H
#define WEIR_REPORT_RANDOM_H
/*
 * Numbers by chance that are the same on every machine: integers alone, as
 * rounding and libm differ. Not for secrets.
 */
#include <stdint.h>

struct random {
	uint64_t state; /* the seed at first */
};

/* splitmix64 (Vigna, public domain). */
static inline uint64_t
random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0..n-1 */
static inline uint32_t
random_below(struct random *r, uint32_t n)
{
	return (uint32_t)((random_next(r) >> 32) * n >> 32);
}

/* Of a million times this is true per_million times. */
static inline int
random_hits(struct random *r, uint32_t per_million)
{
	return random_below(r, 1000000) < per_million;
}

/* 1..2^bits-1, each size of number in bits as likely as the others: a few are
 * large, and those are most of the sum. bits 1..32. */
static inline uint32_t
random_heavy(struct random *r, unsigned bits)
{
	unsigned top = random_below(r, bits);

	return (uint32_t)(UINT64_C(1) << top |
			  random_next(r) >> 32 >> 1 >> (31 - top));
}

/* 0..n-1, number k as likely as about 1 / (k + 1). */
static inline uint32_t
random_rank(struct random *r, uint32_t n)
{
	unsigned bits = 1;
	uint32_t k;

	while ((uint64_t)n >> bits != 0)
		bits++;
	do
		k = random_heavy(r, bits) - 1;
	while (k >= n);
	return k;
}

#endif
