/* SPDX-License-Identifier: ISC */
/* Whether groups are right: see group_check.h. */
#include "report/group_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/filter.h"
#include "query/list.h"
#include "query/saved.h"
#include "report/track.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"

/* ---- what values are ---- */

/* Fields whose values a group may have, the likelier ones first. */
static const struct kind {
	const char *field, *name;
} kinds[] = {
    {"src", "networks"},
    {"exporter", "exporters"},
    {"dport", "ports"},
    {"in_if", "interfaces"},
    {"proto", "protocols"},
    {"src_as", "AS numbers"},
    {"flags", "TCP flags"},
    {"tos", "types of service"},
    {"dscp", "DSCP"},
    {"octets", "counts"},
    {"duration", "durations"},
    {"engine", "engines"},
    {"quirks", "quirks"},
};

static int
take_any_host(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err)
{
	const struct prefix any = {.addr = addr_from_ip4(0), .len = 32};

	(void)arg, (void)name, (void)err;
	add(to, &any, false);
	return 1;
}

struct names
group_offline(const struct names *names)
{
	struct names offline = *names;

	offline.host = take_any_host;
	return offline;
}

/*
 * The kind that a list of values is right for, or NULL. Then why and at are of
 * the kind for which most of the list is right.
 */
static const struct kind *
find_kind(const char *values, const struct names *names, size_t *at,
    struct complaint *why)
{
	bool has_why = false;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct field *f =
		    field_find(kinds[i].field, strlen(kinds[i].field));
		struct complaint this_why;
		size_t this_at = 0;
		struct ast *a;

		if (list_read(&a, f, values, names, &this_at, &this_why) == 0) {
			ast_free(a);
			return &kinds[i];
		}
		if (!has_why || this_at > *at) {
			*why = this_why;
			*at = this_at;
		}
		has_why = true;
	}
	return NULL;
}

const char *
group_kind(const char *values, const struct names *names)
{
	struct complaint why = {0};
	size_t at;
	const struct kind *k = find_kind(values, names, &at, &why);

	return k != NULL ? k->name : NULL;
}

int
group_check(const struct saved *g, const struct names *names, struct err *err)
{
	struct complaint why = {0};
	char shown[QUOTE_LEN];
	size_t at = 0;

	if (find_kind(g->text, names, &at, &why) != NULL)
		return 0;
	err_set(err, ERR_USAGE, "group %s: %s: %s (position %zu)%s%s", g->name,
	    quote(g->text, SIZE_MAX, shown), why.what, at + 1,
	    why.hint[0] != '\0' ? ": " : "", why.hint);
	err_point(err, g->text, at);
	return ERR_USAGE;
}

/* ---- what names a group ---- */

/* What state.db has, and which groups of it name one that changes. */
struct users {
	struct saved_list groups, filters;
	bool *changes; /* by group */
};

static bool
uses_changed(const struct users *u, const char *text)
{
	for (size_t i = 0; i < u->groups.n; i++)
		if (u->changes[i] &&
		    saved_uses_group(text, u->groups.saved[i].name))
			return true;
	return false;
}

/* Those that changed, and what names them, over however many others. */
static void
mark_changes(const struct saved_list *changed, struct users *u)
{
	bool more = true;

	u->changes = xcalloc(u->groups.n + 1, sizeof *u->changes);
	for (size_t i = 0; i < u->groups.n; i++)
		for (size_t k = 0; k < changed->n; k++)
			if (strcasecmp(u->groups.saved[i].name,
				changed->saved[k].name) == 0)
				u->changes[i] = true;
	while (more) {
		more = false;
		for (size_t i = 0; i < u->groups.n; i++) {
			if (u->changes[i] ||
			    !uses_changed(u, u->groups.saved[i].text))
				continue;
			u->changes[i] = more = true;
		}
	}
}

static int
check_words(const char *what, const char *name, const char *words,
    const struct names *names, int64_t now_ms, struct err *err)
{
	struct filter f;
	int rc;

	filter_init(&f);
	f.names = names;
	rc = filter_add_line(&f, words, now_ms, err);
	filter_release(&f);
	return rc != 0 ? err_prefix(err, rc, "%s %s", what, name) : 0;
}

static int
check_trackings(struct state *s, const struct users *u,
    const struct names *names, int64_t now_ms, struct err *err)
{
	struct track_list all;
	int rc = track_get_all(s, &all, err);

	for (size_t i = 0; i < all.n && rc == 0; i++)
		if (all.track[i].status != TRACK_REMOVED &&
		    uses_changed(u, all.track[i].filter))
			rc = check_words("tracking", all.track[i].name,
			    all.track[i].filter, names, now_ms, err);
	track_list_release(&all);
	return rc;
}

int
group_check_users(struct state *s, const struct saved_list *changed,
    const struct names *offline, int64_t now_ms, struct err *err)
{
	struct users u = {0};
	int rc = saved_get_all(s, SAVED_GROUP, &u.groups, err);

	if (rc == 0)
		rc = saved_get_all(s, SAVED_FILTER, &u.filters, err);
	if (rc == 0)
		mark_changes(changed, &u);
	for (size_t i = 0; i < u.groups.n && rc == 0; i++)
		if (u.changes[i])
			rc = group_check(&u.groups.saved[i], offline, err);
	for (size_t i = 0; i < u.filters.n && rc == 0; i++)
		if (uses_changed(&u, u.filters.saved[i].text))
			rc = check_words("filter", u.filters.saved[i].name,
			    u.filters.saved[i].text, offline, now_ms, err);
	if (rc == 0)
		rc = check_trackings(s, &u, offline, now_ms, err);
	free(u.changes);
	saved_list_release(&u.groups);
	saved_list_release(&u.filters);
	return rc;
}
