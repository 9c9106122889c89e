/* SPDX-License-Identifier: ISC */
/* addr, num, clock, buf, err: text in, values out, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/complain.h"
#include "schema/base/err.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/flow.h"

static void
prefixes_parse_and_clear_host_bits(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t lo, hi;
	} cases[] = {
	    {"10.0.0.0/8", true, 0x0a000000, 0x0affffff},
	    {"10.1.2.3/8", true, 0x0a000000, 0x0affffff},
	    {"10.1.2.3", true, 0x0a010203, 0x0a010203},
	    {"0.0.0.0/0", true, 0, UINT32_MAX},
	    {"255.255.255.255/32", true, UINT32_MAX, UINT32_MAX},
	    {"192.0.2.128/25", true, 0xc0000280, 0xc00002ff},
	    {"192.0.2.255/31", true, 0xc00002fe, 0xc00002ff},
	    {"10.0.0.0/33", false, 0, 0},
	    {"10.0.0/8", false, 0, 0},
	    {"10.0.0.0/", false, 0, 0},
	    {"10.0.0.0/-1", false, 0, 0},
	    {"10.0.0.0/8/8", false, 0, 0},
	    {"256.0.0.1", false, 0, 0},
	    {"", false, 0, 0},
	    {"10.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0/8", false, 0,
		0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix p;
		uint32_t lo, hi;
		bool ok = prefix_parse(cases[i].text, &p);

		if (ok != cases[i].ok)
			fail_msg("\"%s\": parsed %d", cases[i].text, ok);
		if (!ok)
			continue;
		prefix_ip4_range(&p, &lo, &hi);
		if (lo != cases[i].lo || hi != cases[i].hi)
			fail_msg("\"%s\": %08x-%08x", cases[i].text, lo, hi);
	}
}

static void
prefixes_hold_addresses_of_their_family(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool want;
	} cases[] = {
	    {"192.0.2.0/24", "192.0.2.255", true},
	    {"192.0.2.0/24", "192.0.3.0", false},
	    {"0.0.0.0/0", "203.0.113.9", true},
	    {"0.0.0.0/0", "2001:db8::1", false},
	    {"2001:db8::/33", "2001:db8:7fff::1", true},
	    {"2001:db8::/33", "2001:db8:8000::1", false},
	    {"::/0", "192.0.2.1", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix p;
		struct addr a;

		assert_true(prefix_parse(cases[i].prefix, &p));
		assert_true(addr_parse(cases[i].addr, &a));
		if (prefix_holds(&p, &a) != cases[i].want)
			fail_msg("%s %s", cases[i].prefix, cases[i].addr);
	}
}

static void
endpoints_parse(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		const char *addr;
		uint16_t port;
	} cases[] = {
	    {"2055", true, "0.0.0.0", 2055},
	    {":2055", true, "0.0.0.0", 2055},
	    {"127.0.0.1:0", true, "127.0.0.1", 0},
	    {"[::1]:9995", true, "::1", 9995},
	    {"::1:9995", false, NULL, 0},
	    {"127.0.0.1", false, NULL, 0},
	    {"127.0.0.1:65536", false, NULL, 0},
	    {"localhost:2055", false, NULL, 0},
	    {"127.0.0.1:", false, NULL, 0},
	    {"[:2055", false, NULL, 0},
	    {"[]:2055", false, NULL, 0},
	    {"", false, NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[ADDR_TEXT_LEN];
		char whole[ENDPOINT_TEXT_LEN];
		struct endpoint e, again;
		bool ok = endpoint_parse(cases[i].text, &e);

		if (ok != cases[i].ok)
			fail_msg("\"%s\": parsed %d", cases[i].text, ok);
		if (!ok)
			continue;
		addr_format(&e.addr, text);
		assert_string_equal(text, cases[i].addr);
		assert_int_equal(e.port, cases[i].port);
		endpoint_format(&e, whole);
		assert_true(endpoint_parse(whole, &again));
		assert_true(endpoint_equal(&e, &again));
	}
}

static void
addresses_are_of_kinds(void **state)
{
	static const struct {
		const char *addr;
		bool any, multicast;
	} cases[] = {
	    {"0.0.0.0", true, false},
	    {"::", true, false},
	    {"223.255.255.255", false, false},
	    {"224.0.0.0", false, true},
	    {"239.255.255.255", false, true},
	    {"240.0.0.0", false, false},
	    {"::1", false, false},
	    {"ff02::1", false, true},
	    {"fe80::1", false, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a;

		assert_true(addr_parse(cases[i].addr, &a));
		if (addr_is_any(&a) != cases[i].any ||
		    addr_is_multicast(&a) != cases[i].multicast)
			fail_msg("%s", cases[i].addr);
	}
}

/* Of every length, in room that ends where it should. */
static void
quotations_are_cut_where_the_room_ends(void **state)
{
	char text[3 * QUOTE_LEN] = "";

	(void)state;
	for (size_t len = 0; len < sizeof text; len++) {
		char *out = xcalloc(1, QUOTE_LEN);
		bool whole = len < QUOTE_LEN;

		memset(text, 'x', len);
		text[len] = '\0';
		assert_ptr_equal(quote(text, SIZE_MAX, out), out);
		assert_int_equal(strlen(out), whole ? len : QUOTE_LEN - 1);
		assert_int_equal(strspn(out, "x"), whole ? len : QUOTE_LEN - 4);
		free(out);
	}
}

static void
numbers_are_bounded_and_whole(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool ok;
		uint64_t want;
	} cases[] = {
	    {"0", 255, true, 0},
	    {"255", 255, true, 255},
	    {"256", 255, false, 0},
	    {"0x1b", 255, true, 27},
	    {"0X1B", 255, true, 27},
	    {"0x", 255, false, 0},
	    {"-1", UINT64_MAX, false, 0},
	    {"+1", 255, false, 0},
	    {" 1", 255, false, 0},
	    {"1 ", 255, false, 0},
	    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, false, 0},
	    {"", 255, false, 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t n = 77;
		bool ok = parse_u64(cases[i].text, cases[i].max, &n);

		if (ok != cases[i].ok || n != (ok ? cases[i].want : 77))
			fail_msg("\"%s\": %d", cases[i].text, ok);
	}
}

static void
days_are_floors_of_utc_also_before_1970(void **state)
{
	static const struct {
		int64_t ms;
		int32_t day;
		const char *text;
	} cases[] = {
	    {0, 0, "1970-01-01"},
	    {-1, -1, "1969-12-31"},
	    {MS_PER_DAY - 1, 0, "1970-01-01"},
	    {MS_PER_DAY, 1, "1970-01-02"},
	    {INT64_C(1709251199999), 19782, "2024-02-29"},
	    {INT64_C(4294967295000), 49710, "2106-02-07"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[CLOCK_DAY_LEN];
		int32_t day;

		assert_int_equal(clock_day(cases[i].ms), cases[i].day);
		clock_format_day(cases[i].day, text);
		assert_string_equal(text, cases[i].text);
		assert_true(clock_parse_day(text, &day));
		assert_int_equal(day, cases[i].day);
	}
}

static void
days_that_are_none_are_refused(void **state)
{
	static const char *const cases[] = {"2026-02-31", "2026-2-03", "",
	    "2026-11-23.db", "20261123", "2026-11-23-", "x"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int32_t day;

		if (clock_parse_day(cases[i], &day))
			fail_msg("\"%s\" was taken", cases[i]);
	}
}

static void
times_show_milliseconds_also_before_1970(void **state)
{
	char text[CLOCK_TEXT_LEN];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	clock_format_ms(INT64_C(1709294460027), text);
	assert_string_equal(text, "2024-03-01 12:01:00.027");
	clock_format_ms(-1, text);
	assert_string_equal(text, "1969-12-31 23:59:59.999");
}

static void
a_buffer_stops_at_its_maximum(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	assert_string_equal(buf_str(&b), "");
	buf_puts(&b, "abc");
	buf_printf(&b, "%d", 42);
	assert_false(b.overflow);
	assert_string_equal(buf_str(&b), "abc42");
	buf_put(&b, "x", 1);
	assert_true(b.overflow);
	assert_string_equal(buf_str(&b), "abc42");
	buf_clear(&b);
	assert_false(b.overflow);
	assert_string_equal(buf_str(&b), "");
	buf_release(&b);
}

static void
errors_carry_code_text_and_prefix(void **state)
{
	struct err err;
	char longer[2000];

	(void)state;
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(err_set(&err, ERR_FULL, "a %d", 1), ERR_FULL);
	assert_int_equal(err_prefix(&err, ERR_FULL, "b"), ERR_FULL);
	assert_string_equal(err.text, "b: a 1");
	assert_int_equal(err_set(NULL, ERR_BUSY, "x"), ERR_BUSY);
	err_set(&err, ERR_FULL, "%s", longer);
	err_prefix(&err, ERR_FULL, "%s", longer);
	assert_int_equal(strlen(err.text), sizeof err.text - 1);
	assert_int_equal(err_exit_status(0), 0);
	assert_int_equal(err_exit_status(ERR_USAGE), 2);
	assert_int_equal(err_exit_status(ERR_FULL), 1);
}

static void
flags_are_letters_of_the_whole_byte(void **state)
{
	static const struct {
		uint8_t flags;
		const char *want;
	} cases[] = {{27, "...AP.SF"}, {2, "......S."}, {20, "...A.R.."},
	    {0, "........"}, {255, "CEUAPRSF"}, {194, "CE....S."}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[FLAGS_TEXT_LEN];

		flags_format(cases[i].flags, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void
quirks_are_names_with_a_plus_between(void **state)
{
	static const struct {
		uint8_t quirks;
		const char *want;
	} cases[] = {{0, ""}, {QUIRK_UPTIME_WRAPPED, "uptime-wrapped"},
	    {QUIRK_START_AFTER_END | QUIRK_DURATION_CLAMPED,
		"start-after-end+duration-clamped"},
	    {UINT8_MAX, "start-after-end+end-after-export+uptime-wrapped+"
			"clock-absurd+duration-clamped"}};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[QUIRKS_TEXT_LEN];

		quirks_format(cases[i].quirks, text);
		assert_string_equal(text, cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prefixes_parse_and_clear_host_bits),
	    cmocka_unit_test(prefixes_hold_addresses_of_their_family),
	    cmocka_unit_test(endpoints_parse),
	    cmocka_unit_test(quotations_are_cut_where_the_room_ends),
	    cmocka_unit_test(addresses_are_of_kinds),
	    cmocka_unit_test(numbers_are_bounded_and_whole),
	    cmocka_unit_test(days_are_floors_of_utc_also_before_1970),
	    cmocka_unit_test(days_that_are_none_are_refused),
	    cmocka_unit_test(times_show_milliseconds_also_before_1970),
	    cmocka_unit_test(a_buffer_stops_at_its_maximum),
	    cmocka_unit_test(errors_carry_code_text_and_prefix),
	    cmocka_unit_test(flags_are_letters_of_the_whole_byte),
	    cmocka_unit_test(quirks_are_names_with_a_plus_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
