/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_HISTOGRAM_H
#define WEIR_REPORT_HISTOGRAM_H
/*
 * How flows are spread over sizes: the four histograms of flow-stat's format 0,
 * which FlowViewer shows as its Summary.
 */
#include <stddef.h>
#include <stdint.h>

enum histogram_kind {
	HISTOGRAM_OCTETS_PER_PACKET,
	HISTOGRAM_PACKETS_PER_FLOW,
	HISTOGRAM_OCTETS_PER_FLOW,
	HISTOGRAM_FLOW_TIME_MS,
	N_HISTOGRAMS
};

enum { HISTOGRAM_MAX_BINS = 28 };

struct histogram_info {
	const char *name; /* in CSV and JSON */
	const char *heading;
	uint64_t least;       /* where the first bin begins */
	const uint16_t *edge; /* the bins' last values, ascending */
	size_t n_edges;       /* one more bin holds what is above */
};

extern const struct histogram_info histograms[N_HISTOGRAMS];

/* By kind and bin. */
struct histogram_counts {
	uint64_t flows[N_HISTOGRAMS][HISTOGRAM_MAX_BINS];
};

/* A flow of at least one packet. */
void histogram_add(struct histogram_counts *c, uint64_t packets,
    uint64_t octets, uint64_t flow_time_ms);

#endif
