/* SPDX-License-Identifier: ISC */
/* `weir track`: the command line. Actions are in track_show.c, track_change.c
 * and track_run.c. */
#include "report/track_cmd.h"

#include <string.h>

#include "query/value.h"
#include "report/commands.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/num.h"
#include "schema/conf.h"

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir track create NAME type=TYPE [WORDS]\n"
	    "       weir track list\n"
	    "       weir track show NAME\n"
	    "       weir track values NAME [span=SPAN]\n"
	    "       weir track revise NAME [WORDS] [comment=TEXT] [mark=yes]\n"
	    "       weir track rename NAME NEW-NAME\n"
	    "       weir track archive | restart | remove | restore NAME...\n"
	    "       weir track recreate NAME... [from=TIME]\n"
	    "       weir track update\n"
	    "       weir track run [every=300s]\n"
	    "       weir track purge\n\n"
	    "The traffic that filter words let pass, written down every 300 "
	    "seconds, for years:\n"
	    "an RRD file for each tracking, in rrd/ of the data folder.\n\n"
	    "  weir track create 'web in' type=bps dst=10.0.0.0/8 "
	    "sport=80,443\n"
	    "  weir track create dns type=fps dport=53 from=-7d  # count the "
	    "week before, too\n"
	    "  weir track update                   # all that is due; from "
	    "cron, say\n"
	    "  weir track values 'web in' span=week -f csv\n\n"
	    "words:\n"
	    "  type=       bps, pps, fps (flows started) or active (flows at "
	    "a time)\n"
	    "  from=       of create and recreate: the first period; of "
	    "values: from there on\n"
	    "  late=N      count the last N periods anew each time, for flows "
	    "exported late\n"
	    "  layout=     of the file: flowtracker (50 hours of 5 minutes), "
	    "or long (93 days)\n"
	    "  comment=    why; with mark=yes graphs show it\n"
	    "  who=        who it was, else the user who runs this\n"
	    "  span=       day, week, month, year, 3years\n"
	    "  step=       of values: another length of a row, such as 1h\n"
	    "  lag=        of update and run: count a period so long after its "
	    "end (track-lag)\n\n"
	    "update takes up where it stopped, however long ago, and killed at "
	    "any moment it\n"
	    "misses no period and has none twice. revise counts from the next "
	    "period on;\n"
	    "recreate makes the file anew with the filter as it is now. What "
	    "is removed can be\n"
	    "restored for 30 days, or until purge.\n");
}

/* ---- words ---- */

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

static int
set_mark(void *command, const char *value, struct err *err)
{
	struct track_command *c = command;

	c->mark = strcmp(value, "yes") == 0;
	if (c->mark || strcmp(value, "no") == 0)
		return 0;
	return err_set(err, ERR_USAGE, "mark=%.60s: want yes or no", value);
}

static const struct request_word words[] = {
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
};

static const struct request_spec spec = {
    .word = words,
    .n_words = ARRAY_LEN(words),
    .bare = saved_take_arg,
    .help = help,
    .scale = true,
};

/* ---- for the actions ---- */

int
track_read(struct track_command *c, struct err *err)
{
	return track_load(c->request.dir, &c->list, err);
}

int
track_named(struct track_command *c, const char *name, struct track **out,
    struct err *err)
{
	*out = track_find(&c->list, name, false);
	return *out != NULL ? 0 : track_unknown(&c->list, name, err);
}

int64_t
track_due_s(const struct track_command *c)
{
	const struct request *r = &c->request;
	int64_t lag_s = c->lag_s != TRACK_NOT_GIVEN
			    ? c->lag_s
			    : (int64_t)r->conf->track_lag_s;

	if (r->filter.has_to)
		return track_floor_s(r->filter.to_ms);
	return track_floor_s(r->now_ms - lag_s * MS_PER_S);
}

int
track_no_filter(const struct track_command *c, bool span_too, struct err *err)
{
	const struct filter *f = &c->request.filter;

	if (!filter_is_span(f) || f->include != INCLUDE_ANY ||
	    c->request.scaled != NULL || c->request.has_dedup)
		return err_set(err, ERR_USAGE,
		    "%s takes no filter words: those of a tracking are "
		    "changed by weir track revise",
		    c->args.action);
	if (!span_too && (f->has_from || f->has_to))
		return err_set(
		    err, ERR_USAGE, "%s takes no span of time", c->args.action);
	return 0;
}

/* ---- the command ---- */

static const struct saved_action actions[] = {
    {"create", 1, 1, "one NAME, type= and filter words", track_create_action},
    {"list", 0, 0, "no more words", track_list_action},
    {"show", 1, 1, "one NAME", track_show_action},
    {"values", 1, 1, "one NAME", track_values_action},
    {"revise", 1, 1, "one NAME and what is new", track_revise_action},
    {"rename", 2, 2, "the NAME and its new one", track_rename_action},
    {"archive", 1, SAVED_MAX_ARGS, "one or more names", track_archive_action},
    {"restart", 1, SAVED_MAX_ARGS, "one or more names", track_restart_action},
    {"remove", 1, SAVED_MAX_ARGS, "one or more names", track_remove_action},
    {"restore", 1, SAVED_MAX_ARGS, "one or more names", track_restore_action},
    {"purge", 0, 0, "no more words", track_purge_action},
    {"recreate", 1, SAVED_MAX_ARGS, "one or more names", track_recreate_action},
    {"update", 0, 0, "no more words", track_update_action},
    {"run", 0, 0, "no more words", track_run_action},
};

int
track_main(int argc, char **argv)
{
	struct track_command c = {
	    .load = TRACK_NOT_GIVEN,
	    .layout = TRACK_NOT_GIVEN,
	    .late = TRACK_NOT_GIVEN,
	    .lag_s = TRACK_NOT_GIVEN,
	    .every_s = TRACK_NOT_GIVEN,
	    .step_s = TRACK_NOT_GIVEN,
	};
	const struct saved_action *action;
	struct err err = {0};
	int rc = request_parse(&c.request, &spec, argc, argv, &c, &err);

	if (rc == 0 && c.request.help)
		rc = request_help(&c.request, &err);
	else if (rc == 0 && (rc = saved_find_action(actions, ARRAY_LEN(actions),
				 &c.args, &action, &err)) == 0)
		rc = action->run(&c, &err);
	track_list_release(&c.list);
	request_release(&c.request);
	return request_status("track", rc, &err);
}
