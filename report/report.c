/* SPDX-License-Identifier: ISC */
/*
 * weir report: flows, octets and packets by any keys. Grouping is
 * aggregate.c's, looks are the writers'.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "report/aggregate.h"
#include "report/column.h"
#include "report/commands.h"
#include "report/drawing.h"
#include "report/explain_table.h"
#include "report/geo.h"
#include "report/keys.h"
#include "report/loss.h"
#include "report/naming.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

/* What is told about each group, behind its keys. */
static const struct measure {
	struct table_column column;
	uint64_t (*rank)(const struct aggregate_sums *sums);
} measures[] = {
    {{.name = "flows",
	 .heading = "Flows",
	 .kind = VALUE_NUMBER,
	 .is_count = true,
	 .drop = 1},
	aggregate_flows},
    {{.name = "octets",
	 .heading = "Octets",
	 .kind = VALUE_NUMBER,
	 .is_count = true,
	 .quantity = QUANTITY_OCTETS},
	aggregate_octets},
    {{.name = "packets",
	 .heading = "Packets",
	 .kind = VALUE_NUMBER,
	 .is_count = true,
	 .drop = 2},
	aggregate_packets},
    {{.name = "share",
	 .heading = "Share",
	 .unit = "%",
	 .kind = VALUE_SHARE,
	 .drop = 3},
	aggregate_octets},
};

enum { PARTS_OF_OCTETS = 1 }; /* in measures[] */

enum { TEXT_LINES = 100 }; /* rows for people, unless lines= says more */
enum { TEXT_MAX = 70000 }; /* bytes of captions and notes */

struct report {
	struct picture_style picture; /* first: see PICTURE_WORDS */
	struct request request;
	struct report_keys keys;
	bool loss;        /* the word loss in place of keys */
	const char *sort; /* as typed; NULL: by octets */
	struct aggregate_order order;
	/* Keys, each with its name behind it if that is wanted; measures; for
	 * programs what those were multiplied by. */
	struct table_column column[2 * KEY_MAX_COLUMNS * REPORT_MAX_KEYS +
				   ARRAY_LEN(measures) + 1];
	size_t n_columns, n_key_columns;
	struct naming *naming;                 /* NULL: no names */
	struct geo *geo;                       /* NULL: no countries */
	struct key_text text[REPORT_MAX_KEYS]; /* of the row being filled */
};

/* ---- words ---- */

static int
add_keys(void *arg, const char *word, struct err *err)
{
	struct report *r = arg;

	if (r->keys.n == 0 && !r->loss && strcmp(word, "loss") == 0) {
		r->loss = true;
		return 0;
	}
	/* More likely half of a filter word than a key. */
	if (r->keys.n > 0 || r->loss)
		return err_set(err, ERR_USAGE,
		    "\"%.60s\" after the keys: keys are joined by commas, "
		    "other words are WORD=VALUE",
		    word);
	return report_keys_add(&r->keys, word, err);
}

static int
set_sort(void *arg, const char *value, struct err *err)
{
	struct report *r = arg;

	(void)err;
	r->sort = value; /* what it may be is known after the last word */
	return 0;
}

static int
refuse_sort(const struct report *r, struct err *err)
{
	struct buf known;

	buf_init(&known, 400);
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		buf_printf(&known, " %s", measures[i].column.name);
	for (size_t i = 0; i < r->keys.n; i++)
		buf_printf(&known, " %s", r->keys.key[i].name);
	err_set(err, ERR_USAGE,
	    "sort=%.60s: not a column of this report, which are%s", r->sort,
	    buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
resolve_sort(struct report *r, struct err *err)
{
	const char *name;

	if (r->sort == NULL)
		r->sort = "octets";
	r->order.backwards = r->sort[0] == '-';
	name = r->sort + r->order.backwards;
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		if (strcmp(measures[i].column.name, name) == 0) {
			r->order.rank = measures[i].rank;
			return 0;
		}
	for (size_t i = 0; i < r->keys.n; i++)
		if (strcmp(r->keys.key[i].name, name) == 0) {
			r->order.first_key = i;
			return 0;
		}
	return refuse_sort(r, err);
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir report KEY[,KEY...] [WORDS] [OPTIONS]\n\n"
	    "Sums of flows, octets and packets, one row for each value of "
	    "the keys.\n\nkeys:\n");
	report_keys_help(text);
	buf_puts(text,
	    "  Of host, port, if, as and country a flow counts under both of "
	    "its ends, once\n  if they are the same; totals have each flow "
	    "once.\n\n"
	    "or: loss  what never arrived, by exporter and engine, in the "
	    "whole\n          minutes of from= to=, which are times of "
	    "arrival here\n"
	    "or: summary  sums, averages and histograms; report summary -h\n"
	    "or: scan  who scans hosts and ports; report scan -h\n"
	    "\nwords of the report:\n"
	    "  sort=COLUMN  flows, octets, packets or share: largest first\n"
	    "               (octets); a key of the report: smallest first; "
	    "-COLUMN\n"
	    "               the other way round\n"
	    "  lines=N      rows to show, 0 for all (text 100, else all)\n\n"
	    "words of a picture, a pie (-o FILE.png, -o FILE.svg):\n"
	    "  slices=N     and one for all others (8)\n"
	    "  width= height=  pixels of all (900) and of the pie (240)\n"
	    "  density=2 theme=dark title= font=   as weir graph -h says\n\n"
	    "examples:\n"
	    "  weir report src from=-1h\n"
	    "  weir report src,dst dport=443 sort=flows lines=20\n"
	    "  weir report proto,dport from=-1d slices=5 -o ports.png\n"
	    "  weir report loss from=-1d\n"
	    "  weir report proto,dport src=10.0.0.0/8 -f csv -o ports.csv\n");
}

static const struct request_word own_words[] = {
    {"sort", set_sort}, {"slices", picture_set_slices}, PICTURE_WORDS};

/* Beside tables: a pie. */
static const char *const pictures[] = {
    [PICTURE_PNG] = "png", [PICTURE_SVG] = "svg", NULL};

static const struct request_spec spec = {
    .formats = pictures,
    .tables_too = true,
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .bare = add_keys,
    .help = help,
    .names = true,
    .scale = true,
    .scans = true,
};

static int
check_loss(const struct report *r, struct err *err)
{
	if (r->request.own_format != NO_OWN_FORMAT)
		return err_set(err, ERR_USAGE,
		    "report loss is a table: a pie is of reports by keys");
	if (filter_is_span(&r->request.filter) && r->request.seen == 0)
		return 0;
	return err_set(
	    err, ERR_USAGE, "report loss takes from= and to=, no other words");
}

static int
parse(struct report *r, int argc, char **argv, struct err *err)
{
	int rc = request_parse(&r->request, &spec, argc, argv, r, err);

	if (rc != 0 || r->request.help)
		return rc;
	if (r->loss && r->request.has_dedup)
		return err_set(
		    err, ERR_USAGE, "dedup= is of flows, not of loss");
	if (r->loss)
		return check_loss(r, err);
	if (r->keys.n == 0)
		return report_keys_refuse(
		    err, "report by what? a key is missing");
	if (r->request.own_format != NO_OWN_FORMAT)
		r->request.format =
		    r->request.own_format == PICTURE_PNG ? &out_png : &out_svg;
	if (!r->request.has_lines && (r->request.format == &out_text ||
					 r->request.format == &out_fragment))
		r->request.lines = TEXT_LINES;
	return resolve_sort(r, err);
}

/* ---- the table ---- */

static void
make_key_columns(struct report *r)
{
	bool for_people = request_is_for_people(&r->request);
	struct key_column column[KEY_MAX_COLUMNS];
	struct table_column *to = r->column;

	for (size_t i = 0; i < r->keys.n; i++) {
		size_t n =
		    report_key_columns(&r->keys.key[i], for_people, column);

		for (size_t c = 0; c < n; c++) {
			*to++ = column[c].table;
			if (r->naming != NULL && column[c].has_name)
				*to++ = column[c].name;
		}
	}
	r->n_key_columns = (size_t)(to - r->column);
}

static void
make_columns(struct report *r)
{
	make_key_columns(r);
	r->n_columns = r->n_key_columns;
	for (size_t i = 0; i < ARRAY_LEN(measures); i++) {
		r->column[r->n_columns] = measures[i].column;
		r->column[r->n_columns++].sort = measures[i].column.name;
	}
	if (r->request.scaled != NULL && !request_is_for_people(&r->request))
		r->column[r->n_columns++] = (struct table_column){
		    .name = "scale", .heading = "Scale", .kind = VALUE_TEXT};
}

/* In the order of measures[]. */
static void
fill_measures(union table_cell *cell, const struct aggregate_sums *sums,
    uint64_t all_octets)
{
	cell[0].number = sums->flows;
	cell[1].number = sums->octets;
	cell[2].number = sums->packets;
	cell[3].number = table_share(sums->octets, all_octets);
}

/* What other keys tell of the flows of a group. */
static struct naming_flow
naming_flow(const struct report *r, const struct aggregate *a,
    const struct aggregate_group *g)
{
	struct naming_flow f = {.protocol = -1};

	for (size_t i = 0; i < r->keys.n; i++) {
		if (report_key_is_protocol(&r->keys.key[i]))
			f.protocol = (int)g->key[i];
		if (report_key_is_exporter(&r->keys.key[i]))
			f.exporter = aggregate_exporter(a, g->key[i]);
	}
	return f;
}

/* The cells of key number k of g, names behind them if they are wanted: how
 * many. */
static size_t
fill_key(struct report *r, const struct naming_flow *f, size_t k,
    uint64_t number, union table_cell *to)
{
	const struct report_key *key = &r->keys.key[k];
	bool for_people = request_is_for_people(&r->request);
	struct key_column column[KEY_MAX_COLUMNS];
	union table_cell cell[KEY_MAX_COLUMNS];
	size_t n = report_key_columns(key, for_people, column), n_cells = 0;

	report_key_cells(
	    key, for_people, number, f->exporter, &r->text[k], cell);
	for (size_t c = 0; c < n; c++) {
		to[n_cells++] = cell[c];
		if (r->naming != NULL && column[c].has_name)
			to[n_cells++].text =
			    naming_of(r->naming, column[c].named,
				report_key_part(key, c, number), f);
	}
	return n_cells;
}

static void
fill_keys(struct report *r, const struct aggregate *a,
    const struct aggregate_group *g, union table_cell *cell)
{
	struct naming_flow f = naming_flow(r, a, g);

	for (size_t k = 0; k < r->keys.n; k++)
		cell += fill_key(r, &f, k, g->key[k], cell);
}

static void
fill_row(struct report *r, const struct aggregate *a, uint32_t group,
    union table_cell *cell)
{
	struct aggregate_group g;

	aggregate_get(a, group, &g);
	fill_keys(r, a, &g, cell);
	cell += r->n_key_columns;
	fill_measures(cell, &g.sums, aggregate_total(a).octets);
	cell[ARRAY_LEN(measures)].text = r->request.scaled;
}

static void
want_names(const struct report *r, const struct naming_flow *f, size_t k,
    uint64_t number)
{
	const struct report_key *key = &r->keys.key[k];
	struct key_column column[KEY_MAX_COLUMNS];
	size_t n = report_key_columns(key, true, column);

	for (size_t c = 0; c < n; c++)
		if (column[c].has_name)
			naming_want(r->naming, column[c].named,
			    report_key_part(key, c, number), f);
}

/* Ask for the names of all rows at once. */
static void
find_names(const struct report *r, const struct aggregate *a,
    const uint32_t *group, size_t n)
{
	struct aggregate_group g;

	for (size_t i = 0; i < n; i++) {
		struct naming_flow f;

		aggregate_get(a, group[i], &g);
		f = naming_flow(r, a, &g);
		for (size_t k = 0; k < r->keys.n; k++)
			want_names(r, &f, k, g.key[k]);
	}
	naming_wait(r->naming);
}

static void
make_caption(
    const struct report *r, const struct table_head *head, struct buf *text)
{
	buf_puts(text, "report ");
	report_keys_put(&r->keys, text);
	buf_printf(text, " sort=%s\n", r->sort);
	if (report_keys_have(&r->keys, KEY_EITHER_END))
		buf_puts(text,
		    "each flow counts under both of its ends, once if they "
		    "are the same\n");
	request_caption(&r->request, head, text);
}

static void
make_note(const struct report *r, const struct out_style *style,
    const struct scan_stats *stats, size_t shown, size_t matched,
    struct buf *text)
{
	if (shown > 0) {
		out_count(text, style, shown);
		buf_puts(text, " of ");
		request_plural(text, style, matched, "row");
		buf_puts(
		    text, shown < matched ? " (lines=0 shows all)\n" : "\n");
	}
	request_note(&r->request, style, stats, matched, text);
}

static void
write_rows(struct report *r, const struct aggregate *a, const uint32_t *group,
    size_t n, struct out *out)
{
	union table_cell cell[ARRAY_LEN(r->column)];

	if (r->naming != NULL)
		find_names(r, a, group, n);
	for (size_t i = 0; i < n && r->request.format->measure != NULL; i++) {
		fill_row(r, a, group[i], cell);
		out_measure(out, cell);
	}
	for (size_t i = 0; i < n && out->sink->failed == 0; i++) {
		fill_row(r, a, group[i], cell);
		out_row(out, cell);
	}
}

/* What a pie has parts of: what the rows are sorted by, else octets. */
static size_t
parts_column(const struct report *r)
{
	for (size_t i = 0; i < ARRAY_LEN(measures); i++)
		if (measures[i].rank == r->order.rank)
			return i;
	return PARTS_OF_OCTETS;
}

static void
write_table(struct report *r, const struct aggregate *a,
    const struct scan_stats *stats, struct out *out)
{
	struct aggregate_sums sums = aggregate_total(a);
	union table_cell total[ARRAY_LEN(r->column)] = {0};
	struct table_head head = {
	    .column = r->column,
	    .name = "report",
	};
	struct table_foot foot = {
	    .total = total, .matched = aggregate_n_groups(a)};
	struct buf caption, note;
	uint32_t *group;
	size_t n;

	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	make_columns(r);
	head.n_columns = r->n_columns;
	head.n_keys = r->n_key_columns;
	head.parts = r->n_key_columns + parts_column(r);
	fill_measures(total + r->n_key_columns, &sums, sums.octets);
	group = aggregate_sort(a, &r->order, r->request.lines, &n);
	request_span(&r->request, stats, &head);
	make_caption(r, &head, &caption);
	head.caption = buf_str(&caption);
	out_begin(out, &head);
	out_measure_total(out, total);
	write_rows(r, a, group, n, out);
	make_note(r, &out->style, stats, n, foot.matched, &note);
	foot.note = buf_str(&note);
	out_end(out, &foot);
	free(group);
	buf_release(&caption);
	buf_release(&note);
}

/* ---- the command ---- */

static int
answer(struct report *r, const struct aggregate *a,
    const struct scan_stats *stats, struct err *err)
{
	struct sink *sink;
	struct out out;
	int rc = request_open(&r->request, &sink, &out, err);

	if (rc != 0)
		return rc;
	out.style.picture = &r->picture;
	write_table(r, a, stats, &out);
	if ((rc = out.rc) != 0) {
		*err = out.err;
		sink_abandon(sink);
	}
	out_release(&out);
	return rc != 0 ? rc : sink_close(sink, err);
}

static int
run_keys(struct report *r, struct err *err)
{
	static const struct aggregate_options options = {
	    .max_groups = AGGREGATE_MAX_GROUPS};
	struct scan_stats stats = {0};
	struct scan_query query = request_query(&r->request);
	struct aggregate *a;
	struct dedup *dedup;
	int rc = request_dedup(&r->request, &query, &dedup, err);

	if (rc != 0)
		return rc;
	query.scale = &r->request.scale;
	mem_keep_freed();
	a = aggregate_new(&r->keys, &options);
	query.columns = aggregate_columns(a);
	rc = scan_spread(&query, &aggregate_consumer, a, &stats, err);
	rc = request_read(&r->request, rc, err);
	if (rc == 0)
		rc = answer(r, a, &stats, err);
	if (rc == 0)
		request_warn_empty(&r->request, &stats);
	aggregate_free(a);
	dedup_free(dedup);
	return rc;
}

static int
explain(struct report *r, struct err *err)
{
	struct scan_query query = request_query(&r->request);
	static const struct aggregate_options options = {
	    .max_groups = AGGREGATE_MAX_GROUPS};
	struct aggregate *a = aggregate_new(&r->keys, &options);

	query.columns = aggregate_columns(a);
	aggregate_free(a);
	return explain_answer(&r->request, &query, false, err);
}

static int
open_countries(struct report *r, struct err *err)
{
	const char *file = r->request.conf->country_db;

	if (file == NULL)
		return err_set(err, ERR_USAGE,
		    "countries are looked up in a file in MaxMind's format: "
		    "set country-db in the configuration");
	return geo_open(&r->geo, file, NULL, err);
}

static int
run(struct report *r, struct err *err)
{
	int rc = 0;

	if (r->loss && r->request.explain)
		return err_set(err, ERR_USAGE,
		    "report loss reads no flows: there is nothing to explain");
	if (r->request.explain)
		return explain(r, err);
	if (r->loss)
		return loss_run(&r->request, err);
	if (r->request.names != NAMES_NO)
		rc = request_naming(&r->request, r->request.names == NAMES_ALL,
		    &r->naming, err);
	if (rc == 0 && report_keys_have(&r->keys, KEY_COUNTRY))
		rc = open_countries(r, err);
	report_keys_settle(&r->keys, r->geo);
	if (rc == 0)
		rc = run_keys(r, err);
	naming_close(r->naming);
	geo_close(r->geo);
	return rc;
}

/* Reports that are no grouping, with words and help of their own. */
static const struct named {
	const char *name;
	int (*main)(int argc, char **argv);
} named[] = {
    {"scan", report_scan_main},
    {"summary", report_summary_main},
};

static const struct named *
find_named(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(named); i++)
		if (strcmp(named[i].name, word) == 0)
			return &named[i];
	return NULL;
}

static int
run_main(int argc, char **argv)
{
	struct report r = {0};
	struct err err = {0};
	int rc;

	picture_style_init(&r.picture);
	rc = parse(&r, argc, argv, &err);
	if (rc == 0)
		rc = r.request.help ? request_help(&r.request, &err)
				    : run(&r, &err);
	request_release(&r.request);
	return request_status("report", rc, &err);
}

int
report_main(int argc, char **argv)
{
	int at = request_find_bare(&spec, argc, argv);
	const struct named *found = at > 0 ? find_named(argv[at]) : NULL;

	if (found == NULL)
		return run_main(argc, argv);
	for (int i = at; i < argc; i++)
		argv[i] = argv[i + 1];
	return found->main(argc - 1, argv);
}
