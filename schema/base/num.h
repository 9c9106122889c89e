/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_NUM_H
#define WEIR_SCHEMA_BASE_NUM_H
/* Numbers out of text and bytes, with every bound checked. */
#include <stdbool.h>
#include <stdint.h>

/* All of text as decimal, or hexadecimal behind 0x; no sign, no blanks;
 * at most max. false leaves *out alone. */
bool parse_u64(const char *text, uint64_t max, uint64_t *out);

/* Big-endian integers at p; the caller has checked the length. */
static inline uint16_t
get_be16(const uint8_t *p)
{
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t
get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

#endif
