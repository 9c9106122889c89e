/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_QUEUE_H
#define WEIR_COLLECTOR_QUEUE_H
/*
 * Decoded datagrams on their way from the receiving to the writing thread, in
 * chunks: a fixed number of them, all allocated at the start and passed round.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/nf5.h"
#include "schema/flow.h"

enum {
	CHUNK_PACKETS = 512,
	CHUNK_FLOWS = CHUNK_PACKETS * NF5_MAX_RECORDS,
	QUEUE_CHUNKS = 320, /* 4.9 M flows, 290 MB once all were in use */
};

/* Flows of packet[i] follow those of packet[i - 1]. */
struct chunk {
	size_t n_packets, n_flows;
	struct packet packet[CHUNK_PACKETS];
	struct flow flow[CHUNK_FLOWS];
};

/* The day of arrival of its first packet: it has one, and the others are of
 * the same. */
int32_t chunk_day(const struct chunk *c);

/* All of b behind what is in a, if they are of one day and it fits; b is empty
 * then. */
bool chunk_join(struct chunk *a, struct chunk *b);

struct queue;

struct queue *queue_new(void);
void queue_free(struct queue *q); /* accepts NULL; no thread may use it */

/*
 * The receiver's side. An empty chunk, or NULL when all are on their way; it is
 * put with something in it. Chunks that wait are joined: they are handed over
 * after a moment, full or not, and a writer that is behind shall find many
 * flows, not few in many chunks.
 */
struct chunk *queue_get_empty(struct queue *q);
void queue_put(struct queue *q, struct chunk *c);
void queue_close(struct queue *q); /* nothing will be put any more */

/*
 * The writer's side. The next chunk, or NULL after timeout_ms, or at once when
 * the queue is closed and empty: *closed tells. Chunks come back empty through
 * queue_give_back.
 */
struct chunk *queue_take(struct queue *q, int64_t timeout_ms, bool *closed);
size_t queue_waiting(struct queue *q); /* chunks to take */
void queue_give_back(struct queue *q, struct chunk *c);

#endif
