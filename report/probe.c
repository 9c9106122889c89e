/* SPDX-License-Identifier: ISC */
/* What one flow says about scanning: see probe.h. */
#include "report/probe.h"

#include "schema/base/attr.h"
#include "schema/batch.h"

enum { ICMP = 1, TCP = 6, UDP = 17 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };
enum {
	ICMP_ECHO = 8 << 8, /* type and code, as in the destination port */
	ICMP_ECHO_REPLY = 0,
	ICMP_PORT_UNREACHABLE = 3 << 8 | 3,
};
enum {
	FEW_PACKETS = 3,   /* a try and its repetitions */
	NO_DATA = 60,      /* octets of a packet with headers alone */
	FIRST_HIGH = 1024, /* ports below are services' */
};

/* Their words find exactly the flows that begun() takes for probes; of UDP
 * answered ones and answers to services too. */
const struct probe_info probes[N_PROBE_KINDS] = {
    [PROBE_SYN] = {"syn", CLASS_TCP, MARK_PROBED << 0, "proto=tcp flags=S/SA"},
    [PROBE_FIN] = {"fin", CLASS_TCP, MARK_PROBED << 1, "proto=tcp flags=F"},
    [PROBE_NULL] = {"null", CLASS_TCP, MARK_PROBED << 2,
	"proto=tcp flags=0 packets=1-3 packet_size=0-60"},
    [PROBE_XMAS] = {"xmas", CLASS_TCP, MARK_PROBED << 3, "proto=tcp flags=FPU"},
    [PROBE_UDP] = {"udp", CLASS_UDP, MARK_PROBED, "proto=udp packets=1-3"},
    [PROBE_PING] = {"ping", CLASS_PING, MARK_PROBED, "proto=icmp dport=2048"},
};

/* Flags that a scan has: exactly these. Without any, much else could be
 * meant, so it must look like headers alone. */
static enum probe_kind
tcp_kind(uint8_t flags, int64_t packets, int64_t octets)
{
	if ((flags & (SYN | ACK)) == SYN)
		return PROBE_SYN;
	switch (flags) {
	case FIN: return PROBE_FIN;
	case FIN | PSH | URG: return PROBE_XMAS;
	case 0:
		if (packets >= 1 && packets <= FEW_PACKETS &&
		    octets / packets <= NO_DATA)
			return PROBE_NULL;
		break;
	default: break;
	}
	return N_PROBE_KINDS;
}

/* What goes from a service's port to a high one is an answer. */
static bool
is_of_service(int64_t src_port, int64_t dst_port)
{
	return src_port < FIRST_HIGH && dst_port >= FIRST_HIGH;
}

static enum probe_kind
kind_of(const struct batch *b, size_t i)
{
	int64_t packets = b->col[COL_PACKETS][i];

	switch (b->col[COL_PROTOCOL][i]) {
	case TCP:
		return tcp_kind((uint8_t)b->col[COL_TCP_FLAGS][i], packets,
		    b->col[COL_OCTETS][i]);
	case UDP:
		if (packets <= FEW_PACKETS &&
		    !is_of_service(
			b->col[COL_SRC_PORT][i], b->col[COL_DST_PORT][i]))
			return PROBE_UDP;
		break;
	case ICMP:
		if (b->col[COL_DST_PORT][i] == ICMP_ECHO)
			return PROBE_PING;
		break;
	default: break;
	}
	return N_PROBE_KINDS;
}

/* A session that came to be, seen from the side that began it: its port is the
 * higher one, or not a service's. */
static bool
is_completed(const struct batch *b, size_t i)
{
	int64_t src_port = b->col[COL_SRC_PORT][i];
	int64_t dst_port = b->col[COL_DST_PORT][i];

	return b->col[COL_PROTOCOL][i] == TCP &&
	       (b->col[COL_TCP_FLAGS][i] & (SYN | ACK)) == (SYN | ACK) &&
	       (dst_port < FIRST_HIGH || dst_port < src_port) &&
	       !is_of_service(src_port, dst_port);
}

struct probe
probe_begun(const struct batch *b, size_t i)
{
	struct probe p = {
	    .scanner = (uint32_t)b->col[COL_SRC_ADDR][i],
	    .target = (uint32_t)b->col[COL_DST_ADDR][i],
	    .port = (uint16_t)b->col[COL_DST_PORT][i],
	    .kind = kind_of(b, i),
	};

	if (p.kind < N_PROBE_KINDS) {
		p.class = probes[p.kind].class;
		p.mark = probes[p.kind].mark;
	} else if (is_completed(b, i)) {
		p.class = CLASS_TCP;
		p.mark = MARK_COMPLETED;
	}
	if (p.class == CLASS_PING)
		p.port = 0;
	return p;
}

static uint8_t
tcp_answer(uint8_t flags)
{
	if ((flags & (SYN | ACK)) == (SYN | ACK))
		return MARK_WELCOMED;
	if ((flags & (SYN | RST)) == RST)
		return MARK_REFUSED;
	return 0;
}

struct probe
probe_answer(const struct batch *b, size_t i)
{
	struct probe p = {
	    .scanner = (uint32_t)b->col[COL_DST_ADDR][i],
	    .target = (uint32_t)b->col[COL_SRC_ADDR][i],
	    .port = (uint16_t)b->col[COL_SRC_PORT][i],
	    .kind = N_PROBE_KINDS,
	};

	switch (b->col[COL_PROTOCOL][i]) {
	case TCP:
		p.class = CLASS_TCP;
		p.mark = tcp_answer((uint8_t)b->col[COL_TCP_FLAGS][i]);
		break;
	case UDP:
		p.class = CLASS_UDP;
		p.mark = MARK_WELCOMED;
		break;
	case ICMP:
		p.port = 0;
		if (b->col[COL_DST_PORT][i] == ICMP_PORT_UNREACHABLE) {
			p.class = CLASS_UDP;
			p.mark = MARK_REFUSED;
		} else if (b->col[COL_DST_PORT][i] == ICMP_ECHO_REPLY) {
			p.class = CLASS_PING;
			p.mark = MARK_WELCOMED;
		}
		break;
	default: break;
	}
	return p;
}

bool
probe_is_of_web(const struct batch *b, size_t i)
{
	static const uint16_t ports[] = {80, 443, 8080, 8443};

	for (size_t k = 0; k < ARRAY_LEN(ports); k++)
		if (b->col[COL_SRC_PORT][i] == ports[k] ||
		    b->col[COL_DST_PORT][i] == ports[k])
			return b->col[COL_PROTOCOL][i] == TCP ||
			       b->col[COL_PROTOCOL][i] == UDP;
	return false;
}
