/* SPDX-License-Identifier: ISC */
/* The account: what goes into its rows, what it says, what it may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/account.h"
#include "schema/base/mem.h"

/* A moment 10 s into a minute. */
static const int64_t START_MS = INT64_C(1700000050000);

enum { MAX_LINES = 4096, LINE_LEN = 320 };

struct said {
	size_t n;
	char line[MAX_LINES][LINE_LEN];
};

static void
note_line(void *arg, bool warning, const char *line)
{
	struct said *s = arg;

	(void)warning;
	assert_true(s->n < MAX_LINES);
	snprintf(s->line[s->n++], LINE_LEN, "%s", line);
}

static bool
was_said(const struct said *s, const char *line)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->line[i], line) == 0)
			return true;
	return false;
}

static void
print_said(const struct said *s)
{
	for (size_t i = 0; i < s->n && i < 20; i++)
		print_message("said: %s\n", s->line[i]);
}

#define ASSERT_SAID(s, line)                                                   \
	do {                                                                   \
		if (!was_said(s, line)) {                                      \
			print_said(s);                                         \
			fail_msg("not said: %s", line);                        \
		}                                                              \
	} while (0)

struct fixture {
	struct account *account;
	struct said said;
	struct minute_row row[ACCOUNT_MAX_ROWS];
	size_t n_rows;
};

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	f->account = account_new(note_line, &f->said);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	account_free(f->account);
	free(f);
	return 0;
}

static struct packet
packet(uint32_t exporter, uint8_t engine_id, uint32_t sequence)
{
	return (struct packet){
	    .source = {.exporter = addr_from_ip4(exporter),
		.engine_id = engine_id},
	    .sequence = sequence,
	    .uptime_ms = 100000 + sequence,
	    .n_flows = 30,
	};
}

static void
give(struct account *a, struct packet p, int64_t at_ms)
{
	struct flow flows[30] = {0};

	for (size_t i = 0; i < 30; i++) {
		flows[i].packets = 2;
		flows[i].octets = 100;
	}
	p.received_ms = at_ms;
	if (p.unix_secs == 0)
		p.unix_secs = (uint32_t)(at_ms / 1000);
	account_packet(a, &p, flows, false, at_ms);
}

static void
take(struct fixture *f)
{
	f->n_rows = account_take(f->account, f->row, ACCOUNT_MAX_ROWS);
}

static const struct minute *
source_row(const struct fixture *f, size_t i)
{
	assert_true(i < f->n_rows);
	assert_int_equal(f->row[i].kind, MINUTE_OF_SOURCE);
	return &f->row[i].source;
}

static const uint32_t ROUTER = 0xC0000201; /* 192.0.2.1 */

static void
a_minute_is_a_row_of_each_engine(void **state)
{
	struct fixture *f = *state;
	struct packet last = packet(ROUTER, 1, 100);
	const struct minute *m;

	last.unix_secs = (uint32_t)(START_MS / 1000) + 9;
	last.source.sampling = 1 << 14 | 10;
	give(f->account, packet(ROUTER, 1, 0), START_MS);
	give(f->account, packet(ROUTER, 2, 500), START_MS + 1);
	give(f->account, last, START_MS + 2000);
	take(f);
	assert_int_equal(f->n_rows, 0);
	account_finish(f->account, START_MS + 3000);
	take(f);
	assert_int_equal(f->n_rows, 2);
	m = source_row(f, 0);
	assert_int_equal(m->minute_ms, START_MS - START_MS % 60000);
	assert_int_equal(m->engine_id, 1);
	assert_int_equal(m->datagrams, 2);
	assert_int_equal(m->flows, 60);
	assert_int_equal(m->packets, 120);
	assert_int_equal(m->octets, 6000);
	assert_int_equal(m->lost, 70);
	assert_int_equal(m->clock_skew_ms, 7000);
	assert_int_equal(m->uptime_ms, 100100);
	assert_int_equal(m->sampling, 1 << 14 | 10);
	assert_int_equal(m->last_ms, START_MS + 2000);
	assert_int_equal(source_row(f, 1)->engine_id, 2);
	assert_int_equal(source_row(f, 1)->lost, 0);
	account_finish(f->account, START_MS + 3000);
	take(f);
	assert_int_equal(f->n_rows, 0); /* nothing twice */
}

static void
a_late_datagram_takes_back_what_the_minute_before_lost(void **state)
{
	struct fixture *f = *state;

	give(f->account, packet(ROUTER, 0, 0), START_MS);
	give(f->account, packet(ROUTER, 0, 60), START_MS + 1);
	give(f->account, packet(ROUTER, 0, 30), START_MS + 60000);
	account_finish(f->account, START_MS + 61000);
	take(f);
	assert_int_equal(f->n_rows, 2);
	assert_int_equal(source_row(f, 0)->lost, 30);
	assert_int_equal(source_row(f, 1)->lost, -30);
	assert_int_equal(source_row(f, 1)->late, 1);
	assert_int_equal(
	    source_row(f, 1)->minute_ms, source_row(f, 0)->minute_ms + 60000);
}

static void
what_is_known_since_the_start(void **state)
{
	struct fixture *f = *state;
	const struct addr router = addr_from_ip4(ROUTER);
	const struct account_engine *e;
	struct packet p = packet(ROUTER, 7, 0);

	p.unix_secs = (uint32_t)(START_MS / 1000) - 4;
	give(f->account, p, START_MS);
	p.sequence = 30;
	p.unix_secs += 10;
	give(f->account, p, START_MS);
	p.sequence = 60;
	p.unix_secs -= 5;
	give(f->account, p, START_MS);
	assert_null(account_find(f->account, &router, 0, 8));
	assert_null(account_find(f->account, &router, 7, 0));
	e = account_find(f->account, &router, 0, 7);
	assert_non_null(e);
	assert_int_equal(e->datagrams, 3);
	assert_int_equal(e->flows, 90);
	assert_int_equal(e->skew_min_ms, -4000);
	assert_int_equal(e->skew_max_ms, 6000);
	assert_int_equal(e->skew_last_ms, 1000);
	assert_int_equal(e->last_ms, START_MS);
	assert_int_equal(e->sequence.counters.lost, 0);
}

static void
packets_without_a_sequence_tell_nothing_of_loss(void **state)
{
	struct fixture *f = *state;
	struct packet p = packet(ROUTER, 0, 0);

	p.no_sequence = true;
	give(f->account, p, START_MS);
	p.sequence = 4000;
	give(f->account, p, START_MS);
	account_finish(f->account, START_MS);
	take(f);
	assert_int_equal(source_row(f, 0)->datagrams, 2);
	assert_int_equal(source_row(f, 0)->lost, 0);
}

static void
forgotten_sequences_begin_anew_and_keep_their_counts(void **state)
{
	struct fixture *f = *state;

	give(f->account, packet(ROUTER, 0, 0), START_MS);
	give(f->account, packet(ROUTER, 0, 60), START_MS);
	account_forget_sequences(f->account);
	give(f->account, packet(ROUTER, 0, 70000), START_MS);
	give(f->account, packet(ROUTER, 0, 70040), START_MS);
	account_finish(f->account, START_MS);
	take(f);
	assert_int_equal(source_row(f, 0)->lost, 30 + 10);
	assert_int_equal(source_row(f, 0)->restarts, 0);
}

static void
drops_and_refusals_are_the_collectors_minute(void **state)
{
	struct fixture *f = *state;
	const struct addr router = addr_from_ip4(ROUTER);
	const struct collector_minute *c;

	account_queue_dropped(f->account, 30, START_MS);
	account_queue_dropped(f->account, 12, START_MS);
	account_kernel_dropped(f->account, 5, START_MS);
	account_queue_waiting(f->account, 9, START_MS);
	account_queue_waiting(f->account, 3, START_MS);
	account_refused(f->account, &router, REFUSED_SHORT, START_MS);
	account_refused(f->account, &router, REFUSED_COUNT, START_MS);
	account_refused(f->account, &router, REFUSED_IPFIX, START_MS);
	for (int i = 0; i < 3; i++)
		account_refused(
		    f->account, &router, REFUSED_NOT_CONFIGURED, START_MS);
	account_refused(f->account, &router, REFUSED_NO_ROOM, START_MS);
	account_finish(f->account, START_MS);
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1: is not configured, 3 datagrams refused");
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1: no room for one more, 1 datagrams refused: "
	    "configure it");
	take(f);
	assert_int_equal(f->n_rows, 2);
	assert_int_equal(source_row(f, 0)->refused, 4);
	assert_int_equal(source_row(f, 0)->malformed, 2);
	assert_int_equal(source_row(f, 0)->foreign, 1);
	assert_int_equal(source_row(f, 0)->datagrams, 0);
	assert_true(addr_equal(&source_row(f, 0)->exporter, &router));
	assert_int_equal(f->row[1].kind, MINUTE_OF_COLLECTOR);
	c = &f->row[1].collector;
	assert_int_equal(c->queue_dropped_datagrams, 2);
	assert_int_equal(c->queue_dropped_flows, 42);
	assert_int_equal(c->kernel_dropped, 5);
	assert_int_equal(c->queue_high_water, 9);
	assert_int_equal(c->refused[REFUSED_SHORT], 1);
	assert_int_equal(c->refused[REFUSED_COUNT], 1);
	assert_int_equal(c->refused[REFUSED_IPFIX], 1);
	assert_int_equal(c->refused[REFUSED_NOT_CONFIGURED], 3);
	assert_int_equal(c->refused[REFUSED_NO_ROOM], 1);
}

static void
loss_is_said_once_a_minute_and_in_full(void **state)
{
	struct fixture *f = *state;
	struct account *a = f->account;

	give(a, packet(ROUTER, 1, 0), START_MS);
	ASSERT_SAID(
	    &f->said, "exporter 192.0.2.1/0/1: first datagram, sequence 0");
	give(a, packet(ROUTER, 1, 150), START_MS);
	account_tick(a, START_MS + 500);
	assert_int_equal(f->said.n, 1); /* a late one may still come */
	account_tick(a, START_MS + 1500);
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1/0/1: lost 120 flows, sequence 150, "
	    "expected 30");
	for (uint32_t i = 0; i < 50; i++) { /* 30 flows more each time */
		give(a, packet(ROUTER, 1, 210 + 60 * i), START_MS + 2000);
		account_tick(a, START_MS + 3000 + 1000 * (int64_t)i);
	}
	assert_int_equal(f->said.n, 2);
	account_tick(a, START_MS + 61500);
	assert_int_equal(f->said.n, 3);
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1/0/1: lost 1500 flows in 50 gaps, the last "
	    "at sequence 3150, expected 3120");
}

static void
what_came_late_is_not_said_to_be_lost(void **state)
{
	struct fixture *f = *state;

	give(f->account, packet(ROUTER, 0, 0), START_MS);
	give(f->account, packet(ROUTER, 0, 60), START_MS);
	give(f->account, packet(ROUTER, 0, 30), START_MS + 100);
	account_tick(f->account, START_MS + 2000);
	account_finish(f->account, START_MS + 5000);
	assert_int_equal(f->said.n, 1);
}

static void
restarts_are_said(void **state)
{
	struct fixture *f = *state;
	struct packet p = packet(ROUTER, 0, 9000);

	p.uptime_ms = 900000;
	give(f->account, p, START_MS);
	p.sequence = 0;
	p.uptime_ms = 500;
	give(f->account, p, START_MS);
	account_tick(f->account, START_MS + 1000);
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1/0/0: restarted, sequence 0, expected 9030");
}

static void
another_version_is_named_once_an_hour(void **state)
{
	struct fixture *f = *state;
	const struct addr router = addr_from_ip4(ROUTER);
	const int64_t hour_ms = INT64_C(3600000);

	for (int64_t i = 0; i < 3600; i++) {
		account_refused(
		    f->account, &router, REFUSED_NETFLOW9, START_MS + i * 1000);
		account_tick(f->account, START_MS + i * 1000);
	}
	assert_int_equal(f->said.n, 1);
	ASSERT_SAID(&f->said,
	    "exporter 192.0.2.1: sends NetFlow v9, which is not stored: "
	    "configure version 5");
	account_tick(f->account, START_MS + hour_ms);
	assert_int_equal(f->said.n, 2);
	account_refused(f->account, &router, REFUSED_SFLOW5, START_MS);
	account_tick(f->account, START_MS + hour_ms + 1000);
	assert_int_equal(f->said.n, 3);
}

static void
sums(struct fixture *f, uint64_t *datagrams, uint64_t *malformed)
{
	take(f);
	for (size_t i = 0; i < f->n_rows; i++)
		if (f->row[i].kind == MINUTE_OF_SOURCE) {
			*datagrams += f->row[i].source.datagrams;
			*malformed += f->row[i].source.malformed;
		}
}

/* Many senders: what is beyond the maximum is still counted. */
static void
a_flood_of_forged_senders_is_bounded(void **state)
{
	struct fixture *f = *state;
	uint64_t datagrams = 0, malformed = 0, others;
	size_t first;

	for (uint32_t i = 0; i < 10000; i++) {
		const struct addr from = addr_from_ip4(0x0B000000 + i);

		account_refused(f->account, &from,
		    i % 2 == 0 ? REFUSED_COUNT : REFUSED_SHORT, START_MS);
		if (i % 100 == 0)
			account_tick(f->account, START_MS + i / 10);
	}
	account_finish(f->account, START_MS + 1000);
	assert_true(f->said.n <= ACCOUNT_LINES);
	assert_true(f->said.n > 1);
	sums(f, &datagrams, &malformed);
	assert_true(f->n_rows <= 3 * (ACCOUNT_MAX_UNSOUND + 2));
	assert_int_equal(malformed, 10000);

	for (uint32_t i = 0; i < 10000; i++)
		give(f->account, packet(0x0C000000 + i, (uint8_t)i, 0),
		    START_MS + 2000);
	for (uint32_t i = 0; i < 70000; i++) {
		struct packet p = packet(ROUTER, (uint8_t)i, 0);

		p.source.engine_type = (uint8_t)(i >> 8);
		give(f->account, p, START_MS + 2000);
	}
	account_finish(f->account, START_MS + 2000);
	assert_true(f->said.n <= ACCOUNT_LINES);
	others = account_others(f->account)->datagrams;
	assert_true(others >= 80000 - ACCOUNT_MAX);
	sums(f, &datagrams, &malformed);
	assert_true(f->n_rows <= ACCOUNT_MAX + 2);
	assert_int_equal(datagrams, 80000);
	account_tick(f->account, START_MS + 3000);
	first = f->said.n;
	account_tick(f->account, START_MS + 63001);
	assert_true(f->said.n <= 2 * ACCOUNT_LINES);
	assert_true(strstr(f->said.line[first],
			"lines like these were left out") != NULL);
}

/* A flood is over after an hour, and new exporters have their rows again. */
static void
silent_ones_make_room(void **state)
{
	struct fixture *f = *state;
	const struct addr fresh = addr_from_ip4(0x0D000001);
	const struct addr router = addr_from_ip4(ROUTER);
	const int64_t later_ms = START_MS + INT64_C(3700000);

	give(f->account, packet(ROUTER, 3, 0), START_MS);
	for (uint32_t i = 0; i < 5000; i++)
		give(f->account, packet(0x0C000000 + i, 0, 0), START_MS);
	give(f->account, packet(0x0D000001, 0, 0), later_ms);
	assert_null(account_find(f->account, &fresh, 0, 0));
	give(f->account, packet(ROUTER, 3, 30), later_ms);
	account_tick(f->account, later_ms);
	give(f->account, packet(0x0D000001, 0, 30), later_ms + 1);
	assert_non_null(account_find(f->account, &fresh, 0, 0));
	give(f->account, packet(ROUTER, 3, 90), later_ms + 1);
	assert_non_null(account_find(f->account, &router, 0, 3));
	assert_int_equal(
	    account_find(f->account, &router, 0, 3)->sequence.counters.lost,
	    30);
}

/* Nobody takes rows: the minutes go on in one row, and nothing is lost. */
static void
without_room_minutes_grow_longer(void **state)
{
	struct fixture *f = *state;
	uint64_t datagrams = 0, malformed = 0;
	const uint32_t n = ACCOUNT_MAX_ROWS + 500;

	for (uint32_t i = 0; i < n; i++)
		give(f->account, packet(ROUTER, 0, 30 * i),
		    START_MS + (int64_t)i * 60000);
	sums(f, &datagrams, &malformed);
	assert_int_equal(f->n_rows, ACCOUNT_MAX_ROWS);
	account_finish(f->account, START_MS);
	sums(f, &datagrams, &malformed);
	assert_int_equal(datagrams, n);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(a_minute_is_a_row_of_each_engine),
	    TEST(a_late_datagram_takes_back_what_the_minute_before_lost),
	    TEST(what_is_known_since_the_start),
	    TEST(packets_without_a_sequence_tell_nothing_of_loss),
	    TEST(forgotten_sequences_begin_anew_and_keep_their_counts),
	    TEST(drops_and_refusals_are_the_collectors_minute),
	    TEST(loss_is_said_once_a_minute_and_in_full),
	    TEST(what_came_late_is_not_said_to_be_lost),
	    TEST(restarts_are_said),
	    TEST(another_version_is_named_once_an_hour),
	    TEST(a_flood_of_forged_senders_is_bounded),
	    TEST(silent_ones_make_room),
	    TEST(without_room_minutes_grow_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
