/* SPDX-License-Identifier: ISC */
/* The SQL of filters: its shape, its parameters and the plan SQLite makes. */
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
#include "query/list.h"
#include "query/plan.h"
#include "schema/db.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

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
	    .path = plan_path(f, g),
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

static void
each_arm_of_an_or_has_the_time(void **state)
{
	struct filter f = {.ast = ast_new(AST_OR),
	    .has_from = true,
	    .from_ms = INT64_C(1709294700000)};

	(void)state;
	ast_add_child(f.ast, ranges(COL_DST_PORT, 53, 53));
	ast_add_child(f.ast, ranges(COL_PROTOCOL, 6, 6));
	check_where(&f, &live, "OR",
	    "((f.dst_port = 53 AND f.end_ms >= 1709294700000) OR "
	    "(f.protocol = 6 AND f.end_ms >= 1709294700000))");
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
	    {"", false, false, {0, 0}, {PLAN_SCAN, 0},
		"SELECT f.tos FROM flow_0007 AS f NOT INDEXED WHERE 1"},
	    {"", false, true, {5, 9}, {PLAN_SCAN, 0},
		"SELECT f.tos FROM flow_0007 AS f NOT INDEXED WHERE "
		"f.id BETWEEN :first_id AND :last_id AND 1 ORDER BY f.id"},
	    {"", true, true, {5, 9}, {PLAN_SCAN, 0},
		"SELECT take(f.tos) FROM flow_0007 AS f NOT INDEXED WHERE "
		"f.id BETWEEN :first_id AND :last_id AND 1"},
	    {"dport=53", true, false, {0, 0}, {PLAN_INDEX, COL_DST_PORT},
		"SELECT take(f.tos) FROM flow_0007 AS f "
		"INDEXED BY flow_0007_dst_port WHERE f.dst_port = :p1"},
	    {"dport=53", true, true, {0, 0}, {PLAN_INDEX, COL_DST_PORT},
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

/* ---- against a real shard ---- */

enum { N_PLANNED = 20000 };

/* One sealed segment, flow_0001, of a day of flows that ends at NOW_MS. */
static int
make_shard(void **state)
{
	uint64_t rng = 1;
	struct fixture_flow *flows =
	    fixture_flows(&rng, N_PLANNED, NOW_MS - MS_PER_DAY, NOW_MS);

	*state = temp_new();
	fixture_make_store(*state);
	fixture_store(
	    *state, clock_day(NOW_MS), flows, N_PLANNED, N_PLANNED, SIZE_MAX);
	free(flows);
	return 0;
}

static int
remove_shard(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct shard *
open_shard(const char *dir)
{
	char *path = store_shard_path(dir, clock_day(NOW_MS));
	struct shard *s;
	struct err err;

	if (shard_open_read(&s, path, &err) != 0 ||
	    shard_begin_read(s, &err) != 0)
		fail_msg("%s", err.text);
	free(path);
	return s;
}

/* SQLite's plan for a filter, a ';' behind each line. */
static void
print_plan(struct buf *out, struct shard *s, const struct filter *f)
{
	struct compile_target t = {.columns = UINT32_MAX, .in_order = true};
	size_t n;
	struct compiled c;
	struct stmt *q;
	struct err err;
	char *sql;
	int rc;

	t.segment = shard_segments(s, &n);
	assert_true(n >= 1 && t.segment->sealed);
	t.source = shard_sources(s, &t.n_sources);
	t.path = plan_path(f, t.segment);
	if (compile_segment(&c, f, &t, &err) != 0)
		fail_msg("%s", err.text);
	sql = xasprintf("EXPLAIN QUERY PLAN %s", buf_str(&c.sql));
	if (db_prepare(shard_db(s), sql, &q, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	while ((rc = stmt_step(q, &err)) == 1)
		buf_printf(out, "%s;", stmt_text(q, 3));
	assert_int_equal(rc, 0);
	stmt_finalize(q);
	free(sql);
	compiled_release(&c);
}

static void
check_plan(struct shard *s, const struct filter *f, const char *words,
    const char *want)
{
	struct buf got;

	buf_init(&got, 100000);
	print_plan(&got, s, f);
	if (strncmp(buf_str(&got), want, strlen(want)) != 0)
		fail_msg("%s: %s want %s", words, buf_str(&got), want);
	buf_release(&got);
}

#define BY(column) "SEARCH f USING INDEX flow_0001_" column " (" column
#define ANY_OF(column) "MULTI-INDEX OR;INDEX 1;" BY(column)

static void
the_narrowest_index_drives(void **state)
{
	static const struct {
		const char *words, *want;
	} rows[] = {
	    {"", "SCAN f;"},
	    {"src=10.0.0.5", BY("src_addr") "=?);"},
	    {"dst=10.0.0.5", BY("dst_addr") "=?);"},
	    {"dport=443", BY("dst_port") "=?);"},
	    {"sport=443", BY("src_port") "=?);"},
	    {"dport=80,443", BY("dst_port") "=?);"},
	    {"dport=80-90", BY("dst_port") ">? AND dst_port<?);"},
	    {"flags=S", BY("tcp_flags") "=?);"},
	    {"flags=S/SA", BY("tcp_flags") "=?);"},
	    {"src=10.0.0.0/24", BY("src_addr") ">? AND src_addr<?);"},
	    {"src=10.0.0.5,10.1.0.0/22", ANY_OF("src_addr") "=?);"},
	    {"from=-10m", BY("end_ms") ">?);"},
	    /* which of several */
	    {"dport=443 src=10.0.0.5", BY("src_addr") "=?);"},
	    {"src=10.0.0.5 dport=443 flags=S proto=6 from=-1h",
		BY("src_addr") "=?);"},
	    {"src=10.0.0.0/24 dport=443", BY("src_addr") ">?"},
	    {"src=10.0.0.0/24 dst=10.0.0.5", BY("dst_addr") "=?);"},
	    {"src=10.0.0.5 dst=10.0.0.0/24", BY("src_addr") "=?);"},
	    {"src=10.0.0.0/16 dport=443", BY("dst_port") "=?);"},
	    {"src=10.0.0.0/16 from=-10m", BY("end_ms") ">?);"},
	    {"src=10.0.0.0/16", BY("src_addr") ">?"},
	    {"flags=S/SA dport=443", BY("tcp_flags") "=?);"},
	    {"dport=443 from=-10m", BY("dst_port") "=?);"},
	    {"sport=1-1000 dport=443", BY("dst_port") "=?);"},
	    /* no index is narrow */
	    {"src=10.0.0.0/8", "SCAN f;"},
	    {"dport=1024-65535", "SCAN f;"},
	    {"flags=0/S", "SCAN f;"},
	    {"proto=6", "SCAN f;"},
	    {"exporter=192.0.2.1", "SCAN f;"},
	    {"from=-23h", "SCAN f;"},
	    {"src=10.0.0.0/8 dport=1024-65535 proto=6 from=-23h", "SCAN f;"},
	};
	struct shard *s = open_shard(*state);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		fixture_filter(&f, rows[i].words);
		check_plan(s, &f, rows[i].words, rows[i].want);
		filter_release(&f);
	}
	shard_close(s);
}

static void
an_or_uses_an_index_for_each_arm(void **state)
{
	struct shard *s = open_shard(*state);
	struct filter f = {.ast = ast_new(AST_OR)};

	ast_add_child(f.ast, ranges(COL_SRC_ADDR, 0x0a000005, 0x0a000005));
	ast_add_child(f.ast, ranges(COL_DST_PORT, 443, 443));
	check_plan(s, &f, "or",
	    "MULTI-INDEX OR;INDEX 1;" BY("src_addr") "=?);INDEX 2;" BY(
		"dst_port") "=?);");
	filter_release(&f);
	shard_close(s);
}

/* A word of n values; format takes two numbers below 100 and below 10. */
static void
add_long_word(struct filter *f, const char *key, const char *format, int n)
{
	struct buf word;
	struct err err;

	buf_init(&word, 100000);
	buf_puts(&word, key);
	for (int i = 0; i < n; i++) {
		buf_puts(&word, i > 0 ? "," : "=");
		for (const char *p = format; *p != '\0'; p++) {
			if (*p == 'X')
				buf_printf(&word, "%d", i / 10);
			else if (*p == 'Y')
				buf_printf(&word, "%d", i % 10);
			else
				buf_put(&word, p, 1);
		}
	}
	if (filter_add_word(f, buf_str(&word), NOW_MS, &err) != 0)
		fail_msg("%s", err.text);
	buf_release(&word);
}

static void
long_lists_prepare(void **state)
{
	static const struct {
		const char *key, *format;
		int n;
		const char *want;
	} rows[] = {
	    {"src", "10.X.Y.1", 1000, BY("src_addr") "=?);"},
	    {"src", "10.X.Y.0/30", 250, ANY_OF("src_addr") ">? AND"},
	    {"src", "10.X.Y.0/25", 1000, "SCAN f;"},
	    {"dport", "X5Y1", 600, BY("dst_port") "=?);"},
	    {"dport", "X0Y1-X0Y2", 500, ANY_OF("dst_port") ">? AND"},
	};
	struct shard *s = open_shard(*state);
	struct filter all;

	filter_init(&all);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		filter_init(&f);
		add_long_word(&f, rows[i].key, rows[i].format, rows[i].n);
		check_plan(s, &f, rows[i].format, rows[i].want);
		filter_release(&f);
	}
	add_long_word(&all, "src", "10.X.Y.0/25", LIST_MAX_VALUES);
	add_long_word(&all, "dst", "10.X.Y.0/25", LIST_MAX_VALUES);
	add_long_word(&all, "sport", "X0Y1-X0Y9", 600);
	add_long_word(&all, "dport", "X0Y1-X0Y9", 600);
	check_plan(s, &all, "all", "SCAN f;");
	filter_release(&all);
	shard_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_become_conditions),
	    cmocka_unit_test(trees_become_conditions),
	    cmocka_unit_test(each_arm_of_an_or_has_the_time),
	    cmocka_unit_test(time_is_left_out_where_bounds_settle_it),
	    cmocka_unit_test(the_longest_flow_bounds_the_end),
	    cmocka_unit_test(only_wanted_columns_are_read),
	    cmocka_unit_test(statements_suit_their_use),
	    cmocka_unit_test(values_never_reach_the_statement),
	    cmocka_unit_test(sql_in_values_is_refused),
	    cmocka_unit_test(too_long_a_statement_is_refused),
	    cmocka_unit_test(the_narrowest_index_drives),
	    cmocka_unit_test(an_or_uses_an_index_for_each_arm),
	    cmocka_unit_test(long_lists_prepare),
	};

	return cmocka_run_group_tests(tests, make_shard, remove_shard);
}
