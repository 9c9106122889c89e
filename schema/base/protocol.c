/* SPDX-License-Identifier: ISC */
/*
 * Protocol names: see protocol.h. From IANA "Assigned Internet Protocol
 * Numbers"; not /etc/protocols, so that a report says the same on every box.
 */
#include "schema/base/protocol.h"

#include <stddef.h>

#include "schema/base/attr.h"

static const char *const protocols[] = {
    [1] = "icmp",
    [2] = "igmp",
    [4] = "ipip",
    [6] = "tcp",
    [8] = "egp",
    [9] = "igp",
    [17] = "udp",
    [27] = "rdp",
    [33] = "dccp",
    [41] = "ipv6",
    [46] = "rsvp",
    [47] = "gre",
    [50] = "esp",
    [51] = "ah",
    [58] = "icmp6",
    [88] = "eigrp",
    [89] = "ospf",
    [97] = "etherip",
    [103] = "pim",
    [108] = "ipcomp",
    [112] = "vrrp",
    [115] = "l2tp",
    [124] = "isis",
    [132] = "sctp",
    [136] = "udplite",
    [137] = "mpls",
};

const char *
protocol_name(uint64_t protocol)
{
	return protocol < ARRAY_LEN(protocols) ? protocols[protocol] : NULL;
}
