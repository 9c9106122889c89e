/* SPDX-License-Identifier: ISC */
/*
 * JSON through yajl, which owns quoting and commas. A table with a name is an
 * object: {NAME: [keys], from_ms, to_ms, rows, total, matched}; one without is
 * an array of rows. Times are epoch milliseconds, addresses strings. A column
 * of bits gives two members: the number, and its letters or names as NAME_text.
 */
#include "report/table.h"

#include <assert.h>
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
	static const char replacement[] = "\xef\xbf\xbd";
	struct buf clean;

	buf_init(&clean, strlen(text) * strlen(replacement));
	while (*text != '\0') {
		uint32_t code;
		size_t len = utf8_next(text, &code);

		if (len == 1 && code >= 0x80)
			buf_puts(&clean, replacement);
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
	case VALUE_NUMBER: put_number(g, cell.number); break;
	case VALUE_IP4: put_ip4_text(g, (uint32_t)cell.number); break;
	case VALUE_TIME: put_signed(g, cell.time_ms); break;
	case VALUE_SIGNED: put_signed(g, cell.difference); break;
	case VALUE_FLAGS: put_flags(g, name, cell.number); break;
	case VALUE_QUIRKS: put_quirks(g, name, cell.number); break;
	case VALUE_SHARE: put_share(g, cell.number); break;
	case VALUE_EXPORTER: put_exporter(g, cell.addr); break;
	case VALUE_TEXT: put_text(g, cell.text); break;
	}
}

static void
put_time_or_null(yajl_gen g, const char *name, bool known, int64_t ms)
{
	put_name(g, name);
	if (known)
		put_signed(g, ms);
	else
		must(yajl_gen_null(g));
}

static void
put_head(yajl_gen g, const struct table_head *head)
{
	must(yajl_gen_map_open(g));
	put_name(g, head->name);
	must(yajl_gen_array_open(g));
	for (size_t i = 0; i < head->n_keys; i++)
		put_name(g, head->column[i].name);
	must(yajl_gen_array_close(g));
	put_time_or_null(g, "from_ms", head->has_from, head->from_ms);
	put_time_or_null(g, "to_ms", head->has_to, head->to_ms);
	put_name(g, "rows");
}

static void
begin(struct out *o)
{
	yajl_gen g = yajl_gen_alloc(NULL);

	if (g == NULL)
		abort(); /* out of memory */
	yajl_gen_config(g, yajl_gen_print_callback, print, o->sink);
	yajl_gen_config(g, yajl_gen_validate_utf8, 1);
	o->state = g;
	if (o->head.name != NULL)
		put_head(g, &o->head);
	must(yajl_gen_array_open(g));
}

static void
row(struct out *o, const union table_cell *cell)
{
	yajl_gen g = o->state;

	must(yajl_gen_map_open(g));
	for (size_t i = 0; i < o->head.n_columns; i++)
		put_member(
		    g, o->head.column[i].name, o->head.column[i].kind, cell[i]);
	must(yajl_gen_map_close(g));
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
put_extra(yajl_gen g, const struct table_foot *foot)
{
	for (size_t i = 0; i < foot->n_extra; i++) {
		const struct table_extra *x = &foot->extra[i];

		if (x->kind != VALUE_TEXT || x->cell.text != NULL) {
			put_member(g, x->name, x->kind, x->cell);
			continue;
		}
		put_name(g, x->name);
		must(yajl_gen_null(g));
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
		put_extra(g, foot);
		must(yajl_gen_map_close(g));
	}
	sink_putc(o->sink, '\n');
}

static void
release(struct out *o)
{
	if (o->state != NULL)
		yajl_gen_free(o->state);
}

const struct out_format out_json = {
    .name = "json",
    .begin = begin,
    .row = row,
    .end = end,
    .release = release,
};
