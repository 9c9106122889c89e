/* SPDX-License-Identifier: ISC */
/*
 * Exporters and the way to the collector: see simulate.h. Time goes second by
 * second; each has its share of the flows, by the hour of the day.
 */
#include "report/simulate.h"

#include <stdbool.h>
#include <stdlib.h>

#include "report/random.h"
#include "report/traffic.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum {
	PATIENCE_MS = 5000, /* how long flows wait for a full datagram */
	MAX_OVERTAKEN = 3,  /* datagrams that a late one lets pass ... */
	MAX_LATE_MS = 500,  /* ... in as much time */
	MIN_UPTIME_DAYS = 1,
	MAX_UPTIME_DAYS = 15,
	SAMPLING_MODE = 1 << 14, /* the header's word: deterministic */
};

static const uint32_t FIRST_EXPORTER = 0xc0000201; /* 192.0.2.1 */

struct engine {
	struct packed next; /* filling */
	int64_t since_ms;   /* its first flow came */
	uint32_t sequence;
	struct packed held;  /* it is late ... */
	unsigned overtakers; /* ... until so many more have passed; 0: none */
	bool overtaken;
};

struct exporter {
	int64_t boot_ms;
	struct engine *engine;
};

struct simulation {
	struct simulate_wishes wish;
	struct simulate_truth truth;
	struct random random;
	struct exporter *exporter;
	struct traffic_scan *scan;
	uint32_t *probes;    /* by scan: done */
	int64_t *restart_ms; /* times, ascending */
	uint64_t day_weight; /* of all seconds */
	uint64_t owed;       /* of a flow, in parts of day_weight */
	uint64_t left;       /* flows yet to come, without scans */
	pack_fn *fn;
	void *arg;
};

/* ---- the rhythm of days ---- */

/* Traffic by the hour, UTC: little at night, most in the evening. */
static uint32_t
weight_at(int64_t ms)
{
	static const uint16_t hours[] = {520, 400, 320, 280, 260, 280, 360, 500,
	    680, 780, 820, 840, 840, 830, 830, 840, 860, 880, 920, 970, 1000,
	    960, 840, 680};
	int64_t second = ms / MS_PER_S % 86400;
	int64_t hour = second / 3600, rest = second % 3600;

	return (uint32_t)((hours[hour] * (3600 - rest) +
			      hours[(hour + 1) % 24] * rest) /
			  3600);
}

static uint64_t
weight_of_span(int64_t from_ms, int64_t to_ms)
{
	uint64_t sum = 0;

	for (int64_t ms = from_ms; ms < to_ms; ms += MS_PER_S)
		sum += weight_at(ms);
	return sum;
}

/* ---- making ready ---- */

static int
compare_ms(const void *x, const void *y)
{
	const int64_t *a = x, *b = y;

	return (*a > *b) - (*a < *b);
}

static void
plan_restarts(struct simulation *s)
{
	const struct simulate_wishes *w = &s->wish;
	uint32_t seconds = (uint32_t)((w->to_ms - w->from_ms) / MS_PER_S);

	s->restart_ms = xcalloc(w->restarts, sizeof *s->restart_ms);
	for (uint32_t i = 0; i < w->restarts; i++)
		s->restart_ms[i] =
		    w->from_ms +
		    (int64_t)random_below(&s->random, seconds) * MS_PER_S;
	qsort(s->restart_ms, w->restarts, sizeof *s->restart_ms, compare_ms);
}

static void
plan_scans(struct simulation *s)
{
	const struct simulate_wishes *w = &s->wish;

	s->scan = xcalloc(w->scans, sizeof *s->scan);
	s->probes = xcalloc(w->scans, sizeof *s->probes);
	for (uint32_t i = 0; i < w->scans; i++)
		traffic_plan_scan(
		    &s->scan[i], &s->random, w->hosts, i, w->from_ms, w->to_ms);
	s->truth.scan = s->scan;
	s->truth.n_scans = w->scans;
}

static void
boot_exporters(struct simulation *s)
{
	const struct simulate_wishes *w = &s->wish;
	const uint32_t day_s = MS_PER_DAY / MS_PER_S;

	s->exporter = xcalloc(w->exporters, sizeof *s->exporter);
	for (uint32_t i = 0; i < w->exporters; i++) {
		struct exporter *x = &s->exporter[i];
		uint32_t uptime_s =
		    MIN_UPTIME_DAYS * day_s +
		    random_below(&s->random,
			(MAX_UPTIME_DAYS - MIN_UPTIME_DAYS) * day_s);

		x->boot_ms = w->from_ms - (int64_t)uptime_s * MS_PER_S;
		x->engine = xcalloc(w->engines, sizeof *x->engine);
		for (uint32_t k = 0; k < w->engines; k++) {
			struct source *source = &x->engine[k].next.source;

			source->exporter = addr_from_ip4(FIRST_EXPORTER + i);
			source->engine_id = (uint8_t)k;
			if (w->sampling > 0)
				source->sampling =
				    (uint16_t)(SAMPLING_MODE | w->sampling);
			x->engine[k].sequence =
			    (uint32_t)random_next(&s->random);
		}
	}
}

struct simulation *
simulate_new(const struct simulate_wishes *w)
{
	struct simulation *s = xcalloc(1, sizeof *s);

	s->wish = *w;
	s->random.state = w->seed;
	s->left = w->flows;
	s->day_weight = weight_of_span(w->from_ms, w->to_ms);
	boot_exporters(s);
	plan_scans(s);
	plan_restarts(s);
	return s;
}

void
simulate_free(struct simulation *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->wish.exporters; i++)
		free(s->exporter[i].engine);
	free(s->exporter);
	free(s->scan);
	free(s->probes);
	free(s->restart_ms);
	free(s);
}

const struct simulate_truth *
simulate_truth(const struct simulation *s)
{
	return &s->truth;
}

/* ---- the way to the collector ---- */

static int
arrive(struct simulation *s, struct packed *d, int64_t now_ms)
{
	d->seen_ms = now_ms;
	s->truth.datagrams++;
	s->truth.flows += d->n_flows;
	return s->fn(d, s->arg);
}

static int
arrive_once_or_twice(struct simulation *s, struct packed *d, int64_t now_ms)
{
	int rc = arrive(s, d, now_ms);

	if (rc != 0 || !random_hits(&s->random, s->wish.duplicates))
		return rc;
	s->truth.duplicates++;
	s->truth.duplicate_flows += d->n_flows;
	return arrive(s, d, now_ms);
}

/* What is held arrives after all; late only if another one has. */
static int
let_go(struct simulation *s, struct engine *e, int64_t now_ms)
{
	if (e->overtakers == 0)
		return 0;
	e->overtakers = 0;
	s->truth.late += e->overtaken;
	return arrive(s, &e->held, now_ms);
}

static int
overtake(struct simulation *s, struct engine *e, int64_t now_ms)
{
	if (e->overtakers == 0)
		return 0;
	e->overtaken = true;
	if (e->overtakers == 1)
		return let_go(s, e, now_ms);
	e->overtakers--;
	return 0;
}

static int
put_on_wire(
    struct simulation *s, struct engine *e, struct packed *d, int64_t now_ms)
{
	int rc = 0;

	if (e->overtakers > 0 && now_ms - e->held.export_ms > MAX_LATE_MS)
		rc = let_go(s, e, now_ms);
	if (rc != 0)
		return rc;
	if (random_hits(&s->random, s->wish.lost)) {
		s->truth.lost_datagrams++;
		s->truth.lost_flows += d->n_flows;
		return 0;
	}
	if (e->overtakers == 0 && random_hits(&s->random, s->wish.late)) {
		e->held = *d;
		e->overtaken = false;
		e->overtakers = 1 + random_below(&s->random, MAX_OVERTAKEN);
		return 0;
	}
	rc = arrive_once_or_twice(s, d, now_ms);
	return rc != 0 ? rc : overtake(s, e, now_ms);
}

/* ---- exporting ---- */

static int
export_datagram(
    struct simulation *s, struct exporter *x, struct engine *e, int64_t now_ms)
{
	struct packed *d = &e->next;
	int rc;

	if (d->n_flows == 0)
		return 0;
	d->export_ms = now_ms;
	d->uptime_ms = (uint32_t)(now_ms - x->boot_ms);
	d->sequence = e->sequence;
	e->sequence += (uint32_t)d->n_flows;
	rc = put_on_wire(s, e, d, now_ms);
	d->n_flows = 0;
	return rc;
}

/* Of what a router that samples would have seen, one packet at least. */
static void
sample(struct flow *f, uint32_t interval)
{
	uint32_t packets = f->packets / interval;

	if (packets == 0)
		packets = 1;
	f->octets = (uint32_t)((uint64_t)f->octets * packets / f->packets);
	f->packets = packets;
}

static int
take_flow(struct simulation *s, struct exporter *x, struct engine *e,
    struct flow *f, int64_t now_ms)
{
	if (s->wish.sampling > 1)
		sample(f, s->wish.sampling);
	/* A router knows nothing from before it started. */
	if (f->start_ms < x->boot_ms)
		f->start_ms = x->boot_ms;
	if (f->end_ms < x->boot_ms)
		f->end_ms = x->boot_ms;
	if (e->next.n_flows == 0)
		e->since_ms = now_ms;
	e->next.flow[e->next.n_flows++] = *f;
	if (e->next.n_flows < NF5_MAX_RECORDS)
		return 0;
	return export_datagram(s, x, e, now_ms);
}

/* The way to each net outside goes through one engine. */
static int
take_conversation(struct simulation *s, struct conversation *c, int64_t now_ms)
{
	uint32_t net = (c->outside >> 8) * UINT32_C(2654435761) >> 8;
	struct exporter *x = &s->exporter[net % s->wish.exporters];
	struct engine *e =
	    &x->engine[net / s->wish.exporters % s->wish.engines];
	int rc = 0;

	for (unsigned i = 0; i < c->n_flows && rc == 0; i++)
		rc = take_flow(s, x, e, &c->flow[i], now_ms);
	return rc;
}

/* Datagrams that wait for long. */
static int
flush(struct simulation *s, int64_t now_ms)
{
	int rc = 0;

	for (uint32_t i = 0; i < s->wish.exporters; i++)
		for (uint32_t k = 0; k < s->wish.engines && rc == 0; k++) {
			struct exporter *x = &s->exporter[i];
			struct engine *e = &x->engine[k];

			if (now_ms - e->since_ms >= PATIENCE_MS)
				rc = export_datagram(s, x, e, now_ms);
		}
	return rc;
}

/* Everything that waits in an exporter or on the way from it. */
static int
drain(struct simulation *s, struct exporter *x, int64_t now_ms)
{
	int rc = 0;

	for (uint32_t k = 0; k < s->wish.engines && rc == 0; k++) {
		rc = export_datagram(s, x, &x->engine[k], now_ms);
		if (rc == 0)
			rc = let_go(s, &x->engine[k], now_ms);
	}
	return rc;
}

static int
restart(struct simulation *s, int64_t now_ms)
{
	struct exporter *x =
	    &s->exporter[random_below(&s->random, s->wish.exporters)];
	int rc = drain(s, x, now_ms);

	x->boot_ms = now_ms;
	for (uint32_t k = 0; k < s->wish.engines; k++)
		x->engine[k].sequence = 0;
	s->truth.restarts++;
	return rc;
}

/* ---- a second after the other ---- */

static int
do_usual(struct simulation *s, int64_t now_ms, int64_t *due)
{
	struct conversation c;

	traffic_draw(&c, &s->random, s->wish.hosts, now_ms);
	if (c.n_flows > s->left)
		c.n_flows = (unsigned)s->left;
	s->left -= c.n_flows;
	*due -= c.n_flows;
	return take_conversation(s, &c, now_ms);
}

static int
do_probes(struct simulation *s, uint32_t number, int64_t now_ms)
{
	const struct traffic_scan *scan = &s->scan[number];
	int64_t span_ms = scan->to_ms - scan->from_ms;
	int64_t done_ms = now_ms + MS_PER_S - scan->from_ms;
	uint32_t *done = &s->probes[number];
	int64_t due;
	int rc = 0;

	if (done_ms <= 0 || *done == scan->n_targets)
		return 0;
	due = done_ms >= span_ms ? scan->n_targets
				 : done_ms * scan->n_targets / span_ms;
	for (; *done < due && rc == 0; (*done)++) {
		struct conversation c;

		traffic_probe(&c, &s->random, scan, *done, now_ms);
		s->truth.scan_flows += c.n_flows;
		rc = take_conversation(s, &c, now_ms);
	}
	return rc;
}

/* How many flows of the span are due in the second at now_ms; conversations
 * may have taken one too many before. */
static int64_t
flows_due(struct simulation *s, int64_t now_ms)
{
	uint64_t share = s->wish.flows * weight_at(now_ms) + s->owed;

	s->owed = share % s->day_weight;
	return (int64_t)(share / s->day_weight);
}

static int
do_second(struct simulation *s, int64_t now_ms, int64_t *due)
{
	int64_t n = *due;
	int rc = 0;

	for (uint32_t i = 0; i < s->wish.scans && rc == 0; i++)
		rc = do_probes(s, i, now_ms);
	while (*due > 0 && s->left > 0 && rc == 0)
		rc = do_usual(s, now_ms + (n - *due) * MS_PER_S / n, due);
	return rc != 0 ? rc : flush(s, now_ms + MS_PER_S - 1);
}

int
simulate_run(struct simulation *s, pack_fn *fn, void *arg)
{
	uint32_t n_restarts = 0;
	int64_t due = 0;
	int rc = 0;

	s->fn = fn;
	s->arg = arg;
	for (int64_t ms = s->wish.from_ms; ms < s->wish.to_ms && rc == 0;
	     ms += MS_PER_S) {
		for (; rc == 0 && n_restarts < s->wish.restarts &&
		       s->restart_ms[n_restarts] <= ms;
		     n_restarts++)
			rc = restart(s, ms);
		due += flows_due(s, ms);
		if (rc == 0)
			rc = do_second(s, ms, &due);
	}
	for (uint32_t i = 0; i < s->wish.exporters && rc == 0; i++)
		rc = drain(s, &s->exporter[i], s->wish.to_ms - 1);
	return rc;
}
