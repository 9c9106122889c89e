/* SPDX-License-Identifier: ISC */
/* UTF-8 by the character: see utf8.h. */
#include "report/utf8.h"

#include "schema/base/attr.h"

/* What the first byte tells. */
static const struct lead {
	uint8_t mask, bits; /* it is this one */
	uint8_t len;        /* bytes */
	uint32_t min;       /* smallest code point that needs so many */
} leads[] = {
    {0x80, 0x00, 1, 0},
    {0xe0, 0xc0, 2, 0x80},
    {0xf0, 0xe0, 3, 0x800},
    {0xf8, 0xf0, 4, 0x10000},
};

static const uint32_t REPLACEMENT = 0xfffd;

static size_t
invalid(uint32_t *code)
{
	*code = REPLACEMENT;
	return 1;
}

size_t
utf8_next(const char *s, uint32_t *code)
{
	uint8_t first = (uint8_t)s[0];
	const struct lead *l = leads;
	const struct lead *end = leads + ARRAY_LEN(leads);
	uint32_t c;

	while (l < end && (first & l->mask) != l->bits)
		l++;
	if (l == end)
		return invalid(code);
	c = first & (uint8_t)~l->mask;
	/* A NUL is no continuation byte, so this stops at the end. */
	for (size_t i = 1; i < l->len; i++) {
		if (((uint8_t)s[i] & 0xc0) != 0x80)
			return invalid(code);
		c = c << 6 | ((uint8_t)s[i] & 0x3f);
	}
	if (c < l->min || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return invalid(code);
	*code = c;
	return l->len;
}

bool
utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e ||
	       code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}
