/* SPDX-License-Identifier: ISC */
/* Minutes of all shards onto bins: see silence.h. */
#include "report/silence.h"

#include <stdlib.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/minute.h"
#include "schema/shard.h"
#include "schema/store.h"

struct account {
	const struct grid *grid;
	int64_t now_ms;
	bool *is_silent;
	int64_t heard_ms; /* end of the last minute with anything in it */
	int64_t *lost, *received; /* flows, by bin */
	int64_t all_lost, all_received;
};

/* The bins that [from_ms, to_ms) holds wholly. */
static void
mark_silence(struct account *a, int64_t from_ms, int64_t to_ms)
{
	const struct grid *g = a->grid;
	size_t i;

	if (to_ms - from_ms < SILENCE_MINUTES * (int64_t)MS_PER_MINUTE ||
	    from_ms >= g->edge[g->n] || to_ms <= g->edge[0])
		return;
	i = from_ms <= g->edge[0] ? 0 : grid_find(g, from_ms);
	for (; i < g->n && g->edge[i + 1] <= to_ms; i++)
		if (g->edge[i] >= from_ms)
			a->is_silent[i] = true;
}

static void
add_to_bins(struct account *a, const struct minute_flows *m)
{
	const struct grid *g = a->grid;
	int64_t stop = m->minute_ms + MS_PER_MINUTE;
	size_t i;

	if (m->minute_ms >= g->edge[g->n] || stop <= g->edge[0])
		return;
	a->all_lost += m->lost;
	a->all_received += m->received;
	i = m->minute_ms <= g->edge[0] ? 0 : grid_find(g, m->minute_ms);
	for (; i < g->n && g->edge[i] < stop; i++) {
		a->lost[i] += m->lost;
		a->received[i] += m->received;
	}
}

static void
take_minute(const struct minute_flows *m, void *arg)
{
	struct account *a = arg;

	mark_silence(a, a->heard_ms, m->minute_ms);
	add_to_bins(a, m);
	a->heard_ms = m->minute_ms + MS_PER_MINUTE;
}

/* A shard without any account, as of an earlier version, is silent about
 * silence. */
static int
read_shard(struct account *a, const struct store_shard *file, int64_t from_ms,
    int64_t to_ms, struct err *err)
{
	int64_t day_ms = (int64_t)file->day * MS_PER_DAY;
	struct shard *s = NULL;
	bool has_any = false;
	int rc = shard_open_read(&s, file->path, err);

	if (rc == 0 && (rc = shard_begin_read(s, err)) == 0) {
		rc = minute_each(
		    shard_db(s), from_ms, to_ms, take_minute, a, &has_any, err);
		shard_end_read(s);
	}
	shard_close(s);
	if (rc == 0 && !has_any && a->heard_ms < day_ms + MS_PER_DAY) {
		mark_silence(a, a->heard_ms, day_ms);
		a->heard_ms = day_ms + MS_PER_DAY;
	}
	return rc;
}

static double
share_of(int64_t lost, int64_t received)
{
	return lost > 0 ? (double)lost / (double)(lost + received) : 0;
}

static int
read_store(struct account *a, const char *dir, struct err *err)
{
	/* Enough minutes before and behind to know a silence at the ends. */
	int64_t margin = (SILENCE_MINUTES + 1) * (int64_t)MS_PER_MINUTE;
	int64_t from = a->grid->edge[0] - margin;
	int64_t to = a->grid->edge[a->grid->n] + margin;
	struct store_list list;
	int rc = store_list(&list, dir, err);

	if (rc != 0)
		return rc;
	a->heard_ms = from;
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		int64_t day_ms = (int64_t)list.shard[i].day * MS_PER_DAY;

		if (day_ms + MS_PER_DAY > from && day_ms < to)
			rc = read_shard(a, &list.shard[i], from, to, err);
	}
	/* The next minute may be on its way. */
	mark_silence(a, a->heard_ms, to < a->now_ms ? to : a->now_ms);
	store_list_release(&list);
	return rc;
}

int
silence_find(const char *dir, const struct grid *g, int64_t now_ms,
    bool *is_silent, double *lost, double *lost_share, struct err *err)
{
	struct account a = {
	    .grid = g, .is_silent = is_silent, .now_ms = now_ms};
	int rc;

	a.lost = xcalloc(g->n, sizeof *a.lost);
	a.received = xcalloc(g->n, sizeof *a.received);
	rc = read_store(&a, dir, err);
	for (size_t i = 0; i < g->n; i++) {
		if (g->edge[i] >= now_ms)
			is_silent[i] = true;
		if (lost != NULL)
			lost[i] = share_of(a.lost[i], a.received[i]);
	}
	if (lost_share != NULL)
		*lost_share = share_of(a.all_lost, a.all_received);
	free(a.lost);
	free(a.received);
	return rc;
}
