/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_H
#define WEIR_REPORT_TRACK_H
/*
 * Trackings as state.db has them: a filter, what is counted of its flows, and
 * how far its RRD file is. The file is named by number, so that names are free
 * and renaming is one row. What was removed stays until it is purged.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/load.h"
#include "report/series.h"
#include "schema/base/err.h"

struct state;

enum track_status { TRACK_ACTIVE, TRACK_ARCHIVED, TRACK_REMOVED };

/* As the table has them; NULL behind the last one. */
extern const char *const track_status_names[];
extern const char *const track_layout_names[]; /* by enum series_layout */

enum {
	TRACK_NAME_LEN = 80, /* at most, bytes */
	TRACK_MAX_LATE = 288,
	TRACK_MAX = 10000, /* not removed */
};

struct track {
	int64_t id;
	char *name;
	enum load load;
	enum series_layout layout;
	char *filter; /* words, without a span */
	char *scale;  /* as in scale=, "" for none */
	int64_t late; /* last periods that are counted anew each time */
	char *comment;
	enum track_status status;
	int64_t created_ms, changed_ms;
	int64_t start_s; /* where its first period begins */
	int64_t done_s;  /* where the last one that is in ended */
};

struct track_list {
	struct track *track; /* by name */
	size_t n, cap;
};

/* All below: 0 or an error. */

/* Removed ones as well. */
int track_get_all(
    struct state *s, struct track_list *out, struct err *err) MUST_CHECK;
/* Of the folder; none when there is no state.db yet. */
int track_load(
    const char *dir, struct track_list *out, struct err *err) MUST_CHECK;
void track_list_release(struct track_list *l); /* accepts a zeroed struct */

/* That has this name and is not removed; removed: the last one removed of this
 * name instead. NULL: none. */
struct track *track_find(
    const struct track_list *l, const char *name, bool removed);
struct track *track_find_id(const struct track_list *l, int64_t id);

/* "unknown tracking ...", with the name that is near. */
int track_unknown(
    const struct track_list *l, const char *name, struct err *err) MUST_CHECK;

/* That a name is one: a line of text that no command line takes for something
 * else. */
int track_check_name(const char *name, struct err *err) MUST_CHECK;

/* Sets id. ERR_USAGE: the name is taken. */
int track_insert(struct state *s, struct track *t, struct err *err) MUST_CHECK;
/* Name, filter, scale, late, comment, status, changed_ms. */
int track_update_row(
    struct state *s, const struct track *t, struct err *err) MUST_CHECK;
int track_set_done(
    struct state *s, int64_t id, int64_t done_s, struct err *err) MUST_CHECK;
int track_set_start(struct state *s, int64_t id, int64_t start_s,
    int64_t done_s, struct err *err) MUST_CHECK;
int track_delete(struct state *s, int64_t id, struct err *err) MUST_CHECK;

/* ---- history ---- */

struct track_change {
	int64_t changed_ms;
	int64_t at_s; /* the period that it begins to count with */
	char *who, *what, *old, *new, *comment;
	bool mark; /* graphs show it */
};

struct track_changes {
	struct track_change *change; /* by time */
	size_t n, cap;
};

int track_add_change(struct state *s, int64_t id, const struct track_change *c,
    struct err *err) MUST_CHECK;
int track_get_changes(struct state *s, int64_t id, struct track_changes *out,
    struct err *err) MUST_CHECK;
void track_changes_release(struct track_changes *c); /* or a zeroed struct */

/* ---- files ---- */

/* DIR/rrd/ID.rrd, and the one that lacks the periods still counted anew; to be
 * freed. */
char *track_path(const char *dir, int64_t id);
char *track_base_path(const char *dir, int64_t id);

/* The start of the period that ms lies in. */
int64_t track_floor_s(int64_t ms);

/*
 * Make DIR/rrd if it is missing, and hold its lock until the descriptor is
 * closed: whoever writes files there does. ERR_BUSY: another process has it,
 * after wait_ms.
 */
int track_lock(
    int *lock_fd, const char *dir, int64_t wait_ms, struct err *err) MUST_CHECK;

#endif
