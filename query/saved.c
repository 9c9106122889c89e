/* SPDX-License-Identifier: ISC */
/* Groups and filters in state.db: see saved.h. */
#include "query/saved.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/state.h"
#include "sql.h"

static const struct statements {
	const char *get, *get_all, *put, *remove;
} statements[] = {
    [SAVED_GROUP] = {sql_select_group, sql_select_groups, sql_upsert_group,
	sql_delete_group},
    [SAVED_FILTER] = {sql_select_filter, sql_select_filters, sql_upsert_filter,
	sql_delete_filter},
};

/* Of the characters of a name. */
static bool
is_part(char c)
{
	return isalnum((unsigned char)c) || strchr("_-.", c) != NULL;
}

bool
saved_is_name(const char *name)
{
	if (!isalpha((unsigned char)name[0]) || strlen(name) > SAVED_NAME_LEN)
		return false;
	while (*name != '\0' && is_part(*name))
		name++;
	return *name == '\0';
}

bool
saved_uses_group(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; (text = strchr(text, '@')) != NULL; text++)
		if (strncasecmp(text + 1, name, len) == 0 &&
		    (text[1 + len] == '\0' || !is_part(text[1 + len])))
			return true;
	return false;
}

void
saved_release(struct saved *one)
{
	free(one->name);
	free(one->text);
	free(one->comment);
	*one = (struct saved){0};
}

void
saved_list_release(struct saved_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		saved_release(&l->saved[i]);
	free(l->saved);
	*l = (struct saved_list){0};
}

static struct saved
take_row(struct stmt *q)
{
	return (struct saved){
	    .name = xstrdup(stmt_text(q, 0)),
	    .text = xstrdup(stmt_text(q, 1)),
	    .comment = xstrdup(stmt_text(q, 2)),
	    .changed_ms = stmt_int(q, 3),
	};
}

int
saved_get(struct state *s, enum saved_kind kind, const char *name,
    struct saved *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), statements[kind].get, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":name", name);
	if ((rc = stmt_step(q, err)) == 1)
		*out = take_row(q);
	stmt_finalize(q);
	return rc;
}

int
saved_get_all(struct state *s, enum saved_kind kind, struct saved_list *out,
    struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), statements[kind].get_all, &q, err);

	*out = (struct saved_list){0};
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		out->saved =
		    xgrow(out->saved, out->n, &out->cap, sizeof *out->saved);
		out->saved[out->n++] = take_row(q);
	}
	stmt_finalize(q);
	return rc;
}

int
saved_put(struct state *s, enum saved_kind kind, const struct saved *one,
    struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), statements[kind].put, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":name", one->name);
	stmt_bind_text(q, ":text", one->text);
	stmt_bind_text(q, ":comment", one->comment != NULL ? one->comment : "");
	stmt_bind_int(q, ":changed_ms", one->changed_ms);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

int
saved_remove(
    struct state *s, enum saved_kind kind, const char *name, struct err *err)
{
	struct saved old = {0};
	struct stmt *q;
	int rc = saved_get(s, kind, name, &old, err);

	if (rc != 1)
		return rc;
	saved_release(&old);
	if ((rc = db_prepare(state_db(s), statements[kind].remove, &q, err)) !=
	    0)
		return rc;
	stmt_bind_text(q, ":name", name);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc != 0 ? rc : 1;
}
