/* SPDX-License-Identifier: ISC */
/*
 * CSV after RFC 4180, with LF at the end of lines: a line of names, then one
 * line a row, UTF-8. No totals, which a consumer would add to the rest. A
 * column of bits gives two: the number, then their letters or names as
 * name_text. What is not known is empty.
 */
#include "report/table.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "report/digits.h"
#include "report/sink.h"
#include "report/utf8.h"

/* Bytes that are no UTF-8 would stop a reader. */
static void
put_clean(struct sink *s, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		uint32_t code;
		size_t n = utf8_next(text, &code);

		if (n == 1 && (unsigned char)*text >= 0x80)
			sink_puts(s, UTF8_REPLACEMENT);
		else
			sink_put(s, text, n);
		text += n;
	}
}

static void
put_quoted(struct sink *s, const char *text)
{
	sink_putc(s, '"');
	for (;;) {
		size_t len = strcspn(text, "\"");

		put_clean(s, text, len);
		if (text[len] == '\0')
			break;
		sink_puts(s, "\"\"");
		text += len + 1;
	}
	sink_putc(s, '"');
}

static void
put_text(struct sink *s, const char *text)
{
	if (strpbrk(text, ",\"\r\n") != NULL)
		put_quoted(s, text);
	else
		put_clean(s, text, strlen(text));
}

static char *
put_flags(char *p, uint64_t flags)
{
	char letters[FLAGS_TEXT_LEN];

	p = put_u64(p, flags);
	*p++ = ',';
	flags_format((uint8_t)flags, letters);
	memcpy(p, letters, FLAGS_TEXT_LEN - 1);
	return p + FLAGS_TEXT_LEN - 1;
}

static bool
has_text(enum value_kind kind)
{
	return kind == VALUE_FLAGS || kind == VALUE_QUIRKS;
}

static char *
put_quirks(char *p, uint64_t quirks)
{
	p = put_u64(p, quirks);
	*p++ = ',';
	quirks_format((uint8_t)quirks, p);
	return p + strlen(p);
}

static void
put_value(struct sink *s, enum value_kind kind, union table_cell cell)
{
	char *p = sink_room(s, DIGITS_MAX + QUIRKS_TEXT_LEN);

	switch (kind) {
	case VALUE_NUMBER:
	case VALUE_DURATION: sink_end(s, put_u64(p, cell.number)); break;
	case VALUE_IP4: sink_end(s, put_ip4(p, (uint32_t)cell.number)); break;
	case VALUE_PREFIX: sink_end(s, put_prefix(p, cell.number)); break;
	case VALUE_TIME: sink_end(s, put_i64(p, cell.time_ms)); break;
	case VALUE_FLAGS: sink_end(s, put_flags(p, cell.number)); break;
	case VALUE_QUIRKS: sink_end(s, put_quirks(p, cell.number)); break;
	case VALUE_SHARE: sink_end(s, put_hundredths(p, cell.number)); break;
	case VALUE_SIGNED: sink_end(s, put_i64(p, cell.difference)); break;
	case VALUE_REAL: sink_end(s, put_real(p, cell.real)); break;
	case VALUE_EXPORTER: sink_end(s, put_addr(p, cell.addr)); break;
	case VALUE_TEXT: put_text(s, cell.text); break;
	case VALUE_NULL: break;
	case VALUE_ANY: assert(!"put_value: any"); break;
	}
}

static void
begin(struct out *o)
{
	const struct table_column *col = o->head.column;

	for (size_t i = 0; i < o->head.n_columns; i++) {
		if (i > 0)
			sink_putc(o->sink, ',');
		put_text(o->sink, col[i].name);
		if (has_text(col[i].kind)) {
			sink_putc(o->sink, ',');
			sink_puts(o->sink, col[i].name);
			sink_puts(o->sink, "_text");
		}
	}
	sink_putc(o->sink, '\n');
}

static bool
is_empty(struct table_value v)
{
	return v.kind == VALUE_NULL ||
	       (v.kind == VALUE_TEXT && v.cell.text[0] == '\0') ||
	       (v.kind == VALUE_REAL && !isfinite(v.cell.real));
}

static void
row(struct out *o, const union table_cell *cell)
{
	const struct table_column *col = o->head.column;
	size_t n = o->head.n_columns;

	/* Readers skip an empty line. */
	if (n == 1 && is_empty(table_value(col, cell[0])))
		sink_puts(o->sink, "\"\"");
	for (size_t i = 0; i < n; i++) {
		struct table_value v = table_value(&col[i], cell[i]);

		if (i > 0)
			sink_putc(o->sink, ',');
		put_value(o->sink, v.kind, v.cell);
	}
	sink_putc(o->sink, '\n');
}

static void
end(struct out *o, const struct table_foot *foot)
{
	(void)o;
	(void)foot;
}

static void
release(struct out *o)
{
	(void)o;
}

const struct out_format out_csv = {
    .name = "csv",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
};
