/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_GROUP_H
#define WEIR_REPORT_TRACK_GROUP_H
/* Groups of trackings as state.db has them: who is drawn on which side of the
 * axis, from there outwards, and in which colour. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/canvas.h"
#include "schema/base/err.h"

struct state;
struct track_list;

enum { TRACK_MAX_MEMBERS = 100, TRACK_MAX_GROUPS = 1000 };

struct track_member {
	int64_t track_id;
	bool below;
	char *color; /* #RRGGBB; or a family, see track_member_colors */
};

struct track_group {
	int64_t id; /* 0: not stored yet */
	char *name, *comment;
	int64_t changed_ms;
	struct track_member *member; /* above, then below */
	size_t n, cap;
};

struct track_groups {
	struct track_group *group; /* by name */
	size_t n, cap;
};

/* 0 or an error. */
int track_groups_get_all(
    struct state *s, struct track_groups *out, struct err *err) MUST_CHECK;
int track_groups_load(
    const char *dir, struct track_groups *out, struct err *err) MUST_CHECK;
void track_groups_release(struct track_groups *g); /* or a zeroed struct */
struct track_group *track_group_find(
    const struct track_groups *g, const char *name); /* or NULL */

/* Insert or update, with its members. */
int track_group_put(
    struct state *s, struct track_group *g, struct err *err) MUST_CHECK;
int track_group_delete(struct state *s, int64_t id, struct err *err) MUST_CHECK;

/* ERR_USAGE: a tracking or a group has the name already, but for these. */
int track_name_is_free(const struct track_list *trackings,
    const struct track_groups *groups, const char *name, int64_t but_track,
    int64_t but_group, struct err *err) MUST_CHECK;

void track_group_release(struct track_group *g); /* accepts a zeroed struct */
/* Where a member is; n: it is none. */
size_t track_group_at(const struct track_group *g, int64_t track_id);
/* Put one in at a position of its side, from 0; past its end is its end. */
void track_group_insert(
    struct track_group *g, struct track_member m, size_t position);
struct track_member track_group_take(struct track_group *g, size_t at);

/* ---- colours ---- */

/* #RRGGBB, auto, blue, red, green, violet or mixed. */
bool track_is_color(const char *text);

/* One for each member: its own, or the next shade of its family that no other
 * member of its side has. */
void track_member_colors(const struct track_group *g, struct color *out);

#endif
