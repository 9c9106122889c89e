/* SPDX-License-Identifier: ISC */
/*
 * Sorting flows: see order.h. A flow is a row of integers: its keys, its number
 * (so that equal ones keep the order in which they came), its columns. Of a
 * limited number the kept rows are a heap whose root is the last of them, which
 * the next better one replaces.
 */
#include "report/order.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/column.h"
#include "schema/base/addr.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

enum { CHUNK_ROWS = 1024 };

struct order {
	struct order_key key[ORDER_MAX_KEYS];
	size_t n_keys;
	flow_column_set columns;
	size_t row_len; /* integers */
	uint64_t limit; /* 0: none */
	int64_t n_seen;
	int64_t **row; /* into chunks */
	size_t n, cap;
	int64_t **chunk;
	size_t n_chunks, cap_chunks;
	size_t n_given;        /* rows taken from chunks */
	int64_t *spare;        /* the one for the next flow */
	size_t n_out;          /* rows that went out */
	struct addr *exporter; /* by position */
	size_t n_exporters, cap_exporters;
};

static bool
has_column(const struct order *o, unsigned c)
{
	return (o->columns >> c & 1) != 0;
}

struct order *
order_new(const struct order_key *key, size_t n_keys, flow_column_set columns,
    uint64_t limit)
{
	struct order *o = xcalloc(1, sizeof *o);

	assert(n_keys >= 1 && n_keys <= ORDER_MAX_KEYS);
	memcpy(o->key, key, n_keys * sizeof *key);
	o->n_keys = n_keys;
	o->columns = columns;
	o->limit = limit;
	o->row_len = n_keys + 1;
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		o->row_len += has_column(o, c);
	return o;
}

void
order_free(struct order *o)
{
	if (o == NULL)
		return;
	for (size_t i = 0; i < o->n_chunks; i++)
		free(o->chunk[i]);
	free(o->chunk);
	free(o->row);
	free(o->exporter);
	free(o);
}

/* ---- comparing ---- */

static int
compare_key(
    const struct order *o, const struct order_key *key, int64_t a, int64_t b)
{
	int order;

	if (key->column->what == COL_EXPORTER)
		order = addr_compare(&o->exporter[a], &o->exporter[b]);
	else
		order = (a > b) - (a < b);
	return key->descending ? -order : order;
}

/* Below 0: a comes first. */
static int
compare_rows(const struct order *o, const int64_t *a, const int64_t *b)
{
	for (size_t k = 0; k < o->n_keys; k++) {
		int order = compare_key(o, &o->key[k], a[k], b[k]);

		if (order != 0)
			return order;
	}
	return a[o->n_keys] < b[o->n_keys] ? -1 : 1;
}

static int
compare_sorted(const void *a, const void *b, void *arg)
{
	return compare_rows(
	    arg, *(const int64_t *const *)a, *(const int64_t *const *)b);
}

/* ---- a heap of the first ones ---- */

static void
swap(int64_t **a, int64_t **b)
{
	int64_t *was = *a;

	*a = *b;
	*b = was;
}

static void
sift_up(struct order *o, size_t at)
{
	while (at > 0) {
		size_t parent = (at - 1) / 2;

		if (compare_rows(o, o->row[at], o->row[parent]) < 0)
			return;
		swap(&o->row[at], &o->row[parent]);
		at = parent;
	}
}

static void
sift_down(struct order *o)
{
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= o->n)
			return;
		if (child + 1 < o->n &&
		    compare_rows(o, o->row[child], o->row[child + 1]) < 0)
			child++;
		if (compare_rows(o, o->row[at], o->row[child]) > 0)
			return;
		swap(&o->row[at], &o->row[child]);
		at = child;
	}
}

/* ---- rows ---- */

static int64_t *
new_row(struct order *o)
{
	size_t in_chunk = o->n_given % CHUNK_ROWS;

	if (in_chunk == 0) {
		o->chunk = xgrow(
		    o->chunk, o->n_chunks, &o->cap_chunks, sizeof *o->chunk);
		o->chunk[o->n_chunks++] =
		    xcalloc(CHUNK_ROWS, o->row_len * sizeof **o->chunk);
	}
	o->n_given++;
	return o->chunk[o->n_chunks - 1] + in_chunk * o->row_len;
}

static void
fill_keys(struct order *o, const struct batch *b, size_t i)
{
	for (size_t k = 0; k < o->n_keys; k++)
		o->spare[k] = column_value(o->key[k].column, b, i);
	o->spare[o->n_keys] = o->n_seen++;
}

static void
fill_columns(struct order *o, const struct batch *b, size_t i)
{
	int64_t *to = o->spare + o->n_keys + 1;

	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (has_column(o, c))
			*to++ = b->col[c][i];
}

static void
learn_exporters(struct order *o, const struct batch *b)
{
	for (; o->n_exporters < b->n_exporters; o->n_exporters++) {
		o->exporter = xgrow(o->exporter, o->n_exporters,
		    &o->cap_exporters, sizeof *o->exporter);
		o->exporter[o->n_exporters] = b->exporters[o->n_exporters];
	}
}

static bool
is_full(const struct order *o)
{
	return o->limit > 0 && o->n == o->limit;
}

int
order_add(struct order *o, const struct batch *b, struct err *err)
{
	learn_exporters(o, b);
	for (size_t i = 0; i < b->n; i++) {
		if (o->spare == NULL)
			o->spare = new_row(o);
		fill_keys(o, b, i);
		if (is_full(o) && compare_rows(o, o->spare, o->row[0]) > 0)
			continue;
		fill_columns(o, b, i);
		if (is_full(o)) {
			swap(&o->spare, &o->row[0]);
			sift_down(o);
			continue;
		}
		if (o->n == ORDER_MAX_FLOWS)
			return err_set(err, ERR_LIMIT,
			    "more than %d flows to sort: give lines=N for the "
			    "first N, or a narrower filter",
			    ORDER_MAX_FLOWS);
		o->row = xgrow(o->row, o->n, &o->cap, sizeof *o->row);
		o->row[o->n++] = o->spare;
		o->spare = NULL;
		if (o->limit > 0)
			sift_up(o, o->n - 1);
	}
	return 0;
}

void
order_sort(struct order *o)
{
	if (o->n > 0)
		qsort_r(o->row, o->n, sizeof *o->row, compare_sorted, o);
}

static void
take_row(struct order *o, const int64_t *row, struct batch *b)
{
	const int64_t *from = row + o->n_keys + 1;

	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (has_column(o, c))
			b->col[c][b->n] = *from++;
	b->n++;
}

void
order_next(struct order *o, struct batch *b)
{
	b->n = 0;
	b->exporters = o->exporter;
	b->n_exporters = o->n_exporters;
	while (b->n < BATCH_MAX && o->n_out < o->n)
		take_row(o, o->row[o->n_out++], b);
}
