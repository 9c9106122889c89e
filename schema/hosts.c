/* SPDX-License-Identifier: ISC */
/*
 * The cache of host names: see hosts.h. Several reports may write it at once,
 * each in one short transaction at its end; SQLite makes them wait for each
 * other.
 */
#include "schema/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "sql.h"

enum { HOSTS_APPLICATION_ID = 0x7765696e, HOSTS_VERSION = 1 };

struct hosts {
	struct db *db;
	struct stmt *find;
};

static int
open_db(struct hosts *h, const char *path, enum db_mode mode, struct err *err)
{
	int rc = db_open(&h->db, path, mode, err);

	if (rc == 0)
		rc = db_make_ours(h->db, HOSTS_APPLICATION_ID, HOSTS_VERSION,
		    "weir's cache of names", sql_create_hosts, err);
	if (rc == 0)
		rc = db_prepare(h->db, sql_select_host, &h->find, err);
	if (rc != 0) {
		db_close(h->db);
		h->db = NULL;
	}
	return rc;
}

int
hosts_open(struct hosts **out, const char *dir, struct err *err)
{
	struct hosts *h = xcalloc(1, sizeof *h);
	char *path = xasprintf("%s/names.db", dir);
	int rc = open_db(h, path, DB_CREATE_PLAIN, err);

	/* Who may not write may still read. */
	if (rc == ERR_SYSTEM && access(path, R_OK) == 0)
		rc = open_db(h, path, DB_READ, err);
	free(path);
	if (rc != 0) {
		hosts_close(h);
		return rc;
	}
	*out = h;
	return 0;
}

void
hosts_close(struct hosts *h)
{
	if (h == NULL)
		return;
	stmt_finalize(h->find);
	db_close(h->db);
	free(h);
}

int
hosts_find(struct hosts *h, const struct addr *addr, int64_t now_ms,
    char **name, struct err *err)
{
	char text[ADDR_TEXT_LEN];
	int rc;

	addr_format(addr, text);
	stmt_bind_text(h->find, ":address", text);
	stmt_bind_int(h->find, ":now_ms", now_ms);
	if ((rc = stmt_step(h->find, err)) != 1)
		return rc;
	*name =
	    stmt_int(h->find, 0) != 0 ? xstrdup(stmt_text(h->find, 1)) : NULL;
	stmt_reset(h->find);
	return 1;
}

static int
put_each(struct hosts *h, const struct host *host, size_t n, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(h->db, sql_put_host, &q, err);

	for (size_t i = 0; rc == 0 && i < n; i++) {
		char text[ADDR_TEXT_LEN];

		addr_format(&host[i].addr, text);
		stmt_bind_text(q, ":address", text);
		stmt_bind_text(q, ":name", host[i].name);
		stmt_bind_int(q, ":expires_ms", host[i].expires_ms);
		rc = stmt_run(q, err);
	}
	stmt_finalize(q);
	return rc;
}

static int
run_with(struct db *db, const char *sql, const char *name, int64_t value,
    struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql, &q, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(q, name, value);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

int
hosts_put(struct hosts *h, const struct host *host, size_t n, int64_t now_ms,
    struct err *err)
{
	int rc = db_exec(h->db, "BEGIN IMMEDIATE", err);

	if (rc != 0)
		return rc;
	if ((rc = put_each(h, host, n, err)) != 0 ||
	    (rc = run_with(h->db, sql_expire_hosts, ":now_ms", now_ms, err)) !=
		0 ||
	    (rc = run_with(h->db, sql_shrink_hosts, ":max", HOSTS_MAX, err)) !=
		0 ||
	    (rc = db_exec(h->db, "COMMIT", err)) != 0)
		db_try(h->db, "ROLLBACK");
	return rc;
}
