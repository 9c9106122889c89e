/* SPDX-License-Identifier: ISC */
/* Names and texts of flow fields: see flow.h. */
#include "schema/flow.h"

#include <string.h>

const struct flow_column_info flow_columns[N_FLOW_COLUMNS] = {
    [COL_EXPORTER] = {"exporter", VALUE_EXPORTER, UINT32_MAX},
    [COL_ENGINE_TYPE] = {"engine_type", VALUE_NUMBER, UINT8_MAX},
    [COL_ENGINE_ID] = {"engine_id", VALUE_NUMBER, UINT8_MAX},
    [COL_SAMPLING] = {"sampling", VALUE_NUMBER, UINT16_MAX},
    [COL_SRC_ADDR] = {"src_addr", VALUE_IP4, UINT32_MAX},
    [COL_DST_ADDR] = {"dst_addr", VALUE_IP4, UINT32_MAX},
    [COL_NEXT_HOP] = {"next_hop", VALUE_IP4, UINT32_MAX},
    [COL_INPUT_IF] = {"input_if", VALUE_NUMBER, UINT16_MAX},
    [COL_OUTPUT_IF] = {"output_if", VALUE_NUMBER, UINT16_MAX},
    [COL_PACKETS] = {"packets", VALUE_NUMBER, UINT32_MAX},
    [COL_OCTETS] = {"octets", VALUE_NUMBER, UINT32_MAX},
    [COL_START_MS] = {"start_ms", VALUE_TIME, INT64_MAX},
    [COL_END_MS] = {"end_ms", VALUE_TIME, INT64_MAX},
    [COL_DURATION_MS] = {"duration_ms", VALUE_DURATION, INT64_MAX},
    [COL_SRC_PORT] = {"src_port", VALUE_NUMBER, UINT16_MAX},
    [COL_DST_PORT] = {"dst_port", VALUE_NUMBER, UINT16_MAX},
    [COL_TCP_FLAGS] = {"tcp_flags", VALUE_FLAGS, UINT8_MAX},
    [COL_PROTOCOL] = {"protocol", VALUE_NUMBER, UINT8_MAX},
    [COL_TOS] = {"tos", VALUE_NUMBER, UINT8_MAX},
    [COL_SRC_AS] = {"src_as", VALUE_NUMBER, UINT16_MAX},
    [COL_DST_AS] = {"dst_as", VALUE_NUMBER, UINT16_MAX},
    [COL_SRC_MASK] = {"src_mask", VALUE_NUMBER, UINT8_MAX},
    [COL_DST_MASK] = {"dst_mask", VALUE_NUMBER, UINT8_MAX},
    [COL_QUIRKS] = {"quirks", VALUE_QUIRKS, (1u << N_QUIRKS) - 1},
};

void
flags_format(uint8_t flags, char out[FLAGS_TEXT_LEN])
{
	static const char letters[] = "CEUAPRSF";

	for (unsigned i = 0; i < 8; i++)
		out[i] = (flags & (0x80u >> i)) != 0 ? letters[i] : '.';
	out[8] = '\0';
}

const char *const quirk_names[N_QUIRKS] = {
    "start-after-end",
    "end-after-export",
    "uptime-wrapped",
    "clock-absurd",
    "duration-clamped",
};

void
quirks_format(uint8_t quirks, char out[QUIRKS_TEXT_LEN])
{
	char *p = out;

	for (unsigned i = 0; i < N_QUIRKS; i++) {
		if ((quirks & 1u << i) == 0)
			continue;
		if (p > out)
			*p++ = '+';
		p = stpcpy(p, quirk_names[i]);
	}
	*p = '\0';
}
