/* SPDX-License-Identifier: ISC */
/* Allocation that cannot fail: see mem.h. */
#include "schema/base/mem.h"

#include <limits.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static void *
checked(void *p)
{
	if (p == NULL) {
		fputs("weir: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size > 0 ? size : 1));
}

void *
xcalloc_huge(size_t n, size_t size)
{
	size_t len;
	void *p;

	if (__builtin_mul_overflow(n, size, &len) || len < HUGE_PAGE)
		return xcalloc(n, size);
	len = (len + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
	p = checked(aligned_alloc(HUGE_PAGE, len));
	(void)madvise(p, len, MADV_HUGEPAGE);
	return memset(p, 0, len);
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n > 0 ? n : 1, size > 0 ? size : 1));
}

void
mem_keep_freed(void)
{
	enum { LARGEST = 32 << 20 }; /* that mallopt takes */

	(void)mallopt(M_MMAP_THRESHOLD, LARGEST);
	(void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
	(void)mallopt(M_TOP_PAD, LARGEST / 2);
	(void)mallopt(M_ARENA_MAX, 1); /* what one thread freed suits another */
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return checked(n < 0 ? NULL : s);
}

void *
xgrow(void *items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return items;
	*cap = *cap > 0 ? *cap * 2 : 8;
	return xreallocarray(items, *cap, size);
}
