/* SPDX-License-Identifier: ISC */
/* RRD files: their layout and values, also as rrdtool sees them. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/series.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "tests/temp.h"

static const int64_t START_S = 1700000100 - 1700000100 % 86400;

/* What rrdtool says. */
static void
rrdtool(const char *verb, const char *path, struct buf *out)
{
	int fd[2];
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	buf_init(out, 1 << 20);
	assert_int_equal(pipe(fd), 0);
	if ((pid = fork()) == 0) {
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		execlp("rrdtool", "rrdtool", verb, path, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	while ((n = read(fd[0], chunk, sizeof chunk)) > 0)
		buf_put(out, chunk, (size_t)n);
	close(fd[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
assert_says(const struct buf *said, const char *line)
{
	if (strstr(buf_str(said), line) == NULL)
		fail_msg("no %s in:\n%s", line, buf_str(said));
}

struct fixture {
	char *dir, *path;
};

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof *f);

	f->dir = temp_new();
	f->path = xasprintf("%s/a.rrd", f->dir);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	temp_remove(f->dir);
	free(f->path);
	free(f);
	return 0;
}

static void
add(const char *path, const struct series_point *point, size_t n)
{
	struct err err = {0};

	if (series_prepare(path, point, n, &err) != 0 ||
	    series_accept(path, &err) != 0)
		fail_msg("%s", err.text);
}

static void
layout_is_that_of_flowtracker(void **state)
{
	static const struct {
		unsigned per_row, rows;
	} archives[] = {{1, 600}, {6, 700}, {24, 775}, {288, 1100}};
	struct fixture *f = *state;
	struct err err;
	struct buf said;

	assert_int_equal(
	    series_create(f->path, SERIES_FLOWTRACKER, START_S, &err), 0);
	rrdtool("info", f->path, &said);
	assert_says(&said, "\nstep = 300\n");
	assert_says(&said, "ds[flowbits].type = \"GAUGE\"");
	assert_says(&said, "ds[flowbits].minimal_heartbeat = 600");
	assert_says(&said, "ds[flowbits].min = NaN");
	assert_says(&said, "ds[flowbits].max = NaN");
	for (unsigned i = 0; i < 8; i++) {
		char line[100];

		snprintf(line, sizeof line, "rra[%u].cf = \"%s\"", i,
		    i < 4 ? "AVERAGE" : "MAX");
		assert_says(&said, line);
		snprintf(line, sizeof line, "rra[%u].rows = %u\n", i,
		    archives[i % 4].rows);
		assert_says(&said, line);
		snprintf(line, sizeof line, "rra[%u].pdp_per_row = %u\n", i,
		    archives[i % 4].per_row);
		assert_says(&said, line);
		snprintf(
		    line, sizeof line, "rra[%u].xff = 5.0000000000e-01", i);
		assert_says(&said, line);
	}
	assert_null(strstr(buf_str(&said), "rra[8]"));
	buf_release(&said);
}

static void
values_come_back_and_gaps_stay_gaps(void **state)
{
	struct fixture *f = *state;
	const struct series_point points[] = {
	    {START_S + 300, 10},
	    {START_S + 600, 0.1},
	    {START_S + 900, NAN},
	    {START_S + 1200, 1e12},
	    /* 1500 and 1800 are missing */
	    {START_S + 2100, 7},
	    /* 2400 is missing: within the heartbeat */
	    {START_S + 2700, 8},
	};
	const double want[] = {10, 0.1, NAN, 1e12, NAN, NAN, 7, NAN, 8};
	struct series_rows rows;
	struct err err = {0};

	assert_int_equal(
	    series_create(f->path, SERIES_FLOWTRACKER, START_S, &err), 0);
	add(f->path, points, ARRAY_LEN(points));
	assert_int_equal(series_read(f->path, SERIES_AVERAGE, START_S,
			     START_S + 2700, 300, &rows, &err),
	    0);
	assert_int_equal(rows.step_s, 300);
	assert_int_equal(rows.n, ARRAY_LEN(want));
	for (size_t i = 0; i < rows.n; i++) {
		assert_int_equal(
		    rows.row[i].end_s, START_S + 300 * ((int64_t)i + 1));
		if (isnan(want[i]) ? !isnan(rows.row[i].value)
				   : rows.row[i].value != want[i])
			fail_msg("row %zu: %g, not %g", i, rows.row[i].value,
			    want[i]);
	}
	series_release(&rows);
}

static void
points_that_are_in_are_left_out(void **state)
{
	struct fixture *f = *state;
	const struct series_point first[] = {
	    {START_S + 300, 1}, {START_S + 600, 2}};
	const struct series_point again[] = {
	    {START_S + 300, 100}, {START_S + 600, 100}, {START_S + 900, 3}};
	struct series_rows rows;
	struct err err = {0};
	int64_t last_s;

	assert_int_equal(
	    series_create(f->path, SERIES_FLOWTRACKER, START_S, &err), 0);
	add(f->path, first, ARRAY_LEN(first));
	add(f->path, again, ARRAY_LEN(again));
	assert_int_equal(series_last(f->path, &last_s, &err), 0);
	assert_int_equal(last_s, START_S + 900);
	assert_int_equal(series_read(f->path, SERIES_AVERAGE, START_S, last_s,
			     300, &rows, &err),
	    0);
	assert_int_equal(rows.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_true(rows.row[i].value == (double)(i + 1));
	series_release(&rows);
}

static void
what_is_prepared_is_not_seen_before_it_is_accepted(void **state)
{
	struct fixture *f = *state;
	const struct series_point point = {START_S + 300, 1};
	char *copy = xasprintf("%s.new", f->path);
	struct err err = {0};
	int64_t last_s;

	assert_int_equal(
	    series_create(f->path, SERIES_FLOWTRACKER, START_S, &err), 0);
	assert_int_equal(series_prepare(f->path, &point, 1, &err), 0);
	assert_int_equal(series_last(f->path, &last_s, &err), 0);
	assert_int_equal(last_s, START_S);
	assert_int_equal(access(copy, F_OK), 0);
	series_abandon(f->path);
	assert_int_not_equal(access(copy, F_OK), 0);
	free(copy);
}

/* Two days of a saw tooth: averages and peaks of half an hour. */
static void
archives_consolidate(void **state)
{
	enum { N = 576 };
	struct fixture *f = *state;
	struct series_point points[N];
	struct series_rows rows;
	struct err err = {0};

	for (int i = 0; i < N; i++)
		points[i] =
		    (struct series_point){START_S + 300 * (i + 1), i % 6};
	assert_int_equal(series_create(f->path, SERIES_LONG, START_S, &err), 0);
	add(f->path, points, N);
	assert_int_equal(series_read(f->path, SERIES_AVERAGE, START_S,
			     START_S + 300 * N, 3600, &rows, &err),
	    0);
	assert_int_equal(rows.step_s, 3600);
	assert_int_equal(rows.n, N / 12);
	for (size_t i = 0; i < rows.n; i++)
		assert_true(fabs(rows.row[i].value - 2.5) < 1e-9);
	series_release(&rows);
	assert_int_equal(series_read(f->path, SERIES_MAX, START_S,
			     START_S + 300 * N, 3600, &rows, &err),
	    0);
	for (size_t i = 0; i < rows.n; i++)
		assert_true(rows.row[i].value == 5);
	series_release(&rows);
}

static void
failures_name_the_file(void **state)
{
	struct fixture *f = *state;
	struct series_rows rows;
	struct err err;
	int64_t last_s;
	FILE *file;

	assert_int_equal(series_last(f->path, &last_s, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, f->path));
	file = fopen(f->path, "w");
	assert_non_null(file);
	fputs("no RRD at all, but long enough to have a header of one", file);
	fclose(file);
	assert_int_equal(
	    series_read(f->path, SERIES_AVERAGE, 0, 600, 300, &rows, &err),
	    ERR_SYSTEM);
	assert_non_null(strstr(err.text, f->path));
	assert_int_equal(
	    series_create(f->path, SERIES_LONG, START_S, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, f->path));
}

/* Half a year, in which one day of ten is not known. */
static void
fill_half_a_year(const char *path, int64_t *end_s)
{
	enum { N = 180 * 288 };
	struct series_point *point = xcalloc(N, sizeof *point);

	for (int i = 0; i < N; i++)
		point[i] = (struct series_point){START_S + (i + 1) * 300,
		    i / 288 % 10 == 9 ? NAN : 100.0 + i % 7 + i / 288};
	add(path, point, N);
	*end_s = point[N - 1].end_s;
	free(point);
}

static void
assert_same_rows(
    const char *a, const char *b, enum series_kind kind, int64_t step_s)
{
	int64_t end_s;
	struct series_rows was, now;
	struct err err = {0};

	assert_int_equal(series_last(a, &end_s, &err), 0);
	assert_int_equal(
	    series_read(a, kind, START_S, end_s - 86400, step_s, &was, &err),
	    0);
	assert_int_equal(
	    series_read(b, kind, START_S, end_s - 86400, step_s, &now, &err),
	    0);
	assert_int_equal(was.n, now.n);
	assert_true(was.n > 100);
	for (size_t i = 0; i < was.n; i++) {
		assert_int_equal(was.row[i].end_s, now.row[i].end_s);
		assert_int_equal(
		    isnan(was.row[i].value), isnan(now.row[i].value));
		if (!isnan(was.row[i].value))
			assert_true(
			    fabs(was.row[i].value - now.row[i].value) < 1e-6);
	}
	series_release(&was);
	series_release(&now);
}

static void
a_file_begun_with_the_history_of_another_has_its_rows(void **state)
{
	static const enum series_layout layouts[] = {
	    SERIES_FLOWTRACKER, SERIES_LONG};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		char *old = xasprintf("%s/%zu.rrd", f->dir, i);
		char *new = xasprintf("%s/%zu-new.rrd", f->dir, i);
		struct series_point *point;
		struct err err = {0};
		int64_t end_s;
		size_t n;

		assert_int_equal(
		    series_create(old, layouts[i], START_S, &err), 0);
		fill_half_a_year(old, &end_s);
		assert_int_equal(
		    series_create(new, layouts[i], START_S, &err), 0);
		assert_int_equal(series_history(old, layouts[i], START_S, end_s,
				     &point, &n, &err),
		    0);
		for (size_t k = 1; k < n; k++)
			assert_true(point[k - 1].end_s < point[k].end_s);
		add(new, point, n);
		assert_same_rows(old, new, SERIES_AVERAGE, 86400);
		assert_same_rows(old, new, SERIES_MAX, 86400);
		free(point);
		free(old);
		free(new);
	}
}

static void
foreign_files_are_told_from_ours(void **state)
{
	struct fixture *f = *state;
	struct err err = {0};
	char *other = xasprintf("%s/other.rrd", f->dir);
	pid_t pid;

	assert_int_equal(series_create(f->path, SERIES_LONG, START_S, &err), 0);
	assert_int_equal(series_check(f->path, &err), 0);
	if ((pid = fork()) == 0) {
		execlp("rrdtool", "rrdtool", "create", other, "--step", "60",
		    "DS:flowbits:GAUGE:600:U:U", "RRA:AVERAGE:0.5:1:600",
		    (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(series_check(other, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, other));
	free(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		layout_is_that_of_flowtracker, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		values_come_back_and_gaps_stay_gaps, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		points_that_are_in_are_left_out, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		what_is_prepared_is_not_seen_before_it_is_accepted, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		archives_consolidate, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		failures_name_the_file, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		a_file_begun_with_the_history_of_another_has_its_rows, set_up,
		tear_down),
	    cmocka_unit_test_setup_teardown(
		foreign_files_are_told_from_ours, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
