/* SPDX-License-Identifier: ISC */
/*
 * weir export: filtered flows as NetFlow v5 again, in a file that other tools
 * and `weir import` read. Which flows go into one datagram is pack.c's
 * business, what a file looks like that of export_pcap.c and
 * export_flowtools.c.
 */
#include "report/export.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "report/commands.h"
#include "report/explain_table.h"
#include "report/pack.h"
#include "report/request.h"
#include "report/sink.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/log.h"
#include "schema/batch.h"

/* By the position of the name in format_names. */
static const struct export_format *const formats[] = {
    &export_pcap, &export_flowtools};
static const char *const format_names[] = {"pcap", "flow-tools", NULL};

enum { LOST_MAX = 200 };

struct export
{
	struct request request;
	const struct export_format *format;
	void *state;
	struct pack *pack;
	uint64_t n_flows, n_datagrams;
	struct err *err;
};

/* ---- flows ---- */

static int
put_datagram(const struct packed *d, void *arg)
{
	struct export *x = arg;

	x->n_datagrams++;
	return x->format->put(x->state, d, x->err);
}

static int
take_batch(const struct batch *b, void *arg, struct err *err)
{
	struct export *x = arg;
	uint64_t lines = x->request.lines;
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct source source = batch_source(b, i);
		struct flow flow = batch_flow(b, i);

		rc = pack_add(x->pack, &source, &flow, err);
		x->n_flows++;
		if (rc == 0 && x->n_flows == lines)
			rc = 1;
	}
	return rc;
}

/* ---- the command ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir export [WORDS] -o FILE [OPTIONS]\n\n"
	    "Flows as NetFlow v5 datagrams in a pcap capture, or as a "
	    "flow-tools file.\nImported again they are the same flows.\n\n"
	    "words of the export:\n"
	    "  lines=N      stop after N flows (0: all)\n\n"
	    "examples:\n"
	    "  weir export from=-1d -o yesterday.pcap\n"
	    "  weir export src=10.1.0.0/16 -f flow-tools -o ft-v05.campus\n"
	    "  weir export dport=443 -o - | weir import -d /tmp/https -\n");
}

static const struct request_spec spec = {
    .formats = format_names,
    .scans = true,
    .help = help,
};

/* Everything but the file's name and its end. */
static int
write_flows(struct export *x, struct scan_stats *stats, struct buf *lost)
{
	struct scan_query query = request_query(&x->request);
	struct dedup *dedup;
	int rc = request_dedup(&x->request, &query, &dedup, x->err);

	query.columns = BATCH_ALL_COLUMNS;
	if (rc == 0)
		rc = scan_run(&query, take_batch, x, stats, x->err);
	rc = request_read(&x->request, rc, x->err);
	dedup_free(dedup);
	if (rc >= 0)
		rc = pack_end(x->pack);
	if (rc == 0)
		rc = x->format->end(x->state, lost, x->err);
	return rc;
}

static int
write_file(struct export *x, struct scan_stats *stats, struct buf *lost)
{
	struct sink *sink;
	int rc = sink_open(&sink, x->request.output, x->err);

	if (rc != 0)
		return rc;
	sink->stop = &x->request.watch.scan.stop;
	if ((rc = x->format->begin(&x->state, sink, x->err)) == 0) {
		x->pack = pack_new(put_datagram, x);
		rc = write_flows(x, stats, lost);
		pack_free(x->pack);
		x->format->free(x->state);
	}
	if (rc != 0) {
		sink_abandon(sink);
		return rc;
	}
	return sink_close(sink, x->err);
}

static void
tell(const struct export *x, const struct scan_stats *stats,
    const struct buf *lost)
{
	const char *output = x->request.output;

	if (output != NULL && strcmp(output, "-") != 0)
		printf("%s: %llu datagrams, %llu flows\n", output,
		    (unsigned long long)x->n_datagrams,
		    (unsigned long long)x->n_flows);
	if (lost->len > 0)
		log_warnx("%s has no place for %s",
		    format_names[x->request.own_format], buf_str(lost));
	if (!stats->has_bounds && x->n_flows == 0)
		log_warnx("no flows stored yet in %s", x->request.dir);
}

static int
explain(struct export *x, struct err *err)
{
	struct scan_query query = request_query(&x->request);

	query.columns = BATCH_ALL_COLUMNS;
	return explain_answer(&x->request, &query, true, err);
}

static int
run(struct export *x, struct err *err)
{
	struct scan_stats stats = {0};
	struct buf lost;
	int rc;

	if (x->request.explain)
		return explain(x, err);
	if (x->request.output == NULL && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
		    "the terminal cannot show what is exported: use -o FILE");
	x->format = formats[x->request.own_format];
	x->err = err;
	buf_init(&lost, LOST_MAX);
	if ((rc = write_file(x, &stats, &lost)) == 0)
		tell(x, &stats, &lost);
	buf_release(&lost);
	return rc;
}

int
export_main(int argc, char **argv)
{
	struct export x = {0};
	struct err err = {0};
	int rc = request_parse(&x.request, &spec, argc, argv, &x, &err);

	if (rc == 0)
		rc = x.request.help ? request_help(&x.request, &err)
				    : run(&x, &err);
	request_release(&x.request);
	return request_status("export", rc, &err);
}
