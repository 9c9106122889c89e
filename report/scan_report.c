/* SPDX-License-Identifier: ISC */
/*
 * weir report scan: who scans hosts and ports. Who that is, is scanners.c's
 * business; here are the words and the table.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/ast.h"
#include "query/dedup.h"
#include "query/scan.h"
#include "report/commands.h"
#include "report/explain_table.h"
#include "report/naming.h"
#include "report/request.h"
#include "report/scanners.h"
#include "report/sink.h"
#include "report/suppress.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/num.h"

enum { TEXT_LINES = 100 };  /* rows for people, unless lines= says more */
enum { TEXT_MAX = 200000 }; /* bytes of captions and notes */

enum { ALL_KINDS = (1 << N_PROBE_KINDS) - 1 };

struct scan_report {
	struct request request;
	struct scanners_wishes wish;
	struct ast *suppressed; /* AST_OR */
	struct naming *naming;  /* NULL: no names are wanted */
	struct scan_stats stats;
	struct scanner *scanner;
	size_t n_scanners, n_shown;
	size_t without_flags; /* exporters */
	uint64_t sampled;     /* flows */
};

/* ---- words ---- */

static int
read_limit(const char *word, const char *value, uint64_t least, uint64_t most,
    uint32_t *out, struct err *err)
{
	uint64_t n;

	if (!parse_u64(value, most, &n) || n < least)
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want a number, %llu-%llu", word, value,
		    (unsigned long long)least, (unsigned long long)most);
	*out = (uint32_t)n;
	return 0;
}

static int
set_hosts(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	return read_limit("hosts", value, 2, 10000000, &r->wish.hosts, err);
}

static int
set_ports(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	return read_limit("ports", value, 2, 65536, &r->wish.ports, err);
}

static int
set_failed(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	return read_limit("failed", value, 0, 100, &r->wish.failed, err);
}

static int
set_web(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	r->wish.no_web = strcmp(value, "no") == 0;
	if (r->wish.no_web || strcmp(value, "yes") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "web=%.60s: want yes or no", value);
}

static int
refuse_kind(const char *name, size_t len, struct err *err)
{
	struct buf known;

	buf_init(&known, 200);
	for (size_t k = 0; k < N_PROBE_KINDS; k++)
		buf_printf(&known, " %s", probes[k].name);
	err_set(err, ERR_USAGE, "kinds: \"%.*s\" is none of%s",
	    len < 60 ? (int)len : 60, name, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static bool
find_kind(const char *name, size_t len, uint32_t *bit)
{
	for (size_t k = 0; k < N_PROBE_KINDS; k++)
		if (strlen(probes[k].name) == len &&
		    memcmp(probes[k].name, name, len) == 0) {
			*bit = 1u << k;
			return true;
		}
	return false;
}

static int
set_kinds(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	r->wish.kinds = 0;
	for (;;) {
		size_t len = strcspn(value, ",");
		uint32_t bit;

		if (!find_kind(value, len, &bit))
			return refuse_kind(value, len, err);
		r->wish.kinds |= bit;
		if (value[len] == '\0')
			return 0;
		value += len + 1;
	}
}

static struct ast *
suppressed(struct scan_report *r)
{
	if (r->suppressed == NULL)
		r->suppressed = ast_new(AST_OR);
	r->wish.suppressed = r->suppressed;
	return r->suppressed;
}

static int
set_suppress(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	return suppress_add_list(
	    suppressed(r), value, r->request.filter.names, err);
}

static int
set_suppress_file(void *arg, const char *value, struct err *err)
{
	struct scan_report *r = arg;

	return suppress_add_file(
	    suppressed(r), value, r->request.filter.names, err);
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir report scan [WORDS] [OPTIONS]\n\n"
	    "Sources that try many hosts, or many ports of a host, and get "
	    "nowhere: by SYN\nwithout a session, by FIN, NULL and Xmas "
	    "packets, by UDP and pings without answer.\nAnswers are looked for "
	    "among the flows that the words let pass: host= rather\nthan src= "
	    "for one suspect.\n\n"
	    "words of the report:\n"
	    "  hosts=N             so many hosts make a scan (64)\n"
	    "  ports=N             so many ports of a host do (64)\n"
	    "  failed=N            if N per cent or more of what was tried "
	    "failed: on one\n"
	    "                      port, on one host, or in all (50)\n"
	    "  kinds=LIST          of syn fin null xmas udp ping (all)\n"
	    "  web=no              leave ports 80 443 8080 8443 out (yes)\n"
	    "  suppress=LIST       never these, as src= takes them\n"
	    "  suppress_file=FILE  the same from a file, one a line, # for "
	    "remarks\n"
	    "  lines=N             rows to show, 0 for all (text 100, else "
	    "all)\n\n"
	    "examples:\n"
	    "  weir report scan from=-1h\n"
	    "  weir report scan from=-1d kinds=syn hosts=500 "
	    "suppress=10.0.0.5\n"
	    "  weir report scan from=-10min in_if=3 -f json | jq -r "
	    "'.rows[].words'\n");
}

static const struct request_word own_words[] = {
    {"hosts", set_hosts},
    {"ports", set_ports},
    {"failed", set_failed},
    {"kinds", set_kinds},
    {"web", set_web},
    {"suppress", set_suppress},
    {"suppress_file", set_suppress_file},
};

static const struct request_spec spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .help = help,
    .names = true,
    .scans = true,
};

/* ---- the table ---- */

enum {
	WORDS_MAX = 66000, /* of the words that show a scanner's flows */
	TIME_LEN = 32,
};

enum column {
	SCANNER,
	NAME,
	COUNTRY,
	KIND,
	SHAPE,
	TARGETS,
	PORTS,
	TOP_TARGET,
	TOP_PORT,
	PAIRS,
	REFUSED,
	ANSWERED,
	FLOWS,
	FIRST,
	LAST,
	FLOWS_PER_S,
	AVG_TIME,
	PACKET_SIZE,
	PACKETS_PER_FLOW,
	ESTIMATED,
	WORDS,
	N_COLUMNS
};

/* For whom a column is. */
enum { FOR_ALL, FOR_NAMES, FOR_PROGRAMS, FOR_HTML };

static const struct {
	struct table_column column;
	int for_whom;
} table[N_COLUMNS] = {
    [SCANNER] = {{.name = "scanner", .heading = "Scanner", .kind = VALUE_IP4},
	FOR_ALL},
    [NAME] = {{.name = "scanner_name", .heading = "Name", .kind = VALUE_TEXT},
	FOR_NAMES},
    [COUNTRY] = {{.name = "scanner_country",
		     .heading = "CC",
		     .kind = VALUE_TEXT},
	FOR_NAMES},
    [KIND] = {{.name = "kind", .heading = "Kind", .kind = VALUE_TEXT}, FOR_ALL},
    [SHAPE] = {{.name = "shape", .heading = "Scan of", .kind = VALUE_TEXT},
	FOR_ALL},
    [TARGETS] = {{.name = "targets", .heading = "Hosts", .kind = VALUE_NUMBER},
	FOR_ALL},
    [PORTS] = {{.name = "ports", .heading = "Ports", .kind = VALUE_NUMBER},
	FOR_ALL},
    [TOP_TARGET] = {{.name = "top_target",
			.heading = "Top host",
			.kind = VALUE_ANY,
			.drop = 2},
	FOR_ALL},
    [TOP_PORT] = {{.name = "top_port",
		      .heading = "Top port",
		      .kind = VALUE_ANY,
		      .right = true,
		      .drop = 1},
	FOR_ALL},
    [PAIRS] = {{.name = "pairs", .heading = "Tried", .kind = VALUE_NUMBER},
	FOR_PROGRAMS},
    [REFUSED] = {{.name = "refused_share",
		     .heading = "Refused",
		     .unit = "%",
		     .kind = VALUE_SHARE,
		     .drop = 4},
	FOR_ALL},
    [ANSWERED] = {{.name = "answered_share",
		      .heading = "Open",
		      .unit = "%",
		      .kind = VALUE_SHARE,
		      .drop = 3},
	FOR_ALL},
    [FLOWS] = {{.name = "flows",
		   .heading = "Flows",
		   .kind = VALUE_NUMBER,
		   .is_count = true},
	FOR_ALL},
    [FIRST] = {{.name = "first_ms",
		   .heading = "First",
		   .kind = VALUE_TIME,
		   .drop = 5},
	FOR_ALL},
    [LAST] =
	{{.name = "last_ms", .heading = "Last", .kind = VALUE_TIME, .drop = 7},
	    FOR_ALL},
    [FLOWS_PER_S] = {{.name = "flows_per_s",
			 .heading = "Flows/s",
			 .kind = VALUE_ANY,
			 .right = true,
			 .drop = 6},
	FOR_ALL},
    [AVG_TIME] = {{.name = "avg_flow_time_ms",
		      .heading = "Avg ms",
		      .kind = VALUE_ANY,
		      .right = true,
		      .drop = 10},
	FOR_ALL},
    [PACKET_SIZE] = {{.name = "avg_packet_octets",
			 .heading = "Oct/pkt",
			 .kind = VALUE_ANY,
			 .right = true,
			 .drop = 8},
	FOR_ALL},
    [PACKETS_PER_FLOW] = {{.name = "packets_per_flow",
			      .heading = "Pkt/flow",
			      .kind = VALUE_ANY,
			      .right = true,
			      .drop = 9},
	FOR_ALL},
    [ESTIMATED] = {{.name = "estimated",
		       .heading = "Estimated",
		       .kind = VALUE_NUMBER},
	FOR_PROGRAMS},
    [WORDS] = {{.name = "words", .heading = "weir list", .kind = VALUE_TEXT},
	FOR_HTML},
};

static bool
has_column(const struct scan_report *r, enum column c)
{
	bool for_people = request_is_for_people(&r->request);

	switch (table[c].for_whom) {
	case FOR_NAMES: return r->naming != NULL;
	case FOR_PROGRAMS: return !for_people;
	case FOR_HTML: return r->request.format != &out_text;
	default: return true;
	}
}

/* A moment as from= and to= take it, in UTC. */
static void
format_moment(int64_t ms, char out[TIME_LEN])
{
	time_t s = (time_t)(ms / MS_PER_S);
	struct tm tm;
	size_t len;

	gmtime_r(&s, &tm);
	len = strftime(out, TIME_LEN, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, TIME_LEN - len, ".%03dZ", (int)(ms % MS_PER_S));
}

/* As conditions of where=. */
static void
put_joined(struct buf *text, const char *words)
{
	for (; *words != '\0'; words++)
		if (*words == ' ')
			buf_puts(text, " and ");
		else
			buf_put(text, words, 1);
}

/*
 * The words of weir list that show the flows of a row, all of them. Words that
 * the user gave go with them, unless they are a where= already: then there are
 * more flows.
 */
static void
make_words(
    const struct scan_report *r, const struct scanner *s, struct buf *text)
{
	char addr[ADDR_TEXT_LEN], from[TIME_LEN], to[TIME_LEN];
	struct buf given;

	ip4_format(s->addr, addr);
	format_moment(s->start_ms, from);
	format_moment(s->end_ms + 1, to);
	buf_init(&given, WORDS_MAX);
	filter_print_without_span(&r->request.filter, &given);
	buf_clear(text);
	if (given.len > 0 && strstr(given.data, "where=") == NULL) {
		buf_printf(
		    text, "%s where=\"src=%s and ", buf_str(&given), addr);
		put_joined(text, probes[s->kind].words);
		buf_puts(text, "\"");
	} else {
		buf_printf(text, "src=%s %s", addr, probes[s->kind].words);
	}
	buf_printf(text, " from=%s to=%s", from, to);
	buf_release(&given);
}

static const char *
shape_of(const struct scanner *s)
{
	if (s->spread)
		return "spread";
	if (s->of_hosts && s->of_ports)
		return "hosts+ports";
	return s->of_hosts ? "hosts" : "ports";
}

/* To two decimals; nothing of nothing. */
static struct table_value
ratio(uint64_t part, uint64_t of)
{
	double x = round((double)part / (double)of * 100) / 100;

	return (struct table_value){
	    of > 0 ? VALUE_REAL : VALUE_NULL, {.real = x}};
}

/* What the cells of a row point to. */
struct row {
	union table_cell cell[N_COLUMNS];
	struct table_value target, port, rate, time, size, packets;
	char country[GEO_TEXT_LEN];
	struct buf words; /* kept from row to row */
};

static void
fill_names(
    const struct scan_report *r, const struct scanner *s, struct row *row)
{
	const struct naming_flow f = {.protocol = -1};

	row->cell[NAME].text = naming_of(r->naming, COL_SRC_ADDR, s->addr, &f);
	row->cell[COUNTRY].text =
	    naming_country(r->naming, s->addr, row->country);
}

static void
fill_row(const struct scan_report *r, const struct scanner *s, struct row *row)
{
	struct buf words = row->words;
	union table_cell *cell = row->cell;

	/* One port of many hosts is no news of a host, nor the reverse. */
	*row = (struct row){
	    .target = {s->of_ports ? VALUE_IP4 : VALUE_NULL,
		{.number = s->top_target}},
	    .port = {s->of_hosts ? VALUE_NUMBER : VALUE_NULL,
		{.number = s->top_port}},
	    .rate =
		ratio(s->flows * MS_PER_S, (uint64_t)(s->end_ms - s->start_ms)),
	    .time = ratio(s->time_ms, s->flows),
	    .size = ratio(s->octets, s->packets),
	    .packets = ratio(s->packets, s->flows),
	    .words = words,
	};
	make_words(r, s, &row->words);
	if (r->naming != NULL)
		fill_names(r, s, row);
	cell[SCANNER].number = s->addr;
	cell[KIND].text = probes[s->kind].name;
	cell[SHAPE].text = shape_of(s);
	cell[TARGETS].number = s->targets;
	cell[PORTS].number = s->ports;
	cell[TOP_TARGET].any = &row->target;
	cell[TOP_PORT].any = &row->port;
	cell[PAIRS].number = s->pairs;
	cell[REFUSED].number = table_share(s->refused, s->pairs);
	cell[ANSWERED].number = table_share(s->answered, s->pairs);
	cell[FLOWS].number = s->flows;
	cell[FIRST].time_ms = s->start_ms;
	cell[LAST].time_ms = s->end_ms;
	cell[FLOWS_PER_S].any = &row->rate;
	cell[AVG_TIME].any = &row->time;
	cell[PACKET_SIZE].any = &row->size;
	cell[PACKETS_PER_FLOW].any = &row->packets;
	cell[ESTIMATED].number = s->estimated;
	cell[WORDS].text = buf_str(&row->words);
}

/* The columns that there are, and of a row the cells of these. */
static size_t
pick_columns(const struct scan_report *r, struct table_column out[N_COLUMNS])
{
	size_t n = 0;

	for (size_t c = 0; c < N_COLUMNS; c++)
		if (has_column(r, (enum column)c))
			out[n++] = table[c].column;
	return n;
}

static void
pick_cells(const struct scan_report *r, struct row *row)
{
	size_t n = 0;

	for (size_t c = 0; c < N_COLUMNS; c++)
		if (has_column(r, (enum column)c))
			row->cell[n++] = row->cell[c];
}

static void
write_rows(const struct scan_report *r, struct out *out)
{
	struct row row;

	buf_init(&row.words, WORDS_MAX);
	for (size_t i = 0; i < r->n_shown && out->format->measure != NULL;
	     i++) {
		fill_row(r, &r->scanner[i], &row);
		pick_cells(r, &row);
		out_measure(out, row.cell);
	}
	for (size_t i = 0; i < r->n_shown && out->sink->failed == 0; i++) {
		fill_row(r, &r->scanner[i], &row);
		pick_cells(r, &row);
		out_row(out, row.cell);
	}
	buf_release(&row.words);
}

/* ---- beside the table ---- */

static void
make_caption(const struct scan_report *r, const struct table_head *head,
    struct buf *text)
{
	buf_printf(text, "report scan hosts=%u ports=%u failed=%u",
	    r->wish.hosts, r->wish.ports, r->wish.failed);
	if (r->wish.no_web)
		buf_puts(text, " web=no");
	if (r->wish.kinds != ALL_KINDS) {
		buf_puts(text, " kinds=");
		for (size_t k = 0, n = 0; k < N_PROBE_KINDS; k++)
			if ((r->wish.kinds & 1u << k) != 0)
				buf_printf(text, "%s%s", n++ > 0 ? "," : "",
				    probes[k].name);
	}
	buf_puts(
	    text, r->wish.suppressed != NULL ? ", some suppressed\n" : "\n");
	request_caption(&r->request, head, text);
}

/* In text the words are no column: they would be wider than all others. */
static void
put_words(const struct scan_report *r, struct buf *text)
{
	struct buf words;

	buf_init(&words, WORDS_MAX);
	for (size_t i = 0; i < r->n_shown; i++) {
		make_words(r, &r->scanner[i], &words);
		buf_printf(text, "weir list %s\n", buf_str(&words));
	}
	buf_puts(text, "\n");
	buf_release(&words);
}

static void
make_note(const struct scan_report *r, const struct out_style *style,
    struct buf *text)
{
	bool estimated = false, spread = false;

	if (r->request.format == &out_text && r->n_shown > 0)
		put_words(r, text);
	if (r->n_shown < r->n_scanners) {
		out_count(text, style, r->n_shown);
		buf_puts(text, " of ");
		request_plural(text, style, r->n_scanners, "row");
		buf_puts(text, " (lines=0 shows all)\n");
	}
	for (size_t i = 0; i < r->n_shown; i++) {
		estimated = estimated || r->scanner[i].estimated;
		spread = spread || r->scanner[i].spread;
	}
	if (spread)
		buf_puts(text,
		    "spread: another port on each host, as peer-to-peer "
		    "programs do too\n");
	if (estimated)
		buf_puts(text,
		    "hosts of some were too many to keep: their numbers are "
		    "estimates\n");
	if (r->without_flags > 0 && (r->wish.kinds & 1u << PROBE_NULL) != 0) {
		request_plural(text, style, r->without_flags, "exporter");
		buf_puts(text, " without TCP flags: its NULL scans, and SYN, "
			       "FIN and Xmas ones, cannot be told\n");
	}
	if (r->sampled > 0) {
		request_plural(text, style, r->sampled, "flow");
		buf_puts(text, " sampled: of a session there may be its SYN "
			       "alone, and answers lack\n");
	}
	if (r->n_scanners == 0 && r->stats.n_flows > 0)
		buf_puts(text, "no scan found\n");
	request_note(&r->request, style, &r->stats, r->stats.n_flows, text);
}

/* ---- the command ---- */

static void
find_names(const struct scan_report *r)
{
	const struct naming_flow f = {.protocol = -1};

	for (size_t i = 0; i < r->n_shown; i++)
		naming_want(r->naming, COL_SRC_ADDR, r->scanner[i].addr, &f);
	naming_wait(r->naming);
}

static int
answer(struct scan_report *r, struct err *err)
{
	struct table_column column[N_COLUMNS];
	struct table_head head = {
	    .column = column, .name = "report", .n_keys = 1};
	struct table_foot foot = {.matched = r->n_scanners};
	struct buf caption, note;
	struct sink *sink;
	struct out out;
	int rc = request_open(&r->request, &sink, &out, err);

	if (rc != 0)
		return rc;
	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	if (r->naming != NULL)
		find_names(r);
	head.n_columns = pick_columns(r, column);
	request_span(&r->request, &r->stats, &head);
	make_caption(r, &head, &caption);
	head.caption = buf_str(&caption);
	out_begin(&out, &head);
	write_rows(r, &out);
	make_note(r, &out.style, &note);
	foot.note = buf_str(&note);
	out_end(&out, &foot);
	out_release(&out);
	buf_release(&caption);
	buf_release(&note);
	return sink_close(sink, err);
}

static int
count_batch(const struct batch *b, void *arg, struct err *err)
{
	(void)err;
	scanners_count(arg, b);
	return 0;
}

static int
add_batch(const struct batch *b, void *arg, struct err *err)
{
	return scanners_add(arg, b, err);
}

static int
scan_twice(struct scan_report *r, struct scanners *s, struct err *err)
{
	struct scan_query query = request_query(&r->request);
	struct dedup *dedup;
	int rc = request_dedup(&r->request, &query, &dedup, err);

	if (rc != 0)
		return rc;
	query.columns = scanners_columns(false);
	rc = scan_run(&query, count_batch, s, &r->stats, err);
	if (rc == 0) {
		scanners_turn(s);
		query.columns = scanners_columns(true);
		rc = scan_run(&query, add_batch, s, &r->stats, err);
	}
	dedup_free(dedup);
	return rc;
}

static int
find_scanners(struct scan_report *r, struct err *err)
{
	struct scanners *s = scanners_new(&r->wish);
	int rc = request_read(&r->request, scan_twice(r, s, err), err);

	if (rc == 0) {
		r->scanner = scanners_find(s, &r->n_scanners);
		r->without_flags = scanners_without_flags(s);
		r->sampled = scanners_sampled(s);
	}
	scanners_free(s);
	return rc;
}

/* Of the first of the two readings. */
static int
explain(struct scan_report *r, struct err *err)
{
	struct scan_query query = request_query(&r->request);

	query.columns = scanners_columns(false);
	return explain_answer(&r->request, &query, true, err);
}

static int
run(struct scan_report *r, struct err *err)
{
	uint64_t lines = r->request.lines;
	int rc = 0;

	if (r->request.explain)
		return explain(r, err);
	if (!r->request.has_lines && r->request.format == &out_text)
		lines = TEXT_LINES;
	if (r->request.names != NAMES_NO)
		rc = request_naming(&r->request, r->request.names == NAMES_ALL,
		    &r->naming, err);
	if (rc == 0)
		rc = find_scanners(r, err);
	r->n_shown =
	    lines > 0 && lines < r->n_scanners ? (size_t)lines : r->n_scanners;
	if (rc == 0)
		rc = answer(r, err);
	if (rc == 0)
		request_warn_empty(&r->request, &r->stats);
	naming_close(r->naming);
	free(r->scanner);
	return rc;
}

int
report_scan_main(int argc, char **argv)
{
	struct scan_report r = {
	    .wish = {.hosts = 64,
		.ports = 64,
		.failed = 50,
		.kinds = ALL_KINDS},
	};
	struct err err = {0};
	int rc = request_parse(&r.request, &spec, argc, argv, &r, &err);

	if (rc == 0)
		rc = r.request.help ? request_help(&r.request, &err)
				    : run(&r, &err);
	ast_free(r.suppressed);
	request_release(&r.request);
	return request_status("report scan", rc, &err);
}
