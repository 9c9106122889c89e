/* SPDX-License-Identifier: ISC */
/* Numbers as text agree with printf, at every boundary. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "report/digits.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"

/* Every number of digits, and both sides of each power of ten. */
static size_t
boundaries(uint64_t *out)
{
	size_t n = 0;

	out[n++] = 0;
	for (uint64_t ten = 1;; ten *= 10) {
		out[n++] = ten - 1;
		out[n++] = ten;
		out[n++] = ten + 1;
		out[n++] = ten * 5 / 4;
		if (ten > UINT64_MAX / 10)
			break;
	}
	out[n++] = UINT32_MAX;
	out[n++] = INT64_MAX;
	out[n++] = UINT64_MAX;
	return n;
}

static void
numbers_are_as_printf_writes_them(void **state)
{
	uint64_t numbers[100];
	size_t n = boundaries(numbers);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char got[DIGITS_MAX], want[DIGITS_MAX];

		*put_u64(got, numbers[i]) = '\0';
		snprintf(want, sizeof want, "%" PRIu64, numbers[i]);
		assert_string_equal(got, want);
		*put_i64(got, (int64_t)numbers[i]) = '\0';
		snprintf(want, sizeof want, "%" PRId64, (int64_t)numbers[i]);
		assert_string_equal(got, want);
	}
}

static void
thousands_and_fractions_are_placed(void **state)
{
	static const struct {
		char *(*put)(char *p, uint64_t n);
		uint64_t n;
		const char *want;
	} cases[] = {
	    {put_u64_grouped, 0, "0"},
	    {put_u64_grouped, 999, "999"},
	    {put_u64_grouped, 1208, "1,208"},
	    {put_u64_grouped, 100000, "100,000"},
	    {put_u64_grouped, 1000000, "1,000,000"},
	    {put_u64_grouped, UINT64_MAX, "18,446,744,073,709,551,615"},
	    {put_thousandths, 0, "0.000"},
	    {put_thousandths, 27, "0.027"},
	    {put_thousandths, 604800999, "604800.999"},
	    {put_thousandths, UINT64_MAX, "18446744073709551.615"},
	    {put_hundredths, 0, "0.00"},
	    {put_hundredths, 5, "0.05"},
	    {put_hundredths, 3333, "33.33"},
	    {put_hundredths, 10000, "100.00"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char got[DIGITS_MAX];

		*cases[i].put(got, cases[i].n) = '\0';
		assert_string_equal(got, cases[i].want);
	}
}

static void
addresses_are_as_inet_ntop_writes_them(void **state)
{
	static const uint32_t cases[] = {
	    0, 1, 9, 10, 99, 100, 255, 0x0a000001, 0xc0a8009a, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr = addr_from_ip4(cases[i]);
		char got[DIGITS_MAX], want[ADDR_TEXT_LEN];

		ip4_format(cases[i], want);
		*put_ip4(got, cases[i]) = '\0';
		assert_string_equal(got, want);
		*put_addr(got, &addr) = '\0';
		assert_string_equal(got, want);
	}
}

static void
other_exporters_are_as_addr_format_writes_them(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
	struct addr none = {0}, addr;
	char got[DIGITS_MAX];

	(void)state;
	assert_true(addr_parse(longest, &addr));
	*put_addr(got, &addr) = '\0';
	assert_string_equal(got, longest);
	*put_addr(got, &none) = '\0';
	assert_string_equal(got, "-");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_are_as_printf_writes_them),
	    cmocka_unit_test(thousands_and_fractions_are_placed),
	    cmocka_unit_test(addresses_are_as_inet_ntop_writes_them),
	    cmocka_unit_test(other_exporters_are_as_addr_format_writes_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
