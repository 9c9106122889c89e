/* SPDX-License-Identifier: ISC */
/*
 * A process that is killed at any moment of finishing a day: SQLite's own
 * calls to the system are counted, and at each of them in turn one is killed.
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
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "tests/schema/days.h"
#include "tests/temp.h"

enum { DAY = 20000, N_DATAGRAMS = 40, N_FLOWS = 400, MAX_CALLS = 5000 };

/* ---- dying ---- */

/* What SQLite would call, and calls to go until the end; this process alone. */
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_unlink)(const char *);
static int (*real_ftruncate)(int, off_t);
static long calls_left;
static const char *only_unlink_of; /* NULL: every call counts */

static void
count_call(const char *unlinked)
{
	if (only_unlink_of != NULL &&
	    (unlinked == NULL || strstr(unlinked, only_unlink_of) == NULL))
		return;
	if (calls_left-- == 0)
		raise(SIGKILL);
}

static ssize_t
dying_pwrite(int fd, const void *p, size_t len, off_t at)
{
	count_call(NULL);
	return real_pwrite(fd, p, len, at);
}

static int
dying_unlink(const char *path)
{
	count_call(path);
	return real_unlink(path);
}

static int
dying_ftruncate(int fd, off_t len)
{
	count_call(NULL);
	return real_ftruncate(fd, len);
}

static void
replace(const char *name, sqlite3_syscall_ptr with, sqlite3_syscall_ptr *real)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	sqlite3_syscall_ptr was = vfs->xGetSystemCall(vfs, name);

	if (was == NULL)
		return; /* SQLite was built to call another one */
	*real = was;
	if (vfs->xSetSystemCall(vfs, name, with) != SQLITE_OK)
		abort();
}

/* Finish the day, dying at that call. Does not return. */
static void
finish_and_die(const char *path, long calls, const char *unlink_of)
{
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, 0, &err) != 0)
		_exit(2);
	replace("pwrite", (sqlite3_syscall_ptr)dying_pwrite,
	    (sqlite3_syscall_ptr *)&real_pwrite);
	replace("pwrite64", (sqlite3_syscall_ptr)dying_pwrite,
	    (sqlite3_syscall_ptr *)&real_pwrite);
	replace("unlink", (sqlite3_syscall_ptr)dying_unlink,
	    (sqlite3_syscall_ptr *)&real_unlink);
	replace("ftruncate", (sqlite3_syscall_ptr)dying_ftruncate,
	    (sqlite3_syscall_ptr *)&real_ftruncate);
	calls_left = calls;
	only_unlink_of = unlink_of;
	if (shard_finish(s, &err) != 0)
		_exit(3);
	shard_close(s);
	_exit(0);
}

/* true: it was killed; false: it came to the end first. */
static bool
kill_at(const char *path, long calls, const char *unlink_of)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0)
		finish_and_die(path, calls, unlink_of);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		assert_int_equal(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status);
}

/* ---- what is left ---- */

static char *
fresh_day(const char *dir)
{
	char *path = store_shard_path(dir, DAY);
	static const char *const parts[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char *name = xasprintf("%s%s", path, parts[i]);

		(void)unlink(name);
		free(name);
	}
	shard_close(days_open(dir, DAY, N_DATAGRAMS, 0));
	return path;
}

static void
assert_whole(const char *path, long at)
{
	struct shard *s;
	struct err err;
	int64_t n;

	if (shard_open_read(&s, path, &err) != 0 ||
	    shard_begin_read(s, &err) != 0 ||
	    db_get_int(
		shard_db(s), "SELECT count(*) FROM flows", 0, &n, &err) != 0)
		fail_msg("killed at call %ld: %s", at, err.text);
	assert_int_equal(n, N_FLOWS);
	shard_end_read(s);
	shard_close(s);
}

static void
killed_at_any_call_readers_find_all_flows(void **state)
{
	bool killed = true;
	long at;

	for (at = 0; killed && at < MAX_CALLS; at++) {
		char *path = fresh_day(*state);
		struct shard *s;
		struct err err;

		killed = kill_at(path, at, NULL);
		assert_whole(path, at);
		if (shard_open_write(&s, path, 0, &err) != 0 ||
		    shard_finish(s, &err) != 0)
			fail_msg("killed at call %ld: %s", at, err.text);
		shard_close(s);
		assert_whole(path, at);
		free(path);
	}
	assert_false(killed);
	assert_true(at > 20); /* there were moments to be killed at */
}

/* Runs as somebody who may only read. Does not return. */
static void
read_as_another(const char *path)
{
	struct shard *s;
	struct err err;
	int rc;

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		_exit(2);
	rc = shard_open_read(&s, path, &err);
	_exit(
	    rc == ERR_SYSTEM && strstr(err.text, "weir check --repair") != NULL
		? 0
		: 1);
}

/* The moment at which the journal is all there and the file half changed. */
static void
a_journal_that_was_left_is_taken_back_by_who_may(void **state)
{
	char *path = fresh_day(*state);
	char *journal = xasprintf("%s-journal", path);
	char *shards = xasprintf("%s/shards", (const char *)*state);
	int status;
	pid_t pid;

	assert_true(kill_at(path, 0, "-journal"));
	assert_int_equal(access(journal, F_OK), 0);
	/* Others are told what to do. */
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(chmod(shards, geteuid() == 0 ? 0755 : 0555), 0);
	assert_int_equal(chmod(path, geteuid() == 0 ? 0644 : 0444), 0);
	assert_int_equal(chmod(journal, 0644), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		read_as_another(path);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(access(journal, F_OK), 0);
	/* For who may write it is as if nothing had happened. */
	assert_int_equal(chmod(shards, 0755), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_whole(path, 0);
	assert_int_not_equal(access(journal, F_OK), 0);
	free(shards);
	free(journal);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_store(killed_at_any_call_readers_find_all_flows),
	    in_store(a_journal_that_was_left_is_taken_back_by_who_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
