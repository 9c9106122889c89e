/* SPDX-License-Identifier: ISC */
/* From version to version: see migrate.h. */
#include "schema/migrate.h"

#include <stdio.h>

#include "schema/db.h"

static int
run_steps(struct db *db, int64_t version, const struct migration *step,
    size_t n_steps, struct err *err)
{
	char pragma[40];
	int rc = 0;

	for (size_t i = 0; i < n_steps && rc == 0; i++)
		if (step[i].version > version)
			rc = db_exec(db, step[i].sql, err);
	if (rc != 0)
		return rc;
	snprintf(pragma, sizeof pragma, "PRAGMA user_version = %d",
	    step[n_steps - 1].version);
	return db_exec(db, pragma, err);
}

int
migrate(struct db *db, int64_t version, const struct migration *step,
    size_t n_steps, migrate_fn *last, void *arg, struct err *err)
{
	int rc;

	if (version >= step[n_steps - 1].version)
		return 0;
	if ((rc = db_exec(db, "BEGIN IMMEDIATE", err)) != 0)
		return rc;
	/* Again: another process may have been faster. */
	if ((rc = db_get_int(db, "PRAGMA user_version", 0, &version, err)) !=
		0 ||
	    (rc = run_steps(db, version, step, n_steps, err)) != 0 ||
	    (last != NULL && (rc = last(arg, err)) != 0) ||
	    (rc = db_exec(db, "COMMIT", err)) != 0)
		db_try(db, "ROLLBACK");
	return rc;
}
