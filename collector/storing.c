/* SPDX-License-Identifier: ISC */
/*
 * The writing thread: see storing.h. When to commit, to seal, to retry; how is
 * the writer's business.
 */
#include "collector/storing.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "collector/account.h"
#include "collector/expiry.h"
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
	ROWS_AT_ONCE = 1024,
	RETRIES_AT_END = 5,
	FINISH_AFTER_MS = 60 * 1000, /* of the new day */
	TIDY_MAX_WAITING = QUEUE_CHUNKS / 20,
	TIDY_RETRY_MS = 60 * 1000,
	CHECK_FILES_MS = 1000,
};

struct storing {
	pthread_t thread;
	struct queue *queue;
	struct writer *writer;
	struct expiry *expiry;
	struct account *account;
	/* Chunks not committed yet, in order. Those of the open transaction
	 * are all of one day, so that it is all in or all out. */
	struct chunk *held[QUEUE_CHUNKS];
	size_t n_held;
	int64_t first_held_ms; /* monotonic */
	bool failing;          /* the last try did not work; said so */
	bool finishing;        /* days are over and not finished yet */
	int64_t tidy_after_ms; /* monotonic */
	int64_t check_files_ms;
	/* Of the account, not committed yet. */
	struct minute_row row[ROWS_AT_ONCE];
	size_t n_rows;
	bool rows_failing;
	int64_t rows_after_ms; /* monotonic */
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

/* The first n chunks are done with. */
static void
release_held(struct storing *s, size_t n, uint64_t *count)
{
	for (size_t i = 0; i < n; i++) {
		*count += s->held[i]->n_flows;
		queue_give_back(s->queue, s->held[i]);
	}
	s->n_held -= n;
	for (size_t i = 0; i < s->n_held; i++)
		s->held[i] = s->held[i + n];
	s->first_held_ms = clock_monotonic_ms();
}

/* Roll back and say so, once until it works again. */
static int
note_failure(struct storing *s, int rc, const struct err *err)
{
	writer_roll_back(s->writer);
	s->counters.retries++;
	if (!s->failing)
		log_warnx(
		    "%s: flows are kept in memory and tried again", err->text);
	s->failing = true;
	return rc;
}

/* End the transaction, which holds the first n chunks. */
static int
commit(struct storing *s, size_t n)
{
	struct err err;
	int rc = writer_commit(s->writer, &err);

	if (rc != 0)
		return note_failure(s, rc, &err);
	if (n > 0)
		s->counters.commits++;
	release_held(s, n, &s->counters.flows);
	return 0;
}

/* Everything held once more, a transaction for each day. */
static int
write_held_again(struct storing *s)
{
	struct err err;
	int rc = 0;

	while (s->n_held > 0) {
		int32_t day = chunk_day(s->held[0]);
		size_t n = 0;

		for (; n < s->n_held && chunk_day(s->held[n]) == day; n++)
			if ((rc = add_chunk(s->writer, s->held[n], &err)) != 0)
				return note_failure(s, rc, &err);
		if ((rc = commit(s, n)) != 0)
			return rc;
	}
	if (s->failing)
		log_info("store: writing again");
	s->failing = false;
	return 0;
}

/* While nothing can be written, c waits with the others for the next try. */
static void
keep_chunk(struct storing *s, struct chunk *c)
{
	if (s->n_held > 0 && chunk_join(s->held[s->n_held - 1], c))
		queue_give_back(s->queue, c);
	else
		s->held[s->n_held++] = c;
}

static void
take_chunk(struct storing *s, struct chunk *c)
{
	struct err err;
	int rc;

	if (!s->failing && s->n_held > 0 &&
	    chunk_day(c) != chunk_day(s->held[0]))
		(void)commit(s, s->n_held);
	if (s->failing) {
		keep_chunk(s, c);
		return;
	}
	if (s->n_held == 0)
		s->first_held_ms = clock_monotonic_ms();
	s->held[s->n_held++] = c;
	if ((rc = add_chunk(s->writer, c, &err)) != 0)
		(void)note_failure(s, rc, &err);
}

static bool
commit_is_due(const struct storing *s)
{
	return s->n_held > 0 &&
	       (s->n_held >= COMMIT_CHUNKS ||
		   clock_monotonic_ms() - s->first_held_ms >= COMMIT_MS);
}

/* ---- the account's rows ---- */

static int
keep_rows(struct storing *s, int rc, const struct err *err)
{
	writer_roll_back(s->writer);
	if (!s->rows_failing)
		log_warnx("%s: counts of minutes are kept in memory and tried "
			  "again",
		    err->text);
	s->rows_failing = true;
	s->rows_after_ms = clock_monotonic_ms() + RETRY_MS;
	return rc;
}

/* One transaction: the rows at the front that are of one day. */
static int
store_rows_of_day(struct storing *s)
{
	int32_t day = clock_day(minute_row_ms(&s->row[0]));
	struct err err;
	size_t n = 0;
	int rc;

	for (; n < s->n_rows && clock_day(minute_row_ms(&s->row[n])) == day;
	     n++)
		if ((rc = writer_add_minute(s->writer, &s->row[n], &err)) != 0)
			return keep_rows(s, rc, &err);
	if ((rc = writer_commit(s->writer, &err)) != 0)
		return keep_rows(s, rc, &err);
	s->n_rows -= n;
	memmove(s->row, s->row + n, s->n_rows * sizeof s->row[0]);
	s->rows_failing = false;
	return 0;
}

/* Between two transactions of chunks. */
static int
store_rows(struct storing *s)
{
	int rc = 0;

	if (s->n_rows == 0)
		s->n_rows = account_take(s->account, s->row, ROWS_AT_ONCE);
	while (rc == 0 && s->n_rows > 0)
		rc = store_rows_of_day(s);
	return rc;
}

static int
store_all_rows(struct storing *s)
{
	int rc;

	do
		rc = store_rows(s);
	while (rc == 0 && (s->n_rows = account_take(
			       s->account, s->row, ROWS_AT_ONCE)) > 0);
	return rc;
}

/*
 * Between two transactions, as long as little is waiting: build indexes, then
 * finish the day before. Collecting comes first; under a burst this waits.
 */
static void
tidy(struct storing *s)
{
	int64_t now_ms = clock_now_ms();
	bool finished = false;
	struct err err;
	int rc = 1;

	if (clock_monotonic_ms() < s->tidy_after_ms)
		return;
	if (clock_monotonic_ms() >= s->check_files_ms) {
		if (writer_check_files(s->writer, &err) != 0)
			log_warnx("%s", err.text);
		s->check_files_ms = clock_monotonic_ms() + CHECK_FILES_MS;
	}
	while (rc == 1 && queue_waiting(s->queue) <= TIDY_MAX_WAITING)
		rc = writer_seal_step(s->writer, &err);
	if (rc == 0 && now_ms % MS_PER_DAY > FINISH_AFTER_MS) {
		rc = writer_finish_step(s->writer, clock_day(now_ms), &err);
		finished = s->finishing && rc == 0;
		s->finishing = rc == 1;
	}
	if (rc < 0) {
		log_warnx("%s: sealing is tried again in a minute", err.text);
		s->tidy_after_ms = clock_monotonic_ms() + TIDY_RETRY_MS;
	}
	if (queue_waiting(s->queue) <= TIDY_MAX_WAITING)
		expiry_run(s->expiry, finished);
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
	int rc = s->failing ? write_held_again(s) : commit(s, s->n_held);

	for (int i = 0; rc != 0 && i < RETRIES_AT_END; i++) {
		pause_ms(RETRY_MS);
		rc = write_held_again(s);
	}
	release_held(s, s->n_held, &s->counters.flows_given_up);
	rc = store_all_rows(s);
	for (int i = 0; rc != 0 && i < RETRIES_AT_END; i++) {
		pause_ms(RETRY_MS);
		rc = store_all_rows(s);
	}
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
			(void)commit(s, s->n_held);
		}
		if (s->n_held != 0 || s->failing || closed)
			continue;
		if (clock_monotonic_ms() >= s->rows_after_ms)
			(void)store_rows(s);
		tidy(s);
	}
	finish(s);
	return NULL;
}

struct storing *
storing_start(struct queue *queue, struct writer *writer,
    struct account *account, struct expiry *expiry)
{
	struct storing *s = xcalloc(1, sizeof *s);

	s->queue = queue;
	s->writer = writer;
	s->account = account;
	s->expiry = expiry;
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
	all = s->counters.flows_given_up == 0;
	free(s);
	return all;
}
