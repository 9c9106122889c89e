/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PAN_H
#define WEIR_REPORT_PAN_H
/*
 * Addresses for other addresses, by a key, such that two that share their
 * first n bits still share exactly these: Crypto-PAn. The same key gives the
 * same addresses, nfdump's nfanon as well. No address is left as it was on
 * purpose, 0.0.0.0 and multicast groups neither: each is some address's image.
 * Source: Xu, Fan, Ammar, Moon, "Prefix-Preserving IP Address Anonymization",
 * ICNP 2002; Fan, Xu, Ammar, Moon, Computer Networks 46 (2004).
 */
#include <stdint.h>

struct addr;
struct pan;

enum { PAN_KEY_LEN = 32 }; /* bytes: 16 for AES, 16 that become the pad */

struct pan *pan_new(const uint8_t key[PAN_KEY_LEN]);
void pan_free(struct pan *p); /* accepts NULL; forgets the key */

uint32_t pan_ip4(struct pan *p, uint32_t ip4);
/* IPv6 by the same scheme with 128 bits; family 0 stays. */
struct addr pan_addr(struct pan *p, const struct addr *a);

#endif
