/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_WATCH_H
#define WEIR_REPORT_WATCH_H
/*
 * A command that reads flows, looked on: SIGINT, SIGTERM and the time limit end
 * its scans, a line on the terminal tells how far they are. One at a time in a
 * process.
 */
#include <stdbool.h>
#include <stdint.h>

#include "query/scan.h"
#include "schema/base/progress.h"

struct watch {
	struct scan_watch scan; /* for scan_query.watch; its address stays */
	struct progress line;
	bool begun;
};

/* timeout_ms 0: no limit. */
void watch_begin(struct watch *w, int64_t timeout_ms);

/* Rows begin to appear: no line between them. */
void watch_hush(struct watch *w);

/* Signals do again what they did before; accepts a zeroed struct. */
void watch_end(struct watch *w);

/* The signal that came meanwhile in the life of the process; 0: none. */
int watch_signal(void);

#endif
