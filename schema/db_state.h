/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_DB_STATE_H
#define WEIR_SCHEMA_DB_STATE_H
/* What db.c and db_bulk.c share, and nobody else. */
#include "schema/db.h"
#include "schema/sqlite_api.h"

struct db {
	sqlite3 *handle;
	char *path;
	db_stop_fn *stop;
	void *stop_arg;
};

struct stmt {
	sqlite3_stmt *handle;
	struct db *db;
};

/* The ERR_* code of a result of SQLite, with the file's name in err. */
int db_fail(struct db *db, int rc, struct err *err);

/* Make the SQL function that stmt_set_holds is for; SQLite's result. */
int db_add_holds(struct db *db);

#endif
