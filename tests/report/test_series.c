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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
