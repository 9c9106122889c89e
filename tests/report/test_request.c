/* SPDX-License-Identifier: ISC */
/* Command lines: what is taken, in any order, and what is refused how. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "query/scan.h"
#include "report/request.h"
#include "report/table.h"
#include "schema/base/attr.h"

enum { MAX_ARGS = 8 };

/* A command with one word of its own and bare words, all remembered. */
struct command {
	struct request request;
	const char *sort, *bare, *file;
	bool counted;
};

static int
set_sort(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	(void)err;
	c->sort = value;
	return 0;
}

static int
set_bare(void *arg, const char *word, struct err *err)
{
	struct command *c = arg;

	if (strcmp(word, "bad") == 0)
		return err_set(err, ERR_USAGE, "bad is refused");
	c->bare = word;
	return 0;
}

static int
set_file(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	(void)err;
	c->file = value;
	return 0;
}

static int
set_counted(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	assert_null(value);
	if (c->counted)
		return err_set(err, ERR_USAGE, "counted twice");
	c->counted = true;
	return 0;
}

static const struct request_word own_words[] = {{"sort", set_sort}};

static const struct request_option own_options[] = {
    {'i', NULL, "FILE", "read it", set_file},
    {'n', "count", NULL, "count", set_counted},
};

static const struct request_spec spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .option = own_options,
    .n_options = ARRAY_LEN(own_options),
    .bare = set_bare,
};

static const struct request_spec free_spec = {
    .word = own_words,
    .n_words = ARRAY_LEN(own_words),
    .bare = set_bare,
    .free_words = true,
};

/* args ends with NULL; the strings live as long as the test. */
static int
parse_as(const struct request_spec *with, struct command *c,
    const char *const *args, struct err *err)
{
	static char storage[MAX_ARGS + 1][80];
	static char *argv[MAX_ARGS + 2];
	int argc = 0;

	snprintf(storage[0], sizeof storage[0], "report");
	argv[argc++] = storage[0];
	for (; args[argc - 1] != NULL; argc++) {
		snprintf(
		    storage[argc], sizeof storage[argc], "%s", args[argc - 1]);
		argv[argc] = storage[argc];
	}
	argv[argc] = NULL;
	*c = (struct command){0};
	return request_parse(&c->request, with, argc, argv, c, err);
}

static int
parse(struct command *c, const char *const *args, struct err *err)
{
	return parse_as(&spec, c, args, err);
}

static void
options_and_words_mix_in_any_order(void **state)
{
	static const char *const orders[][MAX_ARGS] = {
	    {"src", "dport=80", "sort=x", "lines=5", "-fcsv", "-d", "D"},
	    {"-f", "csv", "-dD", "lines=5", "src", "sort=x", "dport=80"},
	    {"dport=80", "-f", "csv", "src", "-dD", "sort=x", "lines=5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
		struct command c;
		struct buf words;
		struct err err = {0};

		if (parse(&c, orders[i], &err) != 0)
			fail_msg("order %zu: %s", i, err.text);
		assert_string_equal(c.bare, "src");
		assert_string_equal(c.sort, "x");
		assert_string_equal(c.request.dir, "D");
		buf_init(&words, 100);
		filter_print(&c.request.filter, &words);
		assert_string_equal(buf_str(&words), "dport=80");
		buf_release(&words);
		assert_ptr_equal(c.request.format, &out_csv);
		assert_true(c.request.has_lines);
		assert_int_equal(c.request.lines, 5);
		request_release(&c.request);
	}
}

static void
a_command_has_options_of_its_own(void **state)
{
	static const char *const args[][MAX_ARGS] = {
	    {"-n", "-i", "FILE", "src"},
	    {"src", "--count", "-iFILE"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(args); i++) {
		struct command c;
		struct err err = {0};

		if (parse(&c, args[i], &err) != 0)
			fail_msg("order %zu: %s", i, err.text);
		assert_string_equal(c.file, "FILE");
		assert_true(c.counted);
		assert_string_equal(c.bare, "src");
		request_release(&c.request);
	}
}

/* A statement may hold an "=" and begin like a word of the filter. */
static void
free_words_are_bare_but_own_ones_and_lines(void **state)
{
	static const char *const args[] = {
	    "lines=5", "sort=x", "dport=80 is bare", NULL};
	static const char *const units[] = {"units=si", NULL};
	struct command c;
	struct err err = {0};

	(void)state;
	if (parse_as(&free_spec, &c, args, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(c.bare, "dport=80 is bare");
	assert_string_equal(c.sort, "x");
	assert_int_equal(c.request.lines, 5);
	assert_true(filter_is_span(&c.request.filter));
	request_release(&c.request);
	assert_int_equal(parse_as(&free_spec, &c, units, &err), 0);
	assert_string_equal(c.bare, "units=si");
	request_release(&c.request);
}

static void
defaults_are_text_from_var_to_stdout(void **state)
{
	/* Not what is configured where the test runs. */
	static const char *const none[] = {"-c", "/dev/null", NULL};
	struct command c;
	struct err err;

	(void)state;
	assert_int_equal(parse(&c, none, &err), 0);
	assert_string_equal(c.request.dir, "./var");
	assert_ptr_equal(c.request.format, &out_text);
	assert_null(c.request.output);
	assert_false(c.request.has_lines);
	assert_false(c.request.help);
	request_release(&c.request);
}

static void
help_is_found_before_anything_is_refused(void **state)
{
	static const char *const asked[][3] = {
	    {"-h"}, {"--help"}, {"bad", "-h"}, {"nosuch=1", "-h"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct command c;
		struct err err;

		assert_int_equal(parse(&c, asked[i], &err), 0);
		assert_true(c.request.help);
		request_release(&c.request);
	}
}

static void
errors_name_the_word_and_what_is_known(void **state)
{
	static const struct {
		const char *args[4];
		const char *want[3];
	} cases[] = {
	    {{"bad"}, {"bad is refused"}},
	    {{"nosuch=1"}, {"\"nosuch=1\"", "sort lines", "dport"}},
	    {{"=1"}, {"\"=1\"", "sort lines"}},
	    {{"dport=htpp"}, {"dport", "htpp"}},
	    {{"sort=a", "sort=b"}, {"sort=b", "twice"}},
	    {{"lines=1", "lines=1"}, {"lines=1", "twice"}},
	    {{"lines=-1"}, {"lines=-1", "0 means all"}},
	    {{"lines="}, {"lines=", "0 means all"}},
	    {{"lines=99999999999999999999"}, {"0 means all"}},
	    {{"-f", "xml"}, {"\"xml\"", "text csv json"}},
	    {{"-x"}, {"\"-x\"", "-d -f -o -h -i -n"}},
	    {{"-i"}, {"-i", "value"}},
	    {{"-n", "--count"}, {"counted twice"}},
	    {{"--nosuch"}, {"\"--nosuch\"", "-d -f -o -h"}},
	    {{"src", "-d"}, {"-d", "value"}},
	    {{"from=2024-03-02", "to=2024-03-01"}, {"from", "to"}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct command c;
		struct err err = {0};
		int rc = parse(&c, cases[i].args, &err);

		if (rc != ERR_USAGE)
			fail_msg("%s: %d", cases[i].args[0], rc);
		for (size_t w = 0; w < 3 && cases[i].want[w] != NULL; w++)
			if (strstr(err.text, cases[i].want[w]) == NULL)
				fail_msg("%s: \"%s\" is not in \"%s\"",
				    cases[i].args[0], cases[i].want[w],
				    err.text);
		request_release(&c.request);
	}
}

static void
span_is_asked_else_stored_else_unknown(void **state)
{
	static const struct scan_stats stored = {
	    .has_bounds = true, .min_start_ms = 1000, .max_end_ms = 2999};
	static const struct scan_stats empty = {0};
	static const char *const from[] = {"from=1970-01-01T00:00:02Z", NULL};
	static const char *const none[] = {NULL};
	static const struct {
		const char *const *args;
		const struct scan_stats *stats;
		bool has_from, has_to;
		int64_t from_ms, to_ms;
		const char *caption;
	} cases[] = {
	    {none, &empty, false, false, 0, 0, "all times\n"},
	    {none, NULL, false, false, 0, 0, "all times\n"},
	    {none, &stored, true, true, 1000, 3000,
		"from 1970-01-01 00:00:01.000 to 1970-01-01 00:00:03.000 "
		"UTC\n"},
	    {from, &stored, true, true, 2000, 3000,
		"from 1970-01-01 00:00:02.000 to 1970-01-01 00:00:03.000 "
		"UTC\n"},
	    {from, NULL, true, false, 2000, 0,
		"from 1970-01-01 00:00:02.000 UTC\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct table_head head = {0};
		struct command c;
		struct buf text;
		struct err err;

		buf_init(&text, 1000);
		assert_int_equal(parse(&c, cases[i].args, &err), 0);
		request_span(&c.request, cases[i].stats, &head);
		request_caption(&c.request, &head, &text);
		assert_int_equal(head.has_from, cases[i].has_from);
		assert_int_equal(head.has_to, cases[i].has_to);
		assert_int_equal(head.from_ms, cases[i].from_ms);
		assert_int_equal(head.to_ms, cases[i].to_ms);
		assert_string_equal(buf_str(&text), cases[i].caption);
		buf_release(&text);
		request_release(&c.request);
	}
}

static void
status_is_what_scripts_expect(void **state)
{
	static const struct err words = {.text = "a\nb"};

	(void)state;
	assert_int_equal(request_status("report", 0, &words), 0);
	assert_int_equal(request_status("report", ERR_SYSTEM, &words), 1);
	assert_int_equal(request_status("report", ERR_FULL, &words), 1);
	assert_int_equal(request_status("report", ERR_STOPPED, &words), 1);
	assert_int_equal(request_status("report", ERR_USAGE, &words), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(options_and_words_mix_in_any_order),
	    cmocka_unit_test(a_command_has_options_of_its_own),
	    cmocka_unit_test(free_words_are_bare_but_own_ones_and_lines),
	    cmocka_unit_test(defaults_are_text_from_var_to_stdout),
	    cmocka_unit_test(help_is_found_before_anything_is_refused),
	    cmocka_unit_test(errors_name_the_word_and_what_is_known),
	    cmocka_unit_test(span_is_asked_else_stored_else_unknown),
	    cmocka_unit_test(status_is_what_scripts_expect),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
