/* SPDX-License-Identifier: ISC */
/* What is wrong, and what was meant: see complain.h. */
#include "schema/base/complain.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int
complain(struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->what, sizeof c->what, fmt, ap);
	va_end(ap);
	c->hint[0] = '\0';
	return ERR_USAGE;
}

int
complain_hint(struct complaint *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->hint, sizeof c->hint, fmt, ap);
	va_end(ap);
	return ERR_USAGE;
}

const char *
quote(const char *text, size_t len, char out[QUOTE_LEN])
{
	size_t n = strnlen(text, len), shown = n;

	if (n >= QUOTE_LEN)
		shown = QUOTE_LEN - 4;
	for (size_t i = 0; i < shown; i++)
		out[i] =
		    (char)(iscntrl((unsigned char)text[i]) ? '?' : text[i]);
	memcpy(out + shown, shown < n ? "..." : "", shown < n ? 4 : 1);
	return out;
}

/* ---- suggestions ---- */

void
suggest_begin(struct suggestion *s, const char *typed)
{
	*s = (struct suggestion){.near = {.word = typed}};
}

void
suggest_offer(void *suggestion, const char *name)
{
	struct suggestion *s = suggestion;

	near_offer(&s->near, name);
	if (s->near.best == name) {
		snprintf(s->name, sizeof s->name, "%s", name);
		s->near.best = s->name;
	}
}

void
complain_suggest(struct complaint *c, const struct suggestion *s)
{
	if (s->name[0] != '\0')
		complain_hint(c, "do you mean %s?", s->name);
}
