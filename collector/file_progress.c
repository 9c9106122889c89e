/* SPDX-License-Identifier: ISC */
/* How far a file is read: see file_progress.h. */
#include "collector/file_progress.h"

#include <stdio.h>
#include <string.h>

enum {
	CALLS = 64,      /* between two looks at the clock */
	PATH_SHOWN = 48, /* the end of a long path says more */
};

void
file_progress_begin(struct file_progress *p, const char *path, uint64_t size)
{
	*p = (struct file_progress){.path = path, .size = size};
	progress_begin(&p->line);
}

void
file_progress_format(const struct file_progress *p, uint64_t done,
    uint64_t flows, char out[FILE_PROGRESS_LEN])
{
	size_t len = strlen(p->path);
	const char *dots = len > PATH_SHOWN ? "..." : "";
	const char *path =
	    len > PATH_SHOWN ? p->path + len - PATH_SHOWN : p->path;
	uint64_t percent = p->size > 0 ? done * 100 / p->size : 0;

	if (p->size > 0)
		snprintf(out, FILE_PROGRESS_LEN, "%s%s: %u %%, %llu flows",
		    dots, path, percent < 100 ? (unsigned)percent : 100u,
		    (unsigned long long)flows);
	else
		snprintf(out, FILE_PROGRESS_LEN, "%s%s: %llu flows", dots, path,
		    (unsigned long long)flows);
}

void
file_progress_step(struct file_progress *p, uint64_t done, uint64_t flows)
{
	char line[FILE_PROGRESS_LEN];

	if (!p->line.shows || ++p->calls % CALLS != 0 ||
	    !progress_is_due(&p->line))
		return;
	file_progress_format(p, done, flows, line);
	progress_say(&p->line, line);
}

void
file_progress_end(struct file_progress *p)
{
	progress_end(&p->line);
}
