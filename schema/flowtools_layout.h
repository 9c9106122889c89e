/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_FLOWTOOLS_LAYOUT_H
#define WEIR_SCHEMA_FLOWTOOLS_LAYOUT_H
/*
 * Where things are in a flow-tools file (stream format 3), for those who read
 * it and those who write it.
 *
 * Four bytes tell the byte order of all that follows; then come the offset of
 * the data, tagged fields up to there, and the records: plain, or as one zlib
 * stream. A field is u16 tag, u16 length of the value, value, unaligned.
 * Source: flow-tools 0.68, what lib/ftio.c writes and struct fts3rec_v5 of
 * lib/ftlib.h.
 */

enum {
	FLOWTOOLS_MAGIC_0 = 0xcf,
	FLOWTOOLS_MAGIC_1 = 0x10,
	FLOWTOOLS_LITTLE_ENDIAN = 1, /* byte 2 */
	FLOWTOOLS_BIG_ENDIAN = 2,
	FLOWTOOLS_FORMAT = 3, /* byte 3; 1 is of before 1999 */
	FLOWTOOLS_DATA_OFFSET = 4,
	FLOWTOOLS_FIELDS = 8,
	FLOWTOOLS_FIELD_HEAD = 4,
};

/* Tags of the header's fields: those that matter for reading. */
enum {
	FLOWTOOLS_TAG_VERSION = 0x02,     /* u16: export version, 1005 */
	FLOWTOOLS_TAG_AGGREGATION = 0x04, /* u8: method, of version 8 */
	FLOWTOOLS_TAG_FLAGS = 0x08,       /* u32 */
};

/* FLOWTOOLS_TAG_FLAGS */
enum {
	FLOWTOOLS_DONE = 1u << 0, /* the writer closed the file */
	FLOWTOOLS_COMPRESSED = 1u << 1,
	FLOWTOOLS_STREAMING = 1u << 3, /* written to a pipe: never DONE */
};

enum {
	FLOWTOOLS_V5_LEN = 64,
	FLOWTOOLS_V1005_LEN = 72, /* the same and two tags */
	FLOWTOOLS_V5_TAGGED = 1005,
};

/* Offsets into a record. The first four and the engine are of the datagram
 * that the flow came in. */
enum {
	FLOWTOOLS_UNIX_SECS = 0,
	FLOWTOOLS_UNIX_NSECS = 4,
	FLOWTOOLS_UPTIME = 8,
	FLOWTOOLS_EXPORTER = 12,
	FLOWTOOLS_SRC_ADDR = 16,
	FLOWTOOLS_DST_ADDR = 20,
	FLOWTOOLS_NEXT_HOP = 24,
	FLOWTOOLS_INPUT_IF = 28,
	FLOWTOOLS_OUTPUT_IF = 30,
	FLOWTOOLS_PACKETS = 32,
	FLOWTOOLS_OCTETS = 36,
	FLOWTOOLS_FIRST = 40,
	FLOWTOOLS_LAST = 44,
	FLOWTOOLS_SRC_PORT = 48,
	FLOWTOOLS_DST_PORT = 50,
	FLOWTOOLS_PROTOCOL = 52, /* not in the order of the wire */
	FLOWTOOLS_TOS = 53,
	FLOWTOOLS_TCP_FLAGS = 54,
	FLOWTOOLS_ENGINE_TYPE = 56,
	FLOWTOOLS_ENGINE_ID = 57,
	FLOWTOOLS_SRC_MASK = 58,
	FLOWTOOLS_DST_MASK = 59,
	FLOWTOOLS_SRC_AS = 60,
	FLOWTOOLS_DST_AS = 62,
	FLOWTOOLS_SRC_TAG = 64,
	FLOWTOOLS_DST_TAG = 68,
};

#endif
