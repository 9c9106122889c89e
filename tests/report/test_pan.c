/* SPDX-License-Identifier: ISC */
/* pan: the known answers of Crypto-PAn, and that prefixes stay prefixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/pan.h"
#include "report/random.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"

/* The key of the sample that Crypto-PAn 1.0 came with. */
static const uint8_t sample_key[PAN_KEY_LEN] = {21, 34, 23, 141, 51, 164, 207,
    128, 19, 10, 91, 22, 73, 144, 125, 16, 216, 152, 143, 131, 121, 121, 101,
    39, 98, 87, 76, 45, 42, 132, 34, 2};

/* IPv4: from that sample. IPv6: as other implementations of 128 bits have it,
 * with the same key. */
static const struct {
	const char *from, *to;
} known[] = {
    {"128.11.68.132", "135.242.180.132"},
    {"129.118.74.4", "134.136.186.123"},
    {"130.132.252.244", "133.68.164.234"},
    {"141.223.7.43", "141.167.8.160"},
    {"141.233.145.108", "141.129.237.235"},
    {"152.163.225.39", "151.140.114.167"},
    {"156.29.3.236", "147.225.12.42"},
    {"165.247.96.84", "162.9.99.234"},
    {"166.107.77.190", "160.132.178.185"},
    {"192.102.249.13", "252.138.62.131"},
    {"::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed"},
    {"::2", "78ff:f001:9fc0:20df:8380:b1f1:704:ef"},
    {"::ffff", "78ff:f001:9fc0:20df:8380:b1f1:704:f838"},
    {"2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e"},
    {"2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c"},
};

static struct pan *
sample(void)
{
	return pan_new(sample_key);
}

static void
known_answers(void **state)
{
	struct pan *p = sample();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct addr a, got;
		char text[ADDR_TEXT_LEN];

		assert_true(addr_parse(known[i].from, &a));
		got = pan_addr(p, &a);
		addr_format(&got, text);
		assert_string_equal(text, known[i].to);
	}
	pan_free(p);
}

static void
no_address_is_none(void **state)
{
	struct pan *p = sample();
	struct addr none = {0}, got = pan_addr(p, &none);

	(void)state;
	assert_int_equal(got.family, 0);
	pan_free(p);
	pan_free(NULL);
}

static unsigned
shared_bits(uint32_t a, uint32_t b)
{
	return a == b ? 32 : (unsigned)__builtin_clz(a ^ b);
}

/* What is kept of earlier answers changes none: both tables are asked again
 * by addresses that share places. */
static void
prefixes_stay_and_answers_do_not_change(void **state)
{
	struct pan *p = sample();
	struct random r = {3};
	uint32_t last = 0, last_image = pan_ip4(p, 0);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint32_t bits = random_below(&r, 33);
		uint32_t a = (uint32_t)random_next(&r), image;

		if (bits > 0) /* share a prefix with the one before */
			a = bits == 32 ? last
				       : last ^ (a & (UINT32_MAX >> bits));
		image = pan_ip4(p, a);
		assert_int_equal(
		    shared_bits(image, last_image), shared_bits(a, last));
		last = a;
		last_image = image;
	}
	for (uint32_t a = 0; a < 3u << 20; a += 1021) {
		struct pan *fresh = a % 31 == 0 ? sample() : NULL;

		if (fresh != NULL)
			assert_int_equal(pan_ip4(p, a), pan_ip4(fresh, a));
		pan_free(fresh);
	}
	pan_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_answers),
	    cmocka_unit_test(no_address_is_none),
	    cmocka_unit_test(prefixes_stay_and_answers_do_not_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
