/* SPDX-License-Identifier: ISC */
/*
 * Mending a shard. In place where its rows are sound; else what can be read
 * goes into a fresh one, and the damaged file is set aside.
 */
#include "schema/check_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/salvage.h"
#include "schema/shard.h"
#include "schema/store.h"
#include "sql.h"

static int
mend(struct check *c, const struct store_shard *file, struct err *err)
{
	bool over = file->day < clock_day(c->options->now_ms);
	struct shard *s;
	struct stat st;
	char *sql;
	int rc;

	if (stat(file->path, &st) == 0 && catalog_is_finished(&st))
		over = true; /* as it was */
	if ((rc = shard_open_write(&s, file->path, 0, err)) != 0)
		return rc;
	if (c->remedy == REMEDY_MEND && (rc = shard_mend(s, err)) == 0) {
		sql = xasprintf(
		    "DELETE FROM packet WHERE id IN (%s)", sql_bad_packets);
		rc = db_exec(shard_db(s), sql, err);
		free(sql);
	}
	if (rc == 0 && over)
		rc = shard_finish(s, err);
	shard_close(s);
	return rc;
}

static int
move_aside(const char *path, const char *aside, struct err *err)
{
	static const char *const parts[] = {"", "-wal", "-shm", "-journal"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(parts) && rc == 0; i++) {
		char *from = xasprintf("%s%s", path, parts[i]);
		char *to = xasprintf("%s%s", aside, parts[i]);

		if (rename(from, to) != 0 && (i == 0 || errno != ENOENT))
			rc = err_sys(err, "%s: cannot set aside", from);
		free(from);
		free(to);
	}
	return rc;
}

/* A name that is not taken; free() it. */
static char *
name_aside(const char *path, int64_t now_s)
{
	char *aside;

	while (aside = xasprintf("%s.damaged-%lld", path, (long long)now_s++),
	    access(aside, F_OK) == 0)
		free(aside);
	return aside;
}

/* done: what was saved, in words. */
static int
save(struct check *c, const struct store_shard *file, char *done, size_t len,
    struct err *err)
{
	char *fresh = xasprintf("%s" STORE_SAVING, file->path);
	char *aside = name_aside(file->path, c->options->now_ms / MS_PER_S);
	struct salvaged saved;
	int rc;

	(void)unlink(fresh);
	if ((rc = salvage_shard(file->path, fresh, &saved, err)) != 0 ||
	    (rc = move_aside(file->path, aside, err)) != 0)
		goto out;
	if (saved.n_flows > 0 && rename(fresh, file->path) != 0) {
		rc = err_sys(err, "%s: cannot put in place", fresh);
		goto out;
	}
	snprintf(done, len,
	    "%llu flows saved, %llu known to be lost; the file is now %.300s",
	    (unsigned long long)saved.n_flows, (unsigned long long)saved.n_lost,
	    aside);
out:
	if (rc != 0 || saved.n_flows == 0)
		(void)unlink(fresh);
	free(fresh);
	free(aside);
	return rc;
}

int
check_repair(struct check *c, const struct store_shard *file, struct err *err)
{
	char done[500] = "mended";
	int rc = 0;

	if (c->remedy < REMEDY_SAVE) {
		bool finish = c->remedy == REMEDY_FINISH;

		if ((rc = mend(c, file, err)) != 0 && rc != ERR_CORRUPT)
			return rc;
		if (finish)
			snprintf(done, sizeof done, "finished");
		c->silent = true;
		rc = check_look_at(c, file);
		c->silent = false;
		if (c->remedy == REMEDY_NONE) {
			check_tell(c, done);
			return rc;
		}
	}
	if (c->remedy == REMEDY_USER) {
		check_tell(c, NULL);
		return 0;
	}
	if ((rc = save(c, file, done, sizeof done, err)) == 0)
		check_tell(c, done);
	return rc;
}
