/* SPDX-License-Identifier: ISC */
/*
 * Scans that fill curves: see timeline.h. Without split one scan does. With it
 * a first one finds what each key carried, a second one fills the curves of
 * those with most; choosing by peak may take more of these. Whatever a thread
 * counts is added up at its end, so batches may come in any order.
 */
#include "report/timeline.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "query/filter.h"
#include "query/match.h"
#include "report/aggregate.h"
#include "report/bins.h"
#include "report/flowviewer.h"
#include "report/palette.h"
#include "report/picker.h"
#include "report/silence.h"
#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

/* Bytes of bins in one scan, for each thread: at most, and as many as one that
 * looks for peaks may use. */
enum { MAX_BYTES = 256 * 1024 * 1024, PEAK_BYTES = 32 * 1024 * 1024 };

/* Of all threads. */
enum { ALL_BYTES = 1024 * 1024 * 1024 };

struct filter
timeline_filter(const struct filter *f, int64_t from_ms, int64_t to_ms)
{
	struct filter copy = *f;

	copy.has_from = copy.has_to = true;
	copy.from_ms = from_ms;
	copy.to_ms = to_ms;
	return copy;
}

static bool
has_side(const struct timeline_query *q, enum side side)
{
	if (q->side[SIDE_ABOVE] == NULL && q->side[SIDE_BELOW] == NULL)
		return side == SIDE_ABOVE;
	return q->side[side] != NULL;
}

/* Which flows of b are on a side that there is. */
static void
find_on_side(const struct timeline_query *q, enum side side,
    const struct batch *b, struct match_set *out)
{
	if (q->side[side] != NULL)
		match_batch(q->side[side], b, out);
	else
		memset(out, 0xff, sizeof *out);
}

static flow_column_set
side_columns(const struct timeline_query *q)
{
	flow_column_set set = 0;

	for (int s = 0; s < N_SIDES; s++)
		if (q->side[s] != NULL)
			set |= match_columns(q->side[s]);
	return set;
}

/* ---- filling bins ---- */

/* One scan: for each side a row of bins for each choice, and one for all
 * others. What threads have counted comes together in bin and fv. */
struct take {
	const struct timeline_query *query;
	const struct grid *grid;
	const struct choices *choices; /* NULL: no split */
	uint64_t *bin;
	struct flowviewer fv;
	pthread_mutex_t lock;
};

static size_t
rows_of_side(const struct choices *c)
{
	return c == NULL ? 1 : c->n + 1;
}

/* Sides that have rows. */
static size_t
n_sides(const struct timeline_query *q)
{
	return (size_t)has_side(q, SIDE_ABOVE) + has_side(q, SIDE_BELOW);
}

static size_t
n_sums(const struct take *t)
{
	return n_sides(t->query) * rows_of_side(t->choices) * t->grid->n;
}

/* Of a side that has rows. */
static uint64_t *
row_at(const struct take *t, uint64_t *bin, enum side side, size_t row)
{
	size_t first = side == SIDE_BELOW && has_side(t->query, SIDE_ABOVE)
			   ? rows_of_side(t->choices)
			   : 0;

	return bin + (first + row) * t->grid->n;
}

struct taker {
	struct take *take;
	uint64_t *bin;
	struct flowviewer fv;
	struct picker *picker;
	uint32_t row[BATCH_MAX];
};

static void *
taker_begin(void *arg)
{
	struct take *t = arg;
	struct taker *k = xcalloc(1, sizeof *k);

	k->take = t;
	if (t->query->as_flowviewer) {
		int rc = flowviewer_init(&k->fv, t->grid, NULL);

		assert(rc == 0); /* it was, for t->fv */
		(void)rc;
	} else {
		k->bin = xcalloc(n_sums(t), sizeof *k->bin);
	}
	if (t->choices != NULL)
		k->picker = picker_new(t->choices);
	return k;
}

static void
taker_free(void *state)
{
	struct taker *k = state;

	flowviewer_release(&k->fv);
	picker_free(k->picker);
	free(k->bin);
	free(k);
}

static void
add_as_flowviewer(struct taker *k, const struct batch *b)
{
	enum load load = k->take->query->load;
	const int64_t *start = b->col[COL_START_MS];
	const int64_t *end = b->col[COL_END_MS];

	for (size_t i = 0; i < b->n; i++) {
		if (load == LOAD_ACTIVE)
			flowviewer_add_active(&k->fv, start[i], end[i]);
		else
			flowviewer_add(
			    &k->fv, start[i], end[i], load_value(load, b, i));
	}
}

static void
add_side(struct taker *k, const struct batch *b, enum side side)
{
	const struct take *t = k->take;
	const struct timeline_query *q = t->query;
	enum spread spread = load_spread(q->load, q->spread);
	const int64_t *start = b->col[COL_START_MS];
	const int64_t *end = b->col[COL_END_MS];
	struct match_set set;

	find_on_side(q, side, b, &set);
	for (size_t i = 0; i < b->n; i++)
		if (match_has(&set, i))
			bins_add(row_at(t, k->bin, side, k->row[i]), t->grid,
			    spread, start[i], end[i],
			    load_value(q->load, b, i));
}

static int
taker_batch(const struct batch *b, void *state, struct err *err)
{
	struct taker *k = state;

	(void)err;
	if (k->take->query->as_flowviewer) {
		add_as_flowviewer(k, b);
		return 0;
	}
	if (k->picker != NULL)
		picker_pick(k->picker, b, k->row);
	for (int s = 0; s < N_SIDES; s++)
		if (has_side(k->take->query, (enum side)s))
			add_side(k, b, (enum side)s);
	return 0;
}

static int
taker_end(void *state, struct err *err)
{
	struct taker *k = state;
	struct take *t = k->take;

	pthread_mutex_lock(&t->lock);
	if (t->query->as_flowviewer)
		flowviewer_merge(&t->fv, &k->fv);
	else
		for (size_t i = 0; i < n_sums(t); i++)
			t->bin[i] += k->bin[i];
	pthread_mutex_unlock(&t->lock);
	(void)err;
	return 0;
}

static const struct scan_consumer taker = {
    .begin = taker_begin,
    .batch = taker_batch,
    .end = taker_end,
    .free = taker_free,
};

/* 0: as many as there are cores. */
static unsigned
n_threads_for(const struct take *t)
{
	size_t n = ALL_BYTES / (n_sums(t) * sizeof *t->bin + 1);
	unsigned wanted = t->query->n_threads;

	if (n >= (wanted > 0 ? wanted : SCAN_MAX_THREADS))
		return wanted;
	return (unsigned)n;
}

/* Release in any case. */
static int
take_bins(struct take *t, const struct timeline_query *q, const struct grid *g,
    const struct choices *choices, struct scan_stats *stats, struct err *err)
{
	struct filter f = timeline_filter(q->filter, g->edge[0], g->edge[g->n]);
	struct scan_query scan = {
	    .dir = q->dir,
	    .filter = &f,
	    .columns = load_columns(q->load) | side_columns(q),
	    .scale = q->scale,
	    .watch = q->watch,
	};
	int rc;

	*t = (struct take){.query = q, .grid = g, .choices = choices};
	pthread_mutex_init(&t->lock, NULL);
	if (n_sums(t) * sizeof *t->bin > MAX_BYTES)
		return err_set(err, ERR_USAGE,
		    "%zu buckets for each key are too many: take fewer keys "
		    "(top=), a larger bucket= or a shorter span",
		    g->n);
	if (q->as_flowviewer && (rc = flowviewer_init(&t->fv, g, err)) != 0)
		return rc;
	t->bin = xcalloc(n_sums(t), sizeof *t->bin);
	if (choices != NULL)
		scan.columns |= report_keys_need(choices->keys);
	scan.n_threads = n_threads_for(t);
	return scan_spread(&scan, &taker, t, stats, err);
}

static void
take_release(struct take *t)
{
	flowviewer_release(&t->fv);
	free(t->bin);
	pthread_mutex_destroy(&t->lock);
}

/* ---- what each key carried ---- */

/* Flows are added up by their keys with another value in the place of octets:
 * what they carried within the span, on both sides together. */
struct ranking {
	const struct timeline_query *query;
	const struct grid *grid;
	struct aggregate *whole;
};

struct ranker { /* of one thread */
	const struct ranking *of;
	struct aggregate_part *part;
	int64_t value[BATCH_MAX];
};

static uint64_t
value_within(const struct ranking *r, const struct batch *b, size_t i)
{
	const struct timeline_query *q = r->query;
	int64_t from = r->grid->edge[0], to = r->grid->edge[r->grid->n];
	int64_t start = b->col[COL_START_MS][i];
	uint64_t value = load_value(q->load, b, i);

	if (q->load == LOAD_FLOWS)
		return start >= from && start < to;
	return part_within(value, start, b->col[COL_END_MS][i], from, to);
}

static void *
ranker_begin(void *arg)
{
	struct ranker *r = xcalloc(1, sizeof *r);

	r->of = arg;
	r->part = aggregate_part_new(r->of->whole);
	return r;
}

static int
ranker_batch(const struct batch *b, void *state, struct err *err)
{
	struct ranker *r = state;
	const struct timeline_query *q = r->of->query;
	struct batch sub = *b;
	struct match_set set;

	memset(r->value, 0, b->n * sizeof *r->value);
	for (int s = 0; s < N_SIDES; s++) {
		if (!has_side(q, (enum side)s))
			continue;
		find_on_side(q, (enum side)s, b, &set);
		for (size_t i = 0; i < b->n; i++)
			if (match_has(&set, i))
				r->value[i] +=
				    (int64_t)value_within(r->of, b, i);
	}
	sub.col[COL_OCTETS] = sub.col[COL_PACKETS] = r->value;
	return aggregate_add(r->part, &sub, err);
}

static int
ranker_end(void *state, struct err *err)
{
	return aggregate_end(((struct ranker *)state)->part, err);
}

static void
ranker_free(void *state)
{
	struct ranker *r = state;

	aggregate_part_free(r->part);
	free(r);
}

static int
rank_keys(struct aggregate **out, const struct timeline_query *q,
    const struct grid *g, struct err *err)
{
	static const struct aggregate_options all = {
	    .max_groups = AGGREGATE_MAX_GROUPS};
	struct filter f = timeline_filter(q->filter, g->edge[0], g->edge[g->n]);
	struct scan_query scan = {
	    .dir = q->dir,
	    .filter = &f,
	    .columns = load_columns(q->load) | side_columns(q) |
		       report_keys_need(&q->split),
	    .scale = q->scale,
	    .watch = q->watch,
	    .n_threads = q->n_threads,
	};
	static const struct scan_consumer ranker = {
	    .begin = ranker_begin,
	    .batch = ranker_batch,
	    .end = ranker_end,
	    .free = ranker_free,
	};
	struct ranking r = {.query = q, .grid = g};
	struct scan_stats stats;

	*out = aggregate_new(&q->split, &all);
	r.whole = *out;
	return scan_spread(&scan, &ranker, &r, &stats, err);
}

/* Keys that carried anything, those with most first. */
struct ranked {
	const struct aggregate *aggregate;
	uint32_t *group;
	size_t n;
};

static uint64_t
total_of(const struct ranked *r, size_t i)
{
	struct aggregate_group g;

	aggregate_get(r->aggregate, r->group[i], &g);
	return g.sums.octets; /* see struct ranking */
}

static void
sort_ranked(struct ranked *r, size_t limit)
{
	static const struct aggregate_order order = {.rank = aggregate_octets};

	r->group = aggregate_sort(r->aggregate, &order, limit, &r->n);
	while (r->n > 0 && total_of(r, r->n - 1) == 0)
		r->n--;
}

/* ---- peaks ---- */

struct peak {
	uint64_t value;
	uint32_t group;
};

/* The top largest so far, the largest first. */
struct peaks {
	struct peak *best;
	size_t n, top;
};

static void
peaks_add(struct peaks *p, struct peak peak)
{
	size_t at = p->n;

	if (p->n == p->top && peak.value <= p->best[p->n - 1].value)
		return;
	if (p->n < p->top)
		p->n++;
	else
		at--;
	while (at > 0 && p->best[at - 1].value < peak.value) {
		p->best[at] = p->best[at - 1];
		at--;
	}
	p->best[at] = peak;
}

static void
raise_peak(struct peak *p, const uint64_t *bin, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bin[i] > p->value)
			p->value = bin[i];
}

static int
find_peaks_of(struct peaks *p, const struct timeline_query *q,
    const struct grid *g, const struct ranked *r, size_t first, size_t n,
    struct err *err)
{
	struct scan_stats stats;
	struct choices c;
	struct take t;
	int rc;

	choices_init(&c, &q->split, r->aggregate, r->group + first, n);
	rc = take_bins(&t, q, g, &c, &stats, err);
	for (size_t i = 0; i < n && rc == 0; i++) {
		struct peak peak = {.group = r->group[first + i]};

		for (int s = 0; s < N_SIDES; s++)
			if (has_side(q, (enum side)s))
				raise_peak(&peak,
				    row_at(&t, t.bin, (enum side)s, i), g->n);
		peaks_add(p, peak);
	}
	take_release(&t);
	choices_release(&c);
	return rc;
}

/*
 * A key cannot have carried more in one bucket than in all: once the next
 * total is not above the peaks found, no other peak is either. Totals fall
 * fast, so one round is nearly always enough, and never are the bins of all
 * keys in memory at a time.
 */
static int
choose_by_peak(struct ranked *r, const struct timeline_query *q,
    const struct grid *g, struct err *err)
{
	size_t round =
	    PEAK_BYTES / (g->n * n_sides(q) * sizeof(uint64_t)) + q->top;
	struct peaks p = {.top = q->top};
	int rc = 0;

	p.best = xcalloc(q->top, sizeof *p.best);
	for (size_t i = 0; i < r->n && rc == 0; i += round) {
		size_t n = r->n - i < round ? r->n - i : round;

		if (p.n == p.top && total_of(r, i) <= p.best[p.n - 1].value)
			break;
		rc = find_peaks_of(&p, q, g, r, i, n, err);
	}
	for (size_t i = 0; i < p.n && rc == 0; i++)
		r->group[i] = p.best[i].group;
	r->n = p.n;
	free(p.best);
	return rc;
}

static int
choose(struct choices *c, const struct timeline_query *q, const struct grid *g,
    struct err *err)
{
	struct aggregate *a = NULL;
	struct ranked r = {0};
	int rc = rank_keys(&a, q, g, err);

	r.aggregate = a;
	if (rc == 0) {
		sort_ranked(&r, q->top_by_peak ? 0 : q->top);
		if (q->top_by_peak)
			rc = choose_by_peak(&r, q, g, err);
	}
	if (rc == 0)
		choices_init(c, &q->split, a, r.group, r.n);
	free(r.group);
	aggregate_free(a);
	return rc;
}

/* ---- silence ---- */

static bool
is_zero(double *const rate[N_SIDES], size_t bin)
{
	for (int s = 0; s < N_SIDES; s++)
		if (rate[s] != NULL && rate[s][bin] > 0)
			return false;
	return true;
}

/* Whether curves have all flows there are. */
static bool
counts_all(const struct timeline_query *q)
{
	return filter_is_span(q->filter) && q->side[SIDE_ABOVE] == NULL &&
	       q->side[SIDE_BELOW] == NULL;
}

struct look {
	const struct grid *grid;
	bool *is_silent;
	size_t from, to; /* bins that are silent so far */
};

static int
look_batch(const struct batch *b, void *arg, struct err *err)
{
	struct look *l = arg;

	(void)err;
	for (size_t i = 0; i < b->n; i++)
		for (size_t k = l->from; k < l->to; k++)
			if (b->col[COL_START_MS][i] < l->grid->edge[k + 1] &&
			    b->col[COL_END_MS][i] >= l->grid->edge[k])
				l->is_silent[k] = false;
	return 0;
}

/* Flows that the filter left out show that a bin is known, too: some arrive
 * long after they ended. There is little to read where little arrived. */
static int
look_for_others(const struct timeline_query *q, const struct grid *g,
    bool *is_silent, struct err *err)
{
	struct look l = {.grid = g, .is_silent = is_silent};
	struct filter all, f;
	struct scan_query scan = {
	    .dir = q->dir,
	    .filter = &f,
	    .columns = (flow_column_set)1 << COL_START_MS | (flow_column_set)1
								<< COL_END_MS,
	    .watch = q->watch,
	    .n_threads = q->n_threads,
	};
	int rc = 0;

	filter_init(&all);
	for (l.from = 0; l.from < g->n && rc == 0; l.from = l.to + 1) {
		struct scan_stats stats;

		for (l.to = l.from; l.to < g->n && is_silent[l.to]; l.to++)
			;
		if (l.to == l.from)
			continue;
		f = timeline_filter(&all, g->edge[l.from], g->edge[l.to]);
		rc = scan_run(&scan, look_batch, &l, &stats, err);
	}
	filter_release(&all);
	return rc;
}

/* A bin with anything in it is not silent: flows are reported afterwards. */
static int
take_silence(const struct timeline_query *q, const struct grid *g,
    double *const rate[N_SIDES], bool *is_silent, double *lost,
    double *lost_share, struct err *err)
{
	int rc = silence_find(
	    q->dir, g, q->now_ms, is_silent, lost, lost_share, err);

	for (size_t i = 0; i < g->n; i++)
		is_silent[i] = is_silent[i] && is_zero(rate, i);
	if (rc == 0 && !counts_all(q))
		rc = look_for_others(q, g, is_silent, err);
	return rc;
}

/* ---- curves ---- */

static uint64_t
sum_of(const uint64_t *bin, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += bin[i];
	return sum;
}

static double *
rates_of_bins(const struct grid *g, enum load load, const uint64_t *bin)
{
	double *rate = xcalloc(g->n, sizeof *rate);

	for (size_t i = 0; i < g->n; i++)
		rate[i] = load_rate(load, bin[i], grid_bin_ms(g, i));
	return rate;
}

static uint64_t
hash_label(const struct report_keys *keys, const char *label)
{
	struct buf names;
	uint64_t hash;

	buf_init(&names, SIZE_MAX);
	report_keys_put(keys, &names);
	hash = palette_hash(buf_str(&names), label);
	buf_release(&names);
	return hash;
}

static void
name_curve(struct curve *c, const struct take *t, size_t row)
{
	if (t->choices == NULL)
		return;
	c->is_others = row == t->choices->n;
	c->label =
	    c->is_others ? xstrdup("others") : choice_label(t->choices, row);
	c->hash = hash_label(&t->query->split, c->label);
}

static void
add_curve(
    struct timeline *t, const struct take *take, enum side side, size_t row)
{
	const uint64_t *bin = row_at(take, take->bin, side, row);
	struct curve *c = &t->curve[t->n_curves];
	uint64_t total = sum_of(bin, t->grid.n);

	/* Nothing left over is not worth a line in the legend. */
	if (total == 0 && take->choices != NULL && row == take->choices->n &&
	    row > 0)
		return;
	t->n_curves++;
	c->side = side;
	c->total = total;
	name_curve(c, take, row);
	c->bin = xreallocarray(NULL, t->grid.n, sizeof *bin);
	memcpy(c->bin, bin, t->grid.n * sizeof *bin);
	c->rate = rates_of_bins(&t->grid, t->load, bin);
}

static void
add_flowviewer_curve(struct timeline *t, const struct take *take)
{
	struct curve *c = &t->curve[t->n_curves++];

	c->rate = xcalloc(t->grid.n, sizeof *c->rate);
	flowviewer_rates(&take->fv, t->load == LOAD_BITS ? 8 : 1, c->rate);
}

static void
add_to_sum(struct timeline *t, const struct curve *c)
{
	for (size_t i = 0; i < t->grid.n; i++)
		t->sum[c->side][i] += c->rate[i];
}

static void
make_curves(struct timeline *t, const struct take *take)
{
	size_t rows = rows_of_side(take->choices);

	t->curve = xcalloc(N_SIDES * rows, sizeof *t->curve);
	for (int s = 0; s < N_SIDES; s++) {
		if (!has_side(take->query, (enum side)s))
			continue;
		t->has_side[s] = true;
		t->sum[s] = xcalloc(t->grid.n, sizeof *t->sum[s]);
		for (size_t row = 0; row < rows; row++) {
			if (take->query->as_flowviewer)
				add_flowviewer_curve(t, take);
			else
				add_curve(t, take, (enum side)s, row);
		}
	}
	for (size_t i = 0; i < t->n_curves; i++)
		add_to_sum(t, &t->curve[i]);
}

static int
take_curves(struct timeline *t, const struct timeline_query *q, struct err *err)
{
	struct choices c = {0};
	bool is_split = q->split.n > 0;
	struct take take;
	int rc = is_split ? choose(&c, q, &t->grid, err) : 0;

	if (rc != 0)
		return rc;
	rc =
	    take_bins(&take, q, &t->grid, is_split ? &c : NULL, &t->stats, err);
	if (rc == 0)
		make_curves(t, &take);
	take_release(&take);
	choices_release(&c);
	return rc;
}

/* The same grid, earlier. */
static int
take_compared(
    struct timeline *t, const struct timeline_query *q, struct err *err)
{
	struct timeline_query whole = *q;
	struct grid earlier = {.n = t->grid.n, .size_ms = t->grid.size_ms};
	struct scan_stats stats;
	struct take take;
	int rc;

	whole.split.n = 0;
	earlier.edge = xcalloc(t->grid.n + 1, sizeof *earlier.edge);
	for (size_t i = 0; i <= t->grid.n; i++)
		earlier.edge[i] = t->grid.edge[i] - q->compare_ms;
	rc = take_bins(&take, &whole, &earlier, NULL, &stats, err);
	for (int s = 0; s < N_SIDES && rc == 0; s++)
		if (t->has_side[s])
			t->compare[s] = rates_of_bins(&t->grid, t->load,
			    row_at(&take, take.bin, (enum side)s, 0));
	take_release(&take);
	t->compare_silent = xcalloc(t->grid.n, sizeof *t->compare_silent);
	if (rc == 0)
		rc = take_silence(q, &earlier, t->compare, t->compare_silent,
		    NULL, NULL, err);
	grid_release(&earlier);
	return rc;
}

/* ---- the span ---- */

static int
take_nothing(const struct batch *b, void *arg, struct err *err)
{
	(void)b;
	(void)arg;
	(void)err;
	return 0;
}

/* What the store holds. All segments are left out by a span that no flow can
 * have, so this reads the catalog, or the shards' lists of segments. */
static int
find_bounds(
    const struct timeline_query *q, struct scan_stats *stats, struct err *err)
{
	struct filter never =
	    timeline_filter(q->filter, INT64_MAX - 1, INT64_MAX);
	struct scan_query scan = {
	    .dir = q->dir,
	    .filter = &never,
	    .columns = (flow_column_set)1 << COL_START_MS,
	    .watch = q->watch,
	    .n_threads = q->n_threads,
	};

	return scan_run(&scan, take_nothing, NULL, stats, err);
}

/*
 * Where a span ends that has no to=: now, so that a collector which stopped
 * today shows; where the flows end if that is more than a day ago, or if an
 * exporter's clock is ahead.
 */
static int64_t
end_of_store(int64_t max_end_ms, int64_t now_ms)
{
	if (max_end_ms < now_ms - MS_PER_DAY ||
	    (max_end_ms >= now_ms && max_end_ms < now_ms + MS_PER_DAY))
		return max_end_ms + 1;
	return now_ms;
}

struct span {
	int64_t from_ms, to_ms;
};

static int
find_span(struct timeline *t, const struct timeline_query *q, struct span *span,
    struct err *err)
{
	const struct filter *f = q->filter;
	struct scan_stats stats = {0};
	int rc = 0;

	t->has_span = true;
	if (!f->has_from || !f->has_to) {
		if ((rc = find_bounds(q, &stats, err)) != 0)
			return rc;
		t->has_span = stats.has_bounds;
	}
	span->from_ms = f->has_from ? f->from_ms : stats.min_start_ms;
	span->to_ms =
	    f->has_to ? f->to_ms : end_of_store(stats.max_end_ms, q->now_ms);
	if (t->has_span && span->from_ms >= span->to_ms)
		return err_set(err, ERR_USAGE,
		    "the span is empty: what is stored is all before from= or "
		    "behind to=");
	return 0;
}

/* Ends that nobody asked for move outwards, to where a bucket ends. */
static void
round_span(struct span *span, const struct timeline_query *q, int64_t size_ms)
{
	if (!q->filter->has_from)
		span->from_ms = grid_floor(span->from_ms, size_ms);
	if (!q->filter->has_to && (q->bucket_ms == 0 || !q->filter->has_from))
		span->to_ms = grid_next(span->to_ms - 1, size_ms);
	while (span->to_ms - span->from_ms < 2 * size_ms && !q->filter->has_to)
		span->to_ms = grid_next(span->to_ms, size_ms);
}

static int64_t
choose_size(const struct timeline_query *q, const struct span *span)
{
	int64_t size =
	    grid_choose_size(span->from_ms, span->to_ms, q->max_bins);

	return q->as_flowviewer && size < MS_PER_S ? MS_PER_S : size;
}

static int
make_grid(struct timeline *t, const struct timeline_query *q, struct err *err)
{
	struct span span;
	int64_t size = q->bucket_ms;
	int rc = find_span(t, q, &span, err);

	if (rc != 0 || !t->has_span)
		return rc;
	if (size == 0)
		size = choose_size(q, &span);
	round_span(&span, q, size);
	return grid_init(
	    &t->grid, span.from_ms, span.to_ms, size, q->align, err);
}

/* ---- all of it ---- */

int
timeline_make(
    struct timeline *t, const struct timeline_query *q, struct err *err)
{
	int rc;

	assert(q->top > 0 || q->split.n == 0);
	*t = (struct timeline){.load = q->load};
	if ((rc = make_grid(t, q, err)) != 0 || !t->has_span)
		return rc;
	t->is_silent = xcalloc(t->grid.n, sizeof *t->is_silent);
	t->lost = xcalloc(t->grid.n, sizeof *t->lost);
	rc = take_curves(t, q, err);
	/* FlowGrapher knows zeros only. */
	if (rc == 0 && !q->as_flowviewer)
		rc = take_silence(q, &t->grid, t->sum, t->is_silent, t->lost,
		    &t->lost_share, err);
	for (size_t i = 0; i < t->grid.n; i++)
		t->n_silent += t->is_silent[i];
	if (rc == 0 && q->compare_ms != 0)
		rc = take_compared(t, q, err);
	return rc;
}

void
timeline_release(struct timeline *t)
{
	for (size_t i = 0; i < t->n_curves; i++) {
		free(t->curve[i].label);
		free(t->curve[i].bin);
		free(t->curve[i].rate);
	}
	free(t->curve);
	for (int s = 0; s < N_SIDES; s++) {
		free(t->sum[s]);
		free(t->compare[s]);
	}
	free(t->is_silent);
	free(t->compare_silent);
	free(t->lost);
	grid_release(&t->grid);
	*t = (struct timeline){0};
}

void
timeline_rates(const struct grid *g, const double *rate, const bool *is_silent,
    size_t from, size_t to, const struct rates_spec *how, struct rates *out)
{
	struct sample *s = xcalloc(to - from, sizeof *s);

	for (size_t i = from; i < to; i++)
		s[i - from] = (struct sample){
		    .rate = rate[i],
		    .seconds = (double)grid_bin_ms(g, i) / MS_PER_S,
		    .is_known = !is_silent[i],
		};
	rates_of(out, s, to - from, how);
	free(s);
}
