/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_LAZY_H
#define WEIR_SCHEMA_BASE_LAZY_H
/*
 * Libraries that few commands need, loaded when the first of their functions
 * is called: with what they need themselves they would take nine tenths of the
 * time in which weir starts.
 *
 *   #define GD_FUNCTIONS(X) X(gdImageCopy) X(gdImageDestroy)
 *   LAZY_LIBRARY(gd, "libgd.so.3", GD_FUNCTIONS)
 *   ...
 *   gd()->gdImageDestroy(image);
 *
 * The name of the file is that of the interface which the header has. A library
 * that is missing ends the program, as it would have at its start.
 */
#include <pthread.h>
#include <stddef.h>

#include "schema/base/mem.h"

/* Put the addresses of n functions into an array of pointers to them. */
void lazy_load(
    const char *file, const char *const *name, size_t n, void *functions);

#define LAZY_FIELD(f) __typeof__(f) *f;
#define LAZY_NAME(f) #f,

/* clang-format off */
#define LAZY_LIBRARY(library, file, FUNCTIONS) \
	struct library { \
		FUNCTIONS(LAZY_FIELD) \
	}; \
	static struct library library##_functions; \
	static void \
	library##_load(void) \
	{ \
		static const char *const name[] = {FUNCTIONS(LAZY_NAME)}; \
\
		lazy_load(file, name, ARRAY_LEN(name), &library##_functions); \
	} \
	static const struct library * \
	library(void) \
	{ \
		static pthread_once_t once = PTHREAD_ONCE_INIT; \
\
		pthread_once(&once, library##_load); \
		return &library##_functions; \
	}
/* clang-format on */

#endif
