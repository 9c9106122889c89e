/* SPDX-License-Identifier: ISC */
/*
 * A copy of a store: see backup.h. A finished shard is a plain file and copied
 * as one; one that is written to is copied through SQLite, which knows its
 * WAL. Either gets its name when it is whole.
 */
#include "schema/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/store.h"

enum { COPY_BYTES = 1 << 20 };

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return catalog_is_finished(a) && catalog_is_finished(b) &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
copy_bytes(int from, int to)
{
	char *bytes = xcalloc(1, COPY_BYTES);
	ssize_t n;
	int rc = 0;

	while (rc == 0 && (n = read(from, bytes, COPY_BYTES)) != 0) {
		if (n > 0)
			rc = write_all(to, bytes, (size_t)n);
		else if (errno != EINTR)
			rc = -1;
	}
	free(bytes);
	return rc;
}

/* With its time, for the catalog; st is of from. */
static int
copy_file(
    const char *from, const char *to, const struct stat *st, struct err *err)
{
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc = 0;

	if (in < 0)
		rc = err_sys(err, "%s", from);
	else if (out < 0 || copy_bytes(in, out) != 0 ||
		 futimens(out, times) != 0 || fchmod(out, 0444) != 0 ||
		 fsync(out) != 0)
		rc = err_sys(err, "%s: cannot copy to %s", from, to);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	return rc;
}

static int
copy_database(const char *from, const char *to, struct err *err)
{
	struct db *db = NULL;
	int rc = db_open(&db, from, DB_READ, err);

	if (rc == 0)
		rc = db_copy(db, to, err);
	db_close(db);
	return rc;
}

static int
copy_shard(
    const char *from, const char *to, const struct stat *st, struct err *err)
{
	struct stat now;
	int rc;

	if (catalog_is_finished(st)) {
		if ((rc = copy_file(from, to, st, err)) != 0)
			return rc;
		if (stat(from, &now) == 0 && same_file(st, &now))
			return 0;
		/* Somebody began to add to it. */
		(void)unlink(to);
	}
	return copy_database(from, to, err);
}

/* Under its name, without what belongs to one of that name before. */
static int
put_in_place(const char *copy, const char *path, struct err *err)
{
	static const char *const with[] = {"-wal", "-shm", "-journal"};

	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		char *name = xasprintf("%s%s", path, with[i]);

		(void)unlink(name);
		free(name);
	}
	if (rename(copy, path) != 0)
		return err_sys(err, "%s", path);
	return 0;
}

static int
backup_shard(const struct store_shard *file, const char *dest,
    struct backup_result *out, struct err *err)
{
	char *path = store_shard_path(dest, file->day);
	char *copy = xasprintf("%s" STORE_COPYING, path);
	struct stat st, have;
	int rc = 0;

	if (stat(file->path, &st) != 0)
		goto out; /* expired meanwhile */
	if (stat(path, &have) == 0 && same_file(&st, &have)) {
		out->n_there++;
		goto out;
	}
	(void)unlink(copy);
	rc = copy_shard(file->path, copy, &st, err);
	if (rc == 0)
		rc = put_in_place(copy, path, err);
	if (rc == 0) {
		out->n_copied++;
		if (stat(path, &have) == 0)
			out->bytes += (uint64_t)have.st_size;
	} else {
		(void)unlink(copy);
		if (access(file->path, F_OK) != 0 && errno == ENOENT)
			rc = 0;
	}
out:
	free(copy);
	free(path);
	return rc;
}

/*
 * What lies beside the shards and cannot be made from them. Before the shards:
 * what it says of them is true of later copies as well.
 */
static int
backup_others(const char *dir, const char *dest, struct err *err)
{
	static const char *const names[] = {"imports.db", "state.db"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(names) && rc == 0; i++) {
		char *from = xasprintf("%s/%s", dir, names[i]);
		char *to = xasprintf("%s/%s", dest, names[i]);
		char *copy = xasprintf("%s" STORE_COPYING, to);

		(void)unlink(copy);
		if (access(from, F_OK) == 0 &&
		    (rc = copy_database(from, copy, err)) == 0)
			rc = put_in_place(copy, to, err);
		free(copy);
		free(to);
		free(from);
	}
	return rc;
}

int
backup_store(const char *dir, const char *dest, struct backup_result *out,
    struct err *err)
{
	struct store_list list;
	struct stat a, b;
	int lock_fd, first, rc;

	*out = (struct backup_result){0};
	if (stat(dir, &a) == 0 && stat(dest, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		return err_set(err, ERR_USAGE,
		    "%s is the data folder itself: give another", dest);
	if ((rc = store_list(&list, dir, err)) != 0)
		return rc;
	if ((rc = store_lock(&lock_fd, dest, err)) != 0) {
		store_list_release(&list);
		return rc;
	}
	first = backup_others(dir, dest, err);
	for (size_t i = 0; i < list.n; i++) {
		rc = backup_shard(
		    &list.shard[i], dest, out, first == 0 ? err : NULL);
		if (first == 0)
			first = rc;
	}
	rc = catalog_refresh(dest, first == 0 ? err : NULL);
	close(lock_fd);
	store_list_release(&list);
	return first != 0 ? first : rc;
}
