/* SPDX-License-Identifier: ISC */
/* sha256: the examples of the standard, in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "schema/base/attr.h"
#include "schema/base/sha256.h"

/* FIPS 180-4's examples, and what sha256sum(1) says of the rest: the lengths
 * around which the padding changes. */
static const struct {
	const char *text;
	size_t times;
	const char *want;
} cases[] = {
    {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1,
	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
	"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000,
	"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    {"a", 55,
	"9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
    {"a", 56,
	"b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
    {"a", 63,
	"7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"},
    {"a", 64,
	"ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
};

static void
sums_are_those_of_the_standard(void **state)
{
	char got[SHA256_TEXT_LEN];
	struct sha256 s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sha256_init(&s);
		for (size_t n = 0; n < cases[i].times; n++)
			sha256_add(&s, cases[i].text, strlen(cases[i].text));
		sha256_end(&s, got);
		assert_string_equal(got, cases[i].want);
	}
}

static void
pieces_of_any_size_give_one_sum(void **state)
{
	uint8_t data[300];
	char whole[SHA256_TEXT_LEN], pieces[SHA256_TEXT_LEN];
	struct sha256 s;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	sha256_init(&s);
	sha256_add(&s, data, sizeof data);
	sha256_end(&s, whole);
	for (size_t piece = 1; piece < sizeof data; piece++) {
		sha256_init(&s);
		for (size_t at = 0; at < sizeof data; at += piece)
			sha256_add(&s, data + at,
			    sizeof data - at < piece ? sizeof data - at
						     : piece);
		sha256_end(&s, pieces);
		assert_string_equal(pieces, whole);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sums_are_those_of_the_standard),
	    cmocka_unit_test(pieces_of_any_size_give_one_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
