/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_FILE_PROGRESS_H
#define WEIR_COLLECTOR_FILE_PROGRESS_H
/* How far the reading of a file is, on the terminal. */
#include <stdint.h>

#include "schema/base/progress.h"

struct file_progress {
	struct progress line;
	const char *path;
	uint64_t size;  /* bytes, 0: unknown */
	unsigned calls; /* of file_progress_step */
};

/* path is borrowed until file_progress_end. */
void file_progress_begin(
    struct file_progress *p, const char *path, uint64_t size);
/* Cheap; to be called often. done: bytes. */
void file_progress_step(struct file_progress *p, uint64_t done, uint64_t flows);
void file_progress_end(struct file_progress *p); /* takes the line away */

/* The line. */
enum { FILE_PROGRESS_LEN = 200 };
void file_progress_format(const struct file_progress *p, uint64_t done,
    uint64_t flows, char out[FILE_PROGRESS_LEN]);

#endif
