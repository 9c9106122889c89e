/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_NUM_H
#define WEIR_SCHEMA_BASE_NUM_H
/* Numbers out of text and bytes, with every bound checked. */
#include <stdbool.h>
#include <stdint.h>

/* All of text as decimal, or hexadecimal behind 0x; no sign, no blanks;
 * at most max. false leaves *out alone. */
bool parse_u64(const char *text, uint64_t max, uint64_t *out);

/* The same, with K, M, G or T behind it for one to four steps, such as 1024. */
bool parse_scaled(const char *text, uint64_t step, uint64_t max, uint64_t *out);

/* Integers at p, big-endian; the caller has checked the length. */
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

static inline void
put_be16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void
put_be32(uint8_t *p, uint32_t value)
{
	put_be16(p, (uint16_t)(value >> 16));
	put_be16(p + 2, (uint16_t)value);
}

/* Little-endian. */
static inline void
put_le16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static inline void
put_le32(uint8_t *p, uint32_t value)
{
	put_le16(p, (uint16_t)value);
	put_le16(p + 2, (uint16_t)(value >> 16));
}

#endif
