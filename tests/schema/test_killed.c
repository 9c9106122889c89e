/* SPDX-License-Identifier: ISC */
/*
 * Writers that are killed, or have no room, at any moment: what was committed
 * is there, readers see whole transactions, and who writes next ends the day.
 */
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

#include "schema/catalog.h"
#include "schema/check.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { DAY = 20000, PER_COMMIT = 30, ROWS = 300 };

/* A datagram: flow number i is from address i, and ends at i seconds. */
static int
append(struct shard *s, uint32_t first, struct err *err)
{
	struct packet p = {.source.exporter = addr_from_ip4(0xc0000201),
	    .n_flows = PER_COMMIT};
	struct flow flows[PER_COMMIT];

	for (uint32_t i = 0; i < PER_COMMIT; i++)
		flows[i] = (struct flow){.src_addr = first + i,
		    .dst_addr = (first + i) * 2654435761u,
		    .src_port = (uint16_t)(first + i),
		    .start_ms = (int64_t)DAY * MS_PER_DAY,
		    .end_ms = (int64_t)DAY * MS_PER_DAY +
			      (int64_t)(first + i) * MS_PER_S};
	return shard_append(s, &p, flows, err);
}

static uint64_t
count_flows(struct shard *s)
{
	const struct segment *g;
	uint64_t n = 0;
	size_t n_segments;

	g = shard_segments(s, &n_segments);
	for (size_t i = 0; i < n_segments; i++)
		n += g[i].n_flows;
	return n;
}

/* One transaction after the other, with all the sealing there is to do. */
static int
write_some(struct shard *s, uint32_t n_commits, int said, struct err *err)
{
	uint32_t first = (uint32_t)count_flows(s);
	int rc;

	for (uint32_t i = 0; i < n_commits; i++, first += PER_COMMIT) {
		if ((rc = append(s, first, err)) != 0 ||
		    (rc = shard_commit(s, err)) != 0)
			return rc;
		if (said >= 0 && write(said, &first, sizeof first) < 0)
			return ERR_SYSTEM;
		if ((rc = shard_seal_step(s, err)) < 0)
			return rc;
	}
	return 0;
}

static int
write_and_finish(const char *path, uint32_t n_commits, int said)
{
	struct shard *s;
	struct err err;
	int rc = shard_open_write(&s, path, ROWS, &err);

	if (rc != 0)
		return rc;
	if ((rc = write_some(s, n_commits, said, &err)) == 0)
		rc = shard_finish(s, &err);
	shard_close(s);
	return rc;
}

/* Flows 0 to n - 1, each once, n the whole of some transactions. */
static uint32_t
assert_whole(const char *path)
{
	int64_t n = days_int(path, "SELECT count(*) FROM flows");

	assert_int_equal(n % PER_COMMIT, 0);
	assert_int_equal(
	    days_int(path, "SELECT count(DISTINCT src_addr) FROM flows"), n);
	assert_int_equal(
	    days_int(path, "SELECT coalesce(max(src_addr) + 1, 0) FROM flows"),
	    n);
	assert_int_equal(
	    days_int(path, "SELECT coalesce(sum(n_flows), 0) FROM segment"), n);
	assert_int_equal(
	    days_int(path, "SELECT coalesce(sum(n_flows), 0) FROM packet"), n);
	return (uint32_t)n;
}

static void
note(const struct check_finding *f, void *arg)
{
	(void)arg;
	fail_msg("%s: %s: %s", f->where, f->what, f->todo);
}

static void
assert_sound(const char *dir)
{
	/* Its day is not over: an unfinished shard is no finding. */
	const struct check_options o = {
	    .full = true, .now_ms = INT64_C(20000) * MS_PER_DAY};
	struct check_result r;
	struct err err;

	if (catalog_refresh(dir, &err) != 0)
		fail_msg("%s", err.text);
	if (check_store(dir, &o, note, NULL, &r, &err) != 0)
		fail_msg("%s", err.text);
}

static void
assert_finished(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0444);
	assert_int_equal(days_int(path, "SELECT min(sealed) FROM segment"), 1);
	assert_int_equal(
	    days_int(path, "SELECT min(in_address) FROM segment"), 1);
}

/* ---- killed ---- */

/* All that the writer said was committed before it was gone. */
static uint32_t
read_said(int from, uint32_t before)
{
	uint32_t first;

	while (read(from, &first, sizeof first) == sizeof first)
		before = first + PER_COMMIT;
	close(from);
	return before;
}

static uint32_t
kill_after(const char *path, long us, uint32_t before)
{
	struct timespec ts = {.tv_nsec = us * 1000};
	int said[2];
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(said[0]);
		_exit(write_and_finish(path, 25, said[1]) == 0 ? 0 : 1);
	}
	close(said[1]);
	nanosleep(&ts, NULL);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return read_said(said[0], before);
}

static void
a_killed_writer_loses_nothing_committed(void **state)
{
	char *path = store_shard_path(*state, DAY);
	char *journal = xasprintf("%s-journal", path);
	uint32_t said = 0, n;

	for (long i = 0; i < 80; i++) {
		/* Shorter and longer, so that each step is hit. */
		said = kill_after(path, 500 + i * 7919 % 40000, said);
		if (access(path, F_OK) != 0)
			continue;
		/* Readers first, if they may. */
		if (access(journal, F_OK) != 0 && said > 0) {
			n = assert_whole(path);
			assert_true(n >= said);
			said = n;
			assert_sound(*state);
		}
	}
	assert_int_equal(write_and_finish(path, 1, -1), 0);
	n = assert_whole(path);
	assert_true(n > said);
	assert_finished(path);
	assert_sound(*state);
	free(path);
	free(journal);
}

/* ---- no room ---- */

static void
set_pages(struct shard *s, int64_t n)
{
	char *sql = xasprintf("PRAGMA max_page_count = %lld", (long long)n);
	struct err err;

	assert_int_equal(db_exec(shard_db(s), sql, &err), 0);
	free(sql);
}

/* Room for one page more each time that there is none: every step is refused
 * somewhere, and done in the end. */
static void
without_room_each_step_is_done_later(void **state)
{
	enum { N = 1500 };
	char *path = store_shard_path(*state, DAY);
	unsigned n_refused[2] = {0};
	int64_t n_pages = 1;
	struct shard *s;
	struct err err;
	int rc = 1;

	assert_int_equal(shard_open_write(&s, path, ROWS, &err), 0);
	while (rc != 0) {
		bool all = count_flows(s) == N;

		set_pages(s, n_pages);
		if (all)
			rc = shard_finish_step(s, &err);
		else if ((rc = write_some(s, 1, -1, &err)) == 0)
			rc = 1;
		if (rc >= 0)
			continue;
		assert_int_equal(rc, ERR_FULL);
		n_refused[all]++;
		n_pages++;
		assert_int_equal(count_flows(s), assert_whole(path));
	}
	assert_true(n_refused[0] > 20);
	assert_true(n_refused[1] > 5);
	shard_close(s);
	assert_int_equal(assert_whole(path), N);
	assert_finished(path);
	assert_sound(*state);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(a_killed_writer_loses_nothing_committed),
	    in_store(without_room_each_step_is_done_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
