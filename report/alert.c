/* SPDX-License-Identifier: ISC */
/* Rules, log and outbox in state.db: see alert.h. */
#include "report/alert.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/track.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/state.h"
#include "sql.h"

const char *const alert_kind_names[] = {
    [ALERT_ABOVE] = "above",
    [ALERT_BELOW] = "below",
    [ALERT_SIGMA] = "sigma",
    [ALERT_WEEKS] = "weeks",
    [ALERT_NO_DATA] = "no-data",
    NULL,
};

/* ---- rules ---- */

static int
take_rule(struct stmt *q, struct alert *a, struct err *err)
{
	const char *kind = stmt_text(q, 2);
	unsigned k = 0;

	while (alert_kind_names[k] != NULL &&
	       strcmp(alert_kind_names[k], kind) != 0)
		k++;
	if (alert_kind_names[k] == NULL)
		return err_set(err, ERR_CORRUPT,
		    "state.db: alert rule %" PRId64 ": unknown kind %.40s",
		    stmt_int(q, 0), kind);
	*a = (struct alert){
	    .id = stmt_int(q, 0),
	    .track_id = stmt_int(q, 1),
	    .rule =
		{
		    .kind = (enum alert_kind)k,
		    .threshold = stmt_real(q, 3),
		    .readings =
			(unsigned)stmt_int(q, 4) % (ALERT_MAX_READINGS + 1),
		    .k = stmt_real(q, 5),
		    .in_a_row = (unsigned)stmt_int(q, 6),
		    .hold_s = stmt_int(q, 7),
		    .recovery = stmt_int(q, 8) != 0,
		    .quiet_from = (unsigned)stmt_int(q, 9),
		    .quiet_to = (unsigned)stmt_int(q, 10),
		},
	    .target = xstrdup(stmt_text(q, 11)),
	    .comment = xstrdup(stmt_text(q, 12)),
	    .changed_ms = stmt_int(q, 13),
	    .done_s = stmt_int(q, 14),
	    .state =
		{
		    .spoken = stmt_int(q, 15) != 0,
		    .n_misses = (unsigned)stmt_int(q, 16),
		    .first_miss_s = stmt_int(q, 17),
		    .last_miss_s = stmt_int(q, 18),
		    .last_message_s = stmt_int(q, 19),
		    .worst = stmt_real(q, 20),
		},
	};
	if (a->rule.in_a_row < 1)
		a->rule.in_a_row = 1;
	return 0;
}

int
alert_get_all(struct state *s, struct alert_list *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_alert_rules, &q, err);

	*out = (struct alert_list){0};
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		out->alert =
		    xgrow(out->alert, out->n, &out->cap, sizeof *out->alert);
		if ((rc = take_rule(q, &out->alert[out->n], err)) != 0)
			break;
		out->n++;
	}
	stmt_finalize(q);
	return rc;
}

int
alert_load(const char *dir, struct alert_list *out, struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, dir, err);

	*out = (struct alert_list){0};
	if (rc == 0 && s != NULL)
		rc = alert_get_all(s, out, err);
	state_close(s);
	return rc;
}

void
alert_list_release(struct alert_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->alert[i].target);
		free(l->alert[i].comment);
	}
	free(l->alert);
	*l = (struct alert_list){0};
}

int
alert_insert(struct state *s, struct alert *a, struct err *err)
{
	const struct alert_rule *r = &a->rule;
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_insert_alert_rule, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":tracking_id", a->track_id);
	stmt_bind_text(q, ":kind", alert_kind_names[r->kind]);
	stmt_bind_real(q, ":threshold", r->threshold);
	stmt_bind_int(q, ":readings", r->readings);
	stmt_bind_real(q, ":k", r->k);
	stmt_bind_int(q, ":in_a_row", r->in_a_row);
	stmt_bind_int(q, ":hold_s", r->hold_s);
	stmt_bind_int(q, ":recovery", r->recovery);
	stmt_bind_int(q, ":quiet_from", r->quiet_from);
	stmt_bind_int(q, ":quiet_to", r->quiet_to);
	stmt_bind_text(q, ":target", a->target);
	stmt_bind_text(q, ":comment", a->comment);
	stmt_bind_int(q, ":changed_ms", a->changed_ms);
	stmt_bind_int(q, ":done_s", a->done_s);
	rc = stmt_finish(q, err);
	a->id = db_last_id(state_db(s));
	return rc;
}

int
alert_delete(struct state *s, int64_t id, struct err *err)
{
	return db_run_for(state_db(s), sql_delete_alert_rule, ":id", id, err);
}

int
alert_reset(struct state *s, int64_t track_id, struct err *err)
{
	return db_run_for(
	    state_db(s), sql_reset_alert_state, ":tracking_id", track_id, err);
}

int
alert_save_state(struct state *s, const struct alert *a, struct err *err)
{
	const struct alert_state *x = &a->state;
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_update_alert_state, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", a->id);
	stmt_bind_int(q, ":done_s", a->done_s);
	stmt_bind_int(q, ":spoken", x->spoken);
	stmt_bind_int(q, ":n_misses", x->n_misses);
	stmt_bind_int(q, ":first_miss_s", x->first_miss_s);
	stmt_bind_int(q, ":last_miss_s", x->last_miss_s);
	stmt_bind_int(q, ":last_message_s", x->last_message_s);
	/* No row goes on: nothing is the worst of it. */
	stmt_bind_real(q, ":worst", isnan(x->worst) ? 0 : x->worst);
	return stmt_finish(q, err);
}

void
alert_print(const struct alert_rule *r, struct buf *out)
{
	switch (r->kind) {
	case ALERT_ABOVE:
	case ALERT_BELOW:
		buf_printf(
		    out, "%s=%.15g", alert_kind_names[r->kind], r->threshold);
		break;
	case ALERT_SIGMA:
	case ALERT_WEEKS:
		buf_printf(out, "%s=%.15g readings=%u",
		    alert_kind_names[r->kind], r->k, r->readings);
		break;
	case ALERT_NO_DATA: buf_puts(out, "no-data=yes"); break;
	}
	if (r->in_a_row > 1)
		buf_printf(out, " in-a-row=%u", r->in_a_row);
	if (r->hold_s > 0)
		buf_printf(out, " hold=%" PRId64 "s", r->hold_s);
	if (r->recovery)
		buf_puts(out, " recovery=yes");
	if (r->quiet_from != r->quiet_to)
		buf_printf(out, " quiet=%02u:%02u-%02u:%02u",
		    r->quiet_from / 60, r->quiet_from % 60, r->quiet_to / 60,
		    r->quiet_to % 60);
}

/* FlowViewer's names: what a rule says besides its threshold, or all of it. */
static const struct frequency {
	const char *name;
	unsigned in_a_row;
	int64_t hold_s;
	unsigned readings;
	double k;
} frequencies[] = {
    {"daily", 1, 86400, 0, 0},
    {"eachtime", 1, 0, 0, 0},
    {"daily3", 3, 86400, 0, 0},
    {"daily6", 6, 86400, 0, 0},
    {"daily12", 12, 86400, 0, 0},
    {"eachtime3", 3, 0, 0, 0},
    {"eachtime6", 6, 0, 0, 0},
    {"eachtime12", 12, 0, 0, 0},
    {"sigma1", 1, 0, 6, 2.67},
    {"sigma2", 1, 0, 12, 4},
    {"sigma3", 1, 0, 12, 3},
};

bool
alert_frequency(const char *name, struct alert_rule *r)
{
	for (size_t i = 0; i < ARRAY_LEN(frequencies); i++) {
		const struct frequency *f = &frequencies[i];

		if (strcmp(f->name, name) != 0)
			continue;
		r->in_a_row = f->in_a_row;
		r->hold_s = f->hold_s;
		if (f->readings > 0) {
			r->kind = ALERT_SIGMA;
			r->readings = f->readings;
			r->k = f->k;
		}
		return true;
	}
	return false;
}

/* ---- the log ---- */

static int
put_messages(struct state *s, const char *targets, int64_t note_id,
    int64_t now_ms, struct err *err)
{
	char *copy = xstrdup(targets), *rest = copy, *target;
	int rc = 0;

	while (rc == 0 && (target = strsep(&rest, ",")) != NULL) {
		struct stmt *q;

		if (target[0] == '\0')
			continue;
		rc = db_prepare(state_db(s), sql_insert_alert_outbox, &q, err);
		if (rc != 0)
			break;
		stmt_bind_int(q, ":log_id", note_id);
		stmt_bind_text(q, ":target", target);
		stmt_bind_int(q, ":next_ms", now_ms);
		rc = stmt_finish(q, err);
	}
	free(copy);
	return rc;
}

int
alert_note_event(struct state *s, const struct track *t, const struct alert *a,
    const char *kind, int64_t end_s, double value, const struct alert_event *e,
    int64_t now_ms, bool send, struct err *err)
{
	struct buf rule;
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_insert_alert_log, &q, err);

	if (rc != 0)
		return rc;
	buf_init(&rule, 1000);
	alert_print(&a->rule, &rule);
	stmt_bind_int(q, ":rule_id", a->id);
	stmt_bind_int(q, ":tracking_id", t->id);
	stmt_bind_text(q, ":name", t->name);
	stmt_bind_text(q, ":load", load_infos[t->load].name);
	stmt_bind_text(q, ":filter", t->filter);
	stmt_bind_text(q, ":rule", buf_str(&rule));
	stmt_bind_text(q, ":kind", kind);
	stmt_bind_int(q, ":end_s", end_s);
	stmt_bind_real(q, ":value", value);
	stmt_bind_real(q, ":limit_value", e->limit);
	stmt_bind_int(q, ":n_misses", e->n_misses);
	stmt_bind_int(q, ":first_miss_s", e->first_miss_s);
	stmt_bind_real(q, ":worst", e->worst);
	stmt_bind_int(q, ":noted_ms", now_ms);
	rc = stmt_finish(q, err);
	buf_release(&rule);
	if (rc == 0 && send)
		rc = put_messages(
		    s, a->target, db_last_id(state_db(s)), now_ms, err);
	return rc;
}

static struct alert_note
take_note(struct stmt *q)
{
	return (struct alert_note){
	    .id = stmt_int(q, 0),
	    .rule_id = stmt_int(q, 1),
	    .track_id = stmt_int(q, 2),
	    .name = xstrdup(stmt_text(q, 3)),
	    .load = xstrdup(stmt_text(q, 4)),
	    .filter = xstrdup(stmt_text(q, 5)),
	    .rule = xstrdup(stmt_text(q, 6)),
	    .kind = xstrdup(stmt_text(q, 7)),
	    .end_s = stmt_int(q, 8),
	    .value = stmt_real(q, 9),
	    .limit = stmt_real(q, 10),
	    .n_misses = stmt_int(q, 11),
	    .first_miss_s = stmt_int(q, 12),
	    .worst = stmt_real(q, 13),
	    .noted_ms = stmt_int(q, 14),
	    .acked_ms = stmt_int(q, 15),
	    .acked_by = xstrdup(stmt_text(q, 16)),
	    .n_delivered = stmt_int(q, 17),
	    .n_waiting = stmt_int(q, 18),
	    .n_failed = stmt_int(q, 19),
	    .failed = xstrdup(stmt_text(q, 20)),
	};
}

int
alert_get_notes(struct state *s, const struct alert_query *query,
    struct alert_notes *out, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_alert_log, &q, err);

	*out = (struct alert_notes){0};
	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", query->id);
	stmt_bind_int(q, ":tracking_id", query->track_id);
	stmt_bind_int(q, ":from_s", query->from_s);
	stmt_bind_int(q, ":to_s", query->to_s);
	while ((rc = stmt_step(q, err)) == 1) {
		out->note =
		    xgrow(out->note, out->n, &out->cap, sizeof *out->note);
		out->note[out->n++] = take_note(q);
	}
	stmt_finalize(q);
	return rc;
}

void
alert_notes_release(struct alert_notes *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->note[i].name);
		free(n->note[i].load);
		free(n->note[i].filter);
		free(n->note[i].rule);
		free(n->note[i].kind);
		free(n->note[i].acked_by);
		free(n->note[i].failed);
	}
	free(n->note);
	*n = (struct alert_notes){0};
}

int
alert_acknowledge(struct state *s, int64_t id, const char *who, int64_t now_ms,
    struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_acknowledge_alert, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", id);
	stmt_bind_int(q, ":acked_ms", now_ms);
	stmt_bind_text(q, ":acked_by", who);
	return stmt_finish(q, err);
}

/* ---- messages ---- */

int
alert_get_messages(struct state *s, int64_t now_ms, struct alert_messages *out,
    struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_select_alert_outbox, &q, err);

	*out = (struct alert_messages){0};
	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":now_ms", now_ms);
	while ((rc = stmt_step(q, err)) == 1) {
		out->message = xgrow(
		    out->message, out->n, &out->cap, sizeof *out->message);
		out->message[out->n++] = (struct alert_message){
		    .id = stmt_int(q, 0),
		    .note_id = stmt_int(q, 1),
		    .target = xstrdup(stmt_text(q, 2)),
		    .attempts = stmt_int(q, 3),
		};
	}
	stmt_finalize(q);
	return rc;
}

void
alert_messages_release(struct alert_messages *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->message[i].target);
	free(m->message);
	*m = (struct alert_messages){0};
}

int
alert_tried(struct state *s, int64_t id, bool delivered, int64_t now_ms,
    int64_t next_ms, const char *why, struct err *err)
{
	struct stmt *q;
	int rc = db_prepare(state_db(s), sql_update_alert_outbox, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", id);
	stmt_bind_int(q, ":next_ms", next_ms);
	if (delivered)
		stmt_bind_int(q, ":delivered_ms", now_ms);
	else
		stmt_bind_text(q, ":delivered_ms", NULL);
	stmt_bind_text(q, ":failed", why);
	return stmt_finish(q, err);
}
