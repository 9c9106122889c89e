/* SPDX-License-Identifier: ISC */
/* What stands around an answer, where it goes, and how a command ends: see
 * request.h. */
#include "report/request.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "report/naming.h"
#include "report/resolve.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/conf.h"

enum { CAPTION_MAX = 65536 }; /* bytes of words in a caption */

/* ---- names ---- */

int
request_naming(
    const struct request *r, bool ask, struct naming **out, struct err *err)
{
	char server[ENDPOINT_TEXT_LEN];
	const struct endpoint *e = r->name_server.addr.family != 0
				       ? &r->name_server
				       : &r->conf->name_server;
	struct naming_options o = {
	    .conf = r->conf,
	    .dir = r->dir,
	    .hosts = ask,
	    .wait_ms = r->resolve_wait_ms,
	};

	if (e->addr.family != 0) {
		endpoint_format(e, server);
		o.server = server;
	}
	return naming_open(out, &o, err);
}

/* ---- reading ---- */

struct scan_query
request_query(struct request *r)
{
	if (!r->watch.begun)
		watch_begin(&r->watch, r->timeout_ms);
	return (struct scan_query){
	    .dir = r->dir,
	    .filter = &r->filter,
	    .n_threads = r->n_threads,
	    .watch = &r->watch.scan,
	};
}

int
request_read(struct request *r, int rc, struct err *err)
{
	watch_end(&r->watch);
	if (rc >= 0 && atomic_load(&r->watch.scan.stop))
		return err_set(err, ERR_STOPPED, "stopped");
	return rc;
}

/* ---- the answer ---- */

int
request_open(const struct request *r, struct sink **sink, struct out *out,
    struct err *err)
{
	struct out_style style;
	int rc = sink_open(sink, r->output, err);

	if (rc != 0)
		return rc;
	(*sink)->stop = &r->watch.scan.stop;
	style = out_style_for((*sink)->fd);
	style.units = r->units;
	style.link = r->link;
	style.link_hides = r->has_saved;
	out_init(out, r->format, *sink, &style);
	return 0;
}

bool
request_is_for_people(const struct request *r)
{
	return r->format == &out_text || r->format == &out_html ||
	       r->format == &out_fragment;
}

void
request_span(const struct request *r, const struct scan_stats *stats,
    struct table_head *head)
{
	bool known = stats != NULL && stats->has_bounds;
	const struct filter *f = &r->filter;

	head->has_from = f->has_from || known;
	head->has_to = f->has_to || known;
	if (head->has_from)
		head->from_ms = f->has_from ? f->from_ms : stats->min_start_ms;
	if (head->has_to)
		head->to_ms = f->has_to ? f->to_ms : stats->max_end_ms + 1;
}

static void
put_time(struct buf *text, const char *before, int64_t ms)
{
	char time[CLOCK_TEXT_LEN];

	clock_format_ms(ms, time);
	buf_printf(text, "%s%s", before, time);
}

/* "from A to B ZONE"; the zone twice where it changes on the way. */
static void
put_span(struct buf *text, const struct table_head *h)
{
	char from_zone[CLOCK_TEXT_LEN] = "", to_zone[CLOCK_TEXT_LEN] = "";

	if (!h->has_from && !h->has_to)
		buf_puts(text, "all times");
	if (h->has_from)
		clock_zone(h->from_ms, from_zone);
	if (h->has_to)
		clock_zone(h->to_ms, to_zone);
	if (h->has_from)
		put_time(text, "from ", h->from_ms);
	if (h->has_from && strcmp(from_zone, to_zone) != 0)
		buf_printf(text, " %s", from_zone);
	if (h->has_to)
		put_time(text, h->has_from ? " to " : "to ", h->to_ms);
	if (h->has_to)
		buf_printf(text, " %s", to_zone);
}

void
request_caption(
    const struct request *r, const struct table_head *head, struct buf *text)
{
	size_t before = text->len;

	filter_print_without_span(&r->filter, text);
	if (r->has_dedup)
		buf_printf(text, "%sdedup=%" PRId64 "ms",
		    text->len > before ? " " : "", r->dedup_ms);
	if (text->len > before)
		buf_puts(text, "\n");
	put_span(text, head);
	if (r->scale.mode == SCALE_HEADER)
		buf_puts(text,
		    ", octets and packets multiplied by the sampling interval");
	if (r->scale.mode == SCALE_FIXED)
		buf_printf(text, ", octets and packets multiplied by %llu",
		    (unsigned long long)r->scale.factor);
	buf_puts(text, "\n");
}

void
request_plural(struct buf *text, const struct out_style *style, uint64_t n,
    const char *noun)
{
	out_count(text, style, n);
	buf_printf(text, " %s%s", noun, n == 1 ? "" : "s");
}

static bool
is_empty(const struct scan_stats *stats)
{
	return !stats->has_bounds && stats->n_flows == 0;
}

/* Why there are no rows. */
static void
put_nothing(
    const struct request *r, const struct scan_stats *stats, struct buf *text)
{
	struct table_head stored = {
	    .has_from = true,
	    .has_to = true,
	    .from_ms = stats->min_start_ms,
	    .to_ms = stats->max_end_ms + 1,
	};

	if (is_empty(stats)) {
		buf_printf(text, "no flows stored yet in %s\n", r->dir);
		return;
	}
	buf_puts(text, "no flow matches\n");
	if (stats->has_bounds) {
		buf_puts(text, "stored: ");
		put_span(text, &stored);
		buf_puts(text, "\n");
	}
}

void
request_note(const struct request *r, const struct out_style *style,
    const struct scan_stats *stats, uint64_t n_rows, struct buf *text)
{
	if (n_rows == 0)
		put_nothing(r, stats, text);
	request_plural(text, style, stats->n_flows, "flow");
	buf_puts(text, " read from ");
	request_plural(text, style, stats->n_shards, "shard");
	buf_puts(text, ", ");
	request_plural(text, style, stats->n_segments, "segment");
	if (stats->n_segments_pruned > 0) {
		buf_puts(text, " (");
		out_count(text, style, stats->n_segments_pruned);
		buf_puts(text, " left out unread)");
	}
	buf_puts(text, "\n");
	if (!r->has_dedup)
		return;
	request_plural(text, style, stats->n_duplicates, "flow");
	buf_puts(text, " seen elsewhere as well left out\n");
}

int
request_dedup(const struct request *r, struct scan_query *q, struct dedup **out,
    struct err *err)
{
	int rc;

	*out = NULL;
	if (!r->has_dedup)
		return 0;
	rc = dedup_find(out, q, r->dedup_ms, err);
	q->dedup = *out;
	return rc;
}

/* ---- the end ---- */

void
request_warn_empty(const struct request *r, const struct scan_stats *stats)
{
	if (r->format != &out_text && is_empty(stats))
		log_warnx("no flows stored yet in %s", r->dir);
}

/* Words may hold anything; this is one line, and no commands for the
 * terminal. */
static void
make_harmless(char *line)
{
	for (; *line != '\0'; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

/* Below the line on the error, for eyes alone: where in what was typed. */
static void
point(const struct err *line)
{
	if (line->typed[0] != '\0' && isatty(STDERR_FILENO))
		fprintf(stderr, "  %s\n  %*s^\n", line->typed,
		    (int)line->column, "");
}

/* As if it had not been caught, once everything is put away. */
static void
end_by_signal(int number)
{
	log_warnx("stopped by %s", number == SIGINT ? "SIGINT" : "SIGTERM");
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

int
request_status(const char *command, int rc, const struct err *err)
{
	struct err line = *err;

	if (rc == 0)
		return 0;
	if (rc == ERR_STOPPED && watch_signal() != 0)
		end_by_signal(watch_signal());
	make_harmless(line.text);
	make_harmless(line.typed);
	if (rc == ERR_USAGE && command != NULL)
		log_warnx("%s (weir %s -h explains)", line.text, command);
	else if (rc != ERR_STOPPED)
		log_warnx("%s", line.text);
	point(&line);
	return err_exit_status(rc);
}
