/* SPDX-License-Identifier: ISC */
/* Cells for people: see cell.h. */
#include "report/cell.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "report/digits.h"

static char *
put_string(char *p, const char *text)
{
	return mempcpy(p, text, strlen(text));
}

/* ---- units ---- */

/* Of one length in each list, so that what stands before them is aligned. */
static const char *const si_bytes[] = {
    " B", "kB", "MB", "GB", "TB", "PB", "EB"};
static const char *const binary_bytes[] = {
    "  B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
static const char *const bits[] = {
    " b/s", "kb/s", "Mb/s", "Gb/s", "Tb/s", "Pb/s", "Eb/s"};
static const char *const packets[] = {
    " p/s", "kp/s", "Mp/s", "Gp/s", "Tp/s", "Pp/s", "Ep/s"};

/* n in the largest unit of which there is one: "9.61 MB". Blanks stand for the
 * decimals of what has none, so that points are aligned. */
static char *
put_in_units(char *p, uint64_t n, unsigned base, const char *const *unit)
{
	uint64_t div = 1, whole;
	unsigned hundredths;

	for (; n / div >= base; unit++)
		div *= base;
	if (div == 1) {
		p = put_string(put_u64(p, n), "    ");
		return put_string(p, *unit);
	}
	whole = n / div;
	hundredths = (unsigned)((double)(n % div) / (double)div * 100 + 0.5);
	whole += hundredths / 100;
	hundredths %= 100;
	if (whole == base) { /* 999,996 B is 1.00 MB, not 1000.00 kB */
		whole = 1;
		unit++;
	}
	p = put_hundredths(p, whole * 100 + hundredths);
	*p++ = ' ';
	return put_string(p, *unit);
}

static char *
put_quantity(
    char *p, enum out_units units, const struct table_column *col, uint64_t n)
{
	switch (col->quantity) {
	case QUANTITY_OCTETS:
		return units == UNITS_BINARY
			   ? put_in_units(p, n, 1024, binary_bytes)
			   : put_in_units(p, n, 1000, si_bytes);
	case QUANTITY_BITS_PER_S: return put_in_units(p, n, 1000, bits);
	case QUANTITY_PACKETS_PER_S: return put_in_units(p, n, 1000, packets);
	case QUANTITY_NONE: break;
	}
	assert(!"put_quantity: none");
	return p;
}

bool
cell_has_units(const struct out_style *style, const struct table_column *col)
{
	return style->units != UNITS_PLAIN && col->quantity != QUANTITY_NONE;
}

/* ---- values ---- */

static char *
put_number(char *p, const struct out_style *style,
    const struct table_column *col, uint64_t n)
{
	const char *label = col->label != NULL ? col->label(n) : NULL;

	if (cell_has_units(style, col))
		return put_quantity(p, style->units, col, n);
	p = style->grouped && (col->is_count || col->quantity != QUANTITY_NONE)
		? put_u64_grouped(p, n)
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
put_time(char *p, struct cell_clock *clock, int64_t ms)
{
	int64_t rest = ms % MS_PER_S;
	int64_t second = ms / MS_PER_S;

	if (rest < 0) {
		rest += MS_PER_S;
		second--;
	}
	if (!clock->has_second || second != clock->second) {
		clock_format_ms(second * MS_PER_S, clock->text);
		clock->second = second;
		clock->has_second = true;
	}
	p = put_string(p, clock->text);
	p[-3] = (char)('0' + rest / 100);
	p[-2] = (char)('0' + rest / 10 % 10);
	p[-1] = (char)('0' + rest % 10);
	return p;
}

char *
cell_put(char *p, const struct out_style *style, struct cell_clock *clock,
    const struct table_column *col, struct table_value v)
{
	switch (v.kind) {
	case VALUE_NUMBER: return put_number(p, style, col, v.cell.number);
	case VALUE_IP4: return put_ip4(p, (uint32_t)v.cell.number);
	case VALUE_PREFIX: return put_prefix(p, v.cell.number);
	case VALUE_TIME: return put_time(p, clock, v.cell.time_ms);
	case VALUE_DURATION: return put_thousandths(p, v.cell.number);
	case VALUE_FLAGS: return put_flags(p, v.cell.number);
	case VALUE_QUIRKS: return put_quirks(p, v.cell.number);
	case VALUE_SHARE: return put_hundredths(p, v.cell.number);
	case VALUE_SIGNED: return put_i64(p, v.cell.difference);
	case VALUE_REAL: return put_real(p, v.cell.real);
	case VALUE_EXPORTER: return put_addr(p, v.cell.addr);
	case VALUE_NULL: return p;
	case VALUE_TEXT:
	case VALUE_ANY: break;
	}
	assert(!"cell_put: text");
	return p;
}

bool
cell_is_share(const struct table_column *col)
{
	return col->kind == VALUE_SHARE && col->unit != NULL &&
	       strcmp(col->unit, "%") == 0;
}

bool
cell_aligns_right(const struct table_column *col)
{
	switch (col->kind) {
	case VALUE_NUMBER: return col->label == NULL;
	case VALUE_SHARE:
	case VALUE_SIGNED:
	case VALUE_DURATION:
	case VALUE_REAL: return true;
	case VALUE_TEXT:
	case VALUE_ANY: return col->right;
	default: return false;
	}
}
