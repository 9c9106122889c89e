/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GRAPH_DETAIL_H
#define WEIR_REPORT_GRAPH_DETAIL_H
/*
 * The flows or conversations behind a graph: what `weir list` or `weir report`
 * answers to the same filter, sorted by what the graph shows.
 */
#include "report/graph_request.h"

/*
 * Print it to standard output, and the command for it, which has other columns,
 * orders and formats to offer. word: those of the graph. The exit status.
 */
int graph_detail(const struct graph_request *g, const struct request *r,
    size_t n_words, char **word);

#endif
