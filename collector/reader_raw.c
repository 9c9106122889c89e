/* SPDX-License-Identifier: ISC */
/*
 * NetFlow v5 datagrams one behind the other, as `nc -lu` or a logger writes
 * them. Nothing but the count in each header says where the next one begins:
 * behind a bad header there is no way to go on, so the rest of the file is
 * handed over as one datagram, for the decoder to refuse and the user to see.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "collector/nf5.h"
#include "collector/reader_format.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum { MAX_UDP_PAYLOAD = 65507 };

struct raw_state {
	FILE *f;
	const char *name;
	uint64_t at; /* offset of the next datagram */
	bool lost;   /* a bad header was met */
	uint8_t data[MAX_UDP_PAYLOAD];
};

static int
raw_open(void **state, FILE *f, const char *name, struct err *err)
{
	struct raw_state *s = xcalloc(1, sizeof *s);

	(void)err;
	s->f = f;
	s->name = name;
	*state = s;
	return 0;
}

/* The length the header at h gives its datagram, 0 for a bad header. */
static size_t
datagram_len(const uint8_t *h, size_t len)
{
	size_t count;

	if (len < NF5_HEADER_LEN || get_be16(h) != 5)
		return 0;
	count = get_be16(h + 2);
	if (count < 1 || count > NF5_MAX_RECORDS)
		return 0;
	return NF5_HEADER_LEN + count * NF5_RECORD_LEN;
}

static int64_t
export_time_ms(const uint8_t *h)
{
	return (int64_t)get_be32(h + 8) * MS_PER_S + get_be32(h + 12) / 1000000;
}

/* Read one datagram into s->data: its length, 0 at the end of the file. */
static int
read_datagram(struct raw_state *s, size_t *out, struct err *err)
{
	size_t len = fread(s->data, 1, NF5_HEADER_LEN, s->f);
	size_t want = datagram_len(s->data, len);

	if (len > 0 && s->lost)
		return err_set(err, ERR_CORRUPT,
		    "%s: no NetFlow v5 header at byte %llu", s->name,
		    (unsigned long long)s->at);
	if (len == NF5_HEADER_LEN)
		len += fread(s->data + len, 1,
		    (want > 0 ? want : sizeof s->data) - len, s->f);
	if (ferror(s->f))
		return err_sys(err, "%s", s->name);
	if (len < want)
		return err_set(err, ERR_CORRUPT,
		    "%s: ends in the middle of the datagram at byte %llu",
		    s->name, (unsigned long long)s->at);
	s->lost = want == 0;
	*out = len;
	return 0;
}

static int
raw_next(void *state, struct datagram *d, struct reader_skips *skips,
    struct err *err)
{
	struct raw_state *s = state;
	size_t len = 0;
	int rc = read_datagram(s, &len, err);

	(void)skips;
	if (rc != 0 || len == 0)
		return rc;
	s->at += len;
	d->data = s->data;
	d->len = len;
	d->received_ms = len >= NF5_HEADER_LEN ? export_time_ms(s->data) : 0;
	return 1;
}

static void
raw_close(void *state)
{
	struct raw_state *s = state;

	reader_fclose(s->f);
	free(s);
}

const struct reader_format reader_raw = {
    .open = raw_open,
    .next = raw_next,
    .close = raw_close,
};
