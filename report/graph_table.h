/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GRAPH_TABLE_H
#define WEIR_REPORT_GRAPH_TABLE_H
/* The numbers of a graph as a table, for people and for programs. */
#include "report/graph_request.h"

struct out;
struct timeline;

/*
 * One row for each bin and curve; for each hour of the week; for each month.
 * request: for the notes about what was read.
 */
void graph_write_table(struct out *out, const struct timeline *t,
    const struct graph_request *g, const struct graph_source *from,
    const struct request *request);

#endif
