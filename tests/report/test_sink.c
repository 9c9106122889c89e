/* SPDX-License-Identifier: ISC */
/* Output files are whole or not there, and every failure to write is told. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/sink.h"
#include "schema/base/mem.h"
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

static size_t
count_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
assert_content(const char *path, const char *want, size_t len)
{
	char *got = xcalloc(len + 2, 1);
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(got, 1, len + 2, f), len);
	assert_memory_equal(got, want, len);
	fclose(f);
	free(got);
}

static void
write_old(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs("old", f);
	fclose(f);
}

static void
file_appears_when_it_is_whole(void **state)
{
	char *path = path_in(state, "out");
	struct sink *s;
	struct err err;

	write_old(path);
	assert_int_equal(sink_open(&s, path, &err), 0);
	sink_puts(s, "new");
	sink_flush(s);
	assert_content(path, "old", 3);
	assert_int_equal(sink_close(s, &err), 0);
	assert_content(path, "new", 3);
	assert_int_equal(count_files(*state), 1);
	free(path);
}

static void
abandoned_file_leaves_the_old_one(void **state)
{
	char *path = path_in(state, "out");
	struct sink *s;
	struct err err;

	write_old(path);
	assert_int_equal(sink_open(&s, path, &err), 0);
	sink_puts(s, "new");
	sink_flush(s);
	sink_abandon(s);
	sink_abandon(NULL);
	assert_content(path, "old", 3);
	assert_int_equal(count_files(*state), 1);
	free(path);
}

/* Whoever is killed leaves nothing behind; where files must have a name, such
 * as on NFS, one beside what was there. */
static void
killed_it_leaves_nothing(void **state)
{
	char *path = path_in(state, "out");
	int status, fd = open(*state, O_TMPFILE | O_WRONLY, 0600);
	size_t n_left = fd < 0;
	pid_t pid;

	if (fd >= 0)
		close(fd);
	write_old(path);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct sink *s;
		struct err err;

		if (sink_open(&s, path, &err) != 0)
			_exit(1);
		sink_pad(s, 'x', 3 * SINK_SIZE);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(count_files(*state), 1 + n_left);
	assert_content(path, "old", 3);
	free(path);
}

static void
long_output_passes_the_buffer_in_order(void **state)
{
	enum { LEN = 3 * SINK_SIZE + 17 };
	char *path = path_in(state, "out");
	char *want = xcalloc(LEN, 1);
	size_t done = 0;
	struct sink *s;
	struct err err;

	for (size_t i = 0; i < LEN; i++)
		want[i] = (char)('a' + i % 23);
	assert_int_equal(sink_open(&s, path, &err), 0);
	/* By all ways in: single bytes, rooms, the rest at once. */
	for (; done < 5; done++)
		sink_putc(s, want[done]);
	for (; done < SINK_SIZE + 6; done += 7) {
		char *p = sink_room(s, 30);

		memcpy(p, want + done, 7);
		sink_end(s, p + 7);
	}
	sink_put(s, want + done, LEN - done);
	assert_int_equal(sink_close(s, &err), 0);
	assert_content(path, want, LEN);
	free(want);
	free(path);
}

static void
link_keeps_pointing_at_the_file(void **state)
{
	char *path = path_in(state, "out"), *link = path_in(state, "link");
	struct stat st;
	struct sink *s;
	struct err err;

	write_old(path);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(sink_open(&s, link, &err), 0);
	sink_puts(s, "new");
	assert_int_equal(sink_close(s, &err), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_content(path, "new", 3);
	free(path);
	free(link);
}

static void
file_has_the_mode_the_umask_says(void **state)
{
	char *path = path_in(state, "out");
	mode_t old = umask(027);
	struct stat st;
	struct sink *s;
	struct err err;

	assert_int_equal(sink_open(&s, path, &err), 0);
	assert_int_equal(sink_close(s, &err), 0);
	umask(old);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	free(path);
}

static void
device_is_written_not_replaced(void **state)
{
	struct stat st;
	struct sink *s;
	struct err err;

	(void)state;
	assert_int_equal(sink_open(&s, "/dev/null", &err), 0);
	sink_puts(s, "gone");
	assert_int_equal(sink_close(s, &err), 0);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
}

static void
full_disk_is_told(void **state)
{
	struct sink *s;
	struct err err;

	(void)state;
	assert_int_equal(sink_open(&s, "/dev/full", &err), 0);
	sink_puts(s, "no room");
	assert_int_equal(sink_check(s, &err), 0); /* nothing written yet */
	sink_flush(s);
	assert_int_equal(sink_check(s, &err), ERR_FULL);
	sink_puts(s, "still none");
	assert_int_equal(sink_close(s, &err), ERR_FULL);
	assert_string_equal(err.text, "/dev/full: No space left on device");
}

static void
full_disk_leaves_no_file(void **state)
{
	char *path = path_in(state, "out");
	struct sink *s;
	struct err err;
	int full = open("/dev/full", O_WRONLY);

	assert_true(full >= 0);
	assert_int_equal(sink_open(&s, path, &err), 0);
	assert_int_equal(dup2(full, s->fd), s->fd);
	close(full);
	sink_puts(s, "no room");
	assert_int_equal(sink_close(s, &err), ERR_FULL);
	assert_int_equal(count_files(*state), 0);
	free(path);
}

static void
reader_that_went_away_is_told_apart(void **state)
{
	char *path = path_in(state, "fifo");
	struct sink *s;
	struct err err;
	int reader;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(mkfifo(path, 0600), 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	assert_int_equal(sink_open(&s, path, &err), 0);
	close(reader);
	sink_puts(s, "hello?");
	assert_int_equal(sink_close(s, &err), ERR_STOPPED);
	assert_int_equal(count_files(*state), 1);
	free(path);
}

static void
folder_that_is_not_there_is_named(void **state)
{
	char *path = path_in(state, "no/such/out");
	struct sink *s;
	struct err err;

	assert_int_equal(sink_open(&s, path, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "No such file"));
	free(path);
}

#define WITH_FOLDER(test)                                                      \
	cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    WITH_FOLDER(file_appears_when_it_is_whole),
	    WITH_FOLDER(abandoned_file_leaves_the_old_one),
	    WITH_FOLDER(killed_it_leaves_nothing),
	    WITH_FOLDER(long_output_passes_the_buffer_in_order),
	    WITH_FOLDER(link_keeps_pointing_at_the_file),
	    WITH_FOLDER(file_has_the_mode_the_umask_says),
	    cmocka_unit_test(device_is_written_not_replaced),
	    cmocka_unit_test(full_disk_is_told),
	    WITH_FOLDER(full_disk_leaves_no_file),
	    WITH_FOLDER(reader_that_went_away_is_told_apart),
	    WITH_FOLDER(folder_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
