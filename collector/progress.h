/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_PROGRESS_H
#define WEIR_COLLECTOR_PROGRESS_H
/* One line on the terminal that tells how far a long work is; nothing when
 * stderr is no terminal. */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shows; /* stderr is a terminal */
	bool shown; /* the line is there */
	const char *path;
	uint64_t size;   /* bytes, 0: unknown */
	unsigned calls;  /* of progress_step */
	int64_t next_ms; /* monotonic: when to say the next line */
};

/* path is borrowed until progress_end. */
void progress_begin(struct progress *p, const char *path, uint64_t size);
/* Cheap; to be called often. done: bytes. */
void progress_step(struct progress *p, uint64_t done, uint64_t flows);
void progress_end(struct progress *p); /* takes the line away */

/* The line, without its control characters. */
enum { PROGRESS_LINE_LEN = 200 };
void progress_format(const struct progress *p, uint64_t done, uint64_t flows,
    char out[PROGRESS_LINE_LEN]);

#endif
