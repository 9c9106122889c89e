/* SPDX-License-Identifier: ISC */
/*
 * NetFlow v5 datagrams: see nf5.h. The layout is written down once, as the
 * offsets below.
 * Source: Cisco NetFlow Collection Engine guide, "Version 5 header and flow
 * record format".
 */
#include "collector/nf5.h"

#include <stdbool.h>

#include "schema/base/clock.h"
#include "schema/base/num.h"

/* Offsets into the header. */
enum {
	H_VERSION = 0,
	H_COUNT = 2,
	H_UPTIME = 4,
	H_UNIX_SECS = 8,
	H_UNIX_NSECS = 12,
	H_SEQUENCE = 16,
	H_ENGINE_TYPE = 20,
	H_ENGINE_ID = 21,
	H_SAMPLING = 22,
};

/* Offsets into a record; bytes 36 and 46, 47 are padding. */
enum {
	R_SRC_ADDR = 0,
	R_DST_ADDR = 4,
	R_NEXT_HOP = 8,
	R_INPUT_IF = 12,
	R_OUTPUT_IF = 14,
	R_PACKETS = 16,
	R_OCTETS = 20,
	R_FIRST = 24,
	R_LAST = 28,
	R_SRC_PORT = 32,
	R_DST_PORT = 34,
	R_TCP_FLAGS = 37,
	R_PROTOCOL = 38,
	R_TOS = 39,
	R_SRC_AS = 40,
	R_DST_AS = 42,
	R_SRC_MASK = 44,
	R_DST_MASK = 45,
};

static const uint32_t HALF_UPTIME = UINT32_C(1) << 31;
static const uint32_t YEAR_2000 = 946684800; /* in seconds of the epoch */

/* The moment of the export on the exporter's two clocks. */
struct export_clock {
	int64_t epoch_ms;
	uint32_t uptime_ms;
	bool absurd;
};

static struct export_clock
export_clock(const struct packet *p)
{
	/* Garbage in unix_nsecs moves the time by 4.3 s at most. */
	return (struct export_clock){
	    .epoch_ms =
		(int64_t)p->unix_secs * MS_PER_S + p->unix_nsecs / 1000000,
	    .uptime_ms = p->uptime_ms,
	    .absurd = p->unix_secs < YEAR_2000,
	};
}

static bool
tick_is_past(const struct export_clock *c, uint32_t tick_ms)
{
	return (uint32_t)(c->uptime_ms - tick_ms) <= HALF_UPTIME;
}

static int64_t
tick_to_ms(const struct export_clock *c, uint32_t tick_ms)
{
	if (tick_is_past(c, tick_ms))
		return c->epoch_ms - (uint32_t)(c->uptime_ms - tick_ms);
	return c->epoch_ms + (uint32_t)(tick_ms - c->uptime_ms);
}

static bool
tick_wrapped(const struct export_clock *c, uint32_t tick_ms)
{
	return tick_ms > c->uptime_ms && tick_is_past(c, tick_ms);
}

static void
set_times(struct flow *f, const struct export_clock *c, uint32_t first_ms,
    uint32_t last_ms)
{
	int64_t start_ms = tick_to_ms(c, first_ms);
	int64_t end_ms = tick_to_ms(c, last_ms);
	int64_t swap_ms = start_ms;
	unsigned quirks = 0;

	if (tick_wrapped(c, first_ms) || tick_wrapped(c, last_ms))
		quirks |= QUIRK_UPTIME_WRAPPED;
	if (start_ms > end_ms) {
		start_ms = end_ms;
		end_ms = swap_ms;
		quirks |= QUIRK_START_AFTER_END;
	}
	if (end_ms > c->epoch_ms)
		quirks |= QUIRK_END_AFTER_EXPORT;
	if (end_ms - start_ms > FLOW_MAX_DURATION_MS) {
		start_ms = end_ms - FLOW_MAX_DURATION_MS;
		quirks |= QUIRK_DURATION_CLAMPED;
	}
	if (c->absurd)
		quirks |= QUIRK_CLOCK_ABSURD;
	f->start_ms = start_ms;
	f->end_ms = end_ms;
	f->quirks = (uint8_t)quirks;
}

static void
decode_record(const uint8_t *r, const struct export_clock *c, struct flow *f)
{
	f->src_addr = get_be32(r + R_SRC_ADDR);
	f->dst_addr = get_be32(r + R_DST_ADDR);
	f->next_hop = get_be32(r + R_NEXT_HOP);
	f->input_if = get_be16(r + R_INPUT_IF);
	f->output_if = get_be16(r + R_OUTPUT_IF);
	f->packets = get_be32(r + R_PACKETS);
	f->octets = get_be32(r + R_OCTETS);
	f->src_port = get_be16(r + R_SRC_PORT);
	f->dst_port = get_be16(r + R_DST_PORT);
	f->tcp_flags = r[R_TCP_FLAGS];
	f->protocol = r[R_PROTOCOL];
	f->tos = r[R_TOS];
	f->src_as = get_be16(r + R_SRC_AS);
	f->dst_as = get_be16(r + R_DST_AS);
	f->src_mask = r[R_SRC_MASK];
	f->dst_mask = r[R_DST_MASK];
	set_times(f, c, get_be32(r + R_FIRST), get_be32(r + R_LAST));
}

static void
decode_header(const uint8_t *h, struct packet *p)
{
	p->source.sampling = get_be16(h + H_SAMPLING);
	p->source.engine_type = h[H_ENGINE_TYPE];
	p->source.engine_id = h[H_ENGINE_ID];
	p->unix_secs = get_be32(h + H_UNIX_SECS);
	p->unix_nsecs = get_be32(h + H_UNIX_NSECS);
	p->uptime_ms = get_be32(h + H_UPTIME);
	p->sequence = get_be32(h + H_SEQUENCE);
	p->n_flows = (uint8_t)get_be16(h + H_COUNT);
}

int
nf5_decode(const uint8_t *pkt, size_t len, struct packet *packet,
    struct flow flows[NF5_MAX_RECORDS])
{
	struct export_clock clock;
	size_t count, need;

	if (len < NF5_HEADER_LEN)
		return ERR_SHORT;
	if (get_be16(pkt + H_VERSION) != 5)
		return ERR_VERSION;
	count = get_be16(pkt + H_COUNT);
	if (count < 1 || count > NF5_MAX_RECORDS)
		return ERR_COUNT;
	need = NF5_HEADER_LEN + count * NF5_RECORD_LEN;
	if (len < need)
		return ERR_SHORT;
	decode_header(pkt, packet);
	clock = export_clock(packet);
	for (size_t i = 0; i < count; i++)
		decode_record(pkt + NF5_HEADER_LEN + i * NF5_RECORD_LEN, &clock,
		    &flows[i]);
	/* A UDP payload is far below INT_MAX; a longer buffer is capped. */
	return len - need < UINT16_MAX ? (int)(len - need) : UINT16_MAX;
}
