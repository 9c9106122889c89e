/* SPDX-License-Identifier: ISC */
/*
 * The bounds of all finished shards: see catalog.h. Rollback journal, not WAL:
 * it is written once a day, and whoever may read the folder can read it.
 */
#include "schema/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/migrate.h"
#include "schema/store.h"
#include "sql.h"

char *
catalog_path(const char *dir)
{
	return xasprintf("%s/catalog.db", dir);
}

/* ---- reading ---- */

static int
read_rows(struct catalog *out, struct db *db, int64_t version, struct err *err)
{
	struct catalog c = {0};
	struct stmt *q = NULL;
	size_t cap = 0;
	int rc = db_prepare(db,
	    version > 1 ? sql_select_catalog : sql_select_catalog_1, &q, err);

	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		c.day = xgrow(c.day, c.n, &cap, sizeof *c.day);
		c.day[c.n++] = (struct catalog_day){
		    .day = (int32_t)stmt_int(q, 0),
		    .bytes = stmt_int(q, 1),
		    .mtime_ns = stmt_int(q, 2),
		    .n_segments = (size_t)stmt_int(q, 3),
		    .whole =
			{
			    .n_flows = (uint64_t)stmt_int(q, 4),
			    .min_start_ms = stmt_int(q, 5),
			    .max_start_ms = stmt_int(q, 6),
			    .min_end_ms = stmt_int(q, 7),
			    .max_end_ms = stmt_int(q, 8),
			    .max_duration_ms = stmt_int(q, 9),
			    .sealed = true,
			},
		    .n_address_blocks = (size_t)stmt_int(q, 10),
		};
	}
	stmt_finalize(q);
	if (rc != 0)
		catalog_release(&c);
	*out = c;
	return rc;
}

/* *version 0: an empty database. */
static int
check_identity(struct db *db, int64_t *version, struct err *err)
{
	return db_check_identity(db, CATALOG_APPLICATION_ID, CATALOG_VERSION,
	    "weir's catalog", version, err);
}

int
catalog_read(struct catalog *out, const char *dir, struct err *err)
{
	char *path = catalog_path(dir);
	struct db *db = NULL;
	int64_t version;
	int rc;

	*out = (struct catalog){0};
	if ((rc = db_open(&db, path, DB_READ, err)) == 0 &&
	    (rc = check_identity(db, &version, err)) == 0 && version > 0)
		rc = read_rows(out, db, version, err);
	if (rc == 0 && version > 1)
		rc = db_prepare(
		    db, sql_select_catalog_address, &out->address, err);
	out->db = db;
	if (rc != 0)
		catalog_release(out);
	free(path);
	return rc;
}

void
catalog_release(struct catalog *c)
{
	stmt_finalize(c->address);
	db_close(c->db);
	free(c->day);
	*c = (struct catalog){0};
}

static int
by_day(const void *a, const void *b)
{
	int32_t x = ((const struct catalog_day *)a)->day;
	int32_t y = ((const struct catalog_day *)b)->day;

	return (x > y) - (x < y);
}

const struct catalog_day *
catalog_find(const struct catalog *c, int32_t day)
{
	struct catalog_day key = {.day = day};

	return c->n == 0 ? NULL
			 : bsearch(&key, c->day, c->n, sizeof key, by_day);
}

/* ---- addresses ---- */

struct asked_day {
	struct stmt *address;
	const struct catalog_day *day;
};

static const uint8_t *
get_block(void *arg, size_t block)
{
	const struct asked_day *a = arg;
	const uint8_t *bits = NULL;
	size_t len = 0;

	stmt_reset(a->address);
	stmt_bind_int(a->address, ":day", a->day->day);
	stmt_bind_int(a->address, ":mtime_ns", a->day->mtime_ns);
	stmt_bind_int(a->address, ":block", (int64_t)block);
	if (stmt_step(a->address, NULL) == 1)
		bits = stmt_blob(a->address, 0, &len);
	return bits != NULL && len == ADDRESS_BLOCK_LEN ? bits : NULL;
}

bool
catalog_may_hold(
    struct catalog *c, const struct catalog_day *d, struct address_range r)
{
	struct asked_day a = {c->address, d};
	bool may;

	if (c->address == NULL || d->n_address_blocks == 0)
		return true;
	may = address_may_hold(d->n_address_blocks, get_block, &a, r);
	stmt_reset(c->address); /* the file is not kept locked */
	return may;
}

bool
catalog_has_addresses(
    struct catalog *c, const struct catalog_day *d, struct shard *s)
{
	struct asked_day a = {c->address, d};
	struct stmt *q = NULL;
	bool same = true;
	size_t len;

	if (d->n_address_blocks == 0)
		return true;
	if (c->address == NULL ||
	    db_prepare(shard_db(s), sql_select_address_blocks, &q, NULL) != 0)
		return false;
	while (same && stmt_step(q, NULL) == 1) {
		const void *theirs = stmt_blob(q, 1, &len);
		const uint8_t *ours = get_block(&a, (size_t)stmt_int(q, 0));

		same = ours != NULL && len == ADDRESS_BLOCK_LEN &&
		       memcmp(ours, theirs, len) == 0;
	}
	stmt_finalize(q);
	stmt_reset(c->address);
	return same;
}

/* ---- what a file is ---- */

static int64_t
mtime_ns(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

bool
catalog_is_finished(const struct stat *st)
{
	return (st->st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) == 0;
}

/* The mode as well: a writer sets it before it changes anything, so that not
 * even two changes within one tick of the file system's clock are missed. */
bool
catalog_counts(const struct catalog_day *d, const struct stat *st)
{
	return catalog_is_finished(st) && d->bytes == st->st_size &&
	       d->mtime_ns == mtime_ns(st);
}

static void
widen(struct segment *all, const struct segment *g)
{
	bool first = all->n_flows == 0;

	if (first || g->min_start_ms < all->min_start_ms)
		all->min_start_ms = g->min_start_ms;
	if (first || g->max_start_ms > all->max_start_ms)
		all->max_start_ms = g->max_start_ms;
	if (first || g->min_end_ms < all->min_end_ms)
		all->min_end_ms = g->min_end_ms;
	if (first || g->max_end_ms > all->max_end_ms)
		all->max_end_ms = g->max_end_ms;
	if (g->max_duration_ms > all->max_duration_ms)
		all->max_duration_ms = g->max_duration_ms;
	all->n_flows += g->n_flows;
}

void
catalog_describe(struct catalog_day *out, int32_t day, struct shard *s,
    const struct stat *st)
{
	int64_t n_blocks;
	size_t n;
	const struct segment *g = shard_segments(s, &n);

	*out = (struct catalog_day){.day = day,
	    .bytes = st->st_size,
	    .mtime_ns = mtime_ns(st),
	    .whole = {.sealed = true}};
	for (size_t i = 0; i < n; i++) {
		if (g[i].n_flows == 0)
			continue;
		widen(&out->whole, &g[i]);
		out->n_segments++;
	}
	if (shard_version(s) > 1 &&
	    db_get_int(
		shard_db(s), sql_count_address_blocks, 0, &n_blocks, NULL) == 0)
		out->n_address_blocks = (size_t)n_blocks;
}

/* ---- writing ---- */

static int
create_tables(struct db *db, struct err *err)
{
	int rc = db_exec(db, sql_create_catalog, err);

	return rc != 0
		   ? rc
		   : db_mark(db, CATALOG_APPLICATION_ID, CATALOG_VERSION, err);
}

/* Open and begin a transaction. */
static int
open_write(struct db **out, const char *path, struct err *err)
{
	static const struct migration steps[] = {
	    {2, sql_migrate_catalog_2},
	};
	struct db *db = NULL;
	int64_t version;
	int rc;

	if ((rc = db_open(&db, path, DB_CREATE_PLAIN, err)) != 0)
		return rc;
	if ((rc = check_identity(db, &version, err)) == 0 && version > 0)
		rc = migrate(
		    db, version, steps, ARRAY_LEN(steps), NULL, NULL, err);
	if (rc == 0 && (rc = db_exec(db, "BEGIN IMMEDIATE", err)) == 0 &&
	    (rc = check_identity(db, &version, err)) == 0 && version == 0)
		rc = create_tables(db, err);
	if (rc != 0) {
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

static int
open_or_replace(struct db **out, const char *dir, struct err *err)
{
	char *path = catalog_path(dir), *aside;
	int rc = open_write(out, path, err);

	if (rc == ERR_CORRUPT) {
		aside =
		    xasprintf("%s.damaged-%lld", path, (long long)time(NULL));
		rc = rename(path, aside) == 0 ? open_write(out, path, err)
					      : err_sys(err, "%s", path);
		free(aside);
	}
	free(path);
	return rc;
}

static int
put_row(struct db *db, const struct catalog_day *d, struct err *err)
{
	const struct segment *g = &d->whole;
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql_replace_catalog, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":day", d->day);
	stmt_bind_int(q, ":bytes", d->bytes);
	stmt_bind_int(q, ":mtime_ns", d->mtime_ns);
	stmt_bind_int(q, ":n_segments", (int64_t)d->n_segments);
	stmt_bind_int(q, ":n_flows", (int64_t)g->n_flows);
	stmt_bind_int(q, ":min_start_ms", g->min_start_ms);
	stmt_bind_int(q, ":max_start_ms", g->max_start_ms);
	stmt_bind_int(q, ":min_end_ms", g->min_end_ms);
	stmt_bind_int(q, ":max_end_ms", g->max_end_ms);
	stmt_bind_int(q, ":max_duration_ms", g->max_duration_ms);
	stmt_bind_int(q, ":n_address_blocks", (int64_t)d->n_address_blocks);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

/* Table address of a shard. *whole false: it cannot be read. */
static int
copy_addresses(struct db *db, const struct catalog_day *d, struct shard *s,
    bool *whole, struct err *err)
{
	struct stmt *from = NULL, *to = NULL;
	int rc, step = 0;

	*whole = d->n_address_blocks == 0;
	if (*whole || db_prepare(shard_db(s), sql_select_address_blocks, &from,
			  NULL) != 0)
		return 0;
	rc = db_prepare(db, sql_insert_catalog_address, &to, err);
	while (rc == 0 && (step = stmt_step(from, NULL)) == 1) {
		stmt_bind_row(to, from);
		stmt_bind_int(to, ":day", d->day);
		stmt_bind_int(to, ":mtime_ns", d->mtime_ns);
		rc = stmt_run(to, err);
	}
	*whole = step == 0;
	stmt_finalize(from);
	stmt_finalize(to);
	return rc;
}

static int
delete_where_day(struct db *db, const char *sql, int32_t day, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":day", day);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

static int
delete_row(struct db *db, int32_t day, struct err *err)
{
	int rc = delete_where_day(db, sql_delete_catalog, day, err);

	return rc != 0
		   ? rc
		   : delete_where_day(db, sql_delete_catalog_address, day, err);
}

/* The row of an open shard. *kept false: it was written to meanwhile, so that
 * no row would count. */
static int
describe_shard(struct db *db, struct shard *s, const struct store_shard *file,
    struct stat *st, bool *kept, struct err *err)
{
	struct catalog_day fresh;
	bool whole;
	int rc;

	catalog_describe(&fresh, file->day, s, st);
	if ((rc = copy_addresses(db, &fresh, s, &whole, err)) != 0)
		return rc;
	/* As it was before and after. */
	*kept =
	    whole && stat(file->path, st) == 0 && catalog_counts(&fresh, st);
	return *kept ? put_row(db, &fresh, err) : 0;
}

/* A shard that cannot be read gets no row. */
static int
read_shard(struct db *db, const struct store_shard *file, struct stat *st,
    bool *kept, struct err *err)
{
	struct shard *s;
	int rc = 0;

	*kept = false;
	if (shard_open_read(&s, file->path, NULL) != 0)
		return 0;
	if (shard_begin_read(s, NULL) == 0) {
		rc = describe_shard(db, s, file, st, kept, err);
		shard_end_read(s);
	}
	shard_close(s);
	return rc;
}

/* The row of one shard; *kept: the day has a row that counts. */
static int
refresh_shard(struct db *db, const struct catalog_day *old,
    const struct store_shard *file, bool *kept, struct err *err)
{
	struct stat st;
	int rc;

	*kept = false;
	if (stat(file->path, &st) != 0 || !catalog_is_finished(&st))
		return 0;
	*kept = true;
	if (old != NULL && catalog_counts(old, &st))
		return 0;
	if ((rc = delete_row(db, file->day, err)) != 0)
		return rc;
	return read_shard(db, file, &st, kept, err);
}

static int
refresh_rows(struct db *db, struct catalog *c, const char *dir, struct err *err)
{
	struct store_list list;
	size_t at = 0;
	bool kept;
	int rc = store_list(&list, dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		int32_t day = list.shard[i].day;

		for (; at < c->n && c->day[at].day < day && rc == 0; at++)
			rc = delete_row(db, c->day[at].day, err);
		if (rc != 0)
			break;
		rc = refresh_shard(
		    db, catalog_find(c, day), &list.shard[i], &kept, err);
		if (at < c->n && c->day[at].day == day) {
			if (!kept && rc == 0)
				rc = delete_row(db, day, err);
			at++;
		}
	}
	for (; at < c->n && rc == 0; at++)
		rc = delete_row(db, c->day[at].day, err);
	store_list_release(&list);
	return rc;
}

static int
refresh(const char *dir, bool anew, struct err *err)
{
	struct catalog c = {0};
	struct db *db = NULL;
	int rc = open_or_replace(&db, dir, err);

	if (rc != 0)
		return rc;
	if (anew)
		rc = db_exec(db, "DELETE FROM shard; DELETE FROM address", err);
	if (rc == 0 && (rc = read_rows(&c, db, CATALOG_VERSION, err)) == 0 &&
	    (rc = refresh_rows(db, &c, dir, err)) == 0)
		rc = db_exec(db, "COMMIT", err);
	catalog_release(&c);
	db_close(db);
	return rc;
}

int
catalog_refresh(const char *dir, struct err *err)
{
	return refresh(dir, false, err);
}

int
catalog_rebuild(const char *dir, struct err *err)
{
	return refresh(dir, true, err);
}

int
catalog_remove(const char *dir, int32_t day, struct err *err)
{
	char *path = catalog_path(dir);
	struct db *db = NULL;
	int rc = 0;

	if (access(path, F_OK) == 0 && (rc = open_write(&db, path, err)) == 0 &&
	    (rc = delete_row(db, day, err)) == 0)
		rc = db_exec(db, "COMMIT", err);
	db_close(db);
	free(path);
	return rc;
}
