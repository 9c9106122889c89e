/* SPDX-License-Identifier: ISC */
/*
 * Filter words: what their values stand for, and the times they name. How each
 * is printed and refused is in filter_cases.txt.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <inttypes.h>
#include <netdb.h>
#include <time.h>

#include "query/ast.h"
#include "query/filter.h"
#include "query/list.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "tests/query/names.h"

/* 2024-03-01 12:10:56.250 UTC */
static const int64_t NOW_MS = INT64_C(1709295056250);

static void
use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

/* The words of a line; must be right. */
static void
read_filter(struct filter *f, const char *words)
{
	struct err err;

	filter_init(f);
	f->names = &test_names;
	if (filter_add_line(f, words, NOW_MS, &err) != 0 ||
	    filter_check(f, &err) != 0)
		fail_msg("%s: %s", words, err.text);
}

/* One condition as text: "dst_port 80 443-445". */
static void
print_node(struct buf *out, const struct ast *a)
{
	buf_puts(out, flow_columns[a->column].name);
	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct ast_range *r = &a->range[i];

		buf_printf(out, " %" PRId64, r->lo);
		if (r->hi != r->lo)
			buf_printf(out, "-%" PRId64, r->hi);
	}
}

static void
check_ranges(const char *word, const char *want)
{
	struct filter f;
	struct buf got;

	read_filter(&f, word);
	buf_init(&got, 100000);
	assert_int_equal(f.ast->n_children, 1);
	print_node(&got, f.ast->child[0]);
	if (strcmp(buf_str(&got), want) != 0)
		fail_msg("%s: \"%s\", want \"%s\"", word, buf_str(&got), want);
	buf_release(&got);
	filter_release(&f);
}

static void
words_become_ranges(void **state)
{
	static const struct {
		const char *word, *want;
	} rows[] = {
	    {"src=10.0.0.1", "src_addr 167772161"},
	    {"dst=10.9.8.7/8", "dst_addr 167772160-184549375"},
	    {"src=0.0.0.0/0", "src_addr 0-4294967295"},
	    {"src=255.255.255.255", "src_addr 4294967295"},
	    {"src=10.0.0.2,10.0.0.1", "src_addr 167772161-167772162"},
	    {"src=10.0.0.1,10.0.0.0/24", "src_addr 167772160-167772415"},
	    {"src=10.0.0.250-10.0.1.3", "src_addr 167772410-167772419"},
	    {"src=10.0.0-1.7", "src_addr 167772167 167772423"},
	    {"src=0-1.x.x.x", "src_addr 0-33554431"},
	    {"src=254-255.*.*.*", "src_addr 4261412864-4294967295"},
	    {"src=www.example.com", "src_addr 167772240-167772241"},
	    {"dport=443,80,443", "dst_port 80 443"},
	    {"dport=80,81,82", "dst_port 80-82"},
	    {"dport=6000-6010,6005-6020", "dst_port 6000-6020"},
	    {"dport=1-10,-3-5,4", "dst_port 1-2 4 6-10"},
	    {"dport=-0-,80", "dst_port 80"},
	    {"sport=65535,0", "src_port 0 65535"},
	    {"proto=ipv6,255,0", "protocol 0 41 255"},
	    {"proto=icmp,igmp", "protocol 1-2"},
	    {"flags=27", "tcp_flags 27"},
	    {"flags=0/CEUA", "tcp_flags 0-15"},
	    {"flags=2/CEUAPRS", "tcp_flags 2-3"},
	    {"tos=0xb8/0xfc", "tos 184-187"},
	    {"octets=1.5k,2Ki", "octets 1500 2048"},
	    {"packets=0-9", "packets 0-9"},
	    {"duration=1s,1500ms", "duration_ms 1000 1500"},
	    {"quirks=none", "quirks 0"},
	    {"in_if=-1-", "input_if 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_ranges(rows[i].word, rows[i].want);
}

/* The examples of FlowViewer's users: which of these addresses pass. */
static void
the_longest_prefix_counts_in_any_order(void **state)
{
	static const char *const addresses[] = {
	    "10.0.0.2", "10.0.0.3", "10.0.1.2", "10.1.2.3", "11.0.0.1"};
	static const struct {
		const char *word;
		const char *passes; /* a digit for each of them */
	} rows[] = {
	    {"src=-10.0.0.0/24,10.0.0.2", "10000"},
	    {"src=10.0.0.2,-10.0.0.0/24", "10000"},
	    {"src=10.0.0.0/8,-10.1.0.0/16", "11100"},
	    {"src=-10.1.0.0/16,10.0.0.0/8", "11100"},
	    {"src=-10.1.0.0/16", "11101"},
	    {"src=-10.0.0.0/8,10.1.0.0/16", "00010"},
	    {"src=-10.0.0.0/8,10.1.0.0/16,-10.1.2.3", "00000"},
	    {"src=0.0.0.0/0,-10.0.0.0/8,10.0.0.0/16,-10.0.0.0/24,10.0.0.3",
		"01101"},
	    /* the same prefix twice: the first stays */
	    {"src=10.0.0.2,-10.0.0.2", "10000"},
	    {"src=-10.0.0.2,10.0.0.2", "00000"},
	    {"src=10.0.0.0/8,-10.0.0.0/8,11.0.0.1", "11111"},
	    /* ranges and wildcards: the one of fewer addresses */
	    {"src=10.0.0.0/24,-10.0.0.0-10.0.1.255", "11000"},
	    {"src=10.0.0.0-10.0.1.255,-10.0.0.0/24", "00100"},
	    {"src=10.0.0.0/8,-10.0.0-1.2", "01010"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		read_filter(&f, rows[i].word);
		for (size_t k = 0; k < ARRAY_LEN(addresses); k++) {
			struct prefix p;
			uint32_t lo, hi;

			assert_true(prefix_parse(addresses[k], &p));
			prefix_ip4_range(&p, &lo, &hi);
			if (ast_holds(f.ast->child[0], lo) !=
			    (rows[i].passes[k] == '1'))
				fail_msg("%s: %s", rows[i].word, addresses[k]);
		}
		filter_release(&f);
	}
}

/* ---- TCP flags ---- */

enum { F = 1, S = 2, R = 4, P = 8, A = 16, U = 32, E = 64, C = 128 };

/* The table of weir-filter(7). */
static const struct {
	const char *word;
	unsigned must, must_not;
} flag_words[] = {
    {"syn-only", S, A | F | R | P | U},
    {"half-open", S | A, F | R | P | U},
    {"complete", S | A | F, R},
    {"refused", R, S | F | P | U},
    {"all:SA", S | A, 0},
    {"all:s", S, 0},
    {"none:ARF", 0, A | R | F},
    {"S/SA", S, A},
    {"SA/SAFR", S | A, F | R},
    {"2/18", S, A},
    {"0x02/0x12", S, A},
    {"......S./...A..S.", S, A},
    {"0/SA", 0, S | A},
    {"SAPF", S | A | P | F, R | U | E | C},
    {"fpas", S | A | P | F, R | U | E | C},
    {"27", S | A | P | F, R | U | E | C},
    {"0x1B", S | A | P | F, R | U | E | C},
    {"0", 0, 255},
    {"255", 255, 0},
    {"0/0", 0, 0},
};

static void
check_flags(const char *value, const bool want[256])
{
	char *word = xasprintf("flags=%s", value);
	struct filter f;

	read_filter(&f, word);
	for (int64_t v = 0; v < 256; v++)
		if (ast_holds(f.ast->child[0], v) != want[v])
			fail_msg("%s: %d", word, (int)v);
	assert_int_equal(f.ast->child[0]->column, COL_TCP_FLAGS);
	filter_release(&f);
	free(word);
}

static void
words_for_flags_mean_what_their_table_says(void **state)
{
	bool want[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(flag_words); i++) {
		for (unsigned v = 0; v < 256; v++)
			want[v] =
			    (v & flag_words[i].must) == flag_words[i].must &&
			    (v & flag_words[i].must_not) == 0;
		check_flags(flag_words[i].word, want);
	}
	for (unsigned v = 0; v < 256; v++)
		want[v] = (v & F) != 0 || (v & R) != 0;
	check_flags("any:FR", want);
	for (unsigned v = 0; v < 256; v++)
		want[v] = v == 2 || (v >= 64 && v != 66);
	check_flags("S,64-255,-66", want);
}

static void
every_flags_byte_can_be_named_by_number_and_letters(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		bool want[256] = {false};
		char text[FLAGS_TEXT_LEN];

		want[v] = true;
		flags_format((uint8_t)v, text);
		check_flags(text, want);
		snprintf(text, sizeof text, "%u", v);
		check_flags(text, want);
		snprintf(text, sizeof text, "0x%02x", v);
		check_flags(text, want);
	}
}

/* The four states of a session exclude each other. */
static void
states_of_a_session_do_not_overlap(void **state)
{
	static const char *const words[] = {"flags=syn-only", "flags=half-open",
	    "flags=complete", "flags=refused"};
	int n[256] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct filter f;

		read_filter(&f, words[i]);
		for (int64_t v = 0; v < 256; v++)
			n[v] += ast_holds(f.ast->child[0], v);
		filter_release(&f);
	}
	for (int v = 0; v < 256; v++)
		assert_in_range(n[v], 0, 1);
}

/* ---- names of the system ---- */

static void
port_names_are_those_of_services(void **state)
{
	struct servent *known = getservbyname("domain", NULL);

	(void)state;
	assert_non_null(known);
	assert_int_equal(ntohs((uint16_t)known->s_port), 53);
	check_ranges("sport=80,domain,https", "src_port 53 80 443");
	/* "-" is also part of names */
	check_ranges("sport=http-alt", "src_port 8080");
	check_ranges("dport=domain-http", "dst_port 53-80");
	check_ranges("dport=ftp-data-telnet", "dst_port 20-23");
}

static void
hosts_are_looked_up(void **state)
{
	struct filter f;
	struct err err;

	(void)state;
	filter_init(&f); /* with the system's names */
	if (filter_add_word(&f, "src=localhost", NOW_MS, &err) != 0)
		fail_msg("%s", err.text);
	assert_true(ast_holds(f.ast->child[0], 0x7f000001));
	assert_int_equal(ast_count_values(f.ast->child[0]), 1);
	/* a name that can never be (RFC 6761) */
	assert_true(filter_add_word(&f, "dst=a.invalid", NOW_MS, &err) < 0);
	assert_non_null(strstr(err.text, "host \"a.invalid\""));
	filter_release(&f);
}

/* ---- time ---- */

struct good {
	const char *word;
	int64_t want_ms; /* of whichever of from and to is there */
};

static void
check_times(const struct good *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct filter f;
		int64_t got;

		read_filter(&f, rows[i].word);
		assert_true(f.has_from != f.has_to);
		got = f.has_from ? f.from_ms : f.to_ms;
		if (got != rows[i].want_ms)
			fail_msg("%s: %" PRId64 ", want %" PRId64, rows[i].word,
			    got, rows[i].want_ms);
		filter_release(&f);
	}
}

static void
times_count_from_the_epoch(void **state)
{
	static const struct good rows[] = {
	    {"from=2024-03-01", 1709251200000},
	    {"from=1970-01-01", 0},
	    {"to=9999-12-31T23:59:59.999", 253402300799999},
	    {"from=2024-03-01T12:10", 1709295000000},
	    {"from='2024-03-01 12:10'", 1709295000000},
	    {"to=2024-03-01T12:10:56", 1709295056000},
	    {"to=2024-03-01T12:10:56.027", 1709295056027},
	    {"to=2024-03-01T12:10:56.5", 1709295056500},
	    {"to=2024-03-01T12:10Z", 1709295000000},
	    {"to=2024-03-01T13:10+01:00", 1709295000000},
	    {"to=2024-03-01T06:40-05:30", 1709295000000},
	    {"to=2024-03-01T00:10+12:00", 1709208600000},
	    {"from=2024-02-29", 1709164800000},
	    {"from=01.03.2024", 1709251200000},
	    {"from='1.3.2024 12:10:00'", 1709295000000},
	    {"from=29/02/2024", 1709164800000},
	    {"from=02/29/2024", 1709164800000},
	    {"from='03/01/2024 12:10' dates=mdy", 1709295000000},
	    {"dates=dmy from='01/03/2024 12:10'", 1709295000000},
	    {"from=12:10", 1709295000000},
	    {"from=today", 1709251200000},
	    {"from=yesterday", 1709164800000},
	    {"from='yesterday 12:10:56.5'", 1709208656500},
	    {"to=tomorrowT00:00:01", 1709337601000},
	    {"from=@1709295056", 1709295056000},
	    {"from=@1709295056.027", 1709295056027},
	    {"from=@0", 0},
	    {"from=1709295056", 1709295056000},
	    {"from=999999999.5", 999999999500},
	    {"to=now", 1709295056250},
	    {"from=-90m", 1709289656250},
	    {"from=now-90m", 1709289656250},
	    {"from=-10s", 1709295046250},
	    {"from=-2h", 1709287856250},
	    {"from=-1d", 1709208656250},
	    {"from=now-2w", 1708085456250},
	    {"from=-0s", 1709295056250},
	};

	(void)state;
	use_zone("UTC");
	check_times(rows, ARRAY_LEN(rows));
}

/*
 * Clocks of Europe went to summer time on 2026-03-29 at 01:00 UTC (02:00 to
 * 03:00) and back on 2026-10-25 (03:00 to 02:00).
 */
static const struct good european[] = {
    {"from=2026-03-29T01:59:59.999", 1774745999999},
    {"from=2026-03-29T03:00", 1774746000000},
    {"from=2026-03-29", 1774738800000},
    {"from=2026-03-30", 1774821600000},
    {"from=2026-03-29T02:30+01:00", 1774747800000},
    /* skipped: the change */
    {"from=2026-03-29T02:00", 1774746000000},
    {"from=2026-03-29T02:30", 1774746000000},
    {"to=2026-03-29T02:59:59", 1774746000000},
    /* twice: the first */
    {"from=2026-10-25", 1792879200000},
    {"from=2026-10-25T01:59:59", 1792886399000},
    {"from=2026-10-25T02:00", 1792886400000},
    {"from=2026-10-25T02:30", 1792888200000},
    {"to=2026-10-25T02:59:59.999", 1792889999999},
    {"from=2026-10-25T02:30+01:00", 1792891800000},
    {"from=2026-10-25T03:00", 1792893600000},
    {"from=2026-10-26", 1792969200000},
    {"from=2026-07-01T12:00Z", 1782907200000},
    {"from=2026-07-01T12:00", 1782900000000},
    {"from=2026-01-01T12:00", 1767265200000},
};

static void
local_times_follow_the_zone(void **state)
{
	(void)state;
	use_zone("Europe/Rome");
	check_times(european, ARRAY_LEN(european));
	use_zone("UTC");
}

/* tz= in front of a word or behind it, whatever the process's zone. */
static void
a_filter_can_have_a_zone_of_its_own(void **state)
{
	static const char *const own[] = {"UTC", "America/New_York"};

	(void)state;
	for (size_t z = 0; z < ARRAY_LEN(own); z++) {
		use_zone(own[z]);
		for (size_t i = 0; i < ARRAY_LEN(european); i++) {
			char *words[] = {
			    xasprintf("tz=Europe/Berlin %s", european[i].word),
			    xasprintf("%s tz=Europe/Berlin", european[i].word),
			};

			for (size_t k = 0; k < ARRAY_LEN(words); k++) {
				const struct good row = {
				    words[k], european[i].want_ms};

				check_times(&row, 1);
				free(words[k]);
			}
		}
		assert_string_equal(clock_get_zone(), "");
	}
	use_zone("UTC");
}

/* Where midnight is skipped, or the day has another name than in UTC. */
static void
days_begin_when_their_zone_says(void **state)
{
	static const struct good rows[] = {
	    /* 2018-11-04 began at 01:00 in Sao Paulo */
	    {"from=2018-11-04 tz=America/Sao_Paulo", 1541300400000},
	    {"from=2018-11-03 tz=America/Sao_Paulo", 1541214000000},
	    /* now is 2024-03-02 02:10 in Kiritimati, 01:10 on 03-01 at
	     * Pago Pago */
	    {"from=today tz=Pacific/Kiritimati", 1709287200000},
	    {"from=yesterday tz=Pacific/Kiritimati", 1709200800000},
	    {"from=today tz=Pacific/Pago_Pago", 1709290800000},
	    {"from=01:10 tz=Pacific/Pago_Pago", 1709295000000},
	    /* a quarter of an hour is an offset too */
	    {"from=2024-03-01T17:55 tz=Asia/Kathmandu", 1709295000000},
	    /* Apia had no 2011-12-30 at all */
	    {"from=2011-12-30 tz=Pacific/Apia", 1325239200000},
	    {"from=2011-12-31 tz=Pacific/Apia", 1325239200000},
	};

	(void)state;
	check_times(rows, ARRAY_LEN(rows));
}

static void
last_is_a_span_up_to_now(void **state)
{
	static const struct {
		const char *word;
		int64_t ms;
	} rows[] = {{"last=1s", 1000}, {"last=90m", 5400000},
	    {"last=12h", 43200000}, {"last=7d", 604800000},
	    {"last=1w", 604800000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		read_filter(&f, rows[i].word);
		assert_true(f.has_from && f.has_to);
		assert_int_equal(f.to_ms, NOW_MS);
		assert_int_equal(f.from_ms, NOW_MS - rows[i].ms);
		filter_release(&f);
	}
}

static void
from_must_be_before_to(void **state)
{
	static const struct {
		const char *words;
		int want;
	} rows[] = {
	    {"from=@1000 to=@1000.001", 0},
	    {"from=@1000 to=@1000", ERR_USAGE},
	    {"from=@1000.001 to=@1000", ERR_USAGE},
	    {"from=now", 0},
	    {"to=@0", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		filter_init(&f);
		assert_int_equal(
		    filter_add_line(&f, rows[i].words, NOW_MS, NULL), 0);
		if (filter_check(&f, NULL) != rows[i].want)
			fail_msg("%s", rows[i].words);
		filter_release(&f);
	}
}

/* ---- words ---- */

static void
a_wrong_word_leaves_the_filter_usable(void **state)
{
	static const char *const wrong[] = {"dport=80,x", "from=x", "last=x",
	    "include=x", "tz=x", "dates=x", "x=x", "@x"};
	struct filter f;
	struct buf text;

	(void)state;
	filter_init(&f);
	f.names = &test_names;
	buf_init(&text, 1000);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(
		    filter_add_word(&f, wrong[i], NOW_MS, NULL), ERR_USAGE);
	assert_int_equal(filter_add_word(&f, "dport=80", NOW_MS, NULL), 0);
	assert_int_equal(filter_add_word(&f, "src=10.0.0.1", NOW_MS, NULL), 0);
	assert_int_equal(filter_add_word(&f, "from=@5", NOW_MS, NULL), 0);
	assert_int_equal(filter_check(&f, NULL), 0);
	filter_print(&f, &text);
	assert_string_equal(buf_str(&text), "src=10.0.0.1 dport=80 from=@5");
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
	for (int i = 1; i < LIST_MAX_VALUES; i++)
		buf_printf(&word, ",%d", i * 2);
	for (int n = LIST_MAX_VALUES; n <= LIST_MAX_VALUES + 1; n++) {
		struct filter f;
		struct err err = {0};
		int rc;

		filter_init(&f);
		rc = filter_add_word(&f, buf_str(&word), NOW_MS, &err);
		if (n == LIST_MAX_VALUES) {
			assert_int_equal(rc, 0);
			assert_int_equal(f.ast->child[0]->n_ranges, n);
		} else {
			assert_int_equal(rc, ERR_USAGE);
			assert_string_equal(err.text,
			    "dport: more than 1000 values (position 4446): a "
			    "named group may have more");
		}
		filter_release(&f);
		buf_puts(&word, ",7");
	}
	buf_release(&word);
}

/* Of a word longer than a terminal, the part around the mistake is shown. */
static void
mistakes_are_pointed_at_in_long_words(void **state)
{
	struct filter f;
	struct buf word;
	struct err err;

	(void)state;
	filter_init(&f);
	buf_init(&word, 100000);
	buf_puts(&word, "dport=1");
	for (int i = 0; i < 200; i++)
		buf_puts(&word, ",22");
	buf_puts(&word, ",htpp");
	for (int i = 0; i < 200; i++)
		buf_puts(&word, ",33");
	assert_int_equal(
	    filter_add_word(&f, buf_str(&word), NOW_MS, &err), ERR_USAGE);
	assert_string_equal(err.text, "dport: unknown service \"htpp\" "
				      "(position 603): do you mean http?");
	assert_true(strlen(err.typed) < sizeof err.typed);
	assert_memory_equal(err.typed + err.column, "htpp,33", 7);
	assert_memory_equal(err.typed + err.column - 4, ",22,", 4);
	buf_release(&word);
	filter_release(&f);
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
a_span_is_words_of_time_alone(void **state)
{
	static const struct {
		const char *words;
		bool want;
	} rows[] = {{"", true}, {"from=-1h to=now", true},
	    {"last=1h tz=UTC include=start", true}, {"src=10.0.0.1", false},
	    {"last=1h quirks=any", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;

		read_filter(&f, rows[i].words);
		if (filter_is_span(&f) != rows[i].want)
			fail_msg("%s", rows[i].words);
		filter_release(&f);
	}
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
	    cmocka_unit_test(the_longest_prefix_counts_in_any_order),
	    cmocka_unit_test(words_for_flags_mean_what_their_table_says),
	    cmocka_unit_test(
		every_flags_byte_can_be_named_by_number_and_letters),
	    cmocka_unit_test(states_of_a_session_do_not_overlap),
	    cmocka_unit_test(port_names_are_those_of_services),
	    cmocka_unit_test(hosts_are_looked_up),
	    cmocka_unit_test(times_count_from_the_epoch),
	    cmocka_unit_test(local_times_follow_the_zone),
	    cmocka_unit_test(a_filter_can_have_a_zone_of_its_own),
	    cmocka_unit_test(days_begin_when_their_zone_says),
	    cmocka_unit_test(last_is_a_span_up_to_now),
	    cmocka_unit_test(from_must_be_before_to),
	    cmocka_unit_test(a_wrong_word_leaves_the_filter_usable),
	    cmocka_unit_test(lists_end_at_their_maximum),
	    cmocka_unit_test(mistakes_are_pointed_at_in_long_words),
	    cmocka_unit_test(keys_are_known_by_their_whole_length),
	    cmocka_unit_test(a_span_is_words_of_time_alone),
	    cmocka_unit_test(ranges_that_touch_are_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
