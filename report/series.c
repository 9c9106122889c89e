/* SPDX-License-Identifier: ISC */
/* RRD files: see series.h. */
#include "report/series.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <rrd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/lazy.h"
#include "schema/base/mem.h"

/* clang-format off */
#define RRD_FUNCTIONS(X) \
	X(rrd_clear_error) X(rrd_create_r2) X(rrd_fetch_r) X(rrd_freemem) \
	X(rrd_get_error) X(rrd_graph_v) X(rrd_info_free) X(rrd_last_r) \
	X(rrd_update_r)
/* clang-format on */

LAZY_LIBRARY(rrd, "librrd.so.8", RRD_FUNCTIONS)

enum {
	POINTS_AT_ONCE = 512,
	POINT_LEN = 64,
};

static const char data_source[] = "DS:flowbits:GAUGE:600:U:U";

static const char *const flowtracker[] = {
    data_source,
    "RRA:AVERAGE:0.5:1:600",
    "RRA:AVERAGE:0.5:6:700",
    "RRA:AVERAGE:0.5:24:775",
    "RRA:AVERAGE:0.5:288:1100",
    "RRA:MAX:0.5:1:600",
    "RRA:MAX:0.5:6:700",
    "RRA:MAX:0.5:24:775",
    "RRA:MAX:0.5:288:1100",
};

static const char *const longer[] = {
    data_source,
    "RRA:AVERAGE:0.5:1:26784",
    "RRA:AVERAGE:0.5:12:17568",
    "RRA:AVERAGE:0.5:288:3660",
    "RRA:MAX:0.5:1:26784",
    "RRA:MAX:0.5:12:17568",
    "RRA:MAX:0.5:288:3660",
};

static int
fail(const char *path, struct err *err)
{
	return err_set(err, ERR_SYSTEM, "%s: %s", path, rrd()->rrd_get_error());
}

static char *
copy_path(const char *path)
{
	return xasprintf("%s.new", path);
}

int
series_create(const char *path, enum series_layout layout, int64_t start_s,
    struct err *err)
{
	/* librrd changes the order of its arguments. */
	const char *argv[ARRAY_LEN(flowtracker)];
	int argc =
	    layout == SERIES_LONG ? ARRAY_LEN(longer) : ARRAY_LEN(flowtracker);

	memcpy(argv, layout == SERIES_LONG ? longer : flowtracker,
	    (size_t)argc * sizeof *argv);
	rrd()->rrd_clear_error();
	if (rrd()->rrd_create_r2(path, SERIES_STEP_S, (time_t)start_s, 1, NULL,
		NULL, argc, argv) != 0)
		return fail(path, err);
	return 0;
}

int
series_last(const char *path, int64_t *end_s, struct err *err)
{
	rrd()->rrd_clear_error();
	*end_s = rrd()->rrd_last_r(path);
	return *end_s < 0 ? fail(path, err) : 0;
}

static void
free_names(char **name, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		rrd()->rrd_freemem(name[i]);
	rrd()->rrd_freemem(name);
}

int
series_check(const char *path, struct err *err)
{
	unsigned long step = 1, n_names = 0;
	rrd_value_t *value = NULL;
	char **name = NULL;
	time_t start, end;
	int64_t last_s;
	bool ours;
	int rc = series_last(path, &last_s, err);

	if (rc != 0)
		return rc;
	end = (time_t)last_s;
	start = end - SERIES_STEP_S;
	rrd()->rrd_clear_error();
	if (rrd()->rrd_fetch_r(path, "AVERAGE", &start, &end, &step, &n_names,
		&name, &value) != 0)
		return fail(path, err);
	ours = step == SERIES_STEP_S && n_names == 1 &&
	       strcmp(name[0], "flowbits") == 0;
	free_names(name, n_names);
	rrd()->rrd_freemem(value);
	return ours ? 0
		    : err_set(err, ERR_CORRUPT,
			  "%s: is no RRD of FlowTracker: want periods of 300 "
			  "s and one source, flowbits",
			  path);
}

static int
copy_bytes(int from, int to, const char *path, struct err *err)
{
	ssize_t n;

	while ((n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0)) != 0)
		if (n < 0 && errno == ENOSPC)
			return err_set(
			    err, ERR_FULL, "%s: %s", path, strerror(errno));
		else if (n < 0 && errno != EINTR)
			return err_sys(err, "%s", path);
	return 0;
}

static int
copy_file(const char *path, const char *copy, struct err *err)
{
	int from = open(path, O_RDONLY | O_CLOEXEC), to, rc;
	struct stat st;

	if (from < 0)
		return err_sys(err, "%s", path);
	(void)unlink(copy);
	if (fstat(from, &st) != 0 ||
	    (to = open(copy, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		 st.st_mode & 0666)) < 0) {
		rc = err_sys(err, "%s", copy);
		close(from);
		return rc;
	}
	rc = copy_bytes(from, to, copy, err);
	if (close(to) != 0 && rc == 0)
		rc = err_sys(err, "%s", copy);
	close(from);
	return rc;
}

static int
update(const char *path, const struct series_point *point, size_t n,
    struct err *err)
{
	char text[POINTS_AT_ONCE][POINT_LEN];
	const char *argv[POINTS_AT_ONCE];

	for (size_t i = 0; i < n; i++) {
		if (isnan(point[i].value))
			snprintf(text[i], POINT_LEN, "%" PRId64 ":U",
			    point[i].end_s);
		else
			snprintf(text[i], POINT_LEN, "%" PRId64 ":%.17g",
			    point[i].end_s, point[i].value);
		argv[i] = text[i];
	}
	rrd()->rrd_clear_error();
	return rrd()->rrd_update_r(path, NULL, (int)n, argv) != 0
		   ? fail(path, err)
		   : 0;
}

/*
 * With unknown periods said as such: otherwise a value would be taken for the
 * one before it as well, as long as that is not older than the heartbeat.
 */
static struct series_point *
fill_gaps(const struct series_point *point, size_t n, int64_t last_s, size_t *m)
{
	struct series_point *all = NULL;
	size_t cap = 0;

	*m = 0;
	for (size_t i = 0; i < n; i++) {
		int64_t before_s = point[i].end_s - SERIES_STEP_S;

		if (point[i].end_s <= last_s)
			continue;
		if (before_s > last_s) {
			all = xgrow(all, *m, &cap, sizeof *all);
			all[(*m)++] = (struct series_point){before_s, NAN};
		}
		all = xgrow(all, *m, &cap, sizeof *all);
		all[(*m)++] = point[i];
		last_s = point[i].end_s;
	}
	return all;
}

int
series_prepare_from(const char *path, const char *from,
    const struct series_point *point, size_t n, struct err *err)
{
	char *copy = copy_path(path);
	struct series_point *all = NULL;
	int64_t last_s;
	size_t m = 0;
	int rc = copy_file(from, copy, err);

	if (rc == 0)
		rc = series_last(copy, &last_s, err);
	if (rc == 0)
		all = fill_gaps(point, n, last_s, &m);
	for (size_t i = 0; i < m && rc == 0; i += POINTS_AT_ONCE)
		rc = update(copy, all + i,
		    m - i < POINTS_AT_ONCE ? m - i : POINTS_AT_ONCE, err);
	if (rc != 0)
		(void)unlink(copy);
	free(all);
	free(copy);
	return rc;
}

int
series_prepare(const char *path, const struct series_point *point, size_t n,
    struct err *err)
{
	return series_prepare_from(path, path, point, n, err);
}

int
series_accept(const char *path, struct err *err)
{
	char *copy = copy_path(path);
	int rc = 0;

	if (rename(copy, path) != 0)
		rc = err_sys(err, "%s", copy);
	free(copy);
	return rc;
}

void
series_abandon(const char *path)
{
	char *copy = copy_path(path);

	(void)unlink(copy);
	free(copy);
}

int
series_read(const char *path, enum series_kind kind, int64_t from_s,
    int64_t to_s, int64_t step_s, struct series_rows *out, struct err *err)
{
	time_t start = (time_t)from_s, end = (time_t)to_s;
	unsigned long step = (unsigned long)step_s, n_names = 0;
	rrd_value_t *value = NULL;
	char **name = NULL;

	*out = (struct series_rows){0};
	rrd()->rrd_clear_error();
	if (rrd()->rrd_fetch_r(path, kind == SERIES_MAX ? "MAX" : "AVERAGE",
		&start, &end, &step, &n_names, &name, &value) != 0)
		return fail(path, err);
	out->step_s = (int64_t)step;
	if (n_names == 1) {
		size_t n = (size_t)((end - start) / (time_t)step);

		out->row = xreallocarray(NULL, n, sizeof *out->row);
		for (size_t i = 0; i < n; i++) {
			int64_t end_s = start + (int64_t)((i + 1) * step);

			if (end_s > from_s && end_s <= to_s)
				out->row[out->n++] =
				    (struct series_point){end_s, value[i]};
		}
	}
	free_names(name, n_names);
	rrd()->rrd_freemem(value);
	if (n_names != 1)
		return err_set(err, ERR_CORRUPT,
		    "%s: has %lu data sources, not one", path, n_names);
	return 0;
}

void
series_release(struct series_rows *rows)
{
	free(rows->row);
	*rows = (struct series_rows){0};
}

/* The archives of a layout, the longest rows first. */
struct archive {
	int64_t step_s, rows;
};

static const struct archive flowtracker_archives[] = {
    {86400, 1100}, {7200, 775}, {1800, 700}, {SERIES_STEP_S, 600}};
static const struct archive longer_archives[] = {
    {86400, 3660}, {3600, 17568}, {SERIES_STEP_S, 26784}};

struct history {
	struct series_point *point;
	size_t n, cap;
};

/* So that average and largest of the row are what they were. */
static void
add_row(struct history *h, int64_t from_s, int64_t end_s, int64_t step_s,
    double average, double largest)
{
	int64_t periods = step_s / SERIES_STEP_S;
	double rest = average;

	if (periods > 1 && !isnan(largest))
		rest = (average * (double)periods - largest) /
		       (double)(periods - 1);
	for (int64_t i = 0; i < periods; i++) {
		int64_t at_s = end_s - step_s + (i + 1) * SERIES_STEP_S;

		if (at_s <= from_s)
			continue;
		h->point = xgrow(h->point, h->n, &h->cap, sizeof *h->point);
		h->point[h->n++] = (struct series_point){
		    at_s, i + 1 == periods && !isnan(largest) ? largest : rest};
	}
}

/* Rows of one archive that end in (from_s, to_s]. */
static int
add_rows(struct history *h, const char *path, int64_t step_s, int64_t from_s,
    int64_t to_s, struct err *err)
{
	struct series_rows average, largest = {0};
	int rc = series_read(
	    path, SERIES_AVERAGE, from_s, to_s, step_s, &average, err);

	if (rc == 0)
		rc = series_read(
		    path, SERIES_MAX, from_s, to_s, step_s, &largest, err);
	for (size_t i = 0; rc == 0 && i < average.n; i++)
		if (!isnan(average.row[i].value))
			add_row(h, from_s, average.row[i].end_s, average.step_s,
			    average.row[i].value,
			    i < largest.n ? largest.row[i].value : NAN);
	series_release(&average);
	series_release(&largest);
	return rc;
}

int
series_history(const char *path, enum series_layout layout, int64_t from_s,
    int64_t to_s, struct series_point **out, size_t *n, struct err *err)
{
	const struct archive *a =
	    layout == SERIES_LONG ? longer_archives : flowtracker_archives;
	size_t n_archives = layout == SERIES_LONG
				? ARRAY_LEN(longer_archives)
				: ARRAY_LEN(flowtracker_archives);
	struct history h = {0};
	int64_t last_s;
	int rc = series_last(path, &last_s, err);

	for (size_t i = 0; i < n_archives && rc == 0; i++) {
		int64_t until_s = to_s;

		/* Up to where whole rows meet those of the next archive. */
		if (i + 1 < n_archives) {
			until_s =
			    last_s - (a[i + 1].rows - 1) * a[i + 1].step_s;
			until_s += a[i].step_s - until_s % a[i].step_s;
		}
		if (until_s > to_s)
			until_s = to_s - to_s % a[i].step_s;
		if (until_s <= from_s)
			continue;
		rc = add_rows(&h, path, a[i].step_s, from_s, until_s, err);
		from_s = until_s;
	}
	*out = h.point;
	*n = h.n;
	return rc;
}

int
series_draw(char **argv, size_t n, void **data, size_t *len, struct err *err)
{
	rrd_info_t *all, *i;

	*data = NULL;
	rrd()->rrd_clear_error();
	if ((all = rrd()->rrd_graph_v((int)n, argv)) == NULL)
		return fail("graph", err);
	for (i = all; i != NULL; i = i->next)
		if (strcmp(i->key, "image") == 0 && i->type == RD_I_BLO)
			break;
	if (i != NULL) {
		*len = i->value.u_blo.size;
		*data = xreallocarray(NULL, *len, 1);
		memcpy(*data, i->value.u_blo.ptr, *len);
	}
	rrd()->rrd_info_free(all);
	return *data != NULL
		   ? 0
		   : err_set(err, ERR_SYSTEM, "librrd made no picture");
}
