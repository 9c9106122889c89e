/* SPDX-License-Identifier: ISC */
/* The data folder: see store.h. */
#include "schema/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/db.h"

static int
by_day(const void *a, const void *b)
{
	int32_t x = ((const struct store_shard *)a)->day;
	int32_t y = ((const struct store_shard *)b)->day;

	return (x > y) - (x < y);
}

/* "2026-11-23.db" and nothing else (no -wal, no temporary files). */
static bool
parse_shard_name(const char *name, int32_t *day)
{
	char text[CLOCK_DAY_LEN];
	size_t len = strlen(name);

	if (len < 4 || len - 3 >= sizeof text ||
	    strcmp(name + len - 3, ".db") != 0)
		return false;
	memcpy(text, name, len - 3);
	text[len - 3] = '\0';
	return clock_parse_day(text, day);
}

int
store_list(struct store_list *out, const char *dir, struct err *err)
{
	struct store_list list = {0};
	char *path = xasprintf("%s/shards", dir);
	DIR *d = opendir(path);
	const struct dirent *entry;
	size_t cap = 0;
	int32_t day;

	if (d == NULL && (errno != ENOENT || access(dir, F_OK) != 0)) {
		int rc = err_sys(err, "data folder %s", dir);

		free(path);
		return rc;
	}
	while (d != NULL && (entry = readdir(d)) != NULL) {
		if (!parse_shard_name(entry->d_name, &day))
			continue;
		list.shard =
		    xgrow(list.shard, list.n, &cap, sizeof *list.shard);
		list.shard[list.n++] = (struct store_shard){
		    .day = day,
		    .path = store_shard_path(dir, day),
		};
	}
	if (d != NULL)
		closedir(d);
	free(path);
	if (list.n > 0)
		qsort(list.shard, list.n, sizeof *list.shard, by_day);
	*out = list;
	return 0;
}

void
store_list_release(struct store_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->shard[i].path);
	free(l->shard);
	*l = (struct store_list){0};
}

char *
store_shard_path(const char *dir, int32_t day)
{
	char text[CLOCK_DAY_LEN];

	clock_format_day(day, text);
	return xasprintf("%s/shards/%s.db", dir, text);
}

static int
make_folder(const char *path, struct err *err)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make folder %s", path);
	return 0;
}

/* The holder's process id stands in the file, for the message alone: the
 * lock itself is the kernel's and ends with the process. */
static int
refuse_locked(int fd, const char *dir, struct err *err)
{
	char pid[16] = "";
	ssize_t n = pread(fd, pid, sizeof pid - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return err_set(err, ERR_BUSY,
	    "data folder %s: process %s is writing to it; one at a time", dir,
	    pid);
}

int
store_lock(int *lock_fd, const char *dir, struct err *err)
{
	char *shards = xasprintf("%s/shards", dir);
	char *path = xasprintf("%s/lock", dir);
	int fd = -1, rc;

	if ((rc = make_folder(dir, err)) != 0 ||
	    (rc = make_folder(shards, err)) != 0)
		goto out;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0) {
		rc = err_sys(err, "%s", path);
		goto out;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		rc = refuse_locked(fd, dir, err);
		close(fd);
		goto out;
	}
	if (ftruncate(fd, 0) != 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) {
		rc = err_sys(err, "%s", path);
		close(fd);
		goto out;
	}
	/* What writes here needs room here alone. */
	db_set_temporary_folder(dir);
	*lock_fd = fd;
out:
	free(shards);
	free(path);
	return rc;
}

int
store_hold_shards(int *fd, const char *shard_path, struct err *err)
{
	const char *slash = strrchr(shard_path, '/');
	char *dir = slash != NULL ? xasprintf("%.*s/",
					(int)(slash - shard_path), shard_path)
				  : xstrdup(".");
	int rc = 0;

	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0) {
		rc = err_sys(err, "%s", dir);
	} else if (flock(*fd, LOCK_EX) != 0) {
		rc = err_sys(err, "%s: cannot be locked", dir);
		close(*fd);
	}
	free(dir);
	return rc;
}

int
store_writer(const char *dir)
{
	char *path = xasprintf("%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	uint64_t pid = 0;
	ssize_t n;

	free(path);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
		n = pread(fd, text, sizeof text - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		text[strcspn(text, "\n")] = '\0';
		if (!parse_u64(text, INT_MAX, &pid))
			pid = 0;
	}
	close(fd);
	return (int)pid;
}
