/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_STORE_H
#define WEIR_SCHEMA_STORE_H
/*
 * The data folder: DIR/shards/YYYY-MM-DD.db, DIR/lock.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct store_shard {
	int32_t day; /* days since the epoch, UTC */
	char *path;
};

/* The shards of a store, oldest day first. */
struct store_list {
	struct store_shard *shard;
	size_t n;
};

/* dir must exist; a folder without shards gives an empty list. Files that
 * are not named like a shard are left alone. */
int store_list(
    struct store_list *out, const char *dir, struct err *err) MUST_CHECK;
void store_list_release(struct store_list *l);

/* Where the shard of a day is or would be; free() it. */
char *store_shard_path(const char *dir, int32_t day);

/* Behind the path of a shard that is being removed, repaired or copied: names
 * that store_list leaves alone. */
#define STORE_REMOVED ".removed"
#define STORE_SAVING ".saving"
#define STORE_COPYING ".copying"

/*
 * Make the folders if missing and become the one process that writes here.
 * *lock_fd is held until closed, or until the process ends in any way.
 * ERR_BUSY: another process has it, and the text says which.
 */
int store_lock(int *lock_fd, const char *dir, struct err *err) MUST_CHECK;

/*
 * While *fd is open nobody else begins to write to a shard that there is, or
 * removes one: a moment, for which others wait. Held for shards by path, in
 * whatever store. ERR_SYSTEM.
 */
int store_hold_shards(
    int *fd, const char *shard_path, struct err *err) MUST_CHECK;

/* The process that holds the lock, 0 when none does. Looking takes the lock
 * shared for a moment. */
int store_writer(const char *dir);

#endif
