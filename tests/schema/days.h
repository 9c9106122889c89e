/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_SCHEMA_DAYS_H
#define WEIR_TESTS_SCHEMA_DAYS_H
/* Stores of small days for tests of what keeps whole stores. Needs cmocka.h. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/store.h"
#include "tests/temp.h"

enum { DAYS_PER_DATAGRAM = 10, DAYS_FLOW_MS = 500 };

/* A store's empty folders below dir. */
static inline void
days_make_store(const char *dir)
{
	struct err err;
	int lock_fd;

	if (store_lock(&lock_fd, dir, &err) != 0)
		fail_msg("%s", err.text);
	close(lock_fd);
}

/* Around each test: a store of its own, the folder its state. */
static inline int
days_set_up(void **state)
{
	*state = temp_new();
	days_make_store(*state);
	return 0;
}

static inline int
days_tear_down(void **state)
{
	temp_remove(*state);
	return 0;
}

#define in_store(f)                                                            \
	cmocka_unit_test_setup_teardown(f, days_set_up, days_tear_down)

/* The shard of a day, with n_datagrams of ten flows, each of half a second,
 * one flow a second from midnight on; open. */
static inline struct shard *
days_open(const char *dir, int32_t day, uint32_t n_datagrams, uint64_t rows)
{
	char *path = store_shard_path(dir, day);
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, rows, &err) != 0)
		fail_msg("%s", err.text);
	for (uint32_t i = 0; i < n_datagrams; i++) {
		struct packet p = {.n_flows = DAYS_PER_DATAGRAM,
		    .source = {.exporter = addr_from_ip4(0xc0000201)},
		    .sequence = i};
		struct flow flows[DAYS_PER_DATAGRAM];

		for (uint32_t k = 0; k < DAYS_PER_DATAGRAM; k++) {
			uint32_t at = i * DAYS_PER_DATAGRAM + k;
			int64_t ms =
			    (int64_t)day * MS_PER_DAY + (int64_t)at * MS_PER_S;

			flows[k] = (struct flow){.start_ms = ms,
			    .end_ms = ms + DAYS_FLOW_MS,
			    .src_addr = at,
			    .octets = 100};
		}
		if (shard_append(s, &p, flows, &err) != 0)
			fail_msg("%s", err.text);
	}
	if (shard_commit(s, &err) != 0)
		fail_msg("%s", err.text);
	free(path);
	return s;
}

static inline void
days_finish(const char *dir, int32_t day, uint32_t n_datagrams, uint64_t rows)
{
	struct shard *s = days_open(dir, day, n_datagrams, rows);
	struct err err;

	if (shard_finish(s, &err) != 0)
		fail_msg("%s", err.text);
	shard_close(s);
}

/* Change a database from outside, as a person with another tool might. */
static inline void
days_exec(const char *path, const char *sql)
{
	struct db *db;
	struct err err;

	if (db_open(&db, path, DB_CREATE_PLAIN, &err) != 0 ||
	    db_exec(db, sql, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	db_close(db);
}

static inline int64_t
days_int(const char *path, const char *sql)
{
	struct db *db;
	struct err err;
	int64_t value;

	if (db_open(&db, path, DB_READ, &err) != 0 ||
	    db_get_int(db, sql, -1, &value, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	db_close(db);
	return value;
}

static inline void
days_write(const char *path, long at, const char *bytes, size_t len)
{
	FILE *f = fopen(path, access(path, F_OK) == 0 ? "r+" : "w");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

#endif
