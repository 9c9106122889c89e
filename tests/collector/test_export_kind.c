/* SPDX-License-Identifier: ISC */
/* export_kind: each protocol at its limits, and what only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/export_kind.h"
#include "collector/reader.h"
#include "schema/base/mem.h"

/* Asks about a block of exactly len bytes, zero behind the head given, so that
 * a sanitizer sees each read past its end. */
static enum export_kind
ask(const void *head, size_t head_len, size_t len)
{
	uint8_t *p = xcalloc(1, len);
	enum export_kind kind;

	memcpy(p, head, head_len < len ? head_len : len);
	kind = export_kind(p, len);
	free(p);
	return kind;
}

static void
kinds_are_told_by_version_and_length(void **state)
{
	static const struct {
		const char *head;
		size_t head_len, len;
		enum export_kind want;
	} cases[] = {
#define BYTES(s) s, sizeof s - 1
	    {BYTES(""), 0, EXPORT_UNKNOWN},
	    {BYTES("\0"), 1, EXPORT_UNKNOWN},
	    {BYTES("\0\5"), 2, EXPORT_NETFLOW5},
	    {BYTES("\0\5\xff\xff"), 9000, EXPORT_NETFLOW5},
	    {BYTES("\5\0"), 72, EXPORT_UNKNOWN},

	    {BYTES("\0\1\0\1"), 16 + 48, EXPORT_NETFLOW1},
	    {BYTES("\0\1\0\1"), 16 + 52, EXPORT_NETFLOW1},
	    {BYTES("\0\1\0\1"), 16 + 47, EXPORT_UNKNOWN},
	    {BYTES("\0\1\0\1"), 16 + 49, EXPORT_UNKNOWN},
	    {BYTES("\0\1\0\1"), 16, EXPORT_UNKNOWN},
	    {BYTES("\0\1\0\0"), 16, EXPORT_UNKNOWN},
	    {BYTES("\0\1\0\x18"), 16 + 24 * 48, EXPORT_NETFLOW1},
	    {BYTES("\0\1\0\x19"), 16 + 25 * 48, EXPORT_UNKNOWN},

	    {BYTES("\0\7\0\1"), 24 + 52, EXPORT_NETFLOW7},
	    {BYTES("\0\7\0\1"), 24 + 51, EXPORT_UNKNOWN},
	    {BYTES("\0\7\0\1"), 24 + 52 + 51, EXPORT_NETFLOW7},
	    {BYTES("\0\7\0\1"), 24 + 52 + 52, EXPORT_UNKNOWN},
	    {BYTES("\0\7\0\0"), 24, EXPORT_UNKNOWN},
	    {BYTES("\0\7\0\x1c"), 24 + 28 * 52, EXPORT_NETFLOW7},
	    {BYTES("\0\7\0\x1d"), 24 + 29 * 52, EXPORT_UNKNOWN},

#define V8(count, agg, version)                                                \
	BYTES("\0\x08\0" count                                                 \
	      "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" agg version)
	    {V8("\1", "\1", "\2"), 28 + 28, EXPORT_NETFLOW8},
	    {V8("\1", "\1", "\2"), 28 + 27, EXPORT_UNKNOWN},
	    {V8("\1", "\x0e", "\2"), 28 + 44, EXPORT_NETFLOW8},
	    {V8("\1", "\x0e", "\2"), 28 + 45, EXPORT_UNKNOWN},
	    {V8("\2", "\1", "\2"), 28 + 57, EXPORT_UNKNOWN},
	    {V8("\1", "\0", "\2"), 28 + 28, EXPORT_UNKNOWN},
	    {V8("\1", "\x0f", "\2"), 28 + 28, EXPORT_UNKNOWN},
	    {V8("\1", "\1", "\1"), 28 + 28, EXPORT_UNKNOWN},
	    {V8("\0", "\1", "\2"), 28, EXPORT_UNKNOWN},

#define V9 "\0\x09\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	    {BYTES(V9 "\0\0\0\x08"), 28, EXPORT_NETFLOW9},
	    {BYTES(V9 "\0\1\0\x08"), 28, EXPORT_NETFLOW9},
	    {BYTES(V9 "\1\0\0\x08"), 28, EXPORT_NETFLOW9},
	    {BYTES(V9 "\0\2\0\x08"), 28, EXPORT_UNKNOWN},
	    {BYTES(V9 "\1\0\0\x09"), 28, EXPORT_UNKNOWN},
	    {BYTES(V9 "\1\0\0\3"), 28, EXPORT_UNKNOWN},
	    {BYTES(V9 "\1\0\0\4\1\0\0\4"), 28, EXPORT_NETFLOW9},
	    {BYTES(V9 "\1\0\0\4\1\0\0\5"), 28, EXPORT_UNKNOWN},
	    {BYTES(V9 "\1\0\0\4"), 27, EXPORT_NETFLOW9},
	    {BYTES(V9), 20, EXPORT_UNKNOWN},
	    {BYTES(V9), 19, EXPORT_UNKNOWN},
	    {BYTES("\0\x09\0\0"), 28, EXPORT_UNKNOWN},

#define IPFIX(len) "\0\x0a\0" len "\0\0\0\0\0\0\0\0\0\0\0\0"
	    {BYTES(IPFIX("\x18") "\0\2\0\x08"), 24, EXPORT_IPFIX},
	    {BYTES(IPFIX("\x18") "\0\3\0\x08"), 24, EXPORT_IPFIX},
	    {BYTES(IPFIX("\x18") "\1\0\0\x08"), 24, EXPORT_IPFIX},
	    {BYTES(IPFIX("\x18") "\0\1\0\x08"), 24, EXPORT_UNKNOWN},
	    {BYTES(IPFIX("\x18") "\0\2\0\x08"), 30, EXPORT_IPFIX},
	    {BYTES(IPFIX("\x19") "\0\2\0\x08"), 24, EXPORT_UNKNOWN},
	    {BYTES(IPFIX("\x10")), 16, EXPORT_UNKNOWN},
	    {BYTES(IPFIX("\x0f")), 16, EXPORT_UNKNOWN},

#define SFLOW4 "\0\0\0\5\0\0\0\1\x0a\0\0\1\0\0\0\0\0\0\0\1\0\0\0\1"
	    {BYTES(SFLOW4 "\0\0\0\0"), 28, EXPORT_SFLOW5},
	    {BYTES(SFLOW4), 27, EXPORT_UNKNOWN},
	    {BYTES(SFLOW4 "\0\0\0\1\0\0\0\1\0\0\0\4"), 40, EXPORT_SFLOW5},
	    {BYTES(SFLOW4 "\0\0\0\1\0\0\0\1\0\0\0\5"), 40, EXPORT_UNKNOWN},
	    {BYTES(SFLOW4 "\0\0\0\2\0\0\0\1\0\0\0\4"), 40, EXPORT_UNKNOWN},
	    {BYTES(SFLOW4 "\0\0\0\1\0\0\0\1\xff\xff\xff\xff"), 40,
		EXPORT_UNKNOWN},
	    {BYTES("\0\0\0\5\0\0\0\2"), 40, EXPORT_SFLOW5},
	    {BYTES("\0\0\0\5\0\0\0\2"), 39, EXPORT_UNKNOWN},
	    {BYTES("\0\0\0\5\0\0\0\3"), 40, EXPORT_UNKNOWN},
	    {BYTES("\0\0\0\4\0\0\0\1"), 28, EXPORT_UNKNOWN},
	    {BYTES("\0\0"), 2, EXPORT_UNKNOWN},

	    /* TFTP read request, STUN binding request, DNS query. */
	    {BYTES("\0\1firmware.bin\0octet"), 21, EXPORT_UNKNOWN},
	    {BYTES("\0\1\0\x34\x21\x12\xa4\x42"), 72, EXPORT_UNKNOWN},
	    {BYTES("\0\7\1\0\0\1"), 40, EXPORT_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		enum export_kind kind =
		    ask(cases[i].head, cases[i].head_len, cases[i].len);

		if (kind != cases[i].want)
			fail_msg("case %zu, %zu bytes: %s, want %s", i,
			    cases[i].len, export_kind_name(kind),
			    export_kind_name(cases[i].want));
	}
}

static void
a_raw_netflow1_datagram_is_named(void **state)
{
	uint8_t data[2048];
	FILE *f = fopen("tests/data/dpkt-v1.bin", "rb");
	size_t len;

	(void)state;
	assert_non_null(f);
	len = fread(data, 1, sizeof data, f);
	fclose(f);
	assert_int_equal(len, 1168);
	assert_int_equal(ask(data, len, len), EXPORT_NETFLOW1);
}

/* Cut anywhere, a payload is of its kind or of none, and no byte past its end
 * is read. */
static void
cut_payloads_are_never_of_another_kind(void **state)
{
	static const char *const files[] = {
	    "tests/data/arkime_synthetic.pcap",
	    "tests/data/ndpi-netflowv9.pcap",
	    "tests/data/flowsend-v8.pcap",
	};
	struct reader *r;
	struct datagram d;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		assert_int_equal(reader_open(&r, files[i], &err), 0);
		while (reader_next(r, &d, &err) == 1) {
			enum export_kind whole = export_kind(d.data, d.len);

			for (size_t len = 0; len < d.len; len++) {
				enum export_kind k = ask(d.data, len, len);

				assert_true(k == whole || k == EXPORT_UNKNOWN);
			}
		}
		reader_close(r);
	}
}

static void
every_kind_has_a_name(void **state)
{
	(void)state;
	for (int a = 0; a < N_EXPORT_KINDS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
			    export_kind_name((enum export_kind)a),
			    export_kind_name((enum export_kind)b));
	assert_string_equal(export_kind_name(EXPORT_NETFLOW9), "NetFlow v9");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(kinds_are_told_by_version_and_length),
	    cmocka_unit_test(a_raw_netflow1_datagram_is_named),
	    cmocka_unit_test(cut_payloads_are_never_of_another_kind),
	    cmocka_unit_test(every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
