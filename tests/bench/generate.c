/* SPDX-License-Identifier: ISC */
/*
 * A seeded, realistic day of NetFlow v5 for benchmarks: raw datagrams, as
 * `weir import` and `weir send` read them.
 *   generate FLOWS SEED START_UNIX_SECS SPAN_SECS > FILE
 * Heavy-tailed clients and servers, requests and their answers, a mix of ports,
 * flags and durations as seen at a site's border, and one Xmas-tree probe (FIN
 * PSH URG) in 100,000 flows. The same arguments give the same bytes.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD = 48, HEADER = 24, PER_DATAGRAM = 30 };
enum { CLIENTS = 60000, SERVERS = 20000, STRANGERS = 1 << 22 };

struct random {
	uint64_t state;
};

/* splitmix64: public domain, Sebastiano Vigna. */
static uint64_t
next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double
uniform(struct random *r)
{
	return (double)(next(r) >> 11) * 0x1p-53;
}

/* 0..n-1, the k-th as likely as about 1 / (k + 1): Zipf's law. */
static uint32_t
heavy_tailed(struct random *r, uint32_t n)
{
	return (uint32_t)(pow((double)n + 1, uniform(r)) - 1);
}

/* Spread consecutive numbers over an address range, one to one. */
static uint32_t
scatter(uint32_t k, uint32_t bits)
{
	return (k * UINT32_C(2654435761)) & ((UINT32_C(1) << bits) - 1);
}

static void
put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void
put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

struct service {
	double share;
	uint16_t port;
	uint8_t protocol;
};

static const struct service services[] = {
    {0.46, 443, 6},
    {0.14, 53, 17},
    {0.12, 443, 17},
    {0.10, 80, 6},
    {0.03, 22, 6},
    {0.03, 123, 17},
    {0.02, 993, 6},
    {0.02, 25, 6},
    {0.02, 1194, 17},
    {0.01, 3389, 6},
    {0.01, 1433, 6},
};

static struct service
pick_service(struct random *r)
{
	double u = uniform(r);

	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
		if (u < services[i].share)
			return services[i];
		u -= services[i].share;
	}
	return (struct service){0, (uint16_t)(1024 + next(r) % 64512), 6};
}

static uint8_t
pick_flags(struct random *r, uint8_t protocol)
{
	static const uint8_t usual[] = {27, 27, 27, 27, 27, 27, 24, 24, 16, 31,
	    26, 30, 18, 17, 25, 2, 2, 20, 4, 219};

	if (protocol != 6)
		return 0;
	if (next(r) % 100000 == 0)
		return 0x29;
	return usual[next(r) % sizeof usual];
}

/* One flow and, in answer, the same turned round. */
struct pair {
	uint32_t client, server;
	uint16_t port;
	struct service service;
};

static struct pair
pick_pair(struct random *r)
{
	uint32_t k = heavy_tailed(r, CLIENTS);
	uint32_t s = heavy_tailed(r, SERVERS);
	struct pair p = {
	    .client = 0x0a000000 | scatter(k, 20),
	    .server = 0xc6120000 ^ scatter(s, 24),
	    .port = (uint16_t)(32768 + next(r) % 28232),
	    .service = pick_service(r),
	};

	/* Strangers: addresses that are seen once or twice. */
	if (next(r) % 20 == 0)
		p.server = 0x20000000 +
			   scatter((uint32_t)next(r) % STRANGERS, 22) * 97;
	return p;
}

static void
put_record(uint8_t *out, const struct pair *p, bool answer, struct random *r,
    uint32_t uptime)
{
	uint32_t packets = 1 + (uint32_t)(exp(uniform(r) * 6) - 0.5);
	uint32_t duration = packets == 1 ? 0 : (uint32_t)exp(uniform(r) * 12);
	uint32_t last = uptime - (uint32_t)(next(r) % 15000);

	memset(out, 0, RECORD);
	put32(out, answer ? p->server : p->client);
	put32(out + 4, answer ? p->client : p->server);
	put32(out + 8, answer ? 0x0a0000fe : 0xc0000201);
	put16(out + 12, answer ? 2 : 1);
	put16(out + 14, answer ? 1 : 2);
	put32(out + 16, packets);
	put32(out + 20,
	    packets * (40 + (uint32_t)(next(r) % (answer ? 1400 : 400))));
	put32(out + 24, last - duration);
	put32(out + 28, last);
	put16(out + 32, answer ? p->service.port : p->port);
	put16(out + 34, answer ? p->port : p->service.port);
	out[37] = pick_flags(r, p->service.protocol);
	out[38] = p->service.protocol;
	out[39] = next(r) % 16 == 0 ? 0xb8 : 0;
	put16(out + 40, answer ? 64496 + p->server % 16 : 64512);
	put16(out + 42, answer ? 64512 : 64496 + p->server % 16);
	out[44] = answer ? 16 : 24;
	out[45] = answer ? 24 : 16;
}

int
main(int argc, char **argv)
{
	static uint8_t out[HEADER + PER_DATAGRAM * RECORD];
	struct random r;
	uint64_t n, start, span;

	if (argc != 5) {
		fprintf(stderr, "usage: generate FLOWS SEED START SPAN\n");
		return 2;
	}
	n = strtoull(argv[1], NULL, 10);
	r.state = strtoull(argv[2], NULL, 10);
	start = strtoull(argv[3], NULL, 10);
	span = strtoull(argv[4], NULL, 10);
	for (uint64_t done = 0; done < n;) {
		uint32_t count = n - done < PER_DATAGRAM ? (uint32_t)(n - done)
							 : PER_DATAGRAM;
		uint64_t ms = span * 1000 * done / n;
		uint32_t uptime = 400000000 + (uint32_t)ms;
		struct pair p = {0};

		put16(out, 5);
		put16(out + 2, count);
		put32(out + 4, uptime);
		put32(out + 8, (uint32_t)(start + ms / 1000));
		put32(out + 12, (uint32_t)(ms % 1000 * 1000000));
		put32(out + 16, (uint32_t)done);
		put32(out + 20, 0);
		for (uint32_t i = 0; i < count; i++) {
			if (i % 2 == 0)
				p = pick_pair(&r);
			put_record(out + HEADER + (size_t)i * RECORD, &p,
			    i % 2 == 1, &r, uptime);
		}
		if (fwrite(out, HEADER + (size_t)count * RECORD, 1, stdout) !=
		    1) {
			perror("generate");
			return 1;
		}
		done += count;
	}
	return fclose(stdout) == 0 ? 0 : 1;
}
