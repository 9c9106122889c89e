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

struct account;
struct expiry;
struct queue;
struct storing;
struct writer;

struct storing_counters {
	uint64_t flows; /* committed */
	uint64_t commits;
	uint64_t retries;        /* transactions begun anew after an error */
	uint64_t flows_given_up; /* still not written when it had to end */
};

/* Start the thread; it ends when the queue is closed and empty, and the
 * account's rows are stored. It keeps to the limits of expiry between. */
struct storing *storing_start(struct queue *queue, struct writer *writer,
    struct account *account, struct expiry *expiry);

/* Wait for its end, after queue_close. false: not everything was stored. */
bool storing_join(struct storing *s, struct storing_counters *out);

#endif
