/* SPDX-License-Identifier: ISC */
/* `weir filter`: filters under a name, which every command takes as @NAME. */
#include <string.h>

#include "query/filter.h"
#include "query/saved.h"
#include "report/commands.h"
#include "report/request.h"
#include "report/saved_table.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/state.h"

struct filter_command {
	struct request request;
	struct saved_args args;
	struct saved_list list; /* to be shown */
};

/* ---- the command line ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir filter save [-r] NAME WORDS [comment=TEXT]\n"
	    "       weir filter list\n"
	    "       weir filter show NAME...\n"
	    "       weir filter delete NAME...\n\n"
	    "Filter words under a name. Every command that takes filter words "
	    "takes @NAME\n"
	    "for them; a word given beside it takes the place of its own.\n\n"
	    "  weir filter save web-out src=10.0.0.0/8 dport=80,443 last=1h\n"
	    "  weir report dst @web-out\n"
	    "  weir report dst @web-out last=7d\n");
}

static const struct request_word own_words[] = {{"comment", saved_set_comment}};

static const struct request_option own_options[] = {{'r', "replace", NULL,
    "save over a filter of that name", saved_set_replace}};

static const struct request_spec spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .option = own_options,
    .n_options = ARRAY_LEN(own_options),
    .bare = saved_take_arg,
    .help = help,
};

/* ---- saving ---- */

static int
refuse_second(struct state *s, const char *name, struct err *err)
{
	struct saved old;
	int rc = saved_get(s, SAVED_FILTER, name, &old, err);

	if (rc != 1)
		return rc;
	err_set(err, ERR_USAGE,
	    "filter %s is there already: -r replaces it, which was %.300s",
	    old.name, old.text);
	saved_release(&old);
	return ERR_USAGE;
}

/* A filter on its way. */
struct saving {
	struct saved one;
	bool replace;
};

static int
put(struct state *s, void *arg, struct err *err)
{
	const struct saving *saving = arg;
	int rc = saving->replace ? 0 : refuse_second(s, saving->one.name, err);

	return rc != 0 ? rc : saved_put(s, SAVED_FILTER, &saving->one, err);
}

static int
save_words(struct filter_command *c, const char *words, struct err *err)
{
	const char *comment = c->args.comment;
	struct saving saving = {
	    .one =
		{
		    .name = xstrdup(c->args.arg[0]),
		    .text = xstrdup(words),
		    .comment = xstrdup(comment != NULL ? comment : ""),
		    .changed_ms = c->request.now_ms,
		},
	    .replace = c->args.replace,
	};
	int rc = state_change(c->request.dir, put, &saving, err);

	saved_release(&saving.one);
	return rc;
}

static int
save(void *command, struct err *err)
{
	struct filter_command *c = command;
	struct buf words;
	int rc = saved_check_name(c->args.arg[0], err);

	if (rc != 0)
		return rc;
	buf_init(&words, SAVED_TEXT_LEN);
	filter_print(&c->request.filter, &words);
	if (words.overflow)
		rc = err_set(err, ERR_USAGE, "save: more than %d bytes",
		    (int)SAVED_TEXT_LEN);
	else if (words.len == 0)
		rc = err_set(err, ERR_USAGE,
		    "save: no filter words are given: want some, such as "
		    "dport=80");
	else
		rc = save_words(c, buf_str(&words), err);
	buf_release(&words);
	return rc;
}

/* ---- showing ---- */

static const struct table_column columns[] = {
    {.name = "filter", .heading = "Filter", .kind = VALUE_TEXT},
    {.name = "words", .heading = "Words", .kind = VALUE_TEXT},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT, .drop = 2},
    {.name = "changed_ms", .heading = "Changed", .kind = VALUE_TIME, .drop = 1},
};

static const struct table_head head = {.column = columns,
    .n_columns = ARRAY_LEN(columns),
    .n_keys = 1,
    .caption = "saved filters\n"};

static void
fill(void *arg, size_t i, union table_cell *cell)
{
	const struct filter_command *c = arg;
	const struct saved *one = &c->list.saved[i];

	cell[0].text = one->name;
	cell[1].text = one->text;
	cell[2].text = one->comment;
	cell[3].time_ms = one->changed_ms;
}

static int
write_list(struct filter_command *c, struct err *err)
{
	return saved_write(&c->request, &head, c->list.n, fill, c,
	    "no filter is saved; weir filter save NAME WORDS does\n", err);
}

static int
list(void *command, struct err *err)
{
	struct filter_command *c = command;
	struct state *s;
	int rc = state_open_read(&s, c->request.dir, err);

	if (rc == 0 && s != NULL)
		rc = saved_get_all(s, SAVED_FILTER, &c->list, err);
	if (rc == 0)
		rc = write_list(c, err);
	state_close(s);
	return rc;
}

static int
unknown(const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "unknown filter \"%.60s\": weir filter list shows those that are "
	    "saved",
	    name);
}

static int
get_named(struct filter_command *c, struct state *s, struct err *err)
{
	struct saved_list *l = &c->list;
	int rc = 1;

	l->saved = xcalloc(c->args.n, sizeof *l->saved);
	for (size_t i = 0; i < c->args.n && rc == 1; i++) {
		rc = saved_get(
		    s, SAVED_FILTER, c->args.arg[i], &l->saved[l->n], err);
		if (rc == 1)
			l->n++;
		else if (rc == 0)
			return unknown(c->args.arg[i], err);
	}
	return rc < 0 ? rc : 0;
}

static int
show(void *command, struct err *err)
{
	struct filter_command *c = command;
	struct state *s;
	int rc = state_open_read(&s, c->request.dir, err);

	if (rc == 0)
		rc = s != NULL ? get_named(c, s, err)
			       : unknown(c->args.arg[0], err);
	if (rc == 0)
		rc = write_list(c, err);
	state_close(s);
	return rc;
}

/* ---- deleting ---- */

static int
delete_all(struct state *s, void *arg, struct err *err)
{
	const struct filter_command *c = arg;
	int rc = 0;

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		rc = saved_remove(s, SAVED_FILTER, c->args.arg[i], err);
		rc = rc == 0 ? unknown(c->args.arg[i], err) : rc == 1 ? 0 : rc;
	}
	return rc;
}

static int
delete_filters(void *command, struct err *err)
{
	struct filter_command *c = command;

	return state_change(c->request.dir, delete_all, c, err);
}

/* ---- the command ---- */

static const struct saved_action actions[] = {
    {"save", 1, 1, "one NAME and filter words", save},
    {"list", 0, 0, "no more words", list},
    {"show", 1, SAVED_MAX_ARGS, "one or more names", show},
    {"delete", 1, SAVED_MAX_ARGS, "one or more names", delete_filters},
};

int
filter_main(int argc, char **argv)
{
	struct filter_command c = {0};
	const struct saved_action *action;
	struct err err = {0};
	int rc = request_parse(&c.request, &spec, argc, argv, &c.args, &err);

	if (rc == 0 && c.request.help)
		rc = request_help(&c.request, &err);
	else if (rc == 0 && (rc = saved_find_action(actions, ARRAY_LEN(actions),
				 &c.args, &action, &err)) == 0)
		rc = action->run(&c, &err);
	saved_list_release(&c.list);
	request_release(&c.request);
	return request_status("filter", rc, &err);
}
