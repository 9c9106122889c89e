/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_READER_H
#define WEIR_COLLECTOR_READER_H
/*
 * UDP payloads out of a file: pcap and pcapng captures (through libpcap), a
 * raw file of NetFlow v5 datagrams one behind the other, or a flow-tools file,
 * whose records are put into datagrams again. The format is told by the first
 * bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/base/err.h"

struct reader;

/* One UDP payload; data is borrowed until the next reader_next. */
struct datagram {
	const uint8_t *data;
	size_t len;          /* bytes present in the file */
	struct addr from;    /* family 0 in raw files */
	uint16_t to_port;    /* 0 in raw files */
	int64_t received_ms; /* capture time; else the export time */
	bool no_sequence;    /* flow_sequence in data is not the exporter's */
};

/* What a file holds and reader_next does not tell: frames of a capture without
 * a complete UDP payload; what flow-tools added or left open. */
struct reader_skips {
	uint64_t not_udp;
	uint64_t fragments; /* IP fragments are not put together */
	uint64_t cut;       /* cut short by the capture's snap length */
	uint64_t tagged;    /* flows whose flow-tools tags are dropped */
	bool unclosed;      /* flow-capture was still writing, or was killed */
};

/* path "-" is standard input. ERR_SYSTEM: cannot be read; ERR_USAGE: no format
 * we know, and the text says which are. */
int reader_open(
    struct reader **out, const char *path, struct err *err) MUST_CHECK;
void reader_close(struct reader *r); /* accepts NULL */

/* 1: *d is the next payload, in file order; 0: end of file; ERR_CORRUPT: the
 * file ends in the middle or is damaged (what came before is good). */
int reader_next(
    struct reader *r, struct datagram *d, struct err *err) MUST_CHECK;
/* Bytes of the file that were read so far; 0 of a pipe. */
uint64_t reader_position(const struct reader *r);
const struct reader_skips *reader_skips(const struct reader *r);

#endif
