/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_MEM_H
#define WEIR_SCHEMA_BASE_MEM_H
/*
 * Allocation that cannot fail: out of memory ends the process with one line,
 * from anywhere. Sizes are bounded by the caller before they come here.
 */
#include <stddef.h>

void *xcalloc(size_t n, size_t size);
/* The same on huge pages, where the system has them and it is large enough for
 * some: for tables that are looked into here and there. */
void *xcalloc_huge(size_t n, size_t size);
void *xreallocarray(void *p, size_t n, size_t size);

/*
 * From now on keep what is freed for the next who asks. Tables that grow by
 * moving would else be mapped, unmapped and filled page by page each time,
 * which makes all cores of the process wait. For commands that end soon.
 */
void mem_keep_freed(void);

char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Room for one more element in a growing array: returns items, moved if it
 * had to grow. *cap counts elements and doubles.
 */
void *xgrow(void *items, size_t n, size_t *cap, size_t size);

#endif
