/* SPDX-License-Identifier: ISC */
/* Chunks between two threads: in order, none lost, room for what is many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/queue.h"
#include "schema/base/clock.h"

/* Packets number first to first + n - 1, of three flows each. */
static void
fill(struct chunk *c, uint32_t first, size_t n, int64_t received_ms)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t number = first + (uint32_t)i;

		c->packet[c->n_packets++] = (struct packet){.sequence = number,
		    .n_flows = 3,
		    .received_ms = received_ms};
		for (uint32_t k = 0; k < 3; k++)
			c->flow[c->n_flows++] =
			    (struct flow){.src_addr = 3 * number + k};
	}
}

static bool
put(struct queue *q, uint32_t first, size_t n, int64_t received_ms)
{
	struct chunk *c = queue_get_empty(q);

	if (c == NULL)
		return false;
	assert_int_equal(c->n_packets, 0);
	assert_int_equal(c->n_flows, 0);
	fill(c, first, n, received_ms);
	queue_put(q, c);
	return true;
}

/* Takes a chunk that begins with packet next; the number behind its last. */
static uint32_t
take(struct queue *q, uint32_t next)
{
	bool closed;
	struct chunk *c = queue_take(q, 0, &closed);
	size_t at = 0;

	assert_non_null(c);
	assert_true(c->n_packets > 0);
	for (size_t i = 0; i < c->n_packets; i++, next++) {
		assert_int_equal(c->packet[i].sequence, next);
		assert_int_equal(
		    chunk_day(c), clock_day(c->packet[i].received_ms));
		for (uint32_t k = 0; k < 3; k++)
			assert_int_equal(c->flow[at++].src_addr, 3 * next + k);
	}
	assert_int_equal(at, c->n_flows);
	queue_give_back(q, c);
	return next;
}

static void
chunks_come_in_order_and_go_round(void **state)
{
	struct queue *q = queue_new();
	uint32_t in = 0, out = 0;
	bool closed;

	(void)state;
	for (size_t round = 0; round < 5 * QUEUE_CHUNKS; round++) {
		assert_true(put(q, in, CHUNK_PACKETS, 1));
		in += CHUNK_PACKETS;
		if (round % 3 > 0)
			out = take(q, out);
		if (round % 100 == 99)
			while (queue_waiting(q) > 0)
				out = take(q, out);
	}
	while (queue_waiting(q) > 0)
		out = take(q, out);
	assert_int_equal(out, in);
	assert_null(queue_take(q, 1, &closed));
	assert_false(closed);
	queue_close(q);
	assert_null(queue_take(q, 1000000, &closed));
	assert_true(closed);
	queue_free(q);
}

static void
a_full_queue_gives_no_chunk(void **state)
{
	struct queue *q = queue_new();

	(void)state;
	for (uint32_t i = 0; i < QUEUE_CHUNKS; i++)
		assert_true(put(q, i * CHUNK_PACKETS, CHUNK_PACKETS, 1));
	assert_null(queue_get_empty(q));
	assert_int_equal(queue_waiting(q), QUEUE_CHUNKS);
	(void)take(q, 0);
	assert_non_null(queue_get_empty(q));
	queue_free(q);
}

/* Handed over a few packets at a time, all its room is for packets still. */
static void
what_waits_is_joined(void **state)
{
	enum { ALL = QUEUE_CHUNKS * CHUNK_PACKETS };
	struct queue *q = queue_new();
	uint32_t in = 0, out = 0;
	size_t n;

	(void)state;
	while (n = 1 + in % 8, put(q, in, n, 1))
		in += (uint32_t)n;
	assert_true(in > ALL - ALL / 50);
	while (queue_waiting(q) > 0)
		out = take(q, out);
	assert_int_equal(out, in);
	queue_free(q);
}

static void
days_are_not_joined(void **state)
{
	struct queue *q = queue_new();
	uint32_t out = 0;

	(void)state;
	assert_true(put(q, 0, 2, MS_PER_DAY - 1));
	assert_true(put(q, 2, 2, MS_PER_DAY));
	assert_true(put(q, 4, 2, MS_PER_DAY + 5));
	assert_int_equal(queue_waiting(q), 2);
	out = take(q, out);
	assert_int_equal(out, 2);
	out = take(q, out);
	assert_int_equal(out, 6);
	queue_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chunks_come_in_order_and_go_round),
	    cmocka_unit_test(a_full_queue_gives_no_chunk),
	    cmocka_unit_test(what_waits_is_joined),
	    cmocka_unit_test(days_are_not_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
