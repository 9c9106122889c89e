/* SPDX-License-Identifier: ISC */
/* Names that filters take from a store: groups, saved filters, and exporters
 * and interfaces of its configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "query/ast.h"
#include "query/filter.h"
#include "query/saved.h"
#include "query/store_names.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/state.h"
#include "tests/temp.h"

static int
make_folder(void **state)
{
	*state = temp_new();
	return 0;
}

static int
remove_folder(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct state *
open_state(const char *dir)
{
	struct state *s;
	struct err err;

	if (state_open_write(&s, dir, &err) != 0)
		fail_msg("%s", err.text);
	return s;
}

static void
put(struct state *s, enum saved_kind kind, const char *name, const char *text)
{
	const struct saved one = {
	    .name = xstrdup(name), .text = xstrdup(text), .changed_ms = 5};
	struct saved gone = one;
	struct err err;

	if (saved_put(s, kind, &one, &err) != 0)
		fail_msg("%s", err.text);
	saved_release(&gone);
}

/* ---- state.db ---- */

static void
what_is_saved_is_found_again(void **state)
{
	struct state *s = open_state(*state);
	struct saved found = {0};
	struct saved_list list;

	assert_int_equal(saved_get(s, SAVED_GROUP, "web", &found, NULL), 0);
	put(s, SAVED_GROUP, "web", "80,443");
	put(s, SAVED_GROUP, "mail", "25");
	put(s, SAVED_FILTER, "web", "dport=@web last=1h");
	state_close(s);

	s = open_state(*state);
	assert_int_equal(saved_get(s, SAVED_GROUP, "WEB", &found, NULL), 1);
	assert_string_equal(found.name, "web");
	assert_string_equal(found.text, "80,443");
	assert_string_equal(found.comment, "");
	assert_int_equal(found.changed_ms, 5);
	saved_release(&found);
	assert_int_equal(saved_get(s, SAVED_FILTER, "web", &found, NULL), 1);
	assert_string_equal(found.text, "dport=@web last=1h");
	saved_release(&found);
	assert_int_equal(saved_get_all(s, SAVED_GROUP, &list, NULL), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.saved[0].name, "mail");
	assert_string_equal(list.saved[1].name, "web");
	saved_list_release(&list);

	/* in its place, in the new spelling of its name */
	put(s, SAVED_GROUP, "Web", "8080");
	assert_int_equal(saved_get(s, SAVED_GROUP, "web", &found, NULL), 1);
	assert_string_equal(found.name, "Web");
	assert_string_equal(found.text, "8080");
	saved_release(&found);
	assert_int_equal(saved_remove(s, SAVED_GROUP, "WEB", NULL), 1);
	assert_int_equal(saved_remove(s, SAVED_GROUP, "web", NULL), 0);
	assert_int_equal(saved_get(s, SAVED_FILTER, "web", &found, NULL), 1);
	saved_release(&found);
	state_close(s);
}

static void
names_are_plain_words(void **state)
{
	static const struct {
		const char *name;
		bool good;
	} rows[] = {
	    {"web", true},
	    {"W", true},
	    {"dmz-1_a.b", true},
	    {"", false},
	    {"1st", false},
	    {"-x", false},
	    {"a b", false},
	    {"a,b", false},
	    {"a@b", false},
	    {"a'b", false},
	    {"a\n", false},
	    {"\xc3\xa4", false},
	};
	char longest[SAVED_NAME_LEN + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (saved_is_name(rows[i].name) != rows[i].good)
			fail_msg("\"%s\"", rows[i].name);
	memset(longest, 'x', sizeof longest);
	longest[SAVED_NAME_LEN + 1] = '\0';
	assert_false(saved_is_name(longest));
	longest[SAVED_NAME_LEN] = '\0';
	assert_true(saved_is_name(longest));
}

static void
users_of_a_group_are_known_by_its_whole_name(void **state)
{
	static const struct {
		const char *text;
		bool uses;
	} rows[] = {
	    {"@web", true},
	    {"80,-@Web,443", true},
	    {"src=10.0.0.1 where='dport=@web or sport=@mail'", true},
	    {"", false},
	    {"web", false},
	    {"@web2,@web-2,@web.2,@web_2", false},
	    {"@we", false},
	    {"@web2,@web", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (saved_uses_group(rows[i].text, "web") != rows[i].uses)
			fail_msg("%s", rows[i].text);
}

/* ---- filters ---- */

static void
check_canonical(
    const struct store_names *names, const char *words, const char *want)
{
	struct filter f;
	struct buf got;
	struct err err;

	filter_init(&f);
	f.names = store_names(names);
	buf_init(&got, 10000);
	if (filter_add_line(&f, words, 0, &err) != 0)
		fail_msg("%s: %s", words, err.text);
	filter_print(&f, &got);
	assert_string_equal(buf_str(&got), want);
	buf_release(&got);
	filter_release(&f);
}

static void
check_error(
    const struct store_names *names, const char *words, const char *want)
{
	struct filter f;
	struct err err = {0};

	filter_init(&f);
	f.names = store_names(names);
	assert_true(filter_add_line(&f, words, 0, &err) < 0);
	assert_string_equal(err.text, want);
	filter_release(&f);
}

static void
filters_use_what_is_saved(void **state)
{
	struct state *s = open_state(*state);
	struct store_names *names = store_names_new(*state, NULL, NULL);

	put(s, SAVED_GROUP, "web", "80,443");
	put(s, SAVED_GROUP, "public", "@web,25");
	put(s, SAVED_FILTER, "out", "src=10.0.0.0/8 dport=@public last=1h");
	state_close(s);
	check_canonical(names, "dport=@WEB", "dport=@WEB");
	check_canonical(names, "@out", "src=10.0.0.0/8 dport=@public last=1h");
	check_canonical(
	    names, "@Out last=7d dport=1", "src=10.0.0.0/8 dport=1 last=7d");
	check_error(names, "dport=@wbe",
	    "dport=@wbe: unknown group \"wbe\": do you mean web?");
	check_error(names, "@xyz",
	    "unknown filter \"xyz\": weir filter list shows those that are "
	    "saved");
	check_error(
	    names, "@outt", "unknown filter \"outt\": do you mean out?");
	check_error(names, "in_if=uplink",
	    "in_if=uplink: unknown interface \"uplink\": want 0-65535, a "
	    "range of them or a name that the configuration has");
	store_names_free(names);
}

static void
a_store_without_state_has_no_names(void **state)
{
	struct store_names *names = store_names_new(*state, NULL, NULL);

	check_error(names, "dport=@web", "dport=@web: unknown group \"web\"");
	check_error(names, "@web",
	    "unknown filter \"web\": weir filter list shows those that are "
	    "saved");
	check_canonical(names, "dport=80", "dport=80");
	store_names_free(names);
}

static void
a_damaged_state_is_named(void **state)
{
	char *path = xasprintf("%s/state.db", (char *)*state);
	struct store_names *names = store_names_new(*state, NULL, NULL);
	FILE *f = fopen(path, "w");
	struct filter filter;
	struct err err = {0};

	assert_non_null(f);
	for (int i = 0; i < 5000; i++)
		fputs("no database", f);
	fclose(f);
	filter_init(&filter);
	filter.names = store_names(names);
	assert_int_equal(
	    filter_add_word(&filter, "dport=@web", 0, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, path));
	/* words that need no names go on */
	assert_int_equal(filter_add_word(&filter, "dport=80", 0, &err), 0);
	filter_release(&filter);
	store_names_free(names);
	free(path);
}

/* ---- the configuration ---- */

static const char conf_text[] =
    "exporter core { address = { 192.0.2.0/24, 2001:db8::1 }\n"
    "  interface 1 { name = uplink }\n"
    "  interface 2 { name = lan } }\n"
    "exporter edge { address = 192.0.2.9\n"
    "  interface 7 { name = uplink } }\n"
    "exporter far { address = 198.51.100.1\n"
    "  interface 1 { name = dsl } }\n";

static struct conf *
open_conf(const char *dir)
{
	char *path = xasprintf("%s/weir.conf", dir);
	const struct conf_options o = {.file = path};
	FILE *f = fopen(path, "w");
	struct conf *c;
	struct err err;

	assert_non_null(f);
	fputs(conf_text, f);
	fclose(f);
	if (conf_open(&c, &o, &err) != 0)
		fail_msg("%s", err.text);
	free(path);
	return c;
}

static bool
tree_passes(const struct ast *a, const char *exporter, int64_t in_if)
{
	struct addr addr;
	size_t n = 0;

	switch (a->kind) {
	case AST_RANGES:
		assert_int_equal(a->column, COL_INPUT_IF);
		return ast_holds(a, in_if);
	case AST_EXPORTERS:
		assert_true(addr_parse(exporter, &addr));
		return ast_holds_exporter(a, &addr);
	default:
		for (size_t i = 0; i < a->n_children; i++)
			n += tree_passes(a->child[i], exporter, in_if);
		return a->kind == AST_AND  ? n == a->n_children
		       : a->kind == AST_OR ? n > 0
					   : n == 0;
	}
}

static void
names_of_the_configuration_are_of_their_exporters(void **state)
{
	/* core, core again, edge (within core's prefix), far, nobody */
	static const char *const exporters[] = {"192.0.2.1", "2001:db8::1",
	    "192.0.2.9", "198.51.100.1", "203.0.113.1"};
	static const struct {
		const char *word;
		const char *passes[5]; /* by exporter: interfaces of 0-9 */
	} rows[] = {
	    {"in_if=uplink", {"1", "1", "7", "", ""}},
	    {"in_if=lan", {"2", "2", "", "", ""}},
	    {"in_if=uplink,dsl", {"1", "1", "7", "1", ""}},
	    {"in_if=uplink,9", {"19", "19", "79", "9", "9"}},
	    {"in_if=0-9,-uplink", {"023456789", "023456789", "012345689",
				      "0123456789", "0123456789"}},
	    {"in_if=-uplink,-0-5", {"6789", "6789", "689", "6789", "6789"}},
	    {"exporter=core", {"0123456789", "0123456789", "", "", ""}},
	    {"exporter=edge", {"", "", "0123456789", "", ""}},
	    {"exporter=core,edge",
		{"0123456789", "0123456789", "0123456789", "", ""}},
	    {"exporter=-core",
		{"", "", "0123456789", "0123456789", "0123456789"}},
	    {"exporter=-edge",
		{"0123456789", "0123456789", "", "0123456789", "0123456789"}},
	};
	struct conf *conf = open_conf(*state);
	struct store_names *names = store_names_new(*state, conf, NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct filter f;
		struct err err;

		filter_init(&f);
		f.names = store_names(names);
		if (filter_add_word(&f, rows[i].word, 0, &err) != 0)
			fail_msg("%s: %s", rows[i].word, err.text);
		for (size_t e = 0; e < ARRAY_LEN(exporters); e++)
			for (int n = 0; n < 10; n++)
				if (tree_passes(f.ast, exporters[e], n) !=
				    (strchr(rows[i].passes[e], '0' + n) !=
					NULL))
					fail_msg("%s: %s, interface %d",
					    rows[i].word, exporters[e], n);
		filter_release(&f);
	}
	check_error(names, "in_if=uplnk",
	    "in_if=uplnk: unknown interface \"uplnk\": do you mean uplink?");
	store_names_free(names);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		what_is_saved_is_found_again, make_folder, remove_folder),
	    cmocka_unit_test(names_are_plain_words),
	    cmocka_unit_test(users_of_a_group_are_known_by_its_whole_name),
	    cmocka_unit_test_setup_teardown(
		filters_use_what_is_saved, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(
		a_store_without_state_has_no_names, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(
		a_damaged_state_is_named, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(
		names_of_the_configuration_are_of_their_exporters, make_folder,
		remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
