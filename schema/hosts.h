/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_HOSTS_H
#define WEIR_SCHEMA_HOSTS_H
/*
 * DIR/names.db: names of hosts as the DNS said them, until they expire. A mere
 * cache: who cannot write it does without, and it may be deleted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/base/err.h"

struct hosts;

enum { HOSTS_MAX = 1000000 }; /* kept in the file; the rest goes */

/* What is known of an address. */
struct host {
	struct addr addr;
	char *name; /* NULL: it has none */
	int64_t expires_ms;
};

/* ERR_SYSTEM, ERR_CORRUPT, ERR_NEWER: there is no cache for this process. */
int hosts_open(struct hosts **out, const char *dir, struct err *err) MUST_CHECK;
void hosts_close(struct hosts *h); /* accepts NULL */

/*
 * 1: known, *name is to free(), NULL if it is known that there is none; 0: not
 * known, or no more; else an error.
 */
int hosts_find(struct hosts *h, const struct addr *addr, int64_t now_ms,
    char **name, struct err *err) MUST_CHECK;

/* Remember n answers, and forget what has expired. ERR_BUSY: somebody else
 * writes, ERR_SYSTEM: it cannot be written; nothing is remembered then. */
int hosts_put(struct hosts *h, const struct host *host, size_t n,
    int64_t now_ms, struct err *err) MUST_CHECK;

#endif
