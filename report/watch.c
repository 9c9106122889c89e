/* SPDX-License-Identifier: ISC */
/* Who looks on while flows are read: see watch.h. */
#include "report/watch.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "schema/base/attr.h"
#include "schema/base/clock.h"

enum { LINE_LEN = 120 };

/* A handler knows nothing but what has a name: signal-safety(7). */
static struct scan_watch *_Atomic watched;
static volatile sig_atomic_t caught;

static const int signals[] = {SIGINT, SIGTERM};

static void
on_signal(int number)
{
	struct scan_watch *w = watched;

	caught = number;
	if (w != NULL)
		atomic_store(&w->stop, true);
}

/* The second one kills; and whoever waits for a pipe is woken. An ignored
 * signal stays ignored (nohup, "&" of a shell). */
static void
take_signals(void)
{
	struct sigaction take = {
	    .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction before;

	sigemptyset(&take.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], NULL, &before) == 0 &&
		    before.sa_handler == SIG_DFL)
			(void)sigaction(signals[i], &take, NULL);
}

static void
leave_signals(void)
{
	struct sigaction now;

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (sigaction(signals[i], NULL, &now) == 0 &&
		    now.sa_handler == on_signal)
			(void)signal(signals[i], SIG_DFL);
}

static void
show(const struct scan_progress *p, void *arg)
{
	struct watch *w = arg;
	char line[LINE_LEN];
	unsigned percent =
	    p->bytes > 0
		? (unsigned)((double)p->bytes_done / (double)p->bytes * 100)
		: 0;

	if (!progress_is_due(&w->line))
		return;
	snprintf(line, sizeof line,
	    "reading: %u %%, %zu of %zu shard%s, "
	    "%llu flows found",
	    percent, p->n_shards_done, p->n_shards, p->n_shards == 1 ? "" : "s",
	    (unsigned long long)p->n_flows);
	progress_say(&w->line, line);
}

void
watch_begin(struct watch *w, int64_t timeout_ms)
{
	*w = (struct watch){
	    .scan = {.timeout_ms = timeout_ms,
		.began_ms = clock_monotonic_ms()},
	    .begun = true,
	};
	progress_begin(&w->line);
	if (w->line.shows) {
		w->scan.progress = show;
		w->scan.arg = w;
	}
	watched = &w->scan;
	take_signals();
}

void
watch_hush(struct watch *w)
{
	progress_end(&w->line);
}

void
watch_end(struct watch *w)
{
	if (!w->begun)
		return;
	leave_signals();
	watched = NULL;
	progress_end(&w->line);
	w->begun = false;
}

int
watch_signal(void)
{
	return caught;
}
