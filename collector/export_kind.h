/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_EXPORT_KIND_H
#define WEIR_COLLECTOR_EXPORT_KIND_H
/*
 * Which export protocol a UDP payload speaks, so that what cannot be stored is
 * counted by its name and never silently dropped.
 */
#include <stddef.h>
#include <stdint.h>

enum export_kind {
	EXPORT_NETFLOW5, /* version word 5, whether it decodes or not */
	EXPORT_NETFLOW1,
	EXPORT_NETFLOW7,
	EXPORT_NETFLOW8,
	EXPORT_NETFLOW9,
	EXPORT_IPFIX,
	EXPORT_SFLOW5,
	EXPORT_UNKNOWN, /* nothing of these */
	N_EXPORT_KINDS
};

/*
 * By version word and lengths. Kinds other than NetFlow v5 must also have
 * plausible lengths, since captures hold any UDP traffic.
 * Sources: Cisco NetFlow Services Solutions Guide (v1, v7, v8); RFC 3954
 * section 5.1 (v9); RFC 7011 section 3.1 (IPFIX); sflow.org "sFlow Version 5".
 */
enum export_kind export_kind(const uint8_t *payload, size_t len);

const char *export_kind_name(enum export_kind kind); /* "NetFlow v9", ... */

#endif
