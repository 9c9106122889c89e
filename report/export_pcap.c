/* SPDX-License-Identifier: ISC */
/*
 * Datagrams as a pcap capture, as if seen on an Ethernet near the collector:
 * from the exporter's address, UDP port 2055 to 2055, to an address of
 * documentation (RFC 5737, RFC 3849).
 *
 * The format is two fixed headers, so it is written here: libpcap would want
 * the file for itself, and the sink is what makes it appear whole.
 * Source: draft-ietf-opsawg-pcap, RFC 791, 768, 8200.
 */
#include <string.h>

#include "report/export.h"
#include "report/pack.h"
#include "report/sink.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum {
	FILE_HEADER_LEN = 24,
	FRAME_HEADER_LEN = 16,
	LINKTYPE_ETHERNET = 1,
	SNAP_LEN = 65535,
	ETHERNET_LEN = 14,
	IP4_LEN = 20,
	IP6_LEN = 40,
	UDP_LEN = 8,
	UDP = 17,
	TTL = 64,
	PORT = 2055,
	MAX_FRAME = ETHERNET_LEN + IP6_LEN + UDP_LEN + NF5_MAX_LEN,
};

static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
static const uint8_t to_ip4[4] = {192, 0, 2, 1};
static const uint8_t to_ip6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};

static int
capture_begin(void **state, struct sink *sink, struct err *err)
{
	uint8_t h[FILE_HEADER_LEN] = {0};

	(void)err;
	put_le32(h, 0xa1b2c3d4); /* microseconds */
	put_le16(h + 4, 2);
	put_le16(h + 6, 4);
	put_le32(h + 16, SNAP_LEN);
	put_le32(h + 20, LINKTYPE_ETHERNET);
	sink_put(sink, h, sizeof h);
	*state = sink;
	return 0;
}

/* The sum of RFC 1071 over p, on top of sum. */
static uint32_t
add_up(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get_be16(p + i);
	if (len % 2 == 1)
		sum += (uint32_t)p[len - 1] << 8;
	return sum;
}

static uint16_t
checksum(uint32_t sum)
{
	while (sum > UINT16_MAX)
		sum = (sum >> 16) + (sum & UINT16_MAX);
	return (uint16_t)~sum;
}

static size_t
put_ip4_header(uint8_t *p, const struct addr *from, size_t udp_len)
{
	memset(p, 0, IP4_LEN);
	p[0] = 0x45;
	put_be16(p + 2, (uint16_t)(IP4_LEN + udp_len));
	put_be16(p + 6, 0x4000); /* do not fragment */
	p[8] = TTL;
	p[9] = UDP;
	memcpy(p + 12, from->bytes, 4);
	memcpy(p + 16, to_ip4, 4);
	put_be16(p + 10, checksum(add_up(0, p, IP4_LEN)));
	return IP4_LEN;
}

static size_t
put_ip6_header(uint8_t *p, const struct addr *from, size_t udp_len)
{
	memset(p, 0, IP6_LEN);
	p[0] = 0x60;
	put_be16(p + 4, (uint16_t)udp_len);
	p[6] = UDP;
	p[7] = TTL;
	memcpy(p + 8, from->bytes, 16);
	memcpy(p + 24, to_ip6, 16);
	return IP6_LEN;
}

/* udp: the payload is in its place; addresses: both, as in the IP header. */
static void
put_udp_header(uint8_t *udp, size_t len, const uint8_t *addresses, size_t n)
{
	uint16_t sum;

	put_be16(udp, PORT);
	put_be16(udp + 2, PORT);
	put_be16(udp + 4, (uint16_t)len);
	put_be16(udp + 6, 0);
	sum = checksum(
	    add_up(add_up(UDP + (uint32_t)len, addresses, n), udp, len));
	put_be16(udp + 6, sum != 0 ? sum : UINT16_MAX);
}

static size_t
put_frame(const struct packed *d, uint8_t frame[MAX_FRAME])
{
	const struct addr *from = &d->source.exporter;
	uint8_t datagram[NF5_MAX_LEN];
	uint8_t *ip = frame + ETHERNET_LEN, *udp;
	size_t len = UDP_LEN + pack_encode(d, datagram);
	bool is_ip6 = from->family == 6;

	memcpy(frame, macs, sizeof macs);
	put_be16(frame + sizeof macs, is_ip6 ? 0x86dd : 0x0800);
	udp = ip + (is_ip6 ? put_ip6_header(ip, from, len)
			   : put_ip4_header(ip, from, len));
	memcpy(udp + UDP_LEN, datagram, len - UDP_LEN);
	put_udp_header(udp, len, is_ip6 ? ip + 8 : ip + 12, is_ip6 ? 32 : 8);
	return (size_t)(udp - frame) + len;
}

static int
capture_put(void *state, const struct packed *d, struct err *err)
{
	struct sink *sink = state;
	uint8_t h[FRAME_HEADER_LEN], frame[MAX_FRAME];
	size_t len = put_frame(d, frame);

	put_le32(h, (uint32_t)(d->seen_ms / MS_PER_S));
	put_le32(h + 4, (uint32_t)(d->seen_ms % MS_PER_S * 1000));
	put_le32(h + 8, (uint32_t)len);
	put_le32(h + 12, (uint32_t)len);
	sink_put(sink, h, sizeof h);
	sink_put(sink, frame, len);
	return sink_check(sink, err);
}

static int
capture_end(void *state, struct buf *lost, struct err *err)
{
	(void)lost;
	return sink_check(state, err);
}

static void
capture_free(void *state)
{
	(void)state; /* the sink, which is the caller's */
}

const struct export_format export_pcap = {
    .begin = capture_begin,
    .put = capture_put,
    .end = capture_end,
    .free = capture_free,
};
