/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_WEB_CHILD_H
#define WEIR_REPORT_WEB_CHILD_H
/*
 * This program run once more, as a child that answers one question: started
 * with an argument vector, never by a shell, read without waiting, and killed
 * when it takes too long, says too much, or nobody wants its answer any more.
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/attr.h"
#include "schema/base/err.h"

struct event_base;
struct evbuffer;
struct web_children;

enum {
	WEB_MAX_CHILDREN = 8,
	WEB_CHILD_TIMEOUT_S = 60,
	WEB_CHILD_MAX_BYTES = 64 << 20, /* of its output */
};

enum web_child_end {
	WEB_CHILD_EXITED, /* see status */
	WEB_CHILD_KILLED, /* by a signal that is not ours */
	WEB_CHILD_LATE,
	WEB_CHILD_LONG,
	WEB_CHILD_UNWANTED,
};

struct web_result {
	enum web_child_end end;
	int status;           /* of its exit */
	struct evbuffer *out; /* may be drained */
	const char *line;     /* the first one on stderr, without "weir: " */
};

struct web_child_call {
	/* Called once, from the event loop or web_children_free. */
	void (*done)(void *arg, const struct web_result *r);
	/* Looked at a few times a second: whether the answer is waited for. */
	bool (*is_wanted)(void *arg);
	void *arg;
};

struct web_children *web_children_new(struct event_base *base);
/* Kills all and waits for their end. */
void web_children_free(struct web_children *c);

/* argv[0] is a name alone. ERR_BUSY: there are WEB_MAX_CHILDREN already.
 * ERR_SYSTEM: it cannot be started. */
int web_child_start(struct web_children *c, char *const *argv,
    const struct web_child_call *call, struct err *err) MUST_CHECK;

#endif
