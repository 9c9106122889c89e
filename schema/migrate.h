/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_MIGRATE_H
#define WEIR_SCHEMA_MIGRATE_H
/*
 * Databases of an earlier version to the newest. Each step is a numbered file,
 * schema/migrate/NAME-VERSION.sql, which is never changed once it was released.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct db;

struct migration {
	int version; /* that it makes, of the one before */
	const char *sql;
};

/* More to be done inside the transaction, behind the last step. */
typedef int migrate_fn(void *arg, struct err *err);

/*
 * All steps behind version, the file's, and its new number: one transaction, so
 * that a process that is killed leaves the old or the new. step[] is by
 * version, up to the newest. last may be NULL.
 */
int migrate(struct db *db, int64_t version, const struct migration *step,
    size_t n_steps, migrate_fn *last, void *arg, struct err *err) MUST_CHECK;

#endif
