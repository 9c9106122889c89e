/* SPDX-License-Identifier: ISC */
/* The fields of a flow that filters ask for: see field.h. */
#include "query/field.h"

#include <string.h>

#include "schema/base/attr.h"

/* More than any count that v5 can send, or rate made of one: larger values
 * than a flow can have are taken, and match none. AS numbers have 32 bits by
 * now, of which v5 sends 16. */
#define COUNT_MAX INT64_C(1000000000000000)

/* In the order in which a filter is printed. */
const struct field fields[] = {
    {"src", SYNTAX_ADDRESS, COL_SRC_ADDR, COL_SRC_ADDR, UINT32_MAX,
	"source address"},
    {"dst", SYNTAX_ADDRESS, COL_DST_ADDR, COL_DST_ADDR, UINT32_MAX,
	"destination address"},
    {"host", SYNTAX_ADDRESS, COL_SRC_ADDR, COL_DST_ADDR, UINT32_MAX,
	"address at either end"},
    {"sport", SYNTAX_PORT, COL_SRC_PORT, COL_SRC_PORT, UINT16_MAX,
	"source port"},
    {"dport", SYNTAX_PORT, COL_DST_PORT, COL_DST_PORT, UINT16_MAX,
	"destination port"},
    {"port", SYNTAX_PORT, COL_SRC_PORT, COL_DST_PORT, UINT16_MAX,
	"port at either end"},
    {"proto", SYNTAX_PROTOCOL, COL_PROTOCOL, COL_PROTOCOL, UINT8_MAX,
	"protocol"},
    {"flags", SYNTAX_FLAGS, COL_TCP_FLAGS, COL_TCP_FLAGS, UINT8_MAX,
	"TCP flags"},
    {"tos", SYNTAX_TOS, COL_TOS, COL_TOS, UINT8_MAX, "type of service"},
    {"dscp", SYNTAX_DSCP, QUANTITY_DSCP, QUANTITY_DSCP, 63, "DSCP"},
    {"in_if", SYNTAX_INTERFACE, COL_INPUT_IF, COL_INPUT_IF, UINT16_MAX,
	"input interface"},
    {"out_if", SYNTAX_INTERFACE, COL_OUTPUT_IF, COL_OUTPUT_IF, UINT16_MAX,
	"output interface"},
    {"if", SYNTAX_INTERFACE, COL_INPUT_IF, COL_OUTPUT_IF, UINT16_MAX,
	"input or output interface"},
    {"src_as", SYNTAX_NUMBER, COL_SRC_AS, COL_SRC_AS, UINT32_MAX, "source AS"},
    {"dst_as", SYNTAX_NUMBER, COL_DST_AS, COL_DST_AS, UINT32_MAX,
	"destination AS"},
    {"as", SYNTAX_NUMBER, COL_SRC_AS, COL_DST_AS, UINT32_MAX,
	"AS at either end"},
    {"src_mask", SYNTAX_NUMBER, COL_SRC_MASK, COL_SRC_MASK, UINT8_MAX,
	"source prefix length"},
    {"dst_mask", SYNTAX_NUMBER, COL_DST_MASK, COL_DST_MASK, UINT8_MAX,
	"destination prefix length"},
    {"next_hop", SYNTAX_ADDRESS, COL_NEXT_HOP, COL_NEXT_HOP, UINT32_MAX,
	"next hop"},
    {"octets", SYNTAX_COUNT, COL_OCTETS, COL_OCTETS, COUNT_MAX, "octets"},
    {"packets", SYNTAX_COUNT, COL_PACKETS, COL_PACKETS, COUNT_MAX, "packets"},
    {"packet_size", SYNTAX_COUNT, QUANTITY_PACKET_SIZE, QUANTITY_PACKET_SIZE,
	COUNT_MAX, "octets per packet"},
    {"duration", SYNTAX_DURATION, COL_DURATION_MS, COL_DURATION_MS, COUNT_MAX,
	"duration"},
    {"bps", SYNTAX_COUNT, QUANTITY_BPS, QUANTITY_BPS, COUNT_MAX,
	"bits per second"},
    {"pps", SYNTAX_COUNT, QUANTITY_PPS, QUANTITY_PPS, COUNT_MAX,
	"packets per second"},
    {"exporter", SYNTAX_EXPORTER, COL_EXPORTER, COL_EXPORTER, 0, "exporter"},
    {"engine", SYNTAX_ENGINE, QUANTITY_ENGINE, QUANTITY_ENGINE, UINT16_MAX,
	"engine"},
    {"sampling", SYNTAX_NUMBER, QUANTITY_INTERVAL, QUANTITY_INTERVAL,
	SAMPLING_INTERVAL_MASK, "sampling interval"},
    {"quirks", SYNTAX_QUIRKS, COL_QUIRKS, COL_QUIRKS, (1 << N_QUIRKS) - 1,
	"quirks"},
};

const size_t n_fields = ARRAY_LEN(fields);

const struct field *
field_find(const char *name, size_t len)
{
	for (size_t i = 0; i < n_fields; i++)
		if (strlen(fields[i].name) == len &&
		    memcmp(fields[i].name, name, len) == 0)
			return &fields[i];
	return NULL;
}
