/* SPDX-License-Identifier: ISC */
/*
 * Crypto-PAn: see pan.h. Bit i of an address is turned over or not by the first
 * bit of the cipher of a block: the i bits before it, then those of the pad. So
 * an IPv4 address takes 32 blocks. Half of them are shared by a /16, whose bits
 * are kept; and addresses come again and again, so that most are kept whole.
 */
#include "report/pan.h"

#include <nettle/aes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/addr.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum { BLOCK = AES_BLOCK_SIZE, HALF_BITS = 16, N_HALVES = 1 << HALF_BITS };
enum { KEPT_BITS = 16, N_KEPT = 1 << KEPT_BITS };

struct kept {
	uint32_t from, to;
};

struct pan {
	struct aes128_ctx aes;
	uint8_t pad[BLOCK];
	uint16_t top[N_HALVES]; /* what turns over the first half */
	bool has_top[N_HALVES];
	struct kept kept[N_KEPT];
};

/* Bits first to end - 1 of what turns address over, the first one on top. */
static void
turn(const struct pan *p, const uint8_t *address, unsigned first, unsigned end,
    uint8_t *out)
{
	uint8_t block[HALF_BITS * BLOCK], next[BLOCK];
	unsigned n = end - first, i = 0;

	memcpy(next, p->pad, BLOCK);
	for (; i < end; i++) {
		uint8_t bit = (uint8_t)(0x80 >> i % 8);

		if (i >= first)
			memcpy(block + (i - first) * BLOCK, next, BLOCK);
		next[i / 8] =
		    (uint8_t)((next[i / 8] & ~bit) | (address[i / 8] & bit));
	}
	aes128_encrypt(&p->aes, n * BLOCK, block, block);
	memset(out, 0, n / 8);
	for (i = 0; i < n; i++)
		out[i / 8] |= (uint8_t)(block[i * BLOCK] >> 7 << (7 - i % 8));
}

static uint16_t
turn_half(const struct pan *p, const uint8_t *address, unsigned first)
{
	uint8_t bits[HALF_BITS / 8];

	turn(p, address, first, first + HALF_BITS, bits);
	return get_be16(bits);
}

static uint32_t
map_ip4(struct pan *p, uint32_t ip4)
{
	uint32_t half = ip4 >> HALF_BITS;
	uint8_t address[4];

	put_be32(address, ip4);
	if (!p->has_top[half]) {
		p->top[half] = turn_half(p, address, 0);
		p->has_top[half] = true;
	}
	return ip4 ^ ((uint32_t)p->top[half] << HALF_BITS |
			 turn_half(p, address, HALF_BITS));
}

/* Knuth's multiplicative hash; who shares a place replaces the other. */
static struct kept *
place_of(struct pan *p, uint32_t ip4)
{
	return &p->kept[ip4 * UINT32_C(2654435761) >> (32 - KEPT_BITS)];
}

struct pan *
pan_new(const uint8_t key[PAN_KEY_LEN])
{
	struct pan *p = xcalloc(1, sizeof *p);

	aes128_set_encrypt_key(&p->aes, key);
	aes128_encrypt(&p->aes, BLOCK, p->pad, key + AES128_KEY_SIZE);
	/* All places hold address 0 now, which but for its own is never asked
	 * of them. */
	place_of(p, 0)->to = map_ip4(p, 0);
	return p;
}

void
pan_free(struct pan *p)
{
	if (p == NULL)
		return;
	explicit_bzero(p, sizeof *p);
	free(p);
}

uint32_t
pan_ip4(struct pan *p, uint32_t ip4)
{
	struct kept *k = place_of(p, ip4);

	if (k->from != ip4)
		*k = (struct kept){.from = ip4, .to = map_ip4(p, ip4)};
	return k->to;
}

static struct addr
map_ip6(const struct pan *p, const struct addr *a)
{
	struct addr out = *a;
	uint8_t bits[HALF_BITS / 8];

	for (unsigned i = 0; i < 128; i += HALF_BITS) {
		turn(p, a->bytes, i, i + HALF_BITS, bits);
		out.bytes[i / 8] ^= bits[0];
		out.bytes[i / 8 + 1] ^= bits[1];
	}
	return out;
}

struct addr
pan_addr(struct pan *p, const struct addr *a)
{
	switch (a->family) {
	case 4: return addr_from_ip4(pan_ip4(p, get_be32(a->bytes)));
	case 6: return map_ip6(p, a);
	default: return *a;
	}
}
