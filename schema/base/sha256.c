/* SPDX-License-Identifier: ISC */
/*
 * SHA-256: see sha256.h. Written out here, because nothing else in weir needs
 * a library of cryptography, and a weaker sum would be ours to defend. The
 * names in transform are those of the standard.
 * Source: FIPS 180-4, 4.1.2, 5.1.1, 6.2.
 */
#include "schema/base/sha256.h"

#include <stdio.h>
#include <string.h>

#include "schema/base/num.h"

static const uint32_t K[64] = {
    0x428a2f98,
    0x71374491,
    0xb5c0fbcf,
    0xe9b5dba5,
    0x3956c25b,
    0x59f111f1,
    0x923f82a4,
    0xab1c5ed5,
    0xd807aa98,
    0x12835b01,
    0x243185be,
    0x550c7dc3,
    0x72be5d74,
    0x80deb1fe,
    0x9bdc06a7,
    0xc19bf174,
    0xe49b69c1,
    0xefbe4786,
    0x0fc19dc6,
    0x240ca1cc,
    0x2de92c6f,
    0x4a7484aa,
    0x5cb0a9dc,
    0x76f988da,
    0x983e5152,
    0xa831c66d,
    0xb00327c8,
    0xbf597fc7,
    0xc6e00bf3,
    0xd5a79147,
    0x06ca6351,
    0x14292967,
    0x27b70a85,
    0x2e1b2138,
    0x4d2c6dfc,
    0x53380d13,
    0x650a7354,
    0x766a0abb,
    0x81c2c92e,
    0x92722c85,
    0xa2bfe8a1,
    0xa81a664b,
    0xc24b8b70,
    0xc76c51a3,
    0xd192e819,
    0xd6990624,
    0xf40e3585,
    0x106aa070,
    0x19a4c116,
    0x1e376c08,
    0x2748774c,
    0x34b0bcb5,
    0x391c0cb3,
    0x4ed8aa4a,
    0x5b9cca4f,
    0x682e6ff3,
    0x748f82ee,
    0x78a5636f,
    0x84c87814,
    0x8cc70208,
    0x90befffa,
    0xa4506ceb,
    0xbef9a3f7,
    0xc67178f2,
};

void
sha256_init(struct sha256 *s)
{
	*s = (struct sha256){
	    .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

static uint32_t
rotr(uint32_t x, unsigned n)
{
	return x >> n | x << (32 - n);
}

/* 6.2.2, step 1. */
static void
schedule(uint32_t w[64], const uint8_t *block)
{
	for (size_t t = 0; t < 16; t++)
		w[t] = get_be32(block + 4 * t);
	for (size_t t = 16; t < 64; t++) {
		uint32_t x = w[t - 15], y = w[t - 2];

		w[t] = w[t - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) +
		       w[t - 7] + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
	}
}

/* 6.2.2, steps 2 to 4; v is a to h. */
static void
transform(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64], v[8];

	schedule(w, block);
	memcpy(v, state, sizeof v);
	for (size_t t = 0; t < 64; t++) {
		uint32_t a = v[0], e = v[4];
		uint32_t ch = (e & v[5]) ^ (~e & v[6]);
		uint32_t maj = (a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]);
		uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
			      ch + K[t] + w[t];
		uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + maj;

		memmove(v + 1, v, 7 * sizeof *v);
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += v[i];
}

void
sha256_add(struct sha256 *s, const void *p, size_t len)
{
	const uint8_t *from = p;

	while (len > 0) {
		size_t used = s->len % SHA256_BLOCK;
		size_t n =
		    SHA256_BLOCK - used < len ? SHA256_BLOCK - used : len;

		memcpy(s->block + used, from, n);
		s->len += n;
		from += n;
		len -= n;
		if (s->len % SHA256_BLOCK == 0)
			transform(s->state, s->block);
	}
}

void
sha256_end(struct sha256 *s, char out[SHA256_TEXT_LEN])
{
	static const uint8_t padding[SHA256_BLOCK] = {0x80};
	uint64_t bits = s->len * 8;
	size_t used = s->len % SHA256_BLOCK;
	uint8_t length[8];

	put_be32(length, (uint32_t)(bits >> 32));
	put_be32(length + 4, (uint32_t)bits);
	sha256_add(s, padding, (used < 56 ? 56 : 120) - used);
	sha256_add(s, length, sizeof length);
	for (size_t i = 0; i < 8; i++)
		snprintf(out + 8 * i, 9, "%08x", s->state[i]);
}
