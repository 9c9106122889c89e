/* SPDX-License-Identifier: ISC */
/* Lines on stderr: see log.h. The level is the one global of the program. */
#include "schema/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum log_level log_level = LOG_LEVEL_INFO;
static bool log_to_journal;

void
log_init(enum log_level level)
{
	log_level = level;
	log_to_journal = getenv("JOURNAL_STREAM") != NULL;
}

/* priority: 4 warning, 6 info, 7 debug, as in syslog(3). */
static void
put_line(int priority, const char *fmt, va_list ap, int with_errno)
{
	char line[1024];

	vsnprintf(line, sizeof line, fmt, ap);
	if (log_to_journal)
		fprintf(stderr, "<%d>", priority);
	if (with_errno != 0)
		fprintf(stderr, "weir: %s: %s\n", line, strerror(with_errno));
	else
		fprintf(stderr, "weir: %s\n", line);
}

void
log_warn(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	put_line(4, fmt, ap, saved);
	va_end(ap);
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put_line(4, fmt, ap, 0);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	if (log_level < LOG_LEVEL_INFO)
		return;
	va_start(ap, fmt);
	put_line(6, fmt, ap, 0);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (log_level < LOG_LEVEL_DEBUG)
		return;
	va_start(ap, fmt);
	put_line(7, fmt, ap, 0);
	va_end(ap);
}
