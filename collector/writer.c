/* SPDX-License-Identifier: ISC */
/*
 * Which shard a datagram's flows go to, and the shards that are open: see
 * writer.h. What happens inside a shard is schema/shard.c's business.
 */
#include "collector/writer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/minute.h"
#include "schema/shard.h"
#include "schema/store.h"

/* Imports may jump between days; collecting needs two at midnight. */
enum { MAX_OPEN = 4 };

struct open_shard {
	struct shard *shard;
	int32_t day;
	uint64_t used; /* writer.tick of its last use */
	ino_t inode;   /* of its file, to see that somebody removed it */
};

struct writer {
	char *dir;
	int lock_fd;
	uint64_t segment_rows;
	uint64_t tick;
	struct open_shard open[MAX_OPEN];
	size_t n_open;
	int32_t *touched; /* every day written to and not finished */
	size_t n_touched, cap_touched;
	bool catalog_is_old; /* a day was finished since it was written */
	writer_notice_fn *notice;
	void *notice_arg;
};

void
writer_on_notice(struct writer *w, writer_notice_fn *notice, void *arg)
{
	w->notice = notice;
	w->notice_arg = arg;
}

static void
touch(struct writer *w, int32_t day)
{
	for (size_t i = 0; i < w->n_touched; i++)
		if (w->touched[i] == day)
			return;
	w->touched =
	    xgrow(w->touched, w->n_touched, &w->cap_touched, sizeof day);
	w->touched[w->n_touched++] = day;
}

static void
forget_touched(struct writer *w, int32_t day)
{
	for (size_t i = 0; i < w->n_touched; i++)
		if (w->touched[i] == day)
			w->touched[i--] = w->touched[--w->n_touched];
}

/* Days that a writer before us could not finish; finished ones are
 * read-only. */
static int
touch_unfinished(struct writer *w, struct err *err)
{
	struct store_list list;
	struct stat st;
	int rc = store_list(&list, w->dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list.n; i++)
		if (stat(list.shard[i].path, &st) == 0 &&
		    (st.st_mode & S_IWUSR) != 0)
			touch(w, list.shard[i].day);
	store_list_release(&list);
	return 0;
}

int
writer_open(struct writer **out, const char *dir, uint64_t segment_rows,
    struct err *err)
{
	struct writer *w = xcalloc(1, sizeof *w);
	int rc = store_lock(&w->lock_fd, dir, err);

	if (rc != 0) {
		free(w);
		return rc;
	}
	w->dir = xstrdup(dir);
	w->segment_rows = segment_rows;
	if ((rc = touch_unfinished(w, err)) != 0) {
		close(w->lock_fd);
		free(w->dir);
		free(w);
		return rc;
	}
	*out = w;
	return 0;
}

static void
close_at(struct writer *w, size_t i)
{
	shard_close(w->open[i].shard);
	w->open[i] = w->open[--w->n_open];
}

/* Make room for one more by letting go of the shard unused for longest. */
static int
close_oldest(struct writer *w, struct err *err)
{
	size_t oldest = 0;
	int rc;

	for (size_t i = 1; i < w->n_open; i++)
		if (w->open[i].used < w->open[oldest].used)
			oldest = i;
	if ((rc = shard_commit(w->open[oldest].shard, err)) == 0)
		close_at(w, oldest);
	return rc;
}

/* ---- shards that cannot be written to ---- */

static void
give_notice(struct writer *w, const char *text)
{
	if (w->notice != NULL)
		w->notice(w->notice_arg, text);
}

/* Rename a shard and what belongs to it, so that a fresh one takes its place.
 * ERR_CORRUPT files are kept for repair, ERR_NEWER ones for a newer weir. */
static int
set_aside(struct writer *w, const char *path, int why, struct err *err)
{
	static const char *const parts[] = {"", "-wal", "-shm"};
	char *aside = xasprintf("%s.%s-%lld", path,
	    why == ERR_NEWER ? "newer" : "damaged",
	    (long long)(clock_now_ms() / MS_PER_S));
	struct err notice;
	int rc = 0;

	err_set(&notice, why, "%s: set aside as %s, beginning anew", err->text,
	    aside);
	for (size_t i = 0; i < ARRAY_LEN(parts) && rc == 0; i++) {
		char *from = xasprintf("%s%s", path, parts[i]);
		char *to = xasprintf("%s%s", aside, parts[i]);

		if (rename(from, to) != 0 && (i == 0 || errno != ENOENT))
			rc = err_sys(err, "%s: cannot set aside", from);
		free(from);
		free(to);
	}
	free(aside);
	if (rc == 0)
		give_notice(w, notice.text);
	return rc;
}

static int
open_or_set_aside(
    struct writer *w, struct shard **out, const char *path, struct err *err)
{
	int rc = shard_open_write(out, path, w->segment_rows, err);

	if (rc != ERR_CORRUPT && rc != ERR_NEWER)
		return rc;
	rc = set_aside(w, path, rc, err);
	return rc != 0 ? rc : shard_open_write(out, path, w->segment_rows, err);
}

/* After an error of shard i: what is damaged makes room for a fresh one, so
 * that the next try can work. Returns rc. */
static int
after_error(struct writer *w, size_t i, int rc, struct err *err)
{
	char *path;

	if (rc != ERR_CORRUPT)
		return rc;
	path = xstrdup(shard_path(w->open[i].shard));
	close_at(w, i);
	(void)set_aside(w, path, rc, err);
	free(path);
	return rc;
}

static ino_t
inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

static int
find_shard(struct writer *w, int32_t day, size_t *at, struct err *err)
{
	struct open_shard *o;
	char *path;
	int rc;

	for (*at = 0; *at < w->n_open; (*at)++)
		if (w->open[*at].day == day)
			return 0;
	if (w->n_open == MAX_OPEN && (rc = close_oldest(w, err)) != 0)
		return rc;
	*at = w->n_open;
	o = &w->open[*at];
	path = store_shard_path(w->dir, day);
	rc = open_or_set_aside(w, &o->shard, path, err);
	free(path);
	if (rc != 0)
		return rc;
	o->day = day;
	o->inode = inode_of(shard_path(o->shard));
	w->n_open++;
	touch(w, day);
	return 0;
}

int
writer_open_day(struct writer *w, int32_t day, struct err *err)
{
	size_t at;

	return find_shard(w, day, &at, err);
}

int
writer_add(struct writer *w, int32_t day, const struct packet *p,
    const struct flow *flows, struct err *err)
{
	size_t at;
	int rc = find_shard(w, day, &at, err);

	if (rc != 0)
		return rc;
	w->open[at].used = ++w->tick;
	rc = shard_append(w->open[at].shard, p, flows, err);
	return after_error(w, at, rc, err);
}

int
writer_add_minute(
    struct writer *w, const struct minute_row *row, struct err *err)
{
	size_t at;
	int rc = find_shard(w, clock_day(minute_row_ms(row)), &at, err);

	if (rc != 0)
		return rc;
	w->open[at].used = ++w->tick;
	rc = shard_add_minute(w->open[at].shard, row, err);
	return after_error(w, at, rc, err);
}

int
writer_note_import(
    struct writer *w, int32_t day, const char *key, uint64_t n, struct err *err)
{
	size_t at;
	int rc = find_shard(w, day, &at, err);

	if (rc == 0)
		shard_note_import(w->open[at].shard, key, n);
	return rc;
}

int
writer_imported(struct writer *w, int32_t day, const char *key, uint64_t *n,
    struct err *err)
{
	size_t at;
	int rc = find_shard(w, day, &at, err);

	return rc != 0 ? rc : shard_imported(w->open[at].shard, key, n, err);
}

/* Shards that were closed to make room left the WAL, which syncs too. */
int
writer_sync(struct writer *w, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_open && rc == 0; i++)
		rc = shard_sync(w->open[i].shard, err);
	return rc;
}

int
writer_commit(struct writer *w, struct err *err)
{
	int rc;

	/* Backwards: what is set aside leaves its place to the last one. */
	for (size_t i = w->n_open; i-- > 0;) {
		rc = shard_commit(w->open[i].shard, err);
		if (rc != 0)
			return after_error(w, i, rc, err);
	}
	return 0;
}

void
writer_roll_back(struct writer *w)
{
	for (size_t i = 0; i < w->n_open; i++)
		shard_roll_back(w->open[i].shard);
}

int
writer_seal_step(struct writer *w, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < w->n_open && rc == 0; i++)
		rc = shard_seal_step(w->open[i].shard, err);
	return rc;
}

/* The folder may be gone altogether, and with it the lock. */
static int
begin_anew(struct writer *w, struct err *err)
{
	while (w->n_open > 0)
		close_at(w, 0);
	close(w->lock_fd);
	w->lock_fd = -1;
	return store_lock(&w->lock_fd, w->dir, err);
}

int
writer_check_files(struct writer *w, struct err *err)
{
	struct err notice;

	if (w->lock_fd < 0)
		return begin_anew(w, err);
	for (size_t i = 0; i < w->n_open; i++) {
		const char *path = shard_path(w->open[i].shard);

		if (inode_of(path) == w->open[i].inode)
			continue;
		err_set(&notice, ERR_SYSTEM,
		    "%s: removed while it was written to, its flows are "
		    "lost; beginning anew",
		    path);
		give_notice(w, notice.text);
		return begin_anew(w, err);
	}
	return 0;
}

/* A step with one day before day that was written to, opened again if need
 * be. */
static int
finish_one(struct writer *w, int32_t day, struct err *err)
{
	size_t i = 0, at;
	int rc;

	while (i < w->n_touched && w->touched[i] >= day)
		i++;
	if (i == w->n_touched)
		return 0;
	if ((rc = find_shard(w, w->touched[i], &at, err)) != 0)
		return rc;
	if ((rc = shard_finish_step(w->open[at].shard, err)) == 1)
		return rc;
	if (rc != 0) {
		rc = after_error(w, at, rc, err);
		if (rc != ERR_CORRUPT)
			close_at(w, at); /* half finished: opened again */
		return rc;
	}
	forget_touched(w, w->open[at].day);
	close_at(w, at);
	w->catalog_is_old = true;
	return 1;
}

/* Once for all days finished; tried again with the next step on an error. */
static int
write_catalog(struct writer *w, struct err *err)
{
	int rc = 0;

	if (w->catalog_is_old && (rc = catalog_refresh(w->dir, err)) == 0)
		w->catalog_is_old = false;
	return rc;
}

int
writer_finish_step(struct writer *w, int32_t day, struct err *err)
{
	int rc = finish_one(w, day, err);

	return rc != 0 ? rc : write_catalog(w, err);
}

/* A reader may keep a day from being finished: all its flows are stored, and
 * who writes next finishes it. */
static int
finish_days(struct writer *w, int32_t today, struct err *err)
{
	int rc;

	while ((rc = writer_finish_step(w, today, err)) == 1)
		continue;
	return rc == ERR_BUSY ? 0 : rc;
}

int
writer_close(struct writer *w, int32_t today, struct err *err)
{
	int rc;

	if (w == NULL)
		return 0;
	if ((rc = writer_commit(w, err)) == 0)
		rc = finish_days(w, today, err);
	while (w->n_open > 0)
		close_at(w, 0);
	if (w->lock_fd >= 0)
		close(w->lock_fd);
	free(w->touched);
	free(w->dir);
	free(w);
	return rc;
}
