/* SPDX-License-Identifier: ISC */
/*
 * Threads that take pieces and read them: see scan.h. In order, what a thread
 * has read waits in the slot of its piece until the caller asks for it; a
 * thread that is too far ahead waits.
 */
#include "query/scan.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/dedup.h"
#include "query/pieces.h"
#include "query/scale.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum {
	TICK_MS = 50, /* between two looks at the watch */
	/* Of one batch for a listing's first lines to two million flows. */
	AHEAD_PIECES = 32,
	AHEAD_BATCHES = 16, /* waiting; of the piece that is asked for 4 more */
	HEAD_BATCHES = 4,
	FIRST_ROOM = 256, /* flows in a piece's first batch, then twice it */
};

/* A batch that waits. */
struct waiting {
	struct batch batch;
	size_t n_duplicates; /* taken out of it */
	struct waiting *next;
};

/* What there is of one piece, in order. */
struct slot {
	bool taken; /* by a thread */
	bool begun; /* it is asked for, and its stats were added */
	bool done;  /* all is there, or rc says why not */
	bool end;   /* no piece, but the end */
	struct waiting *first, **last;
	size_t n_waiting;
	struct scan_stats passed;
	int rc;
	struct err err;
};

struct scan {
	struct scan_query q;
	struct pieces *pieces;
	int64_t deadline_ms; /* monotonic; INT64_MAX: none */
	int64_t tell_ms;     /* monotonic: when progress is told next */
	atomic_bool stop;
	atomic_uint_fast64_t n_found; /* flows so far, for progress */
	pthread_mutex_t lock;
	pthread_cond_t moved;   /* for threads: there is room, or stop */
	pthread_cond_t arrived; /* for the caller: a batch, or a thread ended */
	pthread_t thread[SCAN_MAX_THREADS];
	unsigned n_threads, n_running;
	struct scan_stats stats;
	/* Spread. */
	const struct scan_consumer *consumer;
	void *arg;
	int rc; /* of the first piece that failed */
	uint64_t rc_number;
	struct err err;
	/* In order. */
	struct slot slot[AHEAD_PIECES];
	pthread_mutex_t take_lock; /* pieces are taken one at a time */
	uint64_t n_taken;
	bool no_more;     /* to take */
	uint64_t head;    /* number of the piece that is asked for */
	size_t n_waiting; /* batches in all slots */
	struct waiting *unused;
	struct waiting *lent; /* to the caller */
};

/* A thread at work. */
struct worker {
	struct scan *scan;
	/* Spread. */
	void *state;
	uint64_t n_flows, n_duplicates;
	int rc;
	struct err err;
	/* In order. */
	struct slot *slot;
	uint64_t number;
	struct waiting *filling;
};

/* ---- the end ---- */

static bool
is_stopped(void *arg)
{
	const struct scan *s = arg;
	const struct scan_watch *w = s->q.watch;

	return atomic_load_explicit(&s->stop, memory_order_relaxed) ||
	       (w != NULL &&
		   atomic_load_explicit(&w->stop, memory_order_relaxed)) ||
	       (s->deadline_ms != INT64_MAX &&
		   clock_monotonic_ms() >= s->deadline_ms);
}

/* What the watch says. */
static int
check_watch(const struct scan *s, struct err *err)
{
	const struct scan_watch *w = s->q.watch;

	if (w != NULL && atomic_load(&w->stop))
		return err_set(err, ERR_STOPPED, "stopped");
	if (w != NULL && s->deadline_ms != INT64_MAX &&
	    clock_monotonic_ms() >= s->deadline_ms)
		return err_set(err, ERR_LIMIT,
		    "no answer within the time limit of %lld.%03lld s: narrow "
		    "the filter or the time, or raise timeout=",
		    (long long)(w->timeout_ms / 1000),
		    (long long)(w->timeout_ms % 1000));
	return 0;
}

static void
add_stats(struct scan_stats *to, const struct scan_stats *more)
{
	to->n_shards += more->n_shards;
	to->n_shards_pruned += more->n_shards_pruned;
	to->n_segments += more->n_segments;
	to->n_segments_pruned += more->n_segments_pruned;
	to->n_flows += more->n_flows;
	to->n_duplicates += more->n_duplicates;
	if (!more->has_bounds)
		return;
	if (!to->has_bounds || more->min_start_ms < to->min_start_ms)
		to->min_start_ms = more->min_start_ms;
	if (!to->has_bounds || more->max_end_ms > to->max_end_ms)
		to->max_end_ms = more->max_end_ms;
	to->has_bounds = true;
}

/* ---- threads ---- */

static unsigned
count_cores(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof cores, &cores) != 0)
		return 1;
	return (unsigned)CPU_COUNT(&cores);
}

static unsigned
count_threads(const struct scan_query *q)
{
	unsigned n = q->n_threads > 0 ? q->n_threads : count_cores();

	return n < SCAN_MAX_THREADS ? n : SCAN_MAX_THREADS;
}

/* At least one; they leave signals to the caller's thread. */
static int
start_threads(struct scan *s, void *(*run)(void *), struct err *err)
{
	unsigned n = count_threads(&s->q);
	sigset_t all, before;
	int rc = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&s->lock);
	while (s->n_threads < n && rc == 0) {
		rc = pthread_create(&s->thread[s->n_threads], NULL, run, s);
		if (rc == 0)
			s->n_threads++;
	}
	s->n_running = s->n_threads;
	pthread_mutex_unlock(&s->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (s->n_threads > 0)
		return 0;
	errno = rc;
	return err_sys(err, "no thread to read with");
}

static void
join_threads(struct scan *s)
{
	for (unsigned i = 0; i < s->n_threads; i++)
		pthread_join(s->thread[i], NULL);
	s->n_threads = 0;
}

static void
thread_ends(struct scan *s)
{
	pthread_mutex_lock(&s->lock);
	s->n_running--;
	pthread_cond_signal(&s->arrived);
	pthread_mutex_unlock(&s->lock);
}

/* Until something arrives, or the next tick; under the lock. */
static void
wait_a_tick(struct scan *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&s->arrived, &s->lock, &until);
}

/* Of how far it is, to who looks on; without the lock. */
static void
tell(struct scan *s)
{
	const struct scan_watch *w = s->q.watch;
	struct scan_progress p;
	int64_t now_ms;

	if (w == NULL || w->progress == NULL ||
	    (now_ms = clock_monotonic_ms()) < s->tell_ms)
		return;
	s->tell_ms = now_ms + TICK_MS;
	pieces_progress(s->pieces, &p);
	p.n_flows = atomic_load_explicit(&s->n_found, memory_order_relaxed);
	w->progress(&p, w->arg);
}

static void
found(struct scan *s, size_t n)
{
	atomic_fetch_add_explicit(&s->n_found, n, memory_order_relaxed);
}

/* ---- a scan ---- */

static int64_t
find_deadline(const struct scan_watch *w)
{
	if (w == NULL || w->timeout_ms == 0)
		return INT64_MAX;
	return (w->began_ms > 0 ? w->began_ms : clock_monotonic_ms()) +
	       w->timeout_ms;
}

static void
scan_init(struct scan *s, const struct scan_query *q)
{
	pthread_condattr_t monotonic;

	*s = (struct scan){.q = *q};
	if (q->scale != NULL)
		s->q.columns |= scale_columns(q->scale, q->columns);
	if (q->dedup != NULL)
		s->q.columns |= dedup_columns();
	s->deadline_ms = find_deadline(q->watch);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->take_lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	pthread_cond_init(&s->arrived, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

static void
scan_release(struct scan *s)
{
	pieces_close(s->pieces);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->take_lock);
	pthread_cond_destroy(&s->moved);
	pthread_cond_destroy(&s->arrived);
}

static void
stop(struct scan *s)
{
	pthread_mutex_lock(&s->lock);
	atomic_store(&s->stop, true);
	pthread_cond_broadcast(&s->moved);
	pthread_mutex_unlock(&s->lock);
}

static void
scale(const struct scan *s, struct batch *b)
{
	if (s->q.scale != NULL)
		scale_batch(s->q.scale, b);
}

static size_t
leave_out(const struct scan *s, struct batch *b)
{
	return s->q.dedup != NULL ? dedup_apply(s->q.dedup, b) : 0;
}

/* ---- spread ---- */

static int
spread_full(struct view_sink *sink)
{
	struct worker *w = sink->arg;

	w->n_duplicates += leave_out(w->scan, sink->b);
	w->n_flows += sink->b->n;
	found(w->scan, sink->b->n);
	scale(w->scan, sink->b);
	w->rc = w->scan->consumer->batch(sink->b, w->state, &w->err);
	sink->b->n = 0;
	return w->rc;
}

static int
spread_piece(struct worker *w, const struct piece *piece, struct batch *b)
{
	struct view_sink sink = {
	    .b = b, .room = BATCH_MAX, .full = spread_full, .arg = w};
	int rc;

	b->n = 0;
	rc = piece_read(w->scan->pieces, piece, &sink, &w->err);
	piece_end(w->scan->pieces, piece);
	if (w->rc == 0 && rc == 0 && b->n > 0)
		rc = spread_full(&sink);
	if (w->rc != 0)
		return w->rc;
	/* Interrupted: whoever did it tells why. */
	return rc == ERR_STOPPED && is_stopped(w->scan) ? 0 : rc;
}

/* Of two pieces that fail the earlier one is told of. */
static void
spread_fails(struct scan *s, const struct worker *w, int rc, uint64_t number)
{
	stop(s);
	pthread_mutex_lock(&s->lock);
	if (s->rc == 0 || number < s->rc_number) {
		s->rc = rc;
		s->rc_number = number;
		s->err = w->err;
	}
	pthread_mutex_unlock(&s->lock);
}

static void
spread_pieces(struct worker *w, struct batch *b)
{
	struct scan *s = w->scan;
	struct piece piece;
	int rc = 0;

	while (rc == 0 && !is_stopped(s)) {
		rc = pieces_next(s->pieces, &piece, &w->err);
		pthread_mutex_lock(&s->lock);
		add_stats(&s->stats, &piece.passed);
		pthread_mutex_unlock(&s->lock);
		if (rc == 0)
			break;
		if (rc == 1)
			rc = spread_piece(w, &piece, b);
	}
	if (rc != 0)
		spread_fails(s, w, rc, piece.number);
}

static void *
spread_thread(void *arg)
{
	struct scan *s = arg;
	struct worker w = {.scan = s};
	struct batch b;
	int rc;

	w.state = s->consumer->begin(s->arg);
	batch_init(&b, s->q.columns);
	spread_pieces(&w, &b);
	batch_release(&b);
	if (!is_stopped(s) && (rc = s->consumer->end(w.state, &w.err)) != 0)
		spread_fails(s, &w, rc, UINT64_MAX);
	s->consumer->free(w.state);
	pthread_mutex_lock(&s->lock);
	s->stats.n_flows += w.n_flows;
	s->stats.n_duplicates += w.n_duplicates;
	pthread_mutex_unlock(&s->lock);
	thread_ends(s);
	return NULL;
}

static void
wait_for_all(struct scan *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->n_running > 0) {
		wait_a_tick(s);
		pthread_mutex_unlock(&s->lock);
		tell(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
}

int
scan_spread(const struct scan_query *q, const struct scan_consumer *c,
    void *arg, struct scan_stats *stats, struct err *err)
{
	struct scan s;
	int rc;

	scan_init(&s, q);
	s.consumer = c;
	s.arg = arg;
	rc = pieces_open(&s.pieces, &s.q, false, is_stopped, &s, err);
	if (rc == 0 && (rc = start_threads(&s, spread_thread, err)) == 0) {
		wait_for_all(&s);
		join_threads(&s);
		rc = s.rc != 0 ? s.rc : check_watch(&s, err);
		if (s.rc < 0 && err != NULL)
			*err = s.err;
	}
	*stats = s.stats;
	scan_release(&s);
	return rc;
}

/* ---- in order: threads ---- */

/* An empty batch to fill. */
static struct waiting *
take_batch(struct scan *s)
{
	struct waiting *w;

	pthread_mutex_lock(&s->lock);
	w = s->unused;
	if (w != NULL)
		s->unused = w->next;
	pthread_mutex_unlock(&s->lock);
	if (w == NULL) {
		w = xcalloc(1, sizeof *w);
		batch_init(&w->batch, s->q.columns);
	}
	w->batch.n = 0;
	w->next = NULL;
	return w;
}

static void
free_batches(struct waiting *w)
{
	while (w != NULL) {
		struct waiting *next = w->next;

		batch_release(&w->batch);
		free(w);
		w = next;
	}
}

static bool
must_wait(const struct scan *s, const struct worker *w)
{
	if (w->number == s->head)
		return w->slot->n_waiting >= HEAD_BATCHES;
	return s->n_waiting >= AHEAD_BATCHES;
}

/* Put the batch into the slot of its piece once there is room. */
static int
put_batch(struct worker *w)
{
	struct scan *s = w->scan;
	struct slot *slot = w->slot;

	w->filling->n_duplicates = leave_out(s, &w->filling->batch);
	found(s, w->filling->batch.n);
	scale(s, &w->filling->batch);
	pthread_mutex_lock(&s->lock);
	while (must_wait(s, w) && !atomic_load(&s->stop))
		pthread_cond_wait(&s->moved, &s->lock);
	*slot->last = w->filling;
	slot->last = &w->filling->next;
	slot->n_waiting++;
	s->n_waiting++;
	pthread_cond_signal(&s->arrived);
	pthread_mutex_unlock(&s->lock);
	w->filling = NULL;
	return is_stopped(s) ? ERR_STOPPED : 0;
}

static int
order_full(struct view_sink *sink)
{
	struct worker *w = sink->arg;
	int rc = put_batch(w);

	w->filling = take_batch(w->scan);
	sink->b = &w->filling->batch;
	if (sink->room < BATCH_MAX)
		sink->room *= 2;
	return rc;
}

static int
order_piece(struct worker *w, const struct piece *piece)
{
	struct view_sink sink = {
	    .room = FIRST_ROOM, .full = order_full, .arg = w};
	int rc;

	if (w->filling == NULL)
		w->filling = take_batch(w->scan);
	sink.b = &w->filling->batch;
	sink.b->n = 0;
	rc = piece_read(w->scan->pieces, piece, &sink, &w->slot->err);
	piece_end(w->scan->pieces, piece);
	if (rc == 0 && w->filling->batch.n > 0)
		return put_batch(w);
	return rc;
}

/* Wait until there is a slot for one more; not when stopped. */
static bool
wait_for_slot(struct scan *s)
{
	bool go;

	pthread_mutex_lock(&s->lock);
	while (s->n_taken - s->head >= AHEAD_PIECES && !atomic_load(&s->stop))
		pthread_cond_wait(&s->moved, &s->lock);
	go = !atomic_load(&s->stop);
	pthread_mutex_unlock(&s->lock);
	return go;
}

/* One who takes at a time. */
static int
take_slot(struct worker *w, struct piece *piece)
{
	struct scan *s = w->scan;
	struct slot *slot = &s->slot[s->n_taken % AHEAD_PIECES];
	struct err err = {0};
	int rc = pieces_next(s->pieces, piece, &err);

	pthread_mutex_lock(&s->lock);
	*slot = (struct slot){.taken = true, .passed = piece->passed};
	slot->last = &slot->first;
	if (rc != 1) {
		slot->end = slot->done = true;
		slot->rc = rc;
		slot->err = err;
		s->no_more = true;
		pthread_cond_signal(&s->arrived);
	}
	s->n_taken++;
	pthread_mutex_unlock(&s->lock);
	w->number = piece->number;
	w->slot = slot;
	return rc;
}

/* 1: there is a piece to read. */
static int
take_piece(struct worker *w, struct piece *piece)
{
	struct scan *s = w->scan;
	int rc = 0;

	pthread_mutex_lock(&s->take_lock);
	if (!s->no_more && wait_for_slot(s))
		rc = take_slot(w, piece);
	pthread_mutex_unlock(&s->take_lock);
	return rc;
}

static void
slot_done(struct worker *w, int rc)
{
	struct scan *s = w->scan;

	pthread_mutex_lock(&s->lock);
	w->slot->rc = rc;
	w->slot->done = true;
	pthread_cond_signal(&s->arrived);
	pthread_mutex_unlock(&s->lock);
}

static void *
order_thread(void *arg)
{
	struct scan *s = arg;
	struct worker w = {.scan = s};
	struct piece piece;

	while (take_piece(&w, &piece) == 1)
		slot_done(&w, order_piece(&w, &piece));
	free_batches(w.filling);
	thread_ends(s);
	return NULL;
}

/* ---- in order: the caller ---- */

int
scan_open(struct scan **out, const struct scan_query *q, struct err *err)
{
	struct scan *s = xcalloc(1, sizeof *s);
	int rc;

	scan_init(s, q);
	rc = pieces_open(&s->pieces, &s->q, true, is_stopped, s, err);
	if (rc == 0)
		rc = start_threads(s, order_thread, err);
	if (rc != 0) {
		scan_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

static void
return_lent(struct scan *s)
{
	if (s->lent == NULL)
		return;
	s->lent->next = s->unused;
	s->unused = s->lent;
	s->lent = NULL;
}

static const struct batch *
lend(struct scan *s, struct slot *slot)
{
	s->lent = slot->first;
	slot->first = s->lent->next;
	if (slot->first == NULL)
		slot->last = &slot->first;
	slot->n_waiting--;
	s->n_waiting--;
	s->stats.n_flows += s->lent->batch.n;
	s->stats.n_duplicates += s->lent->n_duplicates;
	pthread_cond_broadcast(&s->moved);
	return &s->lent->batch;
}

/* The slot that is asked for, behind those that are done; NULL: none yet. */
static struct slot *
head_slot(struct scan *s)
{
	struct slot *slot;

	while (s->head < s->n_taken) {
		slot = &s->slot[s->head % AHEAD_PIECES];
		if (!slot->begun)
			add_stats(&s->stats, &slot->passed);
		slot->begun = true;
		if (slot->n_waiting > 0 || !slot->done || slot->rc != 0 ||
		    slot->end)
			return slot;
		s->head++;
		pthread_cond_broadcast(&s->moved);
	}
	return NULL;
}

/* As scan_next, or 2: nothing yet. */
static int
look(struct scan *s, const struct batch **b, struct err *err)
{
	struct slot *slot = head_slot(s);

	if (slot == NULL || (slot->n_waiting == 0 && !slot->done))
		return 2;
	if (slot->n_waiting > 0) {
		*b = lend(s, slot);
		return 1;
	}
	if (slot->rc != 0 && err != NULL)
		*err = slot->err;
	return slot->rc;
}

int
scan_next(struct scan *s, const struct batch **b, struct err *err)
{
	int rc, watch;

	tell(s);
	pthread_mutex_lock(&s->lock);
	return_lent(s);
	while (
	    (watch = check_watch(s, err)) == 0 && (rc = look(s, b, err)) == 2) {
		wait_a_tick(s);
		pthread_mutex_unlock(&s->lock);
		tell(s);
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return watch != 0 ? watch : rc;
}

const struct scan_stats *
scan_stats(const struct scan *s)
{
	return &s->stats;
}

void
scan_close(struct scan *s)
{
	if (s == NULL)
		return;
	stop(s);
	join_threads(s);
	return_lent(s);
	free_batches(s->unused);
	for (size_t i = 0; i < AHEAD_PIECES; i++)
		free_batches(s->slot[i].first);
	scan_release(s);
	free(s);
}

int
scan_run(const struct scan_query *q, scan_fn *fn, void *arg,
    struct scan_stats *stats, struct err *err)
{
	const struct batch *b = NULL;
	struct scan *s;
	int rc = scan_open(&s, q, err);

	*stats = (struct scan_stats){0};
	if (rc != 0)
		return rc;
	while ((rc = scan_next(s, &b, err)) == 1 && (rc = fn(b, arg, err)) == 0)
		continue;
	*stats = s->stats;
	scan_close(s);
	return rc;
}
