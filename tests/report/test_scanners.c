/* SPDX-License-Identifier: ISC */
/* probe, pairs, scanners: what a flow says, what is kept of it, and who is
 * found to scan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "query/ast.h"
#include "report/pairs.h"
#include "report/random.h"
#include "report/scanners.h"
#include "schema/base/attr.h"
#include "schema/batch.h"

enum { ICMP = 1, TCP = 6, UDP = 17 };

static const struct addr exporters[] = {
    {4, {192, 0, 2, 1}}, {4, {192, 0, 2, 2}}};

struct flow_row {
	uint32_t src, dst;
	uint16_t src_port, dst_port;
	uint8_t protocol, flags;
	uint32_t packets, octets;
	int exporter;
};

static void
put(struct batch *b, const struct flow_row *f)
{
	size_t i = b->n++;

	b->col[COL_EXPORTER][i] = f->exporter;
	b->col[COL_SAMPLING][i] = 0;
	b->col[COL_SRC_ADDR][i] = f->src;
	b->col[COL_DST_ADDR][i] = f->dst;
	b->col[COL_SRC_PORT][i] = f->src_port;
	b->col[COL_DST_PORT][i] = f->dst_port;
	b->col[COL_PROTOCOL][i] = f->protocol;
	b->col[COL_TCP_FLAGS][i] = f->flags;
	b->col[COL_PACKETS][i] = f->packets > 0 ? f->packets : 1;
	b->col[COL_OCTETS][i] = f->octets > 0 ? f->octets : 40;
	b->col[COL_START_MS][i] = 1000;
	b->col[COL_END_MS][i] = 2000;
}

/* ---- probe ---- */

static void
a_flow_says(void **state)
{
	static const struct {
		struct flow_row flow;
		enum probe_kind kind;
		uint8_t mark, answer;
	} cases[] = {
	    /* of TCP */
	    {{1, 2, 40000, 80, TCP, 2, 3, 180, 0}, PROBE_SYN, 1 << 0, 0},
	    {{1, 2, 40000, 80, TCP, 6, 2, 80, 0}, PROBE_SYN, 1 << 0, 0},
	    {{1, 2, 40000, 80, TCP, 0xc2, 1, 60, 0}, PROBE_SYN, 1 << 0, 0},
	    {{1, 2, 40000, 80, TCP, 1, 1, 40, 0}, PROBE_FIN, 1 << 1, 0},
	    {{1, 2, 40000, 80, TCP, 0, 1, 60, 0}, PROBE_NULL, 1 << 2, 0},
	    {{1, 2, 40000, 80, TCP, 0, 1, 61, 0}, N_PROBE_KINDS, 0, 0},
	    {{1, 2, 40000, 80, TCP, 0, 4, 160, 0}, N_PROBE_KINDS, 0, 0},
	    {{1, 2, 40000, 80, TCP, 41, 1, 40, 0}, PROBE_XMAS, 1 << 3, 0},
	    {{1, 2, 40000, 80, TCP, 43, 1, 40, 0}, PROBE_SYN, 1 << 0, 0},
	    {{1, 2, 40000, 80, TCP, 57, 1, 40, 0}, N_PROBE_KINDS, 0, 0},
	    {{1, 2, 40000, 80, TCP, 27, 9, 900, 0}, N_PROBE_KINDS,
		MARK_COMPLETED, MARK_WELCOMED},
	    {{1, 2, 80, 40000, TCP, 27, 9, 900, 0}, N_PROBE_KINDS, 0,
		MARK_WELCOMED},
	    {{1, 2, 40000, 8000, TCP, 27, 9, 900, 0}, N_PROBE_KINDS,
		MARK_COMPLETED, MARK_WELCOMED},
	    {{1, 2, 8000, 40000, TCP, 27, 9, 900, 0}, N_PROBE_KINDS, 0,
		MARK_WELCOMED},
	    {{1, 2, 80, 40000, TCP, 18, 1, 44, 0}, N_PROBE_KINDS, 0,
		MARK_WELCOMED},
	    {{1, 2, 80, 40000, TCP, 20, 1, 40, 0}, N_PROBE_KINDS, 0,
		MARK_REFUSED},
	    {{1, 2, 80, 40000, TCP, 4, 1, 40, 0}, N_PROBE_KINDS, 0,
		MARK_REFUSED},
	    {{1, 2, 80, 40000, TCP, 24, 5, 400, 0}, N_PROBE_KINDS, 0, 0},
	    /* of UDP: what comes may be an answer always */
	    {{1, 2, 40000, 161, UDP, 0, 3, 180, 0}, PROBE_UDP, 1,
		MARK_WELCOMED},
	    {{1, 2, 40000, 161, UDP, 0, 4, 180, 0}, N_PROBE_KINDS, 0,
		MARK_WELCOMED},
	    {{1, 2, 53, 40000, UDP, 0, 1, 180, 0}, N_PROBE_KINDS, 0,
		MARK_WELCOMED},
	    {{1, 2, 123, 123, UDP, 0, 1, 76, 0}, PROBE_UDP, 1, MARK_WELCOMED},
	    /* of ICMP: echo, echo reply, port and host unreachable */
	    {{1, 2, 0, 2048, ICMP, 0, 1, 84, 0}, PROBE_PING, 1, 0},
	    {{1, 2, 0, 0, ICMP, 0, 1, 84, 0}, N_PROBE_KINDS, 0, MARK_WELCOMED},
	    {{1, 2, 0, 771, ICMP, 0, 1, 56, 0}, N_PROBE_KINDS, 0, MARK_REFUSED},
	    {{1, 2, 0, 769, ICMP, 0, 1, 56, 0}, N_PROBE_KINDS, 0, 0},
	    {{1, 2, 0, 0, 47, 0, 1, 56, 0}, N_PROBE_KINDS, 0, 0},
	};
	struct batch b;

	(void)state;
	batch_init(&b, BATCH_ALL_COLUMNS);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct probe begun, answer;

		b.n = 0;
		put(&b, &cases[i].flow);
		begun = probe_begun(&b, 0);
		answer = probe_answer(&b, 0);
		if (begun.kind != cases[i].kind ||
		    begun.mark != cases[i].mark ||
		    answer.mark != cases[i].answer)
			fail_msg("row %zu: kind %d mark %d answer %d", i,
			    (int)begun.kind, begun.mark, answer.mark);
		if (begun.mark != 0) {
			assert_int_equal(begun.scanner, 1);
			assert_int_equal(begun.target, 2);
		}
		if (answer.mark != 0) {
			assert_int_equal(answer.scanner, 2);
			assert_int_equal(answer.target, 1);
		}
	}
	batch_release(&b);
}

static void
the_web_is_told_by_ports(void **state)
{
	struct batch b;
	struct flow_row f = {1, 2, 40000, 443, TCP, 2, 1, 40, 0};

	(void)state;
	batch_init(&b, BATCH_ALL_COLUMNS);
	put(&b, &f);
	f.protocol = UDP;
	put(&b, &f);
	f.dst_port = 53;
	put(&b, &f);
	f.src_port = 8080;
	put(&b, &f);
	f.protocol = ICMP;
	put(&b, &f);
	assert_true(probe_is_of_web(&b, 0));
	assert_true(probe_is_of_web(&b, 1));
	assert_false(probe_is_of_web(&b, 2));
	assert_true(probe_is_of_web(&b, 3));
	assert_false(probe_is_of_web(&b, 4));
	batch_release(&b);
}

/* ---- pairs ---- */

static void
pairs_are_exact_and_sorted(void **state)
{
	struct pairs p = {0};
	struct pair *sorted;
	size_t n = 0;

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 30000; i++) {
			struct pair pair = {.host = i * 7919 % 100,
			    .port = (uint16_t)(i / 100),
			    .class = (uint8_t)(i % 3),
			    .marks = (uint8_t)(1 << round)};

			n += pairs_mark(&p, &pair);
		}
	assert_int_equal(n, 30000);
	assert_int_equal(p.n, 30000);
	sorted = pairs_sorted(&p);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(sorted[i].marks, 3);
		if (i == 0)
			continue;
		if (sorted[i].class == sorted[i - 1].class)
			assert_true(sorted[i].host > sorted[i - 1].host ||
				    (sorted[i].host == sorted[i - 1].host &&
					sorted[i].port > sorted[i - 1].port));
		else
			assert_true(sorted[i].class > sorted[i - 1].class);
	}
	free(sorted);
	pairs_release(&p);
	sorted = pairs_sorted(&p); /* of none */
	free(sorted);
}

/* The same hosts are kept whether halved before or after they come, and a
 * host's ports stay together. */
static void
halving_keeps_whole_hosts(void **state)
{
	enum { HOSTS = 4000, PORTS = 5 };
	struct pairs early = {0}, late = {0};
	struct pair *a, *b;

	(void)state;
	for (uint32_t round = 0; round < 2; round++) {
		struct pairs *p = round == 0 ? &early : &late;

		for (uint32_t i = 0; i < HOSTS * PORTS; i++) {
			struct pair pair = {.host = i % HOSTS,
			    .port = (uint16_t)(i / HOSTS),
			    .marks = 1};

			if (round == 0 && (i == 10 || i == 7000))
				pairs_halve(p);
			(void)pairs_mark(p, &pair);
		}
	}
	pairs_halve(&late);
	pairs_halve(&late);
	assert_int_equal(early.level, 2);
	assert_int_equal(early.n, late.n);
	assert_int_equal(early.n % PORTS, 0);
	assert_in_range(early.n / PORTS << 2, HOSTS * 9 / 10, HOSTS * 11 / 10);
	a = pairs_sorted(&early);
	b = pairs_sorted(&late);
	assert_memory_equal(a, b, early.n * sizeof *a);
	free(a);
	free(b);
	pairs_release(&early);
	pairs_release(&late);
}

/* ---- scanners ---- */

static const struct scanners_wishes usual = {
    .hosts = 64,
    .ports = 64,
    .failed = 50,
    .kinds = (1 << N_PROBE_KINDS) - 1,
};

/* Flows that are made one by one, gone through twice. */
struct flows {
	struct flow_row (*make)(uint32_t i, const void *arg);
	const void *arg;
	uint32_t n;
};

static struct scanner *
find(const struct scanners_wishes *w, const struct flows *flows, size_t n_flows,
    size_t *n)
{
	struct scanners *s = scanners_new(w);
	struct scanner *found;
	struct batch b;
	struct err err;

	batch_init(&b, BATCH_ALL_COLUMNS);
	b.exporters = exporters;
	b.n_exporters = ARRAY_LEN(exporters);
	for (int turn = 0; turn < 2; turn++) {
		for (size_t k = 0; k < n_flows; k++)
			for (uint32_t i = 0; i < flows[k].n; i++) {
				struct flow_row f =
				    flows[k].make(i, flows[k].arg);

				put(&b, &f);
				if (b.n < BATCH_MAX &&
				    (i + 1 < flows[k].n || k + 1 < n_flows))
					continue;
				if (turn == 0)
					scanners_count(s, &b);
				else
					assert_int_equal(
					    scanners_add(s, &b, &err), 0);
				b.n = 0;
			}
		if (turn == 0)
			scanners_turn(s);
	}
	batch_release(&b);
	found = scanners_find(s, n);
	scanners_free(s);
	return found;
}

/* One more flow for each host, or port, from where it begins. */
static struct flow_row
one_a_host(uint32_t i, const void *arg)
{
	struct flow_row f = *(const struct flow_row *)arg;

	f.dst += i;
	return f;
}

static struct flow_row
one_a_port(uint32_t i, const void *arg)
{
	struct flow_row f = *(const struct flow_row *)arg;

	f.dst_port = (uint16_t)(f.dst_port + i);
	return f;
}

static struct flow_row
one_from_each_host(uint32_t i, const void *arg)
{
	struct flow_row f = *(const struct flow_row *)arg;

	f.src += i;
	return f;
}

static const struct flow_row syn = {100, 1000, 40000, 445, TCP, 2, 1, 40, 0};
static const struct flow_row session = {
    100, 1000, 40000, 445, TCP, 27, 9, 900, 0};

static size_t
count(
    const struct scanners_wishes *w, const struct flows *flows, size_t n_flows)
{
	size_t n;

	free(find(w, flows, n_flows, &n));
	return n;
}

static void
limits_are_the_least_that_is_a_scan(void **state)
{
	struct scanners_wishes w = usual;
	struct scanner *found;
	size_t n;

	(void)state;
	assert_int_equal(
	    count(&w, &(struct flows){one_a_host, &syn, 63}, 1), 0);
	found = find(&w, &(struct flows){one_a_host, &syn, 64}, 1, &n);
	assert_int_equal(n, 1);
	assert_int_equal(found[0].addr, 100);
	assert_int_equal(found[0].kind, PROBE_SYN);
	assert_true(found[0].of_hosts);
	assert_false(found[0].of_ports || found[0].spread);
	assert_int_equal(found[0].targets, 64);
	assert_int_equal(found[0].ports, 1);
	assert_int_equal(found[0].top_port, 445);
	assert_int_equal(found[0].flows, 64);
	assert_int_equal(found[0].octets, 64 * 40);
	free(found);
	assert_int_equal(
	    count(&w, &(struct flows){one_a_port, &syn, 63}, 1), 0);
	found = find(&w, &(struct flows){one_a_port, &syn, 64}, 1, &n);
	assert_int_equal(n, 1);
	assert_true(found[0].of_ports);
	assert_false(found[0].of_hosts || found[0].spread);
	assert_int_equal(found[0].top_target, 1000);
	assert_int_equal(found[0].ports, 64);
	free(found);
	w.hosts = 300;
	w.ports = 20;
	assert_int_equal(
	    count(&w, &(struct flows){one_a_host, &syn, 299}, 1), 0);
	assert_int_equal(
	    count(&w, &(struct flows){one_a_host, &syn, 300}, 1), 1);
	assert_int_equal(
	    count(&w, &(struct flows){one_a_port, &syn, 20}, 1), 1);
}

static struct flow_row
same(uint32_t i, const void *arg)
{
	(void)i;
	return *(const struct flow_row *)arg;
}

static void
repetition_is_no_scan(void **state)
{
	(void)state;
	assert_int_equal(
	    count(&usual, &(struct flows){same, &syn, 10000}, 1), 0);
	/* A flood of forged senders is none either. */
	assert_int_equal(
	    count(&usual, &(struct flows){one_from_each_host, &syn, 100000}, 1),
	    0);
}

/* Of a port, of a host and of all: what worked counts. */
static void
who_gets_somewhere_does_not_scan(void **state)
{
	static const struct flow_row web = {
	    100, 5000, 40000, 443, TCP, 27, 9, 900, 0};
	struct scanners_wishes w = usual;
	const struct flows some[] = {
	    {one_a_host, &syn, 64}, {one_a_host, &session, 129}};
	const struct flows enough[] = {
	    {one_a_host, &syn, 128}, {one_a_host, &session, 64}};
	const struct flows other_port[] = {
	    {one_a_host, &syn, 64}, {one_a_host, &web, 5000}};

	(void)state;
	/* 64 hosts tried again with success are not failures at all. */
	assert_int_equal(count(&w, some, 2), 0);
	/* Half of 128 failed for good: 64 of them. */
	assert_int_equal(count(&w, enough, 2), 1);
	w.failed = 51;
	assert_int_equal(count(&w, enough, 2), 0);
	/* A busy browser that scans port 445 is found all the same. */
	assert_int_equal(count(&w, other_port, 2), 1);
}

/* Another port on each host. */
static struct flow_row
one_a_pair(uint32_t i, const void *arg)
{
	struct flow_row f = one_a_host(i, arg);

	f.dst_port = (uint16_t)(f.dst_port + i * 7);
	return f;
}

static void
other_ports_on_each_host_are_spread(void **state)
{
	static const struct flow_row web = {
	    100, 5000, 40000, 443, TCP, 27, 9, 900, 0};
	const struct flows both[] = {
	    {one_a_pair, &syn, 100}, {one_a_host, &web, 101}};
	struct scanner *found;
	size_t n;

	(void)state;
	found = find(&usual, &(struct flows){one_a_pair, &syn, 100}, 1, &n);
	assert_int_equal(n, 1);
	assert_true(found[0].spread);
	assert_false(found[0].of_hosts || found[0].of_ports);
	assert_int_equal(found[0].targets, 100);
	assert_int_equal(found[0].ports, 100);
	free(found);
	assert_int_equal(count(&usual, both, 2), 0);
}

/* The answers, turned round. */
static struct flow_row
answer_of_host(uint32_t i, const void *arg)
{
	struct flow_row f = *(const struct flow_row *)arg;

	f.src += i;
	return f;
}

static void
answers_are_found_in_any_order(void **state)
{
	static const struct flow_row refusal = {
	    1000, 100, 445, 40000, TCP, 20, 1, 40, 0};
	static const struct flow_row welcome = {
	    1050, 100, 445, 40000, TCP, 18, 1, 44, 0};
	const struct flows orders[][3] = {
	    {{one_a_host, &syn, 100}, {answer_of_host, &refusal, 30},
		{answer_of_host, &welcome, 20}},
	    {{answer_of_host, &welcome, 20}, {answer_of_host, &refusal, 30},
		{one_a_host, &syn, 100}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		size_t n;
		struct scanner *found = find(&usual, orders[i], 3, &n);

		assert_int_equal(n, 1);
		assert_int_equal(found[0].pairs, 100);
		assert_int_equal(found[0].refused, 30);
		assert_int_equal(found[0].answered, 20);
		assert_int_equal(found[0].flows, 100);
		free(found);
	}
}

static void
udp_and_pings_fail_without_an_answer(void **state)
{
	static const struct flow_row udp = {
	    100, 1000, 40000, 161, UDP, 0, 1, 60, 0};
	static const struct flow_row back = {
	    1000, 100, 161, 40000, UDP, 0, 1, 90, 0};
	static const struct flow_row unreachable = {
	    1000, 100, 0, 771, ICMP, 0, 1, 56, 0};
	static const struct flow_row ping = {
	    100, 1000, 0, 2048, ICMP, 0, 1, 84, 0};
	static const struct flow_row pong = {
	    1000, 100, 0, 0, ICMP, 0, 1, 84, 0};
	const struct flows answered[] = {
	    {one_a_host, &udp, 200}, {answer_of_host, &back, 137}};
	const struct flows refused[] = {
	    {one_a_host, &udp, 200}, {answer_of_host, &unreachable, 90}};
	const struct flows alive[] = {
	    {one_a_host, &ping, 100}, {answer_of_host, &pong, 37}};
	struct scanner *found;
	size_t n;

	(void)state;
	assert_int_equal(count(&usual, answered, 1), 1);
	assert_int_equal(count(&usual, answered, 2), 0); /* 63 fail */
	found = find(&usual, refused, 2, &n);
	assert_int_equal(n, 1);
	assert_int_equal(found[0].kind, PROBE_UDP);
	assert_int_equal(found[0].refused, 90);
	assert_int_equal(found[0].answered, 0);
	free(found);
	assert_int_equal(count(&usual, alive, 1), 1);
	assert_int_equal(count(&usual, alive, 2), 0);
}

/* An exporter that says no flags would make scanners of all. */
static void
null_needs_an_exporter_with_flags(void **state)
{
	static const struct flow_row null = {
	    100, 1000, 40000, 445, TCP, 0, 1, 40, 0};
	static const struct flow_row flagged = {
	    7, 8, 40000, 443, TCP, 27, 9, 900, 0};
	static const struct flow_row other = {
	    7, 8, 40000, 443, TCP, 27, 9, 900, 1};
	const struct flows with[] = {
	    {one_a_host, &null, 900}, {same, &flagged, 100}};
	const struct flows without[] = {
	    {one_a_host, &null, 900}, {same, &other, 100}};

	(void)state;
	assert_int_equal(count(&usual, with, 2), 1);
	assert_int_equal(count(&usual, without, 2), 0);
}

static void
wishes_leave_out(void **state)
{
	static const struct flow_row web = {
	    100, 1000, 40000, 80, TCP, 2, 1, 40, 0};
	const struct flows flows = {one_a_host, &web, 100};
	struct scanners_wishes w = usual;
	struct ast *any = ast_new(AST_OR);
	struct ast *ranges = ast_new_ranges(COL_SRC_ADDR);

	(void)state;
	assert_int_equal(count(&w, &flows, 1), 1);
	w.no_web = true;
	assert_int_equal(count(&w, &flows, 1), 0);
	w.no_web = false;
	w.kinds = 1u << PROBE_FIN | 1u << PROBE_UDP;
	assert_int_equal(count(&w, &flows, 1), 0);
	w.kinds = usual.kinds;
	ast_add_child(any, ranges);
	w.suppressed = any;
	assert_int_equal(count(&w, &flows, 1), 1);
	ast_add_range(ranges, 99, 100);
	ast_normalize_ranges(ranges);
	assert_int_equal(count(&w, &flows, 1), 0);
	ast_free(any);
}

/* 6,000 hosts, 1,000 ports each: more than is kept. */
static struct flow_row
block(uint32_t i, const void *arg)
{
	struct flow_row f = *(const struct flow_row *)arg;

	f.dst += i % 6000;
	f.dst_port = (uint16_t)(i / 6000 + 1);
	return f;
}

static void
what_is_too_much_is_estimated(void **state)
{
	size_t n;
	struct scanner *found =
	    find(&usual, &(struct flows){block, &syn, 6000 * 1000}, 1, &n);

	(void)state;
	assert_int_equal(n, 1);
	assert_true(
	    found[0].estimated && found[0].of_hosts && found[0].of_ports);
	assert_int_equal(found[0].flows, 6000 * 1000);
	assert_int_equal(found[0].ports, 1000);
	assert_in_range(found[0].targets, 6000 * 9 / 10, 6000 * 11 / 10);
	assert_in_range(found[0].pairs, 6000000 / 10 * 9, 6000000 / 10 * 11);
	free(found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_flow_says),
	    cmocka_unit_test(the_web_is_told_by_ports),
	    cmocka_unit_test(pairs_are_exact_and_sorted),
	    cmocka_unit_test(halving_keeps_whole_hosts),
	    cmocka_unit_test(limits_are_the_least_that_is_a_scan),
	    cmocka_unit_test(repetition_is_no_scan),
	    cmocka_unit_test(who_gets_somewhere_does_not_scan),
	    cmocka_unit_test(other_ports_on_each_host_are_spread),
	    cmocka_unit_test(answers_are_found_in_any_order),
	    cmocka_unit_test(udp_and_pings_fail_without_an_answer),
	    cmocka_unit_test(null_needs_an_exporter_with_flags),
	    cmocka_unit_test(wishes_leave_out),
	    cmocka_unit_test(what_is_too_much_is_estimated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
