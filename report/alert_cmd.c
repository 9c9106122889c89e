/* SPDX-License-Identifier: ISC */
/* weir track alert, test-alert and back-test. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "query/store_names.h"
#include "report/alert.h"
#include "report/alert_check.h"
#include "report/alert_send.h"
#include "report/table.h"
#include "report/track_cmd.h"
#include "report/track_values.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/conf.h"
#include "schema/state.h"

/* ---- rules from words ---- */

static int
check_targets(const struct track_command *c, struct err *err)
{
	char *copy, *rest, *target;
	int rc = 0;

	if (c->target == NULL)
		return 0;
	copy = rest = xstrdup(c->target);
	while (rc == 0 && (target = strsep(&rest, ",")) != NULL)
		rc = alert_check_target(c->request.conf, target, err);
	free(copy);
	return rc;
}

/* What is not said is what a rule of its kind usually has. */
static int
make_rule(const struct track_command *c, struct alert_rule *r, struct err *err)
{
	enum { SIGMA_READINGS = 12, WEEKS = 4 };

	*r = c->rule;
	if (c->rule_kinds != 1)
		return err_set(err, ERR_USAGE,
		    "%s: want one of above=, below=, sigma=, weeks=, "
		    "no-data=yes or frequency=sigma1",
		    c->args.action);
	if (r->in_a_row == 0)
		r->in_a_row = 1;
	if (r->readings == 0)
		r->readings = r->kind == ALERT_WEEKS ? WEEKS : SIGMA_READINGS;
	if (r->kind == ALERT_SIGMA && r->readings < 2)
		return err_set(err, ERR_USAGE,
		    "readings=%u: sigma= wants 2 at least", r->readings);
	return 0;
}

/* ---- changes ---- */

struct alerting {
	struct track_command *command; /* its args without "alert" */
	struct alert_list rules;
	struct alert_notes notes;
};

static int
find_track(
    struct alerting *x, struct state *s, struct track **out, struct err *err)
{
	int rc;

	track_list_release(&x->command->list);
	rc = track_get_all(s, &x->command->list, err);
	return rc != 0
		   ? rc
		   : track_named(x->command, x->command->args.arg[0], out, err);
}

static int
add(struct state *s, void *arg, struct err *err)
{
	struct alerting *x = arg;
	const struct track_command *c = x->command;
	struct alert a = {.changed_ms = c->request.now_ms};
	struct track *t;
	size_t n = 0;
	int rc = make_rule(c, &a.rule, err);

	if (rc == 0)
		rc = check_targets(c, err);
	if (rc == 0)
		rc = find_track(x, s, &t, err);
	if (rc == 0)
		rc = alert_get_all(s, &x->rules, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < x->rules.n; i++)
		n += x->rules.alert[i].track_id == t->id;
	if (n >= ALERT_MAX_RULES)
		return err_set(err, ERR_LIMIT, "tracking %s has %d rules",
		    t->name, ALERT_MAX_RULES);
	a.track_id = t->id;
	a.done_s = t->done_s;
	a.target = xstrdup(c->target != NULL ? c->target : "");
	a.comment = xstrdup(c->args.comment != NULL ? c->args.comment : "");
	rc = alert_insert(s, &a, err);
	free(a.target);
	free(a.comment);
	return rc;
}

static int
read_id(const char *text, int64_t *id, struct err *err)
{
	uint64_t n;

	if (!parse_u64(text, INT64_MAX, &n) || n == 0)
		return err_set(
		    err, ERR_USAGE, "\"%.60s\" is no number of one", text);
	*id = (int64_t)n;
	return 0;
}

static int
remove_rules(struct state *s, void *arg, struct err *err)
{
	struct alerting *x = arg;
	const struct saved_args *a = &x->command->args;
	int rc = alert_get_all(s, &x->rules, err);

	for (size_t i = 0; i < a->n && rc == 0; i++) {
		int64_t id = 0;
		size_t k = 0;

		if ((rc = read_id(a->arg[i], &id, err)) != 0)
			break;
		while (k < x->rules.n && x->rules.alert[k].id != id)
			k++;
		rc = k == x->rules.n
			 ? err_set(err, ERR_USAGE,
			       "there is no rule %s: weir track alert list "
			       "shows those there are",
			       a->arg[i])
			 : alert_delete(s, id, err);
	}
	return rc;
}

static int
acknowledge(struct state *s, void *arg, struct err *err)
{
	const struct alerting *x = arg;
	const struct track_command *c = x->command;
	char *who = track_who(c);
	int rc = 0;

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		const char *text = c->args.arg[i];
		int64_t id = 0;

		if (strcmp(text, "all") != 0)
			rc = read_id(text, &id, err);
		if (rc == 0)
			rc = alert_acknowledge(
			    s, id, who, c->request.now_ms, err);
	}
	free(who);
	return rc;
}

/* ---- showing ---- */

static const struct table_column list_columns[] = {
    {.name = "id", .heading = "Rule", .kind = VALUE_NUMBER},
    {.name = "name", .heading = "Tracking", .kind = VALUE_TEXT},
    {.name = "rule", .heading = "When", .kind = VALUE_TEXT},
    {.name = "target", .heading = "To", .kind = VALUE_TEXT},
    {.name = "alarm", .heading = "Alarm", .kind = VALUE_NUMBER},
    {.name = "last_ms", .heading = "Last told", .kind = VALUE_ANY},
    {.name = "comment", .heading = "Comment", .kind = VALUE_TEXT, .drop = 1},
};

static const struct table_head list_head = {.column = list_columns,
    .n_columns = ARRAY_LEN(list_columns),
    .n_keys = 1,
    .caption = "alert rules\n"};

struct rule_rows {
	const struct alerting *x;
	char **rule; /* in words */
	struct table_value last;
};

static struct table_value
moment(int64_t at_s)
{
	if (at_s == 0)
		return (struct table_value){.kind = VALUE_NULL};
	return (struct table_value){VALUE_TIME, {.time_ms = at_s * MS_PER_S}};
}

static void
fill_rule(void *arg, size_t i, union table_cell *cell)
{
	struct rule_rows *r = arg;
	const struct alert *a = &r->x->rules.alert[i];
	const struct track *t =
	    track_find_id(&r->x->command->list, a->track_id);

	r->last = moment(a->state.last_message_s);
	cell[0].number = (uint64_t)a->id;
	cell[1].text = t != NULL ? t->name : "";
	cell[2].text = r->rule[i];
	cell[3].text = a->target;
	cell[4].number = a->state.spoken;
	cell[5].any = &r->last;
	cell[6].text = a->comment;
}

static int
list(struct alerting *x, struct state *s, struct err *err)
{
	struct rule_rows rows = {.x = x};
	int rc = 0;

	if (s != NULL && (rc = track_get_all(s, &x->command->list, err)) == 0)
		rc = alert_get_all(s, &x->rules, err);
	if (rc != 0)
		return rc;
	rows.rule = xcalloc(x->rules.n + 1, sizeof *rows.rule);
	for (size_t i = 0; i < x->rules.n; i++) {
		struct buf text;

		buf_init(&text, 1000);
		alert_print(&x->rules.alert[i].rule, &text);
		rows.rule[i] = xstrdup(buf_str(&text));
		buf_release(&text);
	}
	rc = saved_write(&x->command->request, &list_head, x->rules.n,
	    fill_rule, &rows,
	    "no rule is there; weir track alert add NAME above=100M "
	    "target=ADDRESS makes one\n",
	    err);
	for (size_t i = 0; i < x->rules.n; i++)
		free(rows.rule[i]);
	free(rows.rule);
	return rc;
}

static const struct table_column log_columns[] = {
    {.name = "id", .heading = "Alert", .kind = VALUE_NUMBER},
    {.name = "end_ms", .heading = "Period until", .kind = VALUE_TIME},
    {.name = "name", .heading = "Tracking", .kind = VALUE_TEXT},
    {.name = "kind", .heading = "What", .kind = VALUE_TEXT},
    {.name = "value", .heading = "Value", .kind = VALUE_ANY, .right = true},
    {.name = "limit", .heading = "Limit", .kind = VALUE_ANY, .right = true},
    {.name = "in_a_row",
	.heading = "In a row",
	.kind = VALUE_NUMBER,
	.drop = 3},
    {.name = "worst",
	.heading = "Worst",
	.kind = VALUE_ANY,
	.right = true,
	.drop = 4},
    {.name = "rule", .heading = "When", .kind = VALUE_TEXT, .drop = 2},
    {.name = "delivered", .heading = "Delivered", .kind = VALUE_NUMBER},
    {.name = "waiting", .heading = "Waiting", .kind = VALUE_NUMBER},
    {.name = "failed", .heading = "Failed", .kind = VALUE_NUMBER},
    {.name = "why", .heading = "Why", .kind = VALUE_TEXT, .drop = 5},
    {.name = "acked_ms", .heading = "Seen", .kind = VALUE_ANY, .drop = 1},
    {.name = "acked_by", .heading = "By", .kind = VALUE_TEXT, .drop = 1},
};

static const struct table_head log_head = {.column = log_columns,
    .n_columns = ARRAY_LEN(log_columns),
    .n_keys = 1,
    .caption = "alerts\n"};

struct note_rows {
	const struct alerting *x;
	struct table_value value, limit, worst, acked;
};

static struct table_value
amount(double value)
{
	if (isnan(value))
		return (struct table_value){.kind = VALUE_NULL};
	return (struct table_value){
	    VALUE_REAL, {.real = nearbyint(value * 1000) / 1000}};
}

static void
fill_note(void *arg, size_t i, union table_cell *cell)
{
	struct note_rows *r = arg;
	const struct alert_note *n = &r->x->notes.note[i];
	union table_cell *to = cell;

	r->value = amount(n->value);
	r->limit = amount(n->limit);
	r->worst = amount(n->worst);
	r->acked = moment(n->acked_ms / MS_PER_S);
	(to++)->number = (uint64_t)n->id;
	(to++)->time_ms = n->end_s * MS_PER_S;
	(to++)->text = n->name;
	(to++)->text = n->kind;
	(to++)->any = &r->value;
	(to++)->any = &r->limit;
	(to++)->number = (uint64_t)n->n_misses;
	(to++)->any = &r->worst;
	(to++)->text = n->rule;
	(to++)->number = (uint64_t)n->n_delivered;
	(to++)->number = (uint64_t)n->n_waiting;
	(to++)->number = (uint64_t)n->n_failed;
	(to++)->text = n->failed;
	(to++)->any = &r->acked;
	to->text = n->acked_by;
}

static int
show_log(struct alerting *x, struct state *s, struct err *err)
{
	const struct track_command *c = x->command;
	const struct filter *f = &c->request.filter;
	struct alert_query q = {
	    .from_s = f->has_from ? f->from_ms / MS_PER_S : INT64_MIN,
	    .to_s = f->has_to ? f->to_ms / MS_PER_S : INT64_MAX,
	};
	struct note_rows rows = {.x = x};
	struct track *t;
	int rc = 0;

	if (s != NULL && c->args.n == 1 &&
	    (rc = find_track(x, s, &t, err)) == 0)
		q.track_id = t->id;
	if (s != NULL && rc == 0)
		rc = alert_get_notes(s, &q, &x->notes, err);
	if (rc != 0)
		return rc;
	return saved_write(&c->request, &log_head, x->notes.n, fill_note, &rows,
	    "no rule has spoken\n", err);
}

/* ---- weir track alert ---- */

static int
change(struct alerting *x, state_change_fn *fn, struct err *err)
{
	return state_change(x->command->request.dir, fn, x, err);
}

static int
add_action(void *x, struct err *err)
{
	return change(x, add, err);
}

static int
remove_action(void *x, struct err *err)
{
	return change(x, remove_rules, err);
}

static int
ack_action(void *x, struct err *err)
{
	return change(x, acknowledge, err);
}

static int
ask(struct alerting *x,
    int (*question)(struct alerting *x, struct state *s, struct err *err),
    struct err *err)
{
	struct state *s;
	int rc = state_open_read(&s, x->command->request.dir, err);

	if (rc == 0)
		rc = question(x, s, err);
	state_close(s);
	return rc;
}

static int
list_action(void *x, struct err *err)
{
	return ask(x, list, err);
}

static int
log_action(void *x, struct err *err)
{
	return ask(x, show_log, err);
}

static const struct saved_action actions[] = {
    {"add", 1, 1, "one NAME and what is an alarm", add_action},
    {"remove", 1, SAVED_MAX_ARGS, "numbers of rules", remove_action},
    {"ack", 1, SAVED_MAX_ARGS, "numbers of alerts, or all", ack_action},
    {"list", 0, 0, "no more words", list_action},
    {"log", 0, 1, "at most one NAME", log_action},
};

int
track_alert_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct alerting x = {.command = c};
	int rc = track_no_filter(c, true, err);

	if (rc == 0)
		rc = track_sub_action(c, actions, ARRAY_LEN(actions), &x, err);
	alert_list_release(&x.rules);
	alert_notes_release(&x.notes);
	return rc;
}

/* ---- weir track test-alert ---- */

static int
note_test(struct state *s, void *arg, struct err *err)
{
	struct alerting *x = arg;
	const struct track_command *c = x->command;
	struct alert_event e = {.limit = NAN, .worst = NAN};
	struct alert a = {.rule = {.kind = ALERT_NO_DATA, .in_a_row = 1}};
	struct buf targets;
	struct track *t;
	int rc = find_track(x, s, &t, err);

	if (rc == 0)
		rc = alert_get_all(s, &x->rules, err);
	if (rc != 0)
		return rc;
	buf_init(&targets, 1 << 16);
	if (c->target != NULL)
		buf_puts(&targets, c->target);
	for (size_t i = 0; c->target == NULL && i < x->rules.n; i++)
		if (x->rules.alert[i].track_id == t->id) {
			a.rule = x->rules.alert[i].rule;
			buf_printf(&targets, "%s%s", targets.len > 0 ? "," : "",
			    x->rules.alert[i].target);
		}
	a.target = xstrdup(buf_str(&targets));
	if (targets.len == 0)
		rc = err_set(err, ERR_USAGE,
		    "test-alert: no rule of %s has a target: want target=",
		    t->name);
	else
		rc = alert_note_event(s, t, &a, "test", t->done_s,
		    track_last_value(c->request.dir, t), &e, c->request.now_ms,
		    true, err);
	free(a.target);
	buf_release(&targets);
	return rc;
}

int
track_test_alert_action(void *command, struct err *err)
{
	struct track_command *c = command;
	struct alerting x = {.command = c};
	size_t n_sent = 0, n_failed = 0;
	int rc = track_no_filter(c, false, err);

	if (rc == 0)
		rc = check_targets(c, err);
	if (rc == 0)
		rc = state_change(c->request.dir, note_test, &x, err);
	if (rc == 0)
		rc = track_send_alerts(c, &n_sent, &n_failed, err);
	if (rc == 0 && n_failed > 0)
		rc = err_set(err, ERR_SYSTEM, "%zu of %zu messages failed",
		    n_failed, n_sent + n_failed);
	else if (rc == 0)
		log_info("%zu messages delivered", n_sent);
	alert_list_release(&x.rules);
	return rc;
}

/* ---- weir track back-test ---- */

/* What a rule would have said. */
struct saying {
	struct alert_event event;
	int64_t end_s;
	double value;
	char *rule;
};

struct back_test {
	struct saying *saying;
	size_t n, cap;
	struct table_value value, limit, worst;
};

static int
take_saying(const struct alert *a, int64_t end_s, double value,
    const struct alert_event *e, void *arg, struct err *err)
{
	struct back_test *b = arg;
	struct buf rule;

	(void)err;
	buf_init(&rule, 1000);
	alert_print(&a->rule, &rule);
	b->saying = xgrow(b->saying, b->n, &b->cap, sizeof *b->saying);
	b->saying[b->n++] =
	    (struct saying){*e, end_s, value, xstrdup(buf_str(&rule))};
	buf_release(&rule);
	return 0;
}

/* The values from the flows, as far back as the rule looks. */
static int
run_rule(const struct track_command *c, const struct track *t,
    const struct alert_rule *rule, int64_t from_s, int64_t to_s,
    struct back_test *b, struct err *err)
{
	struct alert a = {.rule = *rule, .done_s = from_s};
	struct track_span span = {.from_s = from_s - alert_look_back_s(rule)};
	struct alert_block block = {.from_s = span.from_s};
	struct track_job job = {.load = t->load};
	struct filter f;
	double *value;
	int rc;

	span.n = (size_t)(to_s - span.from_s) / SERIES_STEP_S;
	if (span.n > TRACK_MAX_SUMS)
		return err_set(
		    err, ERR_USAGE, "back-test: want a shorter span");
	filter_init(&f);
	f.names = store_names(c->request.store_names);
	value = xcalloc(span.n + 1, sizeof *value);
	job.filter = &f;
	rc = request_read_scale(t->scale, c->request.conf, &job.scale, err);
	if (rc == 0)
		rc = filter_add_line(&f, t->filter, c->request.now_ms, err);
	if (rc == 0)
		rc = filter_check(&f, err);
	if (rc == 0)
		rc = track_values(c->request.dir, &job, 1, &span,
		    c->request.now_ms, NULL, value, err);
	block.value = value;
	block.n = span.n;
	if (rc == 0)
		rc = alert_walk(&a, &block, take_saying, b, err);
	free(value);
	filter_release(&f);
	return rc;
}

/* The rule of the words, or else those that the tracking has. */
static int
run_rules(struct track_command *c, const struct track *t, int64_t from_s,
    int64_t to_s, struct back_test *b, struct err *err)
{
	struct alert_list rules = {0};
	struct alert_rule rule;
	size_t n = 0;
	int rc;

	if (c->rule_kinds > 0) {
		rc = make_rule(c, &rule, err);
		return rc != 0 ? rc
			       : run_rule(c, t, &rule, from_s, to_s, b, err);
	}
	rc = alert_load(c->request.dir, &rules, err);
	for (size_t i = 0; i < rules.n && rc == 0; i++)
		if (rules.alert[i].track_id == t->id) {
			rc = run_rule(
			    c, t, &rules.alert[i].rule, from_s, to_s, b, err);
			n++;
		}
	alert_list_release(&rules);
	if (rc == 0 && n == 0)
		rc = err_set(err, ERR_USAGE,
		    "back-test: %s has no rule: want one, such as above=100M",
		    t->name);
	return rc;
}

static const struct table_column test_columns[] = {
    {.name = "end_ms", .heading = "Period until", .kind = VALUE_TIME},
    {.name = "kind", .heading = "What", .kind = VALUE_TEXT},
    {.name = "value", .heading = "Value", .kind = VALUE_ANY, .right = true},
    {.name = "limit", .heading = "Limit", .kind = VALUE_ANY, .right = true},
    {.name = "in_a_row", .heading = "In a row", .kind = VALUE_NUMBER},
    {.name = "worst", .heading = "Worst", .kind = VALUE_ANY, .right = true},
    {.name = "rule", .heading = "When", .kind = VALUE_TEXT},
};

static void
fill_saying(void *arg, size_t i, union table_cell *cell)
{
	struct back_test *b = arg;
	const struct saying *x = &b->saying[i];

	b->value = amount(x->value);
	b->limit = amount(x->event.limit);
	b->worst = amount(x->event.worst);
	cell[0].time_ms = x->end_s * MS_PER_S;
	cell[1].text = x->event.kind == ALERT_FIRED ? "fired" : "recovered";
	cell[2].any = &b->value;
	cell[3].any = &b->limit;
	cell[4].number = x->event.n_misses;
	cell[5].any = &b->worst;
	cell[6].text = x->rule;
}

int
track_back_test_action(void *command, struct err *err)
{
	enum { FOUR_WEEKS_S = 28 * 86400 };
	static const struct table_head head = {.column = test_columns,
	    .n_columns = ARRAY_LEN(test_columns),
	    .n_keys = 1,
	    .caption = "when it would have spoken\n"};
	struct track_command *c = command;
	const struct filter *f = &c->request.filter;
	int64_t to_s = track_due_s(c), from_s = to_s - FOUR_WEEKS_S;
	struct back_test b = {0};
	struct track *t;
	int rc = track_no_filter(c, true, err);

	if (f->has_from)
		from_s = track_floor_s(f->from_ms);
	if (rc == 0 && from_s >= to_s)
		rc = err_set(
		    err, ERR_USAGE, "back-test: from= is not before to=");
	if (rc == 0)
		rc = track_read(c, err);
	if (rc == 0)
		rc = track_named(c, c->args.arg[0], &t, err);
	if (rc == 0)
		rc = run_rules(c, t, from_s, to_s, &b, err);
	if (rc == 0)
		rc = saved_write(&c->request, &head, b.n, fill_saying, &b,
		    "it would not have spoken\n", err);
	for (size_t i = 0; i < b.n; i++)
		free(b.saying[i].rule);
	free(b.saying);
	return rc;
}
