/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_EXPIRY_H
#define WEIR_COLLECTOR_EXPIRY_H
/* Keeping to the limits of a store while collecting. */
#include <stdbool.h>
#include <stdint.h>

#include "schema/retain.h"

struct expiry {
	const char *dir; /* borrowed */
	struct retain_limits limits;
	int64_t due_ms; /* monotonic; 0: at once */
};

/* Remove what must go, if an hour has passed since the last time or now is
 * set; a line is logged for each shard removed, and for a failure. */
void expiry_run(struct expiry *e, bool now);

#endif
