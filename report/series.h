/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SERIES_H
#define WEIR_REPORT_SERIES_H
/*
 * The values of a tracking over years, in an RRD file: rates of periods of 300
 * seconds and what they are consolidated to. The only code that calls librrd
 * but for drawing. A file is never changed in place: it is copied, the copy is
 * extended, and takes its place when the caller says so, whole or not at all.
 * Source of the first layout: RRDs of FlowTracker, which can be taken over.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

enum { SERIES_STEP_S = 300 };

enum series_layout {
	/* 5 minutes for 50 hours, 30 minutes for 14 days, 2 hours for 64 days,
	 * days for 3 years: 51 kB. */
	SERIES_FLOWTRACKER,
	/* 5 minutes for 93 days, hours for 2 years, days for 10 years:
	 * 0.8 MB. */
	SERIES_LONG,
};

struct series_point {
	int64_t end_s; /* of its period; a multiple of SERIES_STEP_S */
	double value;  /* a second, over the period; NAN: not known */
};

/* A new file at path, which must not exist, whose first period begins at
 * start_s. */
int series_create(const char *path, enum series_layout layout, int64_t start_s,
    struct err *err) MUST_CHECK;

/* The end of the last period that is in. */
int series_last(const char *path, int64_t *end_s, struct err *err) MUST_CHECK;

/* That a file of another program has what is kept here: periods of
 * SERIES_STEP_S, one source called flowbits. ERR_CORRUPT: it has not. */
int series_check(const char *path, struct err *err) MUST_CHECK;

/*
 * Copy the file to path.new and add the points, by time ascending; those not
 * after the last one in the file are left out. Periods between two points are
 * unknown. series_accept makes it the file (what is to survive a power cut is
 * synced before); series_abandon forgets it.
 */
int series_prepare(const char *path, const struct series_point *point, size_t n,
    struct err *err) MUST_CHECK;
/* The same, with a copy of the file at from; path need not exist. */
int series_prepare_from(const char *path, const char *from,
    const struct series_point *point, size_t n, struct err *err) MUST_CHECK;
int series_accept(const char *path, struct err *err) MUST_CHECK;
void series_abandon(const char *path);

/* What a row of several periods holds. */
enum series_kind { SERIES_AVERAGE, SERIES_MAX };

struct series_rows {
	int64_t step_s;           /* seconds of a row */
	struct series_point *row; /* owned */
	size_t n;
};

/*
 * Rows whose ends lie in (from_s, to_s], of the archive whose rows are step_s
 * long, or of the next best one that reaches back far enough: out->step_s
 * tells. Release in any case.
 */
int series_read(const char *path, enum series_kind kind, int64_t from_s,
    int64_t to_s, int64_t step_s, struct series_rows *out,
    struct err *err) MUST_CHECK;
void series_release(struct series_rows *rows); /* accepts a zeroed struct */

/*
 * What a file still knows of the periods in (from_s, to_s], to begin another
 * one with: five minutes where it has them; those of a longer row have its
 * average, but for one that is its largest. Periods that are not known are left
 * out. free() *out.
 */
int series_history(const char *path, enum series_layout layout, int64_t from_s,
    int64_t to_s, struct series_point **out, size_t *n,
    struct err *err) MUST_CHECK;

/*
 * A picture as rrdgraph(1) draws it from these n arguments, which begin with
 * "graph", "-"; free() it. TZ is that of the environment.
 */
int series_draw(char **argv, size_t n, void **data, size_t *len,
    struct err *err) MUST_CHECK;

#endif
