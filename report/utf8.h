/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_UTF8_H
#define WEIR_REPORT_UTF8_H
/* Text from outside, which may be anything, as what outputs can carry. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* U+FFFD, for bytes that are no UTF-8. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/*
 * The character at s, which ends with a NUL: its length in bytes and its code
 * point. A byte that begins no valid UTF-8 (RFC 3629: shortest form, no
 * surrogates, at most U+10FFFF) counts as one character, U+FFFD.
 */
size_t utf8_next(const char *s, uint32_t *code);

/* What commands a terminal, or reverses the direction of writing, which makes a
 * name look like another one. */
bool utf8_is_control(uint32_t code);

#endif
