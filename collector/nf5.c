/* SPDX-License-Identifier: ISC */
/* NetFlow v5 datagrams: see nf5.h. The layout is schema/nf5_layout.h's. */
#include "collector/nf5.h"

#include <stdbool.h>

#include "schema/base/clock.h"
#include "schema/base/num.h"

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
	f->src_addr = get_be32(r + NF5_R_SRC_ADDR);
	f->dst_addr = get_be32(r + NF5_R_DST_ADDR);
	f->next_hop = get_be32(r + NF5_R_NEXT_HOP);
	f->input_if = get_be16(r + NF5_R_INPUT_IF);
	f->output_if = get_be16(r + NF5_R_OUTPUT_IF);
	f->packets = get_be32(r + NF5_R_PACKETS);
	f->octets = get_be32(r + NF5_R_OCTETS);
	f->src_port = get_be16(r + NF5_R_SRC_PORT);
	f->dst_port = get_be16(r + NF5_R_DST_PORT);
	f->tcp_flags = r[NF5_R_TCP_FLAGS];
	f->protocol = r[NF5_R_PROTOCOL];
	f->tos = r[NF5_R_TOS];
	f->src_as = get_be16(r + NF5_R_SRC_AS);
	f->dst_as = get_be16(r + NF5_R_DST_AS);
	f->src_mask = r[NF5_R_SRC_MASK];
	f->dst_mask = r[NF5_R_DST_MASK];
	set_times(f, c, get_be32(r + NF5_R_FIRST), get_be32(r + NF5_R_LAST));
}

static void
decode_header(const uint8_t *h, struct packet *p)
{
	p->source.sampling = get_be16(h + NF5_H_SAMPLING);
	p->source.engine_type = h[NF5_H_ENGINE_TYPE];
	p->source.engine_id = h[NF5_H_ENGINE_ID];
	p->unix_secs = get_be32(h + NF5_H_UNIX_SECS);
	p->unix_nsecs = get_be32(h + NF5_H_UNIX_NSECS);
	p->uptime_ms = get_be32(h + NF5_H_UPTIME);
	p->sequence = get_be32(h + NF5_H_SEQUENCE);
	p->no_sequence = p->no_header = false;
	p->n_flows = (uint8_t)get_be16(h + NF5_H_COUNT);
}

int
nf5_decode(const uint8_t *pkt, size_t len, struct packet *packet,
    struct flow flows[NF5_MAX_RECORDS])
{
	struct export_clock clock;
	size_t count, need;

	if (len < NF5_HEADER_LEN)
		return ERR_SHORT;
	if (get_be16(pkt + NF5_H_VERSION) != 5)
		return ERR_VERSION;
	count = get_be16(pkt + NF5_H_COUNT);
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
