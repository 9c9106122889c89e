/* SPDX-License-Identifier: ISC */
/* A data folder made in one go: see new_store.h. */
#include "report/new_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"

static const char partial_name[] = ".partial";

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Whether the folder holds nothing but what an interrupted run left. */
static int
check_empty(const char *dir, struct err *err)
{
	const struct dirent *entry;
	DIR *d = opendir(dir);
	int rc = 0;

	if (d == NULL)
		return err_sys(err, "%s", dir);
	while (rc == 0 && (entry = readdir(d)) != NULL)
		if (!is_dots(entry->d_name) &&
		    strcmp(entry->d_name, partial_name) != 0)
			rc = err_set(err, ERR_USAGE,
			    "%s is not empty (%s): want a new folder", dir,
			    entry->d_name);
	closedir(d);
	return rc;
}

/* The folder of files and all in it. */
static void
remove_folder(const char *path)
{
	const struct dirent *entry;
	DIR *d = opendir(path);

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL)
		if (!is_dots(entry->d_name))
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	(void)rmdir(path);
}

/* The lock is the folder's own: a file would have to be cleared away. */
static int
lock(struct new_store *s, struct err *err)
{
	s->lock_fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock_fd < 0)
		return err_sys(err, "%s", s->dir);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_BUSY,
		    "%s: another process is writing there", s->dir);
	return err_sys(err, "%s: lock", s->dir);
}

static void
release(struct new_store *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->dir);
	free(s->partial);
	*s = (struct new_store){.lock_fd = -1};
}

int
new_store_open(struct new_store *s, const char *dir, struct err *err)
{
	int rc = 0;

	*s = (struct new_store){
	    .dir = xstrdup(dir),
	    .partial = xasprintf("%s/%s", dir, partial_name),
	    .lock_fd = -1,
	};
	if (mkdir(dir, 0755) == 0)
		s->made_dir = true;
	else if (errno != EEXIST)
		rc = err_sys(err, "%s", dir);
	if (rc != 0 || (rc = lock(s, err)) != 0 ||
	    (rc = check_empty(dir, err)) != 0) {
		release(s);
		return rc;
	}
	remove_folder(s->partial);
	if (mkdir(s->partial, 0755) != 0) {
		rc = err_sys(err, "%s", s->partial);
		new_store_abandon(s);
	}
	return rc;
}

char *
new_store_shard_path(const struct new_store *s, int32_t day)
{
	char name[CLOCK_DAY_LEN];

	clock_format_day(day, name);
	return xasprintf("%s/%s.db", s->partial, name);
}

int
new_store_keep(struct new_store *s, struct err *err)
{
	char *shards = xasprintf("%s/shards", s->dir);
	int rc = 0;

	if (rename(s->partial, shards) != 0)
		rc = err_sys(err, "%s", shards);
	free(shards);
	if (rc != 0) {
		new_store_abandon(s);
		return rc;
	}
	rc = catalog_refresh(s->dir, err);
	release(s);
	return rc;
}

void
new_store_abandon(struct new_store *s)
{
	if (s->dir == NULL)
		return;
	remove_folder(s->partial);
	if (s->made_dir)
		(void)rmdir(s->dir);
	release(s);
}
