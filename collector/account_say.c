/* SPDX-License-Identifier: ISC */
/*
 * What the log is told of exporters, at a bounded rate: a line a minute for
 * each exporter and trouble, an hour for what goes on until somebody changes a
 * configuration, and ACCOUNT_LINES a minute in all.
 */
#include "collector/account_say.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "collector/account_state.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"

enum {
	SAY_MS = 60 * 1000,
	SAY_HOURLY_MS = 60 * 60 * 1000,
	LINE_MAX_LEN = 300,
};

static void say(struct account *a, bool warning, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

static void
say(struct account *a, bool warning, const char *fmt, ...)
{
	char line[LINE_MAX_LEN];
	va_list ap;

	if (a->n_lines == ACCOUNT_LINES) {
		a->n_lines_left_out++;
		return;
	}
	a->n_lines++;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	a->say(a->say_arg, warning, line);
}

enum { ENGINE_NAME_LEN = MINUTE_NAME_LEN + 8 };

/* "192.0.2.1/0/1" */
static const char *
engine_name(const struct source *s, char out[ENGINE_NAME_LEN])
{
	char addr[MINUTE_NAME_LEN];

	minute_exporter_name(&s->exporter, addr);
	snprintf(out, ENGINE_NAME_LEN, "%s/%u/%u", addr, s->engine_type,
	    s->engine_id);
	return out;
}

void
account_say_first(struct account *a, const struct engine *e, uint32_t sequence)
{
	char name[ENGINE_NAME_LEN];

	if (a->say != NULL)
		say(a, false, "exporter %s: first datagram, sequence %" PRIu32,
		    engine_name(&e->sum.source, name), sequence);
}

static void
say_loss(struct account *a, struct engine *e, int64_t now_ms)
{
	const struct sequence_counters *c = &e->sum.sequence.counters;
	struct exporter *x = &a->exporter[e->exporter];
	char name[ENGINE_NAME_LEN], gaps[48] = "";

	if (c->lost <= e->lost_said) { /* late ones filled it */
		e->lost_said = c->lost;
	} else if (!clock_is_due(x->loss_said_ms, SAY_MS, now_ms)) {
		return;
	} else {
		if (c->gaps - e->gaps_said > 1)
			snprintf(gaps, sizeof gaps,
			    " in %" PRIu64 " gaps, the last at",
			    c->gaps - e->gaps_said);
		say(a, true,
		    "exporter %s: lost %" PRIu64 " flows%s%s sequence %" PRIu32
		    ", expected %" PRIu32,
		    engine_name(&e->sum.source, name), c->lost - e->lost_said,
		    gaps, gaps[0] == '\0' ? "," : "", e->gap.sequence,
		    e->gap.expected);
		x->loss_said_ms = now_ms;
		e->lost_said = c->lost;
	}
	e->gaps_said = c->gaps;
	e->gap_ms = 0;
}

static void
say_restart(struct account *a, struct engine *e, int64_t now_ms)
{
	const struct sequence_counters *c = &e->sum.sequence.counters;
	struct exporter *x = &a->exporter[e->exporter];
	char name[ENGINE_NAME_LEN], times[32] = "";

	if (c->restarts > e->restarts_said) {
		if (!clock_is_due(x->restart_said_ms, SAY_MS, now_ms))
			return;
		if (c->restarts - e->restarts_said > 1)
			snprintf(times, sizeof times, " %" PRIu64 " times",
			    c->restarts - e->restarts_said);
		say(a, true,
		    "exporter %s: restarted%s, sequence %" PRIu32
		    ", expected %" PRIu32,
		    engine_name(&e->sum.source, name), times,
		    e->restart.sequence, e->restart.expected);
		x->restart_said_ms = now_ms;
	}
	e->restarts_said = c->restarts;
	e->restart_ms = 0;
}

static void
say_malformed(struct account *a, struct exporter *x, int64_t now_ms)
{
	char name[MINUTE_NAME_LEN];

	if (x->refused[REFUSED_SHORT] + x->refused[REFUSED_COUNT] == 0 ||
	    !clock_is_due(x->malformed_said_ms, SAY_MS, now_ms))
		return;
	minute_exporter_name(&x->addr, name);
	say(a, true,
	    "exporter %s: malformed datagrams not stored: %" PRIu64
	    " too short, %" PRIu64 " with a record count not in 1..30",
	    name, x->refused[REFUSED_SHORT], x->refused[REFUSED_COUNT]);
	x->refused[REFUSED_SHORT] = x->refused[REFUSED_COUNT] = 0;
	x->malformed_said_ms = now_ms;
}

static void
say_hourly(struct account *a, const struct exporter *x, enum minute_refused k)
{
	char name[MINUTE_NAME_LEN];

	minute_exporter_name(&x->addr, name);
	if (k == REFUSED_NOT_CONFIGURED)
		say(a, true,
		    "exporter %s: is not configured, %" PRIu64
		    " datagrams refused",
		    name, x->refused[k]);
	else if (k == REFUSED_NO_ROOM)
		say(a, true,
		    "exporter %s: no room for one more, %" PRIu64
		    " datagrams refused: configure it",
		    name, x->refused[k]);
	else if (k == REFUSED_UNKNOWN)
		say(a, true,
		    "exporter %s: sends what is no flow export we know, which "
		    "is not stored",
		    name);
	else
		say(a, true,
		    "exporter %s: sends %s, which is not stored: configure "
		    "version 5",
		    name, minute_refused_name(k));
}

static void
say_refused(struct account *a, struct exporter *x, int64_t now_ms)
{
	for (int k = REFUSED_NETFLOW1; k < N_MINUTE_REFUSED; k++) {
		if (x->refused[k] == 0 ||
		    !clock_is_due(x->hourly_said_ms[k], SAY_HOURLY_MS, now_ms))
			continue;
		say_hourly(a, x, (enum minute_refused)k);
		x->refused[k] = 0;
		x->hourly_said_ms[k] = now_ms;
	}
}

/* A minute begins: lines may be said again. */
static void
renew_lines(struct account *a, int64_t now_ms)
{
	bool first = a->lines_since_ms == 0;

	if (!clock_is_due(a->lines_since_ms, SAY_MS, now_ms))
		return;
	a->lines_since_ms = now_ms;
	if (first)
		return;
	a->n_lines = 0;
	if (a->n_lines_left_out > 0)
		say(a, true, "exporters: %u lines like these were left out",
		    a->n_lines_left_out);
	a->n_lines_left_out = 0;
}

void
account_say_due(struct account *a, int64_t now_ms, int64_t settle_ms)
{
	if (a->say == NULL)
		return;
	renew_lines(a, now_ms);
	if (!a->to_say)
		return;
	a->to_say = false;
	for (size_t i = 0; i < a->n_exporters; i++) {
		struct exporter *x = &a->exporter[i];

		say_malformed(a, x, now_ms);
		say_refused(a, x, now_ms);
		for (int k = 0; k < N_MINUTE_REFUSED; k++)
			a->to_say |= x->refused[k] > 0;
	}
	for (size_t i = 0; i < a->n_engines; i++) {
		struct engine *e = &a->engine[i];

		if (e->gap_ms != 0 && now_ms - e->gap_ms >= settle_ms)
			say_loss(a, e, now_ms);
		if (e->restart_ms != 0 && now_ms - e->restart_ms >= settle_ms)
			say_restart(a, e, now_ms);
		a->to_say |= e->gap_ms != 0 || e->restart_ms != 0;
	}
}
