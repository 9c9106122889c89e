/* SPDX-License-Identifier: ISC */
/* Edges of bins, by arithmetic or by the local calendar: see grid.h. */
#include "report/grid.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

enum {
	MS_PER_MIN = 60 * MS_PER_S,
	MS_PER_HOUR = 60 * MS_PER_MIN,
	/* From here on the clock's change would show: 02:00, 04:00 and so on
	 * would become 03:00, 05:00. */
	CALENDAR_MS = 2 * MS_PER_HOUR,
};

static const int64_t DAY_MS = MS_PER_DAY;

/* What people count in; all of an hour and less divide an hour. */
static const int64_t sizes[] = {
    100,
    200,
    500,
    MS_PER_S,
    2 * MS_PER_S,
    5 * MS_PER_S,
    10 * MS_PER_S,
    15 * MS_PER_S,
    30 * MS_PER_S,
    MS_PER_MIN,
    2 * MS_PER_MIN,
    5 * MS_PER_MIN,
    10 * MS_PER_MIN,
    15 * MS_PER_MIN,
    30 * MS_PER_MIN,
    MS_PER_HOUR,
    2 * MS_PER_HOUR,
    3 * MS_PER_HOUR,
    6 * MS_PER_HOUR,
    12 * MS_PER_HOUR,
    MS_PER_DAY,
    INT64_C(7) * MS_PER_DAY,
    INT64_C(28) * MS_PER_DAY,
    INT64_C(91) * MS_PER_DAY,
    INT64_C(364) * MS_PER_DAY,
};

int64_t
grid_choose_size(int64_t from_ms, int64_t to_ms, size_t max_bins)
{
	int64_t span = to_ms - from_ms;

	assert(max_bins > 0);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		if (span / sizes[i] < (int64_t)max_bins)
			return sizes[i];
	return span / (int64_t)max_bins + 1;
}

static int64_t
floor_to(int64_t ms, int64_t size)
{
	int64_t rest = ms % size;

	return ms - (rest < 0 ? rest + size : rest);
}

/* ---- the calendar ---- */

/* The day that a bin of so many days begins with: weeks on Mondays. */
static void
floor_days(struct tm *tm, int64_t days)
{
	enum { THURSDAY = 4 }; /* 1970-01-01 */
	struct tm date = {.tm_year = tm->tm_year,
	    .tm_mon = tm->tm_mon,
	    .tm_mday = tm->tm_mday};
	int64_t day = (int64_t)timegm(&date) / (DAY_MS / MS_PER_S);

	tm->tm_mday -= (int)((day + THURSDAY - 1) % days);
}

static struct tm
floor_tm(int64_t ms, int64_t size_ms)
{
	struct tm tm;

	clock_to_local(ms, &tm);
	tm.tm_min = tm.tm_sec = 0;
	if (size_ms < DAY_MS) {
		tm.tm_hour -= tm.tm_hour % (int)(size_ms / MS_PER_HOUR);
		return tm;
	}
	tm.tm_hour = 0;
	floor_days(&tm, size_ms / DAY_MS);
	return tm;
}

static bool
is_whole_days(int64_t size_ms)
{
	return size_ms % DAY_MS == 0;
}

/* Whether bins on the clock are counted by it and not by arithmetic. */
static bool
is_calendar(int64_t size_ms)
{
	return is_whole_days(size_ms) ||
	       (size_ms >= CALENDAR_MS && DAY_MS % size_ms == 0 &&
		   size_ms % MS_PER_HOUR == 0);
}

int64_t
grid_floor(int64_t ms, int64_t size_ms)
{
	struct tm tm;
	int64_t offset;

	if (is_calendar(size_ms)) {
		tm = floor_tm(ms, size_ms);
		return clock_from_local(&tm);
	}
	clock_to_local(ms, &tm);
	offset = (int64_t)timegm(&tm) * MS_PER_S - floor_to(ms, MS_PER_S);
	return floor_to(ms + offset, size_ms) - offset;
}

/* ---- edges ---- */

/* One edge after the other, each above the one before it. */
struct walk {
	int64_t size_ms;
	bool by_calendar;
	struct tm tm;    /* with by_calendar: of the last edge */
	int64_t rest_ms; /* and its milliseconds */
	int64_t at_ms;
};

static void
walk_begin(
    struct walk *w, int64_t from_ms, int64_t size_ms, enum grid_align align)
{
	*w = (struct walk){.size_ms = size_ms, .at_ms = from_ms};
	if (align != GRID_FROM_START) {
		w->by_calendar = is_calendar(size_ms);
		w->at_ms = grid_floor(from_ms, size_ms);
	} else {
		w->by_calendar = is_whole_days(size_ms);
	}
	clock_to_local(w->at_ms, &w->tm);
	w->rest_ms = w->at_ms - floor_to(w->at_ms, MS_PER_S);
}

static int64_t
walk_next(struct walk *w)
{
	int64_t at = w->at_ms;

	if (!w->by_calendar)
		return w->at_ms += w->size_ms;
	/* A time that the clocks skip may become the edge before it. */
	while (at <= w->at_ms) {
		if (is_whole_days(w->size_ms))
			w->tm.tm_mday += (int)(w->size_ms / DAY_MS);
		else
			w->tm.tm_hour += (int)(w->size_ms / MS_PER_HOUR);
		at = clock_from_local(&w->tm) + w->rest_ms;
	}
	return w->at_ms = at;
}

int64_t
grid_next(int64_t ms, int64_t size_ms)
{
	struct walk w;

	walk_begin(&w, ms, size_ms, GRID_ON_CLOCK);
	while (walk_next(&w) <= ms)
		;
	return w.at_ms;
}

static int
check_count(int64_t span, int64_t size_ms, struct err *err)
{
	if (size_ms > span / 2)
		return err_set(err, ERR_USAGE,
		    "the span of %.3f s holds less than 2 buckets of %.3f s: "
		    "take a smaller bucket= or a longer span",
		    (double)span / MS_PER_S, (double)size_ms / MS_PER_S);
	if (span / size_ms >= GRID_MAX_BINS - 1)
		return err_set(err, ERR_USAGE,
		    "the span of %.0f s has more than %d buckets of %.3f s: "
		    "take a larger bucket= or a shorter span",
		    (double)span / MS_PER_S, GRID_MAX_BINS,
		    (double)size_ms / MS_PER_S);
	return 0;
}

int
grid_init(struct grid *g, int64_t from_ms, int64_t to_ms, int64_t size_ms,
    enum grid_align align, struct err *err)
{
	int64_t span = to_ms - from_ms;
	int64_t margin = align == GRID_ON_CLOCK ? size_ms / 2 : 0;
	struct walk w;
	int rc = check_count(span, size_ms, err);

	*g = (struct grid){.size_ms = size_ms};
	if (rc != 0)
		return rc;
	/* One more for each end, and for hours that a change of the clock
	 * adds. */
	g->edge =
	    xreallocarray(NULL, (size_t)(span / size_ms) + 4, sizeof *g->edge);
	g->edge[0] = from_ms;
	walk_begin(&w, from_ms, size_ms, align);
	for (int64_t at = walk_next(&w); at < to_ms - margin;
	     at = walk_next(&w))
		if (at > from_ms + margin || margin == 0)
			g->edge[++g->n] = at;
	g->edge[++g->n] = to_ms;
	return 0;
}

void
grid_release(struct grid *g)
{
	free(g->edge);
	*g = (struct grid){0};
}
