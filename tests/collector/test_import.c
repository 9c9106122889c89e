/* SPDX-License-Identifier: ISC */
/* import: what it prints, what is in the store afterwards, what it returns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/commands.h"
#include "collector/writer.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/store.h"
#include "tests/collector/run_main.h"
#include "tests/temp.h"

#define DATA "tests/data/"

struct fixture {
	char *dir;
	char *store; /* below dir, not there yet */
};

static int
setup(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);

	fx->dir = temp_new();
	fx->store = xasprintf("%s/store", fx->dir);
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;

	temp_remove(fx->dir);
	free(fx->store);
	free(fx);
	return 0;
}

static int64_t
ask_shard(const char *path, const char *sql)
{
	struct db *db;
	struct err err;
	int64_t n = -1;

	if (db_open(&db, path, DB_READ, &err) != 0 ||
	    db_get_int(db, sql, -1, &n, &err) != 0)
		fail_msg("%s", err.text);
	db_close(db);
	return n;
}

/* The sum of what sql gives in each shard. */
static int64_t
ask(const struct fixture *fx, const char *sql, size_t *n_shards)
{
	struct store_list list;
	struct err err;
	int64_t sum = 0;

	assert_int_equal(store_list(&list, fx->store, &err), 0);
	for (size_t i = 0; i < list.n; i++)
		sum += ask_shard(list.shard[i].path, sql);
	*n_shards = list.n;
	store_list_release(&list);
	return sum;
}

static void
must_hold(const struct fixture *fx, size_t shards, int64_t flows,
    int64_t packets, int64_t octets)
{
	size_t n;

	assert_int_equal(ask(fx, "SELECT count(*) FROM flows", &n), flows);
	assert_int_equal(n, shards);
	assert_int_equal(
	    ask(fx, "SELECT coalesce(sum(packets), 0) FROM flows", &n),
	    packets);
	assert_int_equal(
	    ask(fx, "SELECT coalesce(sum(octets), 0) FROM flows", &n), octets);
}

static void
each_file_is_summed_up_and_stored(void **state)
{
	const struct fixture *fx = *state;
	const char *args[] = {"import", DATA "softflowd-ndpi-mix.pcap", "-d",
	    fx->store, DATA "arkime_synthetic.pcap",
	    DATA "logstash-netflow5_test_invalid01.dat", NULL};
	struct run r;

	run_main(import_main, args, &r);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	assert_string_equal(r.out,
	    DATA "softflowd-ndpi-mix.pcap: 83 datagrams, 2429 flows, "
		 "20096 packets, 6349253 octets\n" DATA
		 "arkime_synthetic.pcap: 2 datagrams, 2 flows, 20 packets, "
		 "2000 octets; skipped: 2 NetFlow v7, 2 NetFlow v9, 2 IPFIX, "
		 "2 sFlow v5, 133 other UDP\n" DATA
		 "logstash-netflow5_test_invalid01.dat: 0 datagrams, 0 flows, "
		 "0 packets, 0 octets; malformed v5: 1 (record count 55582 not "
		 "in 1..30)\n");
	must_hold(fx, 2, 2431, 20116, 6351253);
}

static void
flows_go_to_the_day_of_their_export(void **state)
{
	static const struct {
		int32_t day; /* since the epoch */
		int64_t flows;
	} days[] = {{16580, 102}, {16636, 99}, {16719, 113}, {17179, 119},
	    {18167, 108}, {18315, 182}, {18368, 157}};
	const struct fixture *fx = *state;
	const char *args[] = {
	    "import", "-d", fx->store, DATA "softflowd-restarts.pcap", NULL};
	struct run r;

	run_main(import_main, args, &r);
	assert_int_equal(r.status, 0);
	must_hold(fx, ARRAY_LEN(days), 880, 7943, 3155141);
	for (size_t i = 0; i < ARRAY_LEN(days); i++) {
		char *path = store_shard_path(fx->store, days[i].day);

		assert_int_equal(ask_shard(path, "SELECT count(*) FROM flows"),
		    days[i].flows);
		free(path);
	}
}

static void
the_sender_is_kept_and_raw_files_have_none(void **state)
{
	const struct fixture *fx = *state;
	const char *args[] = {"import", "-d", fx->store,
	    DATA "pmacctd-multi-engine.pcap", DATA "goflow2-v5.bin", NULL};
	struct run r;
	size_t n;

	run_main(import_main, args, &r);
	assert_int_equal(r.status, 0);
	assert_int_equal(
	    ask(fx,
		"SELECT count(*) FROM flows_text WHERE exporter = '127.0.0.2'",
		&n),
	    2 * 2685);
	assert_int_equal(
	    ask(fx,
		"SELECT count(*) FROM flows_text WHERE exporter = '0.0.0.0'",
		&n),
	    6);
}

static void
a_bad_file_does_not_stop_the_next(void **state)
{
	const struct fixture *fx = *state;
	const char *args[] = {"import", "-d", fx->store, DATA "missing.pcap",
	    DATA "goflow2-v5.bin", NULL, NULL};
	struct run r;

	run_main(import_main, args, &r);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, DATA "missing.pcap: "));
	assert_non_null(strstr(r.out, "goflow2-v5.bin: 1 datagrams, 6 flows"));

	args[5] = DATA "dpkt-v1.bin";
	run_main(import_main, args, &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.err, DATA "missing.pcap: "));
	assert_non_null(strstr(r.err, DATA "dpkt-v1.bin: unknown format"));
	args[3] = DATA "dpkt-v1.bin";
	args[4] = DATA "lumbermill-v5.bin";
	args[5] = DATA "missing.pcap";
	run_main(import_main, args, &r);
	assert_int_equal(r.status, 2);
	assert_non_null(strstr(r.out, "lumbermill-v5.bin: 1 datagrams, 2 fl"));
	must_hold(fx, 2, 8, 27, 5140);
}

static void
what_comes_before_damage_is_stored(void **state)
{
	const struct fixture *fx = *state;
	char *path = xasprintf("%s/cut.bin", fx->dir);
	const char *args[] = {"import", "-d", fx->store, path, NULL};
	uint8_t data[2 * 312];
	FILE *f = fopen(DATA "goflow2-v5.bin", "rb");
	struct run r;

	assert_non_null(f);
	assert_int_equal(fread(data, 1, sizeof data, f), 312);
	fclose(f);
	memcpy(data + 312, data, 312);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, 500, f), 500);
	fclose(f);

	run_main(import_main, args, &r);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.err, "datagram at byte 312"));
	assert_non_null(strstr(r.out, "1 datagrams, 6 flows"));
	must_hold(fx, 1, 6, 25, 4975);
	free(path);
}

static void
a_store_in_use_is_left_alone(void **state)
{
	const struct fixture *fx = *state;
	const char *args[] = {"import", "-d", fx->store, DATA "goflow2-v5.bin",
	    DATA "goflow2-v5.bin", NULL};
	struct writer *w;
	struct err err;
	struct run r;

	assert_int_equal(writer_open(&w, fx->store, 0, &err), 0);
	run_main(import_main, args, &r);
	assert_int_equal(r.status, 1);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, fx->store));
	/* Said once, not for every file. */
	assert_ptr_equal(strchr(r.err, '\n'), strrchr(r.err, '\n'));
	assert_int_equal(writer_close(w, 0, &err), 0);
	must_hold(fx, 0, 0, 0, 0);
}

static void
wrong_usage_touches_nothing(void **state)
{
	const struct fixture *fx = *state;
	const char *const none[] = {"import", "-d", fx->store, NULL};
	const char *const unknown[] = {
	    "import", "-d", fx->store, "-x", DATA "goflow2-v5.bin", NULL};
	const char *const missing[] = {
	    "import", "-d", fx->store, DATA "missing.pcap", NULL};
	const char *const help[] = {"import", "-h", NULL};
	struct run r;

	run_main(import_main, none, &r);
	assert_int_equal(r.status, 2);
	assert_string_equal(r.err, "weir: import: no FILE given\n");
	run_main(import_main, unknown, &r);
	assert_int_equal(r.status, 2);
	run_main(import_main, missing, &r);
	assert_int_equal(r.status, 1);
	run_main(import_main, help, &r);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "examples:"));
	assert_string_equal(r.err, "");
	assert_int_not_equal(access(fx->store, F_OK), 0);
}

int
main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
	    IN_FOLDER(each_file_is_summed_up_and_stored),
	    IN_FOLDER(flows_go_to_the_day_of_their_export),
	    IN_FOLDER(the_sender_is_kept_and_raw_files_have_none),
	    IN_FOLDER(a_bad_file_does_not_stop_the_next),
	    IN_FOLDER(what_comes_before_damage_is_stored),
	    IN_FOLDER(a_store_in_use_is_left_alone),
	    IN_FOLDER(wrong_usage_touches_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
