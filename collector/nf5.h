/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_NF5_H
#define WEIR_COLLECTOR_NF5_H
/* NetFlow v5 datagrams: bytes to records. Pure: no I/O, no clock, no log. */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"
#include "schema/nf5_layout.h"

/*
 * Decode one NetFlow v5 datagram. Host byte order out; pkt is only read.
 *   pkt, len   the UDP payload; len at least 24 + 48 * count (exporters pad:
 *              what follows the last record is ignored), count 1..30
 *   packet     filled on success but for source.exporter and received_ms,
 *              which only the caller knows; untouched on error
 *   flows      room for NF5_MAX_RECORDS; packet->n_flows of them are filled
 * Returns the bytes after the last record, or ERR_VERSION, ERR_COUNT,
 * ERR_SHORT (also for fewer than 24 bytes). Never allocates.
 *
 * Times: with export = unix_secs, unix_nsecs and uptime of the header, a tick t
 * (First, Last) lies delta = (uptime - t) mod 2^32 ms before the export when
 * delta <= 2^31, else 2^32 - delta ms after it. So an uptime that wrapped
 * between First and export is right by itself; a First or Last a little ahead
 * of the export stays ahead. Last before First: the two are exchanged. Oddities
 * are marked in flow.quirks.
 * Source: Cisco NetFlow Collection Engine guide, "Version 5 header and flow
 * record format".
 */
int nf5_decode(const uint8_t *pkt, size_t len, struct packet *packet,
    struct flow flows[NF5_MAX_RECORDS]) MUST_CHECK;

#endif
