/* SPDX-License-Identifier: ISC */
/*
 * Which shard a datagram's flows go to, and the shards that are open: see
 * writer.h. What happens inside a shard is schema/shard.c's business.
 */
#include "collector/writer.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/base/mem.h"
#include "schema/shard.h"
#include "schema/store.h"

/* Imports may jump between days; collecting needs two at midnight. */
enum { MAX_OPEN = 4 };

struct open_shard {
	struct shard *shard;
	int32_t day;
	uint64_t used; /* writer.tick of its last use */
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
};

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
	*out = w;
	return 0;
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
	rc = shard_open_write(&o->shard, path, w->segment_rows, err);
	free(path);
	if (rc != 0)
		return rc;
	o->day = day;
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
	return shard_append(w->open[at].shard, p, flows, err);
}

int
writer_commit(struct writer *w, struct err *err)
{
	int rc, first = 0;

	for (size_t i = 0; i < w->n_open; i++) {
		rc = shard_commit(w->open[i].shard, first == 0 ? err : NULL);
		if (first == 0)
			first = rc;
	}
	return first;
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

int
writer_finish_step(struct writer *w, int32_t day, struct err *err)
{
	int rc;

	for (size_t i = 0; i < w->n_open; i++) {
		if (w->open[i].day >= day)
			continue;
		if ((rc = shard_finish(w->open[i].shard, err)) != 0)
			return rc;
		forget_touched(w, w->open[i].day);
		close_at(w, i);
		return 1;
	}
	return 0;
}

/* Days that were closed to make room are opened again and finished. */
static int
finish_all(struct writer *w, int32_t today, struct err *err)
{
	int32_t day = today;
	size_t at;
	int rc;

	while ((rc = writer_finish_step(w, today, err)) == 1)
		continue;
	for (size_t i = 0; rc == 0 && i < w->n_touched; i++) {
		day = w->touched[i];
		if (day >= today)
			continue;
		if ((rc = find_shard(w, day, &at, err)) == 0)
			rc = writer_finish_step(w, today, err);
		if (rc == 1) {
			rc = 0;
			i--; /* finishing took it off the list */
		}
	}
	return rc;
}

int
writer_close(struct writer *w, int32_t today, struct err *err)
{
	int rc;

	if (w == NULL)
		return 0;
	if ((rc = writer_commit(w, err)) == 0)
		rc = finish_all(w, today, err);
	while (w->n_open > 0)
		close_at(w, 0);
	close(w->lock_fd);
	free(w->touched);
	free(w->dir);
	free(w);
	return rc;
}
