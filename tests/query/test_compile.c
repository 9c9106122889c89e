/* SPDX-License-Identifier: ISC */
/* The SQL of filters: its shape and its parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <inttypes.h>

#include "query/ast.h"
#include "query/compile.h"
#include "query/plan.h"
#include "tests/query/fixture.h"

/* From 12:00 to 12:10 UTC, and flows that began up to a minute before. */
static const struct segment live = {
    .id = 7,
    .n_flows = 1000,
    .min_start_ms = INT64_C(1709294340000),
    .max_start_ms = INT64_C(1709294980000),
    .min_end_ms = INT64_C(1709294400000),
    .max_end_ms = INT64_C(1709295000000),
    .max_duration_ms = 660000,
};

static void
compile(struct compiled *out, const struct filter *f, const struct segment *g,
    flow_column_set columns)
{
	struct source source[ARRAY_LEN(fixture_sources)];
	struct compile_target t = {.segment = g,
	    .source = source,
	    .n_sources = ARRAY_LEN(source),
	    .columns = columns,
	    .path = plan_path(f, g, NULL),
	    .in_order = true};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(source); i++)
		source[i] = fixture_source(i);
	if (compile_segment(out, f, &t, &err) != 0)
		fail_msg("%s", err.text);
}

/* What stands between WHERE and ORDER BY, with the parameters filled in. */
static void
print_where(struct buf *out, const struct compiled *c)
{
	const char *p = strstr(buf_str(&c->sql), " WHERE ") + 7;
	const char *end = strstr(p, " ORDER BY f.id");

	assert_non_null(end);
	while (p < end) {
		size_t i = 0, len = 1;

		if (*p == ':') {
			len += strspn(p + 1, "abcdefghijklmnopqrstuvwxyz_"
					     "0123456789");
			while (i < c->n_binds &&
			       (strlen(c->bind[i].name) != len ||
				   memcmp(c->bind[i].name, p, len) != 0))
				i++;
			assert_true(i < c->n_binds);
			buf_printf(out, "%" PRId64, c->bind[i].value);
		} else {
			buf_put(out, p, 1);
		}
		p += len;
	}
}

static void
check_where(const struct filter *f, const struct segment *g, const char *words,
    const char *want)
{
	struct compiled c;
	struct buf got;

	buf_init(&got, 100000);
	compile(&c, f, g, 0);
	print_where(&got, &c);
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("%s: \"%s\", want \"%s\"", words, buf_str(&got), want);
	buf_release(&got);
	compiled_release(&c);
}

static void
words_become_conditions(void **state)
{
	static const struct {
		const char *words, *want;
	} rows[] = {
	    {"", "1"},
	    {"src=10.0.0.1", "f.src_addr = 167772161"},
	    {"dst=10.0.0.0/8", "f.dst_addr BETWEEN 167772160 AND 184549375"},
	    {"src=0.0.0.0/0", "1"},
	    {"sport=0-65535", "1"},
	    {"sport=1-65535", "f.src_port BETWEEN 1 AND 65535"},
	    {"sport=0-65534", "f.src_port BETWEEN 0 AND 65534"},
	    {"proto=tcp,udp", "f.protocol IN (6, 17)"},
	    {"proto=1,2,3", "f.protocol BETWEEN 1 AND 3"},
	    {"dport=80,90-92", "f.dst_port IN (80, 90, 91, 92)"},
	    {"flags=0/0", "1"},
	    {"flags=3/CEUASF,1", "f.tcp_flags IN (1, 3, 7, 11, 15)"},
	    {"dport=80,443,1024-65535", "(f.dst_port IN (80, 443) OR "
					"f.dst_port BETWEEN 1024 AND 65535)"},
	    {"dport=1000-1999,3000-3999,5000-5999",
		"((f.dst_port BETWEEN 1000 AND 1999 OR "
		"(f.dst_port BETWEEN 3000 AND 3999 OR "
		"f.dst_port BETWEEN 5000 AND 5999)))"},
	    {"src=10.0.0.1 dport=53 proto=udp",
		"(f.src_addr = 167772161 AND "
		"(f.dst_port = 53 AND f.protocol = 17))"},
	    {"exporter=192.0.2.1", "f.source_id BETWEEN 1 AND 2"},
	    {"exporter=198.51.100.9", "f.source_id = 4"},
	    {"exporter=192.0.2.1,2001:db8::/32", "f.source_id IN (1, 2, 5, 6)"},
	    {"exporter=2001:db8::/64", "f.source_id = 5"},
	    {"exporter=0.0.0.0/0,::/0", "1"},
	    {"exporter=203.0.113.1", "0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		fixture_filter(&f, rows[i].words);
		check_where(&f, &live, rows[i].words, rows[i].want);
		filter_release(&f);
	}
}

static struct ast *
ranges(enum flow_column column, int64_t lo, int64_t hi)
{
	struct ast *a = ast_new(AST_RANGES);

	a->column = column;
	ast_add_range(a, lo, hi);
	return a;
}

static void
trees_become_conditions(void **state)
{
	struct filter f = {.ast = ast_new(AST_OR)};
	struct ast *not = ast_new(AST_NOT), *none = ast_new(AST_RANGES);

	(void)state;
	check_where(&f, &live, "empty OR", "0");
	ast_add_child(f.ast, ranges(COL_ENGINE_TYPE, 1, 2));
	ast_add_child(not, ranges(COL_ENGINE_ID, 0, 255));
	ast_add_child(f.ast, not );
	ast_add_child(f.ast, ranges(COL_SAMPLING, 0x4000, 0x7fff));
	none->column = COL_TOS;
	ast_add_child(f.ast, none);
	ast_add_child(f.ast, ast_new(AST_TRUE));
	check_where(&f, &live, "OR",
	    "((f.source_id BETWEEN 3 AND 4 OR NOT (1)) OR "
	    "(f.source_id IN (2, 4) OR (0 OR 1)))");
	filter_release(&f);
}

/* The bounds of `live` are in its comment. */
static void
time_is_left_out_where_bounds_settle_it(void **state)
{
	static const struct {
		const char *words, *want;
		bool pruned;
	} rows[] = {
	    {"from=@1709294400", "1", false},
	    {"from=@1709294400.001", "1 AND f.end_ms >= 1709294400001", false},
	    {"from=@1709295000", "1 AND f.end_ms >= 1709295000000", false},
	    {"from=@1709295000.001", "1 AND f.end_ms >= 1709295000001", true},
	    {"to=@1709294980.001", "1", false},
	    {"to=@1709294980", "1 AND f.start_ms < 1709294980000", false},
	    {"to=@1709294340.001", "1 AND f.start_ms < 1709294340001", false},
	    {"to=@1709294340",
		"1 AND f.end_ms < 1709295000000 AND f.start_ms < "
		"1709294340000",
		true},
	    {"from=@1709294500 to=@1709294600",
		"1 AND f.end_ms >= 1709294500000 AND f.start_ms < "
		"1709294600000",
		false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		fixture_filter(&f, rows[i].words);
		check_where(&f, &live, rows[i].words, rows[i].want);
		if (plan_prunes(&f, &live) != rows[i].pruned)
			fail_msg("%s: pruned", rows[i].words);
		filter_release(&f);
	}
}

/* One exporter with a clock of 1970 must not make every query read all. */
static void
the_longest_flow_bounds_the_end(void **state)
{
	struct segment g = live;
	struct filter f;

	(void)state;
	g.min_start_ms = g.min_end_ms = 0;
	g.max_duration_ms = 604800000;
	fixture_filter(&f, "to=@1000000000");
	check_where(&f, &g, "to",
	    "1 AND f.end_ms < 1000604800000 AND f.start_ms < 1000000000000");
	filter_release(&f);
}

static void
only_wanted_columns_are_read(void **state)
{
	struct filter f;
	struct compiled c;

	(void)state;
	fixture_filter(&f, "");
	compile(&c, &f, &live, 0);
	assert_string_equal(buf_str(&c.sql),
	    "SELECT f.source_id FROM flow_0007 AS f NOT INDEXED "
	    "WHERE 1 ORDER BY f.id");
	compiled_release(&c);
	compile(&c, &f, &live,
	    1u << COL_DST_MASK | 1u << COL_SRC_ADDR | 1u << COL_EXPORTER |
		1u << COL_SAMPLING | 1u << COL_START_MS);
	assert_string_equal(buf_str(&c.sql),
	    "SELECT f.source_id, f.src_addr, f.start_ms, f.dst_mask "
	    "FROM flow_0007 AS f NOT INDEXED WHERE 1 ORDER BY f.id");
	compiled_release(&c);
	filter_release(&f);
}

/* What is not wanted in order is not sorted; what is read in bulk is sorted
 * before, where it does not come in order by itself. */
static void
statements_suit_their_use(void **state)
{
	static const struct {
		const char *words;
		bool bulk, in_order;
		struct compile_rows rows;
		struct plan_path path;
		const char *want;
	} rows[] = {
	    {"", false, false, {0, 0}, {.kind = PLAN_SCAN},
		"SELECT f.tos FROM flow_0007 AS f NOT INDEXED WHERE 1"},
	    {"", false, true, {5, 9}, {.kind = PLAN_SCAN},
		"SELECT f.tos FROM flow_0007 AS f NOT INDEXED WHERE "
		"f.id BETWEEN :first_id AND :last_id AND 1 ORDER BY f.id"},
	    {"", true, true, {5, 9}, {.kind = PLAN_SCAN},
		"SELECT take(f.tos) FROM flow_0007 AS f NOT INDEXED WHERE "
		"f.id BETWEEN :first_id AND :last_id AND 1"},
	    {"dport=53", true, false, {0, 0},
		{.kind = PLAN_INDEX, .column = COL_DST_PORT},
		"SELECT take(f.tos) FROM flow_0007 AS f "
		"INDEXED BY flow_0007_dst_port WHERE f.dst_port = :p1"},
	    {"dport=53", true, true, {0, 0},
		{.kind = PLAN_INDEX, .column = COL_DST_PORT},
		"SELECT take(c0) FROM (SELECT f.tos AS c0 FROM flow_0007 AS f "
		"INDEXED BY flow_0007_dst_port WHERE f.dst_port = :p1 "
		"ORDER BY f.id)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		const struct compile_target t = {.segment = &live,
		    .columns = 1u << COL_TOS,
		    .rows = rows[i].rows,
		    .path = rows[i].path,
		    .in_order = rows[i].in_order,
		    .bulk = rows[i].bulk};
		struct compiled c;
		struct err err;

		fixture_filter(&f, rows[i].words);
		if (compile_segment(&c, &f, &t, &err) != 0)
			fail_msg("%s", err.text);
		assert_string_equal(buf_str(&c.sql), rows[i].want);
		compiled_release(&c);
		filter_release(&f);
	}
}

/* Whatever the values: the statement of a list of one length is the same. */
static void
values_never_reach_the_statement(void **state)
{
	static const char *const words[][2] = {
	    {"src=10.0.0.1", "src=255.255.255.255"},
	    {"dport=80,443", "dport=1,65535"},
	    {"proto=6", "proto=255"},
	    {"from=@1709294500.001 to=@1709294600",
		"from=@1709294401 to=@1709294899"},
	    {"exporter=192.0.2.77", "exporter=198.51.100.0/24"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct filter f[2];
		struct compiled c[2];

		for (size_t k = 0; k < 2; k++) {
			fixture_filter(&f[k], words[i][k]);
			compile(&c[k], &f[k], &live, UINT32_MAX);
		}
		assert_string_equal(buf_str(&c[0].sql), buf_str(&c[1].sql));
		assert_true(c[0].n_binds > 0);
		assert_int_equal(c[0].n_binds, c[1].n_binds);
		assert_int_not_equal(c[0].bind[0].value, c[1].bind[0].value);
		for (size_t k = 0; k < 2; k++) {
			compiled_release(&c[k]);
			filter_release(&f[k]);
		}
	}
}

static void
sql_in_values_is_refused(void **state)
{
	static const char *const names[] = {"src", "dst", "sport", "dport",
	    "proto", "flags", "exporter", "from", "to"};
	static const char *const values[] = {"1 OR 1=1", "1;DROP TABLE source",
	    "'", "\"", "1)--", "1/*", ":p1", "?1", "x'00'", "1 UNION SELECT 1",
	    "0x1g", "%s", "1\n"};

	(void)state;
	for (size_t n = 0; n < ARRAY_LEN(names); n++) {
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			char *word = xasprintf("%s=%s", names[n], values[v]);
			struct filter f;

			filter_init(&f);
			if (filter_add_word(&f, word, NOW_MS, NULL) !=
			    ERR_USAGE)
				fail_msg("%s: accepted", word);
			check_where(&f, &live, word, "1");
			filter_release(&f);
			free(word);
		}
	}
}

static void
too_long_a_statement_is_refused(void **state)
{
	struct filter f = {.ast = ast_new(AST_OR)};
	struct compile_target t = {.segment = &live};
	struct compiled c;
	struct err err;

	(void)state;
	for (int64_t i = 0; i < 60000; i++)
		ast_add_child(f.ast, ranges(COL_DST_PORT, i, i));
	assert_int_equal(compile_segment(&c, &f, &t, &err), ERR_LIMIT);
	assert_string_equal(
	    err.text, "filter: its SQL would be longer than 1000000 bytes");
	compiled_release(&c);
	filter_release(&f);
}

/* However long, a list is one parameter and searched by halves. */
static void
long_lists_are_sets(void **state)
{
	struct filter f = {.ast = ast_new_ranges(COL_SRC_ADDR)};
	struct compile_target t = {.segment = &live};
	struct compiled c;

	(void)state;
	for (int64_t i = 0; i < 100000; i++)
		ast_add_range(f.ast, 4 * i, 4 * i + 1);
	assert_int_equal(compile_segment(&c, &f, &t, NULL), 0);
	assert_string_equal(buf_str(&c.sql),
	    "SELECT f.source_id FROM flow_0007 AS f NOT INDEXED "
	    "WHERE holds(:s1, f.src_addr)");
	assert_int_equal(c.n_binds, 1);
	assert_string_equal(c.bind[0].name, ":s1");
	assert_ptr_equal(c.bind[0].set, f.ast);
	compiled_release(&c);
	filter_release(&f);
}

static void
several_indexes_are_united(void **state)
{
	struct filter f = {.ast = ast_new(AST_OR)};
	struct compile_target t = {
	    .segment = &live, .path = {.kind = PLAN_UNION, .n_arms = 2}};
	struct compiled c;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		ast_add_child(f.ast,
		    ranges(i == 0 ? COL_SRC_ADDR : COL_DST_PORT, 53, 53));
		t.path.arm[i] = f.ast->child[i];
	}
	assert_int_equal(compile_segment(&c, &f, &t, NULL), 0);
	assert_string_equal(buf_str(&c.sql),
	    "SELECT f.source_id FROM flow_0007 AS f NOT INDEXED WHERE f.id IN "
	    "(SELECT f.id FROM flow_0007 AS f INDEXED BY flow_0007_src_addr "
	    "WHERE f.src_addr = :p1 UNION ALL SELECT f.id FROM flow_0007 AS f "
	    "INDEXED BY flow_0007_dst_port WHERE f.dst_port = :p2) AND "
	    "(f.src_addr = :p3 OR f.dst_port = :p4)");
	compiled_release(&c);
	filter_release(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_become_conditions),
	    cmocka_unit_test(trees_become_conditions),
	    cmocka_unit_test(time_is_left_out_where_bounds_settle_it),
	    cmocka_unit_test(the_longest_flow_bounds_the_end),
	    cmocka_unit_test(only_wanted_columns_are_read),
	    cmocka_unit_test(statements_suit_their_use),
	    cmocka_unit_test(values_never_reach_the_statement),
	    cmocka_unit_test(sql_in_values_is_refused),
	    cmocka_unit_test(long_lists_are_sets),
	    cmocka_unit_test(several_indexes_are_united),
	    cmocka_unit_test(too_long_a_statement_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
