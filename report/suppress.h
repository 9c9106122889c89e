/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SUPPRESS_H
#define WEIR_REPORT_SUPPRESS_H
/* Addresses that a report is to leave alone, as src= takes them. */
#include "schema/base/err.h"

struct ast;
struct names;

/* Add to the AST_OR any: a list as typed, or the lines of a file, one value or
 * list each; # begins a remark. ERR_USAGE with the word or the line. */
int suppress_add_list(struct ast *any, const char *list,
    const struct names *names, struct err *err) MUST_CHECK;
int suppress_add_file(struct ast *any, const char *path,
    const struct names *names, struct err *err) MUST_CHECK;

#endif
