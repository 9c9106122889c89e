/* SPDX-License-Identifier: ISC */
/* UTF-8 from outside: what is valid passes whole, the rest byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "report/utf8.h"
#include "schema/base/attr.h"

static void
only_valid_characters_are_taken_whole(void **state)
{
	static const struct {
		const char *name, *text;
		size_t len;
		uint32_t code;
	} cases[] = {
	    {"ascii", "a", 1, 'a'},
	    {"delete", "\x7f", 1, 0x7f},
	    {"two bytes", "\xc3\xa9x", 2, 0xe9},
	    {"three bytes", "\xe2\x82\xac", 3, 0x20ac},
	    {"four bytes", "\xf0\x9f\x98\x80", 4, 0x1f600},
	    {"last code point", "\xf4\x8f\xbf\xbf", 4, 0x10ffff},
	    {"past the last", "\xf4\x90\x80\x80", 1, 0xfffd},
	    {"lone continuation", "\x80", 1, 0xfffd},
	    {"cut short", "\xe2\x82", 1, 0xfffd},
	    {"wrong continuation", "\xc3(", 1, 0xfffd},
	    {"overlong slash", "\xc0\xaf", 1, 0xfffd},
	    {"overlong in three", "\xe0\x80\xaf", 1, 0xfffd},
	    {"surrogate", "\xed\xa0\x80", 1, 0xfffd},
	    {"never a lead", "\xff", 1, 0xfffd},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t code = 0;
		size_t len = utf8_next(cases[i].text, &code);

		if (len != cases[i].len || code != cases[i].code)
			fail_msg(
			    "%s: %zu bytes, U+%04X", cases[i].name, len, code);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(only_valid_characters_are_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
