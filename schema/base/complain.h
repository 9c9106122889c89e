/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_COMPLAIN_H
#define WEIR_SCHEMA_BASE_COMPLAIN_H
/*
 * What is wrong with something typed, in two parts, so that the caller can say
 * where between them: `unknown service "htpp"` and `do you mean http?`.
 */
#include <stddef.h>

#include "schema/base/err.h"
#include "schema/base/near.h"

struct complaint {
	char what[240];
	char hint[400]; /* may be empty */
};

/* Both return ERR_USAGE. complain leaves the hint empty. */
int complain(struct complaint *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
int complain_hint(struct complaint *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

enum { QUOTE_LEN = 68 };

/* Of text at most len bytes, fit for one line of an error. */
const char *quote(const char *text, size_t len, char out[QUOTE_LEN]);

/* The known name that a mistyped one is nearest to. */
struct suggestion {
	struct near near; /* near.best is name, or NULL */
	char name[64];    /* "": none is near */
};

void suggest_begin(struct suggestion *s, const char *typed);
/* name need not live on. As a names_each_fn. */
void suggest_offer(void *suggestion, const char *name);

/* Make "do you mean NAME?" the hint; without a name the hint stays. */
void complain_suggest(struct complaint *c, const struct suggestion *s);

#endif
