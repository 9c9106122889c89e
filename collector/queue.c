/* SPDX-License-Identifier: ISC */
/* Chunks between two threads: see queue.h. */
#include "collector/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a chunk was put, or the queue closed */
	struct chunk *full[QUEUE_CHUNKS]; /* a ring */
	size_t first, n_full;
	struct chunk *empty[QUEUE_CHUNKS]; /* a stack: warm memory first */
	size_t n_empty;
	bool closed;
	struct chunk *memory;
};

struct queue *
queue_new(void)
{
	struct queue *q = xcalloc(1, sizeof *q);
	pthread_condattr_t attr;

	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	q->memory = xcalloc(QUEUE_CHUNKS, sizeof *q->memory);
	for (size_t i = 0; i < QUEUE_CHUNKS; i++)
		q->empty[q->n_empty++] = &q->memory[QUEUE_CHUNKS - 1 - i];
	return q;
}

void
queue_free(struct queue *q)
{
	if (q == NULL)
		return;
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(&q->lock);
	free(q->memory);
	free(q);
}

struct chunk *
queue_get_empty(struct queue *q)
{
	struct chunk *c = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->n_empty > 0)
		c = q->empty[--q->n_empty];
	pthread_mutex_unlock(&q->lock);
	if (c != NULL)
		c->n_packets = c->n_flows = 0;
	return c;
}

int32_t
chunk_day(const struct chunk *c)
{
	return clock_day(c->packet[0].received_ms);
}

bool
chunk_join(struct chunk *a, struct chunk *b)
{
	if (a->n_packets + b->n_packets > CHUNK_PACKETS ||
	    chunk_day(a) != chunk_day(b))
		return false;
	memcpy(a->packet + a->n_packets, b->packet,
	    b->n_packets * sizeof b->packet[0]);
	memcpy(a->flow + a->n_flows, b->flow, b->n_flows * sizeof b->flow[0]);
	a->n_packets += b->n_packets;
	a->n_flows += b->n_flows;
	b->n_packets = b->n_flows = 0;
	return true;
}

static struct chunk **
full_at(struct queue *q, size_t i)
{
	return &q->full[(q->first + i) % QUEUE_CHUNKS];
}

void
queue_put(struct queue *q, struct chunk *c)
{
	pthread_mutex_lock(&q->lock);
	if (q->n_full > 0 && chunk_join(*full_at(q, q->n_full - 1), c)) {
		q->empty[q->n_empty++] = c;
	} else {
		*full_at(q, q->n_full++) = c;
		pthread_cond_signal(&q->changed);
	}
	pthread_mutex_unlock(&q->lock);
}

void
queue_close(struct queue *q)
{
	pthread_mutex_lock(&q->lock);
	q->closed = true;
	pthread_cond_signal(&q->changed);
	pthread_mutex_unlock(&q->lock);
}

static struct timespec
deadline_in(int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

struct chunk *
queue_take(struct queue *q, int64_t timeout_ms, bool *closed)
{
	struct timespec deadline = deadline_in(timeout_ms);
	struct chunk *c = NULL;
	int rc = 0;

	pthread_mutex_lock(&q->lock);
	while (q->n_full == 0 && !q->closed && rc == 0)
		rc = pthread_cond_timedwait(&q->changed, &q->lock, &deadline);
	if (q->n_full > 0) {
		c = q->full[q->first];
		q->first = (q->first + 1) % QUEUE_CHUNKS;
		q->n_full--;
	}
	*closed = q->closed && c == NULL;
	pthread_mutex_unlock(&q->lock);
	return c;
}

size_t
queue_waiting(struct queue *q)
{
	size_t n;

	pthread_mutex_lock(&q->lock);
	n = q->n_full;
	pthread_mutex_unlock(&q->lock);
	return n;
}

void
queue_give_back(struct queue *q, struct chunk *c)
{
	pthread_mutex_lock(&q->lock);
	q->empty[q->n_empty++] = c;
	pthread_mutex_unlock(&q->lock);
}
