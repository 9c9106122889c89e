/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_PACE_H
#define WEIR_COLLECTOR_PACE_H
/*
 * Things at a steady rate, by an absolute schedule: what one wait is late, the
 * next ones make up for.
 */
#include <stdint.h>

struct pace {
	int64_t start_ns; /* CLOCK_MONOTONIC */
	uint64_t rate;    /* things a second; 0: do not wait */
};

struct pace pace_start(uint64_t rate);

/* Nanoseconds after the start at which `done` things should be done. */
int64_t pace_due_ns(const struct pace *p, uint64_t done);

/* Wait until `done` things are due. */
void pace_wait(const struct pace *p, uint64_t done);

int64_t pace_elapsed_ns(const struct pace *p);

#endif
