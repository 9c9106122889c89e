/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_ADDR_H
#define WEIR_SCHEMA_BASE_ADDR_H
/*
 * IP addresses. Flows are IPv4 (NetFlow v5 knows nothing else) and are plain
 * uint32_t in host order. An exporter may also be reached over IPv6; struct
 * addr holds either.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/attr.h"

struct sockaddr;
struct sockaddr_storage;

enum { ADDR_TEXT_LEN = 46 }; /* INET6_ADDRSTRLEN */

struct addr {
	uint8_t family;    /* 4, 6, or 0 for none */
	uint8_t bytes[16]; /* network order; IPv4 in the first four */
};

struct prefix {
	struct addr addr; /* bits past len are zero */
	uint8_t len;      /* 0..32 or 0..128 */
};

struct addr addr_from_ip4(uint32_t ip4);
struct addr addr_from_sockaddr(const struct sockaddr *sa); /* v4-mapped
    IPv6 becomes IPv4; family 0 for anything but IP */
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_any(const struct addr *a);       /* 0.0.0.0 or :: */
bool addr_is_multicast(const struct addr *a); /* RFC 5771, RFC 4291 2.7 */
/* Below, 0 or above 0, as memcmp: IPv4 before IPv6, then by number. */
int addr_compare(const struct addr *a, const struct addr *b);
void addr_format(const struct addr *a, char out[ADDR_TEXT_LEN]);
void ip4_format(uint32_t ip4, char out[ADDR_TEXT_LEN]);

/* Exactly one dotted quad or RFC 4291 text; nothing is resolved. */
bool addr_parse(const char *text, struct addr *out);

/*
 * "10.0.0.0/8", "2001:db8::/32" or a lone address (full length). Host bits
 * behind the prefix are cleared, as FlowViewer and routers do.
 */
bool prefix_parse(const char *text, struct prefix *out);
void prefix_clear_host_bits(struct prefix *p);
bool prefix_holds(const struct prefix *p, const struct addr *a);

/* An IPv4 prefix as the inclusive range of addresses it covers. */
void prefix_ip4_range(const struct prefix *p, uint32_t *lo, uint32_t *hi);

/* Where a UDP socket is. */
struct endpoint {
	struct addr addr;
	uint16_t port; /* 0: the system chooses */
};

enum { ENDPOINT_TEXT_LEN = ADDR_TEXT_LEN + 8 };

/* "ADDR:PORT", "[V6ADDR]:PORT", ":PORT" or "PORT" (any IPv4 address). */
bool endpoint_parse(const char *text, struct endpoint *out);
/* "ADDR:PORT" or "[V6ADDR]:PORT". */
void endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_LEN]);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
struct endpoint endpoint_from_sockaddr(const struct sockaddr *sa);
/* The length for bind(2) and connect(2). */
size_t endpoint_to_sockaddr(
    const struct endpoint *e, struct sockaddr_storage *out);

#endif
