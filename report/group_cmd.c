/* SPDX-License-Identifier: ISC */
/* `weir group`: values under a name, which filters take as @NAME. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/names.h"
#include "query/saved.h"
#include "query/store_names.h"
#include "report/commands.h"
#include "report/group_check.h"
#include "report/group_csv.h"
#include "report/request.h"
#include "report/saved_table.h"
#include "report/table.h"
#include "report/track.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"
#include "schema/state.h"

struct group_command {
	struct request request;
	struct saved_args args;
	struct saved_list list; /* to be stored or shown */
	struct row {
		const struct saved *group;
		char *value;
	} * row; /* of show: a value */
	size_t n_rows, cap_rows;
	struct names offline; /* without asking the DNS */
};

/* ---- the command line ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir group set NAME VALUE... [comment=TEXT]\n"
	    "       weir group import FILE.csv\n"
	    "       weir group list\n"
	    "       weir group show [NAME...]\n"
	    "       weir group remove NAME...\n\n"
	    "Networks, ports, interfaces or other values under a name. A "
	    "filter takes @NAME\n"
	    "where it takes a value, and a group may have other groups.\n\n"
	    "  weir group set servers 10.0.0.0/24,-10.0.0.128/25 10.0.1.7\n"
	    "  weir group set web 80 443 8000-8080\n"
	    "  weir report src dst=@servers dport=@web\n"
	    "  weir group set inside -- -10.0.0.0/8 -192.168.0.0/16\n"
	    "  weir group show -f csv > groups.csv   # for import\n\n"
	    "A file to import has columns group, value and perhaps comment, "
	    "named in its\n"
	    "first line; the groups in it take the place of those of their "
	    "names.\n");
}

static const struct request_word own_words[] = {{"comment", saved_set_comment}};

static const struct request_spec spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .bare = saved_take_arg,
    .help = help,
    .free_words = true,
};

/* ---- storing ---- */

/* All groups of the command's list. */
static int
put_and_check(struct state *s, void *arg, struct err *err)
{
	struct group_command *c = arg;
	struct store_names *names =
	    store_names_new(c->request.dir, c->request.conf, s);
	const struct names offline = group_offline(store_names(names));
	int rc = 0;

	for (size_t i = 0; i < c->list.n && rc == 0; i++)
		rc = saved_put(s, SAVED_GROUP, &c->list.saved[i], err);
	for (size_t i = 0; i < c->list.n && rc == 0; i++)
		rc = group_check(&c->list.saved[i], store_names(names), err);
	if (rc == 0)
		rc = group_check_users(
		    s, &c->list, &offline, c->request.now_ms, err);
	store_names_free(names);
	return rc;
}

static int
store(struct group_command *c, struct err *err)
{
	return state_change(c->request.dir, put_and_check, c, err);
}

static int
set(void *command, struct err *err)
{
	struct group_command *c = command;
	const char *comment = c->args.comment;
	struct buf values;
	int rc = saved_check_name(c->args.arg[0], err);

	if (rc != 0)
		return rc;
	buf_init(&values, SAVED_TEXT_LEN);
	for (size_t i = 1; i < c->args.n; i++)
		buf_printf(&values, "%s%s", i > 1 ? "," : "", c->args.arg[i]);
	if (values.overflow) {
		rc = err_set(err, ERR_USAGE, "set: more than %d bytes",
		    (int)SAVED_TEXT_LEN);
	} else {
		c->list.saved = xcalloc(1, sizeof *c->list.saved);
		c->list.n = 1;
		c->list.saved[0] = (struct saved){
		    .name = xstrdup(c->args.arg[0]),
		    .text = xstrdup(buf_str(&values)),
		    .comment = xstrdup(comment != NULL ? comment : ""),
		    .changed_ms = c->request.now_ms,
		};
		rc = store(c, err);
	}
	buf_release(&values);
	return rc;
}

static int
import(void *command, struct err *err)
{
	struct group_command *c = command;
	int rc = group_csv_read(&c->list, c->args.arg[0], err);

	for (size_t i = 0; i < c->list.n; i++)
		c->list.saved[i].changed_ms = c->request.now_ms;
	return rc != 0 ? rc : store(c, err);
}

/* ---- showing ---- */

static int
get_all(struct group_command *c, struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, c->request.dir, err);

	if (rc == 0 && s != NULL)
		rc = saved_get_all(s, SAVED_GROUP, &c->list, err);
	state_close(s);
	return rc;
}

static const char none[] =
    "no group is there; weir group set NAME VALUE... makes one\n";

static const struct table_column list_columns[] = {
    {.name = "group", .heading = "Group", .kind = VALUE_TEXT},
    {.name = "kind", .heading = "Of", .kind = VALUE_TEXT},
    {.name = "values", .heading = "Values", .kind = VALUE_NUMBER},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT, .drop = 2},
    {.name = "changed_ms", .heading = "Changed", .kind = VALUE_TIME, .drop = 1},
};

static const struct table_head list_head = {.column = list_columns,
    .n_columns = ARRAY_LEN(list_columns),
    .n_keys = 1,
    .caption = "groups\n"};

/* Commas outside of quotes, and one more. */
static size_t
count_values(const char *text)
{
	bool quoted = false;
	size_t n = 1;

	for (; *text != '\0'; text++) {
		quoted = quoted != (*text == '"');
		n += !quoted && *text == ',';
	}
	return n;
}

static void
fill_group(void *arg, size_t i, union table_cell *cell)
{
	const struct group_command *c = arg;
	const struct saved *g = &c->list.saved[i];
	const char *kind = group_kind(g->text, &c->offline);

	cell[0].text = g->name;
	cell[1].text = kind != NULL ? kind : "nothing: see show";
	cell[2].number = count_values(g->text);
	cell[3].text = g->comment;
	cell[4].time_ms = g->changed_ms;
}

static int
list(void *command, struct err *err)
{
	struct group_command *c = command;
	int rc = get_all(c, err);

	c->offline = group_offline(store_names(c->request.store_names));
	return rc != 0 ? rc
		       : saved_write(&c->request, &list_head, c->list.n,
			     fill_group, c, none, err);
}

static const struct table_column show_columns[] = {
    {.name = "group", .heading = "Group", .kind = VALUE_TEXT},
    {.name = "value", .heading = "Value", .kind = VALUE_TEXT},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT, .drop = 1},
};

static const struct table_head show_head = {.column = show_columns,
    .n_columns = ARRAY_LEN(show_columns),
    .n_keys = 2,
    .caption = "groups and their values\n"};

static void
add_rows(struct group_command *c, const struct saved *g)
{
	const char *p = g->text;

	for (;;) {
		const char *from = p;
		bool quoted = false;

		for (; *p != '\0' && (quoted || *p != ','); p++)
			quoted = quoted != (*p == '"');
		c->row = xgrow(c->row, c->n_rows, &c->cap_rows, sizeof *c->row);
		c->row[c->n_rows++] =
		    (struct row){g, xasprintf("%.*s", (int)(p - from), from)};
		if (*p++ == '\0')
			return;
	}
}

static void
fill_value(void *arg, size_t i, union table_cell *cell)
{
	const struct group_command *c = arg;

	cell[0].text = c->row[i].group->name;
	cell[1].text = c->row[i].value;
	cell[2].text = c->row[i].group->comment;
}

static const struct saved *
find(const struct group_command *c, const char *name)
{
	for (size_t i = 0; i < c->list.n; i++)
		if (strcasecmp(c->list.saved[i].name, name) == 0)
			return &c->list.saved[i];
	return NULL;
}

static int
unknown(const struct group_command *c, const char *name, struct err *err)
{
	struct suggestion s;

	suggest_begin(&s, name);
	for (size_t i = 0; i < c->list.n; i++)
		suggest_offer(&s, c->list.saved[i].name);
	return s.name[0] != '\0'
		   ? err_set(err, ERR_USAGE,
			 "unknown group \"%.60s\": do you mean %s?", name,
			 s.name)
		   : err_set(err, ERR_USAGE, "unknown group \"%.60s\"", name);
}

static int
show(void *command, struct err *err)
{
	struct group_command *c = command;
	int rc = get_all(c, err);

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		const struct saved *g = find(c, c->args.arg[i]);

		if (g == NULL)
			return unknown(c, c->args.arg[i], err);
		add_rows(c, g);
	}
	for (size_t i = 0; c->args.n == 0 && i < c->list.n; i++)
		add_rows(c, &c->list.saved[i]);
	return rc != 0 ? rc
		       : saved_write(&c->request, &show_head, c->n_rows,
			     fill_value, c, none, err);
}

/* ---- removing ---- */

static int
refuse_trackings_of(struct state *s, const char *name, struct err *err)
{
	struct track_list trackings;
	int rc = track_get_all(s, &trackings, err);

	for (size_t i = 0; i < trackings.n && rc == 0; i++)
		if (trackings.track[i].status != TRACK_REMOVED &&
		    saved_uses_group(trackings.track[i].filter, name))
			rc = err_set(err, ERR_USAGE,
			    "%s is needed by tracking %s: revise that first",
			    name, trackings.track[i].name);
	track_list_release(&trackings);
	return rc;
}

/* Who names the group, in state.db as it would be. */
static int
refuse_users_of(struct state *s, const char *name, struct err *err)
{
	static const char *const kind_names[] = {
	    [SAVED_GROUP] = "group", [SAVED_FILTER] = "filter"};
	int rc = 0;

	for (size_t k = 0; k < ARRAY_LEN(kind_names) && rc == 0; k++) {
		struct saved_list list;

		rc = saved_get_all(s, (enum saved_kind)k, &list, err);
		for (size_t i = 0; i < list.n && rc == 0; i++)
			if (saved_uses_group(list.saved[i].text, name))
				rc = err_set(err, ERR_USAGE,
				    "%s is needed by %s %s: change that first",
				    name, kind_names[k], list.saved[i].name);
		saved_list_release(&list);
	}
	return rc != 0 ? rc : refuse_trackings_of(s, name, err);
}

static int
remove_all(struct state *s, void *arg, struct err *err)
{
	struct group_command *c = arg;
	int rc = 0;

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		rc = saved_remove(s, SAVED_GROUP, c->args.arg[i], err);
		rc = rc == 0   ? unknown(c, c->args.arg[i], err)
		     : rc == 1 ? 0
			       : rc;
	}
	for (size_t i = 0; i < c->args.n && rc == 0; i++)
		rc = refuse_users_of(s, c->args.arg[i], err);
	return rc;
}

static int
remove_groups(void *command, struct err *err)
{
	struct group_command *c = command;
	int rc = get_all(c, err); /* for names to suggest */

	return rc != 0 ? rc : state_change(c->request.dir, remove_all, c, err);
}

/* ---- the command ---- */

static const struct saved_action actions[] = {
    {"set", 2, SAVED_MAX_ARGS, "a NAME and one or more values", set},
    {"import", 1, 1, "one CSV file", import},
    {"list", 0, 0, "no more words", list},
    {"show", 0, SAVED_MAX_ARGS, "names", show},
    {"remove", 1, SAVED_MAX_ARGS, "one or more names", remove_groups},
};

int
group_main(int argc, char **argv)
{
	struct group_command c = {0};
	const struct saved_action *action;
	struct err err = {0};
	int rc = request_parse(&c.request, &spec, argc, argv, &c.args, &err);

	if (rc == 0 && c.request.help)
		rc = request_help(&c.request, &err);
	else if (rc == 0 && (rc = saved_find_action(actions, ARRAY_LEN(actions),
				 &c.args, &action, &err)) == 0)
		rc = action->run(&c, &err);
	for (size_t i = 0; i < c.n_rows; i++)
		free(c.row[i].value);
	free(c.row);
	saved_list_release(&c.list);
	request_release(&c.request);
	return request_status("group", rc, &err);
}
