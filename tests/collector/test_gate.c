/* SPDX-License-Identifier: ISC */
/* Who is let in, and that nobody can fill the place of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/gate.h"
#include "collector/roster.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "tests/temp.h"

static const int64_t NOW_MS = INT64_C(1700000000000);

static struct conf *
conf_of(const char *text)
{
	char *dir = temp_new(), *path = xasprintf("%s/weir.conf", dir);
	const struct conf_options o = {.file = path};
	FILE *f = fopen(path, "w");
	struct conf *c = NULL;
	struct err err;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	if (conf_open(&c, &o, &err) != 0)
		fail_msg("%s", err.text);
	temp_remove(dir);
	free(path);
	return c;
}

static struct addr
addr(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static struct source
source(uint32_t ip4, uint8_t engine_id)
{
	return (struct source){
	    .exporter = addr_from_ip4(ip4), .engine_id = engine_id};
}

/* Check and admit, as for each sound datagram. */
static enum gate_verdict
give(struct gate *g, const struct source *s, int64_t now_ms)
{
	enum gate_verdict v = gate_check(g, &s->exporter, 2055);

	return v != GATE_PASS ? v : gate_admit(g, s, now_ms);
}

static void
those_configured_pass_and_others_by_choice(void **state)
{
	static const struct {
		const char *from;
		uint16_t port;
		enum gate_verdict refuse, accept;
	} rows[] = {
	    {"192.0.2.1", 2055, GATE_PASS, GATE_PASS},
	    {"192.0.2.1", 1, GATE_PASS, GATE_PASS},
	    {"192.0.2.2", 2055, GATE_NOT_CONFIGURED, GATE_PASS},
	    {"10.9.9.9", 9995, GATE_PASS, GATE_PASS},
	    {"10.9.9.9", 2055, GATE_NOT_CONFIGURED, GATE_PASS},
	    {"2001:db8::1", 2055, GATE_PASS, GATE_PASS},
	    {"2001:db9::1", 2055, GATE_NOT_CONFIGURED, GATE_PASS},
	};
	static const char exporters[] =
	    "exporter a { address = {192.0.2.1, 2001:db8::/32} }\n"
	    "exporter b { address = 10.0.0.0/8 port = 9995 }\n";
	char *refusing = xasprintf("%sunknown-exporters = refuse\n", exporters);
	struct conf *refuse = conf_of(refusing);
	struct conf *accept = conf_of(exporters);
	struct gate *g = gate_new(refuse);

	(void)state;
	/* Twice: those that are in by then are known. */
	for (int turn = 0; turn < 2; turn++)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct source s = {.exporter = addr(rows[i].from)};
			enum gate_verdict got =
			    gate_check(g, &s.exporter, rows[i].port);

			if (got != rows[i].refuse)
				fail_msg("%s %u: %d", rows[i].from,
				    rows[i].port, got);
			if (got == GATE_PASS)
				assert_int_equal(
				    gate_admit(g, &s, NOW_MS), GATE_PASS);
		}
	gate_configure(g, accept);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct addr from = addr(rows[i].from);

		assert_int_equal(
		    gate_check(g, &from, rows[i].port), rows[i].accept);
	}
	gate_free(g);
	conf_free(refuse);
	conf_free(accept);
	free(refusing);
}

static void
so_many_unknown_ones_are_let_in(void **state)
{
	struct conf *c = conf_of("max-automatic-exporters = 3\n"
				 "exporter a { address = 192.0.2.1 }\n");
	struct gate *g = gate_new(c);

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		const struct source s = source(0x0A000000 + i, 0);

		assert_int_equal(
		    give(g, &s, NOW_MS), i < 3 ? GATE_PASS : GATE_NO_ROOM);
	}
	/* Those that are in stay, and who is configured comes in. */
	for (uint32_t i = 0; i < 3; i++) {
		const struct source s = source(0x0A000000 + i, 1);

		assert_int_equal(give(g, &s, NOW_MS + MS_PER_DAY), GATE_PASS);
	}
	{
		const struct source s = source(0xC0000201, 0);

		assert_int_equal(give(g, &s, NOW_MS), GATE_PASS);
	}
	gate_free(g);
	conf_free(c);
}

/* A datagram that is not sound takes nobody's place. */
static void
only_sound_ones_take_a_place(void **state)
{
	struct conf *c = conf_of("max-automatic-exporters = 1");
	struct gate *g = gate_new(c);
	const struct source s = source(0x0B000001, 0);

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		const struct addr a = addr_from_ip4(0x0A000000 + i);

		assert_int_equal(gate_check(g, &a, 2055), GATE_PASS);
	}
	assert_int_equal(give(g, &s, NOW_MS), GATE_PASS);
	gate_free(g);
	conf_free(c);
}

static void
who_is_silent_for_a_day_makes_room(void **state)
{
	struct conf *c = conf_of("max-automatic-exporters = 2");
	struct gate *g = gate_new(c);
	const struct source first = source(1, 0), second = source(2, 0),
			    third = source(3, 0);

	(void)state;
	assert_int_equal(give(g, &first, NOW_MS), GATE_PASS);
	assert_int_equal(give(g, &second, NOW_MS + 1000), GATE_PASS);
	assert_int_equal(give(g, &third, NOW_MS + 2000), GATE_NO_ROOM);
	gate_tick(g, NOW_MS + MS_PER_DAY);
	assert_int_equal(give(g, &third, NOW_MS + MS_PER_DAY), GATE_NO_ROOM);
	gate_tick(g, NOW_MS + MS_PER_DAY + 500); /* swept a moment ago */
	assert_int_equal(
	    give(g, &third, NOW_MS + MS_PER_DAY + 500), GATE_NO_ROOM);
	gate_tick(g, NOW_MS + MS_PER_DAY + 60000);
	assert_int_equal(
	    give(g, &third, NOW_MS + MS_PER_DAY + 60000), GATE_PASS);
	assert_int_equal(
	    give(g, &first, NOW_MS + MS_PER_DAY + 60000), GATE_PASS);
	assert_int_equal(
	    give(g, &second, NOW_MS + MS_PER_DAY + 60000), GATE_NO_ROOM);
	gate_free(g);
	conf_free(c);
}

/* What a day's table of sources and our memory may be filled with. */
static void
a_flood_of_forged_senders_fills_nothing(void **state)
{
	struct conf *c = conf_of("exporter net { address = 10.0.0.0/8 }\n"
				 "exporter a { address = 192.0.2.1 }\n"
				 "exporter b { address = 192.0.2.2 }\n");
	struct gate *g = gate_new(c);
	const struct source a = source(0xC0000201, 0);
	const struct source b = source(0xC0000202, 0);
	size_t n = 0, n_unknown = 0;

	(void)state;
	assert_int_equal(give(g, &a, NOW_MS), GATE_PASS);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct source s = source(0x0B000000 + i, 0);

		n_unknown += give(g, &s, NOW_MS) == GATE_PASS;
	}
	assert_int_equal(n_unknown, 1000);
	for (uint32_t i = 0; i < 100000; i++) {
		const struct source s = source(0x0A000000 + i, 0);

		n += give(g, &s, NOW_MS) == GATE_PASS;
	}
	/* Two places are those of a and b. */
	assert_int_equal(n + n_unknown, GATE_MAX_EXPORTERS - 2);
	assert_int_equal(give(g, &a, NOW_MS), GATE_PASS);
	assert_int_equal(give(g, &b, NOW_MS), GATE_PASS);
	gate_free(g);
	conf_free(c);
}

static void
one_exporter_has_so_many_engines(void **state)
{
	struct conf *c = conf_of("");
	struct gate *g = gate_new(c);
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 65536; i++) {
		struct source s = source(1, (uint8_t)i);

		s.engine_type = (uint8_t)(i >> 8);
		s.sampling = (uint16_t)i;
		n += give(g, &s, NOW_MS) == GATE_PASS;
	}
	assert_int_equal(n, GATE_SOURCES_EACH);
	for (uint32_t i = 0; i < 32000; i++) { /* each another one */
		const struct source s = source(2 + i % 1000, (uint8_t)i);

		n += give(g, &s, NOW_MS) == GATE_PASS;
	}
	assert_int_equal(n, GATE_MAX_SOURCES);
	gate_free(g);
	conf_free(c);
}

static void
another_configuration_keeps_who_may_stay(void **state)
{
	struct conf *both = conf_of("");
	struct conf *one = conf_of("unknown-exporters = refuse\n"
				   "exporter a { address = 192.0.2.1 }\n");
	struct conf *none = conf_of("max-automatic-exporters = 1");
	struct gate *g = gate_new(both);
	const struct source a = source(0xC0000201, 0);
	const struct source x = source(0x0A000001, 0);

	(void)state;
	assert_int_equal(give(g, &x, NOW_MS), GATE_PASS);
	assert_int_equal(give(g, &a, NOW_MS), GATE_PASS);
	gate_configure(g, one);
	assert_int_equal(give(g, &a, NOW_MS), GATE_PASS);
	assert_int_equal(give(g, &x, NOW_MS), GATE_NOT_CONFIGURED);
	gate_configure(g, none);
	assert_int_equal(give(g, &a, NOW_MS), GATE_PASS);
	assert_int_equal(give(g, &x, NOW_MS), GATE_NO_ROOM);
	gate_free(g);
	conf_free(both);
	conf_free(one);
	conf_free(none);
}

static void
a_roster_finds_what_was_added(void **state)
{
	struct roster *r = roster_new(5000);
	struct roster_key key = {0};

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		for (uint32_t i = 0; i < 5000; i++) {
			key = (struct roster_key){addr_from_ip4(i / 2), i % 2};
			assert_int_equal(roster_find(r, &key), 0);
			assert_int_equal(roster_add(r, &key), i + 1);
			assert_int_equal(roster_n(r), i + 1);
		}
		assert_true(roster_is_full(r));
		for (uint32_t i = 0; i < 5000; i++) {
			key = (struct roster_key){addr_from_ip4(i / 2), i % 2};
			assert_int_equal(roster_find(r, &key), i + 1);
			assert_int_equal(roster_at(r, i + 1)->more, i % 2);
		}
		key.more = 7;
		assert_int_equal(roster_find(r, &key), 0);
		assert_int_equal(roster_add(r, &key), 0);
		roster_clear(r);
	}
	roster_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(those_configured_pass_and_others_by_choice),
	    cmocka_unit_test(so_many_unknown_ones_are_let_in),
	    cmocka_unit_test(only_sound_ones_take_a_place),
	    cmocka_unit_test(who_is_silent_for_a_day_makes_room),
	    cmocka_unit_test(a_flood_of_forged_senders_fills_nothing),
	    cmocka_unit_test(one_exporter_has_so_many_engines),
	    cmocka_unit_test(another_configuration_keeps_who_may_stay),
	    cmocka_unit_test(a_roster_finds_what_was_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
