/* SPDX-License-Identifier: ISC */
/* Groups and their order against a naive oracle on generated flows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>

#include "report/aggregate.h"
#include "report/groups.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/err.h"
#include "schema/batch.h"

enum { N_BATCHES = 4, N_FLOWS = N_BATCHES * 1500 };

/* Order by address is 2 1 0. */
static const char *const exporter_texts[] = {
    "2001:db8::1", "192.0.2.9", "10.255.0.1"};

static const enum flow_column key_columns[] = {COL_SRC_ADDR, COL_DST_ADDR,
    COL_SRC_PORT, COL_DST_PORT, COL_PROTOCOL, COL_TCP_FLAGS, COL_TOS,
    COL_INPUT_IF, COL_OUTPUT_IF, COL_SRC_AS, COL_DST_AS, COL_NEXT_HOP,
    COL_EXPORTER};

struct flows {
	struct addr exporter[ARRAY_LEN(exporter_texts)];
	struct batch batch[N_BATCHES];
};

/* xorshift64 (Marsaglia 2003): the same flows in every run. */
static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Few distinct values, the extremes among them, so that keys repeat. */
static int64_t
random_value(enum flow_column c, uint64_t *x)
{
	uint64_t r = next_random(x) >> 11;
	uint64_t max = flow_columns[c].max;

	if (c == COL_EXPORTER)
		return (int64_t)(r % ARRAY_LEN(exporter_texts));
	if (c == COL_OCTETS)
		return (int64_t)(r % 3 == 0 ? UINT32_MAX : r % 40);
	if (c == COL_PACKETS)
		return (int64_t)(r % 50);
	return (int64_t)(r % 5 == 0 ? max : r % 5);
}

static int
make_flows(void **state)
{
	struct flows *f = calloc(1, sizeof *f);
	uint64_t x = 88172645463325252u;

	assert_non_null(f);
	for (size_t i = 0; i < ARRAY_LEN(exporter_texts); i++)
		assert_true(addr_parse(exporter_texts[i], &f->exporter[i]));
	for (size_t k = 0; k < N_BATCHES; k++) {
		struct batch *b = &f->batch[k];

		batch_init(b, ((flow_column_set)1 << N_FLOW_COLUMNS) - 1);
		b->n = N_FLOWS / N_BATCHES;
		b->exporters = f->exporter;
		b->n_exporters = ARRAY_LEN(exporter_texts);
		for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
			for (size_t i = 0; i < b->n; i++)
				b->col[c][i] =
				    random_value((enum flow_column)c, &x);
	}
	*state = f;
	return 0;
}

static int
free_flows(void **state)
{
	struct flows *f = *state;

	for (size_t k = 0; k < N_BATCHES; k++)
		batch_release(&f->batch[k]);
	free(f);
	return 0;
}

/* ---- the oracle ---- */

struct naive {
	const struct flows *flows;
	const enum flow_column *key;
	size_t n_keys;
	struct naive_group {
		int64_t key[REPORT_MAX_KEYS];
		struct aggregate_sums sums;
	} group[N_FLOWS];
	size_t n;
};

static void
naive_add(struct naive *n, const struct batch *b, size_t i)
{
	int64_t key[REPORT_MAX_KEYS] = {0};
	size_t g = 0;

	for (size_t k = 0; k < n->n_keys; k++)
		key[k] = b->col[n->key[k]][i];
	while (g < n->n && memcmp(n->group[g].key, key, sizeof key) != 0)
		g++;
	if (g == n->n)
		memcpy(n->group[n->n++].key, key, sizeof key);
	n->group[g].sums.flows++;
	n->group[g].sums.octets += (uint64_t)b->col[COL_OCTETS][i];
	n->group[g].sums.packets += (uint64_t)b->col[COL_PACKETS][i];
}

static struct naive *
naive_new(const struct flows *f, const enum flow_column *key, size_t n_keys)
{
	struct naive *n = calloc(1, sizeof *n);

	assert_non_null(n);
	n->flows = f;
	n->key = key;
	n->n_keys = n_keys;
	for (size_t k = 0; k < N_BATCHES; k++)
		for (size_t i = 0; i < f->batch[k].n; i++)
			naive_add(n, &f->batch[k], i);
	return n;
}

static const struct naive_group *
naive_find(const struct naive *n, const struct aggregate *a,
    const struct aggregate_group *g)
{
	int64_t key[REPORT_MAX_KEYS] = {0};

	for (size_t k = 0; k < n->n_keys; k++) {
		key[k] = (int64_t)g->key[k];
		if (n->key[k] != COL_EXPORTER)
			continue;
		for (key[k] = 0; !addr_equal(&n->flows->exporter[key[k]],
			 aggregate_exporter(a, g->key[k]));
		     key[k]++)
			continue;
	}
	for (size_t i = 0; i < n->n; i++)
		if (memcmp(n->group[i].key, key, sizeof key) == 0)
			return &n->group[i];
	return NULL;
}

/* Of the columns that are keys themselves. */
static const struct report_keys *
keys_of(const enum flow_column *column, size_t n)
{
	static const char *const names[N_FLOW_COLUMNS] = {
	    [COL_SRC_ADDR] = "src",
	    [COL_DST_ADDR] = "dst",
	    [COL_SRC_PORT] = "sport",
	    [COL_DST_PORT] = "dport",
	    [COL_PROTOCOL] = "proto",
	    [COL_TCP_FLAGS] = "flags",
	    [COL_TOS] = "tos",
	    [COL_INPUT_IF] = "in_if",
	    [COL_OUTPUT_IF] = "out_if",
	    [COL_SRC_AS] = "src_as",
	    [COL_DST_AS] = "dst_as",
	    [COL_NEXT_HOP] = "next_hop",
	    [COL_EXPORTER] = "exporter",
	};
	static struct report_keys keys;

	keys = (struct report_keys){0};
	for (size_t i = 0; i < n; i++)
		assert_int_equal(
		    report_keys_add(&keys, names[column[i]], NULL), 0);
	report_keys_settle(&keys, NULL);
	return &keys;
}

static struct aggregate *
new_aggregate(const enum flow_column *key, size_t n_keys, uint64_t max_groups)
{
	const struct aggregate_options o = {.max_groups = max_groups};

	return aggregate_new(keys_of(key, n_keys), &o);
}

static struct aggregate *
aggregate_all(const struct flows *f, const enum flow_column *key, size_t n_keys)
{
	struct aggregate *a = new_aggregate(key, n_keys, N_FLOWS);
	struct aggregate_part *part[2] = {
	    aggregate_part_new(a), aggregate_part_new(a)};

	for (size_t k = 0; k < N_BATCHES; k++)
		assert_int_equal(
		    aggregate_add(part[k % 2], &f->batch[k], NULL), 0);
	for (size_t k = 0; k < 2; k++) {
		assert_int_equal(aggregate_end(part[k], NULL), 0);
		aggregate_part_free(part[k]);
	}
	return a;
}

static const struct aggregate_order by_octets = {.rank = aggregate_octets};

static void
assert_same(const struct aggregate *a, const struct naive *n)
{
	struct aggregate_sums all = {0}, total = aggregate_total(a);
	uint32_t *order;
	size_t len;

	assert_int_equal(aggregate_n_groups(a), n->n);
	order = aggregate_sort(a, &by_octets, 0, &len);
	assert_int_equal(len, n->n);
	for (size_t i = 0; i < len; i++) {
		const struct naive_group *want;
		struct aggregate_group g;

		aggregate_get(a, order[i], &g);
		want = naive_find(n, a, &g);
		assert_non_null(want);
		assert_memory_equal(&g.sums, &want->sums, sizeof g.sums);
		all.flows += g.sums.flows;
		all.octets += g.sums.octets;
		all.packets += g.sums.packets;
	}
	assert_memory_equal(&all, &total, sizeof all);
	assert_int_equal(total.flows, N_FLOWS);
	free(order);
}

/* ---- tests ---- */

static void
groups_equal_a_naive_sum(void **state)
{
	static const enum flow_column lists[][REPORT_MAX_KEYS] = {
	    {COL_TCP_FLAGS, COL_EXPORTER, COL_SRC_ADDR},
	    {COL_PROTOCOL, COL_SRC_PORT, COL_DST_ADDR},
	    {COL_TOS, COL_DST_ADDR, COL_SRC_AS},
	};

	for (size_t k = 0; k < ARRAY_LEN(key_columns); k++) {
		struct naive *n = naive_new(*state, &key_columns[k], 1);
		struct aggregate *a = aggregate_all(*state, &key_columns[k], 1);

		assert_same(a, n);
		aggregate_free(a);
		free(n);
	}
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		struct naive *n = naive_new(*state, lists[k], 3);
		struct aggregate *a = aggregate_all(*state, lists[k], 3);

		assert_same(a, n);
		aggregate_free(a);
		free(n);
	}
}

/* Most flows are groups of their own here, so the table grows. */
static void
all_keys_at_once_are_told_apart(void **state)
{
	const size_t n_keys = ARRAY_LEN(key_columns);
	struct naive *n = naive_new(*state, key_columns, n_keys);
	struct aggregate *a = aggregate_all(*state, key_columns, n_keys);

	assert_true(n->n > 5000);
	assert_same(a, n);
	aggregate_free(a);
	free(n);
}

/* What a row is ordered by, smaller first, and then its keys. */
static int
compare_rows(const struct aggregate *a, const struct aggregate_order *by,
    const enum flow_column *column, size_t n_keys, uint32_t x, uint32_t y)
{
	struct aggregate_group gx, gy;

	aggregate_get(a, x, &gx);
	aggregate_get(a, y, &gy);
	if (by->rank != NULL) {
		uint64_t vx = by->rank(&gx.sums);
		uint64_t vy = by->rank(&gy.sums);

		if (vx != vy)
			return (vx > vy) != by->backwards ? -1 : 1;
	}
	for (size_t i = 0; i <= n_keys; i++) {
		size_t k = i == 0 ? by->first_key : i - 1;
		uint64_t kx = gx.key[k], ky = gy.key[k];

		if (i == 0 && by->rank != NULL)
			continue;
		if (column[k] == COL_EXPORTER && kx != ky) {
			const struct addr *ax = aggregate_exporter(a, kx);
			const struct addr *ay = aggregate_exporter(a, ky);

			if (ax->family != ay->family)
				return ax->family < ay->family ? -1 : 1;
			return memcmp(ax->bytes, ay->bytes, 16);
		}
		if (kx != ky)
			return kx < ky ? -1 : 1;
	}
	return 0;
}

static void
order_is_strict_and_limits_cut_it(void **state)
{
	static const enum flow_column column[] = {
	    COL_EXPORTER, COL_SRC_PORT, COL_TCP_FLAGS, COL_TOS};
	static const struct aggregate_order orders[] = {
	    {.rank = aggregate_flows},
	    {.rank = aggregate_octets},
	    {.rank = aggregate_packets},
	    {.first_key = 0},
	    {.first_key = 1},
	    {.first_key = 3},
	    {.rank = aggregate_octets, .backwards = true},
	};
	static const size_t limits[] = {1, 2, 3, 10, 255, 256, 100000};
	struct aggregate *a = aggregate_all(*state, column, 4);

	for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
		size_t n, cut;
		uint32_t *all = aggregate_sort(a, &orders[o], 0, &n);

		assert_true(n > 256 && n == aggregate_n_groups(a));
		for (size_t i = 1; i < n; i++)
			if (compare_rows(a, &orders[o], column, 4, all[i - 1],
				all[i]) >= 0)
				fail_msg(
				    "order %zu: rows %zu, %zu", o, i - 1, i);
		for (size_t l = 0; l < ARRAY_LEN(limits); l++) {
			uint32_t *first =
			    aggregate_sort(a, &orders[o], limits[l], &cut);

			assert_int_equal(cut, limits[l] < n ? limits[l] : n);
			assert_memory_equal(first, all, cut * sizeof *first);
			free(first);
		}
		free(all);
	}
	aggregate_free(a);
}

static void
too_many_groups_are_refused(void **state)
{
	static const enum flow_column column[] = {COL_SRC_ADDR};
	struct flows *f = *state;
	struct batch *b = &f->batch[0];
	struct aggregate *a = new_aggregate(column, 1, b->n - 1);
	struct aggregate_part *part = aggregate_part_new(a);
	struct err err = {0};

	for (size_t i = 0; i < b->n; i++)
		b->col[COL_SRC_ADDR][i] = (int64_t)i;
	b->n--;
	assert_int_equal(aggregate_add(part, b, &err), 0);
	assert_int_equal(aggregate_end(part, &err), 0);
	assert_int_equal(aggregate_add(part, b, &err), 0); /* the same ones */
	assert_int_equal(aggregate_end(part, &err), 0);
	b->n++;
	assert_int_equal(aggregate_add(part, b, &err), 0);
	assert_int_equal(aggregate_end(part, &err), ERR_LIMIT);
	assert_non_null(strstr(err.text, "more than 1499 rows"));
	aggregate_part_free(part);
	aggregate_free(a);
}

static void
nothing_gives_no_groups(void **state)
{
	static const enum flow_column column[] = {COL_EXPORTER};
	struct aggregate *a = new_aggregate(column, 1, 10);
	struct aggregate_part *part = aggregate_part_new(a);
	struct batch none = {0};
	uint32_t *order;
	size_t n = 1;

	(void)state;
	assert_int_equal(aggregate_add(part, &none, NULL), 0);
	assert_int_equal(aggregate_end(part, NULL), 0);
	aggregate_part_free(part);
	aggregate_part_free(NULL);
	order = aggregate_sort(a, &by_octets, 5, &n);
	assert_int_equal(n, 0);
	assert_int_equal(aggregate_total(a).flows, 0);
	free(order);
	aggregate_free(a);
	aggregate_free(NULL);
}

/* ---- threads, and more groups than a thread keeps for itself ---- */

enum { N_THREADS = 4, N_EACH = 200000, N_SOURCES = 150000 };

/* One of the threads: its share of flows numbered from 0, from N_SOURCES
 * sources in turn, each with as many octets as its number. */
struct adder {
	struct aggregate *aggregate;
	uint64_t first;
	int rc;
};

static void *
add_share(void *arg)
{
	struct adder *x = arg;
	struct aggregate_part *part = aggregate_part_new(x->aggregate);
	struct batch b;

	batch_init(&b, aggregate_columns(x->aggregate));
	for (uint64_t i = x->first; i < x->first + N_EACH && x->rc == 0; i++) {
		b.col[COL_SRC_ADDR][b.n] =
		    (int64_t)(i % N_SOURCES * 2654435761u & UINT32_MAX);
		b.col[COL_OCTETS][b.n] = (int64_t)i;
		b.col[COL_PACKETS][b.n] = 1;
		if (++b.n < BATCH_MAX && i + 1 < x->first + N_EACH)
			continue;
		x->rc = aggregate_add(part, &b, NULL);
		b.n = 0;
	}
	if (x->rc == 0)
		x->rc = aggregate_end(part, NULL);
	batch_release(&b);
	aggregate_part_free(part);
	return NULL;
}

static void
run_threads(struct aggregate *a, int want)
{
	struct adder adder[N_THREADS];
	pthread_t thread[N_THREADS];
	bool seen = false;

	for (size_t i = 0; i < N_THREADS; i++) {
		adder[i] = (struct adder){.aggregate = a, .first = i * N_EACH};
		assert_int_equal(
		    pthread_create(&thread[i], NULL, add_share, &adder[i]), 0);
	}
	for (size_t i = 0; i < N_THREADS; i++) {
		assert_int_equal(pthread_join(thread[i], NULL), 0);
		seen = seen || adder[i].rc == want;
		assert_true(adder[i].rc == 0 || adder[i].rc == want);
	}
	assert_true(seen);
}

static void
threads_add_to_one_sum(void **state)
{
	static const enum flow_column column[] = {COL_SRC_ADDR};
	static const struct aggregate_order by_source = {.first_key = 0};
	struct aggregate *a = new_aggregate(column, 1, N_SOURCES);
	const uint64_t n_flows = N_THREADS * N_EACH;
	struct aggregate_sums total;
	uint64_t sum = 0, last = 0;
	uint32_t *order;
	size_t n;

	(void)state;
	run_threads(a, 0);
	total = aggregate_total(a);
	assert_int_equal(total.flows, n_flows);
	assert_int_equal(total.octets, n_flows * (n_flows - 1) / 2);
	assert_int_equal(aggregate_n_groups(a), N_SOURCES);
	order = aggregate_sort(a, &by_source, 0, &n);
	assert_int_equal(n, N_SOURCES);
	for (size_t i = 0; i < n; i++) {
		struct aggregate_group g;

		aggregate_get(a, order[i], &g);
		assert_true(i == 0 || g.key[0] > last);
		last = g.key[0];
		/* 800,000 flows of 150,000 sources: five or six each */
		assert_in_range(g.sums.flows, 5, 6);
		assert_int_equal(g.sums.packets, g.sums.flows);
		sum += g.sums.octets;
	}
	assert_int_equal(sum, total.octets);
	free(order);
	aggregate_free(a);
}

static void
too_many_groups_are_refused_on_the_way(void **state)
{
	static const enum flow_column column[] = {COL_SRC_ADDR};
	struct aggregate *a = new_aggregate(column, 1, N_SOURCES - 1);

	(void)state;
	run_threads(a, ERR_LIMIT);
	aggregate_free(a);
}

/* Keys that all have one hash are told apart nevertheless. */
static uint64_t
same_hash(const uint64_t *key, const void *arg)
{
	(void)key;
	(void)arg;
	return UINT64_MAX; /* and the table has an end */
}

static void
equal_hashes_are_no_equal_keys(void **state)
{
	struct groups g;

	(void)state;
	groups_init(&g, 2, 3, 6);
	for (uint64_t round = 1; round <= 2; round++)
		for (uint64_t i = 0; i < 300; i++) {
			uint64_t key[] = {i / 20, i % 20}, *sums;

			groups_reserve(&g, g.n + 1, same_hash, NULL);
			sums = groups_find(&g, key, same_hash(key, NULL));
			assert_int_equal(sums[1], round == 1 ? 0 : i);
			sums[0]++;
			sums[1] = i;
		}
	assert_int_equal(g.n, 300);
	groups_release(&g);
}

static void
only_needed_columns_are_asked_for(void **state)
{
	static const enum flow_column column[] = {COL_TOS, COL_EXPORTER};
	struct aggregate *a = new_aggregate(column, 2, 10);

	(void)state;
	assert_int_equal(
	    aggregate_columns(a), 1u << COL_TOS | 1u << COL_EXPORTER |
				      1u << COL_OCTETS | 1u << COL_PACKETS);
	aggregate_free(a);
}

#define WITH_FLOWS(test)                                                       \
	cmocka_unit_test_setup_teardown(test, make_flows, free_flows)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FLOWS(groups_equal_a_naive_sum),
	    WITH_FLOWS(all_keys_at_once_are_told_apart),
	    WITH_FLOWS(order_is_strict_and_limits_cut_it),
	    WITH_FLOWS(too_many_groups_are_refused),
	    cmocka_unit_test(threads_add_to_one_sum),
	    cmocka_unit_test(too_many_groups_are_refused_on_the_way),
	    cmocka_unit_test(equal_hashes_are_no_equal_keys),
	    cmocka_unit_test(nothing_gives_no_groups),
	    cmocka_unit_test(only_needed_columns_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
