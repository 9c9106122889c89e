/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_EXPORT_H
#define WEIR_REPORT_EXPORT_H
/* What a file format is to `weir export` and `weir generate`. */
#include "schema/base/err.h"

struct buf;
struct packed;
struct sink;

struct export_format {
	/* Write the head of a file. */
	int (*begin)(void **state, struct sink *sink, struct err *err);
	int (*put)(void *state, const struct packed *d, struct err *err);
	/* Write the end. What the format could not hold goes to lost, in
	 * words, if anything. */
	int (*end)(void *state, struct buf *lost, struct err *err);
	void (*free)(void *state);
};

extern const struct export_format export_pcap;      /* export_pcap.c */
extern const struct export_format export_raw;       /* export_raw.c */
extern const struct export_format export_flowtools; /* export_flowtools.c */

#endif
