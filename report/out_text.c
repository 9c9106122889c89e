/* SPDX-License-Identifier: ISC */
/*
 * Text for people: captions, headings over dashes, aligned columns, totals,
 * notes. On a terminal with bold headings and thousands separators, and
 * columns that do not fit left out (the foot names them); into a file or
 * another program plain and whole. Control characters never pass.
 */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "report/cell.h"
#include "report/sink.h"
#include "report/utf8.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

/* Text has no maximum of its own: a cell of it is in memory already. */
enum { TEXT_MAX = 1 << 30 };

enum { NAME_MAX_LEN = 30 }; /* characters of a name on a terminal */
enum { BAR_LEN = 10 };      /* characters of a whole */

struct text {
	bool *hidden; /* by column */
	bool has_headings;
	struct cell_clock clock;
	struct buf cell; /* the one being written */
};

/* ---- text of any origin ---- */

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
put_clean(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		uint32_t code;
		size_t n = utf8_next(text, &code);

		if (utf8_is_control(code) || (n == 1 && code >= 0x80))
			buf_puts(out, "?");
		else
			buf_put(out, text, n);
		text += n;
	}
}

/* The same, but for lines: newlines are kept, and one ends the last. */
static void
put_lines(struct out *o, const char *lines)
{
	struct text *t = o->state;

	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		buf_clear(&t->cell);
		put_clean(&t->cell, lines, len);
		sink_put(o->sink, buf_str(&t->cell), t->cell.len);
		sink_putc(o->sink, '\n');
		lines += len + (lines[len] == '\n');
	}
}

/* ---- cells ---- */

/* On a terminal, of what is joined (a name) only the end: of a host's name the
 * domain, which says most. */
static const char *
cut_name(struct out *o, const struct table_column *col, const char *text)
{
	struct text *t = o->state;
	size_t n = count_characters(text);
	uint32_t code;

	if (o->style.width == 0 || col->join == NULL || n <= NAME_MAX_LEN)
		return text;
	for (n -= NAME_MAX_LEN - 2; n > 0; n--)
		text += utf8_next(text, &code);
	buf_puts(&t->cell, "..");
	return text;
}

/* A bar of up to BAR_LEN characters, to an eighth of one. */
static void
put_bar(struct buf *out, uint64_t hundredths)
{
	enum { WHOLE = 10000, EIGHTHS = 8 * BAR_LEN };
	static const char *const parts[] = {"", "\u258f", "\u258e", "\u258d",
	    "\u258c", "\u258b", "\u258a", "\u2589"};
	uint64_t n = (hundredths * EIGHTHS + WHOLE / 2) / WHOLE;

	for (n = n < EIGHTHS ? n : EIGHTHS; n >= 8; n -= 8)
		buf_puts(out, "\u2588");
	buf_puts(out, parts[n]);
}

/* Whether cells of column i are a number and a bar. */
static bool
has_bar(const struct out *o, size_t i)
{
	return o->style.bars && cell_is_share(&o->head.column[i]);
}

static void
put_value(struct out *o, size_t i, struct table_value v)
{
	const struct table_column *col = &o->head.column[i];
	struct text *t = o->state;
	char text[CELL_MAX];
	char *end;

	if (v.kind == VALUE_TEXT) {
		const char *shown = cut_name(o, col, v.cell.text);

		put_clean(&t->cell, shown, strlen(shown));
		return;
	}
	end = cell_put(text, &o->style, &t->clock, col, v);
	if (!has_bar(o, i)) {
		buf_put(&t->cell, text, (size_t)(end - text));
		return;
	}
	buf_printf(&t->cell, "%6.*s ", (int)(end - text), text);
	put_bar(&t->cell, v.cell.number);
}

/* Column i and what is joined to it, into t->cell; how many characters. */
static size_t
make_cell(struct out *o, size_t i, const union table_cell *cell)
{
	const struct table_column *col = o->head.column;
	struct text *t = o->state;
	bool has_text = false;

	buf_clear(&t->cell);
	do {
		struct table_value v = table_value(&col[i], cell[i]);

		has_text |= v.kind == VALUE_TEXT || has_bar(o, i);
		if (col[i].join != NULL && v.kind != VALUE_NULL)
			buf_puts(&t->cell, col[i].join);
		put_value(o, i, v);
		i++;
	} while (i < o->head.n_columns && col[i].join != NULL);
	return has_text ? count_characters(buf_str(&t->cell)) : t->cell.len;
}

static size_t
measure(struct out *o, size_t i, const union table_cell *cell)
{
	return make_cell(o, i, cell);
}

/* Whether column i stands for itself alone and has numbers. */
static bool
aligns_right(const struct out *o, size_t i)
{
	const struct table_column *col = o->head.column;
	bool joined = i + 1 < o->head.n_columns && col[i + 1].join != NULL;

	return cell_aligns_right(&col[i]) && !joined && !has_bar(o, i);
}

/* ---- lines ---- */

struct cursor {
	size_t pending; /* blanks due before the next text: none at the end
			   of a line */
	bool started;
};

/* A text of n characters into column i. */
static void
put_cell(struct out *o, struct cursor *c, size_t i, const char *text,
    size_t len, size_t n)
{
	size_t fill;

	if (n > o->width[i])
		o->width[i] = n; /* later rows align with this one */
	fill = o->width[i] - n;
	if (c->started)
		c->pending += o->head.tight ? 1 : 2;
	c->started = true;
	if (aligns_right(o, i)) {
		c->pending += fill;
		fill = 0;
	}
	if (len > 0) {
		sink_pad(o->sink, ' ', c->pending);
		c->pending = 0;
	}
	sink_put(o->sink, text, len);
	c->pending += fill;
}

static void
put_text_cell(struct out *o, struct cursor *c, size_t i, const char *text)
{
	put_cell(o, c, i, text, strlen(text), count_characters(text));
}

static void
put_made_cell(
    struct out *o, struct cursor *c, size_t i, const union table_cell *cell)
{
	const struct text *t = o->state;
	size_t n = make_cell(o, i, cell);

	put_cell(o, c, i, buf_str(&t->cell), t->cell.len, n);
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

/* The heading of column i, into t->cell. */
static const char *
make_heading(struct out *o, size_t i)
{
	const struct table_column *col = &o->head.column[i];
	struct text *t = o->state;

	buf_clear(&t->cell);
	put_clean(&t->cell, col->heading, strlen(col->heading));
	if (col->unit != NULL && !cell_has_units(&o->style, col))
		buf_printf(&t->cell, " %s", col->unit);
	return buf_str(&t->cell);
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
measure_headings(struct out *o)
{
	static const char total[] = "total";

	for (size_t i = 0; i < o->head.n_columns; i++) {
		size_t least = i == 0 && o->head.n_keys > 0 ? strlen(total) : 0;
		size_t n = count_characters(make_heading(o, i));

		if (n > least)
			least = n;
		if (o->head.column[i].join == NULL && least > o->width[i])
			o->width[i] = least;
	}
}

static void
put_headings(struct out *o)
{
	struct text *t = o->state;
	struct cursor c = {0};

	measure_headings(o);
	while (
	    o->style.width > 0 && line_width(o) > o->style.width && hide_one(o))
		continue;
	sink_puts(o->sink, o->style.bold ? "\033[1m" : "");
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (!t->hidden[i])
			put_text_cell(o, &c, i, make_heading(o, i));
	sink_puts(o->sink, o->style.bold ? "\033[0m\n" : "\n");
	put_dashes(o);
	t->has_headings = true;
}

/* ---- the writer ---- */

static void
begin(struct out *o)
{
	struct text *t = xcalloc(1, sizeof *t);

	t->hidden = xcalloc(o->head.n_columns, sizeof *t->hidden);
	buf_init(&t->cell, TEXT_MAX);
	/* What is joined is written with the column it is joined to. */
	for (size_t i = 0; i < o->head.n_columns; i++)
		t->hidden[i] = o->head.column[i].join != NULL;
	o->state = t;
	put_lines(o, o->head.caption);
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
			put_made_cell(o, &c, i, cell);
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
			put_made_cell(o, &c, i, total);
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
		if (!t->hidden[i] || o->head.column[i].join != NULL)
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
	put_lines(o, foot->note);
}

static void
release(struct out *o)
{
	struct text *t = o->state;

	if (t == NULL)
		return;
	free(t->hidden);
	buf_release(&t->cell);
	free(t);
}

const struct out_format out_text = {
    .name = "text",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
    .measure = measure,
};
