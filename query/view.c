/* SPDX-License-Identifier: ISC */
/* One shard as of one moment: see view.h. */
#include "query/view.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/ast.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"

/* What was there when the shard was opened; shared by all who join. */
struct moment {
	const struct segment *segment;
	size_t n_segments;
	int64_t *last_id; /* by segment; INT64_MAX: no row can come behind */
	const struct source *source; /* by position id - 1 */
	size_t n_sources;
	size_t *exporter; /* position in exporters, by the same */
	const struct addr *exporters;
	size_t n_exporters;
	dev_t dev; /* of the file */
	ino_t ino;
};

struct view {
	struct shard *shard;
	struct moment *moment;
	bool joined;       /* moment is another's */
	struct stmt *rows; /* of the segment being read; NULL: none left */
	/* Statement for the bulk of segment bulk_id; NULL: none. */
	struct stmt *bulk;
	uint32_t bulk_id;
	struct db_taker taker;
	struct view_sink *sink;
	int64_t *source_id; /* of a batch */
	struct err *err;
	int rc; /* why taking ended */
};

/* ---- exporters ---- */

struct exporter_node {
	struct addr addr;
	size_t position;
};

static int
compare_nodes(const void *a, const void *b)
{
	const struct exporter_node *x = a, *y = b;

	if (x->addr.family != y->addr.family)
		return x->addr.family < y->addr.family ? -1 : 1;
	return memcmp(x->addr.bytes, y->addr.bytes, sizeof x->addr.bytes);
}

void
exporters_release(struct exporters *x)
{
	tdestroy(x->tree, free);
	for (size_t i = 0; i < x->n_old; i++)
		free(x->old[i]);
	free(x->old);
	free(x->addr);
	*x = (struct exporters){0};
}

static void
add_exporter(struct exporters *x, const struct addr *a)
{
	if (x->n == x->cap) {
		struct addr *more;

		x->cap = x->cap > 0 ? 2 * x->cap : 16;
		more = xcalloc(x->cap, sizeof *more);
		if (x->n > 0)
			memcpy(more, x->addr, x->n * sizeof *more);
		x->old =
		    xgrow(x->old, x->n_old, &x->cap_old, sizeof(struct addr *));
		x->old[x->n_old++] = x->addr;
		x->addr = more;
	}
	x->addr[x->n++] = *a;
}

static size_t
exporter_position(struct exporters *x, const struct addr *a)
{
	struct exporter_node *node = xcalloc(1, sizeof *node);
	struct exporter_node **found;

	*node = (struct exporter_node){*a, x->n};
	found = tsearch(node, &x->tree, compare_nodes);
	if (found == NULL)
		abort(); /* no memory, as in schema/base/mem.c */
	if (*found != node)
		free(node);
	else
		add_exporter(x, a);
	return (*found)->position;
}

/* ---- the moment ---- */

static void
map_exporters(struct moment *m, struct exporters *x)
{
	m->exporter = xreallocarray(NULL, m->n_sources, sizeof *m->exporter);
	for (size_t i = 0; i < m->n_sources; i++)
		m->exporter[i] = exporter_position(x, &m->source[i].exporter);
	m->exporters = x->addr;
	m->n_exporters = x->n;
}

/* Of a segment that takes rows; not their count, in case some were lost. */
static int
find_last_id(
    struct db *db, const struct segment *g, int64_t *out, struct err *err)
{
	char sql[60];

	*out = INT64_MAX;
	if (g->sealed || g->n_flows == 0)
		return 0;
	snprintf(sql, sizeof sql, "SELECT max(id) FROM flow_%04u", g->id);
	return db_get_int(db, sql, 0, out, err);
}

static int
find_last_ids(struct moment *m, struct shard *s, struct err *err)
{
	int rc = 0;

	m->last_id = xcalloc(m->n_segments, sizeof *m->last_id);
	for (size_t i = 0; i < m->n_segments && rc == 0; i++)
		rc = find_last_id(
		    shard_db(s), &m->segment[i], &m->last_id[i], err);
	return rc;
}

static int
take_moment(struct view *v, struct exporters *x, struct err *err)
{
	struct moment *m = v->moment;
	int rc = shard_begin_read(v->shard, err);

	if (rc != 0)
		return rc;
	m->segment = shard_segments(v->shard, &m->n_segments);
	m->source = shard_sources(v->shard, &m->n_sources);
	if ((rc = find_last_ids(m, v->shard, err)) == 0)
		map_exporters(m, x);
	shard_end_read(v->shard);
	return rc;
}

static void
moment_free(struct moment *m)
{
	free(m->last_id);
	free(m->exporter);
	free(m);
}

/* ---- the shard ---- */

/* Expiry may come between listing and opening. */
static bool
is_gone(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

static int on_full(struct db_taker *t);

/* As view_open; st tells the file. */
static int
open_shard(struct view *v, const char *path, struct stat *st, struct err *err)
{
	struct stat before;
	int rc;

	/* The name was another file's before or after: as if it was removed,
	 * and another shard came. */
	if (stat(path, &before) != 0)
		before = (struct stat){0};
	if ((rc = shard_open_read(&v->shard, path, err)) != 0)
		return is_gone(path) ? 0 : rc;
	if (stat(path, st) != 0 || st->st_ino != before.st_ino ||
	    st->st_dev != before.st_dev)
		return 0;
	v->source_id = xcalloc(BATCH_MAX, sizeof *v->source_id);
	v->taker = (struct db_taker){.full = on_full, .arg = v};
	rc = db_set_taker(shard_db(v->shard), &v->taker, err);
	return rc != 0 ? rc : 1;
}

int
view_open(
    struct view **out, const char *path, struct exporters *x, struct err *err)
{
	struct view *v = xcalloc(1, sizeof *v);
	struct stat st = {0};
	int rc;

	v->moment = xcalloc(1, sizeof *v->moment);
	if ((rc = open_shard(v, path, &st, err)) == 1) {
		v->moment->dev = st.st_dev;
		v->moment->ino = st.st_ino;
		if ((rc = take_moment(v, x, err)) == 0)
			rc = 1;
	}
	if (rc != 1) {
		view_close(v);
		return rc;
	}
	*out = v;
	return 1;
}

int
view_join(struct view **out, const struct view *first, struct err *err)
{
	struct view *v = xcalloc(1, sizeof *v);
	struct stat st = {0};
	int rc;

	v->moment = first->moment;
	v->joined = true;
	rc = open_shard(v, shard_path(first->shard), &st, err);
	if (rc == 1 &&
	    (st.st_dev != v->moment->dev || st.st_ino != v->moment->ino))
		rc = 0;
	if (rc != 1) {
		view_close(v);
		return rc;
	}
	*out = v;
	return 1;
}

static void
end_reading(struct view *v)
{
	stmt_finalize(v->rows);
	v->rows = NULL;
}

static void
end_bulk(struct view *v)
{
	stmt_finalize(v->bulk);
	v->bulk = NULL;
}

void
view_close(struct view *v)
{
	if (v == NULL)
		return;
	end_reading(v);
	end_bulk(v);
	if (!v->joined)
		moment_free(v->moment);
	shard_close(v->shard);
	free(v->source_id);
	free(v);
}

const struct segment *
view_segments(const struct view *v, size_t *n)
{
	*n = v->moment->n_segments;
	return v->moment->segment;
}

const char *
view_path(const struct view *v)
{
	return shard_path(v->shard);
}

void
view_set_stop(struct view *v, bool (*fn)(void *), void *arg)
{
	db_set_stop(shard_db(v->shard), fn, arg);
}

/* ---- statements ---- */

static bool
set_holds(const void *set, int64_t value)
{
	return ast_holds(set, value);
}

static int
prepare_compiled(struct view *v, const struct compiled *sql, struct stmt **out,
    struct err *err)
{
	int rc = db_prepare(shard_db(v->shard), buf_str(&sql->sql), out, err);

	for (size_t i = 0; i < sql->n_binds && rc == 0; i++) {
		const struct compiled_bind *b = &sql->bind[i];

		if (b->set != NULL)
			stmt_set_holds(*out, (int)i + 1, set_holds, b->set);
		else
			stmt_set_int(*out, (int)i + 1, b->value);
	}
	return rc;
}

static int
compile(const struct view *v, const struct view_task *t, bool bulk,
    struct compiled *out, struct err *err)
{
	const struct moment *m = v->moment;
	const struct compile_target target = {
	    .segment = t->segment,
	    .source = m->source,
	    .n_sources = m->n_sources,
	    .columns = t->columns,
	    .path = t->path,
	    .rows = t->rows,
	    .in_order = t->in_order,
	    .bulk = bulk,
	};

	return compile_segment(out, t->filter, &target, err);
}

int
view_compile(struct view *v, const struct view_task *task, struct compiled *out,
    struct err *err)
{
	return compile(v, task, true, out, err);
}

static int
prepare(struct view *v, const struct view_task *t, bool bulk, struct stmt **out,
    struct err *err)
{
	struct compiled sql;
	int rc = compile(v, t, bulk, &sql, err);

	if (rc == 0)
		rc = prepare_compiled(v, &sql, out, err);
	compiled_release(&sql);
	return rc;
}

/* ---- the plan ---- */

struct count {
	struct view *view;
	const struct segment *segment;
};

/* What cannot be counted is not searched that way either: an index that is
 * damaged, a reader that was stopped. */
static bool
count_rows(
    void *arg, const struct ast *condition, uint64_t limit, uint64_t *n_rows)
{
	const struct count *c = arg;
	struct compiled sql;
	struct stmt *q = NULL;
	int rc = compile_count(&sql, c->segment, condition, limit, NULL);

	if (rc == 0)
		rc = prepare_compiled(c->view, &sql, &q, NULL);
	if (rc == 0)
		rc = stmt_step(q, NULL);
	if (rc == 1)
		*n_rows = (uint64_t)stmt_int(q, 0);
	stmt_finalize(q);
	compiled_release(&sql);
	return rc == 1;
}

struct plan_path
view_plan(struct view *v, const struct segment *g, const struct filter *f)
{
	struct count count = {v, g};
	const struct plan_counter counter = {count_rows, &count};

	return plan_path(f, g, &counter);
}

/* The rows of the moment among those asked for. */
static struct compile_rows
clip(const struct view *v, const struct segment *g, struct compile_rows rows)
{
	int64_t last = v->moment->last_id[g - v->moment->segment];

	if (rows.first == 0 && last == INT64_MAX)
		return rows;
	if (rows.first == 0)
		return (struct compile_rows){1, last};
	if (rows.last > last)
		rows.last = last;
	return rows;
}

/* Where the values of a result go in b, in the order of the result. */
static size_t
aim(const struct view *v, const struct batch *b, int64_t **column)
{
	flow_column_set all = b->id != NULL ? FLOW_ROW_ID : 0;
	size_t n = 0;

	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL)
			all |= (flow_column_set)1 << c;
	if (compile_has_source(all))
		column[n++] = v->source_id;
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL &&
		    ((flow_column_set)1 << c & COMPILE_SOURCE_COLUMNS) == 0)
			column[n++] = b->col[c];
	if (b->id != NULL)
		column[n++] = b->id;
	return n;
}

static int
check_sources(const struct view *v, const struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++)
		if ((uint64_t)v->source_id[i] - 1 >= v->moment->n_sources)
			return err_set(err, ERR_CORRUPT,
			    "%s: a flow of source %lld, which is not in table "
			    "source",
			    shard_path(v->shard), (long long)v->source_id[i]);
	return 0;
}

static void
fill_sources(const struct view *v, struct batch *b)
{
	const struct moment *m = v->moment;

	for (size_t i = 0; i < b->n; i++) {
		size_t position = (size_t)v->source_id[i] - 1;
		const struct source *src = &m->source[position];

		if (b->col[COL_EXPORTER] != NULL)
			b->col[COL_EXPORTER][i] =
			    (int64_t)m->exporter[position];
		if (b->col[COL_ENGINE_TYPE] != NULL)
			b->col[COL_ENGINE_TYPE][i] = src->engine_type;
		if (b->col[COL_ENGINE_ID] != NULL)
			b->col[COL_ENGINE_ID][i] = src->engine_id;
		if (b->col[COL_SAMPLING] != NULL)
			b->col[COL_SAMPLING][i] = src->sampling;
	}
}

/* The columns of table source; has_source: their ids are there. */
static int
complete(
    const struct view *v, struct batch *b, bool has_source, struct err *err)
{
	int rc;

	b->exporters = v->moment->exporters;
	b->n_exporters = v->moment->n_exporters;
	if (!has_source)
		return 0;
	if ((rc = check_sources(v, b, err)) == 0)
		fill_sources(v, b);
	return rc;
}

/* ---- a batch at a time ---- */

int
view_read(struct view *v, const struct segment *g, const struct filter *f,
    const struct plan_path *path, flow_column_set columns, struct err *err)
{
	const struct view_task task = {
	    .segment = g,
	    .filter = f,
	    .columns = columns,
	    .path = *path,
	    .rows = clip(v, g, (struct compile_rows){0, 0}),
	    .in_order = true,
	};

	end_reading(v);
	return prepare(v, &task, false, &v->rows, err);
}

int
view_next(struct view *v, struct batch *b, size_t max, struct err *err)
{
	int64_t *column[DB_TAKE_MAX];
	size_t n = aim(v, b, column);
	int rc = 1;

	assert(max > 0 && max <= BATCH_MAX);
	b->n = 0;
	while (v->rows != NULL && b->n < max && rc == 1) {
		if ((rc = stmt_step(v->rows, err)) == 1) {
			for (size_t i = 0; i < n; i++)
				column[i][b->n] = stmt_int(v->rows, (int)i);
			b->n++;
		}
		if (rc != 1)
			end_reading(v);
	}
	if (rc >= 0 && b->n > 0)
		rc = complete(v, b, column[0] == v->source_id, err);
	if (rc < 0) {
		end_reading(v);
		return rc;
	}
	return b->n > 0;
}

/* ---- in bulk ---- */

static void
aim_taker(struct view *v)
{
	struct db_taker *t = &v->taker;

	(void)aim(v, v->sink->b, t->column);
	t->n = v->sink->b->n;
	t->room = v->sink->room;
}

/* What was taken becomes a batch. */
static int
complete_taken(struct view *v)
{
	v->sink->b->n = v->taker.n;
	return complete(
	    v, v->sink->b, v->taker.column[0] == v->source_id, v->err);
}

static int
on_full(struct db_taker *t)
{
	struct view *v = t->arg;

	if ((v->rc = complete_taken(v)) != 0)
		return v->rc;
	if (v->sink->full(v->sink) != 0)
		return v->rc = ERR_STOPPED;
	aim_taker(v);
	return 0;
}

/* The statement is kept for the next piece of the same segment. */
static int
prepare_bulk(struct view *v, const struct view_task *t, struct err *err)
{
	struct view_task task = *t;
	int rc;

	task.rows = clip(v, t->segment, t->rows);
	if (v->bulk == NULL || v->bulk_id != task.segment->id) {
		end_bulk(v);
		if ((rc = prepare(v, &task, true, &v->bulk, err)) != 0)
			return rc;
		v->bulk_id = task.segment->id;
	}
	if (task.rows.first > 0) {
		stmt_bind_int(v->bulk, ":first_id", task.rows.first);
		stmt_bind_int(v->bulk, ":last_id", task.rows.last);
	}
	return 0;
}

int
view_run(struct view *v, const struct view_task *task, struct view_sink *sink,
    struct err *err)
{
	int rc;

	v->sink = sink;
	v->err = err;
	v->rc = 0;
	aim_taker(v);
	if ((rc = prepare_bulk(v, task, err)) != 0)
		return rc;
	rc = stmt_run(v->bulk, err);
	if (v->rc != 0)
		return v->rc;
	return rc != 0 ? rc : complete_taken(v);
}
