/* SPDX-License-Identifier: ISC */
/*
 * The cases of filter_cases.txt: what each line of filter words is printed as,
 * the SQL and parameters it becomes, or the error it gets. GOLDEN=write writes
 * the file anew with what the program says; review the difference like code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <inttypes.h>

#include "query/ast.h"
#include "query/compile.h"
#include "query/names.h"
#include "schema/base/buf.h"
#include "tests/query/fixture.h"
#include "tests/query/names.h"

static const char cases_path[] = "tests/query/filter_cases.txt";

enum { CASES_MAX_LEN = 1 << 20 };

/* Of times within the flows below, so that no condition is left out. */
static const struct segment segment = {
    .id = 1,
    .n_flows = 1000,
    .min_start_ms = 0,
    .max_start_ms = INT64_C(9000000000000),
    .min_end_ms = 0,
    .max_end_ms = INT64_C(9000000000000),
    .max_duration_ms = 600000,
    .layout = 1, /* the first, which stays as it is and packs no columns */
};

/* Long texts would hide the others. */
enum { SQL_SHOWN = 320, BINDS_SHOWN = 12 };

static void
print_where(const char *where, struct buf *out)
{
	const char *end = strstr(where, " ORDER BY");
	size_t len = end != NULL ? (size_t)(end - where) : strlen(where);

	if (len <= SQL_SHOWN)
		buf_printf(out, "sql: %.*s\n", (int)len, where);
	else
		buf_printf(out, "sql: %.*s ... %zu bytes\n", SQL_SHOWN / 4,
		    where, len);
}

/* A set: how many ranges, how many values, the sum of all bounds. */
static void
print_set(const struct ast *set, struct buf *out)
{
	int64_t sum = 0;

	for (size_t i = 0; i < set->n_ranges; i++)
		sum += set->range[i].lo + set->range[i].hi;
	buf_printf(out, "{%zu ranges of %" PRIu64 " values, sum %" PRId64 "}",
	    set->n_ranges, ast_count_values(set), sum);
}

/* Of many parameters the sum of all values; of the rest each. */
static void
print_binds(const struct compiled *c, struct buf *out)
{
	int64_t sum = 0;

	buf_puts(out, "binds:");
	for (size_t i = 0; i < c->n_binds; i++) {
		sum += c->bind[i].value;
		if (i >= BINDS_SHOWN)
			continue;
		buf_printf(out, " %s=", c->bind[i].name);
		if (c->bind[i].set != NULL)
			print_set(c->bind[i].set, out);
		else
			buf_printf(out, "%" PRId64, c->bind[i].value);
	}
	if (c->n_binds > BINDS_SHOWN)
		buf_printf(
		    out, " ... %zu with the sum %" PRId64, c->n_binds, sum);
	buf_puts(out, "\n");
}

static void
print_sql(const struct filter *f, struct buf *out)
{
	struct source source[ARRAY_LEN(fixture_sources)];
	const struct compile_target t = {.segment = &segment,
	    .source = source,
	    .n_sources = ARRAY_LEN(source)};
	struct compiled c;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(source); i++)
		source[i] = fixture_source(i);
	if (compile_segment(&c, f, &t, &err) != 0)
		fail_msg("%s", err.text);
	print_where(
	    strstr(buf_str(&c.sql), " WHERE ") + strlen(" WHERE "), out);
	print_binds(&c, out);
	compiled_release(&c);
}

/* What the program says of a line of words, as the lines of a case. */
static void
answer(const char *words, struct buf *out)
{
	struct filter f;
	struct err err = {0};
	int rc;

	filter_init(&f);
	f.names = &test_names;
	rc = filter_add_line(&f, words, NOW_MS, &err);
	if (rc == 0)
		rc = filter_check(&f, &err);
	if (rc == 0) {
		buf_puts(out, "canonical: ");
		filter_print(&f, out);
		buf_puts(out, "\n");
		print_sql(&f, out);
	} else {
		buf_printf(out, "error: %s\n", err.text);
		if (err.typed[0] != '\0')
			buf_printf(out, "typed: %s\n       %*s^\n", err.typed,
			    (int)err.column, "");
		assert_int_equal(rc, ERR_USAGE);
	}
	filter_release(&f);
}

static char *
read_cases(void)
{
	char *text = xcalloc(1, CASES_MAX_LEN);
	FILE *f = fopen(cases_path, "r");

	if (f == NULL)
		fail_msg("%s is missing", cases_path);
	assert_true(fread(text, 1, CASES_MAX_LEN - 1, f) > 0);
	fclose(f);
	return text;
}

static void
write_cases(const struct buf *b)
{
	FILE *f = fopen(cases_path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(buf_str(b), 1, b->len, f), b->len);
	assert_int_equal(fclose(f), 0);
}

/* Whether a line goes over into the new file as it is. */
static bool
is_kept(const char *line)
{
	return line[0] == '\0' || line[0] == '#';
}

/* The file as it should be: comments and filters stay, answers are new. */
static size_t
answer_all(const char *text, struct buf *out)
{
	static const char key[] = "filter: ";
	char *copy = xstrdup(text), *rest = copy, *line;
	size_t n = 0;

	while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
		if (strncmp(line, key, strlen(key)) == 0) {
			buf_printf(out, "%s\n", line);
			answer(line + strlen(key), out);
			n++;
		} else if (is_kept(line)) {
			buf_printf(out, "%s\n", line);
		}
	}
	free(copy);
	return n;
}

static void
fail_at_difference(const char *want, const char *got)
{
	size_t line = 1, start = 0;

	for (size_t i = 0; want[i] == got[i]; i++) {
		if (want[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	fail_msg("%s:%zu: \"%.*s\", got \"%.*s\"", cases_path, line,
	    (int)strcspn(want + start, "\n"), want + start,
	    (int)strcspn(got + start, "\n"), got + start);
}

static void
filters_are_printed_compiled_and_refused_as_listed(void **state)
{
	const char *golden = getenv("GOLDEN");
	char *want = read_cases();
	struct buf got;

	(void)state;
	buf_init(&got, CASES_MAX_LEN);
	assert_true(answer_all(want, &got) > 100);
	if (golden != NULL && strcmp(golden, "write") == 0)
		write_cases(&got);
	else if (strcmp(want, buf_str(&got)) != 0)
		fail_at_difference(want, buf_str(&got));
	buf_release(&got);
	free(want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		filters_are_printed_compiled_and_refused_as_listed),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
