/* SPDX-License-Identifier: ISC */
/* The words of `weir track`: each a row and what sets it. */
#include <string.h>

#include "query/value.h"
#include "report/graph_request.h"
#include "report/palette.h"
#include "report/track_cmd.h"
#include "report/track_group.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/num.h"
#include "schema/conf.h"

const struct track_range track_ranges[] = {
    {"day", "Last 24 Hours", INT64_C(86400), 300},
    {"week", "Last 7 Days", INT64_C(7) * 86400, 1800},
    {"month", "Last 4 Weeks", INT64_C(28) * 86400, 7200},
    {"year", "Last 12 Months", INT64_C(365) * 86400, 86400},
    {"3years", "Last Three Years", INT64_C(1095) * 86400, 86400},
};
const size_t n_track_ranges = ARRAY_LEN(track_ranges);

static int
set_type(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	for (int i = 0; i < N_LOADS; i++)
		if (strcmp(value, load_infos[i].name) == 0) {
			c->load = i;
			return 0;
		}
	return err_set(
	    err, ERR_USAGE, "type=%.60s: want bps, pps, fps or active", value);
}

static int
set_layout(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	for (int i = 0; track_layout_names[i] != NULL; i++)
		if (strcmp(value, track_layout_names[i]) == 0) {
			c->layout = i;
			return 0;
		}
	return err_set(
	    err, ERR_USAGE, "layout=%.60s: want flowtracker or long", value);
}

static int
set_whole(const char *key, const char *value, uint64_t min, uint64_t max,
    unsigned *out, struct err *err)
{
	uint64_t n;

	if (!parse_u64(value, max, &n) || n < min)
		return err_set(err, ERR_USAGE, "%s=%.60s: want %llu-%llu", key,
		    value, (unsigned long long)min, (unsigned long long)max);
	*out = (unsigned)n;
	return 0;
}

static int
set_late(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;
	uint64_t n;

	if (!parse_u64(value, TRACK_MAX_LATE, &n))
		return err_set(err, ERR_USAGE,
		    "late=%.60s: want a number of periods, 0-%d", value,
		    TRACK_MAX_LATE);
	c->late = (int64_t)n;
	return 0;
}

static int
set_seconds(const char *key, const char *value, int64_t min_s, int64_t max_s,
    int64_t *out, struct err *err)
{
	int64_t ms;
	uint64_t s;

	if (parse_u64(value, (uint64_t)max_s, &s))
		ms = (int64_t)s * MS_PER_S;
	else if (!value_read_duration(value, max_s * MS_PER_S, &ms))
		ms = -1;
	if (ms < min_s * MS_PER_S || ms % MS_PER_S != 0)
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want seconds, or a time such as 30m; at least "
		    "%lld seconds, at most %lld",
		    key, value, (long long)min_s, (long long)max_s);
	*out = ms / MS_PER_S;
	return 0;
}

static int
set_lag(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_seconds("lag", value, 0, CONF_MAX_LAG_S, &c->lag_s, err);
}

static int
set_every(void *command, const char *value, struct err *err)
{
	enum { MAX_S = 86400 };
	struct track_command *c = command;

	return set_seconds("every", value, 1, MAX_S, &c->every_s, err);
}

static int
set_step(void *command, const char *value, struct err *err)
{
	enum { MAX_S = 366 * 86400 };
	struct track_command *c = command;

	return set_seconds(
	    "step", value, SERIES_STEP_S, MAX_S, &c->step_s, err);
}

static int
set_span(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	for (size_t i = 0; i < n_track_ranges; i++)
		if (strcmp(value, track_ranges[i].name) == 0) {
			c->range = &track_ranges[i];
			return 0;
		}
	return err_set(err, ERR_USAGE,
	    "span=%.60s: want day, week, month, year or 3years", value);
}

static int
set_who(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	(void)err;
	c->who = value;
	return 0;
}

enum { MIN_PX = 40, MAX_PX = 4000 };

static int
set_width(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole("width", value, MIN_PX, MAX_PX, &c->width, err);
}

static int
set_height(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole("height", value, MIN_PX, MAX_PX, &c->height, err);
}

static int
set_density(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole("density", value, 1, 4, &c->density, err);
}

static int
set_columns(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole("columns", value, 1, 20, &c->columns, err);
}

static int
set_marks(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;
	unsigned n = 0;
	int rc = set_whole("marks", value, 0, 100, &n, err);

	c->marks = n;
	return rc;
}

static int
set_theme(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	if ((c->theme = theme_find(value)) != NULL)
		return 0;
	return err_set(
	    err, ERR_USAGE, "theme=%.60s: want light or dark", value);
}

static int
set_yes(const char *key, const char *value, bool *out, struct err *err)
{
	*out = strcmp(value, "yes") == 0;
	if (*out || strcmp(value, "no") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "%s=%.60s: want yes or no", key, value);
}

static int
set_mark(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_yes("mark", value, &c->mark, err);
}

static int
set_thumbnail(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_yes("thumbnail", value, &c->thumbnail, err);
}

static int
set_color(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	c->color = value;
	if (track_is_color(value))
		return 0;
	return err_set(err, ERR_USAGE,
	    "color=%.60s: want #RRGGBB, or auto, blue, red, green, violet or "
	    "mixed",
	    value);
}

static int
set_side(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	c->below = strcmp(value, "below") == 0;
	if (c->below == 1 || strcmp(value, "above") == 0)
		return 0;
	return err_set(
	    err, ERR_USAGE, "side=%.60s: want above or below", value);
}

static int
set_position(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;
	unsigned n = 0;
	int rc = set_whole("position", value, 1, TRACK_MAX_MEMBERS, &n, err);

	c->position = n;
	return rc;
}

const struct request_word track_words[] = {
    {"type", set_type},
    {"layout", set_layout},
    {"late", set_late},
    {"lag", set_lag},
    {"every", set_every},
    {"step", set_step},
    {"span", set_span},
    {"who", set_who},
    {"mark", set_mark},
    {"comment", saved_set_comment},
    {"width", set_width},
    {"height", set_height},
    {"density", set_density},
    {"theme", set_theme},
    {"thumbnail", set_thumbnail},
    {"columns", set_columns},
    {"marks", set_marks},
    {"side", set_side},
    {"position", set_position},
    {"color", set_color},
};
const size_t n_track_words = ARRAY_LEN(track_words);
