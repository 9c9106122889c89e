/* SPDX-License-Identifier: ISC */
/* Made-up traffic: see traffic.h. The tables are what a site's border shows:
 * mostly the web, most conversations short, most octets in a few. */
#include "report/traffic.h"

#include "report/random.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"

enum { ICMP = 1, TCP = 6, UDP = 17 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32 };
enum { ICMP_ECHO = 8 << 8, ICMP_PORT_UNREACHABLE = 3 << 8 | 3 };

static const uint32_t SITE = 0x0a000000;      /* 10.0.0.0/8 */
static const uint32_t SERVERS = 0xc6120000;   /* 198.18.0.0/15 */
static const uint32_t STRANGERS = 0x64400000; /* 100.64.0.0/10 */
enum { SERVER_BITS = 17, STRANGER_BITS = 22 };

enum {
	SITE_AS = 64496,
	FIRST_AS = 64512, /* of others */
	N_AS = 1000,
	SITE_IF = 1,
	FIRST_LINK_IF = 2,
	N_LINKS = 2,
	INACTIVE_MS = 15000,    /* a flow is exported after as much silence */
	ACTIVE_MS = 30 * 60000, /* ... or after as long a life */
	OCTETS_IN_A_MS = 12500, /* of a link with 100 Mbit/s */
	MAX_ROUND_TRIP_MS = 120,
};

/* ---- chance ---- */

/* Number of a row, of n with weights that add up to whole. */
static size_t
pick(struct random *r, uint32_t (*weight)(size_t row), size_t n, uint32_t whole)
{
	uint32_t at = random_below(r, whole);
	size_t i = 0;

	for (; i + 1 < n && at >= weight(i); i++)
		at -= weight(i);
	return i;
}

/* Numbers that look random and go with the address for good. */
static uint32_t
mix(uint32_t x)
{
	x ^= x >> 16;
	x *= UINT32_C(0x85ebca6b);
	x ^= x >> 13;
	x *= UINT32_C(0xc2b2ae35);
	return x ^ x >> 16;
}

/* Number k of 2^bits somewhere else among them, one to one. */
static uint32_t
scatter(uint32_t k, unsigned bits)
{
	return (k + 12345) * UINT32_C(2654435761) & ((UINT32_C(1) << bits) - 1);
}

static uint32_t
between(struct random *r, uint32_t least, uint32_t most)
{
	return least + random_below(r, most - least + 1);
}

/* ---- addresses ---- */

/* Subnets of 200 hosts. */
static uint32_t
site_address(uint32_t number)
{
	enum { IN_A_SUBNET = 200, FIRST = 10 };

	return SITE + (number / IN_A_SUBNET << 8) + FIRST +
	       number % IN_A_SUBNET;
}

/* The hosts that talk most are anywhere among the others. */
static uint32_t
site_client(struct random *r, uint32_t hosts)
{
	unsigned bits = 1;
	uint32_t k = random_rank(r, hosts);

	while ((hosts - 1) >> bits != 0)
		bits++;
	do
		k = scatter(k, bits);
	while (k >= hosts);
	return site_address(k);
}

static uint32_t
site_server(struct random *r, uint32_t hosts)
{
	return site_address(random_rank(r, hosts / 100 + 1));
}

static uint32_t
stranger(struct random *r)
{
	return STRANGERS + (uint32_t)(random_next(r) >> (64 - STRANGER_BITS));
}

static uint32_t
server_outside(struct random *r)
{
	if (random_below(r, 20) == 0)
		return stranger(r);
	return SERVERS +
	       scatter(random_rank(r, UINT32_C(1) << SERVER_BITS), SERVER_BITS);
}

/* ---- what goes with the ends of a flow ---- */

static void
set_route(struct flow *f, uint32_t outside)
{
	uint32_t net = mix(outside >> 8);
	uint16_t as = (uint16_t)(FIRST_AS + net % N_AS);
	uint16_t link = (uint16_t)(FIRST_LINK_IF + net / N_AS % N_LINKS);
	uint8_t mask = (uint8_t)(16 + net / N_AS % 9);
	bool inbound = f->src_addr == outside;

	f->input_if = inbound ? link : SITE_IF;
	f->output_if = inbound ? SITE_IF : link;
	f->next_hop = inbound ? SITE + 0xffff01 : 0xcb007100 + link;
	f->src_as = inbound ? as : SITE_AS;
	f->dst_as = inbound ? SITE_AS : as;
	f->src_mask = inbound ? mask : 20;
	f->dst_mask = inbound ? 20 : mask;
}

static void
set_ends(struct conversation *c, uint32_t client, uint32_t server,
    uint16_t src_port, uint16_t dst_port, uint8_t protocol)
{
	c->flow[0] = (struct flow){
	    .src_addr = client,
	    .dst_addr = server,
	    .src_port = src_port,
	    .dst_port = dst_port,
	    .protocol = protocol,
	};
	c->flow[1] = (struct flow){
	    .src_addr = server,
	    .dst_addr = client,
	    .src_port = dst_port,
	    .dst_port = src_port,
	    .protocol = protocol,
	};
	set_route(&c->flow[0], c->outside);
	set_route(&c->flow[1], c->outside);
}

/* As long as its octets take at least; the answer begins a round trip later. */
static void
set_times(struct conversation *c, struct random *r, int64_t now_ms)
{
	uint32_t round_trip = between(r, 1, MAX_ROUND_TRIP_MS);
	int64_t end_ms =
	    now_ms - MAX_ROUND_TRIP_MS - random_below(r, INACTIVE_MS);
	uint32_t octets = c->flow[0].octets > c->flow[1].octets
			      ? c->flow[0].octets
			      : c->flow[1].octets;
	uint32_t least = octets / OCTETS_IN_A_MS, duration = 0;

	if (c->flow[0].packets > 1)
		duration = least + random_heavy(r, 18);
	if (duration > ACTIVE_MS)
		duration = ACTIVE_MS;
	c->flow[0].start_ms = end_ms - duration;
	c->flow[0].end_ms = end_ms;
	c->flow[1].start_ms = c->flow[0].start_ms + round_trip;
	c->flow[1].end_ms = end_ms + round_trip;
	if (c->flow[1].packets == 1)
		c->flow[1].end_ms = c->flow[1].start_ms;
}

/* ---- ordinary conversations ---- */

/* Weights are of 1,000, among what clients at the site ask for and among what
 * is asked of the site. Packets: up to 2^bits, 128 times as many in a few. */
static const struct service {
	uint16_t out;
	uint16_t in;
	uint16_t port;
	uint8_t protocol;
	uint8_t bits;
	uint16_t up_least, up_most, down_least, down_most; /* octets a packet */
} services[] = {
    {380, 480, 443, TCP, 9, 60, 300, 400, 1400},
    {200, 60, 53, UDP, 1, 56, 90, 80, 500},
    {120, 40, 443, UDP, 9, 60, 300, 600, 1350},
    {90, 140, 80, TCP, 8, 60, 400, 300, 1460},
    {40, 20, 123, UDP, 1, 76, 76, 76, 76},
    {30, 60, 22, TCP, 10, 60, 200, 80, 400},
    {25, 20, 993, TCP, 7, 60, 200, 100, 1200},
    {20, 120, 25, TCP, 6, 200, 1400, 52, 80},
    {20, 20, 1194, UDP, 11, 80, 1300, 80, 1300},
    {15, 5, 3478, UDP, 8, 100, 300, 100, 300},
    {10, 5, 3389, TCP, 9, 60, 200, 100, 1200},
    {20, 20, 0, ICMP, 3, 84, 84, 84, 84},
    {30, 10, 1, TCP, 10, 60, 1460, 60, 1460}, /* 1: any high port */
};

/* Flags of both sides; an answer of 0 octets is none. */
static const struct outcome {
	uint16_t weight; /* of 1,000 */
	uint8_t client, server;
	bool whole; /* else it never came to an exchange */
	bool answered;
} outcomes[] = {
    {600, 27, 27, true, true},
    {80, 31, 27, true, true},
    {60, 27, 31, true, true},
    {60, 30, 26, true, true},
    {90, 24, 24, true, true}, /* from before, and goes on */
    {40, 16, 24, true, true},
    {10, 219, 91, true, true}, /* with ECN */
    {30, 2, 20, false, true},  /* refused */
    {30, 2, 0, false, false},
};

static uint32_t
weight_out(size_t i)
{
	return services[i].out;
}

static uint32_t
weight_in(size_t i)
{
	return services[i].in;
}

static uint32_t
weight_of_outcome(size_t i)
{
	return outcomes[i].weight;
}

static void
fill_flow(struct flow *f, struct random *r, uint32_t packets, uint32_t least,
    uint32_t most)
{
	f->packets = packets;
	f->octets = packets * between(r, least, most);
}

static void
set_exchange(struct conversation *c, struct random *r, const struct service *s)
{
	bool huge = s->bits > 5 && random_below(r, 200) == 0;
	uint32_t packets = random_heavy(r, huge ? s->bits + 7u : s->bits);

	if (s->protocol == TCP)
		packets += 3; /* SYN, ACK, FIN */
	fill_flow(&c->flow[0], r, packets, s->up_least, s->up_most);
	fill_flow(&c->flow[1], r, packets + random_below(r, packets),
	    s->down_least, s->down_most);
}

static void
set_tcp(struct conversation *c, struct random *r, const struct service *s)
{
	const struct outcome *o =
	    &outcomes[pick(r, weight_of_outcome, ARRAY_LEN(outcomes), 1000)];

	c->flow[0].tcp_flags = o->client;
	c->flow[1].tcp_flags = o->server;
	if (!o->answered)
		c->n_flows = 1;
	if (o->whole) {
		set_exchange(c, r, s);
		return;
	}
	fill_flow(&c->flow[0], r, between(r, 1, 3), 60, 60);
	fill_flow(&c->flow[1], r, c->flow[0].packets, 40, 40);
}

static void
draw_exchange(
    struct conversation *c, struct random *r, uint32_t hosts, bool outbound)
{
	const struct service *s = &services[pick(
	    r, outbound ? weight_out : weight_in, ARRAY_LEN(services), 1000)];
	uint32_t client = outbound ? site_client(r, hosts) : stranger(r);
	uint32_t server = outbound ? server_outside(r) : site_server(r, hosts);
	uint16_t src_port = (uint16_t)between(r, 32768, 60999);
	uint16_t dst_port = s->port;

	if (s->protocol == ICMP) {
		src_port = 0;
		dst_port = ICMP_ECHO;
	} else if (s->port == 1) {
		dst_port = (uint16_t)between(r, 1024, 65535);
	}
	c->outside = outbound ? server : client;
	set_ends(c, client, server, src_port, dst_port, s->protocol);
	if (s->protocol == TCP)
		set_tcp(c, r, s);
	else
		set_exchange(c, r, s);
	if (s->protocol == ICMP) { /* the reply is type 0, code 0 */
		c->flow[1].src_port = 0;
		c->flow[1].dst_port = 0;
	}
	if (random_below(r, 16) == 0)
		c->flow[0].tos = c->flow[1].tos = 0xb8;
}

/* ---- what no one asked for ---- */

/* Weights are of 20,000. Now and then a probe with FIN, PSH and URG: one flow
 * of about 100,000. */
static const struct noise {
	uint16_t weight;
	uint8_t flags;
} noises[] = {{18992, SYN}, {400, SYN | ACK}, {400, RST | ACK}, {200, RST},
    {8, FIN | PSH | URG}};

static const uint16_t noise_ports[] = {
    23, 23, 23, 22, 445, 3389, 80, 8080, 5555, 1433, 6379, 2323};

static uint32_t
weight_of_noise(size_t i)
{
	return noises[i].weight;
}

static void
draw_noise(struct conversation *c, struct random *r, uint32_t hosts)
{
	uint8_t flags =
	    noises[pick(r, weight_of_noise, ARRAY_LEN(noises), 20000)].flags;
	uint16_t port = noise_ports[random_below(r, ARRAY_LEN(noise_ports))];
	uint16_t other = (uint16_t)between(r, 1024, 65535);
	bool is_answer = (flags & ACK) != 0; /* to a forged sender */

	c->outside = stranger(r);
	set_ends(c, c->outside, site_address(random_below(r, hosts)),
	    is_answer ? port : other, is_answer ? other : port, TCP);
	c->flow[0].tcp_flags = flags;
	fill_flow(&c->flow[0], r, 1, 40, 40);
	if (flags != SYN || random_below(r, 10) != 0) {
		c->n_flows = 1;
		return;
	}
	c->flow[1].tcp_flags = RST | ACK;
	fill_flow(&c->flow[1], r, 1, 40, 40);
}

void
traffic_draw(
    struct conversation *out, struct random *r, uint32_t hosts, int64_t now_ms)
{
	uint32_t what = random_below(r, 100);

	out->n_flows = 2;
	if (what < 80)
		draw_exchange(out, r, hosts, true);
	else if (what < 95)
		draw_exchange(out, r, hosts, false);
	else
		draw_noise(out, r, hosts);
	set_times(out, r, now_ms);
}

/* ---- scans ---- */

struct scan_kind {
	const char *name;
	bool of_ports;
	uint8_t protocol, flags;
	uint8_t closed; /* per cent that refuse; the rest is silent ... */
	uint8_t open;   /* ... but for per cent that welcome */
};

static const struct scan_kind scan_kinds[] = {
    {"syn", false, TCP, SYN, 15, 5},
    {"syn", true, TCP, SYN, 90, 2},
    {"udp", false, UDP, 0, 10, 5},
    {"fin", true, TCP, FIN, 90, 0},
    {"null", true, TCP, 0, 90, 0},
    {"xmas", true, TCP, FIN | PSH | URG, 90, 0},
};

static const uint16_t scan_ports_tcp[] = {22, 23, 445, 3389, 80, 5900};
static const uint16_t scan_ports_udp[] = {161, 1900, 53, 11211};

static uint16_t
pick_scan_port(struct random *r, const struct scan_kind *k)
{
	if (k->protocol == UDP)
		return scan_ports_udp[random_below(
		    r, ARRAY_LEN(scan_ports_udp))];
	return scan_ports_tcp[random_below(r, ARRAY_LEN(scan_ports_tcp))];
}

void
traffic_plan_scan(struct traffic_scan *out, struct random *r, uint32_t hosts,
    size_t number, int64_t from_ms, int64_t to_ms)
{
	int64_t span_ms = to_ms - from_ms;
	int64_t last_ms = INT64_C(10000) + random_heavy(r, 22);
	uint32_t steps = 1 << 20;

	*out = (struct traffic_scan){
	    .kind = &scan_kinds[number % ARRAY_LEN(scan_kinds)],
	    .scanner = stranger(r),
	    .target = site_address(random_below(r, hosts)),
	    .src_port = (uint16_t)between(r, 32768, 60999),
	    .n_targets = between(r, 256, 2047),
	};
	out->port = pick_scan_port(r, out->kind);
	if (last_ms > span_ms)
		last_ms = span_ms;
	out->from_ms =
	    from_ms + (span_ms - last_ms) / steps * random_below(r, steps);
	out->to_ms = out->from_ms + last_ms;
}

const char *
traffic_scan_name(const struct traffic_scan *s)
{
	return s->kind->name;
}

bool
traffic_scan_is_of_ports(const struct traffic_scan *s)
{
	return s->kind->of_ports;
}

static void
set_refusal(struct conversation *c)
{
	struct flow *answer = &c->flow[1];

	answer->packets = 1;
	answer->octets = 40;
	answer->tcp_flags = RST | ACK;
	if (c->flow[0].protocol == UDP) {
		answer->protocol = ICMP;
		answer->tcp_flags = 0;
		answer->octets = 56;
		answer->src_port = 0;
		answer->dst_port = ICMP_PORT_UNREACHABLE;
	}
}

static void
set_welcome(struct conversation *c)
{
	struct flow *probe = &c->flow[0], *answer = &c->flow[1];

	answer->packets = 1;
	answer->octets = 44;
	if (probe->protocol == UDP)
		return;
	answer->tcp_flags = SYN | ACK;
	probe->tcp_flags |= RST; /* it has seen enough */
	probe->packets++;
	probe->octets += 40;
}

void
traffic_probe(struct conversation *out, struct random *r,
    const struct traffic_scan *s, uint32_t i, int64_t now_ms)
{
	uint32_t target = s->kind->of_ports ? s->target : s->target + i;
	uint16_t port = s->kind->of_ports ? (uint16_t)(i + 1) : s->port;
	uint32_t luck = random_below(r, 100);

	out->outside = s->scanner;
	out->n_flows = 2;
	set_ends(out, s->scanner, target, s->src_port, port, s->kind->protocol);
	out->flow[0].tcp_flags = s->kind->flags;
	out->flow[0].packets = 1;
	out->flow[0].octets = 40;
	if (luck < s->kind->closed)
		set_refusal(out);
	else if (luck < (uint32_t)(s->kind->closed + s->kind->open))
		set_welcome(out);
	else
		out->n_flows = 1;
	set_times(out, r, now_ms);
}
