/* SPDX-License-Identifier: ISC */
/* One pass, all filters: see track_values.h. */
#include "report/track_values.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "query/filter.h"
#include "query/match.h"
#include "query/scan.h"
#include "report/bins.h"
#include "report/grid.h"
#include "report/series.h"
#include "report/silence.h"
#include "report/timeline.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

/* What all threads share. */
struct pass {
	const struct track_job *job;
	size_t n_jobs;
	struct grid grid;
	uint64_t *sum; /* by job, then period */
	pthread_mutex_t lock;
};

struct counter { /* of one thread */
	struct pass *pass;
	uint64_t *sum;
};

static size_t
n_sums(const struct pass *p)
{
	return p->n_jobs * p->grid.n;
}

static void *
counter_begin(void *arg)
{
	struct counter *c = xcalloc(1, sizeof *c);

	c->pass = arg;
	c->sum = xcalloc(n_sums(c->pass), sizeof *c->sum);
	return c;
}

static void
counter_free(void *state)
{
	struct counter *c = state;

	free(c->sum);
	free(c);
}

static uint64_t
scaled_value(const struct track_job *job, const struct batch *b, size_t i)
{
	uint64_t value = load_value(job->load, b, i);

	if (job->scale.mode == SCALE_NONE || job->load == LOAD_FLOWS ||
	    job->load == LOAD_ACTIVE)
		return value;
	return value * (uint64_t)scale_factor(&job->scale, b, i);
}

static void
count_flow(const struct counter *c, const struct track_job *job, uint64_t *sum,
    const struct batch *b, size_t i)
{
	bins_add(sum, &c->pass->grid,
	    load_spread(job->load, SPREAD_PROPORTIONAL),
	    b->col[COL_START_MS][i], b->col[COL_END_MS][i],
	    scaled_value(job, b, i));
}

static int
counter_batch(const struct batch *b, void *state, struct err *err)
{
	const struct counter *c = state;
	struct match_set set;

	(void)err;
	for (size_t j = 0; j < c->pass->n_jobs; j++) {
		const struct track_job *job = &c->pass->job[j];
		uint64_t *sum = c->sum + j * c->pass->grid.n;

		if (match_batch(job->filter, b, &set) == 0)
			continue;
		for (size_t first = 0; first < b->n; first += 64)
			for (uint64_t w = set.word[first / 64]; w != 0;
			     w &= w - 1)
				count_flow(c, job, sum, b,
				    first + (size_t)__builtin_ctzll(w));
	}
	return 0;
}

static int
counter_end(void *state, struct err *err)
{
	const struct counter *c = state;
	struct pass *p = c->pass;

	(void)err;
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < n_sums(p); i++)
		p->sum[i] += c->sum[i];
	pthread_mutex_unlock(&p->lock);
	return 0;
}

static const struct scan_consumer counter = {
    .begin = counter_begin,
    .batch = counter_batch,
    .end = counter_end,
    .free = counter_free,
};

static flow_column_set
job_columns(const struct track_job *job)
{
	flow_column_set set =
	    match_columns(job->filter) | load_columns(job->load);

	return set | scale_columns(&job->scale, set);
}

/* A filter alone can be answered by an index. */
static int
count_flows(
    struct pass *p, const char *dir, struct scan_watch *watch, struct err *err)
{
	const struct grid *g = &p->grid;
	struct scan_query q = {.dir = dir, .watch = watch};
	struct scan_stats stats;
	struct filter all, spanned;
	int rc;

	filter_init(&all);
	spanned = timeline_filter(p->n_jobs == 1 ? p->job[0].filter : &all,
	    g->edge[0], g->edge[g->n]);
	q.filter = &spanned;
	for (size_t j = 0; j < p->n_jobs; j++)
		q.columns |= job_columns(&p->job[j]);
	rc = scan_spread(&q, &counter, p, &stats, err);
	filter_release(&all);
	return rc;
}

static struct grid
make_grid(const struct track_span *span)
{
	struct grid g = {
	    .n = span->n,
	    .size_ms = (int64_t)SERIES_STEP_S * MS_PER_S,
	};

	g.edge = xcalloc(g.n + 1, sizeof *g.edge);
	for (size_t i = 0; i <= g.n; i++)
		g.edge[i] = span->from_s * MS_PER_S + (int64_t)i * g.size_ms;
	return g;
}

static void
make_rates(const struct pass *p, const bool *is_silent, double *value)
{
	const struct grid *g = &p->grid;

	for (size_t j = 0; j < p->n_jobs; j++)
		for (size_t i = 0; i < g->n; i++) {
			uint64_t sum = p->sum[j * g->n + i];

			value[j * g->n + i] =
			    sum == 0 && is_silent[i]
				? NAN
				: load_rate(p->job[j].load, sum, g->size_ms);
		}
}

int
track_values(const char *dir, const struct track_job *job, size_t n_jobs,
    const struct track_span *span, int64_t now_ms, struct scan_watch *watch,
    double *value, struct err *err)
{
	struct pass p = {.job = job, .n_jobs = n_jobs};
	bool *is_silent = xcalloc(span->n + 1, sizeof *is_silent);
	int rc;

	p.grid = make_grid(span);
	p.sum = xcalloc(n_sums(&p) + 1, sizeof *p.sum);
	pthread_mutex_init(&p.lock, NULL);
	rc = silence_find(dir, &p.grid, now_ms, is_silent, NULL, NULL, err);
	if (rc == 0)
		rc = count_flows(&p, dir, watch, err);
	if (rc == 0)
		make_rates(&p, is_silent, value);
	pthread_mutex_destroy(&p.lock);
	grid_release(&p.grid);
	free(p.sum);
	free(is_silent);
	return rc;
}
