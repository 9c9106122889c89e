/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PROBE_H
#define WEIR_REPORT_PROBE_H
/*
 * What one flow says about scanning: that its source tried a port of another
 * host and got nowhere, that it got somewhere, or that the host tried answers.
 * Flows tell by all their TCP flags at once: a session that came to be has SYN
 * and ACK, so a flow with SYN alone is one that did not.
 * Source: RFC 9293; nmap's manual on the FIN, NULL and Xmas scans.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;

enum probe_kind {
	PROBE_SYN,
	PROBE_FIN,
	PROBE_NULL,
	PROBE_XMAS,
	PROBE_UDP,
	PROBE_PING,
	N_PROBE_KINDS
};

/* Kinds of one class share ports and answers. */
enum probe_class { CLASS_TCP, CLASS_UDP, CLASS_PING, N_PROBE_CLASSES };

/* What is known of one port of one host, bits. */
enum probe_mark {
	MARK_PROBED = 1u << 0, /* by the first kind of the class; others follow:
				  1u << 3 for the fourth */
	MARK_COMPLETED = 1u << 4, /* a session came to be */
	MARK_WELCOMED = 1u << 5,  /* it answered that it is open */
	MARK_REFUSED = 1u << 6,   /* it answered that it is closed; of UDP,
				     port 0: all its ports did */
};

struct probe_info {
	const char *name;
	enum probe_class class;
	uint8_t mark;
	const char *words; /* filter words that find such flows of a source */
};

extern const struct probe_info probes[N_PROBE_KINDS];

/* How a flow counts for one of its ends, the one that tries. */
struct probe {
	uint32_t scanner, target;
	uint16_t port; /* of target; of pings 0 */
	enum probe_class class;
	uint8_t mark;         /* enum probe_mark; 0: it says nothing */
	enum probe_kind kind; /* with MARK_PROBED of it; else N_PROBE_KINDS */
};

/* Flow number i of b, as one that its source began; and as an answer that its
 * destination got. b has PROBE_COLUMNS. */
struct probe probe_begun(const struct batch *b, size_t i);
struct probe probe_answer(const struct batch *b, size_t i);

#define PROBE_COLUMNS                                                          \
	((flow_column_set)1 << COL_SRC_ADDR |                                  \
	    (flow_column_set)1 << COL_DST_ADDR |                               \
	    (flow_column_set)1 << COL_SRC_PORT |                               \
	    (flow_column_set)1 << COL_DST_PORT |                               \
	    (flow_column_set)1 << COL_PROTOCOL |                               \
	    (flow_column_set)1 << COL_TCP_FLAGS |                              \
	    (flow_column_set)1 << COL_PACKETS |                                \
	    (flow_column_set)1 << COL_OCTETS)

/* Whether it is of the web: a port of it at either end. */
bool probe_is_of_web(const struct batch *b, size_t i);

#endif
