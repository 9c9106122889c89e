/* SPDX-License-Identifier: ISC */
/* Single values of filter words: see value.h. */
#include "query/value.h"

#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "query/ast.h"
#include "schema/base/num.h"

/* Room for one entry of services(5) or protocols(5) with its aliases. */
enum { NETDB_BUF_LEN = 4096 };

const char *
value_ip4(const char *text, struct ast *out)
{
	struct prefix p;
	uint32_t lo, hi;

	if (!prefix_parse(text, &p))
		return "is no IPv4 address: want 192.0.2.1 or 192.0.2.0/24";
	if (p.addr.family != 4)
		return "is IPv6: NetFlow v5 has IPv4 addresses only";
	prefix_ip4_range(&p, &lo, &hi);
	ast_add_range(out, lo, hi);
	return NULL;
}

const char *
value_exporter(const char *text, struct ast *out)
{
	struct prefix p;

	if (!prefix_parse(text, &p))
		return "is no address: want 192.0.2.1, 192.0.2.0/24 or "
		       "2001:db8::1";
	ast_add_prefix(out, &p);
	return NULL;
}

static bool
find_service(const char *name, uint64_t *port)
{
	char buf[NETDB_BUF_LEN];
	struct servent entry, *found;

	if (getservbyname_r(name, NULL, &entry, buf, sizeof buf, &found) != 0 ||
	    found == NULL)
		return false;
	*port = ntohs((uint16_t)found->s_port);
	return true;
}

/* "a:b" or "a-b", numbers only: names may hold a "-" themselves. */
static bool
parse_port_range(const char *text, uint64_t *lo, uint64_t *hi)
{
	char first[8]; /* longest number: "0xffff" */
	size_t len = strcspn(text, ":-");

	if (text[len] == '\0' || len >= sizeof first)
		return false;
	memcpy(first, text, len);
	first[len] = '\0';
	return parse_u64(first, UINT16_MAX, lo) &&
	       parse_u64(text + len + 1, UINT16_MAX, hi);
}

const char *
value_port(const char *text, struct ast *out)
{
	uint64_t lo, hi;

	if (parse_port_range(text, &lo, &hi)) {
		if (lo > hi)
			return "ends before it begins: want the lower port "
			       "first";
	} else if (parse_u64(text, UINT16_MAX, &lo) ||
		   find_service(text, &lo)) {
		hi = lo;
	} else {
		return "is no port: want 0-65535 or a service name";
	}
	ast_add_range(out, (int64_t)lo, (int64_t)hi);
	return NULL;
}

/* What a system without /etc/protocols must know too.
 * Source: IANA, "Assigned Internet Protocol Numbers". */
static const struct {
	const char *name;
	uint8_t number;
} protocols[] = {
    {"icmp", 1},
    {"igmp", 2},
    {"ipip", 4},
    {"tcp", 6},
    {"udp", 17},
    {"ipv6", 41},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"icmp6", 58},
    {"eigrp", 88},
    {"ospf", 89},
    {"pim", 103},
    {"vrrp", 112},
    {"l2tp", 115},
    {"sctp", 132},
};

static bool
find_protocol(const char *name, uint64_t *number)
{
	char buf[NETDB_BUF_LEN];
	struct protoent entry, *found;

	for (size_t i = 0; i < ARRAY_LEN(protocols); i++) {
		if (strcasecmp(name, protocols[i].name) == 0) {
			*number = protocols[i].number;
			return true;
		}
	}
	if (getprotobyname_r(name, &entry, buf, sizeof buf, &found) != 0 ||
	    found == NULL)
		return false;
	*number = (uint8_t)found->p_proto;
	return true;
}

const char *
value_protocol(const char *text, struct ast *out)
{
	uint64_t number;

	if (!parse_u64(text, UINT8_MAX, &number) &&
	    !find_protocol(text, &number))
		return "is no protocol: want 0-255 or a name such as tcp";
	ast_add_range(out, (int64_t)number, (int64_t)number);
	return NULL;
}

/* len bytes of text as the flags byte. */
static bool
parse_flags(const char *text, size_t len, unsigned *out)
{
	static const char letters[] = "CEUAPRSF"; /* from bit 7 down */
	char copy[16];
	uint64_t number;
	unsigned flags = 0;

	if (len == 0 || len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (parse_u64(copy, UINT8_MAX, &number)) {
		*out = (unsigned)number;
		return true;
	}
	for (size_t i = 0; i < len; i++) {
		const char *p =
		    strchr(letters, toupper((unsigned char)copy[i]));

		if (p != NULL)
			flags |= 0x80u >> (p - letters);
		else if (copy[i] != '.')
			return false;
	}
	*out = flags;
	return true;
}

const char *
value_flags(const char *text, struct ast *out)
{
	size_t len = strcspn(text, "/");
	unsigned value, mask = UINT8_MAX;

	if (!parse_flags(text, len, &value) ||
	    (text[len] == '/' &&
		!parse_flags(text + len + 1, strlen(text + len + 1), &mask)))
		return "is no TCP flags: want letters of CEUAPRSF or 0-255, "
		       "perhaps with a mask, as in S/SA";
	if ((value & ~mask) != 0)
		return "has a flag that its mask leaves out: it could never "
		       "match";
	for (unsigned flags = 0; flags <= UINT8_MAX; flags++)
		if ((flags & mask) == value)
			ast_add_range(out, flags, flags);
	return NULL;
}
