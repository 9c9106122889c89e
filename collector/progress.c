/* SPDX-License-Identifier: ISC */
/* A line on the terminal: see progress.h. */
#include "collector/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "schema/base/clock.h"

enum {
	FIRST_MS = 1000, /* what is done sooner needs no line */
	EVERY_MS = 200,
	CALLS = 64,      /* between two looks at the clock */
	PATH_SHOWN = 48, /* the end of a long path says more */
};

void
progress_begin(struct progress *p, const char *path, uint64_t size)
{
	*p = (struct progress){
	    .shows = isatty(STDERR_FILENO),
	    .path = path,
	    .size = size,
	    .next_ms = clock_monotonic_ms() + FIRST_MS,
	};
}

void
progress_format(const struct progress *p, uint64_t done, uint64_t flows,
    char out[PROGRESS_LINE_LEN])
{
	size_t len = strlen(p->path);
	const char *dots = len > PATH_SHOWN ? "..." : "";
	const char *path =
	    len > PATH_SHOWN ? p->path + len - PATH_SHOWN : p->path;
	uint64_t percent = p->size > 0 ? done * 100 / p->size : 0;

	if (p->size > 0)
		snprintf(out, PROGRESS_LINE_LEN, "%s%s: %u %%, %llu flows",
		    dots, path, percent < 100 ? (unsigned)percent : 100u,
		    (unsigned long long)flows);
	else
		snprintf(out, PROGRESS_LINE_LEN, "%s%s: %llu flows", dots, path,
		    (unsigned long long)flows);
	for (char *c = out; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?'; /* a file's name may hold anything */
}

void
progress_step(struct progress *p, uint64_t done, uint64_t flows)
{
	char line[PROGRESS_LINE_LEN];

	if (!p->shows || ++p->calls % CALLS != 0 ||
	    clock_monotonic_ms() < p->next_ms)
		return;
	progress_format(p, done, flows, line);
	fprintf(stderr, "\r%s\033[K", line);
	fflush(stderr);
	p->shown = true;
	p->next_ms = clock_monotonic_ms() + EVERY_MS;
}

void
progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
