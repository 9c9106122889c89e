/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_LIST_H
#define WEIR_QUERY_LIST_H
/*
 * A field and the list of its values, "dport=80,443,-http-alt", as a
 * condition. What values and excludes mean together is decided here.
 */
#include <stddef.h>

#include "schema/base/err.h"

struct ast;
struct complaint;
struct field;
struct names;

enum {
	LIST_MAX_VALUES = 1000,        /* as typed */
	LIST_MAX_GROUP_VALUES = 20000, /* with those of all groups in it */
	LIST_MAX_GROUP_DEPTH = 8,      /* groups within groups */
};

/*
 * Read a comma list of values of f into a new tree, whose text is
 * "NAME=LIST" in canonical spelling. ERR_USAGE: why says what is wrong, *at is
 * where in the list, in bytes; another error: a name could not be looked up.
 */
int list_read(struct ast **out, const struct field *f, const char *list,
    const struct names *names, size_t *at, struct complaint *why) MUST_CHECK;

/* A value as it stands in a list: in quotes if it has to be. */
struct buf;
void list_put_value(struct buf *out, const char *value);

#endif
