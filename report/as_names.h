/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_AS_NAMES_H
#define WEIR_REPORT_AS_NAMES_H
/*
 * Names of AS numbers from a text file: on each line a number, with or without
 * AS before it, blanks or a comma, and the name; "#" begins a comment line.
 */
#include <stdint.h>

#include "schema/base/err.h"

struct as_names;

enum {
	AS_NAMES_MAX = 1000000, /* lines */
	AS_NAME_MAX_LEN = 255   /* bytes */
};

/* ERR_USAGE: the file cannot be read, or a line is something else. */
int as_names_read(
    struct as_names **out, const char *path, struct err *err) MUST_CHECK;
void as_names_free(struct as_names *a); /* accepts NULL */

/* Of a number that is there twice, the last one; NULL: none. */
const char *as_name(const struct as_names *a, uint32_t number);

#endif
