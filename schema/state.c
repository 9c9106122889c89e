/* SPDX-License-Identifier: ISC */
/*
 * DIR/state.db: see state.h. A new table is one more statement state_N in
 * state.sql and one row in migrations[]; those that were released stay as they
 * are.
 */
#include "schema/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/migrate.h"
#include "sql.h"

enum { STATE_APPLICATION_ID = 0x77656973 };

static const struct migration migrations[] = {
    {1, sql_state_1},
    {2, sql_state_2},
    {3, sql_state_3},
};

enum { STATE_VERSION = ARRAY_LEN(migrations) };

struct state {
	struct db *db;
};

static int
mark(void *arg, struct err *err)
{
	struct state *s = arg;

	return db_mark(s->db, STATE_APPLICATION_ID, STATE_VERSION, err);
}

static int
open_file(struct state **out, const char *path, enum db_mode mode,
    int64_t *version, struct err *err)
{
	struct state *s = xcalloc(1, sizeof *s);
	int rc = db_open(&s->db, path, mode, err);

	if (rc != 0)
		s->db = NULL;
	else
		rc = db_check_identity(s->db, STATE_APPLICATION_ID,
		    STATE_VERSION, "weir's state", version, err);
	if (rc != 0) {
		state_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int
state_open_write(struct state **out, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/state.db", dir);
	int64_t version;
	int rc = open_file(out, path, DB_CREATE_PLAIN, &version, err);

	free(path);
	if (rc == 0 && version < STATE_VERSION &&
	    (rc = migrate((*out)->db, version, migrations,
		 ARRAY_LEN(migrations), mark, *out, err)) != 0) {
		state_close(*out);
		*out = NULL;
	}
	return rc;
}

static int
bring_up_to_date(const char *dir, struct err *err)
{
	struct state *s;
	int rc = state_open_write(&s, dir, err);

	if (rc == 0)
		state_close(s);
	return rc;
}

int
state_open_read(struct state **out, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/state.db", dir);
	int64_t version = STATE_VERSION;
	int rc = 0;

	*out = NULL;
	if (access(path, F_OK) == 0)
		rc = open_file(out, path, DB_READ, &version, err);
	if (rc == 0 && version < STATE_VERSION) {
		state_close(*out);
		if ((rc = bring_up_to_date(dir, err)) == 0)
			rc = open_file(out, path, DB_READ, &version, err);
	}
	free(path);
	return rc;
}

void
state_close(struct state *s)
{
	if (s == NULL)
		return;
	db_close(s->db);
	free(s);
}

struct db *
state_db(struct state *s)
{
	return s->db;
}

int
state_change(
    const char *dir, state_change_fn *change, void *arg, struct err *err)
{
	struct state *s;
	int rc = state_open_write(&s, dir, err);

	if (rc != 0)
		return rc;
	if ((rc = db_exec(s->db, "BEGIN IMMEDIATE", err)) == 0 &&
	    ((rc = change(s, arg, err)) != 0 ||
		(rc = db_exec(s->db, "COMMIT", err)) != 0))
		db_try(s->db, "ROLLBACK");
	state_close(s);
	return rc;
}
