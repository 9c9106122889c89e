/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_MEM_H
#define WEIR_SCHEMA_BASE_MEM_H
/*
 * Allocation that cannot fail: out of memory ends the process with one line,
 * from anywhere. Sizes are bounded by the caller before they come here.
 */
#include <stddef.h>

void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Room for one more element in a growing array: returns items, moved if it
 * had to grow. *cap counts elements and doubles.
 */
void *xgrow(void *items, size_t n, size_t *cap, size_t size);

#endif
