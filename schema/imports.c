/* SPDX-License-Identifier: ISC */
/*
 * Which files were imported: see imports.h. What of a file is in a shard is
 * the shard's to know, since it is committed with the flows; this file is only
 * told when an import begins and when all of it is safe.
 */
#include "schema/imports.h"

#include <stdio.h>
#include <stdlib.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "sql.h"

enum { IMPORTS_APPLICATION_ID = 0x77656969, IMPORTS_VERSION = 1 };

struct imports {
	struct db *db;
};

int
imports_open(struct imports **out, const char *dir, struct err *err)
{
	struct imports *im = xcalloc(1, sizeof *im);
	char *path = xasprintf("%s/imports.db", dir);
	int rc = db_open(&im->db, path, DB_CREATE_PLAIN, err);

	free(path);
	if (rc != 0)
		im->db = NULL;
	else
		rc = db_make_ours(im->db, IMPORTS_APPLICATION_ID,
		    IMPORTS_VERSION, "weir's list of imports",
		    sql_create_imports, err);
	if (rc != 0) {
		imports_close(im);
		return rc;
	}
	*out = im;
	return 0;
}

void
imports_close(struct imports *im)
{
	if (im == NULL)
		return;
	db_close(im->db);
	free(im);
}

static void
make_key(struct import_run *run, const char *sha256, int64_t began_ms)
{
	/* The time, too: an import that was asked for again is another one. */
	snprintf(run->key, sizeof run->key, "%.64s@%lld", sha256,
	    (long long)began_ms);
}

int
imports_find(struct imports *im, const char *sha256, struct import_run *out,
    struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(im->db, sql_select_import_run, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":sha256", sha256);
	if ((rc = stmt_step(q, err)) == 1) {
		*out = (struct import_run){
		    .id = stmt_int(q, 0), .ended_ms = stmt_int(q, 2)};
		make_key(out, sha256, stmt_int(q, 1));
	}
	stmt_finalize(q);
	return rc;
}

int
imports_begin(struct imports *im, const char *sha256, const char *path,
    int64_t now_ms, struct import_run *out, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(im->db, sql_begin_import, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_text(q, ":sha256", sha256);
	stmt_bind_text(q, ":path", path);
	stmt_bind_int(q, ":began_ms", now_ms);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	*out = (struct import_run){.id = db_last_id(im->db)};
	make_key(out, sha256, now_ms);
	return rc;
}

int
imports_end(struct imports *im, const struct import_run *run, int64_t now_ms,
    struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(im->db, sql_end_import, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, ":id", run->id);
	stmt_bind_int(q, ":ended_ms", now_ms);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}
