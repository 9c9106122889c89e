/* SPDX-License-Identifier: ISC */
/* When the values of a tracking are an alarm: see alert_rule.h. */
#include "report/alert_rule.h"

#include <assert.h>
#include <math.h>

enum { WEEK_S = 7 * 24 * 3600 };

int64_t
alert_reading_s(
    const struct alert_rule *rule, size_t i, int64_t end_s, int64_t step_s)
{
	switch (rule->kind) {
	case ALERT_SIGMA: return end_s - ((int64_t)i + 1) * step_s;
	case ALERT_WEEKS: return end_s - ((int64_t)i + 1) * WEEK_S;
	default: return 0;
	}
}

bool
alert_is_quiet(const struct alert_rule *rule, unsigned minute)
{
	unsigned from = rule->quiet_from, to = rule->quiet_to;

	if (from <= to)
		return minute >= from && minute < to;
	return minute >= from || minute < to;
}

/* Mean and sample standard deviation of what is known; their number. */
static unsigned
sum_up(const double *reading, unsigned n, double *mean, double *deviation)
{
	double sum = 0, squares = 0;
	unsigned known = 0;

	for (unsigned i = 0; i < n; i++) {
		if (isnan(reading[i]))
			continue;
		sum += reading[i];
		known++;
	}
	*mean = known > 0 ? sum / known : 0;
	for (unsigned i = 0; i < n; i++)
		if (!isnan(reading[i]))
			squares += (reading[i] - *mean) * (reading[i] - *mean);
	*deviation = known > 1 ? sqrt(squares / (known - 1)) : 0;
	return known;
}

/* NAN: nothing can be said of this period. */
static double
find_limit(
    const struct alert_rule *rule, const double *before, struct alert_event *e)
{
	unsigned known;

	switch (rule->kind) {
	case ALERT_ABOVE:
	case ALERT_BELOW: return rule->threshold;
	case ALERT_NO_DATA: return NAN;
	case ALERT_SIGMA:
		known = sum_up(before, rule->readings, &e->mean, &e->deviation);
		if (known < rule->readings)
			return NAN;
		/* FlowViewer's own: to the nearest whole number. */
		return floor(e->mean + rule->k * e->deviation + 0.5);
	case ALERT_WEEKS:
		known = sum_up(before, rule->readings, &e->mean, &e->deviation);
		return known == 0 ? NAN : rule->k * e->mean;
	}
	return NAN;
}

/* Comparisons with NAN are false, so what is not known is no miss. */
static bool
is_miss(const struct alert_rule *rule, double value, double limit)
{
	switch (rule->kind) {
	case ALERT_NO_DATA: return isnan(value);
	case ALERT_BELOW: return value < limit;
	default: return value > limit;
	}
}

static bool
is_worse(const struct alert_rule *rule, double value, double than)
{
	return rule->kind == ALERT_BELOW ? value < than : value > than;
}

static void
count_miss(const struct alert_rule *rule, struct alert_state *s, int64_t end_s,
    int64_t step_s, double value)
{
	if (s->last_miss_s == 0 || end_s - s->last_miss_s > step_s) {
		s->n_misses = 0;
		s->first_miss_s = end_s;
		s->worst = value;
	}
	if (is_worse(rule, value, s->worst))
		s->worst = value;
	s->n_misses++;
	s->last_miss_s = end_s;
}

static bool
speaks(const struct alert_rule *rule, const struct alert_state *s,
    int64_t end_s, unsigned minute)
{
	if (s->n_misses < rule->in_a_row || alert_is_quiet(rule, minute))
		return false;
	return s->last_message_s == 0 ||
	       end_s - s->last_message_s >= rule->hold_s;
}

static void
take_miss(const struct alert_rule *rule, struct alert_state *s, int64_t end_s,
    unsigned minute, struct alert_event *e)
{
	e->n_misses = s->n_misses;
	e->first_miss_s = s->first_miss_s;
	e->worst = s->worst;
	if (!speaks(rule, s, end_s, minute))
		return;
	e->kind = ALERT_FIRED;
	s->spoken = true;
	s->last_message_s = end_s;
	if (rule->hold_s == 0)
		s->n_misses = 0;
}

/* What ends a row. A recovery in a time of silence is told after it, if no
 * other miss came first. */
static void
take_sound(const struct alert_rule *rule, struct alert_state *s,
    unsigned minute, struct alert_event *e)
{
	s->n_misses = 0;
	s->last_miss_s = 0;
	if (!s->spoken || (rule->recovery && alert_is_quiet(rule, minute)))
		return;
	e->first_miss_s = s->first_miss_s;
	e->worst = s->worst;
	if (rule->recovery)
		e->kind = ALERT_RECOVERED;
	s->spoken = false;
}

struct alert_event
alert_step(const struct alert_rule *rule, struct alert_state *state,
    int64_t end_s, int64_t step_s, double value, const double *before,
    unsigned minute)
{
	struct alert_event e = {.kind = ALERT_QUIET};

	assert(rule->in_a_row >= 1 && rule->readings <= ALERT_MAX_READINGS);
	e.limit = find_limit(rule, before, &e);
	e.miss = is_miss(rule, value, e.limit);
	if (e.miss) {
		count_miss(rule, state, end_s, step_s, value);
		take_miss(rule, state, end_s, minute, &e);
	} else if (!isnan(value) &&
		   (rule->kind == ALERT_NO_DATA || !isnan(e.limit))) {
		take_sound(rule, state, minute, &e);
	}
	return e;
}
