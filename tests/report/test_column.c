/* SPDX-License-Identifier: ISC */
/* Columns of flows: lists of them, and what is made of several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/column.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/batch.h"

static const flow_column_set ALL = ((flow_column_set)1 << N_FLOW_COLUMNS) - 1;

/* "name kind-joined..." of each column, as CSV would name them. */
static void
print_columns(const struct columns *c, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < c->n; i++)
		buf_printf(out, "%s%s",
		    c->table[i].join != NULL ? c->table[i].join
		    : i > 0                  ? ","
					     : "",
		    c->table[i].name);
}

static void
every_stored_column_is_there(void **state)
{
	struct columns c = {0};

	(void)state;
	columns_add_stored(&c);
	assert_int_equal(c.n, N_FLOW_COLUMNS);
	for (unsigned i = 0; i < N_FLOW_COLUMNS; i++) {
		assert_string_equal(c.table[i].name, flow_columns[i].name);
		assert_int_equal(c.table[i].kind, flow_columns[i].kind);
	}
	assert_true(columns_need(&c) == ALL);
}

static void
lists_are_parsed(void **state)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
	    {"src", "src_addr"},
	    {"start,src,dst,octets", "start_ms,src_addr,dst_addr,octets"},
	    {"src:sport,dst/dst_mask", "src_addr:src_port,dst_addr/dst_mask"},
	    {"src_addr,tcp_flags", "src_addr,tcp_flags"},
	    {"engine", "engine_type/engine_id"},
	    {"octets,octets", "octets,octets"},
	    {"sampling,sampling_word", "sampling_interval,sampling"},
	};
	struct buf text;

	(void)state;
	buf_init(&text, 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct columns c = {0};

		assert_int_equal(columns_add(&c, "x", cases[i].list, NULL), 0);
		print_columns(&c, &text);
		assert_string_equal(buf_str(&text), cases[i].want);
	}
	buf_release(&text);
}

static void
what_is_no_column_is_named(void **state)
{
	static const struct {
		const char *list, *named;
	} cases[] = {
	    {"colour", "columns: unknown column \"colour\": columns are start"},
	    {"src,", "unknown column \"\""},
	    {"", "unknown column \"\""},
	    {"src dst", "unknown column \"src dst\""},
	    {"Src", "unknown column \"Src\""},
	    {"src::dst", "unknown column \"\""},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct columns c = {0};

		assert_int_equal(
		    columns_add(&c, "columns", cases[i].list, &err), ERR_USAGE);
		if (strstr(err.text, cases[i].named) == NULL)
			fail_msg("%s: %s", cases[i].list, err.text);
	}
}

static void
there_are_not_too_many(void **state)
{
	struct columns c = {0};
	struct err err;

	(void)state;
	for (int i = 0; i < COLUMNS_MAX; i++)
		assert_int_equal(columns_add(&c, "columns", "src", NULL), 0);
	assert_int_equal(columns_add(&c, "columns", "src", &err), ERR_USAGE);
	assert_non_null(strstr(err.text, "more than 64"));
}

/* One flow through columns that are made of several. */
static void
made_values_are_right(void **state)
{
	static const struct {
		const char *word;
		int64_t octets, packets, duration_ms, mask, tos, sampling;
		int64_t want;
	} cases[] = {
	    {"bps", .octets = 1000, .duration_ms = 2000, .want = 4000},
	    {"bps", .octets = UINT32_MAX, .duration_ms = 1,
		.want = INT64_C(34359738360000)},
	    {"bps", .octets = 1000, .want = 0},
	    {"pps", .packets = 3, .duration_ms = 2000, .want = 1},
	    {"pps", .packets = 3, .want = 0},
	    {"packet_size", .octets = 100, .packets = 3, .want = 33},
	    {"packet_size", .octets = 100, .want = 0},
	    {"dscp", .tos = 0xb8, .want = 46},
	    {"dscp", .tos = 0xff, .want = 63},
	    {"sampling", .sampling = 1 << 14 | 100, .want = 100},
	    {"src_prefix", .mask = 24, .want = INT64_C(0xc0000200) << 8 | 24},
	    {"src_prefix", .mask = 32, .want = INT64_C(0xc00002c8) << 8 | 32},
	    {"src_prefix", .mask = 0, .want = 0},
	    {"src_prefix", .mask = 1, .want = INT64_C(0x80000000) << 8 | 1},
	    {"src_prefix", .mask = 255, .want = INT64_C(0xc00002c8) << 8 | 32},
	    {"dst_prefix", .mask = 8, .want = INT64_C(0xff000000) << 8 | 8},
	};
	struct batch b;

	(void)state;
	batch_init(&b, ALL);
	b.n = 1;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct column *c = column_find(
		    "x", cases[i].word, strlen(cases[i].word), NULL);

		b.col[COL_SRC_ADDR][0] = 0xc00002c8;
		b.col[COL_DST_ADDR][0] = 0xffffffff;
		b.col[COL_OCTETS][0] = cases[i].octets;
		b.col[COL_PACKETS][0] = cases[i].packets;
		b.col[COL_DURATION_MS][0] = cases[i].duration_ms;
		b.col[COL_SRC_MASK][0] = b.col[COL_DST_MASK][0] = cases[i].mask;
		b.col[COL_TOS][0] = cases[i].tos;
		b.col[COL_SAMPLING][0] = cases[i].sampling;
		if (column_value(c, &b, 0) != cases[i].want)
			fail_msg("row %zu, %s: %lld", i, cases[i].word,
			    (long long)column_value(c, &b, 0));
	}
	batch_release(&b);
}

/* Only the columns that a list says it needs are read. */
static void
needs_are_all_that_is_read(void **state)
{
	struct columns all = {0};
	union table_cell cell[COLUMNS_MAX];
	const struct addr exporter = {.family = 4};
	struct column_row row = {0};

	(void)state;
	assert_int_equal(
	    columns_add(&all, "x",
		"start,end,duration,src,dst,sport,dport,proto,flags,tos,dscp,"
		"packets,octets,packet_size,bps,pps,in_if,out_if,src_as,dst_as,"
		"src_mask,dst_mask,src_prefix,dst_prefix,next_hop,exporter,"
		"engine,sampling,sampling_word,quirks",
		NULL),
	    0);
	for (size_t i = 0; i < all.n; i++) {
		struct columns one = {
		    .n = 1, .column = {all.column[i]}, .table = {all.table[i]}};
		struct batch b;

		batch_init(&b, columns_need(&one)); /* others are NULL */
		for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
			if (b.col[c] != NULL)
				b.col[c][0] = 0;
		b.n = 1;
		b.exporters = &exporter;
		b.n_exporters = 1;
		row.batch = &b;
		columns_fill(&one, &row, cell);
		batch_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_stored_column_is_there),
	    cmocka_unit_test(lists_are_parsed),
	    cmocka_unit_test(what_is_no_column_is_named),
	    cmocka_unit_test(there_are_not_too_many),
	    cmocka_unit_test(made_values_are_right),
	    cmocka_unit_test(needs_are_all_that_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
