/* SPDX-License-Identifier: ISC */
/*
 * Whether a store is whole: see check.h. Each shard is looked at as of one
 * moment, so that a process that writes is no hindrance; mending has the store
 * to itself.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/base/mem.h"
#include "schema/check_state.h"
#include "schema/store.h"

/* ---- findings ---- */

void
check_report(struct check *c, const char *where, const char *what,
    const char *todo, bool mended)
{
	const struct check_finding f = {where, what, todo, mended};

	c->result->n_findings++;
	c->result->n_mended += mended;
	c->fn(&f, c->arg);
}

void
check_find(
    struct check *c, enum remedy remedy, const char *where, const char *what)
{
	if (remedy > c->remedy)
		c->remedy = remedy;
	if (c->silent)
		return;
	c->pending = xgrow(
	    c->pending, c->n_pending, &c->cap_pending, 2 * sizeof *c->pending);
	c->pending[2 * c->n_pending] = xstrdup(where);
	c->pending[2 * c->n_pending + 1] = xstrdup(what);
	c->n_pending++;
}

void
check_tell(struct check *c, const char *mended)
{
	static const char *const todo[] = {
	    [REMEDY_NONE] = "",
	    [REMEDY_RENEW] = "",
	    [REMEDY_FINISH] = "weir check --repair finishes it",
	    [REMEDY_MEND] = "weir check --repair mends it",
	    [REMEDY_SAVE] = "weir check --repair saves what can be read",
	    [REMEDY_USER] = "see to it that this weir can read it",
	};

	for (size_t i = 0; i < c->n_pending; i++) {
		check_report(c, c->pending[2 * i], c->pending[2 * i + 1],
		    mended != NULL ? mended : todo[c->remedy], mended != NULL);
		free(c->pending[2 * i]);
		free(c->pending[2 * i + 1]);
	}
	c->n_pending = 0;
}

/* ---- leftovers ---- */

static bool
ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), n = strlen(end);

	return len > n && strcmp(name + len - n, end) == 0;
}

/* DAY.db.removed, DAY.db.saving, and what belongs to a shard that is gone. */
static bool
is_leftover(const char *folder, const char *name)
{
	static const char *const with[] = {"-wal", "-shm", "-journal"};
	char *owner;
	bool yes;

	if (strstr(name, ".db" STORE_REMOVED) != NULL ||
	    strstr(name, ".db" STORE_COPYING) != NULL ||
	    strstr(name, ".db" STORE_SAVING) != NULL)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		if (!ends_with(name, with[i]))
			continue;
		owner = xasprintf("%s/%.*s", folder,
		    (int)(strlen(name) - strlen(with[i])), name);
		yes = access(owner, F_OK) != 0 && errno == ENOENT;
		free(owner);
		return yes;
	}
	return false;
}

static int
check_leftovers(struct check *c, struct err *err)
{
	char *folder = xasprintf("%s/shards", c->dir);
	DIR *d = opendir(folder);
	const struct dirent *e;
	int rc = 0;

	while (d != NULL && rc == 0 && (e = readdir(d)) != NULL) {
		char *path = xasprintf("%s/%s", folder, e->d_name);

		if (is_leftover(folder, e->d_name)) {
			if (c->options->repair && unlink(path) != 0)
				rc = err_sys(err, "%s: cannot remove", path);
			check_report(c, path, "left by something interrupted",
			    c->options->repair && rc == 0
				? "removed"
				: "weir check --repair removes it",
			    c->options->repair && rc == 0);
		}
		free(path);
	}
	if (d != NULL)
		closedir(d);
	free(folder);
	return rc;
}

/* ---- the store ---- */

static int
check_shard(struct check *c, const struct store_shard *file, struct err *err)
{
	int rc = check_look_at(c, file);
	bool was_old = c->old;

	c->result->n_old += was_old;
	if (rc == 0 && c->remedy != REMEDY_NONE && c->options->repair)
		rc = check_repair(c, file, err);
	c->result->n_renewed += was_old && !c->old;
	/* After an error of mending, what was found is told all the same. */
	check_tell(c, NULL);
	return rc;
}

int
check_store(const char *dir, const struct check_options *o, check_fn *fn,
    void *arg, struct check_result *out, struct err *err)
{
	struct check c = {.dir = dir,
	    .options = o,
	    .fn = fn,
	    .arg = arg,
	    .result = out,
	    .writer = !o->repair && store_writer(dir) != 0};
	struct store_list list;
	int rc = store_list(&list, dir, err);

	*out = (struct check_result){0};
	if (rc != 0)
		return rc;
	out->n_shards = list.n;
	for (size_t i = 0; i < list.n && rc == 0; i++)
		rc = check_shard(&c, &list.shard[i], err);
	if (rc == 0 && (rc = check_leftovers(&c, err)) == 0)
		rc = check_catalog(&c, &list, err);
	free(c.pending);
	store_list_release(&list);
	return rc;
}
