/* SPDX-License-Identifier: ISC */
/*
 * Flows as a flow-tools file of NetFlow v5: little-endian, compressed, marked
 * as written to a stream (the counts of flow-capture's header are known only at
 * the end, and flow-tools does not need them). The format has no place for the
 * sampling word, nor for an exporter that has an IPv6 address: 0.0.0.0 then.
 */
#include <stdlib.h>
#include <zlib.h>

#include "report/export.h"
#include "report/pack.h"
#include "report/sink.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/flowtools_layout.h"

enum { LEVEL = 6 }; /* flow-capture's own */

/* The fields version and flags. */
enum {
	VERSION_AT = FLOWTOOLS_FIELDS,
	FLAGS_AT = VERSION_AT + FLOWTOOLS_FIELD_HEAD + 2,
	HEADER_END = FLAGS_AT + FLOWTOOLS_FIELD_HEAD + 4,
	HEADER_LEN = (HEADER_END + 3) / 4 * 4, /* padded to whole words */
};

struct flowtools_out {
	struct sink *sink;
	z_stream z;
	uint64_t sampled;  /* flows whose sampling word is lost */
	uint64_t from_ip6; /* flows whose exporter is */
	uint8_t packed[SINK_SIZE];
};

static void
put_header(struct sink *sink)
{
	uint8_t h[HEADER_LEN] = {FLOWTOOLS_MAGIC_0, FLOWTOOLS_MAGIC_1,
	    FLOWTOOLS_LITTLE_ENDIAN, FLOWTOOLS_FORMAT};

	put_le32(h + FLOWTOOLS_DATA_OFFSET, HEADER_LEN);
	put_le16(h + VERSION_AT, FLOWTOOLS_TAG_VERSION);
	put_le16(h + VERSION_AT + 2, 2);
	put_le16(h + VERSION_AT + FLOWTOOLS_FIELD_HEAD, 5);
	put_le16(h + FLAGS_AT, FLOWTOOLS_TAG_FLAGS);
	put_le16(h + FLAGS_AT + 2, 4);
	put_le32(h + FLAGS_AT + FLOWTOOLS_FIELD_HEAD,
	    FLOWTOOLS_STREAMING | FLOWTOOLS_COMPRESSED);
	sink_put(sink, h, sizeof h);
}

static int
flowtools_begin(void **state, struct sink *sink, struct err *err)
{
	struct flowtools_out *o = xcalloc(1, sizeof *o);

	o->sink = sink;
	if (deflateInit(&o->z, LEVEL) != Z_OK) {
		free(o);
		return err_set(err, ERR_SYSTEM, "zlib: no memory");
	}
	put_header(sink);
	*state = o;
	return 0;
}

/* Z_NO_FLUSH: until all input is taken; Z_FINISH: until all is out. */
static int
deflate_all(struct flowtools_out *o, int flush, struct err *err)
{
	int rc;

	do {
		o->z.next_out = o->packed;
		o->z.avail_out = sizeof o->packed;
		rc = deflate(&o->z, flush);
		sink_put(o->sink, o->packed, sizeof o->packed - o->z.avail_out);
	} while (rc == Z_OK && (flush == Z_FINISH || o->z.avail_out == 0));
	return sink_check(o->sink, err);
}

static void
encode_record(const struct packed *d, const struct flow *f, uint8_t *r)
{
	const struct addr *from = &d->source.exporter;

	put_le32(r + FLOWTOOLS_UNIX_SECS, (uint32_t)(d->export_ms / MS_PER_S));
	put_le32(r + FLOWTOOLS_UNIX_NSECS,
	    (uint32_t)(d->export_ms % MS_PER_S * 1000000));
	put_le32(r + FLOWTOOLS_UPTIME, d->uptime_ms);
	put_le32(r + FLOWTOOLS_EXPORTER,
	    from->family == 4 ? get_be32(from->bytes) : 0);
	put_le32(r + FLOWTOOLS_SRC_ADDR, f->src_addr);
	put_le32(r + FLOWTOOLS_DST_ADDR, f->dst_addr);
	put_le32(r + FLOWTOOLS_NEXT_HOP, f->next_hop);
	put_le16(r + FLOWTOOLS_INPUT_IF, f->input_if);
	put_le16(r + FLOWTOOLS_OUTPUT_IF, f->output_if);
	put_le32(r + FLOWTOOLS_PACKETS, f->packets);
	put_le32(r + FLOWTOOLS_OCTETS, f->octets);
	put_le32(r + FLOWTOOLS_FIRST, pack_tick(d, f->start_ms));
	put_le32(r + FLOWTOOLS_LAST, pack_tick(d, f->end_ms));
	put_le16(r + FLOWTOOLS_SRC_PORT, f->src_port);
	put_le16(r + FLOWTOOLS_DST_PORT, f->dst_port);
	r[FLOWTOOLS_PROTOCOL] = f->protocol;
	r[FLOWTOOLS_TOS] = f->tos;
	r[FLOWTOOLS_TCP_FLAGS] = f->tcp_flags;
	r[FLOWTOOLS_ENGINE_TYPE] = d->source.engine_type;
	r[FLOWTOOLS_ENGINE_ID] = d->source.engine_id;
	r[FLOWTOOLS_SRC_MASK] = f->src_mask;
	r[FLOWTOOLS_DST_MASK] = f->dst_mask;
	put_le16(r + FLOWTOOLS_SRC_AS, f->src_as);
	put_le16(r + FLOWTOOLS_DST_AS, f->dst_as);
}

static int
flowtools_put(void *state, const struct packed *d, struct err *err)
{
	struct flowtools_out *o = state;
	uint8_t records[NF5_MAX_RECORDS * FLOWTOOLS_V5_LEN] = {0};

	for (size_t i = 0; i < d->n_flows; i++)
		encode_record(d, &d->flow[i], records + i * FLOWTOOLS_V5_LEN);
	if (d->source.sampling != 0)
		o->sampled += d->n_flows;
	if (d->source.exporter.family == 6)
		o->from_ip6 += d->n_flows;
	o->z.next_in = records;
	o->z.avail_in = (uInt)(d->n_flows * FLOWTOOLS_V5_LEN);
	return deflate_all(o, Z_NO_FLUSH, err);
}

static int
flowtools_end(void *state, struct buf *lost, struct err *err)
{
	struct flowtools_out *o = state;

	if (o->sampled > 0)
		buf_printf(lost, "the sampling word of %llu flows",
		    (unsigned long long)o->sampled);
	if (o->from_ip6 > 0)
		buf_printf(lost, "%sthe IPv6 exporter of %llu flows",
		    lost->len > 0 ? ", " : "", (unsigned long long)o->from_ip6);
	o->z.avail_in = 0;
	return deflate_all(o, Z_FINISH, err);
}

static void
flowtools_free(void *state)
{
	struct flowtools_out *o = state;

	deflateEnd(&o->z);
	free(o);
}

const struct export_format export_flowtools = {
    .begin = flowtools_begin,
    .put = flowtools_put,
    .end = flowtools_end,
    .free = flowtools_free,
};
