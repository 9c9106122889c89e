/* SPDX-License-Identifier: ISC */
/*
 * The writing thread: see storing.h. When to commit, to seal, to retry; how is
 * the writer's business.
 */
#include "collector/storing.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "collector/queue.h"
#include "collector/writer.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"

enum {
	COMMIT_MS = 500,
	/* A transaction of this many chunks is committed early, so that the
	 * chunks it holds go back to the receiver in time. */
	COMMIT_CHUNKS = 16,
	WAIT_MS = 100, /* how long to wait for a chunk before other work */
	RETRY_MS = 1000,
	RETRIES_AT_END = 5,
	FINISH_AFTER_MS = 60 * 1000, /* of the new day */
	TIDY_MAX_WAITING = QUEUE_CHUNKS / 8,
	TIDY_RETRY_MS = 60 * 1000,
};

struct storing {
	pthread_t thread;
	struct queue *queue;
	struct writer *writer;
	void (*on_failure)(void *);
	void *arg;
	/* Chunks of the open transaction, all in the queue's count. */
	struct chunk *held[QUEUE_CHUNKS];
	size_t n_held;
	int64_t first_held_ms; /* monotonic */
	bool failing;          /* the last try did not work; said so */
	bool failed;           /* and never will */
	int64_t tidy_after_ms; /* monotonic */
	struct storing_counters counters;
};

static int
add_chunk(struct writer *w, const struct chunk *c, struct err *err)
{
	const struct flow *flows = c->flow;
	int rc;

	for (size_t i = 0; i < c->n_packets; i++) {
		const struct packet *p = &c->packet[i];

		rc = writer_add(w, clock_day(p->received_ms), p, flows, err);
		if (rc != 0)
			return rc;
		flows += p->n_flows;
	}
	return 0;
}

static void
release_held(struct storing *s, uint64_t *count)
{
	for (size_t i = 0; i < s->n_held; i++) {
		*count += s->held[i]->n_flows;
		queue_give_back(s->queue, s->held[i]);
	}
	s->n_held = 0;
}

/* Roll back, say so once, and tell whether trying again makes sense. */
static void
note_failure(struct storing *s, int rc, const struct err *err)
{
	writer_roll_back(s->writer);
	s->counters.retries++;
	if (!s->failing)
		log_warnx(
		    "%s: flows are kept in memory and tried again", err->text);
	s->failing = true;
	if ((rc == ERR_CORRUPT || rc == ERR_NEWER) && !s->failed) {
		s->failed = true;
		s->on_failure(s->arg);
	}
}

static int
commit(struct storing *s)
{
	struct err err;
	int rc = writer_commit(s->writer, &err);

	if (rc != 0) {
		note_failure(s, rc, &err);
		return rc;
	}
	if (s->n_held > 0)
		s->counters.commits++;
	release_held(s, &s->counters.flows);
	if (s->failing)
		log_info("store: writing again");
	s->failing = false;
	return 0;
}

/* All of the rolled back transaction once more. */
static int
write_held_again(struct storing *s)
{
	struct err err;
	int rc = 0;

	for (size_t i = 0; i < s->n_held && rc == 0; i++)
		rc = add_chunk(s->writer, s->held[i], &err);
	if (rc != 0) {
		note_failure(s, rc, &err);
		return rc;
	}
	return commit(s);
}

static void
take_chunk(struct storing *s, struct chunk *c)
{
	struct err err;
	int rc;

	if (s->n_held == 0)
		s->first_held_ms = clock_monotonic_ms();
	s->held[s->n_held++] = c;
	if (s->failing)
		return; /* it waits with the others for the next try */
	if ((rc = add_chunk(s->writer, c, &err)) != 0)
		note_failure(s, rc, &err);
}

static bool
commit_is_due(const struct storing *s)
{
	return s->n_held > 0 &&
	       (s->n_held >= COMMIT_CHUNKS ||
		   clock_monotonic_ms() - s->first_held_ms >= COMMIT_MS);
}

/*
 * Between two transactions, as long as little is waiting: build indexes, then
 * finish the day before. Collecting comes first; under a burst this waits.
 */
static void
tidy(struct storing *s)
{
	int64_t now_ms = clock_now_ms();
	struct err err;
	int rc = 1;

	if (clock_monotonic_ms() < s->tidy_after_ms)
		return;
	while (rc == 1 && queue_waiting(s->queue) <= TIDY_MAX_WAITING)
		rc = writer_seal_step(s->writer, &err);
	if (rc == 0 && now_ms % MS_PER_DAY > FINISH_AFTER_MS)
		rc = writer_finish_step(s->writer, clock_day(now_ms), &err);
	if (rc < 0) {
		log_warnx("%s: sealing is tried again in a minute", err.text);
		s->tidy_after_ms = clock_monotonic_ms() + TIDY_RETRY_MS;
	}
}

static void
pause_ms(int64_t ms)
{
	struct timespec ts = {
	    .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&ts, NULL);
}

static void
finish(struct storing *s)
{
	int rc = s->failing ? write_held_again(s) : commit(s);

	for (int i = 0; rc != 0 && !s->failed && i < RETRIES_AT_END; i++) {
		pause_ms(RETRY_MS);
		rc = write_held_again(s);
	}
	release_held(s, &s->counters.flows_given_up);
}

static void *
run(void *arg)
{
	struct storing *s = arg;
	int64_t next_try_ms = 0;
	bool closed = false;
	struct chunk *c;

	while (!closed) {
		/* While failing, at most one try a second; the queue fills. */
		if (s->n_held == QUEUE_CHUNKS) {
			pause_ms(WAIT_MS);
			c = NULL;
		} else {
			c = queue_take(s->queue, WAIT_MS, &closed);
		}
		if (c != NULL)
			take_chunk(s, c);
		if (s->failing && clock_monotonic_ms() >= next_try_ms) {
			(void)write_held_again(s);
			next_try_ms = clock_monotonic_ms() + RETRY_MS;
		} else if (!s->failing && commit_is_due(s)) {
			(void)commit(s);
		}
		if (s->n_held == 0 && !s->failing && !closed)
			tidy(s);
	}
	finish(s);
	return NULL;
}

struct storing *
storing_start(struct queue *queue, struct writer *writer,
    void (*on_failure)(void *), void *arg)
{
	struct storing *s = xcalloc(1, sizeof *s);

	s->queue = queue;
	s->writer = writer;
	s->on_failure = on_failure;
	s->arg = arg;
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		abort(); /* before anything was received */
	return s;
}

bool
storing_join(struct storing *s, struct storing_counters *out)
{
	bool all;

	pthread_join(s->thread, NULL);
	*out = s->counters;
	all = !s->failed && s->counters.flows_given_up == 0;
	free(s);
	return all;
}
