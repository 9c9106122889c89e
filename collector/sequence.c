/* SPDX-License-Identifier: ISC */
/*
 * Loss by flow_sequence: see sequence.h. All distances are unsigned
 * subtractions modulo 2^32, read as signed: the wrap needs no branch.
 */
#include "collector/sequence.h"

/* An uptime this much before the newest is a restart, not a datagram that was
 * held up on the way. */
enum { RESTART_MS = 60000 };

static int32_t
distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

static uint32_t
step_of(const struct sequence *s, uint8_t n_flows)
{
	return s->counts_datagrams ? 1 : n_flows;
}

/* ---- what came before ---- */

static bool
was_seen(const struct sequence *s, uint32_t sequence, uint8_t n_flows,
    uint32_t uptime_ms)
{
	for (size_t i = 0; i < SEQUENCE_RECENT; i++)
		if (s->seen[i].n_flows == n_flows &&
		    s->seen[i].sequence == sequence &&
		    s->seen[i].uptime_ms == uptime_ms)
			return true;
	return false;
}

static void
remember(
    struct sequence *s, uint32_t sequence, uint8_t n_flows, uint32_t uptime_ms)
{
	s->seen[s->next_seen] = (struct sequence_seen){
	    .sequence = sequence, .uptime_ms = uptime_ms, .n_flows = n_flows};
	s->next_seen = (s->next_seen + 1) % SEQUENCE_RECENT;
}

/* Flows that a missing run of numbers stands for. */
static uint64_t
flows_in(const struct sequence *s, uint32_t numbers, uint8_t n_flows)
{
	return s->counts_datagrams ? (uint64_t)numbers * n_flows : numbers;
}

static void
add_gap(struct sequence *s, uint32_t first, uint32_t n)
{
	s->gap[s->next_gap] = (struct sequence_gap){.first = first, .n = n};
	s->next_gap = (s->next_gap + 1) % SEQUENCE_GAPS;
}

/* Whether the datagram lies in a gap, which is then cut in two around it. */
static bool
fill_gap(struct sequence *s, uint32_t sequence, uint32_t step)
{
	for (size_t i = 0; i < SEQUENCE_GAPS; i++) {
		struct sequence_gap *g = &s->gap[i];
		uint32_t before = sequence - g->first;
		uint32_t after;

		if (g->n == 0 || before >= g->n || step > g->n - before)
			continue;
		after = g->n - before - step;
		g->n = before;
		if (after > 0 && before == 0)
			*g = (struct sequence_gap){
			    .first = sequence + step, .n = after};
		else if (after > 0)
			add_gap(s, sequence + step, after);
		return true;
	}
	return false;
}

static void
begin_at(struct sequence *s, uint32_t sequence, uint8_t n_flows)
{
	for (size_t i = 0; i < SEQUENCE_GAPS; i++)
		s->gap[i].n = 0;
	for (size_t i = 0; i < SEQUENCE_RECENT; i++)
		s->seen[i].n_flows = 0;
	s->expected = sequence + step_of(s, n_flows);
}

/* ---- the unit ---- */

/*
 * An exporter that counts datagrams numbers them one by one whatever they hold.
 * Until that is clear each of its datagrams looked like a restart: taken back.
 */
static bool
counts_datagrams(struct sequence *s, uint32_t sequence, uint8_t n_flows)
{
	if (s->counts_datagrams || n_flows == 1 ||
	    sequence - s->last_sequence != 1) {
		s->one_by_one = 0;
		return false;
	}
	if (++s->one_by_one < SEQUENCE_UNIT_AFTER)
		return false;
	s->counts_datagrams = true;
	return true;
}

/* ---- one datagram ---- */

static enum sequence_event
take_gap(struct sequence *s, uint32_t sequence, uint8_t n_flows)
{
	uint32_t missing = sequence - s->expected;

	add_gap(s, s->expected, missing);
	s->counters.gaps++;
	s->counters.lost += flows_in(s, missing, n_flows);
	s->expected = sequence + step_of(s, n_flows);
	return SEQUENCE_GAP;
}

static enum sequence_event
take_early_number(
    struct sequence *s, uint32_t sequence, uint8_t n_flows, bool restarted)
{
	if (!restarted && fill_gap(s, sequence, step_of(s, n_flows))) {
		s->counters.lost -=
		    n_flows <= s->counters.lost ? n_flows : s->counters.lost;
		s->counters.late++;
		return SEQUENCE_LATE;
	}
	begin_at(s, sequence, n_flows);
	s->counters.restarts++;
	return SEQUENCE_RESTART;
}

static enum sequence_event
classify(
    struct sequence *s, uint32_t sequence, uint8_t n_flows, uint32_t uptime_ms)
{
	bool restarted = distance(s->uptime_ms, uptime_ms) < -RESTART_MS;
	int32_t ahead = distance(s->expected, sequence);

	if (!restarted && was_seen(s, sequence, n_flows, uptime_ms)) {
		s->counters.duplicates++;
		s->counters.duplicate_flows += n_flows;
		return SEQUENCE_DUPLICATE;
	}
	if (ahead < 0 || (restarted && ahead != 0))
		return take_early_number(s, sequence, n_flows, restarted);
	if (ahead > 0)
		return take_gap(s, sequence, n_flows);
	s->expected += step_of(s, n_flows);
	return SEQUENCE_IN_ORDER;
}

enum sequence_event
sequence_take(
    struct sequence *s, uint32_t sequence, uint8_t n_flows, uint32_t uptime_ms)
{
	enum sequence_event event;

	if (!s->started) {
		s->started = true;
		event = SEQUENCE_FIRST;
		begin_at(s, sequence, n_flows);
	} else if (counts_datagrams(s, sequence, n_flows)) {
		s->counters.restarts -= SEQUENCE_UNIT_AFTER - 1;
		begin_at(s, sequence, n_flows);
		event = SEQUENCE_IN_ORDER;
	} else {
		event = classify(s, sequence, n_flows, uptime_ms);
	}
	if (event != SEQUENCE_DUPLICATE)
		remember(s, sequence, n_flows, uptime_ms);
	if (event != SEQUENCE_LATE && event != SEQUENCE_DUPLICATE) {
		s->uptime_ms = uptime_ms;
		s->last_sequence = sequence;
	}
	return event;
}
