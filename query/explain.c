/* SPDX-License-Identifier: ISC */
/* What a scan would read: see explain.h. */
#include "query/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/filter.h"
#include "query/plan.h"
#include "query/scan.h"
#include "query/view.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/catalog.h"
#include "schema/segment.h"
#include "schema/store.h"

enum { TEXT_MAX = 1 << 21 }; /* of a statement and its parameters */

struct explaining {
	struct explain *out;
	const struct scan_query *q;
	bool in_order;
	struct catalog catalog;
	struct exporters exporters;
	int32_t day;
	/* Of the last row, while the next segment may join it. */
	bool open;
	struct plan_path path;
};

static const char WHY_TIME[] = "no flow is in the span";

static struct explain_row *
add_row(struct explaining *x, uint32_t segment, uint64_t n_flows)
{
	struct explain *e = x->out;

	e->row = xgrow(e->row, e->n_rows, &e->cap_rows, sizeof *e->row);
	e->row[e->n_rows] = (struct explain_row){.day = x->day,
	    .first = segment,
	    .last = segment,
	    .n_flows = n_flows};
	return &e->row[e->n_rows++];
}

/* ---- shards ---- */

static bool
prune_shard(struct explaining *x, const struct store_shard *file)
{
	const struct filter *f = x->q->filter;
	const struct catalog_day *d = plan_prunes_shard(f, &x->catalog, file);
	struct explain_row *row;

	if (d == NULL)
		return false;
	row = add_row(x, 0, d->whole.n_flows);
	if (d->whole.n_flows == 0)
		row->why = "it is empty";
	else if (plan_prunes(f, &d->whole))
		row->why = WHY_TIME;
	else
		row->why = "none of the addresses is in its flows";
	x->out->n_shards_pruned++;
	x->out->n_segments_pruned += d->n_segments;
	return true;
}

/* ---- segments ---- */

static void
put_binds(const struct compiled *c, struct buf *text)
{
	for (size_t i = 0; i < c->n_binds; i++) {
		const struct compiled_bind *b = &c->bind[i];

		buf_printf(text, "%s%s=", i > 0 ? " " : "", b->name);
		if (b->set != NULL)
			buf_printf(text, "{%zu ranges}", b->set->n_ranges);
		else
			buf_printf(text, "%" PRId64, b->value);
	}
}

static int
put_statement(struct explaining *x, struct view *v, const struct segment *g,
    struct explain_row *row, struct err *err)
{
	struct view_task task = {
	    .segment = g,
	    .filter = x->q->filter,
	    .columns = x->q->columns,
	    .path = x->path,
	    .in_order = x->in_order,
	};
	struct compiled c;
	struct buf binds;
	int rc;

	if (x->path.kind == PLAN_SCAN)
		task.rows = (struct compile_rows){1, (int64_t)g->n_flows};
	if ((rc = view_compile(v, &task, &c, err)) == 0) {
		buf_init(&binds, TEXT_MAX);
		put_binds(&c, &binds);
		row->sql = xstrdup(buf_str(&c.sql));
		row->binds = xstrdup(buf_str(&binds));
		buf_release(&binds);
	}
	compiled_release(&c);
	return rc;
}

static const char *
reason(const struct explaining *x, const struct segment *g)
{
	const struct filter *f = x->q->filter;
	const struct plan_time t = plan_time(f, g);

	if (x->path.n_arms > 0)
		return x->path.n_arms == 1 ? "that leads to fewest rows"
					   : "these lead to fewest rows";
	if (x->path.kind == PLAN_INDEX)
		return "the span is narrow";
	if (!g->sealed)
		return "it has no indexes yet";
	return f->ast->n_children == 0 && !plan_asks_time(&t)
		   ? "all its flows are asked for"
		   : "no index leads to few enough rows";
}

static int
add_read(struct explaining *x, struct view *v, const struct segment *g,
    struct err *err)
{
	struct plan_path path = view_plan(v, g, x->q->filter);
	struct explain_row *row =
	    x->open ? &x->out->row[x->out->n_rows - 1] : NULL;
	struct buf how;
	int rc = 0;

	x->out->n_segments++;
	x->out->n_expected += path.n_rows;
	if (row != NULL && row->is_read && plan_is_alike(&path, &x->path)) {
		const char *why = row->why;

		x->path = path;
		if (reason(x, g) == why) {
			row->last = g->id;
			row->n_flows += g->n_flows;
			row->n_rows += path.n_rows;
			return 0;
		}
	}
	x->path = path;
	x->open = true;
	row = add_row(x, g->id, g->n_flows);
	row->is_read = true;
	row->n_rows = path.n_rows;
	row->why = reason(x, g);
	buf_init(&how, TEXT_MAX);
	plan_print(&path, &how);
	row->how = xstrdup(buf_str(&how));
	rc = put_statement(x, v, g, row, err);
	buf_release(&how);
	return rc;
}

static void
add_pruned(struct explaining *x, const struct segment *g)
{
	struct explain_row *row =
	    x->open ? &x->out->row[x->out->n_rows - 1] : NULL;

	x->out->n_segments_pruned++;
	x->open = true;
	if (row != NULL && !row->is_read) {
		row->last = g->id;
		row->n_flows += g->n_flows;
		return;
	}
	add_row(x, g->id, g->n_flows)->why = WHY_TIME;
}

static int
add_segments(struct explaining *x, struct view *v, struct err *err)
{
	size_t n;
	const struct segment *g = view_segments(v, &n);
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (g[i].n_flows == 0)
			continue;
		if (plan_prunes(x->q->filter, &g[i]))
			add_pruned(x, &g[i]);
		else
			rc = add_read(x, v, &g[i], err);
	}
	return rc;
}

static int
add_shard(struct explaining *x, const struct store_shard *file, struct err *err)
{
	struct view *v;
	int rc;

	x->day = file->day;
	x->open = false;
	if (prune_shard(x, file))
		return 0;
	if ((rc = view_open(&v, file->path, &x->exporters, err)) != 1)
		return rc;
	x->out->n_shards++;
	rc = add_segments(x, v, err);
	view_close(v);
	return rc;
}

/* ---- all of it ---- */

int
explain_scan(struct explain *out, const struct scan_query *q, bool in_order,
    struct err *err)
{
	struct explaining x = {.out = out, .q = q, .in_order = in_order};
	struct store_list list;
	int rc = store_list(&list, q->dir, err);

	*out = (struct explain){0};
	if (rc != 0)
		return rc;
	plan_read_catalog(&x.catalog, q->dir, q->filter);
	for (size_t i = 0; i < list.n && rc == 0; i++)
		rc = add_shard(&x, &list.shard[i], err);
	catalog_release(&x.catalog);
	exporters_release(&x.exporters);
	store_list_release(&list);
	return rc;
}

void
explain_release(struct explain *e)
{
	for (size_t i = 0; i < e->n_rows; i++) {
		free(e->row[i].how);
		free(e->row[i].sql);
		free(e->row[i].binds);
	}
	free(e->row);
	*e = (struct explain){0};
}
