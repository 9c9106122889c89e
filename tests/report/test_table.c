/* SPDX-License-Identifier: ISC */
/* The same table through every writer: alignment, quoting, valid JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yajl/yajl_tree.h>

#include "report/names.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "tests/temp.h"

/* One column of every kind. */
static const struct table_column columns[] = {
    {.name = "src", .heading = "Source", .kind = VALUE_IP4},
    {.name = "flags", .heading = "Flags", .kind = VALUE_FLAGS},
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
	char *dir = temp_new();
	char *path = xasprintf("%s/out", dir);
	char *text = xcalloc(1 << 16, 1);
	struct sink *sink;
	struct out out;
	FILE *f;

	assert_int_equal(sink_open(&sink, path, NULL), 0);
	out_init(&out, format, sink, style);
	out_begin(&out, head);
	out_measure_total(&out, total);
	for (size_t i = 0; i < n_measured; i++)
		out_measure(&out, cell + i * N);
	for (size_t i = 0; i < n_rows; i++)
		out_row(&out, cell + i * N);
	out_end(&out, &foot);
	assert_int_equal(out.n_rows, n_rows);
	out_release(&out);
	assert_int_equal(sink_close(sink, NULL), 0);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	fclose(f);
	free(path);
	temp_remove(dir);
	return text;
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
	assert_null(out_format_find("xml"));
	assert_null(out_format_find(""));
	buf_init(&names, 100);
	out_format_list(&names);
	assert_string_equal(buf_str(&names), "text csv json");
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
	    cmocka_unit_test(text_without_rows_has_no_headings),
	    cmocka_unit_test(text_passes_no_control_characters),
	    cmocka_unit_test(text_keeps_the_width_a_later_row_needs),
	    cmocka_unit_test(csv_has_names_and_values_alone),
	    cmocka_unit_test(csv_quotes_what_would_break_a_line),
	    cmocka_unit_test(json_with_a_name_is_an_object),
	    cmocka_unit_test(json_without_a_name_is_an_array),
	    cmocka_unit_test(json_is_valid_whatever_the_text),
	    cmocka_unit_test(quirks_are_named),
	    cmocka_unit_test(formats_are_found_by_name),
	    cmocka_unit_test(share_is_rounded_and_never_overflows),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
