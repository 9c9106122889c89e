/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SCANNERS_H
#define WEIR_REPORT_SCANNERS_H
/*
 * Who scans. A source that tries many hosts, or many ports of a host, and gets
 * nowhere with most of them. Flows are gone through twice, in any order: first
 * probes are counted by source in a table of fixed size, in which sources may
 * share places; then of those that may have enough, and of no others, every
 * host and port that they tried is kept. Where that would be too much, hosts
 * are sampled (pairs.h), and numbers are estimates. No I/O.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/probe.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct ast;
struct batch;
struct scanners;

/* Memory: 8 MiB to count in, and of those looked at closely: */
enum {
	SCANNERS_MAX_SOURCES = 1 << 18,
	SCANNERS_MAX_PAIRS = 1 << 23, /* of all, 11 to 22 bytes each */
	SCANNERS_MAX_PAIRS_OF_ONE = 1 << 20,
};

struct scanners_wishes {
	uint32_t hosts, ports; /* so many make a scan */
	uint32_t failed;       /* per cent of what was tried, at least */
	uint32_t kinds;        /* bit per enum probe_kind */
	bool no_web;           /* traffic of the web is left out */
	/* A condition on COL_SRC_ADDR alone: these are no scanners; borrowed;
	 * or NULL. */
	const struct ast *suppressed;
};

/* Of one kind, by one source. */
struct scanner {
	uint32_t addr;
	enum probe_kind kind;
	bool of_hosts, of_ports; /* one port of many hosts, or the reverse; */
	bool spread;    /* or neither: many hosts, but other ports on each, as
			   peer-to-peer programs do that look for their peers */
	bool estimated; /* of targets and pairs: hosts were sampled */
	uint64_t targets, ports; /* distinct ones that it tried */
	uint16_t top_port;       /* where the most hosts did not let it in */
	uint32_t top_target;     /* where the most ports did not */
	uint64_t pairs; /* of host and port that it tried, and of these: */
	uint64_t refused, answered;
	/* Of its flows of that kind: */
	uint64_t flows, packets, octets, time_ms;
	int64_t start_ms, end_ms;
};

struct scanners *scanners_new(const struct scanners_wishes *w);
void scanners_free(struct scanners *s); /* accepts NULL */

/* The columns that batches of the first and of the second time need. */
flow_column_set scanners_columns(bool second);

void scanners_count(struct scanners *s, const struct batch *b);
/* What follows is another scan of the same flows. */
void scanners_turn(struct scanners *s);
/* ERR_LIMIT: more than SCANNERS_MAX_SOURCES may have enough. */
int scanners_add(
    struct scanners *s, const struct batch *b, struct err *err) MUST_CHECK;

/* All that were found, most flows first; free() it. */
struct scanner *scanners_find(const struct scanners *s, size_t *n);

/* Exporters with TCP flows that say no flags: of theirs no flow is a NULL
 * probe. */
size_t scanners_without_flags(const struct scanners *s);

/* Flows of which the exporter counted one packet in so many. */
uint64_t scanners_sampled(const struct scanners *s);

#endif
