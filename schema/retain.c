/* SPDX-License-Identifier: ISC */
/* Which shards must go, and removing them: see retain.h. */
#include "schema/retain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/store.h"

/* ---- limits ---- */

static const char units[] = "KMGT";

bool
retain_has_limit(const struct retain_limits *l)
{
	return l->max_bytes > 0 || l->min_free_bytes > 0 || l->max_age_days > 0;
}

void
retain_format_bytes(uint64_t bytes, char out[RETAIN_TEXT_LEN])
{
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(out, RETAIN_TEXT_LEN, "%u", (unsigned)bytes);
		return;
	}
	for (value /= 1024; value >= 1024 && unit + 2 < sizeof units; unit++)
		value /= 1024;
	snprintf(out, RETAIN_TEXT_LEN, "%.1f%c", value, units[unit]);
}

void
retain_format_reason(const struct retain_limits *l, enum retain_reason reason,
    char out[RETAIN_TEXT_LEN])
{
	char size[RETAIN_TEXT_LEN];

	out[0] = '\0';
	if (reason == RETAIN_AGE) {
		snprintf(out, RETAIN_TEXT_LEN, "older than %u day%s",
		    (unsigned)l->max_age_days, l->max_age_days == 1 ? "" : "s");
	} else if (reason == RETAIN_SIZE) {
		retain_format_bytes(l->max_bytes, size);
		snprintf(out, RETAIN_TEXT_LEN, "more than %.20s stored", size);
	} else if (reason == RETAIN_FREE) {
		retain_format_bytes(l->min_free_bytes, size);
		snprintf(out, RETAIN_TEXT_LEN, "less than %.20s free", size);
	}
}

/* ---- deciding ---- */

static enum retain_reason
reason_for(const struct retain_day *d, const struct retain_limits *l,
    int32_t today, uint64_t total, uint64_t free_bytes)
{
	if (l->max_age_days > 0 && d->day < today - (int32_t)l->max_age_days)
		return RETAIN_AGE;
	if (l->max_bytes > 0 && total > l->max_bytes)
		return RETAIN_SIZE;
	if (l->min_free_bytes > 0 && free_bytes < l->min_free_bytes)
		return RETAIN_FREE;
	return RETAIN_KEEP;
}

void
retain_decide(struct retain_day *days, size_t n, const struct retain_limits *l,
    int32_t today, uint64_t free_bytes)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += days[i].bytes;
	for (size_t i = 0; i < n; i++) {
		struct retain_day *d = &days[i];

		d->reason = RETAIN_KEEP;
		if (d->open || d->day >= today || i == n - 1)
			continue;
		d->reason = reason_for(d, l, today, total, free_bytes);
		if (d->reason != RETAIN_KEEP) {
			total -= d->bytes;
			free_bytes += d->bytes;
		}
	}
}

/* ---- removing ---- */

/*
 * An unfinished shard is taken for one that is written to while it was
 * changed within a day: the lock would tell that some process writes, not to
 * which shards. One that a killed collector left goes when its time comes.
 */
static const int64_t QUIET_MS = MS_PER_DAY;

static int64_t
changed_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * MS_PER_S +
	       st->st_mtim.tv_nsec / 1000000;
}

/* false: the shard is gone. */
static bool
look_at(struct retain_day *d, const char *path, int64_t now_ms)
{
	static const char *const with[] = {"-wal", "-shm", "-journal"};
	struct stat st;
	int64_t latest_ms;
	bool finished;

	if (stat(path, &st) != 0)
		return false;
	finished = catalog_is_finished(&st);
	latest_ms = changed_ms(&st);
	d->bytes = (uint64_t)st.st_size;
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		char *name = xasprintf("%s%s", path, with[i]);

		if (stat(name, &st) == 0) {
			d->bytes += (uint64_t)st.st_size;
			if (changed_ms(&st) > latest_ms)
				latest_ms = changed_ms(&st);
		}
		free(name);
	}
	d->open = !finished && now_ms - latest_ms < QUIET_MS;
	return true;
}

static int
unlink_with(const char *path, const char *suffix, struct err *err)
{
	char *name = xasprintf("%s%s", path, suffix);
	int rc = 0;

	if (unlink(name) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s: cannot remove", name);
	free(name);
	return rc;
}

/*
 * The rename takes it from all readers to come at once. The name it gets is
 * unlinked last: a crash leaves something that can be told.
 */
int
retain_remove(const char *dir, int32_t day, struct err *err)
{
	char *path = store_shard_path(dir, day);
	char *gone = xasprintf("%s" STORE_REMOVED, path);
	int rc = 0;

	if (rename(path, gone) != 0 && errno != ENOENT)
		rc = err_sys(err, "%s: cannot remove", path);
	if (rc == 0 && (rc = unlink_with(path, "-wal", err)) == 0 &&
	    (rc = unlink_with(path, "-shm", err)) == 0 &&
	    (rc = unlink_with(path, "-journal", err)) == 0)
		rc = unlink_with(gone, "", err);
	/* A row without a shard does no harm: no error of its own. */
	if (rc == 0 && catalog_remove(dir, day, NULL) != 0)
		rc = 0;
	free(gone);
	free(path);
	return rc;
}

static int
free_room(const char *dir, uint64_t *out, struct err *err)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0)
		return err_sys(err, "data folder %s", dir);
	*out = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

/* Sizes and states of all shards; *n of them are there. */
static struct retain_day *
look_at_all(const struct store_list *list, int64_t now_ms, size_t *n)
{
	struct retain_day *days = xcalloc(list->n + 1, sizeof *days);

	*n = 0;
	for (size_t i = 0; i < list->n; i++) {
		days[*n].day = list->shard[i].day;
		if (look_at(&days[*n], list->shard[i].path, now_ms))
			++*n;
	}
	return days;
}

/* Unless somebody began to write to it since, which nobody does meanwhile. */
static int
remove_one(const char *dir, struct retain_day *d, int64_t now_ms,
    const char *path, bool *removed, struct err *err)
{
	int hold_fd, rc = store_hold_shards(&hold_fd, path, err);

	*removed = false;
	if (rc != 0)
		return rc;
	if (look_at(d, path, now_ms) && !d->open) {
		rc = retain_remove(dir, d->day, err);
		*removed = rc == 0;
	}
	close(hold_fd);
	return rc;
}

int
retain_apply(const char *dir, const struct retain_limits *l, int64_t now_ms,
    bool dry_run, retain_fn *fn, void *arg, struct err *err)
{
	struct store_list list;
	struct retain_day *days;
	uint64_t free_bytes = 0;
	size_t n;
	int rc = store_list(&list, dir, err);

	if (rc != 0)
		return rc;
	days = look_at_all(&list, now_ms, &n);
	if ((rc = free_room(dir, &free_bytes, err)) == 0)
		retain_decide(days, n, l, clock_day(now_ms), free_bytes);
	for (size_t i = 0; i < n && rc == 0; i++) {
		char *path = store_shard_path(dir, days[i].day);
		bool removed = days[i].reason != RETAIN_KEEP;

		if (removed && !dry_run)
			rc = remove_one(
			    dir, &days[i], now_ms, path, &removed, err);
		if (rc == 0 && removed)
			fn(&days[i], path, arg);
		free(path);
	}
	free(days);
	store_list_release(&list);
	return rc;
}
