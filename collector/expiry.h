/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_EXPIRY_H
#define WEIR_COLLECTOR_EXPIRY_H
/*
 * The limits of a store as options of `weir expire` and `weir collect`, and
 * keeping to them while collecting.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema/retain.h"

/* --max-size, --max-age, --min-free, for getopt_long, which returns
 * EXPIRY_OPTION for each; --help is 'h'. Ended by a zeroed row. */
enum { EXPIRY_OPTION = 256 };
extern const struct option expiry_options[];
extern const char expiry_help[]; /* their lines of a usage text */

struct expiry {
	const char *dir; /* borrowed */
	struct retain_limits limits;
	int64_t due_ms; /* monotonic; 0: at once */
};

/* Remove what must go, if an hour has passed since the last time or now is
 * set; a line is logged for each shard removed, and for a failure. */
void expiry_run(struct expiry *e, bool now);

#endif
