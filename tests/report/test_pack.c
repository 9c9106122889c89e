/* SPDX-License-Identifier: ISC */
/* pack: which flows share a datagram, and that every time comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/nf5.h"
#include "report/pack.h"
#include "schema/base/mem.h"

enum { MAX_PACKED = 512 };

static const int64_t DAY_MS = INT64_C(86400000);
static const int64_t NOON_MS = INT64_C(1700000000123);
static const int64_t HALF = INT64_C(1) << 31;

struct taken {
	size_t n;
	int fail_at; /* number of the datagram to refuse, 0: none */
	struct packed packed[MAX_PACKED];
	struct packet packet[MAX_PACKED]; /* decoded again */
	struct flow flow[MAX_PACKED][NF5_MAX_RECORDS];
};

static int
take(const struct packed *d, void *arg)
{
	struct taken *t = arg;
	uint8_t bytes[NF5_MAX_LEN];
	size_t len = pack_encode(d, bytes);

	assert_true(t->n < MAX_PACKED);
	t->packed[t->n] = *d;
	assert_int_equal(
	    nf5_decode(bytes, len, &t->packet[t->n], t->flow[t->n]), 0);
	t->n++;
	return t->fail_at == (int)t->n ? ERR_FULL : 0;
}

/* Flows, and that the sequence of an engine goes on. */
static int
count(const struct packed *d, void *arg)
{
	size_t *n = arg;

	assert_int_equal(d->sequence, d->flow[0].src_addr < 5000 ? 0 : 1);
	*n += d->n_flows;
	return 0;
}

static struct flow
flow_of(int64_t start_ms, int64_t end_ms, uint32_t mark)
{
	return (struct flow){.start_ms = start_ms,
	    .end_ms = end_ms,
	    .src_addr = mark,
	    .protocol = 6};
}

static struct source
source_of(const char *exporter, uint8_t engine_id, uint16_t sampling)
{
	struct source s = {.engine_id = engine_id, .sampling = sampling};

	assert_true(addr_parse(exporter, &s.exporter));
	return s;
}

static int
setup(void **state)
{
	*state = xcalloc(1, sizeof(struct taken));
	return 0;
}

static int
teardown(void **state)
{
	free(*state);
	return 0;
}

static void
every_field_comes_back(void **state)
{
	struct taken *t = *state;
	struct pack *p = pack_new(take, t);
	struct source s = source_of("192.0.2.7", 9, 0x400a);
	struct err err;
	const struct flow want = {
	    .start_ms = NOON_MS - 5001,
	    .end_ms = NOON_MS,
	    .src_addr = 0x01020304,
	    .dst_addr = 0xfffefdfc,
	    .next_hop = 0x0a0b0c0d,
	    .packets = UINT32_MAX,
	    .octets = UINT32_MAX - 1,
	    .input_if = UINT16_MAX,
	    .output_if = 258,
	    .src_port = 65534,
	    .dst_port = 772,
	    .src_as = 65533,
	    .dst_as = 1286,
	    .tcp_flags = 0xdb,
	    .protocol = 132,
	    .tos = 0xb8,
	    .src_mask = 31,
	    .dst_mask = 7,
	};

	s.engine_type = 200;
	assert_int_equal(pack_add(p, &s, &want, &err), 0);
	assert_int_equal(t->n, 0);
	assert_int_equal(pack_end(p), 0);
	assert_int_equal(t->n, 1);
	assert_memory_equal(&t->flow[0][0], &want, sizeof want);
	assert_int_equal(t->packet[0].n_flows, 1);
	assert_int_equal(t->packet[0].source.engine_type, 200);
	assert_int_equal(t->packet[0].source.engine_id, 9);
	assert_int_equal(t->packet[0].source.sampling, 0x400a);
	assert_int_equal(t->packet[0].unix_secs, 1700000000);
	assert_int_equal(t->packet[0].unix_nsecs, 123000000);
	assert_int_equal(pack_end(p), 0);
	assert_int_equal(t->n, 1);
	pack_free(p);
}

/* Two flows each: whether they share a datagram. */
static void
flows_too_far_apart_part(void **state)
{
	static const struct {
		const char *name;
		int64_t start[2], end[2];
		size_t want; /* datagrams */
	} cases[] = {
#define AT(ms) INT64_C(1700000000000) + (ms)
	    {"the same", {AT(0), AT(0)}, {AT(0), AT(0)}, 1},
	    {"just in reach", {AT(0), AT(2147483640)}, {AT(5), AT(2147483648)},
		1},
	    {"just out of it", {AT(0), AT(2147483640)}, {AT(5), AT(2147483649)},
		2},
	    {"the other way around", {AT(2147483640), AT(0)},
		{AT(2147483649), AT(5)}, 2},
	    {"around the epoch", {-2147483648, 0}, {-2147483648, 0}, 1},
	    {"all before it", {-2147483648, -5}, {-2147483648, -5}, 1},
	    {"before and after", {-2147483648, 0}, {-2147483648, 1}, 2},
	    {"behind the last second",
		{INT64_C(4294967295999), INT64_C(4297114779000)},
		{INT64_C(4294967296000), INT64_C(4297114779646)}, 1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct taken *t = *state;
		struct pack *p = pack_new(take, t);
		struct source s = source_of("192.0.2.7", 0, 0);
		struct err err;
		size_t seen = 0;

		t->n = 0;
		for (uint32_t k = 0; k < 2; k++) {
			struct flow f =
			    flow_of(cases[i].start[k], cases[i].end[k], k);

			assert_int_equal(pack_add(p, &s, &f, &err), 0);
		}
		assert_int_equal(pack_end(p), 0);
		if (t->n != cases[i].want)
			fail_msg("%s: %zu datagrams", cases[i].name, t->n);
		for (size_t d = 0; d < t->n; d++)
			for (size_t k = 0; k < t->packet[d].n_flows; k++) {
				const struct flow *f = &t->flow[d][k];

				if (f->src_addr != seen ||
				    f->start_ms != cases[i].start[seen] ||
				    f->end_ms != cases[i].end[seen])
					fail_msg("%s: %lld to %lld",
					    cases[i].name,
					    (long long)f->start_ms,
					    (long long)f->end_ms);
				seen++;
			}
		assert_int_equal(seen, 2);
		pack_free(p);
	}
}

static void
times_beyond_v5_are_refused(void **state)
{
	static const int64_t times[][2] = {
	    {-2147483649, -2147483649},
	    {INT64_C(1700000000000), INT64_C(1702147483649)},
	    {INT64_C(4297114779647), INT64_C(4297114779647)},
	};
	struct taken *t = *state;
	struct pack *p = pack_new(take, t);
	struct source s = source_of("192.0.2.7", 0, 0);

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct flow f = flow_of(times[i][0], times[i][1], 0);
		struct err err;

		assert_int_equal(pack_add(p, &s, &f, &err), ERR_LIMIT);
		assert_non_null(strstr(err.text, "does not fit"));
	}
	assert_int_equal(pack_end(p), 0);
	assert_int_equal(t->n, 0);
	pack_free(p);
}

/* One sequence and one clock for an exporter's engine, whatever its sampling;
 * another one for another engine or address. */
static void
sequence_goes_on_for_each_engine(void **state)
{
	struct taken *t = *state;
	struct pack *p = pack_new(take, t);
	const struct source s[] = {source_of("192.0.2.7", 1, 0),
	    source_of("192.0.2.7", 1, 100), source_of("192.0.2.7", 2, 0),
	    source_of("192.0.2.8", 1, 0), source_of("2001:db8::7", 1, 0)};
	uint32_t next[3][256] = {{0}};
	struct err err;

	for (uint32_t i = 0; i < 5 * 100; i++) {
		struct flow f = flow_of(NOON_MS + i, NOON_MS + i + (i % 7), i);

		assert_int_equal(pack_add(p, &s[i % 5], &f, &err), 0);
	}
	assert_int_equal(pack_end(p), 0);
	assert_int_equal(t->n, 5 * 4);
	for (size_t i = 0; i < t->n; i++) {
		const struct packed *d = &t->packed[i];
		size_t who = d->source.exporter.family == 6     ? 2
			     : d->source.exporter.bytes[3] == 8 ? 1
								: 0;
		uint32_t *want = &next[who][d->source.engine_id];

		assert_int_equal(d->sequence, *want);
		*want += (uint32_t)d->n_flows;
		for (size_t k = 1; k < d->n_flows; k++)
			assert_int_equal(
			    d->flow[k].src_addr, d->flow[k - 1].src_addr + 5);
	}
	assert_int_equal(next[0][1], 200);
	pack_free(p);
}

/* Uptime and export go forward together, and no tick wraps, for years. */
static void
clocks_are_those_of_an_exporter(void **state)
{
	struct taken *t = *state;
	struct pack *p = pack_new(take, t);
	struct source s = source_of("192.0.2.7", 1, 0);
	struct err err;
	size_t boots = 0;

	for (uint32_t i = 0; i < 400; i++) {
		/* A little out of order. */
		int64_t end_ms = NOON_MS + i * DAY_MS - (i % 3) * 600000;
		struct flow f = flow_of(end_ms - DAY_MS, end_ms, i);

		assert_int_equal(pack_add(p, &s, &f, &err), 0);
		assert_int_equal(pack_end(p), 0);
	}
	assert_int_equal(t->n, 400);
	for (size_t i = 0; i < t->n; i++) {
		const struct packed *d = &t->packed[i], *last = d - 1;

		assert_int_equal(t->flow[i][0].quirks, 0);
		assert_int_equal(t->flow[i][0].end_ms, d->flow[0].end_ms);
		assert_int_equal(t->flow[i][0].start_ms, d->flow[0].start_ms);
		if (i == 0)
			continue;
		assert_true(d->export_ms >= last->export_ms);
		boots += d->uptime_ms !=
			 last->uptime_ms +
			     (uint64_t)(d->export_ms - last->export_ms);
	}
	/* 24.8 days of uptime at first, 49.7 when it ends. */
	assert_true(boots >= 399 * DAY_MS / HALF - 1);
	assert_true(boots <= 399 * DAY_MS / HALF + 1);
	pack_free(p);
}

/* More sources than may wait at a time. */
static void
any_number_of_sources_is_taken(void **state)
{
	enum { SOURCES = 5000 };
	size_t n = 0;
	struct pack *p = pack_new(count, &n);
	struct source s = source_of("10.0.0.0", 0, 0);
	struct err err;

	(void)state;
	for (uint32_t i = 0; i < 2 * SOURCES; i++) {
		struct flow f = flow_of(NOON_MS, NOON_MS, i);

		s.exporter = addr_from_ip4(0x0a000000 + i % SOURCES);
		assert_int_equal(pack_add(p, &s, &f, &err), 0);
	}
	assert_true(n > 0);
	assert_int_equal(pack_end(p), 0);
	assert_int_equal(n, 2 * SOURCES);
	pack_free(p);
}

static void
a_refusal_is_handed_on(void **state)
{
	struct taken *t = *state;
	struct pack *p = pack_new(take, t);
	struct source s = source_of("192.0.2.7", 1, 0);
	struct flow f = flow_of(NOON_MS, NOON_MS, 0);
	struct err err;

	t->fail_at = 2;
	for (int i = 0; i < 60; i++)
		assert_int_equal(pack_add(p, &s, &f, &err), 0);
	assert_int_equal(t->n, 1);
	assert_int_equal(pack_add(p, &s, &f, &err), ERR_FULL);
	t->fail_at = 3;
	assert_int_equal(pack_add(p, &s, &f, &err), 0);
	assert_int_equal(pack_end(p), ERR_FULL);
	pack_free(p);
}

int
main(void)
{
#define WITH_TAKEN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
	    WITH_TAKEN(every_field_comes_back),
	    WITH_TAKEN(flows_too_far_apart_part),
	    WITH_TAKEN(times_beyond_v5_are_refused),
	    WITH_TAKEN(sequence_goes_on_for_each_engine),
	    WITH_TAKEN(clocks_are_those_of_an_exporter),
	    cmocka_unit_test(any_number_of_sources_is_taken),
	    WITH_TAKEN(a_refusal_is_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
