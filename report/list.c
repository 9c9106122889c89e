/* SPDX-License-Identifier: ISC */
/*
 * weir list: flows one a line, in order of arrival. Nothing is kept, so a
 * listing may be of any length. CSV and JSON have every stored field under its
 * name; text has what fits on a line.
 */
#include <string.h>

#include "query/scan.h"
#include "report/commands.h"
#include "report/digits.h"
#include "report/names.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"

enum { TEXT_MAX = 70000 };  /* bytes of captions and notes */
enum { ENDPOINT_MAX = 24 }; /* "255.255.255.255:65535" */
enum { SECONDS_MAX = 24 };  /* "9223372036854775.807" */

/* The columns of the listing for people. */
enum text_column {
	TEXT_START,
	TEXT_DURATION,
	TEXT_PROTOCOL,
	TEXT_SOURCE,
	TEXT_ARROW,
	TEXT_DESTINATION,
	TEXT_FLAGS,
	TEXT_TOS,
	TEXT_PACKETS,
	TEXT_OCTETS,
	TEXT_INPUT,
	TEXT_OUTPUT,
	TEXT_EXPORTER,
	N_TEXT_COLUMNS
};

static const struct table_column text_columns[N_TEXT_COLUMNS] = {
    [TEXT_START] = {.heading = "Start", .kind = VALUE_TIME},
    [TEXT_DURATION] = {.heading = "Seconds",
	.kind = VALUE_TEXT,
	.right = true,
	.drop = 2},
    [TEXT_PROTOCOL] = {.heading = "Proto",
	.kind = VALUE_NUMBER,
	.label = protocol_name},
    [TEXT_SOURCE] = {.heading = "Source", .kind = VALUE_TEXT},
    [TEXT_ARROW] = {.heading = "", .kind = VALUE_TEXT},
    [TEXT_DESTINATION] = {.heading = "Destination", .kind = VALUE_TEXT},
    [TEXT_FLAGS] = {.heading = "Flags", .kind = VALUE_FLAGS},
    [TEXT_TOS] = {.heading = "TOS", .kind = VALUE_NUMBER, .drop = 4},
    [TEXT_PACKETS] = {.heading = "Packets",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 1},
    [TEXT_OCTETS] = {.heading = "Octets",
	.kind = VALUE_NUMBER,
	.is_count = true},
    [TEXT_INPUT] = {.heading = "In", .kind = VALUE_NUMBER, .drop = 3},
    [TEXT_OUTPUT] = {.heading = "Out", .kind = VALUE_NUMBER, .drop = 3},
    [TEXT_EXPORTER] = {.heading = "Exporter",
	.kind = VALUE_EXPORTER,
	.drop = 5},
};

/* What the cells of one flow point into. */
struct texts {
	char source[ENDPOINT_MAX];
	char destination[ENDPOINT_MAX];
	char seconds[SECONDS_MAX];
};

struct list {
	struct request request;
	struct table_column column[N_FLOW_COLUMNS]; /* CSV and JSON */
	struct out out;
	struct sink *sink;
	bool measured; /* widths are known from the first batch */
};

/* ---- rows ---- */

static void
fill_fields(const struct batch *b, size_t i, union table_cell *cell)
{
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		cell[c].number = (uint64_t)b->col[c][i];
	cell[COL_EXPORTER].addr = &b->exporters[b->col[COL_EXPORTER][i]];
	cell[COL_START_MS].time_ms = b->col[COL_START_MS][i];
	cell[COL_END_MS].time_ms = b->col[COL_END_MS][i];
}

static void
format_endpoint(char out[ENDPOINT_MAX], int64_t ip4, int64_t port)
{
	char *p = put_ip4(out, (uint32_t)ip4);

	*p++ = ':';
	*put_u64(p, (uint64_t)port) = '\0';
}

static void
fill_texts(
    const struct batch *b, size_t i, struct texts *t, union table_cell *cell)
{
	int64_t start_ms = b->col[COL_START_MS][i];
	int64_t end_ms = b->col[COL_END_MS][i];

	format_endpoint(
	    t->source, b->col[COL_SRC_ADDR][i], b->col[COL_SRC_PORT][i]);
	format_endpoint(
	    t->destination, b->col[COL_DST_ADDR][i], b->col[COL_DST_PORT][i]);
	*put_thousandths(t->seconds, (uint64_t)(end_ms - start_ms)) = '\0';
	cell[TEXT_START].time_ms = start_ms;
	cell[TEXT_DURATION].text = t->seconds;
	cell[TEXT_SOURCE].text = t->source;
	cell[TEXT_ARROW].text = "->";
	cell[TEXT_DESTINATION].text = t->destination;
	cell[TEXT_EXPORTER].addr = &b->exporters[b->col[COL_EXPORTER][i]];
}

static void
fill_text_row(
    const struct batch *b, size_t i, struct texts *t, union table_cell *cell)
{
	static const struct {
		enum text_column to;
		enum flow_column from;
	} numbers[] = {
	    {TEXT_PROTOCOL, COL_PROTOCOL},
	    {TEXT_FLAGS, COL_TCP_FLAGS},
	    {TEXT_TOS, COL_TOS},
	    {TEXT_PACKETS, COL_PACKETS},
	    {TEXT_OCTETS, COL_OCTETS},
	    {TEXT_INPUT, COL_INPUT_IF},
	    {TEXT_OUTPUT, COL_OUTPUT_IF},
	};

	for (size_t c = 0; c < ARRAY_LEN(numbers); c++)
		cell[numbers[c].to].number =
		    (uint64_t)b->col[numbers[c].from][i];
	fill_texts(b, i, t, cell);
}

static void
measure_batch(struct list *l, const struct batch *b, size_t n)
{
	union table_cell cell[N_TEXT_COLUMNS];
	struct texts texts;

	for (size_t i = 0; i < n; i++) {
		fill_text_row(b, i, &texts, cell);
		out_measure(&l->out, cell);
	}
	l->measured = true;
}

static void
write_text_batch(struct list *l, const struct batch *b, size_t n)
{
	union table_cell cell[N_TEXT_COLUMNS];
	struct texts texts;

	if (!l->measured)
		measure_batch(l, b, n);
	for (size_t i = 0; i < n; i++) {
		fill_text_row(b, i, &texts, cell);
		out_row(&l->out, cell);
	}
}

static void
write_field_batch(struct list *l, const struct batch *b, size_t n)
{
	union table_cell cell[N_FLOW_COLUMNS];

	for (size_t i = 0; i < n; i++) {
		fill_fields(b, i, cell);
		out_row(&l->out, cell);
	}
}

static int
write_batch(const struct batch *b, void *arg, struct err *err)
{
	struct list *l = arg;
	uint64_t lines = l->request.lines;
	size_t n = b->n;

	if (lines > 0 && lines - l->out.n_rows < n)
		n = (size_t)(lines - l->out.n_rows);
	if (l->request.format == &out_text)
		write_text_batch(l, b, n);
	else
		write_field_batch(l, b, n);
	if (lines > 0 && l->out.n_rows == lines)
		return 1;
	return sink_check(l->sink, err);
}

/* ---- the table ---- */

static flow_column_set
columns_needed(const struct list *l)
{
	flow_column_set all = ((flow_column_set)1 << N_FLOW_COLUMNS) - 1;
	flow_column_set unseen = (flow_column_set)1 << COL_ENGINE_TYPE |
				 (flow_column_set)1 << COL_ENGINE_ID |
				 (flow_column_set)1 << COL_SAMPLING |
				 (flow_column_set)1 << COL_DURATION_MS |
				 (flow_column_set)1 << COL_NEXT_HOP |
				 (flow_column_set)1 << COL_SRC_AS |
				 (flow_column_set)1 << COL_DST_AS |
				 (flow_column_set)1 << COL_SRC_MASK |
				 (flow_column_set)1 << COL_DST_MASK |
				 (flow_column_set)1 << COL_QUIRKS;

	return l->request.format == &out_text ? all & ~unseen : all;
}

static void
begin(struct list *l, struct buf *caption)
{
	struct table_head head = {
	    .column = l->column, .n_columns = N_FLOW_COLUMNS};

	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		l->column[c] = (struct table_column){
		    .name = flow_columns[c].name,
		    .heading = flow_columns[c].name,
		    .kind = flow_columns[c].kind,
		};
	if (l->request.format == &out_text) {
		head.column = text_columns;
		head.n_columns = N_TEXT_COLUMNS;
		head.tight = true;
	}
	request_span(&l->request, NULL, &head);
	buf_puts(caption, "list\n");
	request_caption(&l->request, &head, caption);
	head.caption = buf_str(caption);
	out_begin(&l->out, &head);
}

static void
end(struct list *l, const struct scan_stats *stats, bool stopped)
{
	struct table_foot foot = {.matched = l->out.n_rows};
	struct buf note;

	buf_init(&note, TEXT_MAX);
	if (l->out.n_rows > 0) {
		buf_puts(&note, stopped ? "the first " : "");
		request_plural(&note, &l->out.style, l->out.n_rows, "flow");
		buf_puts(&note, stopped ? " (lines=0 shows all)\n" : "\n");
	}
	request_note(&l->request, &l->out.style, stats, l->out.n_rows, &note);
	foot.note = buf_str(&note);
	out_end(&l->out, &foot);
	buf_release(&note);
}

/* ---- the command ---- */

static int
refuse_bare(void *arg, const char *word, struct err *err)
{
	struct buf known;

	(void)arg;
	buf_init(&known, 400);
	filter_list_words(&known);
	err_set(err, ERR_USAGE,
	    "unknown word \"%.60s\": words are WORD=VALUE, of lines %s", word,
	    buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir list [WORDS] [OPTIONS]\n\n"
	    "Flows, one a line, in order of arrival. CSV and JSON have every "
	    "stored field.\n\nwords of the listing:\n"
	    "  lines=N      stop after N flows (0: all)\n\n"
	    "examples:\n"
	    "  weir list src=10.0.0.1 from=-15min\n"
	    "  weir list dport=22 flags=S/SA lines=20\n"
	    "  weir list from=-1d -f csv -o flows.csv\n");
}

static const struct request_spec spec = {
    .bare = refuse_bare,
    .help = help,
};

static int
write_list(struct list *l, struct scan_stats *stats, struct err *err)
{
	const struct scan_query query = {
	    .dir = l->request.dir,
	    .filter = &l->request.filter,
	    .columns = columns_needed(l),
	};
	struct buf caption;
	int rc;

	buf_init(&caption, TEXT_MAX);
	begin(l, &caption);
	rc = scan_run(&query, write_batch, l, stats, err);
	if (rc >= 0)
		end(l, stats, rc == 1);
	buf_release(&caption);
	return rc < 0 ? rc : 0;
}

static int
run(struct list *l, struct err *err)
{
	struct scan_stats stats = {0};
	int rc;

	rc = request_open(&l->request, &l->sink, &l->out, err);
	if (rc != 0)
		return rc;
	rc = write_list(l, &stats, err);
	out_release(&l->out);
	if (rc != 0) {
		sink_abandon(l->sink);
		return rc;
	}
	rc = sink_close(l->sink, err);
	if (rc == 0)
		request_warn_empty(&l->request, &stats);
	return rc;
}

int
list_main(int argc, char **argv)
{
	struct list l = {0};
	struct err err = {0};
	int rc = request_parse(&l.request, &spec, argc, argv, &l, &err);

	if (rc == 0)
		rc = l.request.help ? request_help(&l.request, &err)
				    : run(&l, &err);
	request_release(&l.request);
	return request_status("list", rc, &err);
}
