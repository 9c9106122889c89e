/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GRAPH_REQUEST_H
#define WEIR_REPORT_GRAPH_REQUEST_H
/*
 * A graph as it is asked for, by the words of a command line or of a URL, and
 * the way from there to numbers and to a picture in memory.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/filter.h"
#include "report/chart.h"
#include "report/drawing.h"
#include "report/request.h"
#include "report/timeline.h"
#include "schema/base/buf.h"
#include "schema/base/err.h"

enum graph_kind { GRAPH_TIME, GRAPH_HEATMAP, GRAPH_BILLING };

/* Text is borrowed from the words. */
struct graph_request {
	struct picture_style picture; /* first: see PICTURE_WORDS */
	bool has_kind;
	enum graph_kind kind;
	enum load load;
	int64_t bucket_ms;
	const char *split; /* as typed; NULL: none */
	struct report_keys keys;
	uint64_t top;
	bool top_by_peak;
	const char *side_words[N_SIDES]; /* above=, below=; NULL: not given */
	struct filter side[N_SIDES];
	const char *compared; /* "7d" */
	int64_t compare_ms;
	bool has_spread;
	enum spread spread;
	bool as_flowviewer;
	struct rates_spec stats;
	bool no_legend;
	/* The lines behind it: so many of the largest, below zero of the
	 * smallest; 0: none. */
	int64_t detail;
	enum graph_detail {
		DETAIL_USUAL,
		DETAIL_FLOWS,
		DETAIL_TALKS
	} detail_of;
};

/* Words of a graph, for a request_spec; arg is the graph_request. */
extern const struct request_word graph_words[];
extern const size_t n_graph_words;
/* The word without "=": bps, pps, fps, active, heatmap, billing. */
int graph_set_kind(void *arg, const char *word, struct err *err) MUST_CHECK;

void graph_request_init(struct graph_request *g);
void graph_request_release(struct graph_request *g);

/* After the last word: what contradicts, the filters of both sides, which take
 * names as the filter of all does. */
int graph_request_check(struct graph_request *g, const struct filter *all,
    int64_t now_ms, struct err *err) MUST_CHECK;

/* What is asked, and of which flows. All borrowed. */
struct graph_source {
	const char *dir;             /* data folder */
	const struct filter *filter; /* with or without a span */
	const struct scale *scale;   /* NULL: counters as sent */
	const char *words;           /* the filter without its span, for the
					picture */
	int64_t now_ms;
	struct scan_watch *watch; /* who may end it; NULL: nobody */
	unsigned n_threads;       /* 0: one for each core */
};

/* The numbers. Errors as timeline_make; timeline_release in any case. */
int graph_count(struct timeline *t, const struct graph_request *g,
    const struct graph_source *from, struct err *err) MUST_CHECK;

/*
 * The picture of those numbers, which the caller frees. ERR_USAGE: there is no
 * such font, or it would be too large.
 */
int graph_draw(const struct timeline *t, const struct graph_request *g,
    const struct graph_source *from, enum picture_format format, void **data,
    size_t *len, struct err *err) MUST_CHECK;

/* "bits/s by dport": what it shows, in words. */
void graph_title(const struct graph_request *g, struct buf *text);

/* From, to, zone and size of the buckets. */
void graph_span(const struct timeline *t, struct buf *text);

#endif
