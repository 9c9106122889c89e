/* SPDX-License-Identifier: ISC */
/* Shards on disk: what goes in comes out, sealed or not, whole or refused. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/store.h"
#include "tests/temp.h"

static int
make_folder(void **state)
{
	*state = temp_new();
	return 0;
}

static int
remove_folder(void **state)
{
	temp_remove(*state);
	return 0;
}

static char *
path_in(void **state, const char *name)
{
	return xasprintf("%s/%s", (const char *)*state, name);
}

/* Flow number i, every field another value. */
static struct flow
flow_number(uint32_t i)
{
	return (struct flow){
	    .start_ms = 1000 + i,
	    .end_ms = 5000 + 2 * (int64_t)i,
	    .src_addr = UINT32_MAX - i,
	    .dst_addr = 0x0a000000 + i,
	    .next_hop = 0xc0000201,
	    .packets = 7 + i,
	    .octets = UINT32_MAX - i,
	    .input_if = 8,
	    .output_if = 9,
	    .src_port = (uint16_t)(10 + i),
	    .dst_port = (uint16_t)(442 + i),
	    .src_as = 11,
	    .dst_as = 65535,
	    .tcp_flags = (uint8_t)(26 + i),
	    .protocol = 6,
	    .tos = 12,
	    .src_mask = 13,
	    .dst_mask = 14,
	    .quirks = QUIRK_CLOCK_ABSURD,
	};
}

static void
append(struct shard *s, uint32_t first, uint8_t n, const char *exporter)
{
	struct flow flows[30];
	struct packet p = {
	    .source = {.sampling = 0x400a, .engine_type = 1, .engine_id = 2},
	    .received_ms = 9000,
	    .unix_secs = 5,
	    .unix_nsecs = 6,
	    .uptime_ms = 7,
	    .sequence = first,
	    .n_flows = n};
	struct err err;

	assert_true(addr_parse(exporter, &p.source.exporter));
	for (uint32_t i = 0; i < n; i++)
		flows[i] = flow_number(first + i);
	if (shard_append(s, &p, flows, &err) != 0)
		fail_msg("%s", err.text);
}

static struct shard *
open_new(const char *path, uint64_t full_rows)
{
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, full_rows, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static int64_t
query_int(const char *path, const char *sql)
{
	struct db *db;
	struct err err;
	int64_t value;

	if (db_open(&db, path, DB_READ, &err) != 0 ||
	    db_get_int(db, sql, -1, &value, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	db_close(db);
	return value;
}

/* All rows of a query, '|' between columns, a newline behind each row. */
static char *
query_text(const char *path, const char *sql, int n_columns)
{
	char *text = xstrdup("");
	struct stmt *q;
	struct db *db;
	struct err err;
	int rc;

	if (db_open(&db, path, DB_READ, &err) != 0 ||
	    db_prepare(db, sql, &q, &err) != 0)
		fail_msg("%s: %s", sql, err.text);
	while ((rc = stmt_step(q, &err)) == 1) {
		for (int c = 0; c < n_columns; c++) {
			char *more = xasprintf(
			    "%s%s%s", text, c > 0 ? "|" : "", stmt_text(q, c));

			free(text);
			text = more;
		}
		char *line = xasprintf("%s\n", text);

		free(text);
		text = line;
	}
	assert_int_equal(rc, 0);
	stmt_finalize(q);
	db_close(db);
	return text;
}

static void
every_field_comes_back(void **state)
{
	char *path = path_in(state, "a.db"), *text;
	struct shard *s = open_new(path, 0);
	struct err err;

	append(s, 1, 1, "192.0.2.7");
	assert_int_equal(shard_commit(s, &err), 0);
	shard_close(s);
	text = query_text(path, "SELECT * FROM flows", 24);
	assert_string_equal(text,
	    "192.0.2.7|1|2|16394|4294967294|167772161|3221225985|8|9|8|"
	    "4294967294|1001|5002|4001|11|443|27|6|12|11|65535|13|14|8\n");
	free(text);
	text = query_text(path, "SELECT * FROM flows_text", 24);
	assert_string_equal(text,
	    "192.0.2.7|1|2|16394|255.255.255.254|10.0.0.1|192.0.2.1|8|9|8|"
	    "4294967294|1970-01-01T00:00:01.001Z|1970-01-01T00:00:05.002Z|"
	    "4001|11|443|...AP.SF|6|12|11|65535|13|14|clock-absurd\n");
	free(text);
	text = query_text(path,
	    "SELECT segment_id, first_flow_id, n_flows, source_id, "
	    "received_ms, unix_secs, unix_nsecs, uptime_ms, sequence "
	    "FROM packet",
	    9);
	assert_string_equal(text, "1|1|1|1|9000|5|6|7|1\n");
	free(text);
	free(path);
}

/* flows_text spells the quirks in SQL: the same names as in C. */
static void
the_view_for_people_names_every_quirk(void **state)
{
	char *path = path_in(state, "a.db");
	struct shard *s = open_new(path, 0);
	struct packet p = {.source.exporter.family = 4, .n_flows = 1};
	struct err err;

	for (unsigned quirks = 0; quirks < 1u << N_QUIRKS; quirks++) {
		struct flow f = flow_number(0);

		f.quirks = (uint8_t)quirks;
		assert_int_equal(shard_append(s, &p, &f, &err), 0);
	}
	assert_int_equal(shard_commit(s, &err), 0);
	shard_close(s);
	for (unsigned quirks = 0; quirks < 1u << N_QUIRKS; quirks++) {
		char names[QUIRKS_TEXT_LEN];
		char *sql = xasprintf("SELECT quirks FROM flows_text "
				      "LIMIT 1 OFFSET %u",
		    quirks);
		char *text = query_text(path, sql, 1);

		quirks_format((uint8_t)quirks, names);
		assert_int_equal(strlen(text), strlen(names) + 1);
		assert_memory_equal(text, names, strlen(names));
		free(text);
		free(sql);
	}
	free(path);
}

/* Packed or not: what a client compares with text is found. */
static void
the_view_compares_as_columns_do(void **state)
{
	static const char *const columns[] = {"src_addr", "input_if",
	    "output_if", "next_hop", "src_as", "dst_as", "src_mask", "dst_mask",
	    "tos", "quirks"};
	char *path = path_in(state, "a.db");
	struct shard *s = open_new(path, 0);
	struct err err;

	append(s, 1, 1, "192.0.2.7");
	assert_int_equal(shard_commit(s, &err), 0);
	shard_close(s);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		char *sql = xasprintf("SELECT count(*) FROM flows WHERE %s = "
				      "CAST((SELECT %s FROM flows) AS TEXT)",
		    columns[i], columns[i]);

		if (query_int(path, sql) != 1)
			fail_msg("%s", columns[i]);
		free(sql);
	}
	free(path);
}

static void
uncommitted_flows_are_not_seen(void **state)
{
	char *path = path_in(state, "a.db");
	struct shard *s = open_new(path, 0);
	struct err err;

	append(s, 0, 30, "192.0.2.7");
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 0);
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 30);
	append(s, 30, 30, "192.0.2.7");
	shard_close(s);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 30);
	free(path);
}

static void
segments_fill_seal_and_keep_their_bounds(void **state)
{
	char *path = path_in(state, "a.db"), *text;
	struct shard *s = open_new(path, 60);
	const struct segment *g;
	struct err err;
	size_t n;
	int rc, steps = 0;

	for (uint32_t i = 0; i < 5; i++)
		append(s, i * 30, 30, "192.0.2.7");
	assert_int_equal(shard_commit(s, &err), 0);
	while ((rc = shard_seal_step(s, &err)) == 1)
		steps++;
	assert_int_equal(rc, 0);
	assert_int_equal(steps, 2 * 7);
	g = shard_segments(s, &n);
	assert_int_equal(n, 3);
	assert_true(g[0].sealed && g[1].sealed && !g[2].sealed);
	assert_int_equal(g[1].n_flows, 60);
	assert_int_equal(g[1].min_start_ms, 1060);
	assert_int_equal(g[1].max_start_ms, 1119);
	assert_int_equal(g[1].min_end_ms, 5120);
	assert_int_equal(g[1].max_end_ms, 5238);
	assert_int_equal(g[2].n_flows, 30);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 150);
	assert_int_equal(
	    query_int(path, "SELECT count(*) FROM sqlite_schema "
			    "WHERE type = 'index' AND tbl_name LIKE 'flow_%'"),
	    12);
	shard_close(s);

	/* The same bounds are read back. */
	text = query_text(path, "SELECT * FROM segment", 8);
	assert_string_equal(text, "1|1|60|1000|1059|5000|5118|4059\n"
				  "2|1|60|1060|1119|5120|5238|4119\n"
				  "3|0|30|1120|1149|5240|5298|4149\n");
	free(text);
	free(path);
}

static void
the_view_uses_the_indexes_of_sealed_segments(void **state)
{
	static const char *const columns[] = {"end_ms", "src_addr", "dst_addr",
	    "src_port", "dst_port", "tcp_flags"};
	char *path = path_in(state, "a.db");
	struct shard *s = open_new(path, 30);
	struct err err;

	append(s, 0, 30, "192.0.2.7");
	append(s, 30, 30, "192.0.2.7");
	assert_int_equal(shard_finish(s, &err), 0);
	shard_close(s);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		char *sql = xasprintf("EXPLAIN QUERY PLAN SELECT src_addr, "
				      "count(*) FROM flows WHERE %s = 443 "
				      "GROUP BY 1",
		    columns[i]);
		char *plan = query_text(path, sql, 4);
		char *want1 = xasprintf("flow_0001_%s ", columns[i]);
		char *want2 = xasprintf("flow_0002_%s ", columns[i]);

		if (strstr(plan, want1) == NULL || strstr(plan, want2) == NULL)
			fail_msg("%s: %s", columns[i], plan);
		free(sql);
		free(plan);
		free(want1);
		free(want2);
	}
	free(path);
}

static void
a_finished_day_is_one_plain_read_only_file(void **state)
{
	char *path = path_in(state, "a.db");
	char *wal = path_in(state, "a.db-wal");
	struct shard *s = open_new(path, 0);
	struct stat st;
	struct err err;

	append(s, 0, 30, "192.0.2.7");
	assert_int_equal(shard_finish(s, &err), 0);
	shard_close(s);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_not_equal(access(wal, F_OK), 0);
	assert_int_equal(query_int(path, "SELECT min(sealed) FROM segment"), 1);

	/* Late flows may still be added. */
	s = open_new(path, 0);
	append(s, 30, 30, "192.0.2.8");
	assert_int_equal(shard_finish(s, &err), 0);
	shard_close(s);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 60);
	assert_int_equal(query_int(path, "SELECT count(*) FROM source"), 2);
	free(path);
	free(wal);
}

/* As a folder of five-minute files does, imported one at a time. */
static void
many_small_additions_make_no_segments_of_their_own(void **state)
{
	char *path = path_in(state, "a.db");
	struct err err;

	for (uint32_t i = 0; i < 40; i++) {
		struct shard *s = open_new(path, 90);

		append(s, i * 7, 7, "192.0.2.7");
		assert_int_equal(shard_finish(s, &err), 0);
		shard_close(s);
	}
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 280);
	assert_int_equal(query_int(path, "SELECT count(*) FROM segment"), 4);
	assert_int_equal(query_int(path, "SELECT min(sealed) FROM segment"), 1);
	assert_int_equal(
	    query_int(path, "SELECT count(*) FROM flow_0001 INDEXED BY "
			    "flow_0001_dst_port WHERE dst_port >= 442"),
	    91);
	assert_int_equal(
	    query_int(path, "SELECT max_end_ms FROM segment WHERE id = 4"),
	    5000 + 2 * 279);
	free(path);
}

static void
readers_keep_their_moment(void **state)
{
	char *path = path_in(state, "a.db");
	struct shard *w = open_new(path, 30), *r;
	struct err err;
	size_t n;

	append(w, 0, 30, "192.0.2.7");
	assert_int_equal(shard_commit(w, &err), 0);
	assert_int_equal(shard_open_read(&r, path, &err), 0);
	assert_int_equal(shard_begin_read(r, &err), 0);
	append(w, 30, 30, "192.0.2.8");
	assert_int_equal(shard_commit(w, &err), 0);
	assert_int_equal(shard_seal_step(w, &err), 1);
	shard_segments(r, &n);
	assert_int_equal(n, 1);
	shard_sources(r, &n);
	assert_int_equal(n, 1);
	shard_end_read(r);
	assert_int_equal(shard_begin_read(r, &err), 0);
	shard_segments(r, &n);
	assert_int_equal(n, 2);
	shard_sources(r, &n);
	assert_int_equal(n, 2);
	shard_end_read(r);
	shard_close(r);
	shard_close(w);
	free(path);
}

static void
a_full_disk_takes_back_the_whole_transaction(void **state)
{
	char *path = path_in(state, "a.db");
	struct shard *s = open_new(path, 0);
	struct err err;
	int rc = 0;

	append(s, 0, 30, "192.0.2.7");
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(
	    db_exec(shard_db(s), "PRAGMA max_page_count = 40", &err), 0);
	for (uint32_t i = 1; i < 10000 && rc == 0; i++) {
		struct flow f = flow_number(i);
		struct packet p = {.n_flows = 1};

		assert_true(addr_parse("192.0.2.9", &p.source.exporter));
		rc = shard_append(s, &p, &f, &err);
	}
	assert_int_equal(rc, ERR_FULL);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 30);

	/* There is room again: it goes on as if nothing had been. */
	assert_int_equal(
	    db_exec(shard_db(s), "PRAGMA max_page_count = 100000", &err), 0);
	append(s, 30, 30, "192.0.2.9");
	assert_int_equal(shard_commit(s, &err), 0);
	assert_int_equal(query_int(path, "SELECT count(*) FROM flows"), 60);
	assert_int_equal(query_int(path, "SELECT max(id) FROM flow_0001"), 60);
	assert_int_equal(query_int(path, "SELECT count(*) FROM source"), 2);
	shard_close(s);
	free(path);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void
files_that_are_no_shard_are_refused_by_name(void **state)
{
	char *junk = path_in(state, "junk.db");
	char *other = path_in(state, "other.db");
	char *newer = path_in(state, "newer.db");
	const struct {
		const char *path;
		int code;
		const char *words;
	} cases[] = {
	    {junk, ERR_CORRUPT, "not a database"},
	    {other, ERR_CORRUPT, "not one of weir's"},
	    {newer, ERR_NEWER, "upgrade"},
	};
	struct shard *s;
	struct db *db;
	struct err err;

	write_file(junk, "This is a text, of more than a header's length, and "
			 "not at all a database of whatever kind. ..........");
	assert_int_equal(db_open(&db, other, DB_CREATE, &err), 0);
	assert_int_equal(db_exec(db, "CREATE TABLE t (x)", &err), 0);
	db_close(db);
	shard_close(open_new(newer, 0));
	assert_int_equal(db_open(&db, newer, DB_WRITE, &err), 0);
	assert_int_equal(db_exec(db, "PRAGMA user_version = 99", &err), 0);
	db_close(db);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = shard_open_write(&s, cases[i].path, 0, &err);

		if (rc != cases[i].code ||
		    strstr(err.text, cases[i].path) == NULL ||
		    strstr(err.text, cases[i].words) == NULL)
			fail_msg("write %d: %s", rc, err.text);
		rc = shard_open_read(&s, cases[i].path, &err);
		if (rc == 0) {
			rc = shard_begin_read(s, &err);
			shard_close(s);
		}
		if (rc != cases[i].code ||
		    strstr(err.text, cases[i].path) == NULL)
			fail_msg("read %d: %s", rc, err.text);
	}
	free(junk);
	free(other);
	free(newer);
}

static void
an_empty_file_reads_as_an_empty_shard(void **state)
{
	char *path = path_in(state, "a.db");
	struct shard *s;
	struct err err;
	size_t n = 7;

	write_file(path, "");
	assert_int_equal(shard_open_read(&s, path, &err), 0);
	assert_int_equal(shard_begin_read(s, &err), 0);
	shard_segments(s, &n);
	assert_int_equal(n, 0);
	shard_close(s);
	free(path);
}

static void
a_store_lists_shards_by_day_and_nothing_else(void **state)
{
	static const char *const names[] = {"2026-11-23.db", "1969-12-31.db",
	    "2026-11-23.db-wal", "2026-02-31.db", "notes.txt", ".db",
	    "2024-02-29.db"};
	struct store_list list;
	struct err err;
	int fd;

	assert_int_equal(store_lock(&fd, *state, &err), 0);
	close(fd);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char *path =
		    xasprintf("%s/shards/%s", (const char *)*state, names[i]);

		write_file(path, "");
		free(path);
	}
	assert_int_equal(store_list(&list, *state, &err), 0);
	assert_int_equal(list.n, 3);
	assert_int_equal(list.shard[0].day, -1);
	assert_non_null(strstr(list.shard[1].path, "/shards/2024-02-29.db"));
	assert_non_null(strstr(list.shard[2].path, "/shards/2026-11-23.db"));
	store_list_release(&list);
}

static void
a_missing_folder_is_an_error_with_its_name(void **state)
{
	char *path = path_in(state, "nowhere");
	struct store_list list;
	struct err err;

	assert_int_equal(store_list(&list, path, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, path));
	free(path);
}

static void
a_store_has_one_writer_at_a_time(void **state)
{
	struct err err;
	int fd, second;

	assert_int_equal(store_lock(&fd, *state, &err), 0);
	assert_int_equal(store_lock(&second, *state, &err), ERR_BUSY);
	assert_non_null(strstr(err.text, *state));
	close(fd);
	assert_int_equal(store_lock(&fd, *state, &err), 0);
	close(fd);
}

#define in_folder(f)                                                           \
	cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

static void
copy_file(const char *from, const char *to)
{
	static char data[1 << 20];
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(data, 1, sizeof data, in)) > 0)
		assert_int_equal(fwrite(data, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* A file and its journal as a killed writer leaves them: half a change in the
 * one, the way back in the other. */
static void
a_change_cut_short_is_taken_back(void **state)
{
	static const char half_a_change[] =
	    "PRAGMA cache_size = 1; BEGIN IMMEDIATE; DELETE FROM flow_0001;"
	    "CREATE TABLE spill AS WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL "
	    "SELECT i + 1 FROM n WHERE i < 3000) "
	    "SELECT i, hex(randomblob(100)) FROM n";
	char *whole = path_in(state, "whole.db");
	char *whole_journal = path_in(state, "whole.db-journal");
	char *cut = path_in(state, "cut.db");
	char *cut_journal = path_in(state, "cut.db-journal");
	struct shard *s;
	struct db *db;
	struct err err;
	int64_t n;

	assert_int_equal(shard_open_write(&s, whole, 0, &err), 0);
	append(s, 0, 30, "192.0.2.1");
	assert_int_equal(shard_finish(s, &err), 0);
	shard_close(s);
	assert_int_equal(chmod(whole, 0644), 0);
	assert_int_equal(db_open(&db, whole, DB_CREATE_PLAIN, &err), 0);
	assert_int_equal(db_exec(db, half_a_change, &err), 0);
	copy_file(whole, cut);
	copy_file(whole_journal, cut_journal);
	db_close(db);

	if (shard_open_write(&s, cut, 0, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(db_get_int(shard_db(s),
			     "SELECT count(*) FROM flow_0001", 0, &n, &err),
	    0);
	assert_int_equal(n, 30);
	append(s, 30, 30, "192.0.2.1");
	assert_int_equal(shard_commit(s, &err), 0);
	shard_close(s);
	assert_int_not_equal(access(cut_journal, F_OK), 0);
	free(whole);
	free(whole_journal);
	free(cut);
	free(cut_journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_folder(every_field_comes_back),
	    in_folder(the_view_for_people_names_every_quirk),
	    in_folder(the_view_compares_as_columns_do),
	    in_folder(uncommitted_flows_are_not_seen),
	    in_folder(segments_fill_seal_and_keep_their_bounds),
	    in_folder(the_view_uses_the_indexes_of_sealed_segments),
	    in_folder(a_finished_day_is_one_plain_read_only_file),
	    in_folder(many_small_additions_make_no_segments_of_their_own),
	    in_folder(readers_keep_their_moment),
	    in_folder(a_full_disk_takes_back_the_whole_transaction),
	    in_folder(files_that_are_no_shard_are_refused_by_name),
	    in_folder(an_empty_file_reads_as_an_empty_shard),
	    in_folder(a_store_lists_shards_by_day_and_nothing_else),
	    in_folder(a_missing_folder_is_an_error_with_its_name),
	    in_folder(a_store_has_one_writer_at_a_time),
	    in_folder(a_change_cut_short_is_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
