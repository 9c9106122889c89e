/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRAFFIC_H
#define WEIR_REPORT_TRAFFIC_H
/*
 * Made-up traffic at the border of a site: who talks to whom and what the
 * flows of that look like, one conversation or probe at a time. No address is
 * anybody's: the site is in 10.0.0.0/8, all others in the ranges for
 * benchmarks and for carriers' own use, 198.18.0.0/15 and 100.64.0.0/10. No
 * I/O. Source: RFC 1918, 2544, 6598; AS numbers RFC 5398, 6996.
 */
#include <stdint.h>

#include "schema/flow.h"

struct random;

enum { TRAFFIC_MAX_HOSTS = 1 << 20 }; /* at the site */

/* What routers see of two ends: one flow, or a second one in answer. */
struct conversation {
	struct flow flow[2];
	unsigned n_flows;
	uint32_t outside; /* the end that is not at the site */
};

/* An ordinary conversation that ended shortly before now_ms, at a site of
 * that many hosts. */
void traffic_draw(
    struct conversation *out, struct random *r, uint32_t hosts, int64_t now_ms);

/* A scan of the site: one after another, all answered alike. */
struct traffic_scan {
	const struct scan_kind *kind;
	uint32_t scanner;
	uint32_t target;   /* of ports; of hosts: where they begin */
	uint16_t port;     /* of hosts */
	uint16_t src_port; /* of all probes */
	uint32_t n_targets;
	int64_t from_ms, to_ms;
};

/* The kinds take turns by number. 256 to 2,047 targets, in a span within
 * [from_ms, to_ms). */
void traffic_plan_scan(struct traffic_scan *out, struct random *r,
    uint32_t hosts, size_t number, int64_t from_ms, int64_t to_ms);
const char *traffic_scan_name(const struct traffic_scan *s);
/* Whether it is one host's ports, not one port of many hosts. */
bool traffic_scan_is_of_ports(const struct traffic_scan *s);
/* Probe number i of n_targets. */
void traffic_probe(struct conversation *out, struct random *r,
    const struct traffic_scan *s, uint32_t i, int64_t now_ms);

#endif
