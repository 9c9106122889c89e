/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_SHA256_H
#define WEIR_SCHEMA_BASE_SHA256_H
/*
 * SHA-256, to know a file again by its content; what sha256sum(1) prints.
 * Source: FIPS 180-4.
 */
#include <stddef.h>
#include <stdint.h>

enum { SHA256_BLOCK = 64, SHA256_TEXT_LEN = 65 };

struct sha256 {
	uint32_t state[8];
	uint64_t len; /* bytes so far */
	uint8_t block[SHA256_BLOCK];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *p, size_t len);
/* In lowercase hexadecimal. s is done with. */
void sha256_end(struct sha256 *s, char out[SHA256_TEXT_LEN]);

#endif
