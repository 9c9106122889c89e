/* SPDX-License-Identifier: ISC */
/*
 * Counting by exporter and engine: see account.h. Two tables with an index
 * each: exporters, known by their address, carry what is refused and what was
 * said; engines carry what arrived. Element 0 of both is "others". Rows go
 * through a ring, the only thing that two threads touch.
 */
#include <stdlib.h>
#include <string.h>

#include "collector/account_state.h"
#include "schema/base/hash.h"
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

	a->exporter = xcalloc(ACCOUNT_MAX, sizeof *a->exporter);
	a->engine = xcalloc(ACCOUNT_MAX, sizeof *a->engine);
	a->row = xcalloc(ACCOUNT_MAX_ROWS, sizeof *a->row);
	a->n_exporters = a->n_engines = 1; /* others */
	a->exporter[ACCOUNT_OTHERS].is_sound = true;
	a->seed = hash_seed();
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
	free(a->exporter);
	free(a->engine);
	free(a->row);
	free(a);
}

/* ---- finding ---- */

/* engine: type and id, or more than 16 bits for an exporter. */
static size_t
hash(const struct account *a, const struct addr *addr, uint32_t engine)
{
	uint64_t half[2];
	uint64_t x = a->seed;

	memcpy(half, addr->bytes, sizeof half);
	x = hash_mix(x ^ half[0]);
	x = hash_mix(x ^ half[1]);
	x = hash_mix(x ^ ((uint64_t)engine << 8 | addr->family));
	return (size_t)x & (ACCOUNT_SLOTS - 1);
}

static uint32_t
engine_key(uint8_t type, uint8_t id)
{
	return (uint32_t)type << 8 | id;
}

static const uint32_t EXPORTER_KEY = 1u << 16;

/* The slot of an exporter, or the free one where it belongs. */
static uint16_t *
exporter_slot(struct account *a, const struct addr *addr)
{
	size_t at = hash(a, addr, EXPORTER_KEY);

	while (a->exporter_at.slot[at] != 0 &&
	       !addr_equal(&a->exporter[a->exporter_at.slot[at]].addr, addr))
		at = (at + 1) & (ACCOUNT_SLOTS - 1);
	return &a->exporter_at.slot[at];
}

static bool
is_engine(
    const struct engine *e, const struct addr *addr, uint8_t type, uint8_t id)
{
	const struct source *s = &e->sum.source;

	return s->engine_id == id && s->engine_type == type &&
	       addr_equal(&s->exporter, addr);
}

static size_t
engine_slot(
    const struct account *a, const struct addr *addr, uint8_t type, uint8_t id)
{
	size_t at = hash(a, addr, engine_key(type, id));

	while (a->engine_at.slot[at] != 0 &&
	       !is_engine(&a->engine[a->engine_at.slot[at]], addr, type, id))
		at = (at + 1) & (ACCOUNT_SLOTS - 1);
	return at;
}

/* An exporter, made if there is room, else others. */
static size_t
find_exporter(struct account *a, const struct addr *addr, bool is_sound)
{
	uint16_t *slot = exporter_slot(a, addr);
	struct exporter *x;

	if (*slot == 0) {
		if (a->n_exporters == ACCOUNT_MAX ||
		    (!is_sound && a->n_unsound == ACCOUNT_MAX_UNSOUND))
			return ACCOUNT_OTHERS;
		*slot = (uint16_t)a->n_exporters;
		a->exporter[a->n_exporters++] = (struct exporter){
		    .addr = *addr,
		    .minute = {.exporter = *addr},
		};
		a->n_unsound++;
	}
	x = &a->exporter[*slot];
	if (is_sound && !x->is_sound) {
		x->is_sound = true;
		a->n_unsound--;
	}
	return *slot;
}

const struct account_engine *
account_find(const struct account *a, const struct addr *exporter,
    uint8_t engine_type, uint8_t engine_id)
{
	size_t at = engine_slot(a, exporter, engine_type, engine_id);
	size_t position = a->engine_at.slot[at];

	return position != 0 ? &a->engine[position].sum : NULL;
}

const struct account_engine *
account_others(const struct account *a)
{
	return &a->engine[ACCOUNT_OTHERS].sum;
}

/* ---- minutes ---- */

static int64_t
minute_of(int64_t ms)
{
	int64_t rest = ms % MS_PER_MINUTE;

	return ms - (rest < 0 ? rest + MS_PER_MINUTE : rest);
}

static bool
put_row(struct account *a, const struct minute_row *row)
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
	if (!put_row(a, &row))
		return false;
	e->cut = e->sum.sequence.counters;
	e->minute = (struct minute){.minute_ms = e->minute.minute_ms};
	return true;
}

static bool
cut_exporter(struct account *a, struct exporter *x)
{
	struct minute_row row = {.kind = MINUTE_OF_SOURCE, .source = x->minute};

	if (x->minute.malformed + x->minute.foreign == 0)
		return true;
	if (!put_row(a, &row))
		return false;
	x->minute.malformed = x->minute.foreign = 0;
	return true;
}

static bool
cut_collector(struct account *a)
{
	struct minute_row row = {
	    .kind = MINUTE_OF_COLLECTOR, .collector = a->minute};

	if (!a->minute_used)
		return true;
	if (!put_row(a, &row))
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

	memset(&a->exporter_at, 0, sizeof a->exporter_at);
	a->n_unsound = 0;
	for (size_t i = 1; i < a->n_exporters; i++) {
		struct exporter *x = &a->exporter[i];

		if (now_ms - x->last_ms > SILENT_MS && cut_exporter(a, x))
			continue;
		moved[i] = (uint16_t)n;
		a->exporter[n] = *x;
		a->n_unsound += !x->is_sound;
		*exporter_slot(a, &a->exporter[n].addr) = (uint16_t)n;
		n++;
	}
	a->n_exporters = n;
}

/* Engines whose exporter is still there, and those of the last hour; an
 * exporter is never silent for longer than its engines. */
static void
keep_engines(struct account *a, int64_t now_ms, const uint16_t *moved)
{
	size_t n = 1;

	memset(&a->engine_at, 0, sizeof a->engine_at);
	for (size_t i = 1; i < a->n_engines; i++) {
		struct engine *e = &a->engine[i];
		const struct source *s;

		if (now_ms - e->sum.last_ms > SILENT_MS && cut_engine(a, e))
			continue;
		a->engine[n] = *e;
		a->engine[n].exporter = moved[e->exporter];
		s = &a->engine[n].sum.source;
		a->engine_at.slot[engine_slot(a, &s->exporter, s->engine_type,
		    s->engine_id)] = (uint16_t)n;
		n++;
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
add_engine(struct account *a, const struct packet *p, size_t slot)
{
	size_t exporter = find_exporter(a, &p->source.exporter, true);
	struct engine *e;

	if (exporter == ACCOUNT_OTHERS || a->n_engines == ACCOUNT_MAX)
		return &a->engine[ACCOUNT_OTHERS];
	a->engine_at.slot[slot] = (uint16_t)a->n_engines;
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
	size_t slot;

	if (a->last_engine != NULL && is_engine(a->last_engine, &s->exporter,
					  s->engine_type, s->engine_id))
		return a->last_engine;
	slot = engine_slot(a, &s->exporter, s->engine_type, s->engine_id);
	if (a->engine_at.slot[slot] == 0)
		return add_engine(a, p, slot);
	a->last_engine = &a->engine[a->engine_at.slot[slot]];
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
	int64_t minute_ms = minute_of(at_ms);

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
	int64_t minute_ms = minute_of(at_ms);

	if (a->minute.minute_ms != minute_ms && cut_collector(a))
		a->minute.minute_ms = minute_ms;
	a->minute_used = true;
	return &a->minute;
}

void
account_refused(struct account *a, const struct addr *from,
    enum export_kind kind, bool bad_count, int64_t at_ms)
{
	static const enum minute_refused of_kind[N_EXPORT_KINDS] = {
	    [EXPORT_NETFLOW5] = REFUSED_SHORT,
	    [EXPORT_NETFLOW1] = REFUSED_NETFLOW1,
	    [EXPORT_NETFLOW7] = REFUSED_NETFLOW7,
	    [EXPORT_NETFLOW8] = REFUSED_NETFLOW8,
	    [EXPORT_NETFLOW9] = REFUSED_NETFLOW9,
	    [EXPORT_IPFIX] = REFUSED_IPFIX,
	    [EXPORT_SFLOW5] = REFUSED_SFLOW5,
	    [EXPORT_UNKNOWN] = REFUSED_UNKNOWN,
	};
	enum minute_refused why = bad_count ? REFUSED_COUNT : of_kind[kind];
	struct exporter *x = &a->exporter[find_exporter(a, from, false)];
	int64_t minute_ms = minute_of(at_ms);

	if (x->minute.minute_ms != minute_ms && cut_exporter(a, x))
		x->minute.minute_ms = minute_ms;
	if (kind == EXPORT_NETFLOW5)
		x->minute.malformed++;
	else
		x->minute.foreign++;
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

bool
account_is_due(int64_t done_ms, int64_t every_ms, int64_t now_ms)
{
	return done_ms == 0 || now_ms < done_ms || now_ms - done_ms >= every_ms;
}

void
account_tick(struct account *a, int64_t now_ms)
{
	account_say_due(a, now_ms, SETTLE_MS);
	if (!account_is_due(a->handed_over_ms, HAND_OVER_MS, now_ms))
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
