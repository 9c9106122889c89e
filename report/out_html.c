/* SPDX-License-Identifier: ISC */
/*
 * A table as one HTML page that needs nothing else: style and script are in it,
 * and its security policy lets nothing in from outside, nor any other script
 * run. It is whole without the script, which only sorts. What stands at the top
 * but is known at the end, the sums, is written there and put up by the style.
 *
 * Format fragment is what is in such a page, without style and script, for a
 * page that has its own, whose policy may forbid style attributes.
 */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "report/cell.h"
#include "report/digits.h"
#include "report/html/asset.h"
#include "report/link.h"
#include "report/sink.h"
#include "report/utf8.h"
#include "schema/base/mem.h"

struct html {
	struct cell_clock clock;
	bool is_part; /* of a page of somebody else's */
};

/* ---- text of any origin ---- */

static const char *
entity(uint32_t code)
{
	switch (code) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* Fit for the text of an element and for an attribute in quotes. */
static void
put_escaped(struct sink *s, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		uint32_t code;
		size_t n = utf8_next(text, &code);
		const char *safe = entity(code);

		if (safe != NULL)
			sink_puts(s, safe);
		else if (utf8_is_control(code) || (n == 1 && code >= 0x80))
			sink_puts(s, UTF8_REPLACEMENT);
		else
			sink_put(s, text, n);
		text += n;
	}
}

static void
put_text(struct sink *s, const char *text)
{
	put_escaped(s, text, strlen(text));
}

/* What is behind the first line. */
static const char *
next_line(const char *lines)
{
	lines += strcspn(lines, "\n");
	return lines + (*lines == '\n');
}

/* The first of lines, between before and after. */
static void
put_line(
    struct sink *s, const char *before, const char *lines, const char *after)
{
	sink_puts(s, before);
	put_escaped(s, lines, strcspn(lines, "\n"));
	sink_puts(s, after);
}

/* ---- columns ---- */

static bool
is_joined(const struct out *o, size_t i)
{
	return i < o->head.n_columns && o->head.column[i].join != NULL;
}

/* Whether the script compares numbers; what begins with one counts as one. */
static bool
is_number(const struct table_column *col)
{
	return cell_aligns_right(col) || col->kind == VALUE_NUMBER ||
	       col->kind == VALUE_FLAGS;
}

static bool
is_code(const struct table_column *col)
{
	switch (col->kind) {
	case VALUE_IP4:
	case VALUE_PREFIX:
	case VALUE_EXPORTER:
	case VALUE_FLAGS: return true;
	default: return false;
	}
}

/* " class=..." of a cell of column i, if any. */
static void
put_class(struct out *o, size_t i)
{
	const struct table_column *col = &o->head.column[i];
	bool right = cell_aligns_right(col) && !is_joined(o, i + 1);

	if (is_code(col))
		sink_puts(o->sink, " class=c");
	else if (cell_is_share(col))
		sink_puts(o->sink, " class=\"r s\"");
	else if (right)
		sink_puts(o->sink, " class=r");
	else if (col->kind == VALUE_TEXT || col->kind == VALUE_ANY)
		sink_puts(o->sink, " class=long");
}

static void
put_heading(struct out *o, size_t i)
{
	const struct table_column *col = &o->head.column[i];

	put_text(o->sink, col->heading);
	if (col->unit == NULL || cell_has_units(&o->style, col))
		return;
	sink_puts(o->sink, " ");
	put_text(o->sink, col->unit);
}

/* To the question sorted by it; the script may do without asking again. */
static void
put_linked_heading(struct out *o, size_t i)
{
	const char *sort = o->head.column[i].sort;

	if (o->style.link == NULL || sort == NULL) {
		put_heading(o, i);
		return;
	}
	sink_puts(o->sink, "<a href=\"");
	link_put(o->sink, o->style.link, LINK_ONLY, "sort", sort, strlen(sort));
	sink_puts(o->sink, "\">");
	put_heading(o, i);
	sink_puts(o->sink, "</a>");
}

static void
put_headings(struct out *o)
{
	sink_puts(o->sink, "<thead><tr>");
	for (size_t i = 0; i < o->head.n_columns; i++) {
		const struct table_column *col = &o->head.column[i];

		if (is_joined(o, i))
			continue;
		sink_puts(o->sink, "<th scope=col");
		if (cell_is_share(col))
			sink_puts(o->sink, " class=\"r s\"");
		else if (cell_aligns_right(col) && !is_joined(o, i + 1))
			sink_puts(o->sink, " class=r");
		sink_puts(o->sink, is_number(col) ? " data-k=n>" : ">");
		put_linked_heading(o, i);
		sink_puts(o->sink, "</th>");
	}
	sink_puts(o->sink, "</tr></thead>\n<tbody>\n");
}

/* ---- cells ---- */

static void
put_plain_value(struct out *o, size_t i, struct table_value v)
{
	struct html *h = o->state;
	char text[CELL_MAX];
	char *end;

	if (v.kind == VALUE_TEXT) {
		put_text(o->sink, v.cell.text);
		return;
	}
	end = cell_put(text, &o->style, &h->clock, &o->head.column[i], v);
	put_escaped(o->sink, text, (size_t)(end - text));
}

/* v as a filter word takes it; the end of it in text, which is text for what
 * no word takes. */
static char *
put_word_value(char *text, struct table_value v)
{
	switch (v.kind) {
	case VALUE_NUMBER:
	case VALUE_FLAGS: return put_u64(text, v.cell.number);
	case VALUE_IP4: return put_ip4(text, (uint32_t)v.cell.number);
	case VALUE_PREFIX: return put_prefix(text, v.cell.number);
	case VALUE_EXPORTER: return put_addr(text, v.cell.addr);
	default: return text;
	}
}

/*
 * Whether a word in place of what it was narrows the question to this value and
 * nothing else. A net may hold what was excluded, and of what was asked of
 * either end the other one may be meant: where there was such a word, or a
 * saved filter may have it, one word cannot say it.
 */
static bool
is_exact(const struct out *o, size_t i, enum value_kind kind)
{
	const struct table_column *col = &o->head.column[i];

	if (kind != VALUE_PREFIX && !col->either_end)
		return true;
	return !o->style.link_hides && !link_has(o->style.link, col->word);
}

static void
put_link(struct out *o, size_t i, enum link_change change, const char *text,
    size_t len)
{
	sink_puts(o->sink, "href=\"");
	link_put(
	    o->sink, o->style.link, change, o->head.column[i].word, text, len);
	sink_puts(o->sink, "\"");
}

/* To the question without the value. */
static void
put_exclusion(struct out *o, size_t i, const char *text, size_t len)
{
	sink_puts(o->sink, "<a class=not ");
	put_link(o, i, LINK_WITHOUT, text, len);
	sink_puts(o->sink, " aria-label=\"without ");
	put_escaped(o->sink, text, len);
	sink_puts(o->sink, "\">not</a>");
}

/* Linked to the question narrowed to it, and to the one without it. */
static void
put_value(struct out *o, size_t i, struct table_value v)
{
	char text[DIGITS_MAX];
	size_t len = (size_t)(put_word_value(text, v) - text);

	if (o->style.link == NULL || o->head.column[i].word == NULL ||
	    len == 0 || !is_exact(o, i, v.kind)) {
		put_plain_value(o, i, v);
		return;
	}
	sink_puts(o->sink, "<a ");
	put_link(o, i, LINK_ONLY, text, len);
	sink_puts(o->sink, ">");
	put_plain_value(o, i, v);
	sink_puts(o->sink, "</a>");
	/* A word given beside a saved filter takes the place of its own. */
	if (!o->style.link_hides)
		put_exclusion(o, i, text, len);
}

/* What the script sorts by, where the text is no help, and how long the bar of
 * a share is. */
static void
put_data(struct out *o, size_t i, struct table_value v)
{
	const struct table_column *col = &o->head.column[i];
	const struct html *h = o->state;
	char *p;

	if (v.kind == VALUE_FLAGS || cell_has_units(&o->style, col)) {
		sink_puts(o->sink, " data-v=");
		p = sink_room(o->sink, DIGITS_MAX);
		sink_end(o->sink, put_u64(p, v.cell.number));
	} else if (cell_is_share(col) && !h->is_part) {
		sink_puts(o->sink, " style=\"--p:");
		p = sink_room(o->sink, DIGITS_MAX);
		sink_end(o->sink, put_hundredths(p, v.cell.number));
		sink_puts(o->sink, "\"");
	}
}

/* A share as a bar, where attributes may not say how long it is. */
static void
put_bar(struct out *o, size_t i, struct table_value v)
{
	const struct html *h = o->state;
	char *p;

	if (!h->is_part || !cell_is_share(&o->head.column[i]))
		return;
	sink_puts(o->sink,
	    "<svg class=bar viewBox=\"0 0 100 1\" preserveAspectRatio=none "
	    "aria-hidden=true><rect height=1 width=\"");
	p = sink_room(o->sink, DIGITS_MAX);
	sink_end(o->sink, put_hundredths(p, v.cell.number));
	sink_puts(o->sink, "\"/></svg>");
}

/* Column i and what is joined to it. */
static void
put_cell(struct out *o, size_t i, const union table_cell *cell)
{
	const struct table_column *col = o->head.column;
	struct table_value v = table_value(&col[i], cell[i]);
	bool is_key = i == 0 && o->head.n_keys > 0;

	sink_puts(o->sink, is_key ? "<th scope=row" : "<td");
	put_class(o, i);
	put_data(o, i, v);
	sink_puts(o->sink, ">");
	put_value(o, i, v);
	put_bar(o, i, v);
	while (is_joined(o, ++i)) {
		v = table_value(&col[i], cell[i]);
		if (v.kind == VALUE_NULL)
			continue;
		sink_puts(o->sink, "<span class=j>");
		put_text(o->sink, col[i].join);
		put_value(o, i, v);
		sink_puts(o->sink, "</span>");
	}
	sink_puts(o->sink, is_key ? "</th>" : "</td>");
}

/* ---- the page ---- */

static void
put_head(struct out *o)
{
	sink_puts(o->sink,
	    "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	    "<meta name=viewport content=\"width=device-width\">\n"
	    "<meta http-equiv=Content-Security-Policy content=\"default-src "
	    "'none'; style-src 'unsafe-inline'; script-src 'sha256-");
	sink_puts(o->sink, asset_sort_js_hash);
	sink_puts(o->sink, "'; base-uri 'none'; form-action 'none'\">\n");
	put_line(
	    o->sink, "<title>", o->head.caption, " - weir</title>\n<style>\n");
	sink_puts(o->sink, asset_page_css);
	sink_puts(o->sink, "</style>\n</head>\n");
}

static void
begin(struct out *o)
{
	const char *line = o->head.caption;
	struct html *h = o->state = xcalloc(1, sizeof *h);

	h->is_part = o->format == &out_fragment;
	o->style.grouped = true;
	if (!h->is_part)
		put_head(o);
	put_line(o->sink,
	    h->is_part ? "<section class=answer>\n<header>\n<h2>"
		       : "<body>\n<main>\n<header>\n<h1>",
	    line, h->is_part ? "</h2>\n" : "</h1>\n");
	/* The span is the last one; words that filter are before. */
	for (line = next_line(line); *line != '\0'; line = next_line(line))
		put_line(o->sink,
		    *next_line(line) != '\0' ? "<p class=words>" : "<p>", line,
		    "</p>\n");
	sink_puts(o->sink, "</header>\n");
}

static void
begin_table(struct out *o)
{
	sink_puts(o->sink,
	    "<div class=frame role=region tabindex=0 aria-label=Rows>\n"
	    "<table>\n");
	put_line(o->sink, "<caption>", o->head.caption, "</caption>\n");
	put_headings(o);
}

static void
row(struct out *o, const union table_cell *cell)
{
	if (o->n_rows == 0)
		begin_table(o);
	sink_puts(o->sink, "<tr>");
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!is_joined(o, i))
			put_cell(o, i, cell);
	sink_puts(o->sink, "</tr>\n");
}

static void
put_total_cell(struct out *o, size_t i, const union table_cell *total)
{
	if (o->head.column[i].is_count) {
		put_cell(o, i, total);
		return;
	}
	sink_puts(o->sink, i == 0 ? "<th scope=row>total</th>" : "<td></td>");
}

static void
put_total(struct out *o, const union table_cell *total)
{
	sink_puts(o->sink, "<tfoot><tr>");
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!is_joined(o, i))
			put_total_cell(o, i, total);
	sink_puts(o->sink, "</tr></tfoot>\n");
}

/* A name in CSV as a word for people: "duplicate_flows" is "duplicate flows".
 */
static void
put_name(struct sink *s, const char *name)
{
	for (; *name != '\0'; name++)
		sink_putc(s, (char)(*name == '_' ? ' ' : *name));
}

static void
put_row_count(struct out *o)
{
	char *p;

	sink_puts(o->sink, "<div><dt>");
	put_text(o->sink, o->head.rows);
	sink_puts(o->sink, "</dt><dd>");
	p = sink_room(o->sink, DIGITS_MAX);
	sink_end(o->sink, put_u64_grouped(p, o->n_rows));
	sink_puts(o->sink, "</dd></div>\n");
}

/* The totals again, for who only wants to know those. */
static void
put_sums(struct out *o, const union table_cell *total)
{
	const struct table_column *col = o->head.column;

	sink_puts(o->sink, "<dl class=sums>\n");
	if (o->head.rows != NULL)
		put_row_count(o);
	for (size_t i = 0; i < o->head.n_columns; i++) {
		if (!col[i].is_count)
			continue;
		sink_puts(o->sink, "<div><dt>");
		put_name(o->sink, col[i].name);
		sink_puts(o->sink, "</dt><dd>");
		put_value(o, i, table_value(&col[i], total[i]));
		sink_puts(o->sink, "</dd></div>\n");
	}
	sink_puts(o->sink, "</dl>\n");
}

static void
end(struct out *o, const struct table_foot *foot)
{
	const struct html *h = o->state;

	if (o->n_rows > 0) {
		sink_puts(o->sink, "</tbody>\n");
		if (foot->total != NULL)
			put_total(o, foot->total);
		sink_puts(o->sink, "</table>\n</div>\n");
		if (foot->total != NULL)
			put_sums(o, foot->total);
	}
	sink_puts(o->sink,
	    o->n_rows > 0 ? "<div class=notes>\n" : "<div class=empty>\n");
	for (const char *line = foot->note; *line != '\0';
	     line = next_line(line))
		put_line(o->sink, "<p>", line, "</p>\n");
	if (h->is_part) {
		sink_puts(o->sink, "</div>\n</section>\n");
		return;
	}
	sink_puts(o->sink, "</div>\n</main>\n<script>");
	sink_puts(o->sink, asset_sort_js);
	sink_puts(o->sink, "</script>\n</body>\n</html>\n");
}

static void
release(struct out *o)
{
	free(o->state);
}

const struct out_format out_html = {
    .name = "html",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
};

const struct out_format out_fragment = {
    .name = "fragment",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
};
