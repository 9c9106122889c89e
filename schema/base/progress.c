/* SPDX-License-Identifier: ISC */
/* A line on the terminal: see progress.h. */
#include "schema/base/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "schema/base/clock.h"

enum {
	FIRST_MS = 1000, /* what is done sooner needs no line */
	EVERY_MS = 200,
};

void
progress_begin(struct progress *p)
{
	*p = (struct progress){
	    .shows = isatty(STDERR_FILENO),
	    .next_ms = clock_monotonic_ms() + FIRST_MS,
	};
}

bool
progress_is_due(const struct progress *p)
{
	return p->shows && clock_monotonic_ms() >= p->next_ms;
}

void
progress_say(struct progress *p, const char *line)
{
	fputc('\r', stderr);
	for (; *line != '\0'; line++)
		fputc((unsigned char)*line < ' ' || *line == 0x7f ? '?' : *line,
		    stderr);
	fputs("\033[K", stderr);
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
	p->shows = false;
}
