/* SPDX-License-Identifier: ISC */
/* Flows by size: see histogram.h. */
#include "report/histogram.h"

#include <assert.h>

#include "schema/base/attr.h"

static const uint16_t octets_per_packet[] = {32, 64, 96, 128, 160, 192, 224,
    256, 288, 320, 352, 384, 416, 448, 480, 512, 544, 576, 1024, 1536, 2048,
    2560, 3072, 3584, 4096, 4608};
static const uint16_t packets_per_flow[] = {1, 2, 4, 8, 12, 16, 20, 24, 28, 32,
    36, 40, 44, 48, 52, 60, 100, 200, 300, 400, 500, 600, 700, 800, 900};
static const uint16_t octets_per_flow[] = {32, 64, 128, 256, 512, 1280, 2048,
    2816, 3584, 4352, 5120, 5888, 6656, 7424, 8192, 8960, 9728, 10496, 11264,
    12032, 12800, 13568, 14336, 15104, 15872};
static const uint16_t flow_time_ms[] = {10, 50, 100, 200, 500, 1000, 2000, 3000,
    4000, 5000, 6000, 7000, 8000, 9000, 10000, 12000, 14000, 16000, 18000,
    20000, 22000, 24000, 26000, 28000, 30000};

static_assert(ARRAY_LEN(octets_per_packet) < HISTOGRAM_MAX_BINS, "its bins");
static_assert(ARRAY_LEN(packets_per_flow) < HISTOGRAM_MAX_BINS, "its bins");
static_assert(ARRAY_LEN(octets_per_flow) < HISTOGRAM_MAX_BINS, "its bins");
static_assert(ARRAY_LEN(flow_time_ms) < HISTOGRAM_MAX_BINS, "its bins");

const struct histogram_info histograms[N_HISTOGRAMS] = {
    [HISTOGRAM_OCTETS_PER_PACKET] = {"octets_per_packet", "Octets/packet", 1,
	octets_per_packet, ARRAY_LEN(octets_per_packet)},
    [HISTOGRAM_PACKETS_PER_FLOW] = {"packets_per_flow", "Packets/flow", 1,
	packets_per_flow, ARRAY_LEN(packets_per_flow)},
    [HISTOGRAM_OCTETS_PER_FLOW] = {"octets_per_flow", "Octets/flow", 1,
	octets_per_flow, ARRAY_LEN(octets_per_flow)},
    [HISTOGRAM_FLOW_TIME_MS] = {"flow_time_ms", "Flow time ms", 0, flow_time_ms,
	ARRAY_LEN(flow_time_ms)},
};

static size_t
find_bin(const struct histogram_info *h, uint64_t value)
{
	size_t lo = 0, hi = h->n_edges;

	while (lo < hi) {
		size_t middle = (lo + hi) / 2;

		if (value <= h->edge[middle])
			hi = middle;
		else
			lo = middle + 1;
	}
	return lo;
}

/* Octets a packet are cut to a whole number, as flow-stat does. */
void
histogram_add(struct histogram_counts *c, uint64_t packets, uint64_t octets,
    uint64_t time_ms)
{
	const uint64_t value[N_HISTOGRAMS] = {
	    [HISTOGRAM_OCTETS_PER_PACKET] = octets / packets,
	    [HISTOGRAM_PACKETS_PER_FLOW] = packets,
	    [HISTOGRAM_OCTETS_PER_FLOW] = octets,
	    [HISTOGRAM_FLOW_TIME_MS] = time_ms,
	};

	for (size_t h = 0; h < N_HISTOGRAMS; h++)
		c->flows[h][find_bin(&histograms[h], value[h])]++;
}
