/* SPDX-License-Identifier: ISC */
/* The table model, and which formats there are: see table.h. */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/digits.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

static const struct out_format *const formats[] = {
    &out_text,
    &out_csv,
    &out_json,
    &out_ndjson,
    &out_html,
    &out_fragment,
};

const struct out_format *
out_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i]->name, name) == 0)
			return formats[i];
	return NULL;
}

void
out_format_list(struct buf *names)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
		if (i > 0)
			buf_puts(names, " ");
		buf_puts(names, formats[i]->name);
	}
}

/* Whether the environment says that text is UTF-8: locale(7), without asking
 * for a locale that may not be there. */
static bool
is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return strcasestr(value, "UTF-8") != NULL ||
			       strcasestr(value, "UTF8") != NULL;
	}
	return false;
}

struct out_style
out_style_for(int fd)
{
	const char *no_color = getenv("NO_COLOR"); /* no-color.org */
	struct winsize size;

	if (!isatty(fd))
		return (struct out_style){0};
	return (struct out_style){
	    .bold = no_color == NULL || no_color[0] == '\0',
	    .grouped = true,
	    .bars = is_utf8(),
	    .width = ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0,
	};
}

struct table_value
table_value(const struct table_column *col, union table_cell cell)
{
	struct table_value v = {col->kind, cell};

	if (v.kind == VALUE_ANY)
		v = *cell.any;
	if (v.kind == VALUE_TEXT && v.cell.text == NULL)
		v.kind = VALUE_NULL;
	return v;
}

void
out_init(struct out *o, const struct out_format *format, struct sink *sink,
    const struct out_style *style)
{
	*o = (struct out){.format = format, .sink = sink, .style = *style};
}

void
out_begin(struct out *o, const struct table_head *head)
{
	o->head = *head;
	o->width = xcalloc(head->n_columns, sizeof *o->width);
	o->format->begin(o);
}

static void
measure_column(struct out *o, size_t i, const union table_cell *cell)
{
	size_t width = o->format->measure(o, i, cell);

	if (width > o->width[i])
		o->width[i] = width;
}

void
out_measure(struct out *o, const union table_cell *cell)
{
	if (o->format->measure == NULL)
		return;
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (o->head.column[i].join == NULL)
			measure_column(o, i, cell);
}

void
out_measure_total(struct out *o, const union table_cell *total)
{
	if (o->format->measure == NULL)
		return;
	for (size_t i = 0; i < o->head.n_columns; i++)
		if (o->head.column[i].is_count)
			measure_column(o, i, total);
}

void
out_row(struct out *o, const union table_cell *cell)
{
	o->format->row(o, cell);
	o->n_rows++;
}

void
out_end(struct out *o, const struct table_foot *foot)
{
	o->format->end(o, foot);
}

void
out_release(struct out *o)
{
	if (o->format != NULL)
		o->format->release(o);
	free(o->width);
	*o = (struct out){0};
}

void
out_count(struct buf *text, const struct out_style *style, uint64_t n)
{
	char digits[DIGITS_MAX];
	char *end =
	    style->grouped ? put_u64_grouped(digits, n) : put_u64(digits, n);

	buf_put(text, digits, (size_t)(end - digits));
}

uint64_t
table_share(uint64_t part, uint64_t total)
{
	enum { WHOLE = 10000 };

	/* Past 10^15 the last bits say nothing, but would overflow. */
	while (total > UINT64_MAX / (2 * WHOLE)) {
		total >>= 1;
		part >>= 1;
	}
	return total == 0 ? 0 : (part * WHOLE + total / 2) / total;
}
