/* SPDX-License-Identifier: ISC */
/* Shards that earlier versions wrote: read as they are, renewed, or refused. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "schema/base/buf.h"
#include "schema/catalog.h"
#include "schema/check.h"
#include "schema/migrate.h"
#include "schema/minute.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

/* What weir wrote when its version was the newest. */
static const struct {
	const char *file;
	int version;
	bool finished;
	int32_t day;
	int64_t n_flows;
} kept[] = {
    {"tests/data/shard-1-finished.db.gz", 1, true, 19783, 2429},
    {"tests/data/shard-1-open.db.gz", 1, false, 19784, 385},
};

/* Kept shard number i where it belongs in the store; free() its path. */
static char *
unpack(const char *dir, size_t i)
{
	char *path = store_shard_path(dir, kept[i].day);
	gzFile from = gzopen(kept[i].file, "rb");
	FILE *to;
	char bytes[8192];
	int n;

	(void)unlink(path);
	to = fopen(path, "wb");
	assert_non_null(from);
	assert_non_null(to);
	while ((n = gzread(from, bytes, sizeof bytes)) > 0)
		assert_int_equal(fwrite(bytes, 1, (size_t)n, to), n);
	assert_int_equal(gzclose(from), Z_OK);
	assert_int_equal(fclose(to), 0);
	if (kept[i].finished)
		assert_int_equal(chmod(path, 0444), 0);
	return path;
}

/* Every row of a query as text; a string to free(). */
static char *
rows_of(const char *path, const char *sql, int n_columns)
{
	struct buf text;
	struct stmt *q;
	struct db *db;
	struct err err;
	int rc;

	buf_init(&text, 1 << 24);
	if (db_open(&db, path, DB_READ, &err) != 0 ||
	    db_prepare(db, sql, &q, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	while ((rc = stmt_step(q, &err)) == 1)
		for (int c = 0; c < n_columns; c++)
			buf_printf(&text, "%s%c", stmt_text(q, c),
			    c == n_columns - 1 ? '\n' : '|');
	assert_int_equal(rc, 0);
	stmt_finalize(q);
	db_close(db);
	assert_false(text.overflow);
	return text.data;
}

/* All that can be asked of flows and was there in version 1. */
static char *
flows_of(const char *path)
{
	return rows_of(path,
	    "SELECT exporter, engine_type, engine_id, sampling, src_addr, "
	    "dst_addr, next_hop, input_if, output_if, packets, octets, "
	    "start_ms, end_ms, src_port, dst_port, tcp_flags, protocol, tos, "
	    "src_as, dst_as, src_mask, dst_mask FROM flows",
	    22);
}

/* What was there in version 1. */
static const char MINUTES[] =
    "SELECT minute_ms, exporter, engine_type, engine_id, datagrams, flows, "
    "packets, octets, padded, lost, late, duplicates, duplicate_flows, "
    "restarts, malformed, \"foreign\", last_ms, clock_skew_ms, uptime_ms, "
    "sampling FROM minute";
static const char OWN_MINUTES[] =
    "SELECT minute_ms, queue_dropped_datagrams, queue_dropped_flows, "
    "kernel_dropped, queue_high_water, malformed_short, malformed_count, "
    "netflow1, netflow7, netflow8, netflow9, ipfix, sflow5, unknown "
    "FROM collector_minute";

static char *
other_tables_of(const char *path)
{
	char *packets = rows_of(path, "SELECT * FROM packet", 10);
	char *minutes = rows_of(path, MINUTES, 20);
	char *own = rows_of(path, OWN_MINUTES, 14);
	char *all = xasprintf("%s\n%s\n%s", packets, minutes, own);

	free(packets);
	free(minutes);
	free(own);
	return all;
}

static struct shard *
open_write(const char *path)
{
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, 0, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void
assert_version(const char *path, int want)
{
	assert_int_equal(days_int(path, "PRAGMA user_version"), want);
}

static void
assert_finished(const char *path)
{
	struct stat st;
	FILE *f = fopen(path, "rb");
	char head[20];

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_non_null(f);
	assert_int_equal(fread(head, sizeof head, 1, f), 1);
	fclose(f);
	/* Bytes 18 and 19: 1 is a rollback journal, 2 would be WAL. */
	assert_int_equal(head[18], 1);
	assert_int_equal(head[19], 1);
}

/* ---- reading ---- */

static void
earlier_versions_are_read_as_they_are(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char *path = unpack(*state, i);
		const struct segment *g;
		struct shard *s;
		struct err err;
		int64_t n_flows = 0;
		size_t n;

		if (shard_open_read(&s, path, &err) != 0 ||
		    shard_begin_read(s, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(shard_version(s), kept[i].version);
		g = shard_segments(s, &n);
		assert_true(n >= 5);
		for (size_t k = 0; k < n; k++) {
			assert_int_equal(g[k].layout, 1);
			assert_false(g[k].in_address);
			n_flows += (int64_t)g[k].n_flows;
		}
		assert_int_equal(n_flows, kept[i].n_flows);
		shard_end_read(s);
		shard_close(s);
		assert_version(path, kept[i].version);
		free(path);
	}
}

/* What a shard's minutes sum up to, of whatever version. */
static void
assert_minutes(const char *path, int version, uint64_t datagrams)
{
	struct minute_sums sums = {0};
	struct shard *s;
	struct err err;

	if (shard_open_read(&s, path, &err) != 0 ||
	    shard_begin_read(s, &err) != 0 ||
	    minute_sums_add(&sums, shard_db(s), shard_version(s), INT64_MIN,
		INT64_MAX, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(shard_version(s), version);
	assert_int_equal(sums.n, 1);
	assert_int_equal(sums.source[0].datagrams, datagrams);
	assert_int_equal(sums.source[0].refused, 0);
	assert_int_equal(sums.collector.refused[REFUSED_NO_ROOM], 0);
	assert_int_equal(sums.n_relays, 0);
	minute_sums_release(&sums);
	shard_end_read(s);
	shard_close(s);
}

static void
minutes_of_earlier_versions_are_summed(void **state)
{
	char *path = unpack(*state, 0);

	assert_minutes(path, 1, 83);
	shard_close(open_write(path));
	assert_minutes(path, SHARD_VERSION, 83);
	/* Version 2 is what version 3 has added to. */
	days_exec(path, "ALTER TABLE minute DROP COLUMN refused;"
			"ALTER TABLE collector_minute DROP COLUMN no_room;"
			"ALTER TABLE collector_minute "
			"DROP COLUMN not_configured;"
			"DROP TABLE relay_minute; PRAGMA user_version = 2");
	assert_minutes(path, 2, 83);
	shard_close(open_write(path));
	assert_minutes(path, SHARD_VERSION, 83);
	free(path);
}

/* ---- renewing ---- */

static void
renewed_they_say_the_same(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char *path = unpack(*state, i);
		char *flows = flows_of(path), *others = other_tables_of(path);
		char *quirks = rows_of(
		    path, "SELECT quirks, duration_ms FROM flow_0001", 2);
		char *now;
		struct err err;
		struct shard *s = open_write(path);

		assert_int_equal(shard_finish(s, &err), 0);
		shard_close(s);
		assert_version(path, SHARD_VERSION);
		assert_finished(path);
		now = flows_of(path);
		assert_string_equal(now, flows);
		free(now);
		now = other_tables_of(path);
		assert_string_equal(now, others);
		free(now);
		/* What the views of version 1 did not show is there. */
		now = xasprintf("SELECT quirks, duration_ms FROM flows LIMIT "
				"(SELECT count(*) FROM flow_0001)");
		free(quirks);
		quirks = rows_of(path, now, 2);
		free(now);
		now = rows_of(
		    path, "SELECT quirks, duration_ms FROM flow_0001", 2);
		assert_string_equal(now, quirks);
		free(now);
		free(quirks);
		free(flows);
		free(others);
		free(path);
	}
}

/* Every table but those of flows is as in a shard made new. */
static void
renewed_they_have_the_newest_tables(void **state)
{
	static const char sql[] =
	    "SELECT m.name, p.name, iif(m.type = 'table', p.type, ''), "
	    "p.\"notnull\", p.pk "
	    "FROM sqlite_schema AS m, pragma_table_info(m.name) AS p "
	    "WHERE m.type IN ('table', 'view') AND m.name NOT GLOB 'flow_0*' "
	    "AND m.name NOT GLOB 'sqlite_*' ORDER BY 1, 2";
	char *fresh = xasprintf("%s/fresh.db", (const char *)*state);
	char *want;

	shard_close(open_write(fresh));
	want = rows_of(fresh, sql, 5);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char *path = unpack(*state, i), *got;

		shard_close(open_write(path));
		got = rows_of(path, sql, 5);
		assert_string_equal(got, want);
		free(got);
		free(path);
	}
	free(want);
	free(fresh);
}

/* Rows go behind those of the earlier layout, into a segment of their own. */
static void
renewed_they_take_flows(void **state)
{
	struct packet p = {
	    .source.exporter = addr_from_ip4(0xc0000201), .n_flows = 1};
	struct flow f = {.src_as = 65535,
	    .dst_as = 64512,
	    .src_mask = 255,
	    .dst_mask = 32,
	    .tos = 254,
	    .quirks = 31,
	    .next_hop = UINT32_MAX,
	    .input_if = 65535,
	    .output_if = 65534};

	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		char *path = unpack(*state, i), *row;
		char *before = flows_of(path), *after;
		struct shard *s = open_write(path);
		const struct segment *g;
		struct err err;
		size_t n;

		assert_int_equal(shard_append(s, &p, &f, &err), 0);
		assert_int_equal(shard_commit(s, &err), 0);
		g = shard_segments(s, &n);
		assert_int_equal(g[n - 1].layout, SEGMENT_LAYOUT);
		assert_int_equal(g[n - 1].n_flows, 1);
		assert_int_equal(g[n - 2].layout, 1);
		while (shard_seal_step(s, &err) == 1)
			continue;
		assert_true(g[n - 2].sealed);
		assert_int_equal(shard_finish(s, &err), 0);
		shard_close(s);
		assert_finished(path);
		after = flows_of(path);
		assert_int_equal(strncmp(after, before, strlen(before)), 0);
		row = rows_of(path,
		    "SELECT next_hop, input_if, output_if, src_as, dst_as, "
		    "src_mask, dst_mask, tos, quirks FROM flows "
		    "WHERE src_as = 65535 AND next_hop = 4294967295",
		    9);
		assert_string_equal(
		    row, "4294967295|65535|65534|65535|64512|255|32|254|31\n");
		free(row);
		free(before);
		free(after);
		free(path);
	}
}

static void
note(const struct check_finding *f, void *arg)
{
	buf_printf(arg, "%s: %s: %s\n", f->where, f->what, f->todo);
}

static void
check(const char *dir, bool repair, struct check_result *result)
{
	/* The day behind them: what was open then is still under way. */
	const struct check_options o = {.full = true,
	    .repair = repair,
	    .now_ms = INT64_C(19784) * MS_PER_DAY};
	struct buf text;
	struct err err;

	buf_init(&text, 1 << 16);
	if (check_store(dir, &o, note, &text, result, &err) != 0)
		fail_msg("%s", err.text);
	if (result->n_findings > result->n_mended)
		fail_msg("%s", buf_str(&text));
	buf_release(&text);
}

static void
check_tells_of_them_and_renews_them(void **state)
{
	struct check_result r;
	char *path[ARRAY_LEN(kept)];

	for (size_t i = 0; i < ARRAY_LEN(kept); i++)
		path[i] = unpack(*state, i);
	assert_int_equal(catalog_refresh(*state, NULL), 0);
	check(*state, false, &r);
	assert_int_equal(r.n_findings, 0);
	assert_int_equal(r.n_old, ARRAY_LEN(kept));
	assert_int_equal(r.n_renewed, 0);
	check(*state, true, &r);
	assert_int_equal(r.n_old, ARRAY_LEN(kept));
	assert_int_equal(r.n_renewed, ARRAY_LEN(kept));
	check(*state, false, &r);
	assert_int_equal(r.n_findings, 0);
	assert_int_equal(r.n_old, 0);
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		struct stat st;

		assert_version(path[i], SHARD_VERSION);
		assert_int_equal(stat(path[i], &st), 0);
		assert_int_equal((st.st_mode & 0200) == 0, kept[i].finished);
		free(path[i]);
	}
}

/* Damaged, what can be read is saved in the newest version. */
static void
damaged_they_are_saved_in_the_newest_version(void **state)
{
	static const char junk[100] = "junk";
	char *path = unpack(*state, 0), *rows;
	int64_t page =
	    days_int(path, "SELECT pageno FROM dbstat WHERE name = 'flow_0002' "
			   "AND pagetype = 'leaf' LIMIT 1");
	char *want = rows_of(path,
	    "SELECT src_as, dst_as, src_mask, dst_mask, tos, quirks, next_hop, "
	    "input_if, output_if, src_addr FROM flow_0001",
	    10);
	struct check_result r;

	assert_int_equal(chmod(path, 0644), 0);
	days_write(path, (page - 1) * 8192, junk, sizeof junk);
	assert_int_equal(chmod(path, 0444), 0);
	check(*state, true, &r);
	assert_true(r.n_mended > 0);
	assert_version(path, SHARD_VERSION);
	assert_finished(path);
	rows = rows_of(path,
	    "SELECT src_as, dst_as, src_mask, dst_mask, tos, quirks, next_hop, "
	    "input_if, output_if, src_addr FROM flows LIMIT "
	    "(SELECT count(*) FROM flow_0001)",
	    10);
	assert_string_equal(rows, want);
	assert_in_range(days_int(path, "SELECT count(*) FROM flows"), 2200,
	    kept[0].n_flows - 1);
	free(rows);
	free(want);
	free(path);
}

/* ---- in trouble ---- */

static void
pause_us(long us)
{
	struct timespec ts = {.tv_nsec = us * 1000};

	nanosleep(&ts, NULL);
}

/* A reader as well as who writes finds it whole. */
static void
assert_readable(const char *path, const char *want)
{
	struct shard *s;
	struct err err;
	char *got;

	if (shard_open_read(&s, path, &err) != 0)
		fail_msg("%s", err.text);
	shard_close(s);
	assert_in_range(
	    days_int(path, "PRAGMA user_version"), 1, SHARD_VERSION);
	got = flows_of(path);
	assert_string_equal(got, want);
	free(got);
}

static void
killed_it_leaves_the_old_or_the_new(void **state)
{
	char *path = unpack(*state, 0), *want = flows_of(path), *got;

	free(path);
	for (long i = 0; i < 60; i++) {
		pid_t pid;
		struct shard *s;
		struct err err;

		path = unpack(*state, 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			s = open_write(path);
			_exit(shard_finish(s, &err) == 0 ? 0 : 1);
		}
		pause_us(i * 400);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);

		assert_readable(path, want);
		s = open_write(path);
		assert_int_equal(shard_finish(s, &err), 0);
		shard_close(s);
		assert_version(path, SHARD_VERSION);
		assert_finished(path);
		got = flows_of(path);
		assert_string_equal(got, want);
		free(got);
		free(path);
	}
	free(want);
}

/* No room for a migration: the transaction is taken back whole. */
static void
without_room_it_stays_as_it_was(void **state)
{
	static const struct migration steps[] = {
	    {2, "CREATE TABLE t (a); INSERT INTO t VALUES (1)"},
	    {3, "CREATE TABLE u (a); INSERT INTO u VALUES (zeroblob(99999))"},
	};
	char *path = xasprintf("%s/a.db", (const char *)*state);
	struct db *db;
	struct err err;
	int64_t n;

	assert_int_equal(db_open(&db, path, DB_CREATE, &err), 0);
	assert_int_equal(db_exec(db,
			     "CREATE TABLE s (a); PRAGMA user_version = 1;"
			     "PRAGMA max_page_count = 5",
			     &err),
	    0);
	assert_int_equal(migrate(db, 1, steps, 2, NULL, NULL, &err), ERR_FULL);
	assert_int_equal(db_get_int(db, "PRAGMA user_version", 0, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(
	    db_get_int(db, "SELECT count(*) FROM sqlite_schema", 0, &n, &err),
	    0);
	assert_int_equal(n, 1);
	assert_int_equal(db_exec(db, "PRAGMA max_page_count = 1000", &err), 0);
	/* From the version between, too: only what is missing is done. */
	assert_int_equal(migrate(db, 1, steps, 1, NULL, NULL, &err), 0);
	assert_int_equal(migrate(db, 2, steps, 2, NULL, NULL, &err), 0);
	assert_int_equal(migrate(db, 3, steps, 2, NULL, NULL, &err), 0);
	assert_int_equal(db_get_int(db, "PRAGMA user_version", 0, &n, &err), 0);
	assert_int_equal(n, 3);
	db_close(db);
	free(path);
}

static void
newer_ones_are_refused_by_name(void **state)
{
	char *path = unpack(*state, 1);
	char *sql = xasprintf("PRAGMA user_version = %d", SHARD_VERSION + 1);
	struct shard *s;
	struct err err;

	days_exec(path, sql);
	assert_int_equal(shard_open_write(&s, path, 0, &err), ERR_NEWER);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(shard_open_read(&s, path, &err), 0);
	assert_int_equal(shard_begin_read(s, &err), ERR_NEWER);
	assert_non_null(strstr(err.text, "upgrade weir"));
	shard_close(s);
	free(sql);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(earlier_versions_are_read_as_they_are),
	    in_store(minutes_of_earlier_versions_are_summed),
	    in_store(renewed_they_say_the_same),
	    in_store(renewed_they_have_the_newest_tables),
	    in_store(renewed_they_take_flows),
	    in_store(check_tells_of_them_and_renews_them),
	    in_store(damaged_they_are_saved_in_the_newest_version),
	    in_store(killed_it_leaves_the_old_or_the_new),
	    in_store(without_room_it_stays_as_it_was),
	    in_store(newer_ones_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
