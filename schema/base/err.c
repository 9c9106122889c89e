/* SPDX-License-Identifier: ISC */
/* Error codes with words: see err.h. */
#include "schema/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
		err->typed[0] = '\0';
	}
	return code;
}

int
err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;
	size_t len;

	if (err != NULL) {
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof err->text, fmt, ap);
		va_end(ap);
		err->typed[0] = '\0';
		len = strlen(err->text);
		snprintf(err->text + len, sizeof err->text - len, ": %s",
		    strerror(saved));
	}
	return ERR_SYSTEM;
}

void
err_point(struct err *err, const char *typed, size_t at)
{
	size_t from = 0;

	if (err == NULL)
		return;
	/* Of a long line what is around the place. */
	if (strlen(typed) >= sizeof err->typed && at > sizeof err->typed / 2)
		from = at - sizeof err->typed / 2;
	snprintf(err->typed, sizeof err->typed, "%s", typed + from);
	err->column = (unsigned)(at - from);
}

int
err_prefix(struct err *err, int code, const char *fmt, ...)
{
	struct err old;
	va_list ap;
	size_t len;

	if (err == NULL)
		return code;
	old = *err;
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof err->text - len, ": %s", old.text);
	return code;
}

int
err_exit_status(int code)
{
	if (code == 0)
		return 0;
	return code == ERR_USAGE ? 2 : 1;
}
