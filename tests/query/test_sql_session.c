/* SPDX-License-Identifier: ISC */
/* Statements of strangers: what they get, and where they end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/scan.h"
#include "query/sql_session.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

static int
make_store(void **state)
{
	int64_t from_ms = NOW_MS - 3600 * MS_PER_S;
	uint64_t rng = 3;
	struct fixture_flow *flows = fixture_flows(&rng, 500, from_ms, NOW_MS);

	*state = temp_new();
	fixture_make_store(*state);
	fixture_store(*state, clock_day(NOW_MS), flows, 500, 200, SIZE_MAX);
	free(flows);
	return 0;
}

static int
remove_store(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct sql_session *
open_session(const char *dir, int64_t timeout_ms, int64_t memory)
{
	const struct sql_limits limits = {
	    .timeout_ms = timeout_ms, .memory = memory};
	struct sql_session *s;
	struct err err;

	if (sql_open(&s, dir, &limits, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void
prepare(struct sql_session *s, const char *text)
{
	struct err err;

	if (sql_prepare(s, text, &err) != 0)
		fail_msg("%s: %s", text, err.text);
}

/* Step to the end: the number of rows, or the error. */
static int64_t
run(struct sql_session *s, const char *text, struct err *err)
{
	int64_t n = 0;
	int rc;

	prepare(s, text);
	while ((rc = sql_step(s, err)) == 1)
		n++;
	return rc < 0 ? rc : n;
}

static int64_t
get_int(struct sql_session *s, const char *text)
{
	struct err err;
	int64_t value;

	prepare(s, text);
	if (sql_step(s, &err) != 1)
		fail_msg("%s: %s", text, err.text);
	value = sql_value(s, 0).integer;
	assert_int_equal(sql_step(s, &err), 0);
	return value;
}

/* ---- values ---- */

static void
values_keep_their_kind(void **state)
{
	struct sql_session *s = open_session(*state, 0, 0);
	struct err err;

	prepare(s, "SELECT NULL AS n, -9223372036854775808 AS i, 0.5, 'a' || "
		   "char(0) || 'b' AS t, x'00ff', '', x''");
	assert_int_equal(sql_n_columns(s), 7);
	assert_string_equal(sql_column_name(s, 1), "i");
	assert_string_equal(sql_column_name(s, 2), "0.5");
	assert_int_equal(sql_step(s, &err), 1);
	assert_int_equal(sql_value(s, 0).type, SQL_NULL);
	assert_int_equal(sql_value(s, 1).type, SQL_INTEGER);
	assert_true(sql_value(s, 1).integer == INT64_MIN);
	assert_int_equal(sql_value(s, 2).type, SQL_REAL);
	assert_true(sql_value(s, 2).real == 0.5);
	assert_int_equal(sql_value(s, 3).type, SQL_TEXT);
	assert_int_equal(sql_value(s, 3).len, 3);
	assert_memory_equal(sql_value(s, 3).bytes, "a\0b", 4);
	assert_int_equal(sql_value(s, 4).type, SQL_BLOB);
	assert_memory_equal(sql_value(s, 4).bytes, "\x00\xff", 2);
	assert_int_equal(sql_value(s, 5).len, 0);
	assert_string_equal(sql_value(s, 5).bytes, "");
	assert_int_equal(sql_value(s, 6).type, SQL_BLOB);
	assert_int_equal(sql_value(s, 6).len, 0);
	assert_int_equal(sql_step(s, &err), 0);
	sql_close(s);
}

static void
a_session_takes_one_statement_after_another(void **state)
{
	struct sql_session *s = open_session(*state, 0, 0);
	struct err err;

	prepare(s, "SELECT * FROM flows");
	assert_int_equal(sql_step(s, &err), 1);
	assert_int_equal(get_int(s, "SELECT count(*) FROM flows"), 500);
	assert_int_equal(sql_stats(s)->n_flows, 500);
	assert_int_equal(sql_stats(s)->n_shards, 1);
	assert_int_equal(sql_stats(s)->n_segments, 3);
	assert_int_equal(get_int(s, "SELECT 1"), 1);
	assert_int_equal(sql_stats(s)->n_flows, 0);
	assert_int_equal(sql_prepare(s, "SELEC", &err), ERR_USAGE);
	assert_int_equal(get_int(s, "SELECT 2"), 2);
	sql_close(s);
}

static void
sessions_do_not_know_of_each_other(void **state)
{
	struct sql_session *a = open_session(*state, 0, 0);
	struct sql_session *b = open_session(*state, 0, 0);
	struct err err;

	prepare(a, "SELECT src_port FROM flows ORDER BY 1");
	assert_int_equal(sql_step(a, &err), 1);
	assert_int_equal(get_int(b, "SELECT count(*) FROM flows"), 500);
	sql_close(b);
	assert_int_equal(sql_step(a, &err), 1);
	sql_close(a);
}

/* ---- what is refused ---- */

static void
errors_say_where(void **state)
{
	static const struct {
		const char *text, *want;
		const char *typed; /* the line that is wrong */
		unsigned column;
	} cases[] = {
	    {"SELECT x FROM flows", "no such column: x (position 8)",
		"SELECT x FROM flows", 7},
	    {"SELECT '\xc3\xbc', x FROM flows", "(position 13)",
		"SELECT '\xc3\xbc', x FROM flows", 13},
	    {"SELECT 1,\n  x\nFROM flows", "(position 13)", "  x", 2},
	    {"SELEC 1", "syntax error (position 1)", "SELEC 1", 0},
	    {"SELECT 1; SELECT 2", "position 10", "SELECT 1; SELECT 2", 9},
	    {"SELECT 1; /* */ SELEC", "position 10", "SELECT 1; /* */ SELEC",
		9},
	    {"", "no statement", "", 0},
	    {"-- nothing", "no statement", "", 0},
	    {"SELECT ?2", "has no value", "", 0},
	    {"SELECT $a", "$a has no value", "", 0},
	    {"DROP TABLE flows", "only SELECT", "", 0},
	    {"VACUUM", "only SELECT", "", 0},
	    {"SELECT load_extension('x')", "load_extension() is not", "", 0},
	    {"SELECT name FROM sqlite_schema", "may not be read", "", 0},
	    {"SELECT * FROM weir('/')", "no such table", "", 0},
	};
	struct sql_session *s = open_session(*state, 0, 0);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		int rc = sql_prepare(s, cases[i].text, &err);

		if (rc != ERR_USAGE || strstr(err.text, cases[i].want) == NULL)
			fail_msg("%s: %d %s", cases[i].text, rc, err.text);
		assert_string_equal(err.typed, cases[i].typed);
		if (err.typed[0] != '\0')
			assert_int_equal(err.column, cases[i].column);
	}
	sql_close(s);
}

/* ---- limits ---- */

static const char endless[] =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) ";

static void
time_ends_a_statement_and_not_the_next(void **state)
{
	struct sql_session *s = open_session(*state, 50, 0);
	char *text = xasprintf("%s SELECT max(x) FROM c", endless);
	struct err err;

	assert_int_equal(run(s, text, &err), ERR_LIMIT);
	assert_non_null(strstr(err.text, "stopped after 0.0 s"));
	assert_int_equal(get_int(s, "SELECT 1"), 1);
	free(text);
	sql_close(s);
}

static void
memory_ends_a_statement(void **state)
{
	struct sql_session *s = open_session(*state, 0, 8000000);
	char *text = xasprintf("%s SELECT x FROM c ORDER BY -x", endless);
	struct err err;

	assert_int_equal(run(s, text, &err), ERR_LIMIT);
	assert_non_null(strstr(err.text, "8 MB of memory"));
	sql_close(s);
	s = open_session(*state, 0, 0);
	assert_int_equal(get_int(s, "SELECT 1"), 1);
	free(text);
	sql_close(s);
}

/* Far more than SQLite sorts at once: through the files that are memory. */
static void
what_is_large_is_sorted_in_memory(void **state)
{
	static const char rows[] =
	    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c "
	    "WHERE x < 300000), d(k, v) AS (SELECT x * 7919 % 300007, "
	    "printf('%.*c', x % 40, 'x') FROM c) ";
	struct sql_session *s = open_session(*state, 0, 60000000);
	char *text = xasprintf("%s SELECT k, v FROM d ORDER BY k", rows);
	struct err err;
	int64_t last = -1, n = 0;
	int rc;

	prepare(s, text);
	while ((rc = sql_step(s, &err)) == 1) {
		assert_true(sql_value(s, 0).integer > last);
		last = sql_value(s, 0).integer;
		n++;
	}
	if (rc != 0)
		fail_msg("%s", err.text);
	assert_int_equal(n, 300000);
	free(text);
	text = xasprintf(
	    "%s SELECT count(*) FROM (SELECT DISTINCT k, v FROM d)", rows);
	assert_int_equal(get_int(s, text), 300000);
	free(text);
	sql_close(s);
}

/* ---- explanations ---- */

static void
an_explanation_reads_no_flow(void **state)
{
	struct sql_session *s = open_session(*state, 0, 0);
	struct buf text;
	struct err err;

	buf_init(&text, 10000);
	prepare(s, "SELECT count(*) FROM flows WHERE dst_port = 443 AND "
		   "src_addr IN (1, 2) AND day > '2000' ORDER BY octets");
	if (sql_explain(s, &text, &err) != 0)
		fail_msg("%s", err.text);
	assert_non_null(strstr(buf_str(&text), "VIRTUAL TABLE"));
	assert_non_null(strstr(buf_str(&text),
	    "flows: dst_port=443 AND src_addr IN (1, 2) AND day>'2000'\n"));
	assert_non_null(
	    strstr(buf_str(&text), " segment 1-2 by index src_addr\n"));
	assert_non_null(strstr(buf_str(&text), " segment 3 row by row\n"));
	assert_non_null(strstr(buf_str(&text),
	    "shards: 1 opened, 0 left out; segments: 3 to read, 0 left out"));
	assert_int_equal(sql_stats(s)->n_flows, 0);
	assert_int_equal(get_int(s, "SELECT count(*) FROM flows"), 500);
	prepare(s, "EXPLAIN SELECT 1");
	assert_int_equal(sql_explain(s, &text, &err), ERR_USAGE);
	buf_release(&text);
	sql_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_keep_their_kind),
	    cmocka_unit_test(a_session_takes_one_statement_after_another),
	    cmocka_unit_test(sessions_do_not_know_of_each_other),
	    cmocka_unit_test(errors_say_where),
	    cmocka_unit_test(time_ends_a_statement_and_not_the_next),
	    cmocka_unit_test(memory_ends_a_statement),
	    cmocka_unit_test(what_is_large_is_sorted_in_memory),
	    cmocka_unit_test(an_explanation_reads_no_flow),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
