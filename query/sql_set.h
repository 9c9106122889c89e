/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_SET_H
#define WEIR_QUERY_SQL_SET_H
/*
 * Lists that SQL functions take as text, as a set to look into: those that
 * filter words take, excludes and all, but for names, which would have to be
 * looked up. The functions themselves and the conditions that tables take over
 * read them alike.
 */
#include "schema/base/err.h"

struct ast;

enum sql_set_kind {
	SET_IP4,      /* as in src=: AST_RANGES */
	SET_EXPORTER, /* as in exporter=: AST_EXPORTERS, IPv6 too */
	SET_FLAGS,    /* as in flags=: AST_RANGES */
};

/* Read text into *out; ast_free() it. ERR_USAGE: names the function. */
int sql_set_read(enum sql_set_kind kind, const char *text, struct ast **out,
    struct err *err) MUST_CHECK;

#endif
