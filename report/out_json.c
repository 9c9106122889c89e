/* SPDX-License-Identifier: ISC */
/*
 * JSON through yajl, which owns quoting and commas. A table with a name is an
 * object: {NAME: [keys], from_ms, to_ms, rows, total, matched}; one without is
 * an array of rows. Times are epoch milliseconds, addresses strings, what is
 * not known null. A column of bits gives two members: the number, and its
 * letters or names as NAME_text. NDJSON is the rows alone, an object a line.
 */
#include "report/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "report/digits.h"
#include "report/sink.h"
#include "report/utf8.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

/* Everything yajl could refuse here is a bug: depth, order, bad UTF-8. */
static void
must(yajl_gen_status status)
{
	assert(status == yajl_gen_status_ok);
	(void)status;
}

static void
print(void *arg, const char *text, size_t len)
{
	sink_put(arg, text, len);
}

static void
put_bytes(yajl_gen g, const char *text, size_t len)
{
	must(yajl_gen_string(g, (const unsigned char *)text, len));
}

static void
put_name(yajl_gen g, const char *name)
{
	put_bytes(g, name, strlen(name));
}

/* Any bytes as a string; what is no UTF-8 becomes U+FFFD. */
static void
put_text(yajl_gen g, const char *text)
{
	struct buf clean;

	buf_init(&clean, strlen(text) * strlen(UTF8_REPLACEMENT));
	while (*text != '\0') {
		uint32_t code;
		size_t len = utf8_next(text, &code);

		if (len == 1 && code >= 0x80)
			buf_puts(&clean, UTF8_REPLACEMENT);
		else
			buf_put(&clean, text, len);
		text += len;
	}
	put_bytes(g, buf_str(&clean), clean.len);
	buf_release(&clean);
}

static void
put_digits(yajl_gen g, const char *from, const char *end)
{
	must(yajl_gen_number(g, from, (size_t)(end - from)));
}

static void
put_number(yajl_gen g, uint64_t n)
{
	char digits[DIGITS_MAX];

	put_digits(g, digits, put_u64(digits, n));
}

static void
put_signed(yajl_gen g, int64_t n)
{
	char digits[DIGITS_MAX];

	put_digits(g, digits, put_i64(digits, n));
}

static void
put_share(yajl_gen g, uint64_t hundredths)
{
	char digits[DIGITS_MAX];

	put_digits(g, digits, put_hundredths(digits, hundredths));
}

static void
put_bits(yajl_gen g, const char *name, uint64_t bits, const char *text)
{
	char name_text[64];
	size_t len = strlen(name);

	assert(len + sizeof "_text" <= sizeof name_text);
	memcpy(name_text, name, len + 1);
	memcpy(name_text + len, "_text", sizeof "_text");
	put_number(g, bits);
	put_name(g, name_text);
	put_name(g, text);
}

static void
put_flags(yajl_gen g, const char *name, uint64_t flags)
{
	char letters[FLAGS_TEXT_LEN];

	flags_format((uint8_t)flags, letters);
	put_bits(g, name, flags, letters);
}

static void
put_quirks(yajl_gen g, const char *name, uint64_t quirks)
{
	char names[QUIRKS_TEXT_LEN];

	quirks_format((uint8_t)quirks, names);
	put_bits(g, name, quirks, names);
}

static void
put_ip4_text(yajl_gen g, uint32_t ip4)
{
	char text[DIGITS_MAX];

	put_bytes(g, text, (size_t)(put_ip4(text, ip4) - text));
}

static void
put_prefix_text(yajl_gen g, uint64_t prefix)
{
	char text[DIGITS_MAX];

	put_bytes(g, text, (size_t)(put_prefix(text, prefix) - text));
}

static void
put_null(yajl_gen g)
{
	must(yajl_gen_null(g));
}

static void
put_real_or_null(yajl_gen g, double x)
{
	char digits[DIGITS_MAX];

	if (isfinite(x))
		put_digits(g, digits, put_real(digits, x));
	else
		put_null(g);
}

static void
put_exporter(yajl_gen g, const struct addr *addr)
{
	char text[DIGITS_MAX];

	put_bytes(g, text, (size_t)(put_addr(text, addr) - text));
}

static void
put_member(
    yajl_gen g, const char *name, enum value_kind kind, union table_cell cell)
{
	put_name(g, name);
	switch (kind) {
	case VALUE_NUMBER:
	case VALUE_DURATION: put_number(g, cell.number); break;
	case VALUE_IP4: put_ip4_text(g, (uint32_t)cell.number); break;
	case VALUE_PREFIX: put_prefix_text(g, cell.number); break;
	case VALUE_TIME: put_signed(g, cell.time_ms); break;
	case VALUE_SIGNED: put_signed(g, cell.difference); break;
	case VALUE_FLAGS: put_flags(g, name, cell.number); break;
	case VALUE_QUIRKS: put_quirks(g, name, cell.number); break;
	case VALUE_SHARE: put_share(g, cell.number); break;
	case VALUE_EXPORTER: put_exporter(g, cell.addr); break;
	case VALUE_TEXT: put_text(g, cell.text); break;
	case VALUE_REAL: put_real_or_null(g, cell.real); break;
	case VALUE_NULL: put_null(g); break;
	case VALUE_ANY: assert(!"put_member: any"); break;
	}
}

static void
put_time_or_null(yajl_gen g, const char *name, bool known, int64_t ms)
{
	put_name(g, name);
	if (known)
		put_signed(g, ms);
	else
		put_null(g);
}

static void
put_head(yajl_gen g, const struct table_head *head)
{
	must(yajl_gen_map_open(g));
	put_name(g, head->name);
	must(yajl_gen_array_open(g));
	for (size_t i = 0; i < head->n_keys; i++)
		if (head->column[i].join == NULL)
			put_name(g, head->column[i].name);
	must(yajl_gen_array_close(g));
	put_time_or_null(g, "from_ms", head->has_from, head->from_ms);
	put_time_or_null(g, "to_ms", head->has_to, head->to_ms);
	put_name(g, "rows");
}

static void
begin_lines(struct out *o)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (g == NULL)
		abort(); /* out of memory */
	yajl_gen_config(g, yajl_gen_print_callback, print, o->sink);
	yajl_gen_config(g, yajl_gen_validate_utf8, 1);
	o->state = g;
}

static void
begin(struct out *o)
{
	begin_lines(o);
	if (o->head.name != NULL)
		put_head(o->state, &o->head);
	must(yajl_gen_array_open(o->state));
}

static void
row(struct out *o, const union table_cell *cell)
{
	const struct table_column *col = o->head.column;
	yajl_gen g = o->state;

	must(yajl_gen_map_open(g));
	for (size_t i = 0; i < o->head.n_columns; i++) {
		struct table_value v = table_value(&col[i], cell[i]);

		put_member(g, col[i].name, v.kind, v.cell);
	}
	must(yajl_gen_map_close(g));
}

static void
row_line(struct out *o, const union table_cell *cell)
{
	row(o, cell);
	yajl_gen_reset(o->state, "\n"); /* writes it */
}

static void
put_total(
    yajl_gen g, const struct table_head *head, const union table_cell *total)
{
	put_name(g, "total");
	must(yajl_gen_map_open(g));
	for (size_t i = 0; i < head->n_columns; i++)
		if (head->column[i].is_count)
			put_member(g, head->column[i].name,
			    head->column[i].kind, total[i]);
	must(yajl_gen_map_close(g));
}

static void
put_extra(yajl_gen g, const struct table_extra *extra, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct table_extra *x = &extra[i];

		put_member(g, x->name,
		    x->kind == VALUE_TEXT && x->cell.text == NULL ? VALUE_NULL
								  : x->kind,
		    x->cell);
	}
}

static void
end(struct out *o, const struct table_foot *foot)
{
	yajl_gen g = o->state;

	must(yajl_gen_array_close(g));
	if (o->head.name != NULL) {
		if (foot->total != NULL)
			put_total(g, &o->head, foot->total);
		put_name(g, "matched");
		put_number(g, foot->matched);
		put_extra(g, foot->extra, foot->n_extra);
		must(yajl_gen_map_close(g));
	}
	sink_putc(o->sink, '\n');
}

static void
end_lines(struct out *o, const struct table_foot *foot)
{
	(void)o;
	(void)foot;
}

static void
release(struct out *o)
{
	if (o->state != NULL)
		yajl_gen_free(o->state);
}

void
json_object(const struct table_extra *member, size_t n, struct buf *out)
{
	yajl_gen g = yajl_gen_alloc(NULL);
	const unsigned char *text;
	size_t len;

	if (g == NULL)
		abort(); /* out of memory */
	must(yajl_gen_map_open(g));
	put_extra(g, member, n);
	must(yajl_gen_map_close(g));
	must(yajl_gen_get_buf(g, &text, &len));
	buf_put(out, text, len);
	buf_puts(out, "\n");
	yajl_gen_free(g);
}

const struct out_format out_json = {
    .name = "json",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
};

const struct out_format out_ndjson = {
    .name = "ndjson",
    .begin = begin_lines,
    .row = row_line,
    .end = end_lines,
    .release = release,
};
