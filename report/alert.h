/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ALERT_H
#define WEIR_REPORT_ALERT_H
/*
 * Alerts as state.db has them: rules of trackings and how they stand, the log
 * of what they said, and messages on their way.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/alert_rule.h"
#include "schema/base/err.h"

struct buf;
struct state;
struct track;

/* As the table and words have them; NULL behind the last one. */
extern const char *const alert_kind_names[]; /* by enum alert_kind */

enum { ALERT_MAX_RULES = 20 }; /* of a tracking */

struct alert {
	int64_t id, track_id;
	struct alert_rule rule;
	struct alert_state state;
	char *target; /* commas between */
	char *comment;
	int64_t changed_ms;
	int64_t done_s; /* end of the last period it has seen */
};

struct alert_list {
	struct alert *alert; /* by tracking */
	size_t n, cap;
};

/* All below: 0 or an error. */

/* Of trackings that are not removed. */
int alert_get_all(
    struct state *s, struct alert_list *out, struct err *err) MUST_CHECK;
/* Of the folder; none when there is no state.db yet. */
int alert_load(
    const char *dir, struct alert_list *out, struct err *err) MUST_CHECK;
void alert_list_release(struct alert_list *l); /* accepts a zeroed struct */
/* Sets id. */
int alert_insert(struct state *s, struct alert *a, struct err *err) MUST_CHECK;
int alert_delete(struct state *s, int64_t id, struct err *err) MUST_CHECK;
int alert_save_state(
    struct state *s, const struct alert *a, struct err *err) MUST_CHECK;
/* Rules of a tracking begin anew: its filter is another one. */
int alert_reset(struct state *s, int64_t track_id, struct err *err) MUST_CHECK;

/* In words, as they are typed: "above=100000000 in-a-row=3". */
void alert_print(const struct alert_rule *r, struct buf *out);

/* What FlowViewer calls "daily3" or "sigma1": in_a_row and hold_s; of sigma all
 * of it. false: it is none of them. */
bool alert_frequency(const char *name, struct alert_rule *r);

/* ---- the log ---- */

struct alert_note {
	int64_t id, rule_id, track_id;
	char *name, *load, *filter, *rule, *kind;
	int64_t end_s;
	double value, limit; /* NAN: not known, none */
	int64_t n_misses, first_miss_s;
	double worst;
	int64_t noted_ms;
	int64_t acked_ms; /* 0: not yet */
	char *acked_by;
	int64_t n_delivered, n_waiting, n_failed; /* messages */
	char *failed;                             /* why the last one did */
};

struct alert_notes {
	struct alert_note *note; /* by time */
	size_t n, cap;
};

struct alert_query {
	int64_t id, track_id; /* 0: all */
	int64_t from_s, to_s; /* ends of periods in (from, to] */
};

/* With messages to each target, due at once; or without any. */
int alert_note_event(struct state *s, const struct track *t,
    const struct alert *a, const char *kind, int64_t end_s, double value,
    const struct alert_event *e, int64_t now_ms, bool send,
    struct err *err) MUST_CHECK;
int alert_get_notes(struct state *s, const struct alert_query *q,
    struct alert_notes *out, struct err *err) MUST_CHECK;
void alert_notes_release(struct alert_notes *n); /* or a zeroed struct */
/* id 0: all. */
int alert_acknowledge(struct state *s, int64_t id, const char *who,
    int64_t now_ms, struct err *err) MUST_CHECK;

/* ---- messages ---- */

struct alert_message {
	int64_t id, note_id, attempts;
	char *target;
};

struct alert_messages {
	struct alert_message *message;
	size_t n, cap;
};

/* Those that are due, some at a time. */
int alert_get_messages(struct state *s, int64_t now_ms,
    struct alert_messages *out, struct err *err) MUST_CHECK;
void alert_messages_release(struct alert_messages *m);
/* How a try ended: delivered, or next_ms later again, or failed for good (why
 * not NULL). */
int alert_tried(struct state *s, int64_t id, bool delivered, int64_t now_ms,
    int64_t next_ms, const char *why, struct err *err) MUST_CHECK;

#endif
