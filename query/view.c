/* SPDX-License-Identifier: ISC */
/* One shard as of one moment: see view.h. */
#include "query/view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "query/compile.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"

struct view {
	struct shard *shard;
	const struct source *source; /* by position id - 1 */
	size_t n_sources;
	size_t *exporter; /* position in exporters->addr, by the same */
	struct exporters *exporters;
	struct stmt *rows; /* of the segment being read; NULL: none left */
};

/* ---- exporters ---- */

void
exporters_release(struct exporters *x)
{
	free(x->addr);
	*x = (struct exporters){0};
}

static size_t
exporter_position(struct exporters *x, const struct addr *a)
{
	for (size_t i = 0; i < x->n; i++)
		if (addr_equal(&x->addr[i], a))
			return i;
	x->addr = xgrow(x->addr, x->n, &x->cap, sizeof *x->addr);
	x->addr[x->n] = *a;
	return x->n++;
}

static void
map_exporters(struct view *v)
{
	v->source = shard_sources(v->shard, &v->n_sources);
	v->exporter = xreallocarray(NULL, v->n_sources, sizeof *v->exporter);
	for (size_t i = 0; i < v->n_sources; i++)
		v->exporter[i] =
		    exporter_position(v->exporters, &v->source[i].exporter);
}

/* ---- the shard ---- */

/* Expiry may come between listing and opening. */
static bool
is_gone(const char *path)
{
	return access(path, F_OK) != 0 && errno == ENOENT;
}

int
view_open(
    struct view **out, const char *path, struct exporters *x, struct err *err)
{
	struct view *v = xcalloc(1, sizeof *v);
	int rc = shard_open_read(&v->shard, path, err);

	if (rc != 0) {
		free(v);
		return is_gone(path) ? 0 : rc;
	}
	if ((rc = shard_begin_read(v->shard, err)) != 0) {
		view_close(v);
		return rc;
	}
	v->exporters = x;
	map_exporters(v);
	*out = v;
	return 1;
}

static void
end_reading(struct view *v)
{
	stmt_finalize(v->rows);
	v->rows = NULL;
}

void
view_close(struct view *v)
{
	if (v == NULL)
		return;
	end_reading(v);
	shard_end_read(v->shard);
	shard_close(v->shard);
	free(v->exporter);
	free(v);
}

const struct segment *
view_segments(const struct view *v, size_t *n)
{
	return shard_segments(v->shard, n);
}

/* ---- rows ---- */

/* Column 1 and on of the current row into the batch, after source_id. */
static void
take_stored(struct batch *b, struct stmt *s)
{
	int from = 1;

	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL &&
		    (1u << c & COMPILE_SOURCE_COLUMNS) == 0)
			b->col[c][b->n] = stmt_int(s, from++);
}

static void
take_source(struct batch *b, const struct view *v, size_t position)
{
	const struct source *src = &v->source[position];

	if (b->col[COL_EXPORTER] != NULL)
		b->col[COL_EXPORTER][b->n] = (int64_t)v->exporter[position];
	if (b->col[COL_ENGINE_TYPE] != NULL)
		b->col[COL_ENGINE_TYPE][b->n] = src->engine_type;
	if (b->col[COL_ENGINE_ID] != NULL)
		b->col[COL_ENGINE_ID][b->n] = src->engine_id;
	if (b->col[COL_SAMPLING] != NULL)
		b->col[COL_SAMPLING][b->n] = src->sampling;
}

static int
take_row(struct batch *b, const struct view *v, struct err *err)
{
	int64_t source_id = stmt_int(v->rows, 0);

	if (source_id < 1 || (uint64_t)source_id > v->n_sources)
		return err_set(err, ERR_CORRUPT,
		    "%s: a flow of source %lld, which is not in table source",
		    shard_path(v->shard), (long long)source_id);
	take_source(b, v, (size_t)source_id - 1);
	take_stored(b, v->rows);
	b->n++;
	return 0;
}

int
view_read(struct view *v, const struct segment *g, const struct filter *f,
    flow_column_set columns, struct err *err)
{
	const struct compile_target target = {
	    .segment = g,
	    .source = v->source,
	    .n_sources = v->n_sources,
	    .columns = columns,
	};
	struct compiled sql;
	int rc = compile_segment(&sql, f, &target, err);

	end_reading(v);
	if (rc == 0)
		rc = db_prepare(
		    shard_db(v->shard), buf_str(&sql.sql), &v->rows, err);
	if (rc == 0)
		for (size_t i = 0; i < sql.n_binds; i++)
			stmt_set_int(v->rows, (int)i + 1, sql.bind[i].value);
	compiled_release(&sql);
	return rc;
}

int
view_next(struct view *v, struct batch *b, size_t max, struct err *err)
{
	int rc = 1;

	assert(max > 0 && max <= BATCH_MAX);
	b->n = 0;
	while (v->rows != NULL && b->n < max && rc == 1) {
		if ((rc = stmt_step(v->rows, err)) == 0)
			end_reading(v);
		else if (rc == 1 && take_row(b, v, err) != 0)
			rc = ERR_CORRUPT;
	}
	if (rc < 0) {
		end_reading(v);
		return rc;
	}
	b->exporters = v->exporters->addr;
	b->n_exporters = v->exporters->n;
	return b->n > 0;
}
