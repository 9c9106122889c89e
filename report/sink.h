/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_SINK_H
#define WEIR_REPORT_SINK_H
/*
 * Where an answer goes: standard output or a file, in pieces of 64 KiB. A file
 * appears under its name only when it is whole: it has no name, or another one
 * in the same folder, until sink_close. The first failure to
 * write is kept, what comes after it is dropped, and sink_close tells.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "schema/base/err.h"

enum { SINK_SIZE = 65536 };

/* Not opaque, so that writers can put their bytes in place: see sink_room. */
struct sink {
	int fd;
	int failed;      /* errno of the first failure, 0 */
	size_t len;      /* bytes waiting in data */
	char *path;      /* the file's name; NULL: standard output */
	char *temporary; /* its name until sink_close; NULL: none */
	bool nameless;   /* it has no name until sink_close */
	/* A write that a signal interrupts is given up once this is set; NULL:
	 * it goes on. */
	const atomic_bool *stop;
	char data[SINK_SIZE];
};

/* path NULL or "-": standard output. ERR_SYSTEM: it cannot be made. */
int sink_open(struct sink **out, const char *path, struct err *err) MUST_CHECK;

/*
 * Write what waits, check, rename; s is gone in any case, and so is the file
 * unless 0 is returned. ERR_FULL: the disk is full. ERR_STOPPED: whoever reads
 * the pipe has gone, which needs no words, or stop is set. ERR_SYSTEM: anything
 * else.
 */
int sink_close(struct sink *s, struct err *err) MUST_CHECK;

/* Throw away what waits, and the file; accepts NULL. */
void sink_abandon(struct sink *s);

/* The failure so far, as sink_close would tell it: to stop early. */
int sink_check(const struct sink *s, struct err *err) MUST_CHECK;

void sink_flush(struct sink *s);
void sink_put(struct sink *s, const void *p, size_t len);
void sink_puts(struct sink *s, const char *text);
void sink_pad(struct sink *s, char c, size_t n); /* n times c */

/* A place for up to n <= SINK_SIZE bytes; sink_end takes those up to end. */
static inline char *
sink_room(struct sink *s, size_t n)
{
	if (SINK_SIZE - s->len < n)
		sink_flush(s);
	return s->data + s->len;
}

static inline void
sink_end(struct sink *s, const char *end)
{
	s->len = (size_t)(end - s->data);
}

static inline void
sink_putc(struct sink *s, char c)
{
	*sink_room(s, 1) = c;
	s->len++;
}

#endif
