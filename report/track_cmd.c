/* SPDX-License-Identifier: ISC */
/* `weir track`: the command line. Actions are in track_show.c, track_change.c
 * and track_run.c. */
#include "report/track_cmd.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/commands.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir track create NAME type=TYPE [WORDS]\n"
	    "       weir track list\n"
	    "       weir track show NAME\n"
	    "       weir track values NAME [span=SPAN]\n"
	    "       weir track graph NAME... [span=SPAN] -o FILE.png\n"
	    "       weir track group set | add | drop | rename | remove | list "
	    "| show ...\n"
	    "       weir track alert add | list | remove | log | ack ...\n"
	    "       weir track test-alert NAME [target=TARGET]\n"
	    "       weir track back-test NAME [RULE] [from=TIME]\n"
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
	    "  weir track graph 'web in' span=month -o web.png\n"
	    "  weir track graph 'web in' dns lan columns=2 -o all.png\n"
	    "  weir track group set line 'web in' dns        # above the axis\n"
	    "  weir track group add line 'web out' side=below color=green\n"
	    "  weir track graph line -o line.png\n\n"
	    "  weir track alert add 'web in' above=100M in-a-row=3 hold=1d "
	    "target=ops@example.org\n"
	    "  weir track back-test 'web in' sigma=4 from=-7d   # would it "
	    "have spoken?\n"
	    "  weir track alert log; weir track alert ack all\n\n"
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
	    "  lines=      of values: the latest rows alone\n"
	    "  width= height= density= theme=   of pictures: of the plot; 2 "
	    "for dense screens;\n"
	    "              light or dark\n"
	    "  thumbnail=yes   a small picture without words\n"
	    "  columns=    of several pictures in one (2)\n"
	    "  marks=N     the last N revisions to be marked (3)\n"
	    "  side= position= color=   of members: above or below; from the "
	    "axis outwards;\n"
	    "              '#RRGGBB', or the next auto, blue, red, green, "
	    "violet, mixed\n"
	    "  above= below=   a rule: a value beyond that, such as 100M\n"
	    "  sigma=K weeks=K   beyond the mean of readings=12 before and K "
	    "deviations; K\n"
	    "              times that of the same time in readings=4 weeks\n"
	    "  no-data=yes no exporter is heard\n"
	    "  in-a-row=N hold=TIME   after N such periods; not again within "
	    "that time\n"
	    "  recovery=yes quiet=22:00-06:00   tell when it is over; silence\n"
	    "  frequency=  for these as FlowViewer calls them: daily eachtime "
	    "daily3 daily6\n"
	    "              daily12 eachtime3 eachtime6 eachtime12 sigma1 "
	    "sigma2 sigma3\n"
	    "  target=     an address, a URL, or names of alert-target in the "
	    "configuration\n"
	    "  lag=        of update and run: count a period so long after its "
	    "end (track-lag)\n\n"
	    "update takes up where it stopped, however long ago, and killed at "
	    "any moment it\n"
	    "misses no period and has none twice. revise counts from the next "
	    "period on;\n"
	    "recreate counts stored flows anew, with the filter as it is now: "
	    "all, or with from=\n"
	    "what came since, and what was before stays. What is removed can "
	    "be restored for\n"
	    "30 days, or until purge.\n");
}

/* Names for -f beside those of tables. */
static const char *const pictures[] = {"png", "svg", NULL};

static const struct request_spec spec_without_words = {
    .formats = pictures,
    .tables_too = true,
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
track_sub_action(struct track_command *c, const struct saved_action *table,
    size_t n, void *arg, struct err *err)
{
	const struct saved_action *action;
	struct saved_args *a = &c->args;
	const char *outer = a->action;
	int rc;

	a->action = a->arg[0];
	a->n--;
	memmove(&a->arg[0], &a->arg[1], a->n * sizeof a->arg[0]);
	rc = saved_find_action(table, n, a, &action, err);
	return rc != 0 ? err_prefix(err, rc, "%s", outer)
		       : action->run(arg, err);
}

char *
track_who(const struct track_command *c)
{
	enum { ROOM = 16384 };
	char *room;
	struct passwd pw, *found = NULL;
	char *who;

	if (c->who != NULL)
		return xstrdup(c->who);
	room = xcalloc(1, ROOM);
	if (getpwuid_r(getuid(), &pw, room, ROOM, &found) == 0 && found != NULL)
		who = xstrdup(pw.pw_name);
	else
		who = xasprintf("%u", (unsigned)getuid());
	free(room);
	return who;
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
    {"graph", 1, SAVED_MAX_ARGS, "one or more names", track_graph_action},
    {"group", 1, SAVED_MAX_ARGS, "set, add, drop, rename, remove, list or show",
	track_group_action},
    {"alert", 1, SAVED_MAX_ARGS, "add, list, remove, log or ack",
	track_alert_action},
    {"test-alert", 1, 1, "one NAME", track_test_alert_action},
    {"back-test", 1, 1, "one NAME", track_back_test_action},
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

/* The file's name ends in what is no format. */
static bool
has_ending(const struct track_command *c)
{
	const char *output = c->request.output;
	const char *name = output != NULL ? strrchr(output, '/') : NULL;

	return output != NULL &&
	       strchr(name != NULL ? name : output, '.') != NULL;
}

/* Pictures are of graph, tables of all others. */
static int
check_format(const struct track_command *c, const struct saved_action *action,
    struct err *err)
{
	bool picture = c->request.own_format != NO_OWN_FORMAT;
	bool draws = action->run == track_graph_action;

	if (draws && !picture && (c->request.has_format || has_ending(c)))
		return err_set(err, ERR_USAGE,
		    "graph: want png or svg, by -f or the name of the file; "
		    "weir track values has the numbers");
	if (!draws && picture)
		return err_set(err, ERR_USAGE,
		    "%s makes no picture: weir track graph does", action->name);
	return 0;
}

static int
run(struct track_command *c, struct err *err)
{
	const struct saved_action *action;
	int rc = saved_find_action(
	    actions, ARRAY_LEN(actions), &c->args, &action, err);

	if (rc != 0)
		return rc;
	rc = check_format(c, action, err);
	return rc != 0 ? rc : action->run(c, err);
}

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
	    .marks = TRACK_NOT_GIVEN,
	    .below = TRACK_NOT_GIVEN,
	    .position = TRACK_NOT_GIVEN,
	};
	struct request_spec spec = spec_without_words;
	struct err err = {0};
	int rc;

	spec.word = track_words;
	spec.n_words = n_track_words;
	rc = request_parse(&c.request, &spec, argc, argv, &c, &err);

	if (rc == 0)
		rc = c.request.help ? request_help(&c.request, &err)
				    : run(&c, &err);
	track_list_release(&c.list);
	request_release(&c.request);
	return request_status("track", rc, &err);
}
