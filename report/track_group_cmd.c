/* SPDX-License-Identifier: ISC */
/* weir track group: what is drawn together. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report/table.h"
#include "report/track_cmd.h"
#include "report/track_group.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"
#include "schema/state.h"

/* One change, or one question, as of one transaction. */
struct grouping {
	struct track_command *command; /* its args without "group" */
	struct track_groups groups;
	struct track_group *group; /* that is meant; NULL: none is */
};

static int
unknown_group(const struct grouping *x, const char *name, struct err *err)
{
	struct suggestion meant;

	suggest_begin(&meant, name);
	for (size_t i = 0; i < x->groups.n; i++)
		suggest_offer(&meant, x->groups.group[i].name);
	if (meant.name[0] != '\0')
		return err_set(err, ERR_USAGE,
		    "unknown group \"%.60s\": do you mean %s?", name,
		    meant.name);
	return err_set(err, ERR_USAGE,
	    "unknown group \"%.60s\": weir track group list shows those there "
	    "are",
	    name);
}

static int
read_all(struct grouping *x, struct state *s, struct err *err)
{
	int rc = 0;

	track_list_release(&x->command->list);
	track_groups_release(&x->groups);
	if (s != NULL && (rc = track_get_all(s, &x->command->list, err)) == 0)
		rc = track_groups_get_all(s, &x->groups, err);
	return rc;
}

static int
find_group(struct grouping *x, struct err *err)
{
	x->group = track_group_find(&x->groups, x->command->args.arg[0]);
	return x->group != NULL
		   ? 0
		   : unknown_group(x, x->command->args.arg[0], err);
}

/* ---- members ---- */

/* Those that can be drawn have one unit. */
static int
check_unit(const struct grouping *x, const struct track_group *g,
    const struct track *t, struct err *err)
{
	for (size_t i = 0; i < g->n; i++) {
		const struct track *other =
		    track_find_id(&x->command->list, g->member[i].track_id);

		if (other != NULL && other->load != t->load)
			return err_set(err, ERR_USAGE,
			    "%s has %s, but %s in group %s has %s: want "
			    "members of one type",
			    t->name, load_infos[t->load].name, other->name,
			    g->name, load_infos[other->load].name);
	}
	return 0;
}

/* A member that is in is moved; what is not said of it stays. */
static int
add_member(struct grouping *x, struct track_group *g, const char *name,
    size_t nth, struct err *err)
{
	const struct track_command *c = x->command;
	struct track_member m = {0};
	struct track *t;
	size_t at, position = SIZE_MAX;
	int rc = track_named(x->command, name, &t, err);

	if (rc != 0 || (rc = check_unit(x, g, t, err)) != 0)
		return rc;
	if ((at = track_group_at(g, t->id)) < g->n)
		m = track_group_take(g, at);
	else if (g->n >= TRACK_MAX_MEMBERS)
		return err_set(err, ERR_LIMIT, "group %s has %d members",
		    g->name, TRACK_MAX_MEMBERS);
	m.track_id = t->id;
	if (c->below != TRACK_NOT_GIVEN)
		m.below = c->below != 0;
	if (c->color != NULL || m.color == NULL) {
		free(m.color);
		m.color = xstrdup(c->color != NULL ? c->color : "auto");
	}
	if (c->position != TRACK_NOT_GIVEN)
		position = (size_t)c->position - 1 + nth;
	track_group_insert(g, m, position);
	return 0;
}

static int
put_group(
    struct grouping *x, struct state *s, struct track_group *g, struct err *err)
{
	const struct track_command *c = x->command;

	if (c->args.comment != NULL) {
		free(g->comment);
		g->comment = xstrdup(c->args.comment);
	}
	g->changed_ms = c->request.now_ms;
	return track_group_put(s, g, err);
}

/* ---- changes ---- */

/* A new group, or another one in the place of the old one. */
static int
set(struct state *s, void *arg, struct err *err)
{
	struct grouping *x = arg;
	const struct saved_args *a = &x->command->args;
	struct track_group made = {0};
	int rc = track_check_name(a->arg[0], err);

	if (rc != 0 || (rc = read_all(x, s, err)) != 0)
		return rc;
	x->group = track_group_find(&x->groups, a->arg[0]);
	made.id = x->group != NULL ? x->group->id : 0;
	made.name = xstrdup(a->arg[0]);
	made.comment = xstrdup(x->group != NULL ? x->group->comment : "");
	rc = track_name_is_free(
	    &x->command->list, &x->groups, made.name, 0, made.id, err);
	if (rc == 0 && x->groups.n >= TRACK_MAX_GROUPS)
		rc = err_set(
		    err, ERR_LIMIT, "%d groups are there", TRACK_MAX_GROUPS);
	for (size_t i = 1; i < a->n && rc == 0; i++)
		rc = add_member(x, &made, a->arg[i], i - 1, err);
	if (rc == 0)
		rc = put_group(x, s, &made, err);
	track_group_release(&made);
	return rc;
}

static int
drop_member(struct grouping *x, const char *name, size_t nth, struct err *err)
{
	struct track *t;
	struct track_member m;
	size_t at;
	int rc = track_named(x->command, name, &t, err);

	(void)nth;
	if (rc != 0)
		return rc;
	if ((at = track_group_at(x->group, t->id)) == x->group->n)
		return err_set(err, ERR_USAGE, "%s is not in group %s", t->name,
		    x->group->name);
	m = track_group_take(x->group, at);
	free(m.color);
	return 0;
}

/* What is done with each of the members that are named. */
static int
change_members(struct grouping *x, struct state *s,
    int (*change)(
	struct grouping *x, const char *name, size_t nth, struct err *err),
    struct err *err)
{
	const struct saved_args *a = &x->command->args;
	int rc = read_all(x, s, err);

	if (rc == 0)
		rc = find_group(x, err);
	for (size_t i = 1; i < a->n && rc == 0; i++)
		rc = change(x, a->arg[i], i - 1, err);
	return rc != 0 ? rc : put_group(x, s, x->group, err);
}

static int
add_to_group(struct grouping *x, const char *name, size_t nth, struct err *err)
{
	return add_member(x, x->group, name, nth, err);
}

static int
add(struct state *s, void *arg, struct err *err)
{
	return change_members(arg, s, add_to_group, err);
}

static int
drop(struct state *s, void *arg, struct err *err)
{
	return change_members(arg, s, drop_member, err);
}

static int
rename_group(struct state *s, void *arg, struct err *err)
{
	struct grouping *x = arg;
	const char *name = x->command->args.arg[1];
	int rc = track_check_name(name, err);

	if (rc == 0)
		rc = read_all(x, s, err);
	if (rc == 0)
		rc = find_group(x, err);
	if (rc == 0)
		rc = track_name_is_free(
		    &x->command->list, &x->groups, name, 0, x->group->id, err);
	if (rc != 0)
		return rc;
	free(x->group->name);
	x->group->name = xstrdup(name);
	return put_group(x, s, x->group, err);
}

static int
remove_group(struct state *s, void *arg, struct err *err)
{
	struct grouping *x = arg;
	int rc = read_all(x, s, err);

	if (rc == 0)
		rc = find_group(x, err);
	return rc != 0 ? rc : track_group_delete(s, x->group->id, err);
}

/* ---- showing ---- */

static int
read_now(struct grouping *x, struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, x->command->request.dir, err);

	if (rc == 0)
		rc = read_all(x, s, err);
	state_close(s);
	return rc;
}

static const struct table_column list_columns[] = {
    {.name = "group", .heading = "Group", .kind = VALUE_TEXT},
    {.name = "type", .heading = "Type", .kind = VALUE_TEXT},
    {.name = "members", .heading = "Members", .kind = VALUE_NUMBER},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT},
    {.name = "changed_ms", .heading = "Changed", .kind = VALUE_TIME, .drop = 1},
};

static const struct table_head list_head = {.column = list_columns,
    .n_columns = ARRAY_LEN(list_columns),
    .n_keys = 1,
    .caption = "groups of trackings\n"};

static const struct track *
member_track(const struct grouping *x, const struct track_group *g, size_t i)
{
	return track_find_id(&x->command->list, g->member[i].track_id);
}

static void
fill_group(void *arg, size_t i, union table_cell *cell)
{
	const struct grouping *x = arg;
	const struct track_group *g = &x->groups.group[i];
	const struct track *t = g->n > 0 ? member_track(x, g, 0) : NULL;

	cell[0].text = g->name;
	cell[1].text = t != NULL ? load_infos[t->load].name : "";
	cell[2].number = g->n;
	cell[3].text = g->comment;
	cell[4].time_ms = g->changed_ms;
}

static int
list(void *arg, struct err *err)
{
	struct grouping *x = arg;
	int rc = read_now(x, err);

	return rc != 0 ? rc
		       : saved_write(&x->command->request, &list_head,
			     x->groups.n, fill_group, x,
			     "no group is there; weir track group set GROUP "
			     "NAME... makes one\n",
			     err);
}

static const struct table_column show_columns[] = {
    {.name = "side", .heading = "Side", .kind = VALUE_TEXT},
    {.name = "name", .heading = "Tracking", .kind = VALUE_TEXT},
    {.name = "status", .heading = "Status", .kind = VALUE_TEXT},
    {.name = "type", .heading = "Type", .kind = VALUE_TEXT},
    {.name = "color", .heading = "Color", .kind = VALUE_TEXT},
};

static void
fill_member(void *arg, size_t i, union table_cell *cell)
{
	const struct grouping *x = arg;
	const struct track *t = member_track(x, x->group, i);

	cell[0].text = x->group->member[i].below ? "below" : "above";
	cell[1].text = t != NULL ? t->name : "";
	cell[2].text = t != NULL ? track_status_names[t->status] : "purged";
	cell[3].text = t != NULL ? load_infos[t->load].name : "";
	cell[4].text = x->group->member[i].color;
}

static int
show(void *arg, struct err *err)
{
	struct grouping *x = arg;
	struct table_head head = {.column = show_columns,
	    .n_columns = ARRAY_LEN(show_columns),
	    .n_keys = 2,
	    .name = "group"};
	struct table_foot foot = {0};
	struct table_extra extra[3];
	char *caption;
	int rc = read_now(x, err);

	if (rc == 0)
		rc = find_group(x, err);
	if (rc != 0)
		return rc;
	extra[0] =
	    (struct table_extra){"name", VALUE_TEXT, {.text = x->group->name}};
	extra[1] = (struct table_extra){
	    "comment", VALUE_TEXT, {.text = x->group->comment}};
	extra[2] = (struct table_extra){
	    "changed_ms", VALUE_TIME, {.time_ms = x->group->changed_ms}};
	foot = (struct table_foot){.matched = x->group->n,
	    .note = x->group->n == 0 ? "no tracking is in it\n" : "",
	    .extra = extra,
	    .n_extra = ARRAY_LEN(extra)};
	caption = xasprintf("%s%s%s\n", x->group->name,
	    x->group->comment[0] != '\0' ? ": " : "", x->group->comment);
	head.caption = caption;
	rc = saved_write_foot(&x->command->request, &head, x->group->n,
	    fill_member, x, &foot, err);
	free(caption);
	return rc;
}

/* ---- the command ---- */

static int
change(struct grouping *x, state_change_fn *fn, struct err *err)
{
	return state_change(x->command->request.dir, fn, x, err);
}

static int
set_action(void *x, struct err *err)
{
	return change(x, set, err);
}

static int
add_action(void *x, struct err *err)
{
	return change(x, add, err);
}

static int
drop_action(void *x, struct err *err)
{
	return change(x, drop, err);
}

static int
rename_action(void *x, struct err *err)
{
	return change(x, rename_group, err);
}

static int
remove_action(void *x, struct err *err)
{
	return change(x, remove_group, err);
}

static const struct saved_action actions[] = {
    {"set", 1, SAVED_MAX_ARGS, "a GROUP and names of trackings", set_action},
    {"add", 2, SAVED_MAX_ARGS, "a GROUP and names of trackings", add_action},
    {"drop", 2, SAVED_MAX_ARGS, "a GROUP and names of trackings", drop_action},
    {"rename", 2, 2, "the GROUP and its new name", rename_action},
    {"remove", 1, 1, "one GROUP", remove_action},
    {"list", 0, 0, "no more words", list},
    {"show", 1, 1, "one GROUP", show},
};

int
track_group_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct grouping x = {.command = c};
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = track_sub_action(c, actions, ARRAY_LEN(actions), &x, err);
	track_groups_release(&x.groups);
	return rc;
}
