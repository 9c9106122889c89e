/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_ERR_H
#define WEIR_SCHEMA_BASE_ERR_H
/*
 * How a failure travels: a function returns 0 or one of these codes, which
 * say what the caller can do; struct err says what happened, in words.
 * Library code never prints; the *_main functions print err.text once.
 */
#include <stddef.h>

#include "schema/base/attr.h"

enum {
	ERR_USAGE = -1,    /* what the user typed or gave is wrong: say so */
	ERR_SYSTEM = -2,   /* the system refused (open, bind, read): say so */
	ERR_BUSY = -3,     /* somebody else holds it: wait, then retry */
	ERR_FULL = -4,     /* no room on the disk: keep the data, retry */
	ERR_CORRUPT = -5,  /* content is damaged or foreign: set it aside */
	ERR_NEWER = -6,    /* written by a newer weir: leave it alone */
	ERR_LIMIT = -7,    /* a stated maximum is reached */
	ERR_STOPPED = -8,  /* interrupted on request */
	ERR_SHORT = -9,    /* datagram shorter than its header says */
	ERR_VERSION = -10, /* datagram of another export version */
	ERR_COUNT = -11,   /* datagram with a record count not in 1..30 */
};

struct err {
	char text[512]; /* one line, no newline at its end; cut if longer */
	/* What was typed, or the part of it that is wrong, and where in that,
	 * for a line with a caret below it; "": nothing to show. */
	char typed[100];
	unsigned column;
};

/* Fill err (which may be NULL) and return code, so that reporting is one
 * return expression. */
int err_set(struct err *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same with ": " and the words of errno behind it. */
int err_sys(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What is wrong is at byte at of what was typed. */
void err_point(struct err *err, const char *typed, size_t at);

/* Put "prefix: " in front of what err says; returns code. */
int err_prefix(struct err *err, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The exit status of a command for a code: 0 done, 1 failed, 2 usage. */
int err_exit_status(int code);

#endif
