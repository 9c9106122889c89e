/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_WHERE_H
#define WEIR_QUERY_WHERE_H
/*
 * The expression of where=: and, or, not and brackets over conditions such as
 * dport=80,443, octets > 1M or src_as = dst_as. nfdump's spellings are taken
 * where they have one meaning: "src net 10.0.0.0/8 and dst port 53".
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/err.h"

struct ast;
struct complaint;
struct names;

enum {
	WHERE_MAX_LEN = 65535, /* bytes */
	WHERE_MAX_DEPTH = 64,  /* brackets and nots within each other */
	WHERE_MAX_TERMS = 1000,
};

/*
 * Read an expression into a new tree; ast_print writes it in one spelling.
 * ERR_USAGE: why says what is wrong, *at is where, in bytes; another error: a
 * name could not be looked up.
 */
int where_read(struct ast **out, const char *text, const struct names *names,
    size_t *at, struct complaint *why) MUST_CHECK;

/* Whether a value that is this word must be in quotes to be one. */
bool where_reserves(const char *word);

#endif
