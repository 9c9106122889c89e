/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_NF5_LAYOUT_H
#define WEIR_SCHEMA_NF5_LAYOUT_H
/*
 * Where things are in a NetFlow v5 datagram, for those who read it and those
 * who write it. Big-endian.
 * Source: Cisco NetFlow Collection Engine guide, "Version 5 header and flow
 * record format".
 */

enum {
	NF5_HEADER_LEN = 24,
	NF5_RECORD_LEN = 48,
	NF5_MAX_RECORDS = 30,
	NF5_MAX_LEN = NF5_HEADER_LEN + NF5_MAX_RECORDS * NF5_RECORD_LEN,
};

/* Offsets into the header. */
enum {
	NF5_H_VERSION = 0,
	NF5_H_COUNT = 2,
	NF5_H_UPTIME = 4,
	NF5_H_UNIX_SECS = 8,
	NF5_H_UNIX_NSECS = 12,
	NF5_H_SEQUENCE = 16,
	NF5_H_ENGINE_TYPE = 20,
	NF5_H_ENGINE_ID = 21,
	NF5_H_SAMPLING = 22,
};

/* Offsets into a record; bytes 36 and 46, 47 are padding. */
enum {
	NF5_R_SRC_ADDR = 0,
	NF5_R_DST_ADDR = 4,
	NF5_R_NEXT_HOP = 8,
	NF5_R_INPUT_IF = 12,
	NF5_R_OUTPUT_IF = 14,
	NF5_R_PACKETS = 16,
	NF5_R_OCTETS = 20,
	NF5_R_FIRST = 24,
	NF5_R_LAST = 28,
	NF5_R_SRC_PORT = 32,
	NF5_R_DST_PORT = 34,
	NF5_R_TCP_FLAGS = 37,
	NF5_R_PROTOCOL = 38,
	NF5_R_TOS = 39,
	NF5_R_SRC_AS = 40,
	NF5_R_DST_AS = 42,
	NF5_R_SRC_MASK = 44,
	NF5_R_DST_MASK = 45,
};

#endif
