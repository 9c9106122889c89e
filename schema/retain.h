/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_RETAIN_H
#define WEIR_SCHEMA_RETAIN_H
/*
 * How much is kept: which shards must go so that limits of age, size and free
 * room hold, and removing them. Whole days go, the oldest first; never the
 * newest one, today's, or one that is written to.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

/* 0: no such limit. */
struct retain_limits {
	uint64_t max_bytes;      /* of all shards */
	uint64_t min_free_bytes; /* of their file system, for others than
				    root */
	uint64_t max_age_days;   /* days before today that are kept, at most
				    RETAIN_MAX_DAYS */
};

/* So that no sum of days overflows. */
enum { RETAIN_MAX_DAYS = 1000000 };

enum retain_reason {
	RETAIN_KEEP,
	RETAIN_AGE,
	RETAIN_SIZE,
	RETAIN_FREE,
};

struct retain_day {
	int32_t day;               /* days since the epoch, UTC */
	uint64_t bytes;            /* of the file and what belongs to it */
	bool open;                 /* written to */
	enum retain_reason reason; /* why it must go */
};

bool retain_has_limit(const struct retain_limits *l);

/* Fill in reason for the days, which are in order, oldest first. Pure. */
void retain_decide(struct retain_day *days, size_t n,
    const struct retain_limits *l, int32_t today, uint64_t free_bytes);

/* Called for each shard, after it was removed, or that would be. */
typedef void retain_fn(const struct retain_day *d, const char *path, void *arg);

/*
 * Remove what the limits tell, or with dry_run only name it. Works beside a
 * process that writes, and beside readers, who keep what they have open.
 */
int retain_apply(const char *dir, const struct retain_limits *l, int64_t now_ms,
    bool dry_run, retain_fn *fn, void *arg, struct err *err) MUST_CHECK;

/* "older than 90 days" and the like: why a shard had to go. */
enum { RETAIN_TEXT_LEN = 80 };
void retain_format_reason(const struct retain_limits *l,
    enum retain_reason reason, char out[RETAIN_TEXT_LEN]);
/* "1.5G", 1024 to the step. */
void retain_format_bytes(uint64_t bytes, char out[RETAIN_TEXT_LEN]);

/*
 * Remove a shard and all that belongs to it. Whole or not at all for readers;
 * what a crash leaves has a name that no reader knows (STORE_REMOVED).
 */
int retain_remove(const char *dir, int32_t day, struct err *err) MUST_CHECK;

#endif
