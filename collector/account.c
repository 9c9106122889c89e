/* SPDX-License-Identifier: ISC */
/*
 * Counting by exporter and engine: see account.h. Two tables with an index
 * each: exporters, known by their address, carry what is refused and what was
 * said; engines carry what arrived. Element 0 of both is "others". Rows go
 * through a ring, the only thing that two threads touch.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/account_say.h"
#include "collector/account_state.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum {
	/* Minutes are handed over in parts, so that a killed process loses
	 * little and `weir status` is not a minute behind. */
	HAND_OVER_MS = 10 * 1000,
	/* A datagram that is late is awaited before a loss is said. */
	SETTLE_MS = 1000,
	SILENT_MS = 60 * 60 * 1000,
};

struct account *
account_new(account_say *say, void *arg)
{
	struct account *a = xcalloc(1, sizeof *a);

	a->exporters = roster_new(ACCOUNT_MAX - 1);
	a->engines = roster_new(ACCOUNT_MAX - 1);
	a->exporter = xcalloc(ACCOUNT_MAX, sizeof *a->exporter);
	a->engine = xcalloc(ACCOUNT_MAX, sizeof *a->engine);
	a->row = xcalloc(ACCOUNT_MAX_ROWS, sizeof *a->row);
	a->n_exporters = a->n_engines = 1; /* others */
	a->exporter[ACCOUNT_OTHERS].is_sound = true;
	a->say = say;
	a->say_arg = arg;
	pthread_mutex_init(&a->lock, NULL);
	return a;
}

void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	pthread_mutex_destroy(&a->lock);
	roster_free(a->exporters);
	roster_free(a->engines);
	free(a->exporter);
	free(a->engine);
	free(a->row);
	free(a);
}

/* ---- finding ---- */

static bool
is_engine(
    const struct engine *e, const struct addr *addr, uint8_t type, uint8_t id)
{
	const struct source *s = &e->sum.source;

	return s->engine_id == id && s->engine_type == type &&
	       addr_equal(&s->exporter, addr);
}

static struct roster_key
engine_key(const struct addr *addr, uint8_t type, uint8_t id)
{
	return (struct roster_key){
	    .addr = *addr, .more = (uint32_t)type << 8 | id};
}

/* An exporter, made if there is room, else others. */
static size_t
find_exporter(struct account *a, const struct addr *addr, bool is_sound)
{
	const struct roster_key key = {.addr = *addr};
	size_t at = roster_find(a->exporters, &key);
	struct exporter *x;

	if (at == 0) {
		if (!is_sound && a->n_unsound == ACCOUNT_MAX_UNSOUND)
			return ACCOUNT_OTHERS;
		if ((at = roster_add(a->exporters, &key)) == 0)
			return ACCOUNT_OTHERS;
		a->exporter[a->n_exporters++] = (struct exporter){
		    .addr = *addr,
		    .minute = {.exporter = *addr},
		};
		a->n_unsound++;
	}
	x = &a->exporter[at];
	if (is_sound && !x->is_sound) {
		x->is_sound = true;
		a->n_unsound--;
	}
	return at;
}

const struct account_engine *
account_find(const struct account *a, const struct addr *exporter,
    uint8_t engine_type, uint8_t engine_id)
{
	const struct roster_key key =
	    engine_key(exporter, engine_type, engine_id);
	size_t at = roster_find(a->engines, &key);

	return at != 0 ? &a->engine[at].sum : NULL;
}

const struct account_engine *
account_others(const struct account *a)
{
	return &a->engine[ACCOUNT_OTHERS].sum;
}

/* ---- minutes ---- */

bool
account_put(struct account *a, const struct minute_row *row)
{
	bool room;

	pthread_mutex_lock(&a->lock);
	room = a->n_rows < ACCOUNT_MAX_ROWS;
	if (room)
		a->row[(a->first_row + a->n_rows++) % ACCOUNT_MAX_ROWS] = *row;
	pthread_mutex_unlock(&a->lock);
	return room;
}

/* What the sequence told since the last cut. */
static void
take_sequence(struct engine *e, struct minute *m)
{
	const struct sequence_counters *c = &e->sum.sequence.counters;

	m->lost = (int64_t)(c->lost - e->cut.lost);
	m->late = (int64_t)(c->late - e->cut.late);
	m->duplicates = (int64_t)(c->duplicates - e->cut.duplicates);
	m->duplicate_flows =
	    (int64_t)(c->duplicate_flows - e->cut.duplicate_flows);
	m->restarts = (int64_t)(c->restarts - e->cut.restarts);
}

/* False: no room, it goes on collecting. */
static bool
cut_engine(struct account *a, struct engine *e)
{
	struct minute_row row = {.kind = MINUTE_OF_SOURCE, .source = e->minute};

	if (e->minute.datagrams == 0)
		return true;
	row.source.exporter = e->sum.source.exporter;
	row.source.engine_type = e->sum.source.engine_type;
	row.source.engine_id = e->sum.source.engine_id;
	take_sequence(e, &row.source);
	if (!account_put(a, &row))
		return false;
	e->cut = e->sum.sequence.counters;
	e->minute = (struct minute){.minute_ms = e->minute.minute_ms};
	return true;
}

static bool
cut_exporter(struct account *a, struct exporter *x)
{
	struct minute_row row = {.kind = MINUTE_OF_SOURCE, .source = x->minute};

	if (x->minute.malformed + x->minute.foreign + x->minute.refused == 0)
		return true;
	if (!account_put(a, &row))
		return false;
	x->minute.malformed = x->minute.foreign = x->minute.refused = 0;
	return true;
}

static bool
cut_collector(struct account *a)
{
	struct minute_row row = {
	    .kind = MINUTE_OF_COLLECTOR, .collector = a->minute};

	if (!a->minute_used)
		return true;
	if (!account_put(a, &row))
		return false;
	a->minute = (struct collector_minute){.minute_ms = a->minute.minute_ms};
	a->minute_used = false;
	return true;
}

static void
cut_all(struct account *a)
{
	for (size_t i = 0; i < a->n_engines; i++)
		(void)cut_engine(a, &a->engine[i]);
	for (size_t i = 0; i < a->n_exporters; i++)
		(void)cut_exporter(a, &a->exporter[i]);
	(void)cut_collector(a);
}

size_t
account_take(struct account *a, struct minute_row *rows, size_t max)
{
	size_t n = 0;

	pthread_mutex_lock(&a->lock);
	for (; n < max && a->n_rows > 0; n++) {
		rows[n] = a->row[a->first_row];
		a->first_row = (a->first_row + 1) % ACCOUNT_MAX_ROWS;
		a->n_rows--;
	}
	pthread_mutex_unlock(&a->lock);
	return n;
}

/* ---- room for new ones ---- */

/* Keep the exporters of the last hour; moved[] tells where they went. */
static void
keep_exporters(struct account *a, int64_t now_ms, uint16_t *moved)
{
	size_t n = 1;

	roster_clear(a->exporters);
	a->n_unsound = 0;
	for (size_t i = 1; i < a->n_exporters; i++) {
		struct exporter *x = &a->exporter[i];
		const struct roster_key key = {.addr = x->addr};

		if (now_ms - x->last_ms > SILENT_MS && cut_exporter(a, x))
			continue;
		moved[i] = (uint16_t)n;
		a->n_unsound += !x->is_sound;
		a->exporter[n++] = *x;
		(void)roster_add(a->exporters, &key);
	}
	a->n_exporters = n;
}

/* Engines whose exporter is still there, and those of the last hour; an
 * exporter is never silent for longer than its engines. */
static void
keep_engines(struct account *a, int64_t now_ms, const uint16_t *moved)
{
	size_t n = 1;

	roster_clear(a->engines);
	for (size_t i = 1; i < a->n_engines; i++) {
		struct engine *e = &a->engine[i];
		const struct source *s = &e->sum.source;
		const struct roster_key key =
		    engine_key(&s->exporter, s->engine_type, s->engine_id);

		if (now_ms - e->sum.last_ms > SILENT_MS && cut_engine(a, e))
			continue;
		e->exporter = moved[e->exporter];
		a->engine[n++] = *e;
		(void)roster_add(a->engines, &key);
	}
	a->n_engines = n;
}

static void
forget_silent(struct account *a, int64_t now_ms)
{
	uint16_t moved[ACCOUNT_MAX] = {0}; /* others, where it is gone */

	if (a->n_exporters < ACCOUNT_MAX && a->n_engines < ACCOUNT_MAX &&
	    a->n_unsound < ACCOUNT_MAX_UNSOUND)
		return;
	a->last_engine = NULL;
	keep_exporters(a, now_ms, moved);
	keep_engines(a, now_ms, moved);
}

/* ---- datagrams ---- */

static struct engine *
add_engine(
    struct account *a, const struct packet *p, const struct roster_key *key)
{
	size_t exporter = find_exporter(a, &p->source.exporter, true);
	struct engine *e;

	if (exporter == ACCOUNT_OTHERS || roster_add(a->engines, key) == 0)
		return &a->engine[ACCOUNT_OTHERS];
	e = &a->engine[a->n_engines++];
	*e = (struct engine){
	    .sum.source = p->source,
	    .exporter = exporter,
	};
	account_say_first(a, e, p->sequence);
	return e;
}

static struct engine *
find_engine(struct account *a, const struct packet *p)
{
	const struct source *s = &p->source;
	struct roster_key key;
	size_t at;

	if (a->last_engine != NULL && is_engine(a->last_engine, &s->exporter,
					  s->engine_type, s->engine_id))
		return a->last_engine;
	key = engine_key(&s->exporter, s->engine_type, s->engine_id);
	if ((at = roster_find(a->engines, &key)) == 0)
		return add_engine(a, p, &key);
	a->last_engine = &a->engine[at];
	return a->last_engine;
}

static void
count_packet(struct engine *e, const struct packet *p, const struct flow *flows,
    bool padded)
{
	struct account_engine *sum = &e->sum;
	uint64_t packets = 0, octets = 0;

	for (size_t i = 0; i < p->n_flows; i++) {
		packets += flows[i].packets;
		octets += flows[i].octets;
	}
	sum->datagrams++;
	sum->flows += p->n_flows;
	sum->packets += packets;
	sum->octets += octets;
	sum->padded += padded;
	e->minute.datagrams++;
	e->minute.flows += p->n_flows;
	e->minute.packets += packets;
	e->minute.octets += octets;
	e->minute.padded += padded;
}

/* What its header says of the exporter itself. */
static void
note_header(struct engine *e, const struct packet *p, int64_t at_ms)
{
	struct account_engine *sum = &e->sum;
	int64_t skew_ms = (int64_t)p->unix_secs * 1000 +
			  p->unix_nsecs / 1000000 - p->received_ms;

	if (sum->datagrams == 1 || skew_ms < sum->skew_min_ms)
		sum->skew_min_ms = skew_ms;
	if (sum->datagrams == 1 || skew_ms > sum->skew_max_ms)
		sum->skew_max_ms = skew_ms;
	sum->skew_last_ms = skew_ms;
	sum->uptime_ms = p->uptime_ms;
	sum->source.sampling = p->source.sampling;
	sum->last_ms = at_ms;
	e->minute.last_ms = at_ms;
	e->minute.clock_skew_ms = skew_ms;
	e->minute.uptime_ms = p->uptime_ms;
	e->minute.sampling = p->source.sampling;
}

static void
follow_sequence(struct account *a, struct engine *e, const struct packet *p)
{
	struct numbers numbers = {p->sequence, e->sum.sequence.expected};
	enum sequence_event event = sequence_take(
	    &e->sum.sequence, p->sequence, p->n_flows, p->uptime_ms);

	if (event == SEQUENCE_GAP) {
		e->gap = numbers;
		if (e->gap_ms == 0)
			e->gap_ms = p->received_ms;
		a->to_say = true;
	} else if (event == SEQUENCE_RESTART) {
		e->restart = numbers;
		if (e->restart_ms == 0)
			e->restart_ms = p->received_ms;
		a->to_say = true;
	}
}

void
account_packet(struct account *a, const struct packet *p,
    const struct flow *flows, bool padded, int64_t at_ms)
{
	struct engine *e = find_engine(a, p);
	int64_t minute_ms = minute_start(at_ms);

	if (e->minute.minute_ms != minute_ms && cut_engine(a, e))
		e->minute.minute_ms = minute_ms;
	count_packet(e, p, flows, padded);
	note_header(e, p, at_ms);
	a->exporter[e->exporter].last_ms = at_ms;
	if (e != &a->engine[ACCOUNT_OTHERS] && !p->no_sequence)
		follow_sequence(a, e, p);
}

/* The collector's own minute, to be changed. */
static struct collector_minute *
collector_minute(struct account *a, int64_t at_ms)
{
	int64_t minute_ms = minute_start(at_ms);

	if (a->minute.minute_ms != minute_ms && cut_collector(a))
		a->minute.minute_ms = minute_ms;
	a->minute_used = true;
	return &a->minute;
}

/* Which of an exporter's counts a refused datagram belongs to. */
static uint64_t *
refused_count(struct minute *m, enum minute_refused why)
{
	if (why == REFUSED_SHORT || why == REFUSED_COUNT)
		return &m->malformed;
	if (why == REFUSED_NOT_CONFIGURED || why == REFUSED_NO_ROOM)
		return &m->refused;
	return &m->foreign;
}

void
account_refused(struct account *a, const struct addr *from,
    enum minute_refused why, int64_t at_ms)
{
	struct exporter *x = &a->exporter[find_exporter(a, from, false)];
	int64_t minute_ms = minute_start(at_ms);

	if (x->minute.minute_ms != minute_ms && cut_exporter(a, x))
		x->minute.minute_ms = minute_ms;
	++*refused_count(&x->minute, why);
	x->refused[why]++;
	x->last_ms = at_ms;
	x->minute.last_ms = at_ms;
	collector_minute(a, at_ms)->refused[why]++;
	a->to_say = true;
}

void
account_queue_dropped(struct account *a, uint8_t n_flows, int64_t at_ms)
{
	struct collector_minute *m = collector_minute(a, at_ms);

	m->queue_dropped_datagrams++;
	m->queue_dropped_flows += n_flows;
}

void
account_kernel_dropped(struct account *a, uint32_t n, int64_t at_ms)
{
	if (n > 0)
		collector_minute(a, at_ms)->kernel_dropped += n;
}

void
account_queue_waiting(struct account *a, size_t chunks, int64_t at_ms)
{
	struct collector_minute *m = collector_minute(a, at_ms);

	if (chunks > m->queue_high_water)
		m->queue_high_water = chunks;
}

void
account_forget_sequences(struct account *a)
{
	for (size_t i = 0; i < a->n_engines; i++) {
		struct sequence *s = &a->engine[i].sum.sequence;

		*s = (struct sequence){.counters = s->counters};
	}
}

/* ---- time ---- */

void
account_tick(struct account *a, int64_t now_ms)
{
	account_say_due(a, now_ms, SETTLE_MS);
	if (!clock_is_due(a->handed_over_ms, HAND_OVER_MS, now_ms))
		return;
	a->handed_over_ms = now_ms;
	cut_all(a);
	forget_silent(a, now_ms);
}

void
account_finish(struct account *a, int64_t now_ms)
{
	account_say_due(a, now_ms, 0);
	cut_all(a);
}
