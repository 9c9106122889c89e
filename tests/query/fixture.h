/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_QUERY_FIXTURE_H
#define WEIR_TESTS_QUERY_FIXTURE_H
/* Generated flows in real shards, for the tests of queries. */
#include <stdio.h>
#include <stdlib.h>

#include "query/filter.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/shard.h"
#include "schema/store.h"

/* 2024-03-01 12:10:56 UTC: the clock of all these tests. */
static const int64_t NOW_MS = INT64_C(1709295056000);

static const struct {
	const char *exporter;
	uint16_t sampling;
	uint8_t engine_type, engine_id;
} fixture_sources[] = {
    {"192.0.2.1", 0, 0, 0},
    {"192.0.2.1", 0x400a, 0, 1},
    {"192.0.2.77", 0, 1, 0},
    {"198.51.100.9", 0x4064, 2, 9},
    {"2001:db8::1", 0, 0, 0},
    {"2001:db8:0:1::1", 0, 0, 255},
};

struct fixture_flow {
	struct flow flow;
	size_t source; /* in fixture_sources */
};

/* Steele, Lea and Flood, "Fast splittable pseudorandom number generators"
 * (SplitMix64): the same flows on every machine. */
static inline uint64_t
fixture_random(uint64_t *state, uint64_t below)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % below;
}

/* Few enough values in each field that random filters hit some of them; the
 * largest and smallest of each are among them. */
static inline struct flow
fixture_random_flow(uint64_t *rng, int64_t end_ms)
{
	static const uint32_t nets[] = {
	    0x0a000000, 0x0a000100, 0x0a010000, 0xc0a80000, 0xffffff00, 0};
	static const uint16_t ports[] = {
	    0, 53, 80, 443, 1023, 1024, 8080, 49152, 65535};
	static const uint8_t protocols[] = {0, 1, 6, 6, 6, 17, 17, 47, 255};
	struct flow f = {
	    .end_ms = end_ms,
	    .start_ms = end_ms - (int64_t)fixture_random(rng, 120000),
	    .src_addr = nets[fixture_random(rng, ARRAY_LEN(nets))] +
			(uint32_t)fixture_random(rng, 256),
	    .dst_addr = nets[fixture_random(rng, ARRAY_LEN(nets))] +
			(uint32_t)fixture_random(rng, 256),
	    .next_hop = (uint32_t)fixture_random(rng, 4),
	    .packets = (uint32_t)fixture_random(rng, 1000),
	    .octets = UINT32_MAX - (uint32_t)fixture_random(rng, 1000),
	    .input_if = (uint16_t)fixture_random(rng, 9),
	    .output_if = (uint16_t)(65535 - fixture_random(rng, 9)),
	    .src_port = ports[fixture_random(rng, ARRAY_LEN(ports))],
	    .dst_port = ports[fixture_random(rng, ARRAY_LEN(ports))],
	    .src_as = (uint16_t)fixture_random(rng, 65536),
	    .dst_as = (uint16_t)fixture_random(rng, 65536),
	    .tcp_flags = (uint8_t)fixture_random(rng, 256),
	    .protocol = protocols[fixture_random(rng, ARRAY_LEN(protocols))],
	    .tos = (uint8_t)fixture_random(rng, 256),
	    .src_mask = (uint8_t)fixture_random(rng, 33),
	    .dst_mask = (uint8_t)fixture_random(rng, 33),
	    .quirks = (uint8_t)fixture_random(rng, 1u << N_QUIRKS),
	};

	return f;
}

/* n flows that end between from_ms and to_ms, roughly in order; free() them. */
static inline struct fixture_flow *
fixture_flows(uint64_t *rng, size_t n, int64_t from_ms, int64_t to_ms)
{
	struct fixture_flow *flows = xcalloc(n, sizeof *flows);
	int64_t span = to_ms - from_ms;

	for (size_t i = 0; i < n; i++) {
		int64_t end_ms = from_ms + span * (int64_t)i / (int64_t)n -
				 (int64_t)fixture_random(rng, 1000);

		flows[i].flow = fixture_random_flow(rng, end_ms);
		flows[i].source =
		    fixture_random(rng, ARRAY_LEN(fixture_sources));
	}
	return flows;
}

static inline struct source
fixture_source(size_t i)
{
	struct source s = {.sampling = fixture_sources[i].sampling,
	    .engine_type = fixture_sources[i].engine_type,
	    .engine_id = fixture_sources[i].engine_id};

	assert_true(addr_parse(fixture_sources[i].exporter, &s.exporter));
	return s;
}

/*
 * The flows, one to a datagram, into the shard of day below dir. Segments of
 * segment_rows flows; n_steps of sealing, SIZE_MAX for all that can be sealed.
 */
static inline void
fixture_store(const char *dir, int32_t day, const struct fixture_flow *flows,
    size_t n, uint64_t segment_rows, size_t n_steps)
{
	char *path = store_shard_path(dir, day);
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, segment_rows, &err) != 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < n; i++) {
		struct packet p = {
		    .source = fixture_source(flows[i].source), .n_flows = 1};

		if (shard_append(s, &p, &flows[i].flow, &err) != 0)
			fail_msg("%s", err.text);
	}
	if (shard_commit(s, &err) != 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < n_steps; i++) {
		int rc = shard_seal_step(s, &err);

		if (rc < 0)
			fail_msg("%s", err.text);
		if (rc == 0)
			break;
	}
	shard_close(s);
	free(path);
}

/* A store's empty folders below dir. */
static inline void
fixture_make_store(const char *dir)
{
	struct err err;
	int lock_fd;

	if (store_lock(&lock_fd, dir, &err) != 0)
		fail_msg("%s", err.text);
	close(lock_fd);
}

/* A filter of words with a blank or newline between them; must be right. */
static inline void
fixture_filter(struct filter *f, const char *words)
{
	char *copy = xstrdup(words), *rest = copy;
	const char *word;
	struct err err;

	filter_init(f);
	while ((word = strsep(&rest, " ")) != NULL)
		if (*word != '\0' &&
		    filter_add_word(f, word, NOW_MS, &err) != 0)
			fail_msg("%s: %s", word, err.text);
	if (filter_check(f, &err) != 0)
		fail_msg("%s: %s", words, err.text);
	free(copy);
}

#endif
