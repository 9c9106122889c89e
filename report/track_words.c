/* SPDX-License-Identifier: ISC */
/* The words of `weir track`: each a row and what sets it. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "query/value.h"
#include "report/alert.h"
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

/* ---- alerts ---- */

/* 100M, 1.5k: by 1000. */
static int
set_amount(const char *key, const char *value, double *out, struct err *err)
{
	static const char steps[] = "kMGT";
	char *end;
	double x = strtod(value, &end);
	const char *step = strchr(steps, *end == 'K' ? 'k' : *end);

	for (long i = 0; *end != '\0' && step != NULL && i <= step - steps; i++)
		x *= 1000;
	if (end == value || !isfinite(x) || x < 0 || step == NULL ||
	    (*end != '\0' && end[1] != '\0'))
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want a number, such as 1500, 1.5k or 100M", key,
		    value);
	*out = x;
	return 0;
}

static int
set_kind(struct track_command *c, enum alert_kind kind, const char *value,
    double *out, struct err *err)
{
	c->rule.kind = kind;
	c->rule_kinds++;
	return set_amount(alert_kind_names[kind], value, out, err);
}

static int
set_above(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_kind(c, ALERT_ABOVE, value, &c->rule.threshold, err);
}

static int
set_below(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_kind(c, ALERT_BELOW, value, &c->rule.threshold, err);
}

static int
set_sigma(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_kind(c, ALERT_SIGMA, value, &c->rule.k, err);
}

static int
set_weeks(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_kind(c, ALERT_WEEKS, value, &c->rule.k, err);
}

static int
set_no_data(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	c->rule.kind = ALERT_NO_DATA;
	c->rule_kinds++;
	if (strcmp(value, "yes") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "no-data=%.60s: want yes", value);
}

static int
set_readings(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole(
	    "readings", value, 1, ALERT_MAX_READINGS, &c->rule.readings, err);
}

static int
set_in_a_row(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_whole("in-a-row", value, 1, 2016, &c->rule.in_a_row, err);
}

static int
set_hold(void *command, const char *value, struct err *err)
{
	enum { MAX_S = 366 * 86400 };
	struct track_command *c = command;

	return set_seconds("hold", value, 0, MAX_S, &c->rule.hold_s, err);
}

static int
set_recovery(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	return set_yes("recovery", value, &c->rule.recovery, err);
}

/* "22:00" at text, which is moved behind it: minutes; -1: it is none. */
static int
read_time_of_day(const char **text)
{
	unsigned part[2] = {0, 0};

	for (int i = 0; i < 2; i++) {
		int n = 0;

		for (; n < 2 && isdigit((unsigned char)**text); n++)
			part[i] = part[i] * 10 + (unsigned)(*(*text)++ - '0');
		if (n == 0 || (i == 0 && *(*text)++ != ':'))
			return -1;
	}
	return part[1] < 60 && part[0] * 60 + part[1] <= 24 * 60
		   ? (int)(part[0] * 60 + part[1])
		   : -1;
}

static int
set_quiet(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;
	const char *p = value;
	int from = read_time_of_day(&p), to = -1;

	if (from >= 0 && *p++ == '-')
		to = read_time_of_day(&p);
	if (from < 0 || to < 0 || *p != '\0')
		return err_set(err, ERR_USAGE,
		    "quiet=%.60s: want hours of the day, such as 22:00-06:00",
		    value);
	c->rule.quiet_from = (unsigned)from % (24 * 60);
	c->rule.quiet_to = (unsigned)to;
	return 0;
}

static int
set_frequency(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;
	struct alert_rule r = {.kind = ALERT_ABOVE};

	if (!alert_frequency(value, &r))
		return err_set(err, ERR_USAGE,
		    "frequency=%.60s: want daily, eachtime, either with 3, 6 "
		    "or 12, or sigma1 to sigma3",
		    value);
	c->rule.in_a_row = r.in_a_row;
	c->rule.hold_s = r.hold_s;
	if (r.kind == ALERT_SIGMA) {
		c->rule.kind = r.kind;
		c->rule.readings = r.readings;
		c->rule.k = r.k;
		c->rule_kinds++;
	}
	return 0;
}

static int
set_target(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	(void)err;
	c->target = value;
	return 0;
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
    {"above", set_above},
    {"below", set_below},
    {"sigma", set_sigma},
    {"weeks", set_weeks},
    {"no-data", set_no_data},
    {"readings", set_readings},
    {"in-a-row", set_in_a_row},
    {"hold", set_hold},
    {"recovery", set_recovery},
    {"quiet", set_quiet},
    {"frequency", set_frequency},
    {"target", set_target},
};
const size_t n_track_words = ARRAY_LEN(track_words);
