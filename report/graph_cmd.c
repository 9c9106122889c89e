/* SPDX-License-Identifier: ISC */
/*
 * weir graph: load over time. Words are graph_request.c's, numbers
 * timeline.c's, pictures chart_*.c's, tables graph_table.c's.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/commands.h"
#include "report/explain_table.h"
#include "report/graph_detail.h"
#include "report/graph_request.h"
#include "report/graph_table.h"
#include "report/load.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/log.h"

enum { WORDS_MAX = 65536 };

struct graph {
	struct graph_request graph; /* first: words are set in it */
	struct request request;
};

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir graph KIND [WORDS] [OPTIONS]\n\n"
	    "Load over time, as a picture or as its numbers.\n\n"
	    "kinds:\n"
	    "  bps pps     bits and packets a second\n"
	    "  fps         flows started a second\n"
	    "  active      flows at a time, on average\n"
	    "  heatmap     by hour and weekday\n"
	    "  billing     the 95th percentile of five minutes, by month\n\n"
	    "words for numbers:\n"
	    "  bucket=     size of a bucket: 300, 5m, 1h, 1d, 500ms; without, "
	    "what suits\n"
	    "  split=      an area for each value of a key or keys of reports\n"
	    "  top=        so many of them, and others (8)\n"
	    "  top-by=     total, or peak: the largest sums in a bucket\n"
	    "  above= below=   filter words in quotes: two sides of the axis\n"
	    "  compare=    -7d: the same span so much earlier, as a line\n"
	    "  percentile= 95, or several: 50,95,99.9; the first is drawn\n"
	    "  stats=      all buckets, or nonzero ones\n"
	    "  measure=    of heatmap and billing: bps pps fps active\n"
	    "  spread=     of a flow over its buckets: proportional, uniform, "
	    "start, middle,\n"
	    "              end, maximum or minimum\n"
	    "  mode=       flowviewer: FlowGrapher's arithmetic\n\n"
	    "words for the picture:\n"
	    "  width= height=  pixels of all (900) and of the plot (240)\n"
	    "  density=    2: twice the pixels, for dense screens\n"
	    "  theme=      light or dark\n"
	    "  title= legend=no font=   font: a file, a name, or builtin\n\n"
	    "and behind it, to standard output:\n"
	    "  detail=     so many lines of the largest, -N: of the smallest\n"
	    "  detail-of=  conversations, or flows, which active has\n\n"
	    "examples:\n"
	    "  weir graph bps split=dport from=-1d -o ports.png\n"
	    "  weir graph bps above=src=10.0.0.0/8 below=dst=10.0.0.0/8 "
	    "from=-7d -o line.svg\n"
	    "  weir graph active proto=tcp from=-1h compare=-7d density=2 -o "
	    "tcp.png\n"
	    "  weir graph billing exporter=192.0.2.1 from=2026-01-01 -f csv\n");
}

/* Names for -f beside those of tables. */
static const char *const pictures[] = {
    [PICTURE_PNG] = "png", [PICTURE_SVG] = "svg", NULL};

/* A picture that nobody can open is worse than an error. */
static int
check_format(const struct request *r, struct err *err)
{
	const char *dot = r->output != NULL ? strrchr(r->output, '.') : NULL;

	if (r->has_format || dot == NULL)
		return 0;
	return err_set(err, ERR_USAGE,
	    "-o %.200s: no format is called \"%.20s\"; say it with -f",
	    r->output, dot + 1);
}

static int
write_picture(const struct graph *g, const struct timeline *t,
    const struct graph_source *from, struct err *err)
{
	const char *output = g->request.output;
	void *data = NULL;
	size_t len = 0;
	struct sink *sink;
	int rc;

	if (g->request.own_format == PICTURE_PNG && output == NULL &&
	    isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
		    "a PNG is nothing for a terminal: give -o FILE");
	rc = graph_draw(t, &g->graph, from,
	    (enum picture_format)g->request.own_format, &data, &len, err);
	if (rc == 0 && (rc = sink_open(&sink, output, err)) == 0) {
		sink_put(sink, data, len);
		rc = sink_close(sink, err);
	}
	free(data);
	return rc;
}

static int
write_numbers(const struct graph *g, const struct timeline *t,
    const struct graph_source *from, struct err *err)
{
	struct sink *sink;
	struct out out;
	int rc = request_open(&g->request, &sink, &out, err);

	if (rc != 0)
		return rc;
	graph_write_table(&out, t, &g->graph, from, &g->request);
	out_release(&out);
	return sink_close(sink, err);
}

/* Of the flows in the span, on both sides of the axis. */
static int
explain(struct graph *g, struct err *err)
{
	struct scan_query query = request_query(&g->request);

	query.columns = load_columns(g->graph.load);
	return explain_answer(&g->request, &query, false, err);
}

static int
run(struct graph *g, struct err *err)
{
	const struct scan_query query = request_query(&g->request);
	struct graph_source from = {
	    .dir = query.dir,
	    .filter = query.filter,
	    .scale = &g->request.scale,
	    .now_ms = g->request.now_ms,
	    .watch = query.watch,
	    .n_threads = query.n_threads,
	};
	struct timeline t;
	struct buf words;
	int rc = request_read(
	    &g->request, graph_count(&t, &g->graph, &from, err), err);

	buf_init(&words, WORDS_MAX);
	filter_print_without_span(&g->request.filter, &words);
	if (g->request.scaled != NULL)
		buf_printf(&words, "%sscale=%s", words.len > 0 ? " " : "",
		    g->request.scaled);
	from.words = buf_str(&words);
	if (rc == 0)
		rc = g->request.own_format == NO_OWN_FORMAT
			 ? write_numbers(g, &t, &from, err)
			 : write_picture(g, &t, &from, err);
	if (rc == 0 && !t.has_span)
		log_warnx("no flows stored yet in %s", g->request.dir);
	timeline_release(&t);
	buf_release(&words);
	return rc;
}

static int
parse(struct graph *g, int argc, char **argv, struct err *err)
{
	const struct request_spec spec = {
	    .word = graph_words,
	    .n_words = n_graph_words,
	    .bare = graph_set_kind,
	    .help = help,
	    .formats = pictures,
	    .tables_too = true,
	    .scale = true,
	    .scans = true,
	};
	int rc = request_parse(&g->request, &spec, argc, argv, &g->graph, err);

	if (rc == 0 && g->request.help)
		return request_help(&g->request, err);
	if (rc == 0 && g->request.has_lines)
		rc = err_set(err, ERR_USAGE,
		    "lines= is for rows of a table; a graph has as many as "
		    "it has buckets");
	if (rc == 0 && g->graph.detail != 0 && g->request.output == NULL)
		rc = err_set(err, ERR_USAGE,
		    "detail= goes to standard output: give the graph a file "
		    "with -o");
	if (rc == 0)
		rc = check_format(&g->request, err);
	if (rc == 0)
		rc = graph_request_check(
		    &g->graph, &g->request.filter, g->request.now_ms, err);
	return rc;
}

int
graph_main(int argc, char **argv)
{
	struct graph g = {0};
	struct err err = {0};
	int rc, status;

	graph_request_init(&g.graph);
	rc = parse(&g, argc, argv, &err);
	if (rc == 0 && !g.request.help)
		rc = g.request.explain ? explain(&g, &err) : run(&g, &err);
	status = request_status("graph", rc, &err);
	if (status == 0 && g.graph.detail != 0 && !g.request.help &&
	    !g.request.explain)
		status = graph_detail(&g.graph, &g.request,
		    (size_t)(argc - optind), argv + optind);
	graph_request_release(&g.graph);
	request_release(&g.request);
	return status;
}
