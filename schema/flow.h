/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_FLOW_H
#define WEIR_SCHEMA_FLOW_H
/*
 * The one flow record, the export datagram it came in, and the names of its
 * fields. Everything a NetFlow v5 header and record say is here but the pad
 * bytes. Integers are in host order.
 * Source: Cisco NetFlow Collection Engine guide, "Version 5 header and flow
 * record format".
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"

/* What is odd about a flow; a set of bits, 0 for a sound one. */
enum flow_quirk {
	QUIRK_START_AFTER_END = 1u << 0,  /* First after Last: the two times
					     were exchanged */
	QUIRK_END_AFTER_EXPORT = 1u << 1, /* Last after the header's uptime */
	QUIRK_UPTIME_WRAPPED = 1u << 2,   /* the exporter's 32-bit uptime
					     wrapped between start and export */
	QUIRK_CLOCK_ABSURD = 1u << 3,     /* exporter's clock before 2000 */
	QUIRK_DURATION_CLAMPED = 1u << 4, /* start was more than
					     FLOW_MAX_DURATION_MS before end
					     and was moved there */
};

/* The longest life of a flow that is believed: exporters cut flows after
 * minutes; softflowd's default, the longest known, is a week. */
static const int64_t FLOW_MAX_DURATION_MS = INT64_C(7) * 24 * 3600 * 1000;

struct flow {
	int64_t start_ms; /* first packet, epoch; never after end_ms */
	int64_t end_ms;   /* last packet, epoch, that millisecond included */
	uint32_t src_addr;
	uint32_t dst_addr;
	uint32_t next_hop;
	uint32_t packets; /* as sent: not multiplied by the sampling interval */
	uint32_t octets;  /* of layer 3, as sent */
	uint16_t input_if;  /* ifIndex */
	uint16_t output_if; /* ifIndex */
	uint16_t src_port;
	uint16_t dst_port; /* ICMP: type * 256 + code on most exporters */
	uint16_t src_as;
	uint16_t dst_as;
	uint8_t tcp_flags; /* OR of all packets, the whole byte */
	uint8_t protocol;
	uint8_t tos;
	uint8_t src_mask; /* prefix length, 0..32 unless the exporter errs */
	uint8_t dst_mask;
	uint8_t quirks; /* enum flow_quirk */
};

/* Who exports: one sequence of flows. */
struct source {
	struct addr exporter; /* source address of the datagram */
	uint16_t sampling;    /* the header's word: mode << 14 | interval; 0
				 also when unknown: flow-tools files */
	uint8_t engine_type;
	uint8_t engine_id;
};

/* The header of one export datagram and how it reached us. */
struct packet {
	struct source source;
	int64_t received_ms; /* our clock; of an import: the capture's */
	uint32_t unix_secs;  /* exporter's clock ... */
	uint32_t unix_nsecs; /* ... and its rest, 0..999999999 if sound */
	uint32_t uptime_ms;  /* exporter's uptime, wraps every 49.7 days */
	uint32_t sequence;   /* flow_sequence of the first record */
	bool no_sequence;    /* it is not known: flow-tools files lose it */
	bool no_header;      /* nothing but source and n_flows is known */
	uint8_t n_flows;     /* 1..30 */
};

/*
 * The columns of view `flows`, in its order. Every reader of flows speaks in
 * these; flow_columns[] (flow.c) has their names and kinds.
 */
enum flow_column {
	COL_EXPORTER,
	COL_ENGINE_TYPE,
	COL_ENGINE_ID,
	COL_SAMPLING,
	COL_SRC_ADDR,
	COL_DST_ADDR,
	COL_NEXT_HOP,
	COL_INPUT_IF,
	COL_OUTPUT_IF,
	COL_PACKETS,
	COL_OCTETS,
	COL_START_MS,
	COL_END_MS,
	COL_DURATION_MS, /* end_ms - start_ms */
	COL_SRC_PORT,
	COL_DST_PORT,
	COL_TCP_FLAGS,
	COL_PROTOCOL,
	COL_TOS,
	COL_SRC_AS,
	COL_DST_AS,
	COL_SRC_MASK,
	COL_DST_MASK,
	COL_QUIRKS,
	N_FLOW_COLUMNS
};

/* A set of columns: bit n stands for enum flow_column n. */
typedef uint32_t flow_column_set;

/* In such a set: the row's id within its segment, which no filter knows and
 * nobody is shown. */
enum { FLOW_ROW_ID = 1 << 30 };

/* How a value is written and read. */
enum value_kind {
	VALUE_NUMBER,   /* a plain count or code, decimal */
	VALUE_IP4,      /* IPv4 address, dotted */
	VALUE_EXPORTER, /* position in a source list; text is an address */
	VALUE_TIME,     /* epoch milliseconds */
	VALUE_FLAGS,    /* TCP flags byte: letters and number */
	VALUE_QUIRKS,   /* enum flow_quirk bits: names and number */
	VALUE_TEXT,     /* a string */
	VALUE_SHARE,    /* a part of the whole, per cent */
	VALUE_SIGNED,   /* a number that may be below zero */
	VALUE_DURATION, /* milliseconds; for people, seconds */
	VALUE_PREFIX,   /* IPv4 address and length, dotted */
	VALUE_REAL,     /* a floating-point number */
	VALUE_NULL,     /* nothing */
	VALUE_ANY,      /* each value brings its own kind */
};

struct flow_column_info {
	const char *name; /* as in view `flows` and in JSON */
	enum value_kind kind;
	uint64_t max; /* largest value */
};

extern const struct flow_column_info flow_columns[N_FLOW_COLUMNS];

enum { FLAGS_TEXT_LEN = 9 };

/* The eight flags as "CEUAPRSF", a dot for each that is not set: 27 is
 * "...AP.SF". */
void flags_format(uint8_t flags, char out[FLAGS_TEXT_LEN]);

enum { N_QUIRKS = 5, QUIRKS_TEXT_LEN = 80 };

/* Their names, [n] that of bit 1u << n, as in filters and output. */
extern const char *const quirk_names[N_QUIRKS];

/* The names of the bits that are set with + between them, "" for none. */
void quirks_format(uint8_t quirks, char out[QUIRKS_TEXT_LEN]);

#endif
