/* SPDX-License-Identifier: ISC */
/* Sorted flows against a naive sort of generated ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/column.h"
#include "report/order.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

enum { N_FLOWS = 10000, N_BATCHES = 4 };

/* Not in the order of their addresses. */
static const char *const exporter_texts[] = {
    "2001:db8::1", "192.0.2.9", "10.255.0.1", "192.0.2.10"};

static struct addr exporters[ARRAY_LEN(exporter_texts)];

struct flow_row {
	int64_t octets, src, exporter, number;
};

static struct flow_row rows[N_FLOWS];

static int
make_rows(void **state)
{
	uint64_t x = 88172645463325252u; /* xorshift64 (Marsaglia 2003) */

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(exporter_texts); i++)
		assert_true(addr_parse(exporter_texts[i], &exporters[i]));
	for (size_t i = 0; i < N_FLOWS; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		rows[i] = (struct flow_row){
		    .octets = (int64_t)(x >> 11 & 0xff),
		    .src = (int64_t)(x >> 20 & 0xffffffff),
		    .exporter = (int64_t)(x >> 40 & 3),
		    .number = (int64_t)i,
		};
	}
	return 0;
}

static const struct column *
column(const char *word)
{
	return column_find("sort", word, strlen(word), NULL);
}

/* The next n rows as a batch; the number goes by as the start. */
static void
fill_batch(struct batch *b, size_t first, size_t n)
{
	b->n = n;
	b->exporters = exporters;
	b->n_exporters = ARRAY_LEN(exporters);
	for (size_t i = 0; i < n; i++) {
		b->col[COL_OCTETS][i] = rows[first + i].octets;
		b->col[COL_SRC_ADDR][i] = rows[first + i].src;
		b->col[COL_EXPORTER][i] = rows[first + i].exporter;
		b->col[COL_START_MS][i] = rows[first + i].number;
	}
}

static const flow_column_set set =
    (flow_column_set)1 << COL_OCTETS | (flow_column_set)1 << COL_SRC_ADDR |
    (flow_column_set)1 << COL_EXPORTER | (flow_column_set)1 << COL_START_MS;

/* Numbers of the rows in their order; n says how many. A string to free(). */
static int64_t *
order_rows(
    const struct order_key *key, size_t n_keys, uint64_t limit, size_t *n)
{
	struct order *o = order_new(key, n_keys, set, limit);
	int64_t *out = xcalloc(N_FLOWS, sizeof *out);
	struct batch b;

	batch_init(&b, set);
	for (size_t k = 0; k < N_BATCHES; k++) {
		fill_batch(&b, k * (N_FLOWS / N_BATCHES), N_FLOWS / N_BATCHES);
		assert_int_equal(order_add(o, &b, NULL), 0);
	}
	order_sort(o);
	*n = 0;
	for (order_next(o, &b); b.n > 0; order_next(o, &b))
		for (size_t i = 0; i < b.n; i++) {
			const struct flow_row *r =
			    &rows[b.col[COL_START_MS][i]];

			assert_int_equal(b.col[COL_OCTETS][i], r->octets);
			assert_int_equal(b.col[COL_SRC_ADDR][i], r->src);
			assert_true(
			    addr_equal(&b.exporters[b.col[COL_EXPORTER][i]],
				&exporters[r->exporter]));
			out[(*n)++] = r->number;
		}
	batch_release(&b);
	order_free(o);
	return out;
}

/* ---- the oracle ---- */

static int
by_octets_down_then_src(const void *pa, const void *pb)
{
	const struct flow_row *a = pa, *b = pb;

	if (a->octets != b->octets)
		return a->octets > b->octets ? -1 : 1;
	if (a->src != b->src)
		return a->src < b->src ? -1 : 1;
	return a->number < b->number ? -1 : 1;
}

static int
by_exporter_down(const void *pa, const void *pb)
{
	/* 10.255.0.1, 192.0.2.9, 192.0.2.10, 2001:db8::1 */
	static const int rank[] = {3, 1, 0, 2};
	const struct flow_row *a = pa, *b = pb;

	if (a->exporter != b->exporter)
		return rank[b->exporter] - rank[a->exporter];
	return a->number < b->number ? -1 : 1;
}

static void
assert_order(const struct order_key *key, size_t n_keys,
    int (*compare)(const void *, const void *))
{
	static const uint64_t limits[] = {
	    0, 1, 2, 3, 100, 4095, 4096, 4097, N_FLOWS - 1, N_FLOWS, 20000};
	struct flow_row *want = xcalloc(N_FLOWS, sizeof *want);

	memcpy(want, rows, sizeof rows);
	qsort(want, N_FLOWS, sizeof *want, compare);
	for (size_t k = 0; k < ARRAY_LEN(limits); k++) {
		uint64_t limit = limits[k];
		size_t n;
		int64_t *got = order_rows(key, n_keys, limit, &n);

		assert_int_equal(
		    n, limit == 0 || limit > N_FLOWS ? N_FLOWS : limit);
		for (size_t i = 0; i < n; i++)
			if (got[i] != want[i].number)
				fail_msg("limit %d: place %zu has flow %d, "
					 "want %d",
				    (int)limit, i, (int)got[i],
				    (int)want[i].number);
		free(got);
	}
	free(want);
}

static void
sorts_by_several_keys_then_arrival(void **state)
{
	const struct order_key key[] = {
	    {column("octets"), true}, {column("src"), false}};

	(void)state;
	assert_order(key, 2, by_octets_down_then_src);
}

static void
sorts_exporters_by_their_address(void **state)
{
	const struct order_key key[] = {{column("exporter"), true}};

	(void)state;
	assert_order(key, 1, by_exporter_down);
}

static void
nothing_in_nothing_out(void **state)
{
	const struct order_key key[] = {{column("octets"), true}};
	struct order *o = order_new(key, 1, set, 0);
	struct batch b;

	(void)state;
	batch_init(&b, set);
	order_sort(o);
	order_next(o, &b);
	assert_int_equal(b.n, 0);
	batch_release(&b);
	order_free(o);
	order_free(NULL);
}

static void
too_many_are_refused_but_for_the_first_n(void **state)
{
	const struct order_key key[] = {{column("octets"), true}};
	const flow_column_set octets = (flow_column_set)1 << COL_OCTETS;
	struct order *all = order_new(key, 1, octets, 0);
	struct order *first = order_new(key, 1, octets, 3);
	struct err err;
	struct batch b;
	size_t n = 0;
	int rc = 0;

	(void)state;
	batch_init(&b, octets);
	b.n = BATCH_MAX;
	b.n_exporters = 0;
	for (size_t i = 0; i < b.n; i++)
		b.col[COL_OCTETS][i] = (int64_t)i;
	for (; rc == 0 && n <= ORDER_MAX_FLOWS + BATCH_MAX; n += b.n) {
		rc = order_add(all, &b, &err);
		assert_int_equal(order_add(first, &b, NULL), 0);
	}
	assert_int_equal(rc, ERR_LIMIT);
	assert_non_null(strstr(err.text, "2000000"));
	assert_non_null(strstr(err.text, "lines=N"));
	assert_true(n > ORDER_MAX_FLOWS && n <= ORDER_MAX_FLOWS + BATCH_MAX);
	order_sort(first);
	order_next(first, &b);
	assert_int_equal(b.n, 3);
	assert_int_equal(b.col[COL_OCTETS][0], BATCH_MAX - 1);
	assert_int_equal(b.col[COL_OCTETS][2], BATCH_MAX - 1);
	batch_release(&b);
	order_free(all);
	order_free(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sorts_by_several_keys_then_arrival),
	    cmocka_unit_test(sorts_exporters_by_their_address),
	    cmocka_unit_test(nothing_in_nothing_out),
	    cmocka_unit_test(too_many_are_refused_but_for_the_first_n),
	};

	return cmocka_run_group_tests(tests, make_rows, NULL);
}
