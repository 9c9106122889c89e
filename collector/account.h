/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_ACCOUNT_H
#define WEIR_COLLECTOR_ACCOUNT_H
/*
 * What each exporter sent and what was lost on the way: counted by the
 * receiving thread, handed over by the minute to the writing thread, said in
 * the log at a bounded rate. All memory is allocated at the start: forged
 * senders cannot fill it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/sequence.h"
#include "schema/flow.h"
#include "schema/minute.h"

enum {
	/* Exporters, and engines of all of them; what is beyond is counted
	 * together as "others". When full, those silent for an hour go. */
	ACCOUNT_MAX = 4096,
	/* Exporters of which nothing sound was ever seen. */
	ACCOUNT_MAX_UNSOUND = 64,
	/* Rows waiting for the writing thread. When there is no room, minutes
	 * are not cut and their parts go to an earlier one. */
	ACCOUNT_MAX_ROWS = 16384,
	ACCOUNT_LINES = 60, /* in the log a minute */
};

struct account;

/* Say one line; a warning, or just for information. */
typedef void account_say(void *arg, bool warning, const char *line);

struct account *account_new(account_say *say, void *arg); /* say or NULL */
void account_free(struct account *a);                     /* accepts NULL */

/* ---- the receiving thread ---- */

/*
 * A sound datagram, stored or not, of the minute at_ms lies in. Its
 * p->received_ms is our clock; packets of no_sequence tell nothing of loss.
 */
void account_packet(struct account *a, const struct packet *p,
    const struct flow *flows, bool padded, int64_t at_ms);

/* A datagram that is not taken. */
void account_refused(struct account *a, const struct addr *from,
    enum minute_refused why, int64_t at_ms);

void account_queue_dropped(struct account *a, uint8_t n_flows, int64_t at_ms);
void account_kernel_dropped(struct account *a, uint32_t n, int64_t at_ms);
void account_queue_waiting(struct account *a, size_t chunks, int64_t at_ms);

/* Hand over a row that somebody else counted. false: no room, so that it is to
 * go on collecting. */
bool account_put(struct account *a, const struct minute_row *row);

/* Once a second or so: hand over what is due, say what is due. */
void account_tick(struct account *a, int64_t now_ms);

/* Hand over everything, say everything: at the stop. */
void account_finish(struct account *a, int64_t now_ms);

/* What comes next has nothing to do with what came: sequences begin anew. */
void account_forget_sequences(struct account *a);

/* What is known since the start, for one engine. */
struct account_engine {
	struct source source; /* sampling word: the last seen */
	struct sequence sequence;
	uint64_t datagrams, flows, packets, octets, padded;
	int64_t skew_min_ms, skew_max_ms, skew_last_ms; /* exporter - ours */
	uint32_t uptime_ms;                             /* the last seen */
	int64_t last_ms;
};

/* Borrowed until the next call; NULL when it is not there, or in "others". */
const struct account_engine *account_find(const struct account *a,
    const struct addr *exporter, uint8_t engine_type, uint8_t engine_id);
const struct account_engine *account_others(const struct account *a);

/* ---- any thread ---- */

/* Take up to max rows, the oldest first; the number taken. */
size_t account_take(struct account *a, struct minute_row *rows, size_t max);

#endif
