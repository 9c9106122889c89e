/* SPDX-License-Identifier: ISC */
/*
 * flow-tools files of NetFlow v5, plain or compressed, of either byte order.
 *
 * flow-tools writes each flow with the header of the datagram it came in, but
 * not where datagrams began. So consecutive flows of one header are put into
 * v5 datagrams again: the decoder stays the one place that knows what times
 * mean, and `weir send` can replay such files like any other. What the format
 * does not keep is flow_sequence (numbered through here, and marked as
 * no_sequence), the sampling word (0) and the time of arrival (the export's).
 *
 * A file that flow-capture has not closed, or that was cut, gives every whole
 * flow that is in it.
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "collector/nf5.h"
#include "collector/reader_format.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/flowtools_layout.h"

enum {
	CHUNK = 65536,
	MAX_FIELDS = 1 << 20, /* bytes of header; flow-tools writes 100 */
};

struct flowtools_state {
	FILE *f;
	const char *name;
	bool little;
	bool compressed;
	bool unclosed;
	uint16_t version;    /* of the export: 5, FLOWTOOLS_V5_TAGGED */
	uint8_t aggregation; /* of version 8 */
	size_t record_len;
	z_stream z;
	int z_rc;          /* of the last inflate() */
	uint32_t sequence; /* flows so far */
	size_t at, len;    /* of what waits in data */
	uint8_t data[CHUNK];
	uint8_t packed[CHUNK];
	uint8_t datagram[NF5_MAX_LEN];
};

/* ---- the header ---- */

static uint16_t
get_16(const struct flowtools_state *s, const uint8_t *p)
{
	const uint8_t swapped[] = {p[1], p[0]};

	return get_be16(s->little ? swapped : p);
}

static uint32_t
get_32(const struct flowtools_state *s, const uint8_t *p)
{
	return s->little ? (uint32_t)get_16(s, p + 2) << 16 | get_16(s, p)
			 : get_be32(p);
}

static void
take_field(
    struct flowtools_state *s, uint16_t tag, const uint8_t *value, size_t len)
{
	uint32_t flags;

	if (tag == FLOWTOOLS_TAG_VERSION && len == 2) {
		s->version = get_16(s, value);
	} else if (tag == FLOWTOOLS_TAG_AGGREGATION && len == 1) {
		s->aggregation = *value;
	} else if (tag == FLOWTOOLS_TAG_FLAGS && len == 4) {
		flags = get_32(s, value);
		s->compressed = (flags & FLOWTOOLS_COMPRESSED) != 0;
		s->unclosed =
		    (flags & (FLOWTOOLS_DONE | FLOWTOOLS_STREAMING)) == 0;
	}
}

static void
take_fields(struct flowtools_state *s, const uint8_t *p, size_t len)
{
	while (len >= FLOWTOOLS_FIELD_HEAD) {
		size_t value_len = get_16(s, p + 2);

		p += FLOWTOOLS_FIELD_HEAD;
		len -= FLOWTOOLS_FIELD_HEAD;
		if (value_len > len)
			return;
		take_field(
		    s, get_16(s, p - FLOWTOOLS_FIELD_HEAD), p, value_len);
		p += value_len;
		len -= value_len;
	}
}

static int
cut_header(struct flowtools_state *s, struct err *err)
{
	if (ferror(s->f))
		return err_sys(err, "%s", s->name);
	return err_set(
	    err, ERR_CORRUPT, "%s: ends in the flow-tools header", s->name);
}

static int
read_fields(struct flowtools_state *s, struct err *err)
{
	uint8_t head[FLOWTOOLS_FIELDS];
	uint32_t offset;
	uint8_t *fields;
	size_t len;
	bool whole;

	if (fread(head, 1, sizeof head, s->f) < sizeof head)
		return cut_header(s, err);
	if ((head[2] != FLOWTOOLS_LITTLE_ENDIAN &&
		head[2] != FLOWTOOLS_BIG_ENDIAN) ||
	    head[3] != FLOWTOOLS_FORMAT)
		return err_set(err, ERR_USAGE,
		    "%s: flow-tools byte order %u, stream format %u; known are "
		    "1 and 2, format %d",
		    s->name, head[2], head[3], FLOWTOOLS_FORMAT);
	s->little = head[2] == FLOWTOOLS_LITTLE_ENDIAN;
	offset = get_32(s, head + FLOWTOOLS_DATA_OFFSET);
	if (offset < FLOWTOOLS_FIELDS || offset > MAX_FIELDS)
		return err_set(err, ERR_CORRUPT,
		    "%s: the flow-tools header is damaged: data at byte %u",
		    s->name, offset);
	len = offset - FLOWTOOLS_FIELDS;
	fields = xcalloc(1, len);
	whole = fread(fields, 1, len, s->f) == len;
	if (whole)
		take_fields(s, fields, len);
	free(fields);
	return whole ? 0 : cut_header(s, err);
}

static int
check_version(struct flowtools_state *s, struct err *err)
{
	char which[32];

	if (s->version == 5 || s->version == FLOWTOOLS_V5_TAGGED) {
		s->record_len =
		    s->version == 5 ? FLOWTOOLS_V5_LEN : FLOWTOOLS_V1005_LEN;
		return 0;
	}
	if (s->version == 0)
		snprintf(which, sizeof which, "no version");
	else if (s->version == 8)
		snprintf(which, sizeof which, "NetFlow v8.%u", s->aggregation);
	else
		snprintf(which, sizeof which, "NetFlow v%u", s->version);
	return err_set(err, ERR_USAGE,
	    "%s: flow-tools file of %s; known are v5 and v%d (v5 with tags)",
	    s->name, which, FLOWTOOLS_V5_TAGGED);
}

static void
flowtools_close(void *state)
{
	struct flowtools_state *s = state;

	if (s->compressed)
		inflateEnd(&s->z);
	reader_fclose(s->f);
	free(s);
}

static int
flowtools_open(void **state, FILE *f, const char *name, struct err *err)
{
	struct flowtools_state *s = xcalloc(1, sizeof *s);
	int rc;

	s->f = f;
	s->name = name;
	if ((rc = read_fields(s, err)) != 0 ||
	    (rc = check_version(s, err)) != 0) {
		s->compressed = false; /* nothing to end */
		flowtools_close(s);
		return rc;
	}
	if (s->compressed && inflateInit(&s->z) != Z_OK) {
		s->compressed = false;
		flowtools_close(s);
		return err_set(err, ERR_SYSTEM, "%s: zlib: no memory", name);
	}
	*state = s;
	return 0;
}

/* ---- the data ---- */

/* Bytes into p: how many, 0 at the end of the file, < 0 an error. */
static int
read_packed(struct flowtools_state *s, uint8_t *p, size_t room, struct err *err)
{
	size_t n = fread(p, 1, room, s->f);

	if (n == 0 && ferror(s->f))
		return err_sys(err, "%s", s->name);
	return (int)n;
}

/* The next compressed bytes: 1, 0 at the proper end of the data. */
static int
refill_packed(struct flowtools_state *s, struct err *err)
{
	int n = read_packed(s, s->packed, sizeof s->packed, err);

	if (n < 0)
		return n;
	s->z.next_in = s->packed;
	s->z.avail_in = (uInt)n;
	/* Nothing at all: a capture killed before its first write. */
	if (n > 0 || s->z_rc == Z_STREAM_END || s->z.total_in == 0)
		return n > 0;
	return err_set(err, ERR_CORRUPT,
	    "%s: the compressed data ends in the middle, after %u flows",
	    s->name, s->sequence);
}

static int
inflate_failed(const struct flowtools_state *s, struct err *err)
{
	return err_set(err, ERR_CORRUPT,
	    "%s: the compressed data is damaged after %u flows: %s", s->name,
	    s->sequence, s->z.msg != NULL ? s->z.msg : zError(s->z_rc));
}

/* Some bytes more in data, from the compressed ones: 1, 0 at their end. What
 * came out before damage is handed over before the damage is told. */
static int
inflate_more(struct flowtools_state *s, struct err *err)
{
	size_t room = sizeof s->data - s->len;
	int rc;

	s->z.next_out = s->data + s->len;
	s->z.avail_out = (uInt)room;
	while (s->z.avail_out == room) {
		if (s->z_rc != Z_OK && s->z_rc != Z_STREAM_END)
			return inflate_failed(s, err);
		if (s->z.avail_in == 0 && (rc = refill_packed(s, err)) != 1)
			return rc;
		if (s->z_rc == Z_STREAM_END)
			return err_set(err, ERR_CORRUPT,
			    "%s: something follows the compressed data",
			    s->name);
		s->z_rc = inflate(&s->z, Z_SYNC_FLUSH);
		if (s->z_rc == Z_BUF_ERROR)
			s->z_rc = Z_OK; /* it wants more */
	}
	s->len = sizeof s->data - s->z.avail_out;
	return 1;
}

static int
read_more(struct flowtools_state *s, struct err *err)
{
	int n;

	memmove(s->data, s->data + s->at, s->len - s->at);
	s->len -= s->at;
	s->at = 0;
	if (s->compressed)
		return inflate_more(s, err);
	n = read_packed(s, s->data + s->len, sizeof s->data - s->len, err);
	if (n <= 0)
		return n;
	s->len += (size_t)n;
	return 1;
}

/* 1: *r is the next record, borrowed until the next call; 0: no more. It is
 * the same one again until s->at moves on. */
static int
peek_record(struct flowtools_state *s, const uint8_t **r, struct err *err)
{
	int rc;

	while (s->len - s->at < s->record_len) {
		if ((rc = read_more(s, err)) == 1)
			continue;
		if (rc == 0 && s->len > s->at)
			return err_set(err, ERR_CORRUPT,
			    "%s: ends in the middle of a flow, after %u whole "
			    "ones",
			    s->name, s->sequence);
		return rc;
	}
	*r = s->data + s->at;
	return 1;
}

/* ---- datagrams again ---- */

/* Fields of both, by width. */
static const struct field {
	uint8_t from, to, len;
} header_fields[] =
    {
	{FLOWTOOLS_UNIX_SECS, NF5_H_UNIX_SECS, 4},
	{FLOWTOOLS_UNIX_NSECS, NF5_H_UNIX_NSECS, 4},
	{FLOWTOOLS_UPTIME, NF5_H_UPTIME, 4},
	{FLOWTOOLS_ENGINE_TYPE, NF5_H_ENGINE_TYPE, 1},
	{FLOWTOOLS_ENGINE_ID, NF5_H_ENGINE_ID, 1},
},
  record_fields[] = {
      {FLOWTOOLS_SRC_ADDR, NF5_R_SRC_ADDR, 4},
      {FLOWTOOLS_DST_ADDR, NF5_R_DST_ADDR, 4},
      {FLOWTOOLS_NEXT_HOP, NF5_R_NEXT_HOP, 4},
      {FLOWTOOLS_PACKETS, NF5_R_PACKETS, 4},
      {FLOWTOOLS_OCTETS, NF5_R_OCTETS, 4},
      {FLOWTOOLS_FIRST, NF5_R_FIRST, 4},
      {FLOWTOOLS_LAST, NF5_R_LAST, 4},
      {FLOWTOOLS_INPUT_IF, NF5_R_INPUT_IF, 2},
      {FLOWTOOLS_OUTPUT_IF, NF5_R_OUTPUT_IF, 2},
      {FLOWTOOLS_SRC_PORT, NF5_R_SRC_PORT, 2},
      {FLOWTOOLS_DST_PORT, NF5_R_DST_PORT, 2},
      {FLOWTOOLS_SRC_AS, NF5_R_SRC_AS, 2},
      {FLOWTOOLS_DST_AS, NF5_R_DST_AS, 2},
      {FLOWTOOLS_PROTOCOL, NF5_R_PROTOCOL, 1},
      {FLOWTOOLS_TOS, NF5_R_TOS, 1},
      {FLOWTOOLS_TCP_FLAGS, NF5_R_TCP_FLAGS, 1},
      {FLOWTOOLS_SRC_MASK, NF5_R_SRC_MASK, 1},
      {FLOWTOOLS_DST_MASK, NF5_R_DST_MASK, 1},
};

static void
copy_fields(const struct flowtools_state *s, const struct field *field,
    size_t n, const uint8_t *from, uint8_t *to)
{
	for (size_t i = 0; i < n; i++) {
		const struct field *f = &field[i];

		for (size_t b = 0; b < f->len; b++)
			to[f->to + b] =
			    from[f->from + (s->little ? f->len - 1u - b : b)];
	}
}

/* What was the same for all flows of one datagram. */
struct origin {
	uint8_t export[FLOWTOOLS_SRC_ADDR]; /* times, exporter */
	uint8_t engine[2];
};

static struct origin
origin_of(const uint8_t *r)
{
	struct origin o;

	memcpy(o.export, r, sizeof o.export);
	memcpy(o.engine, r + FLOWTOOLS_ENGINE_TYPE, sizeof o.engine);
	return o;
}

static void
begin_datagram(struct flowtools_state *s, const uint8_t *r, struct datagram *d)
{
	memset(s->datagram, 0, sizeof s->datagram);
	put_be16(s->datagram + NF5_H_VERSION, 5);
	put_be32(s->datagram + NF5_H_SEQUENCE, s->sequence);
	copy_fields(s, header_fields, ARRAY_LEN(header_fields), r, s->datagram);
	d->data = s->datagram;
	d->len = NF5_HEADER_LEN;
	d->from = addr_from_ip4(get_32(s, r + FLOWTOOLS_EXPORTER));
	d->received_ms =
	    (int64_t)get_32(s, r + FLOWTOOLS_UNIX_SECS) * MS_PER_S +
	    get_32(s, r + FLOWTOOLS_UNIX_NSECS) / 1000000;
	d->no_sequence = true;
}

static bool
has_tags(const struct flowtools_state *s, const uint8_t *r)
{
	return s->version == FLOWTOOLS_V5_TAGGED &&
	       (get_32(s, r + FLOWTOOLS_SRC_TAG) |
		   get_32(s, r + FLOWTOOLS_DST_TAG)) != 0;
}

/* An error behind the last flow comes up again with the next call. */
static int
flowtools_next(void *state, struct datagram *d, struct reader_skips *skips,
    struct err *err)
{
	struct flowtools_state *s = state;
	struct origin first, o;
	const uint8_t *r = s->data;
	uint16_t n = 0;
	int rc;

	skips->unclosed = s->unclosed;
	while (n < NF5_MAX_RECORDS && (rc = peek_record(s, &r, err)) == 1) {
		o = origin_of(r);
		if (n == 0) {
			first = o;
			begin_datagram(s, r, d);
		} else if (memcmp(&o, &first, sizeof o) != 0) {
			break;
		}
		copy_fields(s, record_fields, ARRAY_LEN(record_fields), r,
		    s->datagram + d->len);
		skips->tagged += has_tags(s, r);
		d->len += NF5_RECORD_LEN;
		s->at += s->record_len;
		s->sequence++;
		n++;
	}
	put_be16(s->datagram + NF5_H_COUNT, n);
	return n > 0 ? 1 : rc;
}

const struct reader_format reader_flowtools = {
    .open = flowtools_open,
    .next = flowtools_next,
    .close = flowtools_close,
};
