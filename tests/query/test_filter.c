/* SPDX-License-Identifier: ISC */
/* Filter words: what they become, and what is said of wrong ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <netdb.h>
#include <time.h>

#include "query/ast.h"
#include "query/filter.h"
#include "schema/base/buf.h"

/* 2024-03-01 12:10:56.250 UTC */
static const int64_t NOW_MS = INT64_C(1709295056250);

static void
use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* One condition as text: "dst_port 80 443-445". */
static void
print_node(struct buf *out, const struct ast *a)
{
	buf_puts(out, a->kind == AST_EXPORTERS ? "exporter"
					       : flow_columns[a->column].name);
	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct ast_range *r = &a->range[i];

		buf_printf(out, " %" PRId64, r->lo);
		if (r->hi != r->lo)
			buf_printf(out, "-%" PRId64, r->hi);
	}
	for (size_t i = 0; i < a->n_prefixes; i++) {
		char text[ADDR_TEXT_LEN];

		addr_format(&a->prefix[i].addr, text);
		buf_printf(out, " %s/%u", text, a->prefix[i].len);
	}
}

static void
print_filter(struct buf *out, const struct filter *f)
{
	for (size_t i = 0; i < f->ast->n_children; i++) {
		if (i > 0)
			buf_puts(out, ", ");
		print_node(out, f->ast->child[i]);
	}
	if (f->has_from)
		buf_printf(out, "from %" PRId64, f->from_ms);
	if (f->has_to)
		buf_printf(out, "to %" PRId64, f->to_ms);
}

struct good {
	const char *word;
	const char *want;
};

static void
check_good(const struct good *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct filter f;
		struct buf got;
		struct err err = {""};

		filter_init(&f);
		buf_init(&got, 100000);
		if (filter_add_word(&f, rows[i].word, NOW_MS, &err) != 0)
			fail_msg("%s: %s", rows[i].word, err.text);
		print_filter(&got, &f);
		if (strcmp(buf_str(&got), rows[i].want) != 0)
			fail_msg("%s: \"%s\", want \"%s\"", rows[i].word,
			    buf_str(&got), rows[i].want);
		buf_release(&got);
		filter_release(&f);
	}
}

static void
words_become_ranges(void **state)
{
	static const struct good rows[] = {
	    {"src=10.0.0.1", "src_addr 167772161"},
	    {"dst=10.0.0.1", "dst_addr 167772161"},
	    {"src=10.0.0.0/8", "src_addr 167772160-184549375"},
	    {"src=10.9.8.7/8", "src_addr 167772160-184549375"},
	    {"src=0.0.0.0/0", "src_addr 0-4294967295"},
	    {"src=255.255.255.255", "src_addr 4294967295"},
	    {"src=10.0.0.1/32,10.0.0.3", "src_addr 167772161 167772163"},
	    {"src=10.0.0.2,10.0.0.1", "src_addr 167772161-167772162"},
	    {"src=10.0.0.1,10.0.0.0/24", "src_addr 167772160-167772415"},
	    {"src= 10.0.0.1 , 10.0.0.3 ", "src_addr 167772161 167772163"},
	    {"dport=443", "dst_port 443"},
	    {"sport=0", "src_port 0"},
	    {"dport=65535", "dst_port 65535"},
	    {"dport=80,443", "dst_port 80 443"},
	    {"dport=443,80,443", "dst_port 80 443"},
	    {"dport=80,81,82", "dst_port 80-82"},
	    {"dport=1024:65535", "dst_port 1024-65535"},
	    {"dport=6000-6010,6005-6020", "dst_port 6000-6020"},
	    {"dport=7-7", "dst_port 7"},
	    {"dport=0x50", "dst_port 80"},
	    {"proto=6", "protocol 6"},
	    {"proto=tcp", "protocol 6"},
	    {"proto=TCP,udp", "protocol 6 17"},
	    {"proto=icmp,igmp", "protocol 1-2"},
	    {"proto=gre,esp,ospf,sctp", "protocol 47 50 89 132"},
	    {"proto=ipv6,255,0", "protocol 0 41 255"},
	    {"flags=27", "tcp_flags 27"},
	    {"flags=0x1b", "tcp_flags 27"},
	    {"flags=APSF", "tcp_flags 27"},
	    {"flags=fspa", "tcp_flags 27"},
	    {"flags=...AP.SF", "tcp_flags 27"},
	    {"flags=........", "tcp_flags 0"},
	    {"flags=CEUAPRSF", "tcp_flags 255"},
	    {"flags=C", "tcp_flags 128"},
	    {"flags=S,0", "tcp_flags 0 2"},
	    {"flags=0/0", "tcp_flags 0-255"},
	    {"flags=S/0xff", "tcp_flags 2"},
	    {"flags=0xc0/CE", "tcp_flags 192-255"},
	    {"flags=0/CEUA", "tcp_flags 0-15"},
	    {"flags=./CEUAPR", "tcp_flags 0-3"},
	    {"flags=2/CEUAPRS", "tcp_flags 2-3"},
	    {"exporter=192.0.2.1", "exporter 192.0.2.1/32"},
	    {"exporter=192.0.2.1/24,2001:db8::1",
		"exporter 192.0.2.0/24 2001:db8::1/128"},
	    {"exporter=2001:db8:1::/32", "exporter 2001:db8::/32"},
	};

	(void)state;
	check_good(rows, ARRAY_LEN(rows));
}

static void
masked_flags_mean_all_bytes_under_the_mask(void **state)
{
	static const char *const same[] = {"flags=S/SA", "flags=s/as",
	    "flags=2/18", "flags=0x02/0x12", "flags=2/SA",
	    "flags=......S./...A..S."};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(same); i++) {
		struct filter f;
		const struct ast *a;

		filter_init(&f);
		assert_int_equal(filter_add_word(&f, same[i], NOW_MS, NULL), 0);
		a = f.ast->child[0];
		assert_int_equal(ast_count_values(a), 64);
		for (int64_t v = 0; v < 256; v++)
			if (ast_holds(a, v) != ((v & 18) == 2))
				fail_msg("%s: flags %d", same[i], (int)v);
		filter_release(&f);
	}
}

static void
port_names_are_those_of_services(void **state)
{
	struct good row = {"dport=domain", "dst_port 53"};
	struct servent *known = getservbyname("domain", NULL);

	(void)state;
	assert_non_null(known);
	assert_int_equal(ntohs((uint16_t)known->s_port), 53);
	check_good(&row, 1);
	row = (struct good){"sport=80,domain,https", "src_port 53 80 443"};
	check_good(&row, 1);
	/* "-" is also part of names */
	row = (struct good){"sport=http-alt", "src_port 8080"};
	check_good(&row, 1);
}

static void
times_count_from_the_epoch(void **state)
{
	static const struct good rows[] = {
	    {"from=2024-03-01", "from 1709251200000"},
	    {"from=1970-01-01", "from 0"},
	    {"to=9999-12-31T23:59:59.999", "to 253402300799999"},
	    {"from=2024-03-01T12:10", "from 1709295000000"},
	    {"from=2024-03-01 12:10", "from 1709295000000"},
	    {"to=2024-03-01T12:10:56", "to 1709295056000"},
	    {"to=2024-03-01T12:10:56.027", "to 1709295056027"},
	    {"to=2024-03-01T12:10:56.5", "to 1709295056500"},
	    {"to=2024-03-01T12:10Z", "to 1709295000000"},
	    {"to=2024-03-01T12:10:56Z", "to 1709295056000"},
	    {"to=2024-03-01T13:10+01:00", "to 1709295000000"},
	    {"to=2024-03-01T06:40-05:30", "to 1709295000000"},
	    {"to=2024-03-01T00:10+12:00", "to 1709208600000"},
	    {"from=2024-02-29", "from 1709164800000"},
	    {"from=@1709295056", "from 1709295056000"},
	    {"from=@1709295056.027", "from 1709295056027"},
	    {"from=@0", "from 0"},
	    {"from=1709295056", "from 1709295056000"},
	    {"from=999999999.5", "from 999999999500"},
	    {"to=now", "to 1709295056250"},
	    {"from=-90m", "from 1709289656250"},
	    {"from=now-90m", "from 1709289656250"},
	    {"from=-10s", "from 1709295046250"},
	    {"from=-2h", "from 1709287856250"},
	    {"from=-1d", "from 1709208656250"},
	    {"from=now-2w", "from 1708085456250"},
	    {"from=-0s", "from 1709295056250"},
	};

	(void)state;
	use_zone("UTC");
	check_good(rows, ARRAY_LEN(rows));
}

/* Clocks went to summer time on 2026-03-29 at 01:00 UTC, back on 2026-10-25. */
static void
local_times_follow_the_zone(void **state)
{
	static const struct good rows[] = {
	    {"from=2026-03-29T01:59:59.999", "from 1774745999999"},
	    {"from=2026-03-29T03:00", "from 1774746000000"},
	    {"from=2026-03-29", "from 1774738800000"},
	    {"from=2026-03-30", "from 1774821600000"},
	    {"from=2026-03-29T02:30+01:00", "from 1774747800000"},
	    {"from=2026-10-25", "from 1792879200000"},
	    {"from=2026-10-25T01:59:59", "from 1792886399000"},
	    {"from=2026-10-25T02:00", "from 1792886400000"},
	    {"from=2026-10-25T02:30", "from 1792888200000"},
	    {"from=2026-10-25T02:30+01:00", "from 1792891800000"},
	    {"from=2026-10-25T03:00", "from 1792893600000"},
	    {"from=2026-10-26", "from 1792969200000"},
	    {"from=2026-07-01T12:00Z", "from 1782907200000"},
	    {"from=2026-07-01T12:00", "from 1782900000000"},
	    {"from=2026-01-01T12:00", "from 1767265200000"},
	};

	(void)state;
	use_zone("Europe/Rome");
	check_good(rows, ARRAY_LEN(rows));
	/* again after a winter time and after a summer time was read */
	for (size_t i = 0; i < 20; i++) {
		check_good(&rows[i % 2 == 0 ? 14 : 13], 1);
		check_good(&rows[8], 1);
	}
	use_zone("UTC");
}

struct bad {
	const char *word;
	const char *want; /* part of the error */
};

static void
check_bad(const struct bad *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct filter f;
		struct err err = {""};
		int rc;

		filter_init(&f);
		rc = filter_add_word(&f, rows[i].word, NOW_MS, &err);
		if (rc != ERR_USAGE)
			fail_msg("%s: returned %d", rows[i].word, rc);
		if (strstr(err.text, rows[i].want) == NULL)
			fail_msg("%s: \"%s\", want \"%s\"", rows[i].word,
			    err.text, rows[i].want);
		if (f.ast->n_children != 0 || f.seen != 0 || f.has_from ||
		    f.has_to)
			fail_msg("%s: the filter was changed", rows[i].word);
		filter_release(&f);
	}
}

static void
wrong_values_are_named(void **state)
{
	static const struct bad rows[] = {
	    {"dport=80,htpp,443", "dport: \"htpp\" (value 2 of 3) is no port: "
				  "want 0-65535 or a service name"},
	    {"dport=htpp", "dport: \"htpp\" is no port"},
	    {"dport=", "dport: \"\" is no value"},
	    {"dport=80,,443", "dport: \"\" (value 2 of 3) is no value"},
	    {"dport=80,", "(value 2 of 2) is no value"},
	    {"dport=,", "(value 1 of 2) is no value"},
	    {"dport= ", "is no value"},
	    {"dport=65536", "is no port"},
	    {"dport=-80", "is no port"},
	    {"dport=+80", "is no port"},
	    {"dport=443-80", "ends before it begins"},
	    {"dport=80:", "is no port"},
	    {"dport=:80", "is no port"},
	    {"dport=1-70000", "is no port"},
	    {"dport=80 443", "is no port"},
	    {"sport=99999999999999999999", "is no port"},
	    {"src=300.0.0.1", "is no IPv4 address: want 192.0.2.1"},
	    {"src=10.0.0", "is no IPv4 address"},
	    {"src=10.0.0.1/33", "is no IPv4 address"},
	    {"src=10.0.0.1/", "is no IPv4 address"},
	    {"src=10.0.0.1/-1", "is no IPv4 address"},
	    {"src=2001:db8::1", "is IPv6: NetFlow v5 has IPv4"},
	    {"dst=::/0", "is IPv6"},
	    {"dst=www.example.com", "is no IPv4 address"},
	    {"dst=10.0.0.1;DROP TABLE", "is no IPv4 address"},
	    {"proto=256", "is no protocol: want 0-255 or a name such as tcp"},
	    {"proto=-1", "is no protocol"},
	    {"proto=tpc", "is no protocol"},
	    {"flags=256", "is no TCP flags: want letters of CEUAPRSF"},
	    {"flags=X", "is no TCP flags"},
	    {"flags=S/", "is no TCP flags"},
	    {"flags=/S", "is no TCP flags"},
	    {"flags=S/S/S", "is no TCP flags"},
	    {"flags=S/A", "its mask leaves out"},
	    {"flags=3/2", "its mask leaves out"},
	    {"exporter=router1", "is no address"},
	    {"exporter=192.0.2.0/33", "is no address"},
	    {"exporter=2001:db8::/129", "is no address"},
	};

	(void)state;
	check_bad(rows, ARRAY_LEN(rows));
}

static void
wrong_times_are_refused(void **state)
{
	static const struct bad rows[] = {
	    {"from=", "from: \"\" is no time: want 2024-03-01T12:00"},
	    {"from=2026-02-31", "that month has no such day"},
	    {"from=2026-02-29", "that month has no such day"},
	    {"from=2026-04-31T12:00Z", "that month has no such day"},
	    {"from=2026-13-01", "is no time"},
	    {"from=2026-00-01", "is no time"},
	    {"from=2026-01-00", "no such day"},
	    {"from=2026-01-01T24:00", "is no time"},
	    {"from=2026-01-01T12:60", "is no time"},
	    {"from=2026-01-01T12:00:60", "is no time"},
	    {"from=2026-01-01T12", "is no time"},
	    {"from=2026-01-01T", "is no time"},
	    {"from=2026-01-01Z", "is no time"},
	    {"from=2026-01-01T12:00:00.", "is no time"},
	    {"from=2026-01-01T12:00:00.1234", "is no time"},
	    {"from=2026-01-01T12:00+1:00", "is no time"},
	    {"from=2026-01-01T12:00+01:60", "is no time"},
	    {"from=2026-01-01T12:00Zulu", "is no time"},
	    {"from=2026-1-1", "is no time"},
	    {"from=01.03.2024", "is no time"},
	    {"from=1969-12-31", "is no time"},
	    {"from=20260301", "is no time"},
	    {"from=202603011200", "is no time"},
	    {"from=@", "is no time"},
	    {"from=@253402300800", "is no time"},
	    {"from=@1709295056.", "is no time"},
	    {"to=noon", "to: \"noon\" is no time"},
	    {"to=now+1h", "is no time"},
	    {"to=-90", "is no time"},
	    {"to=-m", "is no time"},
	    {"to=-1y", "is no time"},
	    {"to=-1h30m", "is no time"},
	    {"to=-9999999999s", "is no time"},
	};
	static const struct bad skipped = {
	    "from=2026-03-29T02:30", "the clocks skipped it"};

	(void)state;
	use_zone("UTC");
	check_bad(rows, ARRAY_LEN(rows));
	use_zone("Europe/Rome");
	check_bad(&skipped, 1);
	use_zone("UTC");
}

static void
unknown_words_are_told_the_known_ones(void **state)
{
	static const struct bad rows[] = {
	    {"tos=4", "unknown word \"tos\""},
	    {"x=4",
		"the words are src dst sport dport proto flags exporter from "
		"to"},
	    {"dprot=80", "unknown word \"dprot\": do you mean dport?"},
	    {"protocol=tcp", "unknown word \"protocol\""},
	    {"exportr=192.0.2.1", "do you mean exporter?"},
	    {"SRC=10.0.0.1", "unknown word \"SRC\""},
	    {"=80", "unknown word \"\""},
	    {"", "unknown word \"\""},
	    {"10.0.0.1", "unknown word \"10.0.0.1\""},
	    {"src", "src: want src=VALUE"},
	    {"a\nb\033=1", "unknown word \"a?b?\""},
	    {"wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"
	     "wwwwwwwwww=1",
		"wwww...\""},
	};

	(void)state;
	check_bad(rows, ARRAY_LEN(rows));
}

static void
a_word_may_come_once(void **state)
{
	static const struct {
		const char *first, *second, *want;
	} rows[] = {
	    {"dport=80", "dport=443", "dport: given twice: use a comma list"},
	    {"from=-1h", "from=-2h", "from: given twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		struct err err;

		filter_init(&f);
		assert_int_equal(
		    filter_add_word(&f, rows[i].first, NOW_MS, &err), 0);
		assert_int_equal(
		    filter_add_word(&f, rows[i].second, NOW_MS, &err),
		    ERR_USAGE);
		assert_string_equal(err.text, rows[i].want);
		filter_release(&f);
	}
}

static void
a_wrong_word_leaves_the_filter_usable(void **state)
{
	struct filter f;
	struct buf text;

	(void)state;
	filter_init(&f);
	buf_init(&text, 1000);
	assert_int_equal(
	    filter_add_word(&f, "dport=80,x", NOW_MS, NULL), ERR_USAGE);
	assert_int_equal(filter_add_word(&f, "dport=80", NOW_MS, NULL), 0);
	assert_int_equal(filter_add_word(&f, "src=10.0.0.1", NOW_MS, NULL), 0);
	print_filter(&text, &f);
	assert_string_equal(buf_str(&text), "dst_port 80, src_addr 167772161");
	buf_release(&text);
	filter_release(&f);
}

static void
lists_end_at_their_maximum(void **state)
{
	struct buf word;

	(void)state;
	buf_init(&word, 100000);
	buf_puts(&word, "dport=0");
	for (int i = 1; i < FILTER_MAX_VALUES; i++)
		buf_printf(&word, ",%d", i * 2);
	for (int n = FILTER_MAX_VALUES; n <= FILTER_MAX_VALUES + 1; n++) {
		struct filter f;
		struct err err = {""};
		int rc;

		filter_init(&f);
		rc = filter_add_word(&f, buf_str(&word), NOW_MS, &err);
		if (n == FILTER_MAX_VALUES) {
			assert_int_equal(rc, 0);
			assert_int_equal(f.ast->child[0]->n_ranges, n);
		} else {
			assert_int_equal(rc, ERR_USAGE);
			assert_string_equal(err.text,
			    "dport: 1001 values, at most 1000 are taken");
		}
		filter_release(&f);
		buf_puts(&word, ",7");
	}
	buf_release(&word);
}

static void
from_must_be_before_to(void **state)
{
	static const struct {
		const char *from, *to;
		int want;
	} rows[] = {
	    {"from=@1000", "to=@1000.001", 0},
	    {"from=@1000", "to=@1000", ERR_USAGE},
	    {"from=@1000.001", "to=@1000", ERR_USAGE},
	    {"from=now", NULL, 0},
	    {NULL, "to=@0", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		filter_init(&f);
		if (rows[i].from != NULL)
			assert_int_equal(
			    filter_add_word(&f, rows[i].from, NOW_MS, NULL), 0);
		if (rows[i].to != NULL)
			assert_int_equal(
			    filter_add_word(&f, rows[i].to, NOW_MS, NULL), 0);
		if (filter_check(&f, NULL) != rows[i].want)
			fail_msg("row %zu", i);
		filter_release(&f);
	}
}

static void
keys_are_known_by_their_whole_length(void **state)
{
	(void)state;
	assert_true(filter_knows("src", 3));
	assert_true(filter_knows("src=10.0.0.1", 3));
	assert_true(filter_knows("to", 2));
	assert_false(filter_knows("sr", 2));
	assert_false(filter_knows("srcx", 4));
	assert_false(filter_knows("group", 5));
	assert_false(filter_knows("", 0));
}

static void
ranges_that_touch_are_joined(void **state)
{
	struct ast *a = ast_new(AST_RANGES);

	(void)state;
	ast_normalize_ranges(a);
	assert_int_equal(a->n_ranges, 0);
	assert_int_equal(ast_count_values(a), 0);
	assert_false(ast_holds(a, 0));
	ast_add_range(a, 20, 30);
	ast_add_range(a, INT64_MAX - 1, INT64_MAX);
	ast_add_range(a, 5, 9);
	ast_add_range(a, 10, 10);
	ast_add_range(a, 12, 25);
	ast_add_range(a, INT64_MAX, INT64_MAX);
	ast_add_range(a, 13, 14);
	ast_normalize_ranges(a);
	assert_int_equal(a->n_ranges, 3);
	assert_int_equal(a->range[0].lo, 5);
	assert_int_equal(a->range[0].hi, 10);
	assert_int_equal(a->range[1].lo, 12);
	assert_int_equal(a->range[1].hi, 30);
	assert_int_equal(a->range[2].lo, INT64_MAX - 1);
	assert_int_equal(ast_count_values(a), 6 + 19 + 2);
	for (int64_t v = 0; v < 40; v++)
		assert_int_equal(ast_holds(a, v),
		    (v >= 5 && v <= 10) || (v >= 12 && v <= 30));
	ast_add_range(a, INT64_MIN, INT64_MAX);
	ast_normalize_ranges(a);
	assert_int_equal(a->n_ranges, 1);
	assert_true(ast_count_values(a) == UINT64_MAX);
	ast_free(a);
	ast_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_become_ranges),
	    cmocka_unit_test(masked_flags_mean_all_bytes_under_the_mask),
	    cmocka_unit_test(port_names_are_those_of_services),
	    cmocka_unit_test(times_count_from_the_epoch),
	    cmocka_unit_test(local_times_follow_the_zone),
	    cmocka_unit_test(wrong_values_are_named),
	    cmocka_unit_test(wrong_times_are_refused),
	    cmocka_unit_test(unknown_words_are_told_the_known_ones),
	    cmocka_unit_test(a_word_may_come_once),
	    cmocka_unit_test(a_wrong_word_leaves_the_filter_usable),
	    cmocka_unit_test(lists_end_at_their_maximum),
	    cmocka_unit_test(from_must_be_before_to),
	    cmocka_unit_test(keys_are_known_by_their_whole_length),
	    cmocka_unit_test(ranges_that_touch_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
