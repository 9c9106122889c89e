/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_BUF_H
#define WEIR_SCHEMA_BASE_BUF_H
/*
 * A growing string with a stated maximum. Appending past the maximum drops
 * the text and sets overflow, which the owner checks once at the end.
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/attr.h"

struct buf {
	char *data;    /* NUL-terminated once anything was appended */
	size_t len;    /* bytes, without the NUL */
	size_t cap;    /* bytes allocated */
	size_t max;    /* bytes, without the NUL */
	bool overflow; /* something did not fit */
};

void buf_init(struct buf *b, size_t max);
void buf_release(struct buf *b); /* accepts a zeroed struct */
void buf_clear(struct buf *b);   /* empty again, memory kept */
void buf_put(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
const char *buf_str(const struct buf *b); /* never NULL; until changed */

#endif
