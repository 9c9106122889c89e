/* SPDX-License-Identifier: ISC */
/* IP addresses as text, integers and prefixes: see addr.h. */
#include "schema/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "schema/base/num.h"

struct addr
addr_from_ip4(uint32_t ip4)
{
	struct addr a = {.family = 4};

	a.bytes[0] = (uint8_t)(ip4 >> 24);
	a.bytes[1] = (uint8_t)(ip4 >> 16);
	a.bytes[2] = (uint8_t)(ip4 >> 8);
	a.bytes[3] = (uint8_t)ip4;
	return a;
}

struct addr
addr_from_sockaddr(const struct sockaddr *sa)
{
	struct addr a = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		a.family = 4;
		memcpy(a.bytes, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			a.family = 4;
			memcpy(a.bytes, in6.sin6_addr.s6_addr + 12, 4);
		} else {
			a.family = 6;
			memcpy(a.bytes, in6.sin6_addr.s6_addr, 16);
		}
	}
	return a;
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool
addr_is_any(const struct addr *a)
{
	static const uint8_t zero[sizeof a->bytes];

	return a->family != 0 && memcmp(a->bytes, zero, sizeof zero) == 0;
}

bool
addr_is_multicast(const struct addr *a)
{
	return a->family == 4 ? (a->bytes[0] & 0xf0) == 0xe0
			      : a->family == 6 && a->bytes[0] == 0xff;
}

int
addr_compare(const struct addr *a, const struct addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

void
addr_format(const struct addr *a, char out[ADDR_TEXT_LEN])
{
	if (a->family == 4)
		inet_ntop(AF_INET, a->bytes, out, ADDR_TEXT_LEN);
	else if (a->family == 6)
		inet_ntop(AF_INET6, a->bytes, out, ADDR_TEXT_LEN);
	else
		snprintf(out, ADDR_TEXT_LEN, "-");
}

void
ip4_format(uint32_t ip4, char out[ADDR_TEXT_LEN])
{
	struct addr a = addr_from_ip4(ip4);

	addr_format(&a, out);
}

bool
addr_parse(const char *text, struct addr *out)
{
	struct addr a = {0};

	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.family = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.family = 6;
	else
		return false;
	*out = a;
	return true;
}

void
prefix_clear_host_bits(struct prefix *p)
{
	for (size_t i = 0; i < sizeof p->addr.bytes; i++) {
		size_t first = i * 8; /* bit number of this byte's top bit */

		if (first >= p->len)
			p->addr.bytes[i] = 0;
		else if (p->len - first < 8)
			p->addr.bytes[i] &=
			    (uint8_t)(0xffu << (8 - (p->len - first)));
	}
}

bool
prefix_parse(const char *text, struct prefix *out)
{
	char host[ADDR_TEXT_LEN];
	const char *slash = strchr(text, '/');
	size_t host_len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	struct prefix p = {0};
	uint64_t len, max;

	if (host_len >= sizeof host)
		return false;
	memcpy(host, text, host_len);
	host[host_len] = '\0';
	if (!addr_parse(host, &p.addr))
		return false;
	max = p.addr.family == 4 ? 32 : 128;
	len = max;
	if (slash != NULL && !parse_u64(slash + 1, max, &len))
		return false;
	p.len = (uint8_t)len;
	prefix_clear_host_bits(&p);
	*out = p;
	return true;
}

bool
prefix_holds(const struct prefix *p, const struct addr *a)
{
	struct prefix other = {.addr = *a, .len = p->len};

	if (p->addr.family != a->family)
		return false;
	prefix_clear_host_bits(&other);
	return addr_equal(&p->addr, &other.addr);
}

void
prefix_ip4_range(const struct prefix *p, uint32_t *lo, uint32_t *hi)
{
	const uint8_t *b = p->addr.bytes;

	*lo = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	      (uint32_t)b[2] << 8 | b[3];
	*hi =
	    *lo | (p->len == 0 ? UINT32_MAX : UINT32_MAX >> (p->len - 1) >> 1);
}

static bool
parse_host(const char *text, size_t len, struct addr *out)
{
	char host[ADDR_TEXT_LEN];

	if (len >= sizeof host)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return addr_parse(host, out);
}

bool
endpoint_parse(const char *text, struct endpoint *out)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : 0;
	struct endpoint e = {.addr = addr_from_ip4(0)};
	uint64_t port;

	if (!parse_u64(colon != NULL ? colon + 1 : text, UINT16_MAX, &port))
		return false;
	e.port = (uint16_t)port;
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		if (!parse_host(text + 1, len - 2, &e.addr))
			return false;
	} else if (len > 0) {
		/* bare IPv6 with a port would be ambiguous */
		if (memchr(text, ':', len) != NULL ||
		    !parse_host(text, len, &e.addr))
			return false;
	}
	*out = e;
	return true;
}

void
endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_LEN])
{
	char name[ADDR_TEXT_LEN];

	addr_format(&e->addr, name);
	snprintf(out, ENDPOINT_TEXT_LEN,
	    e->addr.family == 6 ? "[%s]:%u" : "%s:%u", name, e->port);
}

bool
endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

struct endpoint
endpoint_from_sockaddr(const struct sockaddr *sa)
{
	struct endpoint e = {.addr = addr_from_sockaddr(sa)};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		e.port = ntohs(in.sin_port);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof in6);
		e.port = ntohs(in6.sin6_port);
	}
	return e;
}

size_t
endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *out)
{
	struct sockaddr_in in = {
	    .sin_family = AF_INET, .sin_port = htons(e->port)};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_port = htons(e->port)};

	memset(out, 0, sizeof *out);
	if (e->addr.family == 6) {
		memcpy(&in6.sin6_addr, e->addr.bytes, 16);
		memcpy(out, &in6, sizeof in6);
		return sizeof in6;
	}
	memcpy(&in.sin_addr, e->addr.bytes, 4);
	memcpy(out, &in, sizeof in);
	return sizeof in;
}
