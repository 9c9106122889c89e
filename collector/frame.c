/* SPDX-License-Identifier: ISC */
/*
 * Link header, VLAN tags, IP, UDP: see frame.h. What is left of a frame is
 * passed on as a span, cut at the front by each header and at the end by each
 * length field; nothing else looks at the bytes.
 */
#include "collector/frame.h"

#include <netinet/in.h>
#include <pcap/dlt.h>
#include <stdbool.h>
#include <string.h>

#include "collector/reader.h"
#include "schema/base/attr.h"
#include "schema/base/num.h"

enum {
	ETHERTYPE_IP4 = 0x0800,
	ETHERTYPE_IP6 = 0x86dd,
	UDP_HEADER_LEN = 8,
	IP4_HEADER_LEN = 20, /* without options */
	IP6_HEADER_LEN = 40,
};

struct span {
	const uint8_t *p;
	size_t len;
};

static bool
span_skip(struct span *s, size_t n)
{
	if (n > s->len)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

/* Keep the first n bytes; false when they are not all there. */
static bool
span_keep(struct span *s, size_t n)
{
	if (n > s->len)
		return false;
	s->len = n;
	return true;
}

/*
 * The link headers. type_at: where the ethertype is, or NO_TYPE for headers
 * whose protocol number differs by system; there IP's own version tells.
 */
enum { NO_TYPE = -1 };

static const struct link {
	int type;
	const char *name;
	uint8_t header_len;
	int8_t type_at;
} links[] = {
    {DLT_EN10MB, "Ethernet", 14, 12},
    {DLT_LINUX_SLL, "Linux cooked v1", 16, 14},
    {DLT_LINUX_SLL2, "Linux cooked v2", 20, 0},
    {DLT_RAW, "raw IP", 0, NO_TYPE},
    {101, "raw IP", 0, NO_TYPE}, /* LINKTYPE_RAW, as files number it */
    {DLT_IPV4, "raw IPv4", 0, NO_TYPE},
    {DLT_IPV6, "raw IPv6", 0, NO_TYPE},
    {DLT_NULL, "BSD loopback", 4, NO_TYPE},
    {DLT_LOOP, "OpenBSD loopback", 4, NO_TYPE},
};

static const struct link *
find_link(int type)
{
	for (size_t i = 0; i < ARRAY_LEN(links); i++)
		if (links[i].type == type)
			return &links[i];
	return NULL;
}

const char *
frame_link_name(int link_type)
{
	const struct link *l = find_link(link_type);

	return l != NULL ? l->name : NULL;
}

static enum frame_kind
parse_udp(struct span s, struct datagram *d)
{
	size_t udp_len;

	if (s.len < UDP_HEADER_LEN)
		return FRAME_CUT;
	udp_len = get_be16(s.p + 4);
	if (udp_len < UDP_HEADER_LEN)
		return FRAME_NOT_UDP;
	if (!span_keep(&s, udp_len))
		return FRAME_CUT;
	d->to_port = get_be16(s.p + 2);
	d->data = s.p + UDP_HEADER_LEN;
	d->len = s.len - UDP_HEADER_LEN;
	return FRAME_UDP;
}

static enum frame_kind
parse_ip4(struct span s, struct datagram *d)
{
	size_t header_len, total_len;

	if (s.len < IP4_HEADER_LEN)
		return FRAME_CUT;
	header_len = (size_t)(s.p[0] & 0x0f) * 4;
	total_len = get_be16(s.p + 2);
	if (s.p[0] >> 4 != 4 || header_len < IP4_HEADER_LEN ||
	    s.p[9] != IPPROTO_UDP)
		return FRAME_NOT_UDP;
	/* More fragments follow, or this one is not the first. */
	if ((get_be16(s.p + 6) & 0x3fff) != 0)
		return FRAME_FRAGMENT;
	/* 0: captured on its sender, whose network card will cut it up. */
	if (total_len != 0 && !span_keep(&s, total_len))
		return FRAME_CUT;
	d->from = addr_from_ip4(get_be32(s.p + 12));
	if (!span_skip(&s, header_len))
		return FRAME_CUT;
	return parse_udp(s, d);
}

static bool
is_ip6_extension(unsigned header)
{
	switch (header) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IPPROTO_AH:
	case IPPROTO_FRAGMENT: return true;
	default: return false;
	}
}

/* Skip one extension header; *next becomes the type of what follows. */
static enum frame_kind
skip_ip6_extension(struct span *s, unsigned *next)
{
	unsigned header = *next;
	size_t len;

	if (s->len < 8)
		return FRAME_CUT;
	*next = s->p[0];
	if (header == IPPROTO_FRAGMENT) {
		/* Offset 0 and no more fragments: it is whole, RFC 6946. */
		if ((get_be16(s->p + 2) & 0xfff9) != 0)
			return *next == IPPROTO_UDP || is_ip6_extension(*next)
				   ? FRAME_FRAGMENT
				   : FRAME_NOT_UDP;
		len = 8;
	} else if (header == IPPROTO_AH) {
		len = ((size_t)s->p[1] + 2) * 4;
	} else {
		len = ((size_t)s->p[1] + 1) * 8;
	}
	return span_skip(s, len) ? FRAME_UDP : FRAME_CUT;
}

static enum frame_kind
parse_ip6(struct span s, struct datagram *d)
{
	enum frame_kind kind;
	unsigned next;
	size_t payload_len;

	if (s.len < IP6_HEADER_LEN)
		return FRAME_CUT;
	if (s.p[0] >> 4 != 6)
		return FRAME_NOT_UDP;
	payload_len = get_be16(s.p + 4);
	next = s.p[6];
	d->from = (struct addr){.family = 6};
	memcpy(d->from.bytes, s.p + 8, sizeof d->from.bytes);
	if (!span_skip(&s, IP6_HEADER_LEN))
		return FRAME_CUT;
	if (payload_len != 0 && payload_len < s.len)
		s.len = payload_len;
	while (is_ip6_extension(next)) {
		kind = skip_ip6_extension(&s, &next);
		if (kind != FRAME_UDP)
			return kind;
	}
	return next == IPPROTO_UDP ? parse_udp(s, d) : FRAME_NOT_UDP;
}

static enum frame_kind
parse_ip(struct span s, struct datagram *d)
{
	if (s.len == 0)
		return FRAME_CUT;
	return s.p[0] >> 4 == 6 ? parse_ip6(s, d) : parse_ip4(s, d);
}

static bool
is_vlan_tag(unsigned ethertype)
{
	/* 802.1Q, 802.1ad, and the number used before 802.1ad. */
	return ethertype == 0x8100 || ethertype == 0x88a8 ||
	       ethertype == 0x9100;
}

enum frame_kind
frame_udp(int link_type, const uint8_t *frame, size_t len, struct datagram *d)
{
	const struct link *link = find_link(link_type);
	struct span s = {frame, len};
	unsigned ethertype;

	if (link == NULL)
		return FRAME_NOT_UDP;
	if (!span_skip(&s, link->header_len))
		return FRAME_CUT;
	if (link->type_at == NO_TYPE)
		return parse_ip(s, d);
	ethertype = get_be16(frame + link->type_at);
	while (is_vlan_tag(ethertype)) {
		if (s.len < 4)
			return FRAME_CUT;
		ethertype = get_be16(s.p + 2);
		s = (struct span){s.p + 4, s.len - 4};
	}
	if (ethertype == ETHERTYPE_IP4)
		return parse_ip4(s, d);
	return ethertype == ETHERTYPE_IP6 ? parse_ip6(s, d) : FRAME_NOT_UDP;
}
