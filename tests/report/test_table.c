/* SPDX-License-Identifier: ISC */
/* The same table through every writer: alignment, quoting, valid JSON. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "report/cell.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/base/protocol.h"
#include "tests/temp.h"

/* One column of every kind. */
static const struct table_column columns[] = {
    {.name = "src",
	.heading = "Source",
	.kind = VALUE_IP4,
	.word = "src",
	.sort = "src"},
    {.name = "flags", .heading = "Flags", .kind = VALUE_FLAGS, .word = "flags"},
    {.name = "proto",
	.heading = "Protocol",
	.kind = VALUE_NUMBER,
	.label = protocol_name},
    {.name = "exporter", .heading = "Exporter", .kind = VALUE_EXPORTER},
    {.name = "start_ms", .heading = "Start", .kind = VALUE_TIME, .drop = 2},
    {.name = "note", .heading = "Note", .kind = VALUE_TEXT, .drop = 3},
    {.name = "octets",
	.heading = "Octets",
	.kind = VALUE_NUMBER,
	.is_count = true},
    {.name = "share", .heading = "Share", .unit = "%", .kind = VALUE_SHARE},
};

enum { N = ARRAY_LEN(columns) };

static const struct addr v6 = {
    .family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
static const struct addr v4 = {.family = 4, .bytes = {192, 0, 2, 1}};

static const union table_cell rows[][N] = {
    {{.number = 0x0a000001}, {.number = 27}, {.number = 6}, {.addr = &v6},
	{.time_ms = 1709294487027}, {.text = "plain"}, {.number = 1208},
	{.number = 9999}},
    {{.number = 0xffffffff}, {.number = 0}, {.number = 255}, {.addr = &v4},
	{.time_ms = 1709294487999}, {.text = ""}, {.number = 1}, {.number = 1}},
};

static const union table_cell total[N] = {[6] = {.number = 1209000}};

static const struct table_head named = {
    .column = columns,
    .n_columns = N,
    .n_keys = 2,
    .name = "report",
    .has_from = true,
    .from_ms = 1709251200000,
    .caption = "what was asked\n",
};

static const struct table_head unnamed = {
    .column = columns, .n_columns = N, .caption = "list\n", .tight = true};

/* A writer at work into a file of its own. */
struct output {
	struct out out;
	struct sink *sink;
	char *dir, *path;
};

static struct output
output_begin(const struct out_format *format, const struct out_style *style,
    const struct table_head *head)
{
	struct output o = {.dir = temp_new()};

	o.path = xasprintf("%s/out", o.dir);
	assert_int_equal(sink_open(&o.sink, o.path, NULL), 0);
	out_init(&o.out, format, o.sink, style);
	out_begin(&o.out, head);
	return o;
}

/* All that was written; a string to free(). */
static char *
output_end(struct output *o, const struct table_foot *foot)
{
	char *text = xcalloc(1 << 20, 1);
	FILE *f;

	out_end(&o->out, foot);
	out_release(&o->out);
	assert_int_equal(sink_close(o->sink, NULL), 0);
	f = fopen(o->path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) < 1 << 20);
	fclose(f);
	free(o->path);
	temp_remove(o->dir);
	return text;
}

/*
 * All that a writer writes of n_rows times N cells, whose first n_measured
 * rows it has seen before; a string to free().
 */
static char *
write_measured(const struct out_format *format, const struct out_style *style,
    const struct table_head *head, const union table_cell *cell, size_t n_rows,
    size_t n_measured)
{
	const struct table_foot foot = {
	    .total = total, .matched = 3, .note = "2 of 3 rows\n"};
	struct output o = output_begin(format, style, head);

	out_measure_total(&o.out, total);
	for (size_t i = 0; i < n_measured; i++)
		out_measure(&o.out, cell + i * N);
	for (size_t i = 0; i < n_rows; i++)
		out_row(&o.out, cell + i * N);
	assert_int_equal(o.out.n_rows, n_rows);
	return output_end(&o, &foot);
}

static char *
write_table(const struct out_format *format, const struct out_style *style,
    const struct table_head *head, const union table_cell *cell, size_t n_rows)
{
	return write_measured(format, style, head, cell, n_rows, n_rows);
}

static void
assert_table(const struct out_format *format, const struct out_style *style,
    const struct table_head *head, size_t n_rows, const char *want)
{
	char *got = write_table(format, style, head, rows[0], n_rows);

	assert_string_equal(got, want);
	free(got);
}

/* Two rows that differ from rows[0] in their text alone. */
static char *
write_texts(const struct out_format *format, const char *a, const char *b)
{
	static const struct out_style plain = {0};
	union table_cell row[2][N];

	memcpy(row[0], rows[0], sizeof row[0]);
	memcpy(row[1], rows[0], sizeof row[1]);
	row[0][5].text = a;
	row[1][5].text = b;
	return write_table(format, &plain, &unnamed, row[0], 2);
}

/* The same without totals and notes; rows and columns are head's. */
static char *
write_plain(const struct out_format *format, const struct table_head *head,
    const union table_cell *cell, size_t n_rows)
{
	static const struct out_style plain = {0};
	const struct table_foot foot = {.matched = n_rows, .note = ""};
	struct output output = output_begin(format, &plain, head);

	for (size_t i = 0; i < n_rows; i++)
		out_measure(&output.out, cell + i * head->n_columns);
	for (size_t i = 0; i < n_rows; i++)
		out_row(&output.out, cell + i * head->n_columns);
	return output_end(&output, &foot);
}

static void
assert_lines(const struct out_format *format, const struct table_head *head,
    const union table_cell *cell, size_t n_rows, const char *want)
{
	char *got = write_plain(format, head, cell, n_rows);

	assert_string_equal(got, want);
	free(got);
}

static void
assert_holds(const struct out_format *format, const struct table_head *head,
    const union table_cell *cell, const char *want)
{
	char *got = write_plain(format, head, cell, 1);

	if (strstr(got, want) == NULL)
		fail_msg("want: %s\ngot: %s", want, got);
	free(got);
}

/* ---- text ---- */

static const struct out_style plain = {0};

static void
text_is_aligned_and_plain(void **state)
{
	(void)state;
	assert_table(&out_text, &plain, &named, 2,
	    "what was asked\n"
	    "\n"
	    "Source           Flags        Protocol  Exporter     "
	    "Start                    Note    Octets  Share %\n"
	    "---------------  -----------  --------  -----------  "
	    "-----------------------  -----  -------  -------\n"
	    "10.0.0.1         ...AP.SF 27  6 tcp     2001:db8::1  "
	    "2024-03-01 12:01:27.027  plain     1208    99.99\n"
	    "255.255.255.255  ........ 0   255       192.0.2.1    "
	    "2024-03-01 12:01:27.999               1     0.01\n"
	    "---------------  -----------  --------  -----------  "
	    "-----------------------  -----  -------  -------\n"
	    "total                                                "
	    "                                1209000\n"
	    "\n"
	    "2 of 3 rows\n");
}

static void
text_on_a_terminal_is_grouped_and_bold(void **state)
{
	static const struct out_style terminal = {
	    .bold = true, .grouped = true, .width = 70};

	(void)state;
	/* Too narrow: Note goes first, then Start. */
	assert_table(&out_text, &terminal, &unnamed, 1,
	    "list\n"
	    "\n"
	    "\033[1mSource   Flags       Protocol Exporter       Octets "
	    "Share %\033[0m\n"
	    "-------- ----------- -------- ----------- --------- -------\n"
	    "10.0.0.1 ...AP.SF 27 6 tcp    2001:db8::1     1,208   99.99\n"
	    "-------- ----------- -------- ----------- --------- -------\n"
	    "total                                     1,209,000\n"
	    "\n"
	    "too narrow for: Start, Note\n"
	    "2 of 3 rows\n");
}

static void
shares_have_bars_where_they_can_be_drawn(void **state)
{
	static const struct out_style bars = {.bars = true, .width = 200};
	static const struct table_column col[] = {{.name = "share",
						      .heading = "Share",
						      .unit = "%",
						      .kind = VALUE_SHARE},
	    {.name = "rate", .heading = "Rate", .kind = VALUE_SHARE}};
	static const struct table_head head = {
	    .column = col, .n_columns = 2, .caption = ""};
	static const union table_cell cell[][2] = {
	    {{.number = 10000}, {.number = 10000}},
	    {{.number = 5000}, {.number = 123456}},
	    {{.number = 125}, {.number = 0}}, {{.number = 1}, {.number = 1}}};
	const struct table_foot foot = {.note = ""};
	struct output o = output_begin(&out_text, &bars, &head);
	char *got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cell); i++)
		out_measure(&o.out, cell[i]);
	for (size_t i = 0; i < ARRAY_LEN(cell); i++)
		out_row(&o.out, cell[i]);
	got = output_end(&o, &foot);
	assert_string_equal(got,
	    "\n"
	    "Share %               Rate\n"
	    "-----------------  -------\n"
	    "100.00 \u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
	    "\u2588   100.00\n"
	    " 50.00 \u2588\u2588\u2588\u2588\u2588       1234.56\n"
	    "  1.25 \u258f              0.00\n"
	    "  0.01                0.01\n"
	    "\n");
	free(got);
}

static void
text_without_rows_has_no_headings(void **state)
{
	(void)state;
	assert_table(
	    &out_text, &plain, &named, 0, "what was asked\n\n2 of 3 rows\n");
}

static void
text_passes_no_control_characters(void **state)
{
	/* Two columns are aligned by characters, not bytes. */
	char *got =
	    write_texts(&out_text, "\033[2J\x07\x7f", "\xc3\xa9\xc2\x9b\xff");

	(void)state;
	assert_null(strchr(got, '\033'));
	assert_non_null(strstr(got, "?[2J??    1208 "));
	assert_non_null(strstr(got, "\xc3\xa9??       1208 "));
	free(got);
}

static void
text_keeps_the_width_a_later_row_needs(void **state)
{
	union table_cell row[3][N];
	char *got;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		memcpy(row[i], rows[0], sizeof row[i]);
	row[1][5].text = "wider than before";
	got = write_measured(&out_text, &plain, &unnamed, row[0], 3, 1);
	assert_non_null(strstr(got, " plain    1208 "));
	assert_non_null(strstr(got, " wider than before    1208 "));
	assert_non_null(strstr(got, " plain                1208 "));
	free(got);
}

/* ---- CSV ---- */

static void
csv_has_names_and_values_alone(void **state)
{
	(void)state;
	assert_table(&out_csv, &plain, &named, 2,
	    "src,flags,flags_text,proto,exporter,start_ms,note,octets,share\n"
	    "10.0.0.1,27,...AP.SF,6,2001:db8::1,1709294487027,plain,1208,"
	    "99.99\n"
	    "255.255.255.255,0,........,255,192.0.2.1,1709294487999,,1,"
	    "0.01\n");
}

static void
csv_quotes_what_would_break_a_line(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"plain text", ",plain text,"},
	    {"a,b", ",\"a,b\","},
	    {"say \"no\"", ",\"say \"\"no\"\"\","},
	    {"two\nlines", ",\"two\nlines\","},
	    {"carriage\rreturn", ",\"carriage\rreturn\","},
	    {"no \xff utf8", ",no \xef\xbf\xbd utf8,"},
	    {"\"\xc3\xa9\xff\"", ",\"\"\"\xc3\xa9\xef\xbf\xbd\"\"\","},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = write_texts(&out_csv, cases[i].text, "");

		if (strstr(got, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].text, got);
		free(got);
	}
}

/* ---- JSON ---- */

static void
json_with_a_name_is_an_object(void **state)
{
	(void)state;
	assert_table(&out_json, &plain, &named, 1,
	    "{\"report\":[\"src\",\"flags\"],\"from_ms\":1709251200000,"
	    "\"to_ms\":null,\"rows\":[{\"src\":\"10.0.0.1\",\"flags\":27,"
	    "\"flags_text\":\"...AP.SF\",\"proto\":6,"
	    "\"exporter\":\"2001:db8::1\",\"start_ms\":1709294487027,"
	    "\"note\":\"plain\",\"octets\":1208,\"share\":99.99}],"
	    "\"total\":{\"octets\":1209000},\"matched\":3}\n");
	assert_table(&out_json, &plain, &named, 0,
	    "{\"report\":[\"src\",\"flags\"],\"from_ms\":1709251200000,"
	    "\"to_ms\":null,\"rows\":[],"
	    "\"total\":{\"octets\":1209000},\"matched\":3}\n");
}

static void
json_without_a_name_is_an_array(void **state)
{
	(void)state;
	assert_table(&out_json, &plain, &unnamed, 0, "[]\n");
}

static void
json_is_valid_whatever_the_text(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"", ""},
	    {"\"quoted\\\"", "\"quoted\\\""},
	    {"\x01\x1f\t\n\x7f", "\x01\x1f\t\n\x7f"},
	    {"caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80"},
	    {"bad \xff end", "bad \xef\xbf\xbd end"},
	    {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
	    {"\xef\xbf\xbd itself", "\xef\xbf\xbd itself"},
	};
	static const char *path[] = {"note", NULL};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *got = write_texts(&out_json, cases[i].text, "x");
		char why[200] = "";
		yajl_val tree = yajl_tree_parse(got, why, sizeof why);

		if (tree == NULL)
			fail_msg("case %zu: %s\n%s", i, why, got);
		assert_int_equal(YAJL_GET_ARRAY(tree)->len, 2);
		assert_string_equal(
		    YAJL_GET_STRING(yajl_tree_get(
			YAJL_GET_ARRAY(tree)->values[0], path, yajl_t_string)),
		    cases[i].want);
		yajl_tree_free(tree);
		free(got);
	}
}

/* ---- NDJSON ---- */

static void
ndjson_is_an_object_a_line(void **state)
{
	static const struct table_head head = {
	    .column = columns, .n_columns = 1, .name = "report"};
	static const union table_cell two[] = {
	    {.number = 0x0a000001}, {.number = 0x0a000002}};

	(void)state;
	assert_lines(&out_ndjson, &head, two, 2,
	    "{\"src\":\"10.0.0.1\"}\n{\"src\":\"10.0.0.2\"}\n");
	assert_lines(&out_ndjson, &head, two, 0, "");
}

/* ---- HTML ---- */

/* What is between the end of the style and the script. */
static char *
body_of(char *page)
{
	char *body = strstr(page, "<main>");
	char *end = strstr(page, "</main>");
	char *text;

	assert_non_null(body);
	assert_non_null(end);
	text = xcalloc((size_t)(end - body) + 1, 1);
	memcpy(text, body, (size_t)(end - body));
	free(page);
	return text;
}

static void
html_is_a_table_with_sums_and_notes(void **state)
{
	char *body =
	    body_of(write_table(&out_html, &plain, &named, rows[0], 1));

	(void)state;
	assert_string_equal(body,
	    "<main>\n"
	    "<header>\n"
	    "<h1>what was asked</h1>\n"
	    "</header>\n"
	    "<div class=frame role=region tabindex=0 aria-label=Rows>\n"
	    "<table>\n"
	    "<caption>what was asked</caption>\n"
	    "<thead><tr><th scope=col>Source</th>"
	    "<th scope=col data-k=n>Flags</th>"
	    "<th scope=col data-k=n>Protocol</th><th scope=col>Exporter</th>"
	    "<th scope=col>Start</th><th scope=col>Note</th>"
	    "<th scope=col class=r data-k=n>Octets</th>"
	    "<th scope=col class=\"r s\" data-k=n>Share %</th></tr></thead>\n"
	    "<tbody>\n"
	    "<tr><th scope=row class=c>10.0.0.1</th>"
	    "<td class=c data-v=27>...AP.SF 27</td><td>6 tcp</td>"
	    "<td class=c>2001:db8::1</td>"
	    "<td>2024-03-01 12:01:27.027</td><td class=long>plain</td>"
	    "<td class=r>1,208</td>"
	    "<td class=\"r s\" style=\"--p:99.99\">99.99</td></tr>\n"
	    "</tbody>\n"
	    "<tfoot><tr><th scope=row>total</th><td></td><td></td><td></td>"
	    "<td></td><td></td><td class=r>1,209,000</td><td></td>"
	    "</tr></tfoot>\n"
	    "</table>\n"
	    "</div>\n"
	    "<dl class=sums>\n"
	    "<div><dt>octets</dt><dd>1,209,000</dd></div>\n"
	    "</dl>\n"
	    "<div class=notes>\n"
	    "<p>2 of 3 rows</p>\n"
	    "</div>\n");
	free(body);
}

static void
fragment_is_what_a_page_has_in_it(void **state)
{
	char *text = write_table(&out_fragment, &plain, &named, rows[0], 1);

	(void)state;
	assert_ptr_equal(strstr(text, "<section class=answer>\n<header>\n"
				      "<h2>what was asked</h2>\n"),
	    text);
	/* Nothing that a strict policy forbids. */
	assert_null(strstr(text, "<script"));
	assert_null(strstr(text, "<style"));
	assert_null(strstr(text, "style="));
	assert_null(strstr(text, "href="));
	assert_non_null(strstr(text, "<td class=\"r s\">99.99<svg "));
	assert_non_null(strstr(text, "<rect height=1 width=\"99.99\"/>"));
	free(text);
}

static void
values_link_to_the_question_narrowed(void **state)
{
	const struct out_style linked = {.link = "?keys=src"};
	char *text = write_table(&out_fragment, &linked, &named, rows[0], 1);

	(void)state;
	assert_non_null(strstr(text,
	    "<th scope=col><a href=\"?keys=src&amp;sort=src\">Source</a>"));
	assert_non_null(
	    strstr(text, "<a href=\"?keys=src&amp;src=10.0.0.1\">10.0.0.1</a>"
			 "<a class=not href=\"?keys=src&amp;src=-10.0.0.1\""));
	/* By the number, not the letters. */
	assert_non_null(strstr(text, "href=\"?keys=src&amp;flags=27\""));
	free(text);
}

/* A word alone cannot say what else was asked of a net or of either end. */
static void
values_link_only_where_a_word_narrows(void **state)
{
	static const struct table_column cols[] = {
	    {.name = "src",
		.heading = "Net",
		.kind = VALUE_PREFIX,
		.word = "src"},
	    {.name = "host",
		.heading = "Host",
		.kind = VALUE_IP4,
		.word = "host",
		.either_end = true},
	    {.name = "dst", .heading = "To", .kind = VALUE_IP4, .word = "dst"},
	};
	static const struct table_head head = {
	    .column = cols, .n_columns = 3, .caption = "links\n"};
	static const struct {
		const char *link;
		bool hides;
		const char *is[2], *is_not[2];
	} cases[] = {
	    {"?", false, {"?src=10.0.0.0/8", "?host=10.0.0.1"}, {0}},
	    {"?src=-10.0.0.9", false, {"host=10.0.0.1", "dst=-10.0.0.2"},
		{"src=10.0.0.0/8", "src=-10.0.0.9,"}},
	    {"?host=10.0.0.0/8", false, {"src=10.0.0.0/8", "dst=10.0.0.2"},
		{"host=10.0.0.1", "host=10.0.0.0/8,"}},
	    {"?saved=x", true, {"dst=10.0.0.2", "dst=10.0.0.2"},
		{"src=", "dst=-"}},
	};
	const union table_cell cell[N] = {{.number = 0x0a00000008},
	    {.number = 0x0a000001}, {.number = 0x0a000002}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct out_style style = {
		    .link = cases[i].link, .link_hides = cases[i].hides};
		char *text = write_table(&out_html, &style, &head, cell, 1);

		for (size_t k = 0; k < 2; k++) {
			const char *not = cases[i].is_not[k];

			assert_non_null(strstr(text, cases[i].is[k]));
			if (not != NULL && strstr(text, not ) != NULL)
				fail_msg("%s: has %s", cases[i].link, not );
		}
		free(text);
	}
}

static void
html_without_rows_says_so_instead(void **state)
{
	char *body =
	    body_of(write_table(&out_html, &plain, &named, rows[0], 0));

	(void)state;
	assert_string_equal(body, "<main>\n"
				  "<header>\n"
				  "<h1>what was asked</h1>\n"
				  "</header>\n"
				  "<div class=empty>\n"
				  "<p>2 of 3 rows</p>\n"
				  "</div>\n");
	free(body);
}

static void
html_lets_no_text_become_markup(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
	    {"<script>alert(1)</script>",
		"&lt;script&gt;alert(1)&lt;/script&gt;"},
	    {"\"'&", "&quot;&#39;&amp;"},
	    {"&lt;", "&amp;lt;"},
	    {"\x01\x1b[2J\x7f\xc2\x9b",
		"\xef\xbf\xbd\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd"},
	    {"no \xff utf8 \xc0\xbc", /* an overlong "<" */
		"no \xef\xbf\xbd utf8 \xef\xbf\xbd\xef\xbf\xbd"},
	    {"abc\xe2\x80\xaegnp.exe", "abc\xef\xbf\xbdgnp.exe"},
	    {"caf\xc3\xa9", "caf\xc3\xa9"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *body = body_of(
		    write_texts(&out_html, cases[i].text, cases[i].text));
		char want[200];

		snprintf(
		    want, sizeof want, "<td class=long>%s</td>", cases[i].want);
		if (strstr(body, want) == NULL)
			fail_msg("case %zu: want %s in %s", i, want, body);
		free(body);
	}
}

static void
html_has_hostile_captions_notes_and_headings(void **state)
{
	static const struct table_column col = {.name = "x",
	    .heading = "<h>",
	    .unit = "&u",
	    .kind = VALUE_NUMBER,
	    .is_count = true};
	const struct table_head head = {
	    .column = &col, .n_columns = 1, .caption = "<a>\nb='\"'\n<c>\n"};
	const struct table_foot foot = {.total = total, .note = "</main>\n"};
	struct output o = output_begin(&out_html, &plain, &head);
	char *page;

	(void)state;
	out_row(&o.out, total);
	page = output_end(&o, &foot);
	assert_non_null(strstr(page, "<title>&lt;a&gt; - weir</title>"));
	assert_non_null(strstr(page, "<h1>&lt;a&gt;</h1>"));
	assert_non_null(
	    strstr(page, "<p class=words>b=&#39;&quot;&#39;</p>\n<p>&lt;c"));
	assert_non_null(strstr(page, ">&lt;h&gt; &amp;u</th>"));
	assert_non_null(strstr(page, "<dt>x</dt><dd>"));
	assert_non_null(strstr(page, "<p>&lt;/main&gt;</p>"));
	free(page);
}

/* ---- kinds ---- */

/* A value of each kind that columns[] has not, and one that comes with its
 * kind: what each writer makes of it. */
static void
every_kind_in_every_format(void **state)
{
	static const struct table_value any_real = {VALUE_REAL, {.real = 0.1}};
	static const struct table_value any_text = {
	    VALUE_TEXT, {.text = "a,b"}};
	static const struct table_value any_null = {VALUE_NULL, {0}};
	static const struct {
		enum value_kind kind;
		union table_cell cell;
		const char *text, *csv, *json;
	} cases[] = {
	    {VALUE_DURATION, {.number = 61005}, "61.005", "61005", "61005"},
	    {VALUE_PREFIX, {.number = UINT64_C(0x0a010000) << 8 | 16},
		"10.1.0.0/16", "10.1.0.0/16", "\"10.1.0.0/16\""},
	    {VALUE_PREFIX, {.number = 0}, "0.0.0.0/0", "0.0.0.0/0",
		"\"0.0.0.0/0\""},
	    {VALUE_SIGNED, {.difference = -7}, "-7", "-7", "-7"},
	    {VALUE_REAL, {.real = 0.1}, "0.1", "0.1", "0.1"},
	    {VALUE_REAL, {.real = 1e300}, "1e+300", "1e+300", "1e+300"},
	    {VALUE_REAL, {.real = 0.1 + 0.2}, "0.30000000000000004",
		"0.30000000000000004", "0.30000000000000004"},
	    {VALUE_REAL, {.real = HUGE_VAL}, "", "\"\"", "null"},
	    {VALUE_TEXT, {.text = NULL}, "", "\"\"", "null"},
	    {VALUE_TEXT, {.text = ""}, "", "\"\"", "\"\""},
	    {VALUE_ANY, {.any = &any_real}, "0.1", "0.1", "0.1"},
	    {VALUE_ANY, {.any = &any_text}, "a,b", "\"a,b\"", "\"a,b\""},
	    {VALUE_ANY, {.any = &any_null}, "", "\"\"", "null"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct table_column col = {
		    .name = "x", .heading = "x", .kind = cases[i].kind};
		const struct table_head head = {
		    .column = &col, .n_columns = 1, .caption = ""};
		char want[200], dashes[40] = "-";

		if (strlen(cases[i].text) > 1)
			memset(dashes, '-', strlen(cases[i].text));
		snprintf(want, sizeof want, "x\n%s\n", cases[i].csv);
		assert_lines(&out_csv, &head, &cases[i].cell, 1, want);
		snprintf(want, sizeof want, "{\"x\":%s}\n", cases[i].json);
		assert_lines(&out_ndjson, &head, &cases[i].cell, 1, want);
		snprintf(want, sizeof want, "%s\n%s\n", dashes, cases[i].text);
		assert_holds(&out_text, &head, &cases[i].cell, want);
	}
}

static void
octets_and_rates_come_in_units(void **state)
{
	static const struct {
		enum out_units units;
		enum table_quantity quantity;
		uint64_t n;
		const char *want;
	} cases[] = {
	    {UNITS_PLAIN, QUANTITY_OCTETS, 9610000, "9610000"},
	    {UNITS_SI, QUANTITY_NONE, 9610000, "9610000"},
	    {UNITS_SI, QUANTITY_OCTETS, 0, "0     B"},
	    {UNITS_SI, QUANTITY_OCTETS, 999, "999     B"},
	    {UNITS_SI, QUANTITY_OCTETS, 1000, "1.00 kB"},
	    {UNITS_SI, QUANTITY_OCTETS, 9610000, "9.61 MB"},
	    {UNITS_SI, QUANTITY_OCTETS, 5999999, "6.00 MB"},
	    {UNITS_SI, QUANTITY_OCTETS, 999994, "999.99 kB"},
	    {UNITS_SI, QUANTITY_OCTETS, 999996, "1.00 MB"},
	    {UNITS_SI, QUANTITY_OCTETS, UINT64_MAX, "18.45 EB"},
	    {UNITS_BINARY, QUANTITY_OCTETS, 1023, "1023      B"},
	    {UNITS_BINARY, QUANTITY_OCTETS, 1024, "1.00 KiB"},
	    {UNITS_BINARY, QUANTITY_OCTETS, 1048575, "1.00 MiB"},
	    {UNITS_BINARY, QUANTITY_OCTETS, UINT64_MAX, "16.00 EiB"},
	    {UNITS_BINARY, QUANTITY_BITS_PER_S, 2100000, "2.10 Mb/s"},
	    {UNITS_SI, QUANTITY_PACKETS_PER_S, 1500, "1.50 kp/s"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct out_style style = {.units = cases[i].units};
		const struct table_column col = {
		    .kind = VALUE_NUMBER, .quantity = cases[i].quantity};
		const struct table_value v = {
		    VALUE_NUMBER, {.number = cases[i].n}};
		struct cell_clock clock = {0};
		char text[CELL_MAX + 1];

		*cell_put(text, &style, &clock, &col, v) = '\0';
		assert_string_equal(text, cases[i].want);
	}
}

static const struct table_column joined[] = {
    {.name = "src", .heading = "Source", .kind = VALUE_IP4},
    {.name = "src_name", .heading = "Name", .kind = VALUE_TEXT, .join = " "},
    {.name = "sport", .heading = "Port", .kind = VALUE_NUMBER, .join = ":"},
    {.name = "n", .heading = "N", .kind = VALUE_NUMBER},
};

static void
joined_columns_are_one_for_people_alone(void **state)
{
	static const struct table_head head = {
	    .column = joined, .n_columns = 4, .caption = ""};
	static const union table_cell cell[2][4] = {
	    {{.number = 1}, {.text = "a.example"}, {.number = 80},
		{.number = 7}},
	    {{.number = 2}, {.text = NULL}, {.number = 443}, {.number = 8}}};

	(void)state;
	assert_lines(&out_text, &head, cell[0], 2,
	    "\n"
	    "Source                N\n"
	    "--------------------  -\n"
	    "0.0.0.1 a.example:80  7\n"
	    "0.0.0.2:443           8\n"
	    "\n");
	assert_lines(&out_csv, &head, cell[0], 2,
	    "src,src_name,sport,n\n"
	    "0.0.0.1,a.example,80,7\n"
	    "0.0.0.2,,443,8\n");
	assert_holds(&out_html, &head, cell[0],
	    "<tr><td class=c>0.0.0.1<span class=j> a.example</span>"
	    "<span class=j>:80</span></td><td class=r>7</td></tr>\n");
}

/* ---- the rest ---- */

static void
quirks_are_named(void **state)
{
	static const struct table_column column = {
	    .name = "quirks", .heading = "Quirks", .kind = VALUE_QUIRKS};
	static const struct table_head head = {
	    .column = &column, .n_columns = 1, .caption = ""};
	static const struct {
		const struct out_format *format;
		unsigned quirks;
		const char *want;
	} cases[] = {
	    {&out_csv, 0, "quirks,quirks_text\n0,\n"},
	    {&out_csv, 12,
		"quirks,quirks_text\n12,uptime-wrapped+clock-absurd\n"},
	    {&out_json, 0, "[{\"quirks\":0,\"quirks_text\":\"\"}]\n"},
	    {&out_json, 1,
		"[{\"quirks\":1,\"quirks_text\":\"start-after-end\"}]\n"},
	    {&out_text, 16, "\nduration-clamped\n"},
	    {&out_text, 0, "\n-\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const union table_cell cell = {.number = cases[i].quirks};
		char *got =
		    write_table(cases[i].format, &plain, &head, &cell, 1);

		if (strstr(got, cases[i].want) == NULL)
			fail_msg("case %zu: %s", i, got);
		free(got);
	}
}

static void
formats_are_found_by_name(void **state)
{
	struct buf names;

	(void)state;
	assert_ptr_equal(out_format_find("text"), &out_text);
	assert_ptr_equal(out_format_find("csv"), &out_csv);
	assert_ptr_equal(out_format_find("json"), &out_json);
	assert_ptr_equal(out_format_find("ndjson"), &out_ndjson);
	assert_null(out_format_find("xml"));
	assert_null(out_format_find(""));
	buf_init(&names, 100);
	out_format_list(&names);
	assert_string_equal(
	    buf_str(&names), "text csv json ndjson html fragment");
	buf_release(&names);
}

static void
share_is_rounded_and_never_overflows(void **state)
{
	static const struct {
		uint64_t part, total, want;
	} cases[] = {
	    {0, 0, 0},
	    {0, 5, 0},
	    {5, 5, 10000},
	    {1, 3, 3333},
	    {2, 3, 6667},
	    {1, 20000, 1},
	    {1, 20001, 0},
	    {UINT64_MAX, UINT64_MAX, 10000},
	    {UINT64_MAX / 2, UINT64_MAX, 5000},
	    {1, UINT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (table_share(cases[i].part, cases[i].total) != cases[i].want)
			fail_msg("row %zu: %llu", i,
			    (unsigned long long)table_share(
				cases[i].part, cases[i].total));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_is_aligned_and_plain),
	    cmocka_unit_test(text_on_a_terminal_is_grouped_and_bold),
	    cmocka_unit_test(shares_have_bars_where_they_can_be_drawn),
	    cmocka_unit_test(text_without_rows_has_no_headings),
	    cmocka_unit_test(text_passes_no_control_characters),
	    cmocka_unit_test(text_keeps_the_width_a_later_row_needs),
	    cmocka_unit_test(csv_has_names_and_values_alone),
	    cmocka_unit_test(csv_quotes_what_would_break_a_line),
	    cmocka_unit_test(json_with_a_name_is_an_object),
	    cmocka_unit_test(json_without_a_name_is_an_array),
	    cmocka_unit_test(json_is_valid_whatever_the_text),
	    cmocka_unit_test(ndjson_is_an_object_a_line),
	    cmocka_unit_test(html_is_a_table_with_sums_and_notes),
	    cmocka_unit_test(fragment_is_what_a_page_has_in_it),
	    cmocka_unit_test(values_link_to_the_question_narrowed),
	    cmocka_unit_test(values_link_only_where_a_word_narrows),
	    cmocka_unit_test(html_without_rows_says_so_instead),
	    cmocka_unit_test(html_lets_no_text_become_markup),
	    cmocka_unit_test(html_has_hostile_captions_notes_and_headings),
	    cmocka_unit_test(every_kind_in_every_format),
	    cmocka_unit_test(octets_and_rates_come_in_units),
	    cmocka_unit_test(joined_columns_are_one_for_people_alone),
	    cmocka_unit_test(quirks_are_named),
	    cmocka_unit_test(formats_are_found_by_name),
	    cmocka_unit_test(share_is_rounded_and_never_overflows),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
