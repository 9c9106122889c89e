/* SPDX-License-Identifier: ISC */
/* Arrays of flows by column: see batch.h. */
#include "schema/batch.h"

#include <stdlib.h>

#include "schema/base/mem.h"

void
batch_init(struct batch *b, flow_column_set columns)
{
	*b = (struct batch){0};
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		if ((columns & (flow_column_set)1 << c) != 0)
			b->col[c] = xcalloc(BATCH_MAX, sizeof *b->col[c]);
	if ((columns & FLOW_ROW_ID) != 0)
		b->id = xcalloc(BATCH_MAX, sizeof *b->id);
}

void
batch_release(struct batch *b)
{
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		free(b->col[c]);
	free(b->id);
	*b = (struct batch){0};
}

struct source
batch_source(const struct batch *b, size_t i)
{
	return (struct source){
	    .exporter = b->exporters[b->col[COL_EXPORTER][i]],
	    .sampling = (uint16_t)b->col[COL_SAMPLING][i],
	    .engine_type = (uint8_t)b->col[COL_ENGINE_TYPE][i],
	    .engine_id = (uint8_t)b->col[COL_ENGINE_ID][i],
	};
}

struct flow
batch_flow(const struct batch *b, size_t i)
{
	return (struct flow){
	    .start_ms = b->col[COL_START_MS][i],
	    .end_ms = b->col[COL_END_MS][i],
	    .src_addr = (uint32_t)b->col[COL_SRC_ADDR][i],
	    .dst_addr = (uint32_t)b->col[COL_DST_ADDR][i],
	    .next_hop = (uint32_t)b->col[COL_NEXT_HOP][i],
	    .packets = (uint32_t)b->col[COL_PACKETS][i],
	    .octets = (uint32_t)b->col[COL_OCTETS][i],
	    .input_if = (uint16_t)b->col[COL_INPUT_IF][i],
	    .output_if = (uint16_t)b->col[COL_OUTPUT_IF][i],
	    .src_port = (uint16_t)b->col[COL_SRC_PORT][i],
	    .dst_port = (uint16_t)b->col[COL_DST_PORT][i],
	    .src_as = (uint16_t)b->col[COL_SRC_AS][i],
	    .dst_as = (uint16_t)b->col[COL_DST_AS][i],
	    .tcp_flags = (uint8_t)b->col[COL_TCP_FLAGS][i],
	    .protocol = (uint8_t)b->col[COL_PROTOCOL][i],
	    .tos = (uint8_t)b->col[COL_TOS][i],
	    .src_mask = (uint8_t)b->col[COL_SRC_MASK][i],
	    .dst_mask = (uint8_t)b->col[COL_DST_MASK][i],
	    .quirks = (uint8_t)b->col[COL_QUIRKS][i],
	};
}
