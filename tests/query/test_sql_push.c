/* SPDX-License-Identifier: ISC */
/*
 * Whatever is taken over from SQLite, the answer is SQLite's: each condition,
 * made at random, is asked of the tables over the shards and of plain tables
 * with the same rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "query/sql_env.h"
#include "query/sql_table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/flow.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

enum { N_DAYS = 3, N_FLOWS = 300, STATEMENT_MAX = 20000 };

static void
fill(const char *dir)
{
	static const size_t steps[N_DAYS] = {SIZE_MAX, 9, 0};
	uint64_t rng = 7;

	for (int32_t i = 0; i < N_DAYS; i++) {
		int32_t day = clock_day(NOW_MS) - i;
		int64_t from_ms = (int64_t)day * MS_PER_DAY;
		struct fixture_flow *flows = fixture_flows(
		    &rng, N_FLOWS, from_ms, from_ms + 3600 * MS_PER_S);

		fixture_store(dir, day, flows, N_FLOWS, 120, steps[i]);
		free(flows);
	}
}

/* ---- SQLite ---- */

static void
exec(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
}

static const struct plain {
	const char *table, *copy;
} tables[] = {
    {"flows", "flows_copy"},
    {"flows_text", "flows_text_copy"},
    {"minutes", "minutes_copy"},
};

/* A connection with the tables of a store, and a copy of each. */
static sqlite3 *
open_tables(const char *dir)
{
	static struct sql_env env = {.now_ms = NOW_MS};
	sqlite3 *db;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sql_register(db, &env), SQLITE_OK);
	assert_int_equal(sql_create_tables(db, dir), SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		char *sql = xasprintf("CREATE TABLE %s AS SELECT * FROM %s",
		    tables[i].copy, tables[i].table);

		exec(db, sql);
		free(sql);
	}
	return db;
}

/* An answer of one row as text, or the error. */
static char *
answer(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt;
	struct buf out;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	buf_init(&out, STATEMENT_MAX);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			buf_printf(&out, "%s|",
			    sqlite3_column_text(stmt, i) != NULL
				? (const char *)sqlite3_column_text(stmt, i)
				: "NULL");
	else
		buf_puts(&out, sqlite3_errmsg(db));
	(void)sqlite3_finalize(stmt);
	return out.data;
}

/* ---- conditions ---- */

static const char *
pick(uint64_t *rng, const char *const *from, size_t n)
{
	return from[fixture_random(rng, n)];
}

#define PICK(rng, a) pick((rng), (a), ARRAY_LEN(a))

static const char *const comparisons[] = {
    "=", "<>", "<", "<=", ">", ">=", "IS", "IS NOT", "==", "!="};

static const char *const oddities[] = {"NULL", "'abc'", "''", "x'34'", "0",
    "-1", "1", "443", "80", "27", "65535", "442.5", "443.0", "-0.5", "1e30",
    "-1e30", "9.3e18", "-9.3e18", "9223372036854775807", "-9223372036854775808",
    "4294967295", "4294967296", "'443'", "'443.0'", "' 443'", "'443abc'",
    "'0x1bb'", "'1e2'", "'-1'", "0.0", "'9223372036854775808'"};

/* A value of the column as it is in some row. */
static void
put_stored(struct buf *out, uint64_t *rng, const char *copy, const char *column)
{
	buf_printf(out, "(SELECT \"%s\" FROM %s WHERE rowid = %u)", column,
	    copy, 1 + (unsigned)fixture_random(rng, N_DAYS * N_FLOWS));
}

static const char *const texts[] = {"'192.0.2.1'", "'192.0.2.77'",
    "'2001:db8::1'", "'2001:DB8::1'", "'10.0.0.5'", "'10.0.0.05'",
    "'2024-03-01'", "'2024-02-29'", "'2024-02-29T00:30'",
    "'2024-02-29T00:30:15.5'", "'2024-03-01T00:10:00.000Z'",
    "'2024-02-29 00:30'", "'2024-02-30'", "'2024-03'", "'...AP.SF'",
    "'......S.'", "'......s.'"};

static void
put_value(struct buf *out, uint64_t *rng, const char *copy, const char *column)
{
	switch (fixture_random(rng, 4)) {
	case 0: buf_puts(out, PICK(rng, oddities)); break;
	case 1: buf_puts(out, PICK(rng, texts)); break;
	default: put_stored(out, rng, copy, column);
	}
}

static void
put_list(struct buf *out, uint64_t *rng, const char *copy, const char *column)
{
	buf_puts(out, "(");
	for (uint64_t n = fixture_random(rng, 5); n > 0; n--) {
		put_value(out, rng, copy, column);
		buf_puts(out, ", ");
	}
	put_value(out, rng, copy, column);
	buf_puts(out, ")");
}

static void
put_function(struct buf *out, uint64_t *rng)
{
	static const char *const nets[] = {"'10.0.0.0/24'", "'0.0.0.0/0'",
	    "'10.0.0.7,192.168.0.0/16'", "'10.0.0.0/8,-10.0.1.0/24'",
	    "'-10.0.0.0/16'", "'10.0.0.0/8,-10.0.0.0/24,10.0.0.9'", "NULL"};
	static const char *const exporters[] = {"'192.0.2.0/24'",
	    "'2001:db8::/32'", "'2001:db8::1,198.51.100.9'", "'0.0.0.0/0'",
	    "'192.0.2.0/24,-192.0.2.77'", "'-192.0.2.1'", "'::/0'", "NULL"};
	static const char *const flags[] = {"'S/SA'", "'27'", "'S/S,F/F'",
	    "'-R/R'", "'syn-only'", "'any:FR,-all:SA'", "NULL"};

	switch (fixture_random(rng, 4)) {
	case 0:
		buf_printf(out, "in_net(exporter, %s)", PICK(rng, exporters));
		break;
	case 1: buf_printf(out, "in_net(dst_addr, %s)", PICK(rng, nets)); break;
	case 2: buf_printf(out, "in_net(src_addr, %s)", PICK(rng, nets)); break;
	default:
		buf_printf(out, "flags_match(tcp_flags, %s)", PICK(rng, flags));
	}
}

static const char *const lists[] = {"'10.0.0.0/24'",
    "'10.0.0.0/8,-10.0.1.0/24'", "'-10.0.0.0/16'", "'0.0.0.0/0'",
    "'10.0.0.7,2001:db8::1'", "NULL"};

static void
put_condition(struct buf *out, uint64_t *rng, const struct plain *t,
    const char *const *columns, size_t n)
{
	const char *column = pick(rng, columns, n);

	switch (fixture_random(rng, 8)) {
	case 0:
		buf_printf(out, "\"%s\" BETWEEN ", column);
		put_value(out, rng, t->copy, column);
		buf_puts(out, " AND ");
		put_value(out, rng, t->copy, column);
		break;
	case 1:
		buf_printf(out, "\"%s\" %sIN ", column,
		    fixture_random(rng, 3) == 0 ? "NOT " : "");
		put_list(out, rng, t->copy, column);
		break;
	case 2:
		if (strcmp(t->table, "flows") == 0)
			put_function(out, rng);
		else
			buf_printf(
			    out, "in_net(src_addr, %s)", PICK(rng, lists));
		break;
	default:
		buf_printf(out, "\"%s\" %s ", column, PICK(rng, comparisons));
		put_value(out, rng, t->copy, column);
		if (fixture_random(rng, 20) == 0)
			buf_puts(out, " COLLATE NOCASE");
	}
}

static void
put_where(struct buf *out, uint64_t *rng, const struct plain *t,
    const char *const *columns, size_t n)
{
	static const char *const joints[] = {" AND ", " AND ", " OR "};
	uint64_t more = fixture_random(rng, 4);

	put_condition(out, rng, t, columns, n);
	while (more-- > 0) {
		bool negated = fixture_random(rng, 8) == 0;

		buf_puts(out, PICK(rng, joints));
		buf_puts(out, negated ? "NOT (" : "");
		put_condition(out, rng, t, columns, n);
		buf_puts(out, negated ? ")" : "");
	}
}

/* ---- the comparison ---- */

static void
compare(sqlite3 *db, const char *select, const struct plain *t,
    const char *where, size_t *n_nonzero)
{
	char *ours =
	    xasprintf("SELECT %s FROM %s WHERE %s", select, t->table, where);
	char *plain =
	    xasprintf("SELECT %s FROM %s WHERE %s", select, t->copy, where);
	char *got = answer(db, ours), *want = answer(db, plain);

	if (strcmp(got, want) != 0)
		fail_msg("%s\n got %s\nwant %s", ours, got, want);
	*n_nonzero += want[0] != '0' && strchr(want, '|') != NULL;
	free(ours);
	free(plain);
	free(got);
	free(want);
}

static void
compare_many(sqlite3 *db, const struct plain *t, const char *select,
    const char *const *columns, size_t n)
{
	enum { N_CONDITIONS = 1000 };
	size_t n_nonzero = 0;
	uint64_t rng = 42;

	for (int i = 0; i < N_CONDITIONS; i++) {
		struct buf where;

		buf_init(&where, STATEMENT_MAX);
		put_where(&where, &rng, t, columns, n);
		compare(db, select, t, buf_str(&where), &n_nonzero);
		buf_release(&where);
	}
	assert_in_range(n_nonzero, N_CONDITIONS / 4, N_CONDITIONS);
}

static void
flows_pass_as_they_would_of_a_plain_table(void **state)
{
	static const char *const columns[] = {"exporter", "engine_type",
	    "engine_id", "sampling", "src_addr", "dst_addr", "input_if",
	    "packets", "octets", "start_ms", "start_ms", "end_ms", "end_ms",
	    "duration_ms", "src_port", "dst_port", "tcp_flags", "protocol",
	    "tos", "src_mask", "quirks", "day"};
	sqlite3 *db = open_tables(*state);

	compare_many(db, &tables[0],
	    "count(*), sum(octets), sum(src_addr * 7 + dst_port), max(day)",
	    columns, ARRAY_LEN(columns));
	sqlite3_close(db);
}

static void
so_do_flows_as_text(void **state)
{
	static const char *const columns[] = {"exporter", "src_addr",
	    "src_addr", "dst_addr", "next_hop", "octets", "start_time",
	    "start_time", "end_time", "end_time", "duration_ms", "dst_port",
	    "tcp_flags", "tcp_flags", "protocol", "quirks", "day"};
	sqlite3 *db = open_tables(*state);

	compare_many(db, &tables[1],
	    "count(*), sum(octets), max(src_addr), max(day)", columns,
	    ARRAY_LEN(columns));
	sqlite3_close(db);
}

static void
a_bad_list_is_an_error_of_the_statement(void **state)
{
	static const struct {
		const char *where, *want;
	} cases[] = {
	    {"in_net(src_addr, '10.0.0.0/40')", "\"10.0.0.0/40\" is no"},
	    {"in_net(src_addr, 5)", "no text"},
	    {"flags_match(tcp_flags, 'X')", "\"X\" is no TCP flags"},
	};
	sqlite3 *db = open_tables(*state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *sql = xasprintf(
		    "SELECT count(*) FROM flows WHERE %s", cases[i].where);
		char *got = answer(db, sql);

		if (strstr(got, cases[i].want) == NULL)
			fail_msg("%s: %s", sql, got);
		free(sql);
		free(got);
	}
	sqlite3_close(db);
}

/* ---- joins, lists, order ---- */

static void
statements_of_all_kinds_agree(void **state)
{
	static const char *const selects[] = {
	    "SELECT count(*), sum(a.octets + b.octets) FROM %s a JOIN %s b ON "
	    "a.src_addr = b.dst_addr AND a.dst_port = b.src_port",
	    "SELECT count(*) FROM %s a LEFT JOIN %s b ON b.src_addr = "
	    "a.dst_addr "
	    "AND b.end_ms BETWEEN a.start_ms AND a.end_ms + 10000 WHERE "
	    "a.protocol = 6",
	    "SELECT count(*) FROM %s WHERE src_addr IN (SELECT dst_addr FROM "
	    "%s "
	    "WHERE dst_port = 53)",
	    "SELECT count(*) FROM %s a WHERE EXISTS (SELECT 1 FROM %s b WHERE "
	    "b.src_addr = a.dst_addr AND b.start_ms > a.end_ms)",
	    "SELECT count(*), sum(n) FROM (SELECT src_addr, count(*) AS n FROM "
	    "%s GROUP BY src_addr HAVING n > 1), %s LIMIT 1",
	    "SELECT group_concat(s) FROM (SELECT src_port || ':' || octets AS "
	    "s "
	    "FROM %s ORDER BY end_ms DESC, octets, src_port LIMIT 20), (SELECT "
	    "1 FROM %s LIMIT 1)",
	    "SELECT group_concat(n) FROM (SELECT row_number() OVER (PARTITION "
	    "BY protocol ORDER BY end_ms, octets) AS n FROM %s WHERE tos < 9), "
	    "(SELECT 1 FROM %s LIMIT 1)",
	    "SELECT count(*) FROM (SELECT src_addr FROM %s EXCEPT SELECT "
	    "dst_addr FROM %s)",
	    "SELECT group_concat(day || n) FROM (SELECT day, count(*) AS n "
	    "FROM "
	    "%s GROUP BY day), (SELECT 1 FROM %s LIMIT 1)",
	};
	sqlite3 *db = open_tables(*state);

	for (size_t i = 0; i < ARRAY_LEN(selects); i++) {
		char *ours = sqlite3_mprintf(selects[i], "flows", "flows");
		char *plain =
		    sqlite3_mprintf(selects[i], "flows_copy", "flows_copy");
		char *got = answer(db, ours), *want = answer(db, plain);

		if (strcmp(got, want) != 0)
			fail_msg("%s\n got %s\nwant %s", ours, got, want);
		assert_string_not_equal(want, "0|");
		sqlite3_free(ours);
		sqlite3_free(plain);
		free(got);
		free(want);
	}
	sqlite3_close(db);
}

/* More than a statement has room for as bound values. */
static void
a_long_list_is_looked_up_by_sqlite(void **state)
{
	sqlite3 *db = open_tables(*state);
	char *got = answer(db,
	    "WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 2 FROM c "
	    "WHERE x < 60000) SELECT (SELECT count(*) FROM flows WHERE "
	    "src_port "
	    "IN (SELECT x FROM c)) = (SELECT count(*) FROM flows_copy WHERE "
	    "src_port % 2 = 0 AND src_port <= 60000)");

	assert_string_equal(got, "1|");
	free(got);
	sqlite3_close(db);
}

static void
columns_are_those_of_a_shard(void **state)
{
	char *path = store_shard_path(*state, clock_day(NOW_MS));
	size_t n_compared = 0;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < n_sql_tables; i++) {
		const struct sql_table *t = &sql_tables[i];
		const char *from = t->from != NULL ? t->from : t->name;
		struct buf want;
		char *sql, *got;

		if (t->select != NULL)
			continue;
		buf_init(&want, STATEMENT_MAX);
		for (size_t k = 0; k < t->n_columns; k++)
			buf_printf(&want, "%s%s %s", k > 0 ? "," : "",
			    t->column[k].name,
			    t->key != NULL ? t->column[k].type : "");
		buf_puts(&want, "|");
		/* A view's columns have no type. */
		sql = xasprintf("SELECT group_concat(name || ' ' || iif(%d, "
				"type, '')) FROM pragma_table_info('%s')",
		    t->key != NULL, from);
		got = answer(db, sql);
		assert_string_equal(got, buf_str(&want));
		free(got);
		free(sql);
		buf_release(&want);
		n_compared++;
	}
	assert_in_range(n_compared, 7, n_sql_tables);
	sqlite3_close(db);
	free(path);
}

static void
all_columns_have_the_names_of_flows(void **state)
{
	const struct sql_table *t = &sql_tables[0];

	(void)state;
	assert_int_equal(t->n_columns, N_FLOW_COLUMNS);
	for (size_t i = 0; i < N_FLOW_COLUMNS; i++)
		assert_string_equal(t->column[i].name, flow_columns[i].name);
}

static int
make_store(void **state)
{
	*state = temp_new();
	fixture_make_store(*state);
	fill(*state);
	return 0;
}

static int
remove_store(void **state)
{
	temp_remove(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(flows_pass_as_they_would_of_a_plain_table),
	    cmocka_unit_test(so_do_flows_as_text),
	    cmocka_unit_test(a_bad_list_is_an_error_of_the_statement),
	    cmocka_unit_test(statements_of_all_kinds_agree),
	    cmocka_unit_test(a_long_list_is_looked_up_by_sqlite),
	    cmocka_unit_test(columns_are_those_of_a_shard),
	    cmocka_unit_test(all_columns_have_the_names_of_flows),
	};

	return cmocka_run_group_tests(tests, make_store, remove_store);
}
