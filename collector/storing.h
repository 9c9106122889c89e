/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_STORING_H
#define WEIR_COLLECTOR_STORING_H
/*
 * The writing thread: chunks from the queue into the store, committed at least
 * once a second. What is not committed yet is kept, and written again after an
 * error, so that a full disk costs nothing while the queue has room.
 */
#include <stdbool.h>
#include <stdint.h>

struct queue;
struct storing;
struct writer;

struct storing_counters {
	uint64_t flows; /* committed */
	uint64_t commits;
	uint64_t retries;        /* transactions begun anew after an error */
	uint64_t flows_given_up; /* still not written when it had to end */
};

/*
 * Start the thread; it ends when the queue is closed and empty. on_failure is
 * called from it, once, when it can store no more (a shard is damaged): the
 * process should stop then.
 */
struct storing *storing_start(struct queue *queue, struct writer *writer,
    void (*on_failure)(void *), void *arg);

/* Wait for its end, after queue_close. false: not everything was stored. */
bool storing_join(struct storing *s, struct storing_counters *out);

#endif
