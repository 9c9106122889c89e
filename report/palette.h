/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PALETTE_H
#define WEIR_REPORT_PALETTE_H
/*
 * Colours. Those of keys can be told apart with the common deficiencies of
 * colour vision (Paul Tol's "bright" scheme and two of his "vibrant"); grey is
 * others, and what is only frame.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/canvas.h"

enum { PALETTE_KEYS = 8 };

struct theme {
	const char *name;
	struct color page, panel, line, text, quiet, accent, warn, bad;
	struct color others;
};

/* "light", "dark"; NULL: there is none of that name. */
const struct theme *theme_find(const char *name);

/* A number for the values of some keys, as text, and of the keys' names with
 * commas between them: the same wherever they come from. */
uint64_t palette_hash(const char *keys, const char *values);

/*
 * Give each of n keys a colour, the same in every picture unless it is taken:
 * key i, in order of importance, gets the one its hash points to, or the next
 * that is free. Past PALETTE_KEYS, all again, lighter or darker.
 */
void palette_assign(const struct theme *theme, const uint64_t *hash, size_t n,
    struct color *out);

/* Of a picture of one thing, and of what goes the other way. */
struct color palette_single(bool other_way);

#endif
