/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SIMULATE_H
#define WEIR_REPORT_SIMULATE_H
/*
 * Routers at the border of a made-up site that export its traffic (traffic.h),
 * and what a collector gets of that: datagrams in the order in which they
 * arrive, fewer or more than were sent if so asked. The same wishes give the
 * same datagrams on every machine. Constant memory. No I/O.
 */
#include <stdint.h>

#include "report/pack.h"
#include "schema/base/err.h"

struct traffic_scan;

enum {
	SIMULATE_MAX_EXPORTERS = 64,
	SIMULATE_MAX_ENGINES = 16, /* of each exporter */
	SIMULATE_MAX_SCANS = 1000,
	SIMULATE_MAX_RESTARTS = 1000,
};

struct simulate_wishes {
	uint64_t flows; /* that are exported, lost ones too; without scans */
	uint64_t seed;
	int64_t from_ms, to_ms; /* of exporting; whole seconds */
	uint32_t hosts;         /* at the site, 1..TRAFFIC_MAX_HOSTS */
	uint32_t exporters, engines;
	uint32_t sampling; /* 1 packet in as many is counted; 0: all are */
	uint32_t scans, restarts;
	/* Of a million datagrams: */
	uint32_t lost, late, duplicates;
};

/* What happened, as a collector should find it out. */
struct simulate_truth {
	uint64_t flows, datagrams; /* that arrive, the second of two too */
	uint64_t scan_flows;       /* exported */
	uint64_t lost_flows, lost_datagrams;
	uint64_t late, duplicates,
	    duplicate_flows; /* datagrams but for flows */
	uint32_t restarts;
	const struct traffic_scan *scan; /* n_scans: until simulate_free */
	uint32_t n_scans;
};

struct simulation;

struct simulation *simulate_new(const struct simulate_wishes *w);
void simulate_free(struct simulation *s); /* accepts NULL */

/* All of it; what fn returned if not 0. */
int simulate_run(struct simulation *s, pack_fn *fn, void *arg) MUST_CHECK;
const struct simulate_truth *simulate_truth(const struct simulation *s);

#endif
