/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PACK_H
#define WEIR_REPORT_PACK_H
/*
 * Flows back into NetFlow v5 datagrams: which flows go together, and an export
 * time and uptime with which every time of theirs can be said to the
 * millisecond. The order of the flows of one source is kept. No I/O.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"
#include "schema/nf5_layout.h"

struct pack;

struct packed {
	struct source source;
	int64_t export_ms; /* unix_secs and unix_nsecs */
	int64_t seen_ms;   /* on the wire */
	uint32_t uptime_ms;
	uint32_t sequence; /* flows of exporter and engine before this */
	size_t n_flows;    /* 1..30 */
	struct flow flow[NF5_MAX_RECORDS];
};

/* Takes a datagram, borrowed; other than 0 is an error that is handed on. */
typedef int pack_fn(const struct packed *d, void *arg);

struct pack *pack_new(pack_fn *fn, void *arg);
void pack_free(struct pack *p); /* accepts NULL; what waits is lost */

/* ERR_LIMIT: times that no v5 datagram can say; weir stores no such flow. */
int pack_add(struct pack *p, const struct source *source, const struct flow *f,
    struct err *err) MUST_CHECK;
int pack_end(struct pack *p) MUST_CHECK; /* hand over what waits */

/* First or Last of a flow at ms, in uptime of d. */
uint32_t pack_tick(const struct packed *d, int64_t ms);

/* The datagram's bytes: how many. */
size_t pack_encode(const struct packed *d, uint8_t out[NF5_MAX_LEN]);

#endif
