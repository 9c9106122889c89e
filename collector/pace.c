/* SPDX-License-Identifier: ISC */
/* Steady rates: see pace.h. */
#include "collector/pace.h"

#include <errno.h>
#include <time.h>

enum { NS_PER_S = 1000000000 };

static int64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

struct pace
pace_start(uint64_t rate)
{
	return (struct pace){.start_ns = now_ns(), .rate = rate};
}

int64_t
pace_due_ns(const struct pace *p, uint64_t done)
{
	if (p->rate == 0)
		return 0;
	/* Seconds and rest apart: done * NS_PER_S would not fit for long. */
	return (int64_t)(done / p->rate * NS_PER_S +
			 done % p->rate * NS_PER_S / p->rate);
}

void
pace_wait(const struct pace *p, uint64_t done)
{
	int64_t due_ns = p->start_ns + pace_due_ns(p, done);
	struct timespec ts = {
	    .tv_sec = due_ns / NS_PER_S,
	    .tv_nsec = due_ns % NS_PER_S,
	};

	if (p->rate == 0)
		return;
	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		continue;
}

int64_t
pace_elapsed_ns(const struct pace *p)
{
	return now_ns() - p->start_ns;
}
