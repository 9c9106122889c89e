/* SPDX-License-Identifier: ISC */
/*
 * weir report summary: what flows are like as a whole. Sums, averages, and how
 * many are of which size (histogram.h). Programs get one row a number, people
 * the histograms side by side.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "report/cell.h"
#include "report/commands.h"
#include "report/explain_table.h"
#include "report/histogram.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum { TEXT_MAX = 70000 }; /* bytes of captions and notes */

struct sums {
	uint64_t flows, octets, packets;
	uint64_t time_ms;         /* of all flows, one behind the other */
	int64_t start_ms, end_ms; /* of the first and the last; with any flow */
	uint64_t no_packets;      /* flows without; in no histogram */
	uint64_t sampled; /* flows of which not all packets were counted */
	struct histogram_counts counts;
};

struct summary {
	struct request request;
	/* What would multiply counters, to see which flows are sampled. */
	struct scale sampling;
	pthread_mutex_t lock; /* of what threads have added up: */
	struct sums sums;
	struct scan_stats stats;
};

/* ---- adding up ---- */

/* One thread's. */
struct part {
	struct summary *whole;
	struct sums sums;
};

static void
add_flow(struct sums *s, const struct batch *b, size_t i)
{
	uint64_t octets = (uint64_t)b->col[COL_OCTETS][i];
	uint64_t packets = (uint64_t)b->col[COL_PACKETS][i];
	int64_t start_ms = b->col[COL_START_MS][i];
	int64_t end_ms = b->col[COL_END_MS][i];
	uint64_t time_ms = (uint64_t)(end_ms - start_ms);

	if (s->flows == 0 || start_ms < s->start_ms)
		s->start_ms = start_ms;
	if (s->flows == 0 || end_ms > s->end_ms)
		s->end_ms = end_ms;
	s->flows++;
	s->octets += octets;
	s->packets += packets;
	s->time_ms += time_ms;
	if (packets == 0)
		s->no_packets++;
	else
		histogram_add(&s->counts, packets, octets, time_ms);
}

static int
add_batch(const struct batch *b, void *state, struct err *err)
{
	struct part *part = state;
	const struct scale *sampling = &part->whole->sampling;

	(void)err;
	for (size_t i = 0; i < b->n; i++) {
		add_flow(&part->sums, b, i);
		part->sums.sampled += scale_factor(sampling, b, i) > 1;
	}
	return 0;
}

static void
add_sums(struct sums *to, const struct sums *s)
{
	if (s->flows == 0)
		return;
	if (to->flows == 0 || s->start_ms < to->start_ms)
		to->start_ms = s->start_ms;
	if (to->flows == 0 || s->end_ms > to->end_ms)
		to->end_ms = s->end_ms;
	to->flows += s->flows;
	to->octets += s->octets;
	to->packets += s->packets;
	to->time_ms += s->time_ms;
	to->no_packets += s->no_packets;
	to->sampled += s->sampled;
	for (size_t h = 0; h < N_HISTOGRAMS; h++)
		for (size_t i = 0; i < HISTOGRAM_MAX_BINS; i++)
			to->counts.flows[h][i] += s->counts.flows[h][i];
}

static void *
begin_part(void *arg)
{
	struct part *part = xcalloc(1, sizeof *part);

	part->whole = arg;
	return part;
}

static int
end_part(void *state, struct err *err)
{
	struct part *part = state;

	(void)err;
	pthread_mutex_lock(&part->whole->lock);
	add_sums(&part->whole->sums, &part->sums);
	pthread_mutex_unlock(&part->whole->lock);
	return 0;
}

static const struct scan_consumer adding = {
    .begin = begin_part,
    .batch = add_batch,
    .end = end_part,
    .free = free,
};

/* ---- the numbers ---- */

enum number {
	FLOWS,
	OCTETS,
	PACKETS,
	FLOW_TIME_MS,
	DURATION_MS,
	SPAN_MS,
	AVG_FLOW_TIME_MS,
	AVG_PACKET_OCTETS,
	AVG_FLOW_OCTETS,
	AVG_FLOW_PACKETS,
	FLOWS_PER_S,
	KBIT_PER_S,
	FLOWS_PER_S_OF_SPAN,
	KBIT_PER_S_OF_SPAN,
	SAMPLED_FLOWS,
	FLOWS_WITHOUT_PACKETS,
	N_NUMBERS
};

static const char *const number_names[N_NUMBERS] = {
    [FLOWS] = "flows",
    [OCTETS] = "octets",
    [PACKETS] = "packets",
    [FLOW_TIME_MS] = "flow_time_ms",
    [DURATION_MS] = "duration_ms",
    [SPAN_MS] = "span_ms",
    [AVG_FLOW_TIME_MS] = "avg_flow_time_ms",
    [AVG_PACKET_OCTETS] = "avg_packet_octets",
    [AVG_FLOW_OCTETS] = "avg_flow_octets",
    [AVG_FLOW_PACKETS] = "avg_flow_packets",
    [FLOWS_PER_S] = "flows_per_s",
    [KBIT_PER_S] = "kbit_per_s",
    [FLOWS_PER_S_OF_SPAN] = "flows_per_s_of_span",
    [KBIT_PER_S_OF_SPAN] = "kbit_per_s_of_span",
    [SAMPLED_FLOWS] = "sampled_flows",
    [FLOWS_WITHOUT_PACKETS] = "flows_without_packets",
};

static struct table_value
whole(uint64_t n)
{
	return (struct table_value){VALUE_NUMBER, {.number = n}};
}

/* To four decimals, as flow-stat prints them; nothing of nothing. */
static struct table_value
ratio(double part, double of)
{
	double x = round(part / of * 10000) / 10000;

	return (struct table_value){
	    isfinite(x) ? VALUE_REAL : VALUE_NULL, {.real = x}};
}

static void
work_out(const struct sums *s, const struct table_head *span,
    struct table_value value[N_NUMBERS])
{
	double flows = (double)s->flows, octets = (double)s->octets;
	double packets = (double)s->packets;
	bool has_span = span->has_from && span->has_to;
	int64_t duration_ms = s->end_ms - s->start_ms;
	int64_t span_ms = has_span ? span->to_ms - span->from_ms : 0;

	value[FLOWS] = whole(s->flows);
	value[OCTETS] = whole(s->octets);
	value[PACKETS] = whole(s->packets);
	value[FLOW_TIME_MS] = whole(s->time_ms);
	value[DURATION_MS] = whole((uint64_t)duration_ms);
	value[SPAN_MS] = whole((uint64_t)span_ms);
	value[AVG_FLOW_TIME_MS] = ratio((double)s->time_ms, flows);
	value[AVG_PACKET_OCTETS] = ratio(octets, packets);
	value[AVG_FLOW_OCTETS] = ratio(octets, flows);
	value[AVG_FLOW_PACKETS] = ratio(packets, flows);
	/* Bits a millisecond are kilobits a second. */
	value[FLOWS_PER_S] = ratio(flows * MS_PER_S, (double)duration_ms);
	value[KBIT_PER_S] = ratio(octets * 8, (double)duration_ms);
	value[FLOWS_PER_S_OF_SPAN] = ratio(flows * MS_PER_S, (double)span_ms);
	value[KBIT_PER_S_OF_SPAN] = ratio(octets * 8, (double)span_ms);
	value[SAMPLED_FLOWS] = whole(s->sampled);
	value[FLOWS_WITHOUT_PACKETS] = whole(s->no_packets);
}

static uint64_t
share_of(const struct sums *s, size_t h, size_t bin)
{
	return table_share(s->counts.flows[h][bin], s->flows - s->no_packets);
}

/* Where a bin begins and ends: the last one does not end. */
static uint64_t
bin_from(const struct histogram_info *h, size_t bin)
{
	return bin == 0 ? h->least : h->edge[bin - 1] + UINT64_C(1);
}

/* ---- for programs ---- */

/* Kinds of value differ by row. */
static const struct table_column tall[] = {
    {.name = "name", .heading = "Name", .kind = VALUE_TEXT},
    {.name = "from", .heading = "From", .kind = VALUE_ANY},
    {.name = "to", .heading = "To", .kind = VALUE_ANY},
    {.name = "value", .heading = "Value", .kind = VALUE_ANY},
    {.name = "share", .heading = "Share", .unit = "%", .kind = VALUE_ANY},
};

static const struct table_value nothing = {.kind = VALUE_NULL};

static void
put_number_row(struct out *out, enum number n, const struct table_value *value)
{
	const union table_cell cell[ARRAY_LEN(tall)] = {
	    {.text = number_names[n]},
	    {.any = &nothing},
	    {.any = &nothing},
	    {.any = value},
	    {.any = &nothing},
	};

	out_row(out, cell);
}

static void
put_bin_row(struct out *out, const struct sums *s, size_t h, size_t bin)
{
	const struct histogram_info *info = &histograms[h];
	const struct table_value from = whole(bin_from(info, bin));
	const struct table_value flows = whole(s->counts.flows[h][bin]);
	const struct table_value share = {
	    VALUE_SHARE, {.number = share_of(s, h, bin)}};
	struct table_value to = nothing;

	if (bin < info->n_edges)
		to = whole(info->edge[bin]);
	out_row(out, (const union table_cell[ARRAY_LEN(tall)]){
			 {.text = info->name},
			 {.any = &from},
			 {.any = &to},
			 {.any = &flows},
			 {.any = &share},
		     });
}

/* JSON has the numbers as members of the object, and rows for bins alone. */
static void
write_tall(const struct summary *s, struct table_head *head,
    const struct table_value value[N_NUMBERS], struct out *out)
{
	bool are_members = s->request.format == &out_json;
	struct table_extra extra[N_NUMBERS + 1];
	struct table_foot foot = {.extra = extra, .n_extra = ARRAY_LEN(extra)};

	for (size_t i = 0; i < N_NUMBERS; i++)
		extra[i] = (struct table_extra){
		    number_names[i], value[i].kind, value[i].cell};
	extra[N_NUMBERS] = (struct table_extra){
	    "scale", VALUE_TEXT, {.text = s->request.scaled}};
	head->column = tall;
	head->n_columns = ARRAY_LEN(tall);
	head->n_keys = 2;
	out_begin(out, head);
	for (size_t i = 0; i < N_NUMBERS && !are_members; i++)
		put_number_row(out, (enum number)i, &value[i]);
	for (size_t h = 0; h < N_HISTOGRAMS; h++)
		for (size_t i = 0; i <= histograms[h].n_edges; i++)
			put_bin_row(out, &s->sums, h, i);
	foot.matched = out->n_rows;
	out_end(out, &foot);
}

/* ---- for people ---- */

enum { WIDE_COLUMNS = 2 * N_HISTOGRAMS, LABEL_LEN = 24 };

static void
make_wide_columns(struct table_column column[WIDE_COLUMNS])
{
	for (size_t h = 0; h < N_HISTOGRAMS; h++) {
		column[2 * h] = (struct table_column){
		    .name = histograms[h].name,
		    .heading = histograms[h].heading,
		    .kind = VALUE_TEXT,
		    .right = true,
		};
		column[2 * h + 1] = (struct table_column){
		    .name = "share",
		    .heading = "%",
		    .kind = VALUE_ANY,
		    .right = true,
		};
	}
}

static void
format_bin(const struct histogram_info *h, size_t bin, char out[LABEL_LEN])
{
	uint64_t from = bin_from(h, bin);

	if (bin == h->n_edges)
		snprintf(out, LABEL_LEN, "%llu-", (unsigned long long)from);
	else if (h->edge[bin] == from)
		snprintf(out, LABEL_LEN, "%u", h->edge[bin]);
	else
		snprintf(out, LABEL_LEN, "%llu-%u", (unsigned long long)from,
		    h->edge[bin]);
}

struct wide_row {
	char label[N_HISTOGRAMS][LABEL_LEN];
	struct table_value share[N_HISTOGRAMS];
	union table_cell cell[WIDE_COLUMNS];
};

/* Bin number bin of each histogram; what is not there is left blank. */
static void
fill_wide_row(struct wide_row *row, const struct sums *s, size_t bin)
{
	*row = (struct wide_row){0};
	for (size_t h = 0; h < N_HISTOGRAMS; h++) {
		row->share[h] = nothing;
		if (bin <= histograms[h].n_edges)
			format_bin(&histograms[h], bin, row->label[h]);
		if (s->counts.flows[h][bin] > 0)
			row->share[h] = (struct table_value){
			    VALUE_SHARE, {.number = share_of(s, h, bin)}};
		row->cell[2 * h].text = row->label[h];
		row->cell[2 * h + 1].any = &row->share[h];
	}
}

static size_t
most_bins(void)
{
	size_t most = 0;

	for (size_t h = 0; h < N_HISTOGRAMS; h++)
		if (histograms[h].n_edges + 1 > most)
			most = histograms[h].n_edges + 1;
	return most;
}

static const struct table_column count_column = {
    .kind = VALUE_NUMBER, .is_count = true};
static const struct table_column octets_column = {
    .kind = VALUE_NUMBER, .quantity = QUANTITY_OCTETS};

static void
put_line(struct buf *text, const struct out_style *style, const char *name,
    const struct table_column *col, struct table_value v, const char *mark)
{
	struct cell_clock clock = {0};
	char digits[CELL_MAX];

	*cell_put(digits, style, &clock, col, v) = '\0';
	buf_printf(text, "%-18s%16s%s", name, digits, mark);
}

static void
put_average(
    struct buf *text, struct table_value v, const char *unit, const char *mark)
{
	if (v.kind == VALUE_REAL)
		buf_printf(text, "  %.4f %s%s", v.cell.real, unit, mark);
}

/* What is multiplied bears a star. */
static void
put_numbers(const struct summary *s, const struct out_style *style,
    const struct table_value value[N_NUMBERS], struct buf *text)
{
	const char *star = s->request.scaled != NULL ? "*" : "";

	put_line(text, style, "\nflows", &count_column, value[FLOWS], "");
	put_line(text, style, "\noctets", &octets_column, value[OCTETS], star);
	put_average(text, value[AVG_FLOW_OCTETS], "per flow", star);
	put_line(text, style, "\npackets", &count_column, value[PACKETS], star);
	put_average(text, value[AVG_FLOW_PACKETS], "per flow", star);
	put_average(text, value[AVG_PACKET_OCTETS], "octets per packet", "");
	put_line(text, style, "\ntime of flows ms", &count_column,
	    value[FLOW_TIME_MS], "");
	put_average(text, value[AVG_FLOW_TIME_MS], "per flow", "");
	put_line(text, style, "\nfirst to last ms", &count_column,
	    value[DURATION_MS], "");
	put_average(text, value[FLOWS_PER_S], "flows/s", "");
	put_average(text, value[KBIT_PER_S], "kbit/s", star);
	put_line(text, style, "\nspan asked for ms", &count_column,
	    value[SPAN_MS], "");
	put_average(text, value[FLOWS_PER_S_OF_SPAN], "flows/s", "");
	put_average(text, value[KBIT_PER_S_OF_SPAN], "kbit/s", star);
	buf_puts(text, "\n");
}

static void
make_note(
    const struct summary *s, const struct out_style *style, struct buf *text)
{
	const struct sums *sums = &s->sums;

	if (s->request.scaled != NULL)
		buf_puts(text, "* multiplied\n");
	if (s->request.scaled == NULL && sums->sampled > 0) {
		request_plural(text, style, sums->sampled, "flow");
		buf_puts(text, " sampled: scale=header multiplies octets and "
			       "packets\n");
	}
	if (sums->no_packets > 0) {
		request_plural(text, style, sums->no_packets, "flow");
		buf_puts(text, " without packets, in no histogram\n");
	}
	request_note(&s->request, style, &s->stats, sums->flows, text);
}

static void
write_wide(const struct summary *s, const struct table_head *span,
    const struct table_value value[N_NUMBERS], struct out *out)
{
	struct table_column column[WIDE_COLUMNS];
	struct table_head head = *span;
	struct table_foot foot = {0};
	struct buf caption, note;
	struct wide_row row;

	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	make_wide_columns(column);
	head.column = column;
	head.n_columns = WIDE_COLUMNS;
	buf_puts(&caption, "report summary\n");
	request_caption(&s->request, &head, &caption);
	if (s->sums.flows > 0)
		put_numbers(s, &out->style, value, &caption);
	head.caption = buf_str(&caption);
	out_begin(out, &head);
	for (size_t i = 0; s->sums.flows > 0 && i < most_bins(); i++) {
		fill_wide_row(&row, &s->sums, i);
		out_measure(out, row.cell);
	}
	for (size_t i = 0; s->sums.flows > 0 && i < most_bins(); i++) {
		fill_wide_row(&row, &s->sums, i);
		out_row(out, row.cell);
	}
	make_note(s, &out->style, &note);
	foot.note = buf_str(&note);
	out_end(out, &foot);
	buf_release(&caption);
	buf_release(&note);
}

/* ---- the command ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir report summary [WORDS] [OPTIONS]\n\n"
	    "What flows are like as a whole: sums, averages, rates, and four "
	    "histograms of\nflows: octets a packet, packets and octets a flow, "
	    "time.\n\n"
	    "Rates are over the time from the start of the first flow to the "
	    "end of the last,\nand over the span that from= and to= say.\n\n"
	    "examples:\n"
	    "  weir report summary from=-1h\n"
	    "  weir report summary src=10.1.0.0/16 from=-1d -f json | jq "
	    ".kbit_per_s\n");
}

static const struct request_spec spec = {
    .help = help,
    .scale = true,
    .scans = true,
};

static int
answer(struct summary *s, struct err *err)
{
	struct table_head head = {.name = "report"};
	struct table_value value[N_NUMBERS];
	struct sink *sink;
	struct out out;
	int rc = request_open(&s->request, &sink, &out, err);

	if (rc != 0)
		return rc;
	request_span(&s->request, &s->stats, &head);
	work_out(&s->sums, &head, value);
	if (request_is_for_people(&s->request))
		write_wide(s, &head, value, &out);
	else
		write_tall(s, &head, value, &out);
	out_release(&out);
	if ((rc = sink_close(sink, err)) == 0)
		request_warn_empty(&s->request, &s->stats);
	return rc;
}

static int
run(struct summary *s, struct err *err)
{
	static const flow_column_set counters =
	    (flow_column_set)1 << COL_OCTETS | (flow_column_set)1
						   << COL_PACKETS;
	struct scan_query query = request_query(&s->request);
	struct dedup *dedup;
	int rc;

	if (s->request.has_lines)
		return err_set(err, ERR_USAGE, "report summary has no lines=");
	s->sampling =
	    (struct scale){.mode = SCALE_HEADER, .conf = s->request.conf};
	query.columns = counters | (flow_column_set)1 << COL_START_MS |
			(flow_column_set)1 << COL_END_MS |
			scale_columns(&s->sampling, counters);
	if (s->request.explain)
		return explain_answer(&s->request, &query, false, err);
	if ((rc = request_dedup(&s->request, &query, &dedup, err)) != 0)
		return rc;
	query.scale = &s->request.scale;
	pthread_mutex_init(&s->lock, NULL);
	rc = scan_spread(&query, &adding, s, &s->stats, err);
	rc = request_read(&s->request, rc, err);
	pthread_mutex_destroy(&s->lock);
	dedup_free(dedup);
	return rc != 0 ? rc : answer(s, err);
}

int
report_summary_main(int argc, char **argv)
{
	struct summary s = {0};
	struct err err = {0};
	int rc = request_parse(&s.request, &spec, argc, argv, &s, &err);

	if (rc == 0)
		rc = s.request.help ? request_help(&s.request, &err)
				    : run(&s, &err);
	request_release(&s.request);
	return request_status("report summary", rc, &err);
}
