/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_SEQUENCE_H
#define WEIR_COLLECTOR_SEQUENCE_H
/*
 * What the flow_sequence of one exporter's engine tells about loss on the way:
 * lost, late, doubled and restarted are told apart. Pure: no I/O, no clock.
 *
 * The header carries the number of the first flow in the datagram; the next
 * datagram should begin where this one ended, modulo 2^32. Some exporters count
 * datagrams instead of flows; that is noticed, and losses are then estimated
 * from the flows in the datagrams that came.
 * Source: Cisco NetFlow Collection Engine guide, "Version 5 header format".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Gaps remembered, so that a datagram that fills one is late and not
	 * lost, and datagrams remembered to know doubles by. Few of these: an
	 * exporter that restarts soon sends numbers it has sent before. */
	SEQUENCE_GAPS = 16,
	SEQUENCE_RECENT = 8,
	/* Datagrams in a row numbered one by one before it is believed. */
	SEQUENCE_UNIT_AFTER = 3,
};

struct sequence_counters {
	uint64_t lost;       /* flows that never came */
	uint64_t gaps;       /* times that flows were missing */
	uint64_t late;       /* datagrams that came after a later one */
	uint64_t duplicates; /* datagrams that came twice */
	uint64_t duplicate_flows;
	uint64_t restarts; /* the numbering began anew: not a loss */
};

struct sequence {
	bool started;
	bool counts_datagrams; /* not flows */
	unsigned one_by_one;   /* datagrams in a row that look like that */
	uint32_t expected;
	uint32_t last_sequence;
	uint32_t uptime_ms; /* of the newest datagram */
	struct sequence_gap {
		uint32_t first, n; /* n 0: free */
	} gap[SEQUENCE_GAPS];
	size_t next_gap;
	struct sequence_seen {
		uint32_t sequence, uptime_ms;
		uint8_t n_flows; /* 0: free */
	} seen[SEQUENCE_RECENT];
	size_t next_seen;
	struct sequence_counters counters;
};

/* What one datagram was. */
enum sequence_event {
	SEQUENCE_FIRST, /* nothing to compare with yet */
	SEQUENCE_IN_ORDER,
	SEQUENCE_GAP,       /* flows before it are missing, so far */
	SEQUENCE_LATE,      /* it fills a gap: those flows are not lost */
	SEQUENCE_DUPLICATE, /* the same datagram came before */
	SEQUENCE_RESTART,   /* the exporter began anew */
};

/* s zeroed at first. n_flows is 1..30. */
enum sequence_event sequence_take(
    struct sequence *s, uint32_t sequence, uint8_t n_flows, uint32_t uptime_ms);

#endif
