/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_WEB_WORDS_H
#define WEIR_REPORT_WEB_WORDS_H
/*
 * From the parameters of an address to the argument vector of a command. A
 * parameter is one word "name=value" whose name is letters and "_", so that
 * none is ever an option; a value may be anything, as no shell reads it.
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/attr.h"
#include "schema/base/err.h"

struct evkeyvalq;

/* A command that is asked, and what its address may hold. */
struct web_command {
	const char *name;    /* as in an address */
	const char *argv[3]; /* NULL behind the last */
	/* The parameter whose value is the first word; NULL: there is none. */
	const char *bare;
	const char *bare_default; /* NULL: it has to be given */
	const char *unused;       /* a field of the form it has no use for */
	bool no_words;            /* it takes no others */
};

enum { WEB_MAX_WORDS = 64 };

struct web_words {
	char *argv[WEB_MAX_WORDS + 16]; /* NULL behind the last */
	size_t n;
};

/* From decoded parameters; what is empty is as if not there. ERR_USAGE. */
int web_words_read(struct web_words *w, const struct web_command *c,
    struct evkeyvalq *params, struct err *err) MUST_CHECK;
void web_words_add(struct web_words *w, const char *word); /* copies */
void web_words_release(struct web_words *w);

#endif
