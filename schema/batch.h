/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BATCH_H
#define WEIR_SCHEMA_BATCH_H
/*
 * Some thousand flows as one array per column, only the columns asked for:
 * what a scan hands to its consumers.
 */
#include "schema/flow.h"

enum { BATCH_MAX = 4096 }; /* flows in a batch at most */

/*
 * col[c] has n values, or is NULL when column c was not asked for. COL_EXPORTER
 * holds positions in exporters[], which has each address once; they never
 * change their meaning during one scan, and each batch's array stays until its
 * end, though a later one may have another, longer one.
 */
struct batch {
	int64_t *col[N_FLOW_COLUMNS];
	int64_t *id; /* FLOW_ROW_ID; else NULL */
	size_t n;
	const struct addr *exporters; /* borrowed until the next batch */
	size_t n_exporters;
};

/* All of them. */
static const flow_column_set BATCH_ALL_COLUMNS =
    ((flow_column_set)1 << N_FLOW_COLUMNS) - 1;

void batch_init(struct batch *b, flow_column_set columns);
void batch_release(struct batch *b); /* accepts a zeroed struct */

/* Flow number i of a batch with all columns, and who exported it. */
struct flow batch_flow(const struct batch *b, size_t i);
struct source batch_source(const struct batch *b, size_t i);

#endif
