/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_READER_FORMAT_H
#define WEIR_COLLECTOR_READER_FORMAT_H
/* What a file format is to the reader. Included by reader*.c alone. */
#include <stdio.h>

#include "collector/reader.h"

enum { READER_MAGIC_LEN = 4 }; /* first bytes that tell a format */

struct reader_format {
	/* Takes f in any case; f stands at its first byte. name: what
	 * messages call the file, valid until close. */
	int (*open)(void **state, FILE *f, const char *name, struct err *err);
	/* As reader_next; counts what it passes over. */
	int (*next)(void *state, struct datagram *d, struct reader_skips *skips,
	    struct err *err);
	void (*close)(void *state);
};

void reader_fclose(FILE *f); /* closes all but standard input */

extern const struct reader_format reader_pcap;      /* reader_pcap.c */
extern const struct reader_format reader_raw;       /* reader_raw.c */
extern const struct reader_format reader_flowtools; /* reader_flowtools.c */

#endif
