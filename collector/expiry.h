/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_EXPIRY_H
#define WEIR_COLLECTOR_EXPIRY_H
/* Keeping to the limits of a store while collecting. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "schema/retain.h"

struct expiry {
	const char *dir;      /* borrowed */
	int64_t due_ms;       /* monotonic; 0: at once */
	pthread_mutex_t lock; /* of what follows */
	struct retain_limits limits;
	bool is_new; /* nobody went by them yet */
};

void expiry_init(
    struct expiry *e, const char *dir, const struct retain_limits *limits);
/* From any thread; they hold from the next expiry_run on. */
void expiry_set_limits(struct expiry *e, const struct retain_limits *limits);

/* Remove what must go, if an hour has passed since the last time, now is set,
 * or the limits are new; a line is logged for each shard removed, and for a
 * failure. */
void expiry_run(struct expiry *e, bool now);

#endif
