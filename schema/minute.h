/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_MINUTE_H
#define WEIR_SCHEMA_MINUTE_H
/*
 * What arrived in each minute and what was lost on the way: the rows of a
 * shard's tables minute and collector_minute, and their sums over a span. A row
 * is added to what its minute holds already, so a minute may come in parts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/base/err.h"

struct db;
struct stmt;

enum { MS_PER_MINUTE = 60000 };

/* One exporter's engine. */
struct minute {
	int64_t minute_ms;    /* its start */
	struct addr exporter; /* family 0: all those beyond the maximum */
	uint8_t engine_type, engine_id;
	uint64_t datagrams, flows, packets, octets; /* received */
	uint64_t padded; /* of datagrams: bytes after the last record */
	/* Below zero when a late datagram fills what an earlier minute
	 * counted: sums over both are right. */
	int64_t lost, restarts;                    /* flows; times */
	int64_t late, duplicates, duplicate_flows; /* datagrams twice; flows */
	/* Datagrams not taken, by address alone: what they are, and refused for
	 * whom they are from. */
	uint64_t malformed, foreign, refused;
	int64_t last_ms; /* when its last datagram arrived */
	/* Of its last sound datagram; only when datagrams > 0. */
	int64_t clock_skew_ms; /* exporter's clock minus ours */
	uint32_t uptime_ms;
	uint16_t sampling; /* the header's word */
};

/* Why a datagram was refused. */
enum minute_refused {
	REFUSED_SHORT, /* v5, shorter than its header says */
	REFUSED_COUNT, /* v5, record count not in 1..30 */
	REFUSED_NETFLOW1,
	REFUSED_NETFLOW7,
	REFUSED_NETFLOW8,
	REFUSED_NETFLOW9,
	REFUSED_IPFIX,
	REFUSED_SFLOW5,
	REFUSED_UNKNOWN,        /* nothing of these */
	REFUSED_NOT_CONFIGURED, /* an exporter that is not, and must be */
	REFUSED_NO_ROOM,        /* more exporters than may be */
	N_MINUTE_REFUSED
};

const char *minute_refused_name(enum minute_refused kind);

/* The collector itself. */
struct collector_minute {
	int64_t minute_ms;
	uint64_t queue_dropped_datagrams, queue_dropped_flows;
	uint64_t kernel_dropped;   /* datagrams */
	uint64_t queue_high_water; /* chunks waiting, at most */
	uint64_t refused[N_MINUTE_REFUSED];
};

/* Another collector that datagrams are sent on to. */
struct relay_minute {
	int64_t minute_ms;
	struct endpoint target;
	uint64_t datagrams; /* sent on */
	uint64_t dropped;   /* that could not be */
};

struct minute_row {
	enum minute_kind {
		MINUTE_OF_SOURCE,
		MINUTE_OF_COLLECTOR,
		MINUTE_OF_RELAY,
		N_MINUTE_KINDS
	} kind;
	union {
		struct minute source;
		struct collector_minute collector;
		struct relay_minute relay;
	};
};

int64_t minute_start(int64_t ms); /* of the minute that ms lies in */
int64_t minute_row_ms(const struct minute_row *row);

enum { MINUTE_NAME_LEN = ADDR_TEXT_LEN };

/* The exporter's address, or "others". */
void minute_exporter_name(const struct addr *a, char out[MINUTE_NAME_LEN]);

/* The statement that adds rows of a kind, and a row bound to it. */
const char *minute_insert_sql(enum minute_kind kind);
void minute_bind(struct stmt *s, const struct minute_row *row);

/* Sums over minutes. source[i].minute_ms means nothing; what is of the last
 * datagram is so here as well; queue_high_water is the highest. */
struct minute_sums {
	struct minute *source; /* by exporter, engine type, engine id */
	size_t n, cap;
	struct collector_minute collector;
	struct relay_minute *relay; /* by target */
	size_t n_relays, cap_relays;
};

/*
 * Add what a shard of that version, within shard_begin_read, has of the minutes
 * that begin in [from_ms, to_ms). sums zeroed at first.
 */
int minute_sums_add(struct minute_sums *sums, struct db *shard, int64_t version,
    int64_t from_ms, int64_t to_ms, struct err *err) MUST_CHECK;
void minute_sums_release(struct minute_sums *sums);

/* Of all exporters together. */
struct minute_flows {
	int64_t minute_ms;
	int64_t received; /* each once */
	int64_t lost;     /* as in struct minute */
};

/*
 * Call fn for the minutes that begin in [from_ms, to_ms) and have anything in
 * them, refused datagrams too, by time. *has_any: the shard has minutes at all,
 * then or not. The shard is within shard_begin_read.
 */
int minute_each(struct db *shard, int64_t from_ms, int64_t to_ms,
    void (*fn)(const struct minute_flows *m, void *arg), void *arg,
    bool *has_any, struct err *err) MUST_CHECK;

/* NULL when there is no such engine. */
const struct minute *minute_sums_find(
    const struct minute_sums *sums, const struct minute *key);

/* Flows sent, as far as is known: each received once, and lost. */
uint64_t minute_sent(const struct minute *m);
/* Never below zero: for a span that holds more late ones than losses. */
uint64_t minute_count(int64_t n);

#endif
