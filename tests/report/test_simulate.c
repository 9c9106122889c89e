/* SPDX-License-Identifier: ISC */
/* simulate, traffic: the datagrams of made-up routers, and what is said of
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/nf5.h"
#include "report/simulate.h"
#include "report/traffic.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"

static const int64_t FROM_MS = INT64_C(1767571200000); /* a Monday */

enum { MAX_ENGINES = 64 };

/* What a careful collector finds out. */
struct found {
	uint64_t datagrams, flows, sum;
	struct engine {
		struct source source;
		uint32_t first, next; /* sequence */
		uint64_t n;           /* flows */
	} engine[MAX_ENGINES];
	size_t n_engines;
	bool in_order; /* no gap, nothing twice */
	int64_t seen_ms;
	uint32_t fail_at; /* number of the datagram to refuse, 0: none */
};

static struct engine *
engine_of(struct found *f, const struct packed *d)
{
	for (size_t i = 0; i < f->n_engines; i++)
		if (memcmp(&f->engine[i].source, &d->source,
			sizeof d->source) == 0)
			return &f->engine[i];
	assert_true(f->n_engines < MAX_ENGINES);
	f->engine[f->n_engines] = (struct engine){
	    .source = d->source, .first = d->sequence, .next = d->sequence};
	return &f->engine[f->n_engines++];
}

/* FNV-1a: all bytes, in order. */
static uint64_t
add_up(uint64_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* The flows come back from the bytes as they were, with nothing odd. */
static void
check_flows(const struct packed *d, const uint8_t *bytes, size_t len)
{
	struct packet p;
	struct flow flow[NF5_MAX_RECORDS];

	assert_int_equal(nf5_decode(bytes, len, &p, flow), 0);
	assert_int_equal(p.n_flows, d->n_flows);
	for (size_t i = 0; i < d->n_flows; i++) {
		const struct flow *want = &d->flow[i], *f = &flow[i];

		assert_int_equal(f->quirks & ~QUIRK_UPTIME_WRAPPED, 0);
		assert_int_equal(f->start_ms, want->start_ms);
		assert_int_equal(f->end_ms, want->end_ms);
		assert_true(f->start_ms <= f->end_ms);
		assert_true(f->packets > 0 && f->octets >= 20 * f->packets);
		assert_true(f->src_addr >> 24 == 10 || f->dst_addr >> 24 == 10);
	}
}

static int
take(const struct packed *d, void *arg)
{
	struct found *f = arg;
	struct engine *e = engine_of(f, d);
	uint8_t bytes[NF5_MAX_LEN];
	size_t len = pack_encode(d, bytes);

	check_flows(d, bytes, len);
	f->in_order = f->in_order && d->sequence == e->next;
	e->next = d->sequence + (uint32_t)d->n_flows;
	e->n += d->n_flows;
	assert_true(d->seen_ms >= f->seen_ms);
	assert_true(d->seen_ms >= d->export_ms);
	f->seen_ms = d->seen_ms;
	f->datagrams++;
	f->flows += d->n_flows;
	f->sum = add_up(f->sum, bytes, len);
	return f->datagrams == f->fail_at ? ERR_FULL : 0;
}

static struct simulate_wishes
usual(uint64_t flows)
{
	return (struct simulate_wishes){
	    .flows = flows,
	    .seed = 1,
	    .from_ms = FROM_MS,
	    .to_ms = FROM_MS + MS_PER_DAY,
	    .hosts = 300,
	    .exporters = 1,
	    .engines = 1,
	};
}

static void
simulate(
    const struct simulate_wishes *w, struct found *f, struct simulate_truth *t)
{
	struct simulation *s = simulate_new(w);

	*f = (struct found){.in_order = true};
	assert_int_equal(simulate_run(s, take, f), 0);
	*t = *simulate_truth(s);
	t->scan = NULL;
	simulate_free(s);
	assert_int_equal(f->datagrams, t->datagrams);
	assert_int_equal(f->flows, t->flows);
}

static void
as_many_flows_as_wished(void **state)
{
	static const struct {
		uint64_t flows;
		int64_t span_s;
		uint32_t hosts, exporters, engines;
	} cases[] = {
	    {1, 86400, 300, 1, 1},
	    {2, 1, 1, 1, 1},
	    {29, 3, 2, 1, 1},
	    {1000, 1, 300, 3, 2},
	    {12345, 86400, 1 << 20, 1, 1},
	    {50000, 40 * 86400, 7, 5, 4},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct simulate_wishes w = usual(cases[i].flows);
		struct simulate_truth t;
		struct found f;

		w.to_ms = w.from_ms + cases[i].span_s * MS_PER_S;
		w.hosts = cases[i].hosts;
		w.exporters = cases[i].exporters;
		w.engines = cases[i].engines;
		simulate(&w, &f, &t);
		assert_int_equal(f.flows, cases[i].flows);
		assert_true(f.in_order);
		assert_true(f.seen_ms < w.to_ms);
		if (w.flows >= 1000)
			assert_int_equal(f.n_engines, w.exporters * w.engines);
	}
}

static void
same_wishes_same_bytes(void **state)
{
	struct simulate_wishes w = usual(20000);
	struct simulate_truth t;
	struct found a, b;

	(void)state;
	w.scans = 6;
	w.exporters = 2;
	w.lost = w.late = w.duplicates = 10000;
	w.restarts = 2;
	simulate(&w, &a, &t);
	simulate(&w, &b, &t);
	assert_int_equal(a.sum, b.sum);
	w.seed = 2;
	simulate(&w, &b, &t);
	assert_int_not_equal(a.sum, b.sum);
}

static void
what_is_lost_is_what_is_missing(void **state)
{
	struct simulate_wishes w = usual(60000);
	struct simulate_truth t;
	struct found f;
	uint64_t sent = 0;

	(void)state;
	w.exporters = 2;
	w.engines = 2;
	w.lost = 20000;
	simulate(&w, &f, &t);
	assert_int_equal(t.flows + t.lost_flows, 60000);
	/* All that is missing between the first and the last that came. */
	for (size_t i = 0; i < f.n_engines; i++)
		sent += (uint32_t)(f.engine[i].next - f.engine[i].first);
	assert_true(t.lost_datagrams > 20);
	assert_true(sent - f.flows <= t.lost_flows);
	assert_true(t.lost_flows - (sent - f.flows) <= 4 * 30);
	assert_false(f.in_order);
	assert_int_equal(t.late + t.duplicates + t.restarts, 0);
}

static void
late_and_double_ones_are_extra(void **state)
{
	struct simulate_wishes w = usual(60000);
	struct simulate_truth t;
	struct found f;

	(void)state;
	w.to_ms = w.from_ms + 60 * MS_PER_S;
	w.late = 10000;
	simulate(&w, &f, &t);
	assert_true(t.late > 5);
	assert_int_equal(t.flows, 60000);
	assert_false(f.in_order);
	w.late = 0;
	w.duplicates = 10000;
	simulate(&w, &f, &t);
	assert_true(t.duplicates > 5);
	assert_int_equal(t.flows, 60000 + t.duplicate_flows);
	w.lost = 1000000;
	simulate(&w, &f, &t);
	assert_int_equal(t.flows, 0);
	assert_int_equal(t.lost_flows, 60000);
}

static void
scans_come_on_top(void **state)
{
	struct simulate_wishes w = usual(1000);
	struct simulate_truth t;
	struct found f;

	(void)state;
	w.scans = 12;
	simulate(&w, &f, &t);
	assert_int_equal(t.flows, 1000 + t.scan_flows);
	assert_true(t.scan_flows >= 12 * 256);
	w.to_ms = w.from_ms + MS_PER_S; /* all of them in a second */
	simulate(&w, &f, &t);
	assert_true(t.scan_flows >= 12 * 256);
}

static void
a_failure_ends_it(void **state)
{
	struct simulate_wishes w = usual(10000);
	struct simulation *s = simulate_new(&w);
	struct found f = {.fail_at = 7};

	(void)state;
	assert_int_equal(simulate_run(s, take, &f), ERR_FULL);
	assert_int_equal(f.datagrams, 7);
	simulate_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(as_many_flows_as_wished),
	    cmocka_unit_test(same_wishes_same_bytes),
	    cmocka_unit_test(what_is_lost_is_what_is_missing),
	    cmocka_unit_test(late_and_double_ones_are_extra),
	    cmocka_unit_test(scans_come_on_top),
	    cmocka_unit_test(a_failure_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
