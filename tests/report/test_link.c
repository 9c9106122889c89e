/* SPDX-License-Identifier: ISC */
/* URLs of a question with one word changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report/link.h"
#include "report/sink.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"

static const struct {
	const char *base;
	enum link_change change;
	const char *key, *value, *want;
} cases[] = {
    {"?", LINK_ONLY, "src", "10.0.0.1", "?src=10.0.0.1"},
    {"/report", LINK_ONLY, "src", "10.0.0.1", "/report?src=10.0.0.1"},
    {"?keys=src&from=-1h", LINK_ONLY, "dport", "53",
	"?keys=src&amp;from=-1h&amp;dport=53"},
    /* What narrows takes the place of what was there, ... */
    {"?src=10.0.0.0/8&keys=src", LINK_ONLY, "src", "10.0.0.1",
	"?keys=src&amp;src=10.0.0.1"},
    /* ... what excludes is added to it. */
    {"?src=10.0.0.0/8&keys=src", LINK_WITHOUT, "src", "10.0.0.1",
	"?keys=src&amp;src=10.0.0.0/8,-10.0.0.1"},
    {"?keys=src", LINK_WITHOUT, "src", "10.0.0.1",
	"?keys=src&amp;src=-10.0.0.1"},
    {"?src=&keys=src", LINK_WITHOUT, "src", "10.0.0.1",
	"?keys=src&amp;src=-10.0.0.1"},
    /* Keys that begin or end alike are others. */
    {"?src_as=1&list.src=2", LINK_ONLY, "src", "10.0.0.1",
	"?src_as=1&amp;list.src=2&amp;src=10.0.0.1"},
    {"?where=a%26b", LINK_ONLY, "flags", "S/SA &\"<",
	"?where=a%26b&amp;flags=S/SA%20%26%22%3C"},
    {"/x\"><script>?a=<b>", LINK_ONLY, "tos", "0",
	"/x%22%3E%3Cscript%3E?a=%3Cb%3E&amp;tos=0"},
};

static void
one_word_is_changed(void **state)
{
	static char got[SINK_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sink *s = xcalloc(1, sizeof *s);

		link_put(s, cases[i].base, cases[i].change, cases[i].key,
		    cases[i].value, strlen(cases[i].value));
		memcpy(got, s->data, s->len);
		got[s->len] = '\0';
		free(s);
		if (strcmp(got, cases[i].want) != 0)
			print_error("row %zu: base %s\n", i, cases[i].base);
		assert_string_equal(got, cases[i].want);
	}
}

static void
words_without_a_value_are_none(void **state)
{
	(void)state;
	assert_true(link_has("/report?keys=src&src=10.0.0.0/8", "src"));
	assert_false(link_has("/report?keys=src&src=", "src"));
	assert_false(link_has("/report?keys=src&list.src=1&src_as=1", "src"));
	assert_false(link_has("/src=1", "src"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_word_is_changed),
	    cmocka_unit_test(words_without_a_value_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
