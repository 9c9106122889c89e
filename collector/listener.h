/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_LISTENER_H
#define WEIR_COLLECTOR_LISTENER_H
/*
 * UDP sockets on a libevent loop: datagrams in, decoded chunks into a queue,
 * all that arrives into the account, what exporters that are let in send to
 * the relay. Nothing is allocated for a datagram.
 */
#include <stdint.h>

#include "collector/export_kind.h"
#include "schema/base/addr.h"
#include "schema/base/err.h"

struct account;
struct conf;
struct event_base;
struct listener;
struct queue;

/* Since the start; every datagram received is in exactly one of datagrams,
 * malformed, foreign, refused or queue_dropped. */
struct listener_counters {
	uint64_t datagrams; /* good NetFlow v5, handed to the queue */
	uint64_t flows;     /* in them */
	uint64_t padded;    /* of datagrams: with bytes after the last record */
	uint64_t malformed_short;
	uint64_t malformed_count;
	uint64_t foreign[N_EXPORT_KINDS]; /* of another kind than v5 */
	uint64_t not_configured, no_room; /* refused: see gate.h */
	uint64_t queue_dropped;           /* good, but the queue was full */
	uint64_t queue_dropped_flows;
	uint64_t kernel_dropped; /* by the sockets' own count (SO_RXQ_OVFL) */
};

/* queue and account are borrowed until listener_free. */
struct listener *listener_new(
    struct event_base *base, struct queue *queue, struct account *account);

/*
 * Receive as conf, which is borrowed until the next call or listener_free, says
 * from now on. Sockets that it has as well stay open, new ones are bound, and
 * others are closed once what they hold was received. On an error nothing
 * changes: ERR_SYSTEM with the socket or relay in the text, ERR_USAGE.
 */
int listener_configure(
    struct listener *l, const struct conf *conf, struct err *err) MUST_CHECK;

/* Where it listens; room for CONF_MAX_LISTEN; the number. */
size_t listener_endpoints(const struct listener *l, struct endpoint *out);

/* Take what the sockets still hold, hand over the last chunk and the account's
 * last minutes, close. */
void listener_stop(struct listener *l);
const struct listener_counters *listener_counters(const struct listener *l);
void listener_free(struct listener *l); /* accepts NULL */

#endif
