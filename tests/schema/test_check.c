/* SPDX-License-Identifier: ISC */
/* Damage of every kind is found, and mended as far as it can be. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "schema/base/buf.h"
#include "schema/catalog.h"
#include "schema/check.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { DAY = 20000, N_DATAGRAMS = 900, ROWS = 4500, PAGE = 8192 };
static const int64_t NOW_MS = INT64_C(20002) * MS_PER_DAY;

struct found {
	struct buf text; /* a line for each finding */
	struct check_result result;
};

/* One finished day of two segments and 9,000 flows, in the catalog. */
static void
fill(const char *dir)
{
	struct err err;

	days_finish(dir, DAY, N_DATAGRAMS, ROWS);
	if (catalog_refresh(dir, &err) != 0)
		fail_msg("%s", err.text);
}

static char *
shard_file(const char *dir)
{
	return store_shard_path(dir, DAY);
}

static void
note(const struct check_finding *f, void *arg)
{
	buf_printf(arg, "%s: %s: %s\n", f->where, f->what, f->todo);
}

static void
check(struct found *f, const char *dir, bool full, bool repair)
{
	const struct check_options o = {
	    .full = full, .repair = repair, .now_ms = NOW_MS};
	struct err err;

	buf_init(&f->text, 1 << 16);
	if (check_store(dir, &o, note, &f->text, &f->result, &err) != 0)
		fail_msg("%s", err.text);
}

static void
expect_clean(const char *dir)
{
	struct found f;

	check(&f, dir, true, false);
	if (f.result.n_findings != 0)
		fail_msg("%s", buf_str(&f.text));
	buf_release(&f.text);
}

/* It is found, with these words; repairing mends all; then it is clean. */
static void
expect_mended(const char *dir, bool full, const char *what, const char *done)
{
	struct found f;

	check(&f, dir, full, false);
	if (f.result.n_findings == 0 || f.result.n_mended != 0 ||
	    strstr(buf_str(&f.text), what) == NULL)
		fail_msg("%s, not %s", buf_str(&f.text), what);
	buf_release(&f.text);
	check(&f, dir, full, true);
	if (f.result.n_findings == 0 ||
	    f.result.n_mended != f.result.n_findings ||
	    strstr(buf_str(&f.text), done) == NULL)
		fail_msg("%s, not %s", buf_str(&f.text), done);
	buf_release(&f.text);
	expect_clean(dir);
}

static size_t
count_files(const char *dir, const char *part)
{
	char *folder = xasprintf("%s/shards", dir);
	DIR *d = opendir(folder);
	const struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += strstr(e->d_name, part) != NULL;
	closedir(d);
	free(folder);
	return n;
}

static void
exec_in_shard(const char *dir, const char *sql)
{
	char *path = shard_file(dir);

	assert_int_equal(chmod(path, 0644), 0);
	days_exec(path, sql);
	assert_int_equal(chmod(path, 0444), 0);
	free(path);
	assert_int_equal(catalog_rebuild(dir, NULL), 0);
}

static int64_t
shard_int(const char *dir, const char *sql)
{
	char *path = shard_file(dir);
	int64_t n = days_int(path, sql);

	free(path);
	return n;
}

static void
a_whole_store_has_no_findings(void **state)
{
	struct shard *s;

	expect_clean(*state); /* nothing in it */
	fill(*state);
	days_finish(*state, DAY + 1, 0, 0);
	assert_int_equal(catalog_refresh(*state, NULL), 0);
	/* today, being written to, with a sealed and a live segment */
	s = days_open(*state, DAY + 2, 3, 20);
	assert_int_equal(shard_seal_step(s, NULL), 1);
	expect_clean(*state);
	shard_close(s);
}

static void
a_dropped_index_is_built(void **state)
{
	fill(*state);
	exec_in_shard(*state, "DROP INDEX flow_0002_dst_port");
	expect_mended(*state, false, "segment 2: no index on dst_port",
	    "no index on dst_port: mended");
	assert_int_equal(
	    shard_int(*state, "SELECT count(*) FROM sqlite_schema WHERE "
			      "name = 'flow_0002_dst_port'"),
	    1);
}

static void
wrong_bounds_are_corrected(void **state)
{
	static const struct {
		const char *sql;
		bool full; /* it takes that to find it */
		const char *what;
	} rows[] = {
	    {"UPDATE segment SET n_flows = 4499 WHERE id = 1", false,
		"segment 1: its rows are not as many"},
	    {"UPDATE segment SET max_end_ms = max_end_ms - 1 WHERE id = 2",
		false, "segment 2: its bounds are not"},
	    {"UPDATE segment SET min_end_ms = min_end_ms + 1 WHERE id = 2",
		false, "segment 2: its bounds are not"},
	    {"UPDATE segment SET min_start_ms = 5 WHERE id = 1", true,
		"segment 1: earliest start is 1728000000000, table segment "
		"says 5"},
	    {"UPDATE segment SET max_start_ms = 5 WHERE id = 1", true,
		"segment 1: latest start is "},
	    {"UPDATE segment SET max_duration_ms = 5 WHERE id = 1", true,
		"segment 1: longest duration is 500, table segment says 5"},
	};

	fill(*state);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct found f;

		exec_in_shard(*state, rows[i].sql);
		check(&f, *state, false, false);
		assert_int_equal(f.result.n_findings > 0, !rows[i].full);
		buf_release(&f.text);
		expect_mended(*state, rows[i].full, rows[i].what, "mended");
	}
}

static void
datagrams_without_their_flows_go(void **state)
{
	fill(*state);
	exec_in_shard(*state,
	    "UPDATE packet SET first_flow_id = 4495 WHERE id = 7;"
	    "UPDATE packet SET n_flows = 11 WHERE id = 20;"
	    "UPDATE packet SET segment_id = 9 WHERE id = 30");
	expect_mended(*state, true,
	    "3 rows of table packet point to flows that are not theirs",
	    "mended");
	assert_int_equal(
	    shard_int(*state, "SELECT count(*) FROM packet"), 900 - 3);
}

static void
an_old_day_is_finished(void **state)
{
	char *path = shard_file(*state);
	struct stat st;

	shard_close(days_open(*state, DAY, 3, 0));
	expect_mended(*state, false, "the day is over", "finished");
	assert_int_equal(stat(path, &st), 0);
	assert_true(catalog_is_finished(&st));
	free(path);
}

/* ---- damage ---- */

/* The page where a b-tree begins. */
static long
root_page(const char *dir, const char *name)
{
	char *sql = xasprintf(
	    "SELECT rootpage FROM sqlite_schema WHERE name = '%s'", name);
	long page = (long)shard_int(dir, sql);

	free(sql);
	assert_true(page > 1);
	return page;
}

static void
overwrite(const char *dir, long page)
{
	static char junk[PAGE];
	char *path = shard_file(dir);

	memset(junk, 0xa5, sizeof junk);
	assert_int_equal(chmod(path, 0644), 0);
	days_write(path, (page - 1) * PAGE, junk, sizeof junk);
	assert_int_equal(chmod(path, 0444), 0);
	free(path);
	assert_int_equal(catalog_rebuild(dir, NULL), 0);
}

/* Some leaf of a table of two levels. */
static long
leaf_page(const char *dir, const char *table)
{
	char *path = shard_file(dir);
	FILE *f = fopen(path, "r");
	unsigned char page[PAGE];
	long root = root_page(dir, table);
	size_t cell;

	assert_non_null(f);
	assert_int_equal(fseek(f, (root - 1) * PAGE, SEEK_SET), 0);
	assert_int_equal(fread(page, 1, sizeof page, f), sizeof page);
	fclose(f);
	free(path);
	assert_int_equal(page[0], 5); /* an interior page of a table */
	/* the third child, SQLite's file format, "B-tree Pages" */
	cell = (size_t)page[12 + 4] << 8 | page[12 + 5];
	return (long)page[cell] << 24 | page[cell + 1] << 16 |
	       page[cell + 2] << 8 | page[cell + 3];
}

static void
what_can_be_read_of_a_damaged_shard_is_saved(void **state)
{
	int64_t left, sum;

	fill(*state);
	overwrite(*state, leaf_page(*state, "flow_0001"));
	expect_mended(*state, false, "damaged: ", " flows saved, ");
	assert_int_equal(count_files(*state, ".db.damaged-"), 1);
	left = shard_int(*state, "SELECT count(*) FROM flows");
	assert_in_range(left, 9000 - 300, 9000 - 1);
	/* none of the other segment is lost, none is there twice */
	assert_int_equal(
	    shard_int(*state, "SELECT count(*) FROM flow_0002"), 4500);
	assert_int_equal(
	    shard_int(*state, "SELECT count(DISTINCT src_addr) FROM flows"),
	    left);
	/* every datagram's flows are still its own: ten addresses in a row */
	sum = shard_int(*state,
	    "SELECT count(*) FROM packet AS p JOIN flow_0001 AS f ON f.id "
	    "BETWEEN p.first_flow_id AND p.first_flow_id + p.n_flows - 1 "
	    "WHERE p.segment_id = 1 AND f.src_addr / 10 = p.sequence");
	assert_int_equal(
	    sum, shard_int(*state, "SELECT count(*) FROM flow_0001"));
}

static void
an_overwritten_index_costs_no_flow(void **state)
{
	fill(*state);
	overwrite(*state, root_page(*state, "flow_0001_src_addr"));
	expect_mended(
	    *state, false, "damaged: ", "9000 flows saved, 0 known to be lost");
	assert_int_equal(shard_int(*state, "SELECT count(*) FROM flows"), 9000);
	assert_int_equal(shard_int(*state, "SELECT count(*) FROM packet"), 900);
}

static void
lost_sources_cost_no_flow(void **state)
{
	fill(*state);
	overwrite(*state, root_page(*state, "source"));
	expect_mended(*state, false, "malformed", "9000 flows saved");
	assert_int_equal(
	    shard_int(
		*state, "SELECT count(*) FROM flows WHERE exporter = 'lost 1'"),
	    9000);
}

/* Whatever tables a shard has beside its flows. */
static void
small_tables_are_saved(void **state)
{
	fill(*state);
	exec_in_shard(*state,
	    "INSERT INTO collector_minute SELECT value, 1, 2, 3, 4, 5, 6, 7, "
	    "8, 9, 10, 11, 12, 13, 14, 15 FROM json_each('[60000, 120000]');"
	    "INSERT INTO minute (minute_ms, exporter, engine_type, engine_id, "
	    "datagrams, flows, packets, octets, padded, lost, late, "
	    "duplicates, duplicate_flows, restarts, malformed, \"foreign\", "
	    "last_ms, clock_skew_ms, uptime_ms, sampling) "
	    "VALUES (60000, '192.0.2.1', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "
	    "12, 13, 14, 15, 16, 17, 18)");
	overwrite(*state, root_page(*state, "flow_0002_tcp_flags"));
	expect_mended(*state, false, "damaged: ", "9000 flows saved");
	assert_int_equal(
	    shard_int(*state,
		"SELECT sum(minute_ms + unknown) FROM collector_minute"),
	    180026);
	assert_int_equal(
	    shard_int(*state, "SELECT lost + restarts FROM minute WHERE "
			      "exporter = '192.0.2.1' AND sampling = 18"),
	    20);
}

static void
a_lost_segment_table_costs_no_flow(void **state)
{
	fill(*state);
	overwrite(*state, root_page(*state, "segment"));
	expect_mended(*state, false, "malformed", "9000 flows saved");
	assert_int_equal(shard_int(*state, "SELECT count(*) FROM segment"), 2);
}

static void
a_deleted_segment_row_costs_no_flow(void **state)
{
	fill(*state);
	exec_in_shard(*state, "DELETE FROM segment WHERE id = 1");
	expect_mended(*state, false, "table segment does not name the tables",
	    "9000 flows saved");
}

static void
an_entry_missing_in_an_index_is_found_by_the_full_check(void **state)
{
	struct found f;

	fill(*state);
	/* the schema is made to say that the index is another's */
	exec_in_shard(*state,
	    "CREATE INDEX other ON flow_0001 (octets);"
	    "PRAGMA writable_schema = ON;"
	    "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM "
	    "sqlite_schema WHERE name = 'other') "
	    "WHERE name = 'flow_0001_dst_port';"
	    "DELETE FROM sqlite_schema WHERE name = 'other'");
	exec_in_shard(*state, "UPDATE flow_0001 SET octets = 9 WHERE id = 5");
	check(&f, *state, true, false);
	assert_true(f.result.n_findings > 0);
	buf_release(&f.text);
	check(&f, *state, true, true);
	assert_int_equal(f.result.n_mended, f.result.n_findings);
	assert_non_null(strstr(buf_str(&f.text), "9000 flows saved"));
	buf_release(&f.text);
	expect_clean(*state);
}

static void
a_wrong_list_of_addresses_is_made_anew(void **state)
{
	char *path = catalog_path(*state);

	fill(*state);
	assert_true(shard_int(*state, "SELECT count(*) FROM address") > 1);
	exec_in_shard(*state, "DELETE FROM address WHERE block = 0");
	expect_mended(
	    *state, false, "rows of table address are missing", "mended");
	exec_in_shard(
	    *state, "UPDATE address SET bits = zeroblob(512) WHERE block = 1");
	expect_mended(
	    *state, true, " addresses are not in table address", "mended");
	days_exec(path, "UPDATE address SET bits = zeroblob(512)");
	expect_mended(
	    *state, false, "has a row with wrong addresses", "made anew");
	free(path);
}

static void
a_foreign_file_is_set_aside(void **state)
{
	char *path = shard_file(*state);

	for (int i = 0; i < 2; i++) {
		if (i == 0)
			days_write(
			    path, 0, "words, and no database at all", 29);
		else
			days_exec(path, "CREATE TABLE mine (a)");
		expect_mended(*state, false,
		    i == 0 ? "not a database" : "not one of weir's",
		    "0 flows saved");
		/* the one before is not overwritten */
		assert_int_equal(
		    count_files(*state, ".db.damaged-"), (size_t)i + 1);
		assert_int_equal(count_files(*state, ".db"), (size_t)i + 1);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	free(path);
}

static void
a_newer_shard_is_left_alone(void **state)
{
	struct found f;

	fill(*state);
	exec_in_shard(*state, "PRAGMA user_version = 99");
	check(&f, *state, false, true);
	assert_int_equal(f.result.n_findings, 1);
	assert_int_equal(f.result.n_mended, 0);
	assert_non_null(strstr(buf_str(&f.text), "newer weir"));
	assert_int_equal(shard_int(*state, "PRAGMA user_version"), 99);
	buf_release(&f.text);
}

/* ---- beside the shards ---- */

static void
the_catalog_is_made_anew(void **state)
{
	char *path = catalog_path(*state);

	fill(*state);
	days_finish(*state, DAY + 1, 1, 0);
	expect_mended(*state, false, "2024-10-05 has no row", "made anew");
	assert_int_equal(unlink(path), 0);
	expect_mended(*state, false, "catalog.db: is missing", "made anew");
	days_exec(path, "UPDATE shard SET max_end_ms = 5 WHERE day = 20000");
	expect_mended(*state, false, "2024-10-04 has a row with wrong bounds",
	    "made anew");
	days_exec(path, "UPDATE shard SET day = 7 WHERE day = 20000");
	expect_mended(*state, false, "1970-01-08 has a row, but", "made anew");
	days_write(path, 0, "words, and no database at all", 29);
	expect_mended(*state, false, "catalog.db: cannot be read", "made anew");
	free(path);
}

static void
leftovers_are_removed(void **state)
{
	static const char *const names[] = {"2024-10-01.db.removed",
	    "2024-10-01.db-wal", "2024-10-01.db-shm", "2024-10-01.db-journal",
	    "2024-10-04.db.copying", "2024-10-04.db.saving",
	    "2024-10-04.db.saving-wal"};

	fill(*state);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path =
		    xasprintf("%s/shards/%s", (char *)*state, names[i]);

		days_write(path, 0, "x", 1);
		expect_mended(*state, false, names[i], "removed");
		assert_int_not_equal(access(path, F_OK), 0);
		free(path);
	}
	assert_int_equal(count_files(*state, ".db"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(a_whole_store_has_no_findings),
	    in_store(a_dropped_index_is_built),
	    in_store(wrong_bounds_are_corrected),
	    in_store(datagrams_without_their_flows_go),
	    in_store(an_old_day_is_finished),
	    in_store(what_can_be_read_of_a_damaged_shard_is_saved),
	    in_store(an_overwritten_index_costs_no_flow),
	    in_store(lost_sources_cost_no_flow),
	    in_store(small_tables_are_saved),
	    in_store(a_lost_segment_table_costs_no_flow),
	    in_store(a_deleted_segment_row_costs_no_flow),
	    in_store(an_entry_missing_in_an_index_is_found_by_the_full_check),
	    in_store(a_wrong_list_of_addresses_is_made_anew),
	    in_store(a_foreign_file_is_set_aside),
	    in_store(a_newer_shard_is_left_alone),
	    in_store(the_catalog_is_made_anew),
	    in_store(leftovers_are_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
