/* SPDX-License-Identifier: ISC */
/*
 * Whether a store is whole: see check.h. Each shard is looked at as of one
 * moment, so that a process that writes is no hindrance; mending has the store
 * to itself.
 */
#include "schema/check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/db.h"
#include "schema/salvage.h"
#include "schema/shard.h"
#include "schema/store.h"
#include "sql.h"

/* What can be done about a shard's findings; the worst one decides. */
enum remedy {
	REMEDY_NONE,   /* nothing found */
	REMEDY_FINISH, /* seal and close the day */
	REMEDY_MEND,   /* recount, build indexes */
	REMEDY_SAVE,   /* save what can be read, set the file aside */
	REMEDY_USER,   /* not ours to do */
};

struct check {
	const char *dir;
	const struct check_options *options;
	check_fn *fn;
	void *arg;
	struct check_result *result;
	bool writer; /* a process writes to the store */
	bool silent; /* looking again after mending: only remedy counts */
	struct shard *shard;
	enum remedy remedy; /* of the shard */
	size_t n_pending;   /* its findings, not reported yet */
	char **pending;     /* where, what, in turns */
	size_t cap_pending;
};

/* ---- findings ---- */

static void
report(struct check *c, const char *where, const char *what, const char *todo,
    bool mended)
{
	const struct check_finding f = {where, what, todo, mended};

	c->result->n_findings++;
	c->result->n_mended += mended;
	c->fn(&f, c->arg);
}

/* Of the shard being looked at: told when it is known what comes of it. */
static void
find(struct check *c, enum remedy remedy, const char *where, const char *what)
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

/* mended: what was done, NULL when nothing was. */
static void
tell_pending(struct check *c, const char *mended)
{
	static const char *const todo[] = {
	    [REMEDY_NONE] = "",
	    [REMEDY_FINISH] = "weir check --repair finishes it",
	    [REMEDY_MEND] = "weir check --repair mends it",
	    [REMEDY_SAVE] = "weir check --repair saves what can be read",
	    [REMEDY_USER] = "see to it that this weir can read it",
	};

	for (size_t i = 0; i < c->n_pending; i++) {
		report(c, c->pending[2 * i], c->pending[2 * i + 1],
		    mended != NULL ? mended : todo[c->remedy], mended != NULL);
		free(c->pending[2 * i]);
		free(c->pending[2 * i + 1]);
	}
	c->n_pending = 0;
}

/* ---- one shard ---- */

/* The first row of a query, as numbers; NULL counts as 0. */
static int
get_row(struct check *c, const char *template, uint32_t segment_id,
    int64_t *values, int n, struct err *err)
{
	char *sql = segment_sql(template, segment_id, "");
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard), sql, &q, err);

	free(sql);
	for (int i = 0; i < n; i++)
		values[i] = 0;
	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		for (int i = 0; i < n; i++)
			values[i] = stmt_int(q, i);
		rc = 0;
	}
	stmt_finalize(q);
	return rc;
}

/* SQLite's own check: its first complaint. */
static int
check_pages(struct check *c, struct err *err)
{
	const char *path = shard_path(c->shard);
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard),
	    c->options->full ? "PRAGMA integrity_check(1)"
			     : "PRAGMA quick_check(1)",
	    &q, err);

	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		rc = 0;
		if (strcmp(stmt_text(q, 0), "ok") != 0) {
			char what[300];

			snprintf(what, sizeof what, "damaged: %.250s",
			    stmt_text(q, 0));
			for (char *p = what; *p != '\0'; p++)
				if (*p == '\n')
					*p = ' ';
			find(c, REMEDY_SAVE, path, what);
		}
	}
	stmt_finalize(q);
	return rc;
}

static int
check_indexes(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	const char *column;
	struct stmt *q = NULL;
	int rc = db_prepare(shard_db(c->shard), sql_check_index, &q, err);

	for (size_t i = 0;
	     rc == 0 && (column = segment_index_column(i)) != NULL; i++) {
		char name[64], what[100];

		snprintf(name, sizeof name, "flow_%04u_%s", g->id, column);
		stmt_bind_text(q, ":name", name);
		if ((rc = stmt_step(q, err)) == 1) {
			snprintf(what, sizeof what, "no index on %s", column);
			if (stmt_int(q, 0) == 0)
				find(c, REMEDY_MEND, where, what);
			stmt_reset(q);
			rc = 0;
		}
	}
	stmt_finalize(q);
	return rc;
}

static int
check_all_rows(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	int64_t got[6], strays = 0;
	const int64_t want[] = {(int64_t)g->n_flows, g->min_start_ms,
	    g->max_start_ms, g->min_end_ms, g->max_end_ms, g->max_duration_ms};
	static const char *const names[] = {"number of flows", "earliest start",
	    "latest start", "earliest end", "latest end", "longest duration"};
	char what[160];
	int rc = get_row(c, sql_count_segment, g->id, got, 6, err);

	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(want); i++) {
		if (got[i] == want[i])
			continue;
		snprintf(what, sizeof what,
		    "%s is %lld, table segment says %lld", names[i],
		    (long long)got[i], (long long)want[i]);
		find(c, REMEDY_MEND, where, what);
	}
	if (rc != 0 ||
	    (rc = get_row(c, sql_count_strays, g->id, &strays, 1, err)) != 0 ||
	    strays == 0)
		return rc;
	snprintf(what, sizeof what,
	    "%lld flows of a source that is not in table source",
	    (long long)strays);
	find(c, REMEDY_SAVE, where, what);
	return 0;
}

/* What the ends of the table and of its index on end_ms tell. */
static int
check_ends(struct check *c, const struct segment *g, const char *where,
    struct err *err)
{
	int64_t got[3];
	int rc = get_row(c, sql_check_ends, g->id, got, 3, err);

	if (rc != 0)
		return rc;
	if (got[0] != (int64_t)g->n_flows)
		find(c, REMEDY_MEND, where,
		    "its rows are not as many as table segment says");
	else if (g->n_flows > 0 &&
		 (got[1] != g->min_end_ms || got[2] != g->max_end_ms))
		find(c, REMEDY_MEND, where,
		    "its bounds are not what table segment says");
	return 0;
}

static int
check_segment(struct check *c, const struct segment *g, struct err *err)
{
	char where[600];
	int rc = 0;

	snprintf(where, sizeof where, "%.500s: segment %u",
	    shard_path(c->shard), g->id);
	if (g->sealed)
		rc = check_indexes(c, g, where, err);
	/* A segment without indexes is read whole for this: full alone. */
	if (rc == 0 && (g->sealed || c->options->full))
		rc = check_ends(c, g, where, err);
	if (rc == 0 && c->options->full)
		rc = check_all_rows(c, g, where, err);
	return rc;
}

static int
check_packets(struct check *c, struct err *err)
{
	int64_t n = 0;
	char *sql, what[100];
	int rc;

	sql = xasprintf("SELECT count(*) FROM (%s)", sql_bad_packets);
	rc = get_row(c, sql, 0, &n, 1, err);
	free(sql);
	if (rc == 0 && n > 0) {
		snprintf(what, sizeof what,
		    "%lld rows of table packet point to flows that are not "
		    "theirs",
		    (long long)n);
		find(c, REMEDY_MEND, shard_path(c->shard), what);
	}
	return rc;
}

static int
check_content(struct check *c, struct err *err)
{
	const struct segment *g;
	int64_t odd;
	size_t n;
	int rc = check_pages(c, err);

	if (rc != 0 || c->remedy == REMEDY_SAVE)
		return rc;
	g = shard_segments(c->shard, &n);
	if (n == 0)
		return 0; /* just came into being */
	if ((rc = get_row(c, sql_check_segments, 0, &odd, 1, err)) != 0)
		return rc;
	if (odd != 0) {
		find(c, REMEDY_SAVE, shard_path(c->shard),
		    "damaged: table segment does not name the tables that "
		    "there are");
		return 0;
	}
	if ((rc = get_row(c, sql_check_sources, 0, &odd, 1, err)) != 0)
		return rc;
	if (odd != 0)
		find(c, REMEDY_SAVE, shard_path(c->shard),
		    "damaged: rows of table source are missing");
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = check_segment(c, &g[i], err);
	if (rc == 0 && c->options->full)
		rc = check_packets(c, err);
	return rc;
}

/* Busy or out of memory is no finding; anything else the file's fault. */
static int
find_error(struct check *c, const char *path, int rc, const struct err *err)
{
	const char *text = err->text;
	size_t len = strlen(path);

	if (access(path, F_OK) != 0 && errno == ENOENT)
		return 0; /* expired meanwhile */
	if (strncmp(text, path, len) == 0 && strncmp(text + len, ": ", 2) == 0)
		text += len + 2;
	find(c, rc == ERR_CORRUPT ? REMEDY_SAVE : REMEDY_USER, path, text);
	return 0;
}

static void
check_finished(struct check *c, const struct store_shard *file)
{
	struct stat st;

	if (file->day < clock_day(c->options->now_ms) && !c->writer &&
	    stat(file->path, &st) == 0 && !catalog_is_finished(&st))
		find(c, REMEDY_FINISH, file->path,
		    "the day is over, its shard is not finished");
}

static int
look_at_shard(struct check *c, const struct store_shard *file)
{
	struct err err;
	int rc;

	c->remedy = REMEDY_NONE;
	c->shard = NULL;
	if ((rc = shard_open_read(&c->shard, file->path, &err)) == 0 &&
	    (rc = shard_begin_read(c->shard, &err)) == 0) {
		rc = check_content(c, &err);
		shard_end_read(c->shard);
	}
	shard_close(c->shard);
	c->shard = NULL;
	if (rc != 0)
		rc = find_error(c, file->path, rc, &err);
	else
		check_finished(c, file);
	return rc;
}

/* ---- mending ---- */

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

/* Mend, and look again; what did not help is done more thoroughly. */
static int
repair_shard(struct check *c, const struct store_shard *file, struct err *err)
{
	char done[500] = "mended";
	int rc = 0;

	if (c->remedy == REMEDY_FINISH || c->remedy == REMEDY_MEND) {
		bool finish = c->remedy == REMEDY_FINISH;

		if ((rc = mend(c, file, err)) != 0 && rc != ERR_CORRUPT)
			return rc;
		if (finish)
			snprintf(done, sizeof done, "finished");
		c->silent = true;
		rc = look_at_shard(c, file);
		c->silent = false;
		if (c->remedy == REMEDY_NONE) {
			tell_pending(c, done);
			return rc;
		}
	}
	if (c->remedy == REMEDY_USER) {
		tell_pending(c, NULL);
		return 0;
	}
	if ((rc = save(c, file, done, sizeof done, err)) == 0)
		tell_pending(c, done);
	return rc;
}

static int
check_shard(struct check *c, const struct store_shard *file, struct err *err)
{
	int rc = look_at_shard(c, file);

	if (rc == 0 && c->remedy != REMEDY_NONE && c->options->repair)
		rc = repair_shard(c, file, err);
	/* After an error of mending, what was found is told all the same. */
	tell_pending(c, NULL);
	return rc;
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
			report(c, path, "left by something interrupted",
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

/* ---- the catalog ---- */

static bool
same_row(const struct catalog_day *a, const struct catalog_day *b)
{
	const struct segment *x = &a->whole, *y = &b->whole;

	return a->n_segments == b->n_segments && x->n_flows == y->n_flows &&
	       x->min_start_ms == y->min_start_ms &&
	       x->max_start_ms == y->max_start_ms &&
	       x->min_end_ms == y->min_end_ms &&
	       x->max_end_ms == y->max_end_ms &&
	       x->max_duration_ms == y->max_duration_ms;
}

/* What is wrong with the row of a shard, or NULL. */
static const char *
compare_row(const struct catalog *k, const struct store_shard *file)
{
	const struct catalog_day *d = catalog_find(k, file->day);
	struct catalog_day want = {0};
	struct shard *s = NULL;
	struct stat st;
	bool known = false;

	if (stat(file->path, &st) != 0 || !catalog_is_finished(&st))
		return NULL;
	if (shard_open_read(&s, file->path, NULL) == 0 &&
	    shard_begin_read(s, NULL) == 0) {
		catalog_describe(&want, file->day, s, &st);
		known = true;
		shard_end_read(s);
	}
	shard_close(s);
	if (!known)
		return NULL; /* a finding of its own */
	if (d == NULL || !catalog_counts(d, &st))
		return "has no row that is up to date";
	return same_row(d, &want) ? NULL : "has a row with wrong bounds";
}

static void
report_row(struct check *c, const char *path, int32_t day, const char *what)
{
	char text[CLOCK_DAY_LEN + 100], name[CLOCK_DAY_LEN];

	clock_format_day(day, name);
	snprintf(text, sizeof text, "%s %s", name, what);
	report(c, path, text,
	    c->options->repair ? "made anew"
			       : "weir check --repair makes it anew",
	    c->options->repair);
}

static bool
is_listed(const struct store_list *list, int32_t day)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->shard[i].day == day)
			return true;
	return false;
}

static void
check_rows(struct check *c, const char *path, const struct catalog *k,
    const struct store_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *what = compare_row(k, &list->shard[i]);

		if (what != NULL)
			report_row(c, path, list->shard[i].day, what);
	}
	for (size_t i = 0; i < k->n; i++)
		if (!is_listed(list, k->day[i].day))
			report_row(c, path, k->day[i].day,
			    "has a row, but there is no shard");
}

static bool
any_finished(const struct store_list *list)
{
	struct stat st;

	for (size_t i = 0; i < list->n; i++)
		if (stat(list->shard[i].path, &st) == 0 &&
		    catalog_is_finished(&st))
			return true;
	return false;
}

/* When shards were mended their rows are old: no finding. */
static int
check_catalog(struct check *c, const struct store_list *list, struct err *err)
{
	char *path = catalog_path(c->dir);
	size_t before = c->result->n_findings;
	struct catalog k;
	struct err why;
	int rc = 0, read;

	if (c->options->repair && c->result->n_mended > 0 &&
	    (rc = catalog_refresh(c->dir, err)) != 0)
		goto out;
	read = catalog_read(&k, c->dir, &why);
	if (read == 0)
		check_rows(c, path, &k, list);
	else if (read == ERR_NEWER)
		report(c, path, "is of a newer weir", "upgrade weir", false);
	else if (any_finished(list))
		report(c, path,
		    access(path, F_OK) != 0 ? "is missing" : "cannot be read",
		    c->options->repair ? "made anew"
				       : "weir check --repair makes it anew",
		    c->options->repair);
	if (c->options->repair && c->result->n_findings > before &&
	    read != ERR_NEWER)
		rc = catalog_rebuild(c->dir, err);
	catalog_release(&k);
out:
	free(path);
	return rc;
}

/* ---- the store ---- */

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
