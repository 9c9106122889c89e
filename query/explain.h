/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_EXPLAIN_H
#define WEIR_QUERY_EXPLAIN_H
/* What a scan would read, and how, without reading it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct scan_query;

/* A shard that is left out unopened, or segments one after the other that are
 * treated alike. */
struct explain_row {
	int32_t day;
	uint32_t first, last; /* segments; 0: all of them, unopened */
	uint64_t n_flows;     /* stored in them */
	bool is_read;
	char *how; /* as plan_print; NULL: not read */
	const char *why;
	uint64_t n_rows; /* that would be looked at, about */
	char *sql;       /* of the first segment; NULL: not read */
	char *binds;     /* " :p1=80 :s1={5000 ranges}", of the same */
};

/* Owned. */
struct explain {
	struct explain_row *row;
	size_t n_rows, cap_rows;
	size_t n_shards, n_shards_pruned;
	size_t n_segments, n_segments_pruned;
	uint64_t n_expected; /* rows to look at */
};

/* As a scan of q would do, in order of arrival or in any. Errors as scan_run.
 * Release *out in any case. */
int explain_scan(struct explain *out, const struct scan_query *q, bool in_order,
    struct err *err) MUST_CHECK;
void explain_release(struct explain *e);

#endif
