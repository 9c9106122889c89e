/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CHECK_H
#define WEIR_SCHEMA_CHECK_H
/*
 * Whether a store is whole: every shard, the catalog, and nothing left lying
 * about; and mending what is not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct check_finding {
	const char *where; /* a file, or a table in it */
	const char *what;
	const char *todo; /* what to do about it, or what was done */
	bool mended;
};

/* The finding is borrowed until it returns. */
typedef void check_fn(const struct check_finding *f, void *arg);

struct check_options {
	bool full;   /* read every row, not only pages and ends */
	bool repair; /* mend what can be: the caller has the store's lock */
	int64_t now_ms;
};

struct check_result {
	size_t n_shards;
	size_t n_findings;
	size_t n_mended; /* of them */
	/* Shards of an earlier version, which is no finding: they are read as
	 * they are. Repairing renews them. */
	size_t n_old, n_renewed;
};

/* Call fn for each finding. ERR_*: the store cannot be looked at, or mending
 * failed. */
int check_store(const char *dir, const struct check_options *o, check_fn *fn,
    void *arg, struct check_result *out, struct err *err) MUST_CHECK;

#endif
