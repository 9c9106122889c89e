/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_FUZZ_FUZZ_FILTER_H
#define WEIR_TESTS_FUZZ_FUZZ_FILTER_H
/* What holds for every filter, for the harnesses of words and expressions. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/compile.h"
#include "query/filter.h"
#include "schema/base/buf.h"
#include "schema/batch.h"
#include "schema/db.h"
#include "schema/segment.h"
#include "tests/query/fixture.h"
#include "tests/query/names.h"

enum { FUZZ_TEXT_MAX = 16 << 20 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* One line that says something, and a place within what was typed. */
static void
fuzz_check_error(int rc, const struct err *err)
{
	must(rc == ERR_USAGE || rc == ERR_LIMIT);
	must(err->text[0] != '\0' && strchr(err->text, '\n') == NULL);
	must(err->column <= strlen(err->typed));
}

/* free() it. */
static char *
fuzz_print(const struct filter *f)
{
	struct buf out;

	buf_init(&out, FUZZ_TEXT_MAX);
	filter_print(f, &out);
	must(!out.overflow);
	return out.data != NULL ? out.data : xstrdup("");
}

static struct db *
fuzz_db(void)
{
	static struct db *db;

	if (db == NULL)
		must(db_open(&db, ":memory:", DB_CREATE_PLAIN, NULL) == 0 &&
		     db_exec(db,
			 "CREATE TABLE flow_0001 (id INTEGER PRIMARY KEY, "
			 "source_id, start_ms, end_ms, src_addr, dst_addr, "
			 "src_port, dst_port, protocol, tcp_flags, packets, "
			 "octets, duration_ms, route, labels)",
			 NULL) == 0);
	return db;
}

static void
fuzz_compile(const struct filter *f)
{
	static const struct segment segment = {.id = 1,
	    .layout = SEGMENT_LAYOUT,
	    .n_flows = 1000,
	    .min_start_ms = NOW_MS - 3600000,
	    .max_start_ms = NOW_MS,
	    .min_end_ms = NOW_MS - 3600000,
	    .max_end_ms = NOW_MS};
	struct source source[ARRAY_LEN(fixture_sources)];
	const struct compile_target target = {.segment = &segment,
	    .source = source,
	    .n_sources = ARRAY_LEN(source),
	    .columns = BATCH_ALL_COLUMNS};
	struct compiled c;
	struct stmt *q;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(source); i++)
		source[i] = fixture_source(i);
	rc = compile_segment(&c, f, &target, NULL);
	must(rc == 0 || rc == ERR_LIMIT);
	if (rc == 0) {
		struct err err = {0};

		rc = db_prepare(fuzz_db(), buf_str(&c.sql), &q, &err);
		if (rc != 0)
			fprintf(stderr, "%s\n%s\n", err.text, buf_str(&c.sql));
		must(rc == 0);
		stmt_finalize(q);
	}
	compiled_release(&c);
}

/* The times of a filter are settled: it says when. */
static void
fuzz_check_filter(struct filter *f)
{
	struct filter again;
	char *printed = fuzz_print(f), *second;
	struct err err = {0};

	filter_init(&again);
	again.names = &test_names;
	if (filter_add_line(&again, printed, NOW_MS, &err) != 0 ||
	    filter_check(&again, &err) != 0) {
		fprintf(stderr, "%s\n%s\n", printed, err.text);
		abort();
	}
	second = fuzz_print(&again);
	if (strcmp(printed, second) != 0)
		fprintf(stderr, "%s\n%s\n", printed, second);
	must(strcmp(printed, second) == 0);
	must(f->has_from == again.has_from && f->has_to == again.has_to);
	must(!f->has_from || f->from_ms == again.from_ms);
	must(!f->has_to || f->to_ms == again.to_ms);
	fuzz_compile(&again);
	filter_release(&again);
	free(printed);
	free(second);
}

static void
fuzz_read(int (*add)(struct filter *f, const char *text, int64_t now_ms,
	      struct err *err),
    const char *text)
{
	struct err err = {0};
	struct filter f;
	int rc;

	filter_init(&f);
	f.names = &test_names;
	if ((rc = add(&f, text, NOW_MS, &err)) == 0)
		rc = filter_check(&f, &err);
	if (rc == 0)
		fuzz_check_filter(&f);
	else
		fuzz_check_error(rc, &err);
	filter_release(&f);
}

static inline void
fuzz_line(const char *line)
{
	fuzz_read(filter_add_line, line);
}

static inline void
fuzz_word(const char *word)
{
	fuzz_read(filter_add_word, word);
}

#endif
