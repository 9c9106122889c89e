/* SPDX-License-Identifier: ISC */
/* Which indexes drive the search, on a real segment whose values are as uneven
 * as they are in life, and that the answer does not depend on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/ast.h"
#include "query/compile.h"
#include "query/plan.h"
#include "query/scan.h"
#include "query/view.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

enum { N_FLOWS = 30000 };

/*
 * A day that ends at NOW_MS: port 443 in one flow of three, 7 in one of 6,000;
 * 10.0.0.1 sends every fifth flow, 10.0.0.2 ten of them; half have flags S, one
 * in 3,000 FPU. The last one ended in 1970.
 */
static struct fixture_flow
flow_number(uint64_t *rng, size_t i)
{
	int64_t end_ms =
	    NOW_MS - MS_PER_DAY + MS_PER_DAY / N_FLOWS * (int64_t)i;
	struct fixture_flow f = {
	    .flow = fixture_random_flow(rng, i + 1 < N_FLOWS ? end_ms : 0)};

	f.flow.dst_port = (uint16_t)(10000 + i / 2);
	if (i % 3 == 0)
		f.flow.dst_port = 443;
	if (i % 6000 == 17)
		f.flow.dst_port = 7;
	f.flow.src_port = (uint16_t)(20000 + i);
	f.flow.src_addr = 0x0b000000 + (uint32_t)i;
	if (i % 5 == 0)
		f.flow.src_addr = 0x0a000001;
	if (i % 3000 == 18)
		f.flow.src_addr = 0x0a000002;
	f.flow.dst_addr = 0x0c000000 + (uint32_t)i;
	f.flow.tcp_flags = i % 3000 == 19 ? 0x29 : i % 2 ? 2 : 27;
	return f;
}

static int
make_shard(void **state)
{
	uint64_t rng = 1;
	struct fixture_flow *flows = xcalloc(N_FLOWS, sizeof *flows);

	for (size_t i = 0; i < N_FLOWS; i++)
		flows[i] = flow_number(&rng, i);
	*state = temp_new();
	fixture_make_store(*state);
	fixture_store(
	    *state, clock_day(NOW_MS), flows, N_FLOWS, N_FLOWS, SIZE_MAX);
	free(flows);
	return 0;
}

static int
remove_shard(void **state)
{
	temp_remove(*state);
	return 0;
}

/* Words with quotes. */
static void
read_filter(struct filter *f, const char *words)
{
	struct err err;

	filter_init(f);
	if (filter_add_line(f, words, NOW_MS, &err) != 0 ||
	    filter_check(f, &err) != 0)
		fail_msg("%s: %s", words, err.text);
}

struct opened {
	char *path;
	struct exporters exporters;
	struct view *view;
	const struct segment *segment;
	struct db *db;
};

static void
open_all(struct opened *o, const char *dir)
{
	struct err err;
	size_t n;

	*o = (struct opened){.path = store_shard_path(dir, clock_day(NOW_MS))};
	if (view_open(&o->view, o->path, &o->exporters, &err) != 1 ||
	    db_open(&o->db, o->path, DB_READ, &err) != 0)
		fail_msg("%s", err.text);
	o->segment = view_segments(o->view, &n);
	assert_true(n >= 1 && o->segment->sealed);
	assert_int_equal(o->segment->n_flows, N_FLOWS);
}

static void
close_all(struct opened *o)
{
	db_close(o->db);
	view_close(o->view);
	exporters_release(&o->exporters);
	free(o->path);
}

/* "scan", "src_addr", "src_addr+dst_port". */
static void
print_path(struct buf *out, const struct plan_path *p)
{
	if (p->kind == PLAN_SCAN)
		buf_puts(out, "scan");
	if (p->kind == PLAN_INDEX)
		buf_puts(out, flow_columns[p->column].name);
	for (size_t i = 0; p->kind == PLAN_UNION && i < p->n_arms; i++)
		buf_printf(out, "%s%s", i > 0 ? "+" : "",
		    flow_columns[p->arm[i]->column].name);
}

static void
check_path(
    struct opened *o, const char *words, const char *want, int64_t want_rows)
{
	struct plan_path path;
	struct filter f;
	struct buf got;

	buf_init(&got, 1000);
	read_filter(&f, words);
	path = view_plan(o->view, o->segment, &f);
	print_path(&got, &path);
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("%s: %s, want %s", words, buf_str(&got), want);
	if (want_rows >= 0 && path.n_rows != (uint64_t)want_rows)
		fail_msg(
		    "%s: %llu rows", words, (unsigned long long)path.n_rows);
	assert_true(want_rows < 0 || !path.is_guess);
	filter_release(&f);
	buf_release(&got);
}

static void
what_is_rare_drives(void **state)
{
	static const struct {
		const char *words, *want;
		int64_t n_rows; /* counted; -1: whatever */
	} rows[] = {
	    {"", "scan", N_FLOWS},
	    {"dport=7", "dst_port", 5},
	    {"dport=443", "scan", N_FLOWS},
	    {"src=10.0.0.2", "src_addr", 10},
	    {"src=10.0.0.1", "scan", N_FLOWS},
	    {"flags=S", "scan", N_FLOWS},
	    {"flags=0x29", "tcp_flags", 10},
	    {"flags=FPU/SAFPU", "tcp_flags", -1},
	    {"dst=12.0.1.0/24", "dst_addr", 256},
	    {"dst=12.0.0.0/16", "scan", -1},
	    {"dst=12.0.0.5,12.0.1.0-12.0.1.9", "dst_addr", 12},
	    /* the rarer of two, whichever they are */
	    {"src=10.0.0.2 dport=443", "src_addr", 10},
	    {"src=10.0.0.1 dport=443", "scan", -1},
	    {"src=10.0.0.1 dport=7", "dst_port", 5},
	    {"src=10.0.0.1 flags=0x29", "tcp_flags", 10},
	    {"src=10.0.0.2 dport=7", "dst_port", 5},
	    {"dport=443 dst=12.0.1.0/24 src=10.0.0.2", "src_addr", 10},
	    {"proto=6 in_if=3 dport=7", "dst_port", 5},
	    /* the time, although a flow of 1970 stretches the bounds */
	    {"from=-5m", "end_ms", -1},
	    {"from=-5m src=10.0.0.1", "end_ms", -1},
	    {"from=-5m dport=7", "dst_port", 5},
	    {"from=-23h", "scan", N_FLOWS},
	    {"from=-23h src=10.0.0.1", "scan", N_FLOWS},
	    {"to=1980-01-01", "end_ms", -1},
	    /* either */
	    {"port=7", "src_port+dst_port", 5},
	    {"host=10.0.0.2", "src_addr+dst_addr", 10},
	    {"host=10.0.0.1", "scan", N_FLOWS},
	    {"where=\"src 10.0.0.2 or dst port 7\"", "src_addr+dst_port", 15},
	    {"where=\"src 10.0.0.2 or dst port 443\"", "scan", N_FLOWS},
	    {"where=\"src 10.0.0.2 or proto 6\"", "scan", N_FLOWS},
	    {"where=\"not src 10.0.0.1\"", "scan", N_FLOWS},
	    {"where=\"(src 10.0.0.1 and dst port 7) or flags 0x29\"",
		"dst_port+tcp_flags", 15},
	    {"where=\"(src 10.0.0.1 or dst port 443) and dst port 7\"",
		"dst_port", 5},
	    {"where=\"(src 10.0.0.2 or dst port 7) and dst 12.0.1.0/24\"",
		"src_addr+dst_port", 15},
	    {"where=\"src 10.0.0.2 or dst port 7\" dst=12.0.0.9", "dst_addr",
		1},
	    {"where=\"src 10.0.0.2 or (dst port 7 or dst 12.0.0.9)\"",
		"src_addr+dst_port+dst_addr", 16},
	};
	struct opened o;

	open_all(&o, *state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_path(&o, rows[i].words, rows[i].want, rows[i].n_rows);
	close_all(&o);
}

/* SQLite's plan, a ';' behind each line. */
static void
print_plan(struct buf *out, struct opened *o, const struct filter *f)
{
	const struct compile_target t = {.segment = o->segment,
	    .columns = (flow_column_set)1 << COL_OCTETS,
	    .path = view_plan(o->view, o->segment, f)};
	struct compiled c;
	struct stmt *q;
	struct err err;
	char *sql;
	int rc;

	if (compile_segment(&c, f, &t, &err) != 0)
		fail_msg("%s", err.text);
	sql = xasprintf("EXPLAIN QUERY PLAN %s", buf_str(&c.sql));
	if (db_prepare(o->db, sql, &q, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	while ((rc = stmt_step(q, &err)) == 1)
		buf_printf(out, "%s;", stmt_text(q, 3));
	assert_int_equal(rc, 0);
	stmt_finalize(q);
	free(sql);
	compiled_release(&c);
}

#define BY(column) "SEARCH f USING INDEX flow_0001_" column " (" column
#define COVERING(column)                                                       \
	"SEARCH f USING COVERING INDEX flow_0001_" column " (" column

/* SQLite does as it is told. */
static void
sqlite_follows(void **state)
{
	static const struct {
		const char *words, *want;
	} rows[] = {
	    {"", "SCAN f;"},
	    {"dport=443 src=10.0.0.1", "SCAN f;"},
	    {"dport=443 src=10.0.0.2", BY("src_addr") "=?);"},
	    {"dst=12.0.1.0/25", BY("dst_addr") ">? AND dst_addr<?);"},
	    /* so many that each page of the table should be read once */
	    {"dst=12.0.1.0/24",
		"SEARCH f USING INTEGER PRIMARY KEY (rowid=?);LIST SUBQUERY "
		"1;" COVERING("dst_addr") ">? AND dst_addr<?);"},
	    {"dst=12.0.0.5,12.0.1.0-12.0.1.9", BY("dst_addr") "=?);"},
	    {"flags=FPU/SAFPU", BY("tcp_flags") "=?);"},
	    {"from=-5m src=10.0.0.1", BY("end_ms") ">?);"},
	    {"host=10.0.0.2 from=-23h",
		"SEARCH f USING INTEGER PRIMARY KEY (rowid=?);"
		"LIST SUBQUERY 2;COMPOUND QUERY;LEFT-MOST SUBQUERY;" COVERING(
		    "src_addr") "=?);UNION ALL;" COVERING("dst_addr") "=?);"},
	};
	struct opened o;

	open_all(&o, *state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		struct buf got;

		buf_init(&got, 10000);
		read_filter(&f, rows[i].words);
		print_plan(&got, &o, &f);
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].words, buf_str(&got));
		buf_release(&got);
		filter_release(&f);
	}
	close_all(&o);
}

/* ---- long lists ---- */

/* Every step-th address of 12.0.0.0/16 from the first on, n of them. */
static void
add_list(struct filter *f, size_t n, size_t step)
{
	struct ast *list = ast_new_ranges(COL_DST_ADDR);

	for (size_t i = 0; i < n; i++)
		ast_add_range(list, (int64_t)(0x0c000000 + step * i),
		    (int64_t)(0x0c000000 + step * i));
	ast_normalize_ranges(list);
	ast_add_child(f->ast, list);
}

static int
count_batch(const struct batch *b, void *arg, struct err *err)
{
	(void)err;
	*(size_t *)arg += b->n;
	return 0;
}

static void
long_lists_give_all_there_is(void **state)
{
	static const struct {
		size_t n, step;
		const char *want;
	} rows[] = {
	    {32, 2, "dst_addr"},
	    {33, 2, "dst_addr"},
	    {256, 2, "dst_addr"},
	    {257, 2, "scan"},
	    {15000, 2, "scan"},
	};
	struct opened o;

	open_all(&o, *state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		const struct scan_query q = {.dir = *state, .filter = &f};
		struct plan_path path;
		struct scan_stats stats;
		struct buf got;
		size_t n = 0;

		buf_init(&got, 100);
		read_filter(&f, "");
		add_list(&f, rows[i].n, rows[i].step);
		path = view_plan(o.view, o.segment, &f);
		print_path(&got, &path);
		assert_string_equal(buf_str(&got), rows[i].want);
		assert_int_equal(
		    scan_run(&q, count_batch, &n, &stats, NULL), 0);
		assert_int_equal(n, rows[i].n);
		buf_release(&got);
		filter_release(&f);
	}
	close_all(&o);
}

/* Without counting, what is usual decides. */
static void
guesses_prefer_addresses(void **state)
{
	static const struct {
		const char *words, *want;
	} rows[] = {
	    {"src=10.0.0.1", "src_addr"},
	    {"src=10.0.0.1 dport=443", "src_addr"},
	    {"dport=443", "dst_port"},
	    {"flags=S dport=443", "dst_port"},
	    {"src=10.0.0.0/8", "scan"},
	};
	struct opened o;

	open_all(&o, *state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		struct plan_path path;
		struct buf got;

		buf_init(&got, 100);
		read_filter(&f, rows[i].words);
		path = plan_path(&f, o.segment, NULL);
		print_path(&got, &path);
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].words, buf_str(&got));
		assert_true(path.kind == PLAN_SCAN || path.is_guess);
		buf_release(&got);
		filter_release(&f);
	}
	close_all(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_rare_drives),
	    cmocka_unit_test(sqlite_follows),
	    cmocka_unit_test(long_lists_give_all_there_is),
	    cmocka_unit_test(guesses_prefer_addresses),
	};

	return cmocka_run_group_tests(tests, make_shard, remove_shard);
}
