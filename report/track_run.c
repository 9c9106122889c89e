/* SPDX-License-Identifier: ISC */
/* weir track update, recreate and run: work on files, now or all the time. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "query/scan.h"
#include "report/alert_send.h"
#include "report/table.h"
#include "report/track_cmd.h"
#include "report/track_update.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"

/* Signal handlers have no argument. */
static struct scan_watch watch;

static void
stop(int signal)
{
	(void)signal;
	atomic_store(&watch.stop, true);
}

/* From now on a signal is a request to end. */
static void
begin_work(void)
{
	struct sigaction a = {.sa_handler = stop};

	mem_keep_freed();
	sigemptyset(&a.sa_mask);
	(void)sigaction(SIGTERM, &a, NULL);
	(void)sigaction(SIGINT, &a, NULL);
}

static void
tell_failed(const char *name, const struct err *err, void *arg)
{
	(void)arg;
	log_warnx("tracking %s: %s", name, err->text);
}

/* On a terminal: how far it is, on one line. */
static void
tell_progress(const struct track_result *r, void *arg)
{
	char text[CLOCK_TEXT_LEN];

	(void)arg;
	if (!isatty(STDERR_FILENO))
		return;
	clock_format_ms(r->done_s * MS_PER_S, text);
	fprintf(
	    stderr, "\r%" PRIu64 " values, up to %.16s ", r->n_values, text);
	fflush(stderr);
}

static struct track_work
work_of(const struct track_command *c)
{
	return (struct track_work){
	    .dir = c->request.dir,
	    .conf = c->request.conf,
	    .now_ms = c->request.now_ms,
	    .to_s = track_due_s(c),
	    .watch = &watch,
	    .failed = tell_failed,
	    .progress = tell_progress,
	};
}

/* ---- what was done ---- */

static const struct table_column columns[] = {
    {.name = "trackings", .heading = "Trackings", .kind = VALUE_NUMBER},
    {.name = "failed", .heading = "Failed", .kind = VALUE_NUMBER},
    {.name = "values", .heading = "Values", .kind = VALUE_NUMBER},
    {.name = "done_ms", .heading = "Up to", .kind = VALUE_TIME},
    {.name = "took_ms", .heading = "Took s", .kind = VALUE_DURATION},
};

static const struct table_head head = {.column = columns,
    .n_columns = ARRAY_LEN(columns),
    .caption = "periods of 300 s\n"};

struct outcome {
	struct track_result result;
	int64_t took_ms;
};

static void
fill(void *arg, size_t i, union table_cell *cell)
{
	const struct outcome *o = arg;

	(void)i;
	cell[0].number = o->result.n_trackings;
	cell[1].number = o->result.n_failed;
	cell[2].number = o->result.n_values;
	cell[3].time_ms = o->result.done_s * MS_PER_S;
	cell[4].number = (uint64_t)o->took_ms;
}

/* Failures were told one by one. */
static int
finish(struct track_command *c, struct outcome *o, struct err *err)
{
	int rc;

	if (isatty(STDERR_FILENO) && o->result.n_values > 0)
		fputc('\n', stderr);
	rc = saved_write(&c->request, &head, 1, fill, o, "", err);
	if (rc == 0 && o->result.n_failed > 0)
		rc = err_set(err, ERR_SYSTEM, "%zu of %zu trackings failed",
		    o->result.n_failed, o->result.n_trackings);
	return rc;
}

/* ---- alerts ---- */

static void
tell_undelivered(const char *target, bool for_good, const struct err *err)
{
	log_warnx("alert to %s: %s (%s)", target, err->text,
	    for_good ? "given up" : "tried again later");
}

int
track_send_alerts(const struct track_command *c, size_t *n_sent,
    size_t *n_failed, struct err *err)
{
	const struct alert_sending how = {
	    .dir = c->request.dir,
	    .conf = c->request.conf,
	    .now_ms = clock_now_ms(),
	    .failed = tell_undelivered,
	};

	return alert_send(&how, n_sent, n_failed, err);
}

/* ---- update ---- */

static int
update(const struct track_command *c, struct outcome *o, struct err *err)
{
	const struct track_work w = work_of(c);
	int64_t began_ms = clock_monotonic_ms();
	int rc = track_update(&w, &o->result, err);

	o->took_ms = clock_monotonic_ms() - began_ms;
	return rc;
}

int
track_update_action(void *command, struct err *err)
{
	struct track_command *c = command;
	const struct filter *f = &c->request.filter;
	struct outcome o = {0};
	size_t n_sent = 0, n_failed = 0;
	int rc = track_no_filter(c, true, err);

	if (rc == 0 && f->has_from)
		rc = err_set(err, ERR_USAGE,
		    "update: goes on where it stopped: want to= alone, or "
		    "recreate from=");
	if (rc == 0) {
		begin_work();
		rc = update(c, &o, err);
	}
	if (rc == 0)
		rc = track_send_alerts(c, &n_sent, &n_failed, err);
	return rc != 0 ? rc : finish(c, &o, err);
}

/* ---- recreate ---- */

/* Without from= each file begins where it did, so each is made by itself. */
static int
recreate_each(struct track_command *c, const struct track_work *w,
    struct outcome *o, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		struct track_result one;
		struct track *t;

		rc = track_named(c, c->args.arg[i], &t, err);
		if (rc == 0)
			rc =
			    track_recreate(w, &t->id, 1, t->start_s, &one, err);
		if (rc != 0)
			break;
		o->result.n_trackings += one.n_trackings;
		o->result.n_failed += one.n_failed;
		o->result.n_values += one.n_values;
		o->result.done_s = one.done_s;
	}
	return rc;
}

static int
recreate_together(struct track_command *c, const struct track_work *w,
    int64_t from_s, struct outcome *o, struct err *err)
{
	int64_t *id = xcalloc(c->args.n, sizeof *id);
	int rc = 0;

	for (size_t i = 0; i < c->args.n && rc == 0; i++) {
		struct track *t;

		rc = track_named(c, c->args.arg[i], &t, err);
		if (rc == 0)
			id[i] = t->id;
	}
	if (rc == 0)
		rc = track_recreate(w, id, c->args.n, from_s, &o->result, err);
	free(id);
	return rc;
}

int
track_recreate_action(void *command, struct err *err)
{
	struct track_command *c = command;
	const struct filter *f = &c->request.filter;
	const struct track_work w = work_of(c);
	int64_t began_ms = clock_monotonic_ms();
	struct outcome o = {0};
	int rc = track_no_filter(c, true, err);

	if (rc == 0 && f->has_from && track_floor_s(f->from_ms) >= w.to_s)
		rc = err_set(
		    err, ERR_USAGE, "recreate: no period is due since from=");
	if (rc == 0)
		rc = track_read(c, err);
	if (rc != 0)
		return rc;
	begin_work();
	rc = f->has_from
		 ? recreate_together(c, &w, track_floor_s(f->from_ms), &o, err)
		 : recreate_each(c, &w, &o, err);
	o.took_ms = clock_monotonic_ms() - began_ms;
	return rc != 0 ? rc : finish(c, &o, err);
}

/* ---- run ---- */

/* Messages that are due now: new ones, and those tried before. */
static void
send_alerts(const struct track_command *c)
{
	size_t n_sent = 0, n_failed = 0;
	struct err err = {0};

	if (track_send_alerts(c, &n_sent, &n_failed, &err) != 0)
		log_warnx("track: %s", err.text);
	if (n_sent > 0)
		log_info("track: %zu alerts delivered", n_sent);
}

/* Failures are told, and tried again next time. */
static void
run_once(struct track_command *c)
{
	struct outcome o = {0};
	struct err err = {0};
	int rc;

	c->request.now_ms = clock_now_ms();
	rc = update(c, &o, &err);
	if (rc == 0 && o.result.n_trackings > 0)
		log_info("track: %zu trackings, %zu failed, %" PRIu64
			 " values in %" PRId64 ".%03" PRId64 " s",
		    o.result.n_trackings, o.result.n_failed, o.result.n_values,
		    o.took_ms / MS_PER_S, o.took_ms % MS_PER_S);
	else if (rc != 0 && rc != ERR_STOPPED)
		log_warnx("track: %s", err.text);
	send_alerts(c);
	if (track_purge_old(c->request.dir, c->request.now_ms, &err) != 0)
		log_warnx("track: %s", err.text);
}

/* Until a moment, or a signal: in pieces, as one may come just before. */
static void
wait_until(const struct track_command *c, int64_t until_ms)
{
	enum { PIECE_MS = 200, SEND_MS = 10000 };
	int64_t left_ms, sent_ms = clock_monotonic_ms();

	while (!atomic_load(&watch.stop) &&
	       (left_ms = until_ms - clock_now_ms()) > 0) {
		int64_t ms = left_ms < PIECE_MS ? left_ms : PIECE_MS;
		const struct timespec piece = {.tv_nsec = (long)ms * 1000000L};

		nanosleep(&piece, NULL);
		if (clock_monotonic_ms() - sent_ms >= SEND_MS) {
			send_alerts(c);
			sent_ms = clock_monotonic_ms();
		}
	}
}

int
track_run_action(void *command, struct err *err)
{
	struct track_command *c = command;
	int64_t every_ms =
	    (c->every_s != TRACK_NOT_GIVEN ? c->every_s : SERIES_STEP_S) *
	    MS_PER_S;
	int rc = track_no_filter(c, false, err);

	if (rc != 0)
		return rc;
	log_init(LOG_LEVEL_INFO);
	begin_work();
	log_info("track: updates every %" PRId64 " s", every_ms / MS_PER_S);
	while (!atomic_load(&watch.stop)) {
		run_once(c);
		/* On the clock, so that it is soon after a period is due. */
		wait_until(c, clock_now_ms() / every_ms * every_ms + every_ms);
	}
	return 0;
}
