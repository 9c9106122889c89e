/* SPDX-License-Identifier: ISC */
/* headers: what was appended comes back, each at the place of its flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/headers.h"
#include "schema/shard.h"
#include "tests/temp.h"

enum { N = 40, FULL_ROWS = 50 };

static struct packet
packet_number(uint32_t i)
{
	return (struct packet){
	    .source = {.exporter = addr_from_ip4(0x0a000001 + i % 3),
		.engine_id = (uint8_t)(i % 2),
		.sampling = (uint16_t)(i % 5)},
	    .received_ms = INT64_C(1700000000000) + i,
	    .unix_secs = 4000000000u + i,
	    .unix_nsecs = 999999999 - i,
	    .uptime_ms = UINT32_MAX - i,
	    .sequence = i % 7 == 3 ? 0 : UINT32_MAX - i,
	    .no_sequence = i % 7 == 3,
	    .no_header = i % 11 == 5,
	    .n_flows = (uint8_t)(1 + i % 30),
	};
}

static void
check(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->text);
}

static char *
fill(const char *folder)
{
	static const struct flow flows[30];
	char *path = xasprintf("%s/day.db", folder);
	struct shard *s;
	struct err err;

	check(shard_open_write(&s, path, FULL_ROWS, &err), &err);
	for (uint32_t i = 0; i < N; i++) {
		struct packet p = packet_number(i);

		check(shard_append(s, &p, flows, &err), &err);
	}
	check(shard_commit(s, &err), &err);
	shard_close(s);
	return path;
}

static void
check_same(const struct packet *got, const struct packet *want)
{
	assert_true(addr_equal(&got->source.exporter, &want->source.exporter));
	assert_int_equal(got->source.engine_type, want->source.engine_type);
	assert_int_equal(got->source.engine_id, want->source.engine_id);
	assert_int_equal(got->source.sampling, want->source.sampling);
	assert_int_equal(got->received_ms, want->received_ms);
	assert_int_equal(got->unix_secs, want->unix_secs);
	assert_int_equal(got->unix_nsecs, want->unix_nsecs);
	assert_int_equal(got->uptime_ms, want->uptime_ms);
	assert_int_equal(got->sequence, want->sequence);
	assert_int_equal(got->no_sequence, want->no_sequence);
	assert_int_equal(got->n_flows, want->n_flows);
}

/* Those without a header only take their place. */
static void
headers_come_back(void **state)
{
	char *folder = temp_new(), *path = fill(folder);
	struct headers *h;
	struct header got;
	struct shard *s;
	struct err err;
	uint32_t segment = 1;
	uint64_t first = 1;

	(void)state;
	check(shard_open_read(&s, path, &err), &err);
	check(shard_begin_read(s, &err), &err);
	check(headers_open(&h, s, &err), &err);
	for (uint32_t i = 0; i < N; i++) {
		struct packet want = packet_number(i);

		if (first > FULL_ROWS) {
			segment++;
			first = 1;
		}
		if (!want.no_header) {
			assert_int_equal(headers_next(h, &got, &err), 1);
			check_same(&got.packet, &want);
			assert_int_equal(got.segment_id, segment);
			assert_int_equal(got.first_flow, first);
		}
		first += want.n_flows;
	}
	assert_true(segment > 5);
	assert_int_equal(headers_next(h, &got, &err), 0);
	headers_close(h);
	headers_close(NULL);
	shard_end_read(s);
	shard_close(s);
	free(path);
	temp_remove(folder);
}

static void
a_source_that_is_not_there_is_damage(void **state)
{
	char *folder = temp_new(), *path = fill(folder);
	struct headers *h;
	struct header got;
	struct shard *s;
	struct db *db;
	struct err err;

	(void)state;
	check(db_open(&db, path, DB_WRITE, &err), &err);
	check(
	    db_exec(db, "UPDATE packet SET source_id = 99 WHERE id = 2", &err),
	    &err);
	db_close(db);
	check(shard_open_read(&s, path, &err), &err);
	check(shard_begin_read(s, &err), &err);
	check(headers_open(&h, s, &err), &err);
	assert_int_equal(headers_next(h, &got, &err), 1);
	assert_int_equal(headers_next(h, &got, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "source 99"));
	headers_close(h);
	shard_end_read(s);
	shard_close(s);
	free(path);
	temp_remove(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(headers_come_back),
	    cmocka_unit_test(a_source_that_is_not_there_is_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
