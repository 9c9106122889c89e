/* SPDX-License-Identifier: ISC */
/*
 * weir list: flows one a line. In order of arrival nothing is kept, so that a
 * listing may be of any length and begins at once; in another order, see
 * order.h. Which columns there are is column.c's.
 */
#include <string.h>
#include <unistd.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "report/column.h"
#include "report/commands.h"
#include "report/explain_table.h"
#include "report/naming.h"
#include "report/order.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/batch.h"

enum { TEXT_MAX = 70000 };  /* bytes of captions and notes */
enum { HTML_LINES = 1000 }; /* rows of a page, unless lines= says more */

/* Columns by one word. The last four are flow-tools' and FlowViewer's. */
static const struct style {
	const char *name, *columns, *help;
} styles[] = {
    {"line",
	"start,duration,proto,src:sport,dst:dport,flags,tos,packets,octets,"
	"in_if,out_if,exporter",
	"what fits on a line; the usual one"},
    {"wide",
	"start,end,in_if,src,sport,out_if,dst,dport,proto,flags,packets,"
	"octets",
	"132 columns, as flow-print -f5"},
    {"times",
	"in_if,src,out_if,dst,proto,sport,dport,packets,octets,start,end,"
	"duration,packet_size,tos,flags",
	"times and sizes, as flow-print -f1"},
    {"as",
	"start,src/src_mask,dst/dst_mask,proto,src_as,dst_as,flags,octets,"
	"packets",
	"AS numbers, as flow-print -f4"},
    {"full",
	"start,end,duration,in_if,src/src_mask,sport,out_if,dst/dst_mask,"
	"dport,proto,flags,tos,packets,octets,packet_size,src_as,dst_as,"
	"next_hop,exporter,engine,sampling,quirks",
	"everything, as flow-print -f24"},
};

struct list {
	struct request request;
	const struct style *style; /* NULL: not given */
	struct columns columns;
	const char *sort; /* as typed; NULL: in order of arrival */
	struct order_key key[ORDER_MAX_KEYS];
	size_t n_keys;
	struct order *order;   /* NULL: they go out as they come */
	struct naming *naming; /* NULL: no column is a name */
	struct out out;
	struct sink *sink;
	bool measured;                       /* by the first batch */
	struct column_row row;               /* going out */
	union table_cell total[COLUMNS_MAX]; /* of what went out */
};

/* ---- words ---- */

static int
set_style(void *arg, const char *value, struct err *err)
{
	struct list *l = arg;
	struct buf known;

	for (size_t i = 0; i < ARRAY_LEN(styles); i++)
		if (strcmp(styles[i].name, value) == 0) {
			l->style = &styles[i];
			return 0;
		}
	buf_init(&known, 400);
	for (size_t i = 0; i < ARRAY_LEN(styles); i++)
		buf_printf(&known, " %s", styles[i].name);
	err_set(err, ERR_USAGE, "style=%.60s: no such style: styles are%s",
	    value, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
set_columns(void *arg, const char *value, struct err *err)
{
	struct list *l = arg;

	return columns_add(&l->columns, "columns", value, err);
}

/* Several fields of which each may be negated: "-octets,start". */
static int
set_sort(void *arg, const char *value, struct err *err)
{
	struct list *l = arg;

	l->sort = value;
	for (;;) {
		bool other_way = *value == '-';
		size_t len = strcspn(value += other_way, ",");
		struct order_key *key = &l->key[l->n_keys];

		if (l->n_keys == ORDER_MAX_KEYS)
			return err_set(err, ERR_USAGE,
			    "sort: more than %d columns", ORDER_MAX_KEYS);
		key->column = column_find("sort", value, len, err);
		if (key->column == NULL)
			return ERR_USAGE;
		if (!column_has_value(key->column))
			return err_set(err, ERR_USAGE,
			    "sort: %s is known only of what is shown",
			    key->column->word);
		key->descending =
		    other_way !=
		    ((key->column->flags & COLUMN_LARGEST_FIRST) != 0);
		l->n_keys++;
		if (value[len] == '\0')
			return 0;
		value += len + 1;
	}
}

static const struct request_word own_words[] = {
    {"style", set_style},
    {"columns", set_columns},
    {"sort", set_sort},
};

static void
help(struct buf *text)
{
	buf_printf(text,
	    "usage: weir list [WORDS] [OPTIONS]\n\n"
	    "Flows, one a line, in order of arrival or of any column.\n\n"
	    "words of the listing:\n"
	    "  lines=N          stop after N flows, 0 for never (html %d, else "
	    "0)\n"
	    "  sort=COLUMN,...  counts, rates and durations largest first, "
	    "others smallest\n"
	    "                   first; -COLUMN the other way round. Of more "
	    "than %d\n"
	    "                   flows, only the first N of lines=N\n"
	    "  columns=COLUMN,...\n"
	    "                   these; joined by : or / they are one for "
	    "people\n"
	    "  style=STYLE      those of a style. Without either, text and "
	    "html have those\n"
	    "                   of line, other formats all that are stored"
	    "\n\nstyles:\n",
	    HTML_LINES, ORDER_MAX_FLOWS);
	for (size_t i = 0; i < ARRAY_LEN(styles); i++)
		buf_printf(
		    text, "  %-16s %s\n", styles[i].name, styles[i].help);
	buf_puts(text, "\ncolumns:\n");
	column_help(text);
	buf_puts(text,
	    "\nexamples:\n"
	    "  weir list src=10.0.0.1 from=-15min\n"
	    "  weir list dport=22 flags=S/SA sort=-start lines=20\n"
	    "  weir list columns=start,src,dst,octets sort=octets lines=10\n"
	    "  weir list from=-1d -f csv -o flows.csv\n");
}

static const struct request_spec spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .help = help,
    .names = true,
    .scale = true,
    .scans = true,
};

static int
choose_columns(struct list *l, struct err *err)
{
	if (l->columns.n > 0 && l->style != NULL)
		return err_set(err, ERR_USAGE,
		    "style=%s and columns= exclude each other", l->style->name);
	if (l->columns.n > 0)
		return 0;
	if (l->style == NULL && !request_is_for_people(&l->request)) {
		columns_add_stored(&l->columns);
		return 0;
	}
	return columns_add(&l->columns, "style",
	    (l->style != NULL ? l->style : styles)->columns, err);
}

static int
parse(struct list *l, int argc, char **argv, struct err *err)
{
	int rc = request_parse(&l->request, &spec, argc, argv, l, err);

	if (rc != 0 || l->request.help)
		return rc;
	if (!l->request.has_lines && (l->request.format == &out_html ||
					 l->request.format == &out_fragment))
		l->request.lines = HTML_LINES;
	if ((rc = choose_columns(l, err)) == 0 && l->request.names != NAMES_NO)
		rc = columns_add_names(&l->columns, err);
	/* People read it above, programs here. */
	if (rc == 0 && l->request.scaled != NULL &&
	    !request_is_for_people(&l->request))
		rc = columns_add(&l->columns, "scale", "scale", err);
	return rc;
}

/* Names are wanted by a word, or by a column that is one. */
static int
open_naming(struct list *l, struct err *err)
{
	bool ask = columns_ask(&l->columns) && l->request.names != NAMES_LOCAL;

	if (!columns_have_names(&l->columns))
		return 0;
	return request_naming(&l->request, ask, &l->naming, err);
}

/* ---- rows ---- */

/* Ask for all names of the first n flows at once. */
static void
find_names(struct list *l, const struct batch *b, size_t n)
{
	struct column_row *row = &l->row;

	row->batch = b;
	row->naming = l->naming;
	row->scale = &l->request.scale;
	if (l->naming == NULL)
		return;
	for (row->i = 0; row->i < n; row->i++)
		columns_want(&l->columns, row);
	naming_wait(l->naming);
}

static void
measure_rows(struct list *l, size_t n)
{
	union table_cell cell[COLUMNS_MAX];

	for (size_t i = 0; i < n && l->out.format->measure != NULL; i++) {
		l->row.i = i;
		columns_fill(&l->columns, &l->row, cell);
		out_measure(&l->out, cell);
	}
	l->measured = true;
}

static void
add_totals(struct list *l, const union table_cell *cell)
{
	for (size_t c = 0; c < l->columns.n; c++)
		if (l->columns.table[c].is_count)
			l->total[c].number += cell[c].number;
}

/* The first n flows of b. */
static void
write_rows(struct list *l, const struct batch *b, size_t n)
{
	union table_cell cell[COLUMNS_MAX];

	find_names(l, b, n);
	if (n > 0 && isatty(l->sink->fd))
		watch_hush(&l->request.watch);
	if (!l->measured)
		measure_rows(l, n);
	for (size_t i = 0; i < n; i++) {
		l->row.i = i;
		columns_fill(&l->columns, &l->row, cell);
		add_totals(l, cell);
		out_row(&l->out, cell);
	}
	/* What was found first is not to wait for what is found last. */
	sink_flush(l->sink);
}

static int
write_batch(const struct batch *b, void *arg, struct err *err)
{
	struct list *l = arg;
	uint64_t lines = l->request.lines;
	size_t n = b->n;

	if (lines > 0 && lines - l->out.n_rows < n)
		n = (size_t)(lines - l->out.n_rows);
	write_rows(l, b, n);
	if (lines > 0 && l->out.n_rows == lines)
		return 1;
	return sink_check(l->sink, err);
}

static int
keep_batch(const struct batch *b, void *arg, struct err *err)
{
	struct list *l = arg;

	return order_add(l->order, b, err);
}

static void
write_ordered(struct list *l, flow_column_set columns)
{
	struct batch b;

	order_sort(l->order);
	batch_init(&b, columns);
	do {
		order_next(l->order, &b);
		write_rows(l, &b, b.n);
	} while (b.n > 0 && l->sink->failed == 0);
	batch_release(&b);
}

/* ---- the table ---- */

static void
make_caption(
    const struct list *l, const struct table_head *head, struct buf *text)
{
	buf_puts(text, "list");
	if (l->style != NULL)
		buf_printf(text, " style=%s", l->style->name);
	if (l->sort != NULL)
		buf_printf(text, " sort=%s", l->sort);
	buf_puts(text, "\n");
	request_caption(&l->request, head, text);
}

static void
begin(struct list *l, struct buf *caption)
{
	struct table_head head = {
	    .column = l->columns.table,
	    .n_columns = l->columns.n,
	    .tight = true,
	    .rows = "flows",
	};

	request_span(&l->request, NULL, &head);
	make_caption(l, &head, caption);
	head.caption = buf_str(caption);
	out_begin(&l->out, &head);
}

/* matched: rows there are; with cut, at least so many. */
static void
end(struct list *l, const struct scan_stats *stats, bool cut)
{
	struct table_foot foot = {.total = l->total, .matched = stats->n_flows};
	struct buf note;

	buf_init(&note, TEXT_MAX);
	if (l->out.n_rows > 0) {
		buf_puts(&note, cut ? "the first " : "");
		request_plural(&note, &l->out.style, l->out.n_rows, "flow");
		buf_puts(&note, cut ? " (lines=0 shows all)\n" : "\n");
	}
	request_note(&l->request, &l->out.style, stats, l->out.n_rows, &note);
	foot.note = buf_str(&note);
	out_end(&l->out, &foot);
	buf_release(&note);
}

/* ---- the command ---- */

static flow_column_set
columns_needed(const struct list *l)
{
	flow_column_set set = columns_need(&l->columns);

	for (size_t k = 0; k < l->n_keys; k++)
		set |= column_needs(l->key[k].column);
	return set;
}

/* Flows as they come. */
static int
write_stream(struct list *l, const struct scan_query *query,
    struct scan_stats *stats, struct err *err)
{
	int rc = request_read(
	    &l->request, scan_run(query, write_batch, l, stats, err), err);

	if (rc >= 0)
		end(l, stats, rc == 1);
	return rc < 0 ? rc : 0;
}

static int
write_sorted(struct list *l, const struct scan_query *query,
    struct scan_stats *stats, struct err *err)
{
	int rc;

	l->order =
	    order_new(l->key, l->n_keys, query->columns, l->request.lines);
	rc = request_read(
	    &l->request, scan_run(query, keep_batch, l, stats, err), err);
	if (rc == 0) {
		write_ordered(l, query->columns);
		end(l, stats, stats->n_flows > l->out.n_rows);
	}
	order_free(l->order);
	return rc;
}

static int
write_list(struct list *l, struct scan_stats *stats, struct err *err)
{
	struct scan_query query = request_query(&l->request);
	struct dedup *dedup;
	struct buf caption;
	int rc = request_dedup(&l->request, &query, &dedup, err);

	if (rc != 0)
		return rc;
	query.columns = columns_needed(l);
	query.scale = &l->request.scale;
	buf_init(&caption, TEXT_MAX);
	begin(l, &caption);
	rc = l->n_keys > 0 ? write_sorted(l, &query, stats, err)
			   : write_stream(l, &query, stats, err);
	dedup_free(dedup);
	buf_release(&caption);
	return rc;
}

static int
explain(struct list *l, struct err *err)
{
	struct scan_query query = request_query(&l->request);

	query.columns = columns_needed(l);
	return explain_answer(&l->request, &query, true, err);
}

static int
run(struct list *l, struct err *err)
{
	struct scan_stats stats = {0};
	int rc;

	if (l->request.explain)
		return explain(l, err);
	rc = open_naming(l, err);
	if (rc == 0)
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
	int rc = parse(&l, argc, argv, &err);

	if (rc == 0)
		rc = l.request.help ? request_help(&l.request, &err)
				    : run(&l, &err);
	naming_close(l.naming);
	request_release(&l.request);
	return request_status("list", rc, &err);
}
