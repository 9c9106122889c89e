/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_FRAME_H
#define WEIR_COLLECTOR_FRAME_H
/* The UDP payload inside a captured frame. Pure. */
#include <stddef.h>
#include <stdint.h>

struct datagram;

enum frame_kind {
	FRAME_UDP,      /* holds a whole UDP datagram */
	FRAME_NOT_UDP,  /* something else */
	FRAME_FRAGMENT, /* a part of a UDP datagram split by IP */
	FRAME_CUT,      /* ends before what its headers promise */
};

/* NULL when frames of this link type (libpcap's DLT_ number) are not known. */
const char *frame_link_name(int link_type);
#define FRAME_LINK_NAMES                                                       \
	"Ethernet, Linux cooked v1 and v2, raw IP, BSD loopback"

/*
 * frame, len: the bytes the capture holds, of a known link type. On FRAME_UDP
 * fills d but for received_ms; d->data points into frame. The lengths of IP and
 * UDP are believed over the frame's, which may be padded.
 * Sources: RFC 791, RFC 8200 section 4, RFC 768, IEEE 802.1Q, tcpdump.org
 * "Link-layer header types".
 */
enum frame_kind frame_udp(
    int link_type, const uint8_t *frame, size_t len, struct datagram *d);

#endif
