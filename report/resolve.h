/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_RESOLVE_H
#define WEIR_REPORT_RESOLVE_H
/*
 * Names of addresses from the DNS: asked for many at once, waited for once,
 * never longer than was said; what was answered is kept in DIR/names.db until
 * it expires, that there is no name as well.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct addr;
struct resolve;

enum {
	RESOLVE_WAIT_MS = 3000,    /* unless something else is said */
	RESOLVE_PARALLEL = 256,    /* queries on the way at a time */
	RESOLVE_MAX_NAMES = 500000 /* in one run; what is beyond has none */
};

struct resolve_options {
	const char *dir;    /* data folder; NULL: nothing is kept */
	const char *server; /* ADDR:PORT; NULL: those of resolv.conf(5) */
	int64_t wait_ms;    /* for all waits together */
};

/* Sends nothing yet. ERR_SYSTEM: there is no name server. */
int resolve_open(struct resolve **out, const struct resolve_options *o,
    struct err *err) MUST_CHECK;
void resolve_close(struct resolve *r); /* keeps what is new; accepts NULL */

/* Its name will be wanted: look it up in the cache, else ask for it. */
void resolve_want(struct resolve *r, const struct addr *addr);

/* Until all that was wanted is answered, or the time is over. */
void resolve_wait(struct resolve *r);

/* As far as it is known by now, else NULL. Any bytes; lives as long as r. */
const char *resolve_name(const struct resolve *r, const struct addr *addr);

#endif
