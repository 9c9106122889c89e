/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SAVED_TABLE_H
#define WEIR_REPORT_SAVED_TABLE_H
/* What the commands over state.db have in common: weir group, filter, track. */
#include <stdbool.h>
#include <stddef.h>

#include "report/request.h"

struct out;
struct table_foot;
struct table_head;
union table_cell;

enum { SAVED_MAX_ARGS = 1000 };

/* Words of the command line that are no key=value: an action and its names.
 * All borrowed from argv. */
struct saved_args {
	const char *action; /* NULL: not given */
	const char *arg[SAVED_MAX_ARGS];
	size_t n;
	const char *comment; /* comment=; NULL: not given */
	bool replace;        /* what is there under the name */
};

/* For a request_spec, whose arg is a struct saved_args: words without a key,
 * comment= and an option to replace. */
int saved_take_arg(void *args, const char *word, struct err *err) MUST_CHECK;
int saved_set_comment(
    void *args, const char *value, struct err *err) MUST_CHECK;
int saved_set_replace(
    void *args, const char *value, struct err *err) MUST_CHECK;

/* One of a command's actions. */
struct saved_action {
	const char *name;
	size_t min_args, max_args;
	const char *want; /* when they are not so many */
	int (*run)(void *command, struct err *err);
};

/* Find the action and check how many arguments it has. */
int saved_find_action(const struct saved_action *table, size_t n,
    const struct saved_args *a, const struct saved_action **out,
    struct err *err) MUST_CHECK;

/* A table of n rows, each filled in by fill, which may keep texts in what arg
 * holds. none: what a person reads if there are no rows. */
typedef void saved_fill_fn(void *arg, size_t i, union table_cell *cell);
int saved_write(const struct request *r, const struct table_head *head,
    size_t n, saved_fill_fn *fill, void *arg, const char *none,
    struct err *err) MUST_CHECK;

/* The same with more beside the rows. */
int saved_write_foot(const struct request *r, const struct table_head *head,
    size_t n, saved_fill_fn *fill, void *arg, const struct table_foot *foot,
    struct err *err) MUST_CHECK;

/* That a name is one. */
int saved_check_name(const char *name, struct err *err) MUST_CHECK;

#endif
