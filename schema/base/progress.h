/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_PROGRESS_H
#define WEIR_SCHEMA_BASE_PROGRESS_H
/* One line on the terminal that tells how far a long work is; nothing when
 * stderr is no terminal, or the work is done within a second. */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shows;      /* stderr is a terminal */
	bool shown;      /* the line is there */
	int64_t next_ms; /* monotonic: when to say the next line */
};

void progress_begin(struct progress *p);
/* Whether it is time for a line; looks at the clock. */
bool progress_is_due(const struct progress *p);
/* The line; control characters in it become "?". */
void progress_say(struct progress *p, const char *line);
void progress_end(struct progress *p); /* takes the line away */

#endif
