/* SPDX-License-Identifier: ISC */
/* Which addresses occur: none is ever missed, few are told that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/address.h"
#include "schema/base/hash.h"
#include "schema/catalog.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

static const uint8_t *
get_block(void *arg, size_t block)
{
	const struct address_set *s = arg;

	assert_true(block < s->n_blocks);
	return s->bits + block * ADDRESS_BLOCK_LEN;
}

static bool
may_hold(struct address_set *s, uint32_t lo, uint32_t hi)
{
	return address_may_hold(
	    s->n_blocks, get_block, s, (struct address_range){lo, hi});
}

/* Number i of many different addresses; the numbers from absent() on are of
 * others. */
static uint32_t
address_number(uint32_t i)
{
	return (uint32_t)hash_mix(i + 1) & ~1u;
}

static uint32_t
absent(uint32_t i)
{
	return (uint32_t)hash_mix(i + (UINT64_C(1) << 40)) | 1u;
}

static void
add_many(struct address_set *s, uint64_t room, uint32_t n)
{
	address_init(s, room);
	for (uint32_t i = 0; i < n; i++)
		address_add(s, address_number(i));
}

static uint32_t
count_held(struct address_set *s, uint32_t n, uint32_t (*number)(uint32_t))
{
	uint32_t n_held = 0;

	for (uint32_t i = 0; i < n; i++)
		n_held += may_hold(s, number(i), number(i));
	return n_held;
}

/* ---- the set ---- */

static void
what_was_added_is_held_and_little_else(void **state)
{
	static const uint32_t sizes[] = {1, 30, 1000, 20000, 300000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		uint32_t n = sizes[i];
		struct address_set s;
		size_t room;

		add_many(&s, 8 * n, n);
		assert_int_equal(count_held(&s, n, address_number), n);
		assert_in_range(count_held(&s, 20000, absent), 0, 100);
		room = s.n_blocks;
		address_fit(&s);
		assert_true(s.n_blocks > 0);
		if (n >= 1000)
			assert_true(s.n_blocks < room);
		/* Two keys of ten bits, at most doubled. */
		assert_true(s.n_blocks == 1 ||
			    s.n_blocks * ADDRESS_BLOCK_LEN * 8 <= n * 40);
		assert_int_equal(count_held(&s, n, address_number), n);
		/* one in a hundred, and the net has to be held as well */
		assert_in_range(count_held(&s, 20000, absent), 0, 300);
		assert_false(address_is_full(&s));
		address_release(&s);
	}
}

static void
ranges_are_held_when_one_of_them_is(void **state)
{
	static const struct {
		uint32_t lo, hi;
		bool want;
	} cases[] = {
	    {0x0a000005, 0x0a000005, true},
	    {0x0a000004, 0x0a000006, true},
	    {0x0a000000, 0x0a0000ff, true},
	    {0x0a0000f8, 0x0a0000ff, false}, /* eight that are not */
	    {0x0a0000f0, 0x0a0000ff, true},  /* too many to look at each */
	    {0x0a000100, 0x0a0001ff, false},
	    {0x09fffff0, 0x0a000005, true},
	    {0x09fff000, 0x09ffffff, false}, /* 16 nets */
	    {0x09ffef00, 0x09ffffff, true},  /* 17 are too many */
	    {0, UINT32_MAX, true},
	    {0, 0, true},
	    {1, 1, false},
	    {UINT32_MAX, UINT32_MAX, true},
	    {UINT32_MAX - 1, UINT32_MAX - 1, false},
	};
	struct address_set s;

	(void)state;
	address_init(&s, 100);
	address_add(&s, 0x0a000005);
	address_add(&s, 0);
	address_add(&s, UINT32_MAX);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (may_hold(&s, cases[i].lo, cases[i].hi) != cases[i].want)
			fail_msg("%x to %x", cases[i].lo, cases[i].hi);
	address_release(&s);
}

static void
too_many_are_as_if_nothing_was_known(void **state)
{
	struct address_set s;

	(void)state;
	add_many(&s, 1000, 1000);
	assert_false(address_is_full(&s));
	address_release(&s);
	add_many(&s, 1000, 20000);
	assert_true(address_is_full(&s));
	address_fit(&s);
	assert_int_equal(s.n_blocks, 0);
	address_release(&s);
	/* Every bit. */
	address_init(&s, 1);
	memset(s.bits, 0xff, s.n_blocks * ADDRESS_BLOCK_LEN);
	assert_true(address_is_full(&s));
	address_release(&s);
}

/* ---- in a shard ---- */

static char *
day_path(void **state)
{
	return store_shard_path(*state, 20000);
}

static void
load(struct address_set *s, const char *path)
{
	struct db *db;
	struct err err;

	assert_int_equal(db_open(&db, path, DB_READ, &err), 0);
	assert_int_equal(address_load(s, db, &err), 0);
	db_close(db);
}

static void
a_finished_day_knows_its_addresses(void **state)
{
	char *path = day_path(state);
	struct address_set s;

	days_finish(*state, 20000, 300, 500);
	load(&s, path);
	assert_true(s.n_blocks > 0);
	for (uint32_t i = 0; i < 3000; i++)
		assert_true(may_hold(&s, i, i));
	assert_in_range(count_held(&s, 20000, absent), 0, 300);
	address_release(&s);
	assert_int_equal(
	    days_int(path, "SELECT min(in_address) FROM segment"), 1);
	free(path);
}

/* One flow more, from a source that is far away. */
static void
append_late(struct shard *s, uint32_t src_addr)
{
	struct packet p = {
	    .n_flows = 1, .source = {.exporter = addr_from_ip4(0xc0000201)}};
	struct flow f = {.src_addr = src_addr, .dst_addr = 7};
	struct err err;

	assert_int_equal(shard_append(s, &p, &f, &err), 0);
	assert_int_equal(shard_commit(s, &err), 0);
}

static struct shard *
open_day(const char *path)
{
	struct shard *s;
	struct err err;

	assert_int_equal(shard_open_write(&s, path, 500, &err), 0);
	return s;
}

static void
late_flows_join_it(void **state)
{
	char *path = day_path(state);
	struct address_set s;
	struct shard *shard;
	struct err err;

	days_finish(*state, 20000, 300, 500);
	for (uint32_t i = 0; i < 20; i++) {
		shard = open_day(path);
		append_late(shard, 0xdead0000 + (i << 8));
		assert_int_equal(shard_finish(shard, &err), 0);
		shard_close(shard);
		load(&s, path);
		assert_true(s.n_blocks > 0);
		for (uint32_t k = 0; k <= i; k++)
			assert_true(may_hold(
			    &s, 0xdead0000 + (k << 8), 0xdead0000 + (k << 8)));
		assert_true(may_hold(&s, 2999, 2999));
		assert_false(
		    may_hold(&s, 0xbead0000 + (i << 8), 0xbead0000 + (i << 8)));
		address_release(&s);
	}
	free(path);
}

/* Rows between two steps: all of them are in it in the end. */
static void
rows_between_its_steps_are_not_forgotten(void **state)
{
	char *path = day_path(state);
	struct shard *shard = days_open(*state, 20000, 300, 500);
	struct address_set s;
	struct err err;
	uint32_t n_late = 0;
	int rc;

	while ((rc = shard_finish_step(shard, &err)) == 1)
		if (n_late < 60)
			append_late(shard, 0xdead0000 + (n_late++ << 8));
	assert_int_equal(rc, 0);
	shard_close(shard);
	load(&s, path);
	assert_int_equal(n_late, 60);
	for (uint32_t k = 0; k < n_late; k++)
		assert_true(
		    may_hold(&s, 0xdead0000 + (k << 8), 0xdead0000 + (k << 8)));
	for (uint32_t i = 0; i < 3000; i++)
		assert_true(may_hold(&s, i, i));
	assert_int_equal(days_int(path, "SELECT count(*) FROM flows"), 3060);
	assert_int_equal(
	    days_int(path, "SELECT min(in_address) FROM segment"), 1);
	address_release(&s);
	free(path);
}

static void
rows_that_make_no_sense_tell_nothing(void **state)
{
	static const char *const harm[] = {
	    "DELETE FROM address WHERE block = 0",
	    "DELETE FROM address WHERE block = 1",
	    "UPDATE address SET bits = x'00' WHERE block = 1",
	    "INSERT INTO address VALUES (99999, zeroblob(512))",
	    "DELETE FROM address",
	};
	char *path = day_path(state);

	for (size_t i = 0; i < ARRAY_LEN(harm); i++) {
		struct address_set s;

		days_finish(*state, 20000, 300, 500);
		assert_true(days_int(path, "SELECT count(*) FROM address") > 1);
		assert_int_equal(chmod(path, 0644), 0);
		days_exec(path, harm[i]);
		load(&s, path);
		assert_int_equal(s.n_blocks, 0);
		address_release(&s);
		assert_int_equal(unlink(path), 0);
	}
	free(path);
}

/* ---- in the catalog ---- */

static bool
catalog_says(const char *dir, uint32_t addr)
{
	const struct address_range r = {addr, addr};
	char *path = store_shard_path(dir, 20000);
	const struct catalog_day *d;
	struct catalog c;
	struct stat st;
	struct err err;
	bool may;

	if (catalog_read(&c, dir, &err) != 0)
		fail_msg("%s", err.text);
	d = catalog_find(&c, 20000);
	assert_non_null(d);
	assert_int_equal(stat(path, &st), 0);
	may = !catalog_counts(d, &st) || catalog_may_hold(&c, d, r);
	catalog_release(&c);
	free(path);
	return may;
}

static void
the_catalog_tells_the_same(void **state)
{
	char *path = day_path(state);
	struct shard *shard;
	struct err err;

	days_finish(*state, 20000, 300, 500);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	for (uint32_t i = 0; i < 3000; i++)
		assert_true(catalog_says(*state, i));
	assert_false(catalog_says(*state, 0xdead0000));

	/* A row that is old says nothing; a fresh one says what is new. */
	shard = open_day(path);
	append_late(shard, 0xdead0000);
	assert_int_equal(shard_finish(shard, &err), 0);
	shard_close(shard);
	assert_true(catalog_says(*state, 0xdead0000));
	assert_true(catalog_says(*state, 0xbead0000));
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_true(catalog_says(*state, 0xdead0000));
	assert_false(catalog_says(*state, 0xbead0000));

	/* With the day its addresses go. */
	assert_int_equal(catalog_remove(*state, 20000, &err), 0);
	free(path);
	path = catalog_path(*state);
	assert_int_equal(days_int(path, "SELECT count(*) FROM address"), 0);
	free(path);
}

/* A query reads the row of a day, then its list: the day may be another then.
 */
static void
a_list_that_was_replaced_tells_nothing(void **state)
{
	const struct address_range r = {0xbead0000, 0xbead0000};
	char *path = day_path(state);
	struct catalog_day old;
	struct shard *shard;
	struct catalog c;
	struct err err;

	days_finish(*state, 20000, 300, 500);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_int_equal(catalog_read(&c, *state, &err), 0);
	old = c.day[0];
	assert_false(catalog_may_hold(&c, &old, r));
	shard = open_day(path);
	append_late(shard, 0xdead0000);
	assert_int_equal(shard_finish(shard, &err), 0);
	shard_close(shard);
	/* The open catalog is no hindrance to its writer. */
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_true(catalog_may_hold(&c, &old, r));
	catalog_release(&c);
	free(path);
}

/* Catalogs of version 1 are read; who writes makes them anew. */
static void
a_catalog_of_version_1_is_read_and_renewed(void **state)
{
	char *path = catalog_path(*state);
	struct catalog c;
	struct err err;

	days_finish(*state, 20000, 300, 500);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	days_exec(path, "DROP TABLE address;"
			"ALTER TABLE shard DROP COLUMN n_address_blocks;"
			"PRAGMA user_version = 1");
	assert_int_equal(catalog_read(&c, *state, &err), 0);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.day[0].whole.n_flows, 3000);
	assert_true(catalog_may_hold(
	    &c, &c.day[0], (struct address_range){0xbead0000, 0xbead0000}));
	catalog_release(&c);
	assert_int_equal(catalog_refresh(*state, &err), 0);
	assert_int_equal(days_int(path, "PRAGMA user_version"), 2);
	assert_false(catalog_says(*state, 0xbead0000));
	assert_true(catalog_says(*state, 17));
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_added_is_held_and_little_else),
	    cmocka_unit_test(ranges_are_held_when_one_of_them_is),
	    cmocka_unit_test(too_many_are_as_if_nothing_was_known),
	    in_store(a_finished_day_knows_its_addresses),
	    in_store(late_flows_join_it),
	    in_store(rows_between_its_steps_are_not_forgotten),
	    in_store(rows_that_make_no_sense_tell_nothing),
	    in_store(the_catalog_tells_the_same),
	    in_store(a_list_that_was_replaced_tells_nothing),
	    in_store(a_catalog_of_version_1_is_read_and_renewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
