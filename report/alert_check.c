/* SPDX-License-Identifier: ISC */
/* Rules over values: see alert_check.h. */
#include "report/alert_check.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include "report/series.h"
#include "report/track.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum { WEEK_S = 7 * 86400 };

/* What comes out of a stop of days is for the log; nobody is woken up. */
enum { OLD_S = 6 * 3600 };

/* What the file has of before the block: for SIGMA one stretch, for WEEKS one
 * of each week. */
struct history {
	struct series_rows stretch[ALERT_MAX_READINGS];
};

int64_t
alert_look_back_s(const struct alert_rule *r)
{
	switch (r->kind) {
	case ALERT_SIGMA: return (int64_t)r->readings * SERIES_STEP_S;
	case ALERT_WEEKS: return (int64_t)r->readings * WEEK_S;
	default: return 0;
	}
}

static int64_t
block_end_s(const struct alert_block *b)
{
	return b->from_s + (int64_t)b->n * SERIES_STEP_S;
}

/* What cannot be read is not known. */
static void
read_history(
    struct history *h, const struct alert_rule *r, const struct alert_block *b)
{
	memset(h, 0, sizeof *h);
	if (b->path == NULL)
		return;
	if (r->kind == ALERT_SIGMA &&
	    series_read(b->path, SERIES_AVERAGE,
		b->from_s - alert_look_back_s(r), b->from_s, SERIES_STEP_S,
		&h->stretch[0], NULL) != 0)
		series_release(&h->stretch[0]);
	for (unsigned w = 0; r->kind == ALERT_WEEKS && w < r->readings; w++) {
		int64_t back_s = ((int64_t)w + 1) * WEEK_S;

		if (series_read(b->path, SERIES_AVERAGE, b->from_s - back_s,
			block_end_s(b) - back_s, SERIES_STEP_S, &h->stretch[w],
			NULL) != 0)
			series_release(&h->stretch[w]);
	}
}

static void
history_release(struct history *h)
{
	for (size_t i = 0; i < ALERT_MAX_READINGS; i++)
		series_release(&h->stretch[i]);
}

/* Of the row that the period lies in: older ones are longer. */
static double
value_in(const struct series_rows *rows, int64_t end_s)
{
	int64_t i;

	if (rows->n == 0)
		return NAN;
	i = (end_s - rows->row[0].end_s + rows->step_s - 1) / rows->step_s;
	if (end_s <= rows->row[0].end_s - rows->step_s || i < 0 ||
	    i >= (int64_t)rows->n)
		return NAN;
	return rows->row[i].value;
}

static void
find_readings(const struct alert_rule *r, const struct alert_block *b,
    const struct history *h, int64_t end_s, double *before)
{
	bool looks = r->kind == ALERT_SIGMA || r->kind == ALERT_WEEKS;

	for (size_t i = 0; looks && i < r->readings; i++) {
		int64_t at_s = alert_reading_s(r, i, end_s, SERIES_STEP_S);

		if (at_s > b->from_s)
			before[i] =
			    b->value[(at_s - b->from_s) / SERIES_STEP_S - 1];
		else
			before[i] = value_in(
			    &h->stretch[r->kind == ALERT_WEEKS ? i : 0], at_s);
	}
}

static unsigned
minute_of_day(int64_t at_s)
{
	struct tm tm;

	clock_to_local(at_s * MS_PER_S, &tm);
	return (unsigned)(tm.tm_hour * 60 + tm.tm_min);
}

int
alert_walk(struct alert *a, const struct alert_block *b, alert_event_fn *fn,
    void *arg, struct err *err)
{
	double before[ALERT_MAX_READINGS] = {0};
	struct history h;
	int rc = 0;

	read_history(&h, &a->rule, b);
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		int64_t end_s = b->from_s + (int64_t)(i + 1) * SERIES_STEP_S;
		struct alert_event e;

		if (end_s <= a->done_s)
			continue;
		find_readings(&a->rule, b, &h, end_s, before);
		e = alert_step(&a->rule, &a->state, end_s, SERIES_STEP_S,
		    b->value[i], before, minute_of_day(end_s));
		a->done_s = end_s;
		if (e.kind != ALERT_QUIET)
			rc = fn(a, end_s, b->value[i], &e, arg, err);
	}
	history_release(&h);
	return rc;
}

struct checking {
	struct state *state;
	const struct track *track;
	int64_t now_ms;
};

static int
note(const struct alert *a, int64_t end_s, double value,
    const struct alert_event *e, void *arg, struct err *err)
{
	const struct checking *c = arg;

	return alert_note_event(c->state, c->track, a,
	    e->kind == ALERT_FIRED ? "fired" : "recovered", end_s, value, e,
	    c->now_ms, c->now_ms / MS_PER_S - end_s <= OLD_S, err);
}

int
alert_check(struct state *s, const struct track *t, struct alert_list *rules,
    const struct alert_block *b, int64_t now_ms, struct err *err)
{
	struct checking c = {s, t, now_ms};
	int rc = 0;

	for (size_t i = 0; i < rules->n && rc == 0; i++) {
		struct alert *a = &rules->alert[i];

		if (a->track_id != t->id)
			continue;
		rc = alert_walk(a, b, note, &c, err);
		if (rc == 0)
			rc = alert_save_state(s, a, err);
	}
	return rc;
}
