/* SPDX-License-Identifier: ISC */
/* Which format a file has: see reader.h. The formats themselves are in
 * reader_pcap.c, reader_raw.c and reader_flowtools.c. */
#include "collector/reader.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "collector/reader_format.h"
#include "schema/base/mem.h"
#include "schema/flowtools_layout.h"

struct reader {
	const struct reader_format *format;
	void *state;
	FILE *f; /* the format's, which closes it */
	char *name;
	struct reader_skips skips;
};

/* A format is told by its first bytes; several rows may lead to one. */
static const struct magic {
	uint8_t bytes[READER_MAGIC_LEN];
	uint8_t len;
	const struct reader_format *format;
} magics[] = {
    {{0xa1, 0xb2, 0xc3, 0xd4}, 4, &reader_pcap}, /* pcap, microseconds */
    {{0xd4, 0xc3, 0xb2, 0xa1}, 4, &reader_pcap},
    {{0xa1, 0xb2, 0x3c, 0x4d}, 4, &reader_pcap}, /* nanoseconds */
    {{0x4d, 0x3c, 0xb2, 0xa1}, 4, &reader_pcap},
    {{0xa1, 0xb2, 0xcd, 0x34}, 4, &reader_pcap}, /* Kuznetsov's Linux */
    {{0x34, 0xcd, 0xb2, 0xa1}, 4, &reader_pcap},
    {{0x0a, 0x0d, 0x0d, 0x0a}, 4, &reader_pcap}, /* pcapng */
    {{0x00, 0x05}, 2, &reader_raw},
    {{FLOWTOOLS_MAGIC_0, FLOWTOOLS_MAGIC_1}, 2, &reader_flowtools},
};

static const struct reader_format *
find_format(const uint8_t *first, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(magics); i++)
		if (magics[i].len <= len &&
		    memcmp(magics[i].bytes, first, magics[i].len) == 0)
			return magics[i].format;
	return NULL;
}

/*
 * The first bytes of f, put back again so that pipes work too. The C standard
 * promises one byte of room for that; glibc, musl and the BSDs take back
 * whatever was just read.
 */
static size_t
peek(FILE *f, uint8_t first[READER_MAGIC_LEN])
{
	size_t n = fread(first, 1, READER_MAGIC_LEN, f);

	for (size_t i = n; i > 0; i--)
		ungetc(first[i - 1], f);
	return n;
}

void
reader_fclose(FILE *f)
{
	if (f != stdin)
		fclose(f);
}

/* Takes f in any case. */
static int
open_format(struct reader *r, FILE *f, struct err *err)
{
	uint8_t first[READER_MAGIC_LEN];
	size_t len = peek(f, first);

	if (ferror(f)) {
		err_sys(err, "%s", r->name);
		reader_fclose(f);
		return ERR_SYSTEM;
	}
	r->format = find_format(first, len);
	if (r->format == NULL) {
		reader_fclose(f);
		return err_set(err, ERR_USAGE,
		    "%s: %s; known are pcap, pcapng, flow-tools and raw "
		    "NetFlow v5 datagrams",
		    r->name, len == 0 ? "empty" : "unknown format");
	}
	r->f = f;
	return r->format->open(&r->state, f, r->name, err);
}

int
reader_open(struct reader **out, const char *path, struct err *err)
{
	bool from_stdin = strcmp(path, "-") == 0;
	FILE *f = from_stdin ? stdin : fopen(path, "rbe");
	struct reader *r;
	int rc;

	if (f == NULL)
		return err_sys(err, "%s", path);
	r = xcalloc(1, sizeof *r);
	r->name = xstrdup(from_stdin ? "standard input" : path);
	rc = open_format(r, f, err);
	if (rc != 0) {
		free(r->name);
		free(r);
		return rc;
	}
	*out = r;
	return 0;
}

void
reader_close(struct reader *r)
{
	if (r == NULL)
		return;
	r->format->close(r->state);
	free(r->name);
	free(r);
}

int
reader_next(struct reader *r, struct datagram *d, struct err *err)
{
	*d = (struct datagram){0};
	return r->format->next(r->state, d, &r->skips, err);
}

uint64_t
reader_position(const struct reader *r)
{
	off_t at = ftello(r->f);

	return at > 0 ? (uint64_t)at : 0;
}

const struct reader_skips *
reader_skips(const struct reader *r)
{
	return &r->skips;
}
