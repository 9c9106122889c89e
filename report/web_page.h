/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_WEB_PAGE_H
#define WEIR_REPORT_WEB_PAGE_H
/*
 * The page of weir serve: the form, what it is the same as on the command
 * line, the answer. HTML without a script of its own; all text is escaped.
 */
#include <stddef.h>

struct evbuffer;
struct evkeyvalq;

struct web_page {
	const char *question;     /* "report", "list", "graph"; NULL: none */
	struct evkeyvalq *params; /* as asked */
	char *const *argv;        /* of the command; NULL: none was run */
	size_t n_argv;            /* of them to show */
	struct evbuffer *answer;  /* a page of -f html, or SVG; drained */
	const char *problem;      /* instead of an answer */
};

void web_page_put(struct evbuffer *out, const struct web_page *page);

#endif
