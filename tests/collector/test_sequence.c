/* SPDX-License-Identifier: ISC */
/* Loss by sequence numbers: by hand, and in captures whose truth is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/nf5.h"
#include "collector/reader.h"
#include "collector/sequence.h"

enum { MAX_STEPS = 24 };

/* One datagram: its number, its flows (0: 30), the uptime (0: 10 ms more). */
struct step {
	uint32_t sequence;
	uint8_t n_flows;
	uint32_t uptime_ms;
};

struct example {
	const char *name;
	size_t n;
	struct step step[MAX_STEPS];
	struct sequence_counters want;
};

static const struct example examples[] = {
    {"in order", 10,
	{{0, 0, 0}, {30, 0, 0}, {60, 0, 0}, {90, 0, 0}, {120, 0, 0},
	    {150, 0, 0}, {180, 0, 0}, {210, 0, 0}, {240, 0, 0}, {270, 0, 0}},
	{0}},
    {"one datagram lost", 4, {{0, 0, 0}, {30, 0, 0}, {90, 0, 0}, {120, 0, 0}},
	{.lost = 30, .gaps = 1}},
    {"two exchanged", 4, {{0, 0, 0}, {60, 0, 0}, {30, 0, 0}, {90, 0, 0}},
	{.gaps = 1, .late = 1}},
    {"one doubled", 4, {{0, 0, 0}, {30, 0, 0}, {30, 0, 1010}, {60, 0, 0}},
	{.duplicates = 1, .duplicate_flows = 30}},
    {"exact wrap", 3, {{4294967266, 0, 0}, {0, 0, 0}, {30, 0, 0}}, {0}},
    {"lost across the wrap", 2, {{4294967236, 0, 0}, {0, 0, 0}},
	{.lost = 30, .gaps = 1}},
    {"gap of 999", 2, {{0, 0, 0}, {1029, 0, 0}}, {.lost = 999, .gaps = 1}},
    {"gap of 1000", 2, {{0, 0, 0}, {1030, 0, 0}}, {.lost = 1000, .gaps = 1}},
    {"gap of a million", 3, {{0, 0, 0}, {1000030, 0, 0}, {1000060, 0, 0}},
	{.lost = 1000000, .gaps = 1}},
    {"restart, as far as the uptime tells nothing", 12,
	{{0, 0, 0}, {30, 0, 0}, {60, 0, 0}, {90, 0, 0}, {120, 0, 0},
	    {150, 0, 0}, {180, 0, 0}, {210, 0, 0}, {240, 0, 0}, {270, 0, 0},
	    {0, 0, 0}, {30, 0, 0}},
	{.restarts = 1}},
    {"restart with a new uptime", 5,
	{{5000, 0, 900000}, {5030, 0, 900010}, {0, 0, 500}, {30, 0, 510},
	    {60, 0, 520}},
	{.restarts = 1}},
    {"restart at a higher number", 3,
	{{0, 0, 900000}, {30, 0, 900010}, {90000, 0, 500}}, {.restarts = 1}},
    {"restart to where it just was", 4,
	{{0, 0, 900000}, {30, 0, 900010}, {0, 0, 500}, {30, 0, 510}},
	{.restarts = 1}},
    {"three late in one gap, from the middle", 5,
	{{0, 0, 0}, {120, 0, 0}, {60, 0, 0}, {30, 0, 0}, {90, 0, 0}},
	{.gaps = 1, .late = 3}},
    {"late by two gaps", 6,
	{{0, 0, 0}, {60, 0, 0}, {120, 0, 0}, {30, 0, 0}, {90, 0, 0},
	    {150, 0, 0}},
	{.gaps = 2, .late = 2}},
    {"late and then doubled", 5,
	{{0, 0, 0}, {60, 0, 0}, {30, 0, 0}, {30, 0, 1020}, {90, 0, 0}},
	{.gaps = 1, .late = 1, .duplicates = 1, .duplicate_flows = 30}},
    {"late across the wrap", 4,
	{{4294967236, 0, 0}, {0, 0, 0}, {4294967266, 0, 0}, {30, 0, 0}},
	{.gaps = 1, .late = 1}},
    {"uptime wraps while in order", 3,
	{{0, 0, 4294967290}, {30, 0, 4}, {60, 0, 14}}, {0}},
    {"datagrams are counted, not flows", 8,
	{{7, 0, 0}, {8, 0, 0}, {9, 0, 0}, {10, 0, 0}, {11, 0, 0}, {12, 0, 0},
	    {13, 0, 0}, {14, 0, 0}},
	{0}},
    {"datagrams are counted, and two are lost", 8,
	{{7, 0, 0}, {8, 0, 0}, {9, 0, 0}, {10, 0, 0}, {11, 0, 0}, {14, 0, 0},
	    {15, 0, 0}, {16, 0, 0}},
	{.lost = 60, .gaps = 1}},
    {"single flows are no sign of that", 5,
	{{7, 1, 0}, {8, 1, 0}, {9, 1, 0}, {10, 1, 0}, {11, 30, 0}}, {0}},
};

static bool
equal(const struct sequence_counters *a, const struct sequence_counters *b)
{
	return a->lost == b->lost && a->gaps == b->gaps && a->late == b->late &&
	       a->duplicates == b->duplicates &&
	       a->duplicate_flows == b->duplicate_flows &&
	       a->restarts == b->restarts;
}

#define COUNTERS_FORMAT                                                        \
	"lost %llu gaps %llu late %llu duplicates %llu of %llu restarts %llu"
#define COUNTERS(c)                                                            \
	(unsigned long long)(c).lost, (unsigned long long)(c).gaps,            \
	    (unsigned long long)(c).late, (unsigned long long)(c).duplicates,  \
	    (unsigned long long)(c).duplicate_flows,                           \
	    (unsigned long long)(c).restarts

static void
what_happened_is_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		const struct example *e = &examples[i];
		struct sequence s = {0};
		uint32_t uptime = 1000;

		for (size_t k = 0; k < e->n; k++) {
			const struct step *t = &e->step[k];

			uptime = t->uptime_ms > 0 ? t->uptime_ms : uptime;
			sequence_take(&s, t->sequence,
			    t->n_flows > 0 ? t->n_flows : 30, uptime);
			if (t->uptime_ms == 0 || k + 1 == e->n ||
			    e->step[k + 1].uptime_ms == 0)
				uptime += 10;
		}
		if (!equal(&s.counters, &e->want))
			fail_msg("%s: " COUNTERS_FORMAT, e->name,
			    COUNTERS(s.counters));
	}
}

/* ---- captures ---- */

enum { MAX_ENGINES = 8 };

struct engines {
	struct source source[MAX_ENGINES];
	struct sequence sequence[MAX_ENGINES];
	size_t n;
};

static struct sequence *
sequence_of(struct engines *e, const struct source *s)
{
	for (size_t i = 0; i < e->n; i++)
		if (addr_equal(&e->source[i].exporter, &s->exporter) &&
		    e->source[i].engine_type == s->engine_type &&
		    e->source[i].engine_id == s->engine_id)
			return &e->sequence[i];
	assert_true(e->n < MAX_ENGINES);
	e->source[e->n] = *s;
	return &e->sequence[e->n++];
}

static void
sums_of_capture(const char *path, struct sequence_counters *sum)
{
	struct flow flows[NF5_MAX_RECORDS];
	struct engines engines = {0};
	struct datagram d;
	struct packet p;
	struct reader *r;
	struct err err;

	if (reader_open(&r, path, &err) != 0)
		fail_msg("%s", err.text);
	while (reader_next(r, &d, &err) == 1) {
		if (nf5_decode(d.data, d.len, &p, flows) < 0)
			continue;
		p.source.exporter = d.from;
		sequence_take(sequence_of(&engines, &p.source), p.sequence,
		    p.n_flows, p.uptime_ms);
	}
	reader_close(r);
	*sum = (struct sequence_counters){0};
	for (size_t i = 0; i < engines.n; i++) {
		const struct sequence_counters *c =
		    &engines.sequence[i].counters;

		sum->lost += c->lost;
		sum->gaps += c->gaps;
		sum->late += c->late;
		sum->duplicates += c->duplicates;
		sum->duplicate_flows += c->duplicate_flows;
		sum->restarts += c->restarts;
	}
}

static void
captures_show_what_was_done_to_them(void **state)
{
	static const struct {
		const char *path;
		struct sequence_counters want;
	} cases[] = {
	    {"tests/data/softflowd-ndpi-mix.pcap", {0}},
	    {"tests/data/softflowd-ndpi-mix-lossy.pcap",
		{.lost = 119,
		    .gaps = 3,
		    .late = 1,
		    .duplicates = 1,
		    .duplicate_flows = 29}},
	    {"tests/data/softflowd-restarts.pcap", {.restarts = 7}},
	    {"tests/data/pmacctd-multi-engine.pcap", {0}},
	    {"tests/data/erikwilson-flow_capture.bin", {0}},
	    {"tests/data/nfreplay-backbone94k.pcap", {0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sequence_counters got;

		sums_of_capture(cases[i].path, &got);
		if (!equal(&got, &cases[i].want))
			fail_msg("%s: " COUNTERS_FORMAT, cases[i].path,
			    COUNTERS(got));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_happened_is_told_apart),
	    cmocka_unit_test(captures_show_what_was_done_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
