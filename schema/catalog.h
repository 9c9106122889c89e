/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CATALOG_H
#define WEIR_SCHEMA_CATALOG_H
/*
 * DIR/catalog.db: the bounds of all finished shards, read in one go, so that
 * a query opens only the shards it needs. It is a copy of what the shards
 * say: whoever cannot read it, or finds no row that counts, opens the shard.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/address.h"
#include "schema/base/err.h"
#include "schema/shard.h"

struct db;
struct stat;
struct stmt;

/* Application id "weic" in the header of the file. */
enum { CATALOG_APPLICATION_ID = 0x77656963, CATALOG_VERSION = 2 };

struct catalog_day {
	int32_t day;
	int64_t bytes, mtime_ns; /* of the file, once finished */
	size_t n_segments;       /* that hold flows */
	struct segment whole;    /* all its flows as one; id 0 */
	size_t n_address_blocks; /* 0: which addresses occur is not known */
};

struct catalog {
	struct catalog_day *day; /* by day */
	size_t n;
	struct db *db;        /* open for catalog_may_hold, or NULL */
	struct stmt *address; /* its question */
};

/* All rows; the file stays open until catalog_release. ERR_SYSTEM: there is
 * none, or it cannot be read; ERR_CORRUPT: it is damaged or foreign; ERR_NEWER.
 * *out is empty then. */
int catalog_read(
    struct catalog *out, const char *dir, struct err *err) MUST_CHECK;
void catalog_release(struct catalog *c); /* accepts a zeroed struct */

/* The row of a day, whether it counts or not; NULL: none. */
const struct catalog_day *catalog_find(const struct catalog *c, int32_t day);

/*
 * Whether an address of r may occur in the flows of a day, as source or
 * destination. False is certain, if catalog_counts(d) is; it is true in any
 * doubt: a wide range, a day without a list of its addresses, an error. Used by
 * one thread at a time; costs some microseconds.
 *   filter: src=192.0.2.1      open a day only when catalog_may_hold(c, d,
 *                              (struct address_range){0xc0000201, 0xc0000201})
 *   an AND needs all of its parts to, an OR any of them
 */
bool catalog_may_hold(
    struct catalog *c, const struct catalog_day *d, struct address_range r);

/* A shard is finished when nobody may write to its file. */
bool catalog_is_finished(const struct stat *st);
/* Whether the row is of the file as it is now. */
bool catalog_counts(const struct catalog_day *d, const struct stat *st);

/* Whether the row of a day has table address of an open shard. */
bool catalog_has_addresses(
    struct catalog *c, const struct catalog_day *d, struct shard *s);

/* What the catalog should say of an open shard, between shard_begin_read and
 * shard_end_read. */
void catalog_describe(struct catalog_day *out, int32_t day, struct shard *s,
    const struct stat *st);

/*
 * Make the rows agree with the shards: opens the finished ones whose row does
 * not count, and drops rows without a finished shard. Shards that cannot be
 * read get no row. A damaged or foreign catalog is set aside under the name
 * catalog.db.damaged-UNIXTIME. Any process may do this at any time.
 */
int catalog_refresh(const char *dir, struct err *err) MUST_CHECK;
/* The same from nothing: no row is believed. */
int catalog_rebuild(const char *dir, struct err *err) MUST_CHECK;

/* Drop the row of a day; a missing catalog has none to drop. */
int catalog_remove(const char *dir, int32_t day, struct err *err) MUST_CHECK;

char *catalog_path(const char *dir); /* free() it */

#endif
