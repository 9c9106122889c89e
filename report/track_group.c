/* SPDX-License-Identifier: ISC */
/* Groups of trackings in state.db, and their colours: see track_group.h. */
#include "report/track_group.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "report/track.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/state.h"
#include "sql.h"

/* ---- in memory ---- */

void
track_group_release(struct track_group *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->member[i].color);
	free(g->member);
	free(g->name);
	free(g->comment);
	*g = (struct track_group){0};
}

void
track_groups_release(struct track_groups *g)
{
	for (size_t i = 0; i < g->n; i++)
		track_group_release(&g->group[i]);
	free(g->group);
	*g = (struct track_groups){0};
}

struct track_group *
track_group_find(const struct track_groups *g, const char *name)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcasecmp(g->group[i].name, name) == 0)
			return &g->group[i];
	return NULL;
}

int
track_name_is_free(const struct track_list *trackings,
    const struct track_groups *groups, const char *name, int64_t but_track,
    int64_t but_group, struct err *err)
{
	const struct track *t = track_find(trackings, name, false);
	const struct track_group *g = track_group_find(groups, name);

	if (t != NULL && t->id != but_track)
		return err_set(err, ERR_USAGE,
		    "tracking %s is there already%s: want another name",
		    t->name, t->status == TRACK_ARCHIVED ? ", archived" : "");
	if (g != NULL && g->id != but_group)
		return err_set(err, ERR_USAGE,
		    "group %s is there already: want another name", g->name);
	return 0;
}

size_t
track_group_at(const struct track_group *g, int64_t track_id)
{
	size_t i = 0;

	while (i < g->n && g->member[i].track_id != track_id)
		i++;
	return i;
}

void
track_group_insert(
    struct track_group *g, struct track_member m, size_t position)
{
	size_t first = 0, last, at;

	while (m.below && first < g->n && !g->member[first].below)
		first++;
	last = first;
	while (last < g->n && g->member[last].below == m.below)
		last++;
	at = position < last - first ? first + position : last;
	g->member = xgrow(g->member, g->n, &g->cap, sizeof *g->member);
	memmove(&g->member[at + 1], &g->member[at],
	    (g->n - at) * sizeof *g->member);
	g->member[at] = m;
	g->n++;
}

struct track_member
track_group_take(struct track_group *g, size_t at)
{
	struct track_member m = g->member[at];

	g->n--;
	memmove(&g->member[at], &g->member[at + 1],
	    (g->n - at) * sizeof *g->member);
	return m;
}

/* ---- reading ---- */

static int
read_members(struct state *s, struct track_group *g, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_tracking_members, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":group_id", g->id);
	while ((rc = stmt_step(q, err)) == 1)
		track_group_insert(g,
		    (struct track_member){stmt_int(q, 0), stmt_int(q, 1) != 0,
			xstrdup(stmt_text(q, 2))},
		    SIZE_MAX);
	stmt_finalize(q);
	return rc;
}

int
track_groups_get_all(struct state *s, struct track_groups *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_tracking_groups, &q, err);

	*out = (struct track_groups){0};
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		out->group =
		    xgrow(out->group, out->n, &out->cap, sizeof *out->group);
		out->group[out->n++] = (struct track_group){
		    .id = stmt_int(q, 0),
		    .name = xstrdup(stmt_text(q, 1)),
		    .comment = xstrdup(stmt_text(q, 2)),
		    .changed_ms = stmt_int(q, 3),
		};
	}
	stmt_finalize(q);
	for (size_t i = 0; i < out->n && rc == 0; i++)
		rc = read_members(s, &out->group[i], err);
	return rc;
}

int
track_groups_load(const char *dir, struct track_groups *out, struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, dir, err);

	*out = (struct track_groups){0};
	if (rc == 0 && s != NULL)
		rc = track_groups_get_all(s, out, err);
	state_close(s);
	return rc;
}

/* ---- writing ---- */

static int
put_row(struct state *s, struct track_group *g, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s),
	    g->id == 0 ? sql_insert_tracking_group : sql_update_tracking_group,
	    &q, err);

	if (rc != 0)
		return rc;
	if (g->id != 0)
		stmt_bind_int(q, ":id", g->id);
	stmt_bind_text(q, ":name", g->name);
	stmt_bind_text(q, ":comment", g->comment);
	stmt_bind_int(q, ":changed_ms", g->changed_ms);
	rc = stmt_finish(q, err);
	if (rc == 0 && g->id == 0)
		g->id = db_last_id(state_db(s));
	return rc;
}

int
track_group_put(struct state *s, struct track_group *g, struct err *err)
{
	struct stmt *q;
	int rc = put_row(s, g, err);

	if (rc == 0)
		rc = db_run_for(state_db(s), sql_delete_tracking_members,
		    ":group_id", g->id, err);
	if (rc != 0 || (rc = db_prepare(state_db(s), sql_insert_tracking_member,
			    &q, err)) != 0)
		return rc;
	for (size_t i = 0; i < g->n && rc == 0; i++) {
		stmt_bind_int(q, ":group_id", g->id);
		stmt_bind_int(q, ":side", g->member[i].below);
		stmt_bind_int(q, ":position", (int64_t)i);
		stmt_bind_int(q, ":tracking_id", g->member[i].track_id);
		stmt_bind_text(q, ":color", g->member[i].color);
		rc = stmt_run(q, err);
	}
	stmt_finalize(q);
	return rc;
}

int
track_group_delete(struct state *s, int64_t id, struct err *err)
{
	return db_run_for(
	    state_db(s), sql_delete_tracking_group, ":id", id, err);
}

/* ---- colours ---- */

/* From dark to light: neighbours in a stack are told apart. */
static const struct family {
	const char *name;
	struct color shade[6];
} families[] = {
    {"auto", {{0x44, 0x77, 0xAA}, {0xEE, 0x66, 0x77}, {0x22, 0x88, 0x33},
		 {0xCC, 0xBB, 0x44}, {0x66, 0xCC, 0xEE}, {0xAA, 0x33, 0x77}}},
    {"blue", {{0x1F, 0x4E, 0x79}, {0x5B, 0x9B, 0xD5}, {0x2E, 0x75, 0xB6},
		 {0x9D, 0xC3, 0xE6}, {0x00, 0x70, 0xC0}, {0xBD, 0xD7, 0xEE}}},
    {"red", {{0x8B, 0x1A, 0x1A}, {0xE5, 0x73, 0x73}, {0xC6, 0x28, 0x28},
		{0xEF, 0x9A, 0x9A}, {0xD8, 0x43, 0x15}, {0xFF, 0xCC, 0xBC}}},
    {"green", {{0x1B, 0x5E, 0x20}, {0x66, 0xBB, 0x6A}, {0x2E, 0x7D, 0x32},
		  {0xA5, 0xD6, 0xA7}, {0x55, 0x8B, 0x2F}, {0xDC, 0xED, 0xC8}}},
    {"violet", {{0x4A, 0x14, 0x8C}, {0xBA, 0x68, 0xC8}, {0x7B, 0x1F, 0xA2},
		   {0xCE, 0x93, 0xD8}, {0x51, 0x2D, 0xA8}, {0xE1, 0xBE, 0xE7}}},
    {"mixed", {{0x1F, 0x4E, 0x79}, {0xC6, 0x28, 0x28}, {0x66, 0xBB, 0x6A},
		  {0xBA, 0x68, 0xC8}, {0xEE, 0x77, 0x33}, {0x00, 0x99, 0x88}}},
};

static const struct family *
find_family(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		if (strcmp(families[i].name, name) == 0)
			return &families[i];
	return NULL;
}

static bool
is_rgb(const char *text)
{
	size_t n = 0;

	if (text[0] != '#')
		return false;
	while (isxdigit((unsigned char)text[1 + n]))
		n++;
	return n == 6 && text[7] == '\0';
}

bool
track_is_color(const char *text)
{
	return is_rgb(text) || find_family(text) != NULL;
}

static struct color
read_rgb(const char *text)
{
	unsigned long rgb = strtoul(text + 1, NULL, 16);

	return (struct color){
	    (uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb};
}

static bool
same(struct color a, struct color b)
{
	return a.r == b.r && a.g == b.g && a.b == b.b;
}

/* Whether a member of that side has it already; auto looks at both sides. */
static bool
is_used(const struct track_group *g, const struct color *out,
    const bool *chosen, size_t i, struct color c)
{
	bool both = strcmp(g->member[i].color, "auto") == 0;

	for (size_t k = 0; k < g->n; k++)
		if (chosen[k] && same(out[k], c) &&
		    (both || g->member[k].below == g->member[i].below))
			return true;
	return false;
}

void
track_member_colors(const struct track_group *g, struct color *out)
{
	bool *chosen = xcalloc(g->n + 1, sizeof *chosen);

	for (size_t i = 0; i < g->n; i++)
		if (is_rgb(g->member[i].color)) {
			out[i] = read_rgb(g->member[i].color);
			chosen[i] = true;
		}
	for (size_t i = 0; i < g->n; i++) {
		const struct family *f = find_family(g->member[i].color);
		size_t k = 0;

		if (chosen[i])
			continue;
		if (f == NULL)
			f = &families[0];
		while (k < ARRAY_LEN(f->shade) &&
		       is_used(g, out, chosen, i, f->shade[k]))
			k++;
		out[i] =
		    f->shade[k < ARRAY_LEN(f->shade) ? k
						     : i % ARRAY_LEN(f->shade)];
		chosen[i] = true;
	}
	free(chosen);
}
