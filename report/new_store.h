/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_NEW_STORE_H
#define WEIR_REPORT_NEW_STORE_H
/*
 * A data folder that is made in one go: until it is whole its shards lie where
 * no command looks for any, so that one that was not finished is no store.
 */
#include <stdbool.h>
#include <stdint.h>

#include "schema/base/err.h"

struct new_store {
	char *dir, *partial; /* partial: folder in dir */
	int lock_fd;
	bool made_dir;
};

/*
 * Make the folder, or take an empty one; what an interrupted run left in it is
 * removed. ERR_USAGE: there is something else in it; ERR_BUSY: another process
 * is at it. Ends with new_store_keep or new_store_abandon.
 */
int new_store_open(
    struct new_store *s, const char *dir, struct err *err) MUST_CHECK;

/* Where to make the shard of a day; free() it. */
char *new_store_shard_path(const struct new_store *s, int32_t day);

/* All shards are finished and closed: let them be a store. */
int new_store_keep(struct new_store *s, struct err *err) MUST_CHECK;
/* Remove it all; accepts a zeroed struct. */
void new_store_abandon(struct new_store *s);

#endif
