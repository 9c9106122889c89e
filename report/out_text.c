/* SPDX-License-Identifier: ISC */
/*
 * Text for people: captions, headings over dashes, aligned columns, totals,
 * notes. On a terminal with bold headings and thousands separators, and
 * columns that do not fit left out (the foot names them); into a file or
 * another program plain and whole. Control characters never pass.
 */
#include "report/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "report/digits.h"
#include "report/sink.h"
#include "report/utf8.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

struct text {
	bool hidden[TABLE_MAX_COLUMNS];
	bool has_headings;
	/* Flows of one second come together; asking for the local time of
	 * each would be most of a listing's work. */
	bool has_second;
	int64_t second;
	char time[CLOCK_TEXT_LEN];
};

/* ---- text of any origin ---- */

static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

static size_t
count_characters(const char *text)
{
	size_t n = 0;
	uint32_t code;

	for (; *text != '\0'; text += utf8_next(text, &code))
		n++;
	return n;
}

/* What a terminal could take as a command, or is no UTF-8, becomes "?". */
static void
put_clean(struct sink *s, const char *text)
{
	while (*text != '\0') {
		uint32_t code;
		size_t len = utf8_next(text, &code);

		if (is_control(code) || (len == 1 && code >= 0x80))
			sink_putc(s, '?');
		else
			sink_put(s, text, len);
		text += len;
	}
}

/* The same, but for lines: newlines are kept, and one ends the last. */
static void
put_lines(struct sink *s, const char *lines)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		char *line = xcalloc(len + 1, 1);

		memcpy(line, lines, len);
		put_clean(s, line);
		sink_putc(s, '\n');
		free(line);
		lines += len + (lines[len] == '\n');
	}
}

/* ---- cells ---- */

enum { CELL_MAX = 80 }; /* bytes of a cell that is not VALUE_TEXT */

static char *
put_string(char *p, const char *text)
{
	size_t len = strlen(text);

	memcpy(p, text, len + 1);
	return p + len;
}

static char *
put_number(char *p, const struct out_style *style,
    const struct table_column *col, uint64_t n)
{
	const char *label = col->label != NULL ? col->label(n) : NULL;

	p = col->is_count && style->grouped ? put_u64_grouped(p, n)
					    : put_u64(p, n);
	if (label != NULL) {
		*p++ = ' ';
		p = put_string(p, label);
	}
	return p;
}

static char *
put_flags(char *p, uint64_t flags)
{
	char letters[FLAGS_TEXT_LEN];

	flags_format((uint8_t)flags, letters);
	p = put_string(p, letters);
	*p++ = ' ';
	return put_u64(p, flags);
}

static char *
put_quirks(char *p, uint64_t quirks)
{
	char names[QUIRKS_TEXT_LEN];

	quirks_format((uint8_t)quirks, names);
	return put_string(p, quirks == 0 ? "-" : names);
}

static char *
put_time(char *p, int64_t ms)
{
	char text[CLOCK_TEXT_LEN];

	clock_format_ms(ms, text);
	return put_string(p, text);
}

/* Anything but VALUE_TEXT. */
static char *
put_value(char *p, const struct out_style *style,
    const struct table_column *col, union table_cell cell)
{
	switch (col->kind) {
	case VALUE_NUMBER: return put_number(p, style, col, cell.number);
	case VALUE_IP4: return put_ip4(p, (uint32_t)cell.number);
	case VALUE_TIME: return put_time(p, cell.time_ms);
	case VALUE_FLAGS: return put_flags(p, cell.number);
	case VALUE_QUIRKS: return put_quirks(p, cell.number);
	case VALUE_SHARE: return put_hundredths(p, cell.number);
	case VALUE_SIGNED: return put_i64(p, cell.difference);
	case VALUE_EXPORTER: return put_addr(p, cell.addr);
	case VALUE_TEXT: break;
	}
	assert(!"put_value: text");
	return p;
}

static char *
put_time_cached(struct text *t, char *p, int64_t ms)
{
	int64_t rest = ms % MS_PER_S;
	int64_t second = ms / MS_PER_S;
	size_t len;

	if (rest < 0) {
		rest += MS_PER_S;
		second--;
	}
	if (!t->has_second || second != t->second) {
		clock_format_ms(second * MS_PER_S, t->time);
		t->second = second;
		t->has_second = true;
	}
	len = strlen(t->time);
	memcpy(p, t->time, len);
	p[len - 3] = (char)('0' + rest / 100);
	p[len - 2] = (char)('0' + rest / 10 % 10);
	p[len - 1] = (char)('0' + rest % 10);
	return p + len;
}

static size_t
measure(
    const struct out *o, const struct table_column *col, union table_cell cell)
{
	char text[CELL_MAX];

	if (col->kind == VALUE_TEXT)
		return count_characters(cell.text);
	return (size_t)(put_value(text, &o->style, col, cell) - text);
}

static bool
aligns_right(const struct table_column *col)
{
	switch (col->kind) {
	case VALUE_NUMBER: return col->label == NULL;
	case VALUE_SHARE:
	case VALUE_SIGNED: return true;
	case VALUE_TEXT: return col->right;
	default: return false;
	}
}

/* ---- lines ---- */

struct cursor {
	size_t pending; /* blanks due before the next text: none at the end
			   of a line */
	bool started;
};

/* Make room for a text of len characters in column i. */
static size_t
open_cell(struct out *o, struct cursor *c, size_t i, size_t len)
{
	size_t fill;

	if (len > o->width[i])
		o->width[i] = len; /* later rows align with this one */
	fill = o->width[i] - len;
	if (c->started)
		c->pending += o->head.tight ? 1 : 2;
	c->started = true;
	if (aligns_right(&o->head.column[i])) {
		c->pending += fill;
		fill = 0;
	}
	if (len > 0) {
		sink_pad(o->sink, ' ', c->pending);
		c->pending = 0;
	}
	return fill;
}

static void
put_text_cell(struct out *o, struct cursor *c, size_t i, const char *text)
{
	size_t fill = open_cell(o, c, i, count_characters(text));

	put_clean(o->sink, text);
	c->pending += fill;
}

static void
put_cell(struct out *o, struct cursor *c, size_t i, union table_cell cell)
{
	const struct table_column *col = &o->head.column[i];
	char text[CELL_MAX];
	char *end;
	size_t fill;

	if (col->kind == VALUE_TEXT) {
		put_text_cell(o, c, i, cell.text);
		return;
	}
	if (col->kind == VALUE_TIME)
		end = put_time_cached(o->state, text, cell.time_ms);
	else
		end = put_value(text, &o->style, col, cell);
	fill = open_cell(o, c, i, (size_t)(end - text));
	sink_put(o->sink, text, (size_t)(end - text));
	c->pending += fill;
}

/* ---- which columns, and their headings ---- */

static size_t
line_width(const struct out *o)
{
	const struct text *t = o->state;
	size_t gap = o->head.tight ? 1 : 2;
	size_t width = 0;

	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!t->hidden[i])
			width += o->width[i] + (width > 0 ? gap : 0);
	return width;
}

static bool
hide_one(struct out *o)
{
	const struct table_column *col = o->head.column;
	struct text *t = o->state;
	size_t worst = o->head.n_columns;

	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!t->hidden[i] && col[i].drop > 0 &&
		    (worst == o->head.n_columns ||
			col[i].drop > col[worst].drop))
			worst = i;
	if (worst == o->head.n_columns)
		return false;
	t->hidden[worst] = true;
	return true;
}

static void
heading_of(const struct table_column *col, char out[CELL_MAX])
{
	char *p = put_string(out, col->heading);

	if (col->unit != NULL) {
		*p++ = ' ';
		p = put_string(p, col->unit);
	}
	*p = '\0';
}

static void
put_dashes(struct out *o)
{
	const struct text *t = o->state;
	bool started = false;

	for (size_t i = 0; i < o->head.n_columns; i++) {
		if (t->hidden[i])
			continue;
		if (started)
			sink_pad(o->sink, ' ', o->head.tight ? 1 : 2);
		sink_pad(o->sink, '-', o->width[i]);
		started = true;
	}
	sink_putc(o->sink, '\n');
}

static void
put_headings(struct out *o)
{
	static const char total[] = "total";
	char heading[TABLE_MAX_COLUMNS][CELL_MAX];
	struct text *t = o->state;
	struct cursor c = {0};

	for (size_t i = 0; i < o->head.n_columns; i++) {
		size_t least = i == 0 && o->head.n_keys > 0 ? strlen(total) : 0;

		heading_of(&o->head.column[i], heading[i]);
		if (strlen(heading[i]) > least)
			least = strlen(heading[i]);
		if (least > o->width[i])
			o->width[i] = least;
	}
	while (
	    o->style.width > 0 && line_width(o) > o->style.width && hide_one(o))
		continue;
	sink_puts(o->sink, o->style.bold ? "\033[1m" : "");
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!t->hidden[i])
			put_text_cell(o, &c, i, heading[i]);
	sink_puts(o->sink, o->style.bold ? "\033[0m\n" : "\n");
	put_dashes(o);
	t->has_headings = true;
}

/* ---- the writer ---- */

static void
begin(struct out *o)
{
	o->state = xcalloc(1, sizeof(struct text));
	put_lines(o->sink, o->head.caption);
	sink_putc(o->sink, '\n');
}

static void
row(struct out *o, const union table_cell *cell)
{
	struct text *t = o->state;
	struct cursor c = {0};

	if (!t->has_headings)
		put_headings(o); /* only now are the widths known */
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!t->hidden[i])
			put_cell(o, &c, i, cell[i]);
	sink_putc(o->sink, '\n');
}

static void
put_total(struct out *o, const union table_cell *total)
{
	const struct text *t = o->state;
	struct cursor c = {0};

	put_dashes(o);
	for (size_t i = 0; i < o->head.n_columns; i++) {
		if (t->hidden[i])
			continue;
		if (o->head.column[i].is_count)
			put_cell(o, &c, i, total[i]);
		else
			put_text_cell(o, &c, i, i == 0 ? "total" : "");
	}
	sink_putc(o->sink, '\n');
}

static void
put_hidden(struct out *o)
{
	const struct text *t = o->state;
	bool any = false;

	for (size_t i = 0; i < o->head.n_columns; i++) {
		if (!t->hidden[i])
			continue;
		sink_puts(o->sink, any ? ", " : "too narrow for: ");
		sink_puts(o->sink, o->head.column[i].heading);
		any = true;
	}
	if (any)
		sink_putc(o->sink, '\n');
}

static void
end(struct out *o, const struct table_foot *foot)
{
	if (o->n_rows > 0) {
		if (foot->total != NULL)
			put_total(o, foot->total);
		sink_putc(o->sink, '\n');
	}
	put_hidden(o);
	put_lines(o->sink, foot->note);
}

static void
release(struct out *o)
{
	free(o->state);
}

const struct out_format out_text = {
    .name = "text",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
    .measure = measure,
};
