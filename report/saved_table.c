/* SPDX-License-Identifier: ISC */
/* What commands over state.db have in common: see saved_table.h. */
#include "report/saved_table.h"

#include <stdlib.h>
#include <string.h>

#include "query/saved.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/buf.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"

int
saved_take_arg(void *args, const char *word, struct err *err)
{
	struct saved_args *a = args;

	if (a->action == NULL) {
		a->action = word;
		return 0;
	}
	if (a->n == SAVED_MAX_ARGS)
		return err_set(err, ERR_USAGE,
		    "more than %d values: use a file and import",
		    (int)SAVED_MAX_ARGS);
	a->arg[a->n++] = word;
	return 0;
}

int
saved_set_comment(void *args, const char *value, struct err *err)
{
	struct saved_args *a = args;

	(void)err;
	a->comment = value;
	return 0;
}

int
saved_set_replace(void *args, const char *value, struct err *err)
{
	struct saved_args *a = args;

	(void)value, (void)err;
	a->replace = true;
	return 0;
}

static int
unknown_action(const struct saved_action *table, size_t n,
    const struct saved_args *a, struct err *err)
{
	struct suggestion s;
	struct buf known;

	buf_init(&known, 200);
	suggest_begin(&s, a->action != NULL ? a->action : "");
	for (size_t i = 0; i < n; i++) {
		buf_printf(&known, " %s", table[i].name);
		suggest_offer(&s, table[i].name);
	}
	if (a->action == NULL)
		err_set(err, ERR_USAGE,
		    "what to do is not given: want one of%s", buf_str(&known));
	else if (s.name[0] != '\0')
		err_set(err, ERR_USAGE,
		    "unknown action \"%.60s\": do you mean %s?", a->action,
		    s.name);
	else
		err_set(err, ERR_USAGE,
		    "unknown action \"%.60s\": actions are%s", a->action,
		    buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

int
saved_find_action(const struct saved_action *table, size_t n,
    const struct saved_args *a, const struct saved_action **out,
    struct err *err)
{
	size_t i = 0;

	while (i < n &&
	       (a->action == NULL || strcmp(table[i].name, a->action) != 0))
		i++;
	if (i == n)
		return unknown_action(table, n, a, err);
	if (a->n < table[i].min_args || a->n > table[i].max_args)
		return err_set(err, ERR_USAGE, "%s: want %s", table[i].name,
		    table[i].want);
	*out = &table[i];
	return 0;
}

int
saved_write_foot(const struct request *r, const struct table_head *head,
    size_t n, saved_fill_fn *fill, void *arg, const struct table_foot *foot,
    struct err *err)
{
	union table_cell *cell = xcalloc(head->n_columns, sizeof *cell);
	struct sink *sink;
	struct out out;
	int rc = request_open(r, &sink, &out, err);

	if (rc != 0) {
		free(cell);
		return rc;
	}
	out_begin(&out, head);
	for (size_t i = 0; i < n; i++) {
		fill(arg, i, cell);
		out_measure(&out, cell);
	}
	for (size_t i = 0; i < n; i++) {
		fill(arg, i, cell);
		out_row(&out, cell);
	}
	out_end(&out, foot);
	out_release(&out);
	free(cell);
	return sink_close(sink, err);
}

int
saved_write(const struct request *r, const struct table_head *head, size_t n,
    saved_fill_fn *fill, void *arg, const char *none, struct err *err)
{
	const struct table_foot foot = {
	    .matched = n, .note = n == 0 ? none : ""};

	return saved_write_foot(r, head, n, fill, arg, &foot, err);
}

int
saved_check_name(const char *name, struct err *err)
{
	char shown[QUOTE_LEN];

	if (saved_is_name(name))
		return 0;
	return err_set(err, ERR_USAGE,
	    "\"%s\" is no name: want a letter, then letters, digits and _ - "
	    ". of at most %d",
	    quote(name, SIZE_MAX, shown), (int)SAVED_NAME_LEN);
}
