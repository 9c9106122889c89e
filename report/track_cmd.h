/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_CMD_H
#define WEIR_REPORT_TRACK_CMD_H
/* What the actions of `weir track` share: its command line. */
#include <stdbool.h>
#include <stdint.h>

#include "report/alert_rule.h"
#include "report/request.h"
#include "report/saved_table.h"
#include "report/track.h"

struct theme;

enum { TRACK_NOT_GIVEN = -1 };

struct track_command {
	struct saved_args args; /* first: words are set in it */
	struct request request;
	int load, layout; /* enum load, series_layout, or TRACK_NOT_GIVEN */
	int64_t late;     /* or TRACK_NOT_GIVEN */
	int64_t lag_s, every_s, step_s;  /* or TRACK_NOT_GIVEN */
	const struct track_range *range; /* span=; or NULL */
	const char *who;                 /* NULL: not given */
	bool mark;
	/* Of pictures; 0 and NULL: not given. */
	unsigned width, height, density, columns;
	const struct theme *theme;
	bool thumbnail;
	int64_t marks; /* or TRACK_NOT_GIVEN */
	/* Of groups. */
	const char *color; /* NULL: not given */
	int below;         /* bool, or TRACK_NOT_GIVEN */
	int64_t position;  /* from 1; or TRACK_NOT_GIVEN */
	/* Of alerts. */
	struct alert_rule rule; /* zeros where not given */
	unsigned rule_kinds;    /* words that tell its kind */
	const char *target;     /* NULL: not given */
	struct track_list list;
};

extern const struct request_word track_words[];
extern const size_t n_track_words;

/* The spans of values and graphs. */
struct track_range {
	const char *name, *title;
	int64_t length_s, step_s;
};

extern const struct track_range track_ranges[];
extern const size_t n_track_ranges;

/* All trackings into list; then the one of that name. */
int track_read(struct track_command *c, struct err *err) MUST_CHECK;
int track_named(struct track_command *c, const char *name, struct track **out,
    struct err *err) MUST_CHECK;

/* The end of the last period that is due. */
int64_t track_due_s(const struct track_command *c);

/* What follows, as in "group set line": an action, and its own arguments. */
int track_sub_action(struct track_command *c, const struct saved_action *table,
    size_t n, void *arg, struct err *err) MUST_CHECK;

/* Who runs this, unless who= says who asked for it. To be freed. */
char *track_who(const struct track_command *c);

/* Of the last period that is in; NAN: not known. */
double track_last_value(const char *dir, const struct track *t);

/* Messages that are due; failures are told on stderr. */
int track_send_alerts(const struct track_command *c, size_t *n_sent,
    size_t *n_failed, struct err *err) MUST_CHECK;

/* The action takes no filter words, or none but those of a span. */
int track_no_filter(
    const struct track_command *c, bool span_too, struct err *err) MUST_CHECK;

/* ---- the actions, by file ---- */

int track_list_action(void *command, struct err *err) MUST_CHECK;
int track_show_action(void *command, struct err *err) MUST_CHECK;
int track_values_action(void *command, struct err *err) MUST_CHECK;
int track_graph_action(void *command, struct err *err) MUST_CHECK;
int track_group_action(void *command, struct err *err) MUST_CHECK;
int track_alert_action(void *command, struct err *err) MUST_CHECK;
int track_test_alert_action(void *command, struct err *err) MUST_CHECK;
int track_back_test_action(void *command, struct err *err) MUST_CHECK;

int track_create_action(void *command, struct err *err) MUST_CHECK;
int track_revise_action(void *command, struct err *err) MUST_CHECK;
int track_rename_action(void *command, struct err *err) MUST_CHECK;
int track_archive_action(void *command, struct err *err) MUST_CHECK;
int track_restart_action(void *command, struct err *err) MUST_CHECK;
int track_remove_action(void *command, struct err *err) MUST_CHECK;
int track_restore_action(void *command, struct err *err) MUST_CHECK;
int track_purge_action(void *command, struct err *err) MUST_CHECK;
/* Those removed long ago; of each run. */
int track_purge_old(
    const char *dir, int64_t now_ms, struct err *err) MUST_CHECK;

int track_update_action(void *command, struct err *err) MUST_CHECK;
int track_recreate_action(void *command, struct err *err) MUST_CHECK;
int track_run_action(void *command, struct err *err) MUST_CHECK;

#endif
