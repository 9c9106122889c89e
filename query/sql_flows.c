/* SPDX-License-Identifier: ISC */
/* Tables flows and flows_text: see sql_flows.h. */
#include "query/sql_flows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/plan.h"
#include "query/sql_cond.h"
#include "query/sql_func.h"
#include "query/sql_module.h"
#include "query/walk.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/shard.h"

/* About how many flows a store has. */
static const double TYPICAL_FLOWS = 1e7;

/* Flows read at first; four times more each time, so that a LIMIT costs little
 * and a long answer is read in whole batches. */
enum { FIRST_BATCH = 32 };

struct cursor {
	sqlite3_vtab_cursor base;
	struct walk *walk;
	char *dir; /* walk's */
	struct cond cond;
	struct push_days days;
	flow_column_set columns;
	struct scan_stats counted; /* what env->stats has of walk */
	const struct batch *batch;
	size_t at; /* the current row of it */
	size_t max;
	bool eof;
};

/* ---- planning ---- */

static bool
is_text(const struct instance *t)
{
	return strcmp(t->table->name, "flows_text") == 0;
}

/* The columns a statement uses travel in idxNum. */
static_assert(N_FLOW_COLUMNS < 31, "flow columns fit an int");

static int
best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	const struct instance *t = (struct instance *)vtab;
	flow_column_set all = ((flow_column_set)1 << N_FLOW_COLUMNS) - 1;

	info->idxNum = (int)((flow_column_set)info->colUsed & all);
	return push_plan(t->table, is_text(t) ? cond_takes_text : cond_takes,
	    TYPICAL_FLOWS, t->dir != NULL, info);
}

/* That these functions may be conditions: sql_push.h. */
static int
find_function(sqlite3_vtab *vtab, int n_args, const char *name,
    void (**call)(sqlite3_context *, int, sqlite3_value **), void **arg)
{
	(void)vtab;
	*arg = NULL;
	if (n_args == 2 && sqlite3_stricmp(name, "in_net") == 0) {
		*call = sql_func_in_net;
		return PUSH_FUNCTION_IN_NET;
	}
	if (n_args == 2 && sqlite3_stricmp(name, "flags_match") == 0) {
		*call = sql_func_flags_match;
		return PUSH_FUNCTION_FLAGS_MATCH;
	}
	return 0;
}

/* ---- cursors ---- */

static int
open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct cursor *c = xcalloc(1, sizeof *c);

	(void)vtab;
	*out = &c->base;
	return SQLITE_OK;
}

static void
forget_conditions(struct cursor *c)
{
	push_days_release(&c->days);
	cond_release(&c->cond);
}

static int
close_cursor(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	forget_conditions(c);
	walk_close(c->walk);
	free(c->dir);
	free(c);
	return SQLITE_OK;
}

static const struct instance *
instance_of(const struct cursor *c)
{
	return (const struct instance *)c->base.pVtab;
}

/* ---- conditions ---- */

static int
add_condition(
    void *arg, const struct pushed *p, sqlite3_value *v, struct err *err)
{
	struct cursor *c = arg;

	if (p->column == sql_table_day(instance_of(c)->table))
		return push_days_add(&c->days, p->op, v, err);
	return cond_add(&c->cond, p, v, err);
}

static bool
wants_day(void *arg, int32_t day)
{
	const struct cursor *c = arg;

	return push_days_hold(&c->days, day);
}

/* The shards of a folder are looked up once for each cursor. */
static int
ensure_walk(struct cursor *c, const char *dir, struct err *err)
{
	const struct sql_env *env = instance_of(c)->env;
	int rc;

	if (c->walk != NULL && strcmp(c->dir, dir) == 0)
		return 0;
	walk_close(c->walk);
	c->walk = NULL;
	free(c->dir);
	c->dir = xstrdup(dir);
	c->counted = (struct scan_stats){0};
	rc = walk_open(&c->walk, dir, env->stop, env->stop_arg, err);
	return rc;
}

static int
begin(struct cursor *c, const char *plan, sqlite3_value **argv, struct err *err)
{
	struct walk_want want = {.filter = &c->cond.filter,
	    .columns = c->columns | FLOW_ROW_ID,
	    .day = wants_day,
	    .arg = c};
	const char *dir;
	int rc;

	forget_conditions(c);
	cond_init(&c->cond, is_text(instance_of(c)));
	if ((rc = module_conditions(instance_of(c), plan, argv, &dir,
		 add_condition, c, err)) != 0 ||
	    (rc = ensure_walk(c, dir, err)) != 0)
		return rc;
	walk_begin(c->walk, &want);
	return 0;
}

/* ---- telling ---- */

/* Segments with the same way of finding rows, one after the other. */
struct run {
	int32_t day;
	uint32_t first, last; /* segment ids */
	struct plan_path path;
	bool open; /* there is one */
};

static void
put_run(struct buf *out, struct run *r)
{
	char day[CLOCK_DAY_LEN];

	if (!r->open)
		return;
	clock_format_day(r->day, day);
	buf_printf(out, "  %s segment %u", day, r->first);
	if (r->last != r->first)
		buf_printf(out, "-%u", r->last);
	buf_puts(out, " ");
	plan_print(&r->path, out);
	buf_puts(out, "\n");
	r->open = false;
}

static bool
continues(const struct run *r, int32_t day, const struct segment *g,
    const struct plan_path *path)
{
	return r->open && r->day == day && r->last + 1 == g->id &&
	       plan_is_alike(&r->path, path);
}

static void
explain_segment(struct cursor *c, struct run *r)
{
	const struct segment *g = walk_at(c->walk);
	struct plan_path path = walk_plan(c->walk);

	if (!continues(r, walk_day(c->walk), g, &path)) {
		put_run(instance_of(c)->env->explain, r);
		*r = (struct run){.day = walk_day(c->walk),
		    .first = g->id,
		    .path = path,
		    .open = true};
	}
	r->last = g->id;
}

/* What would be read; then there is nothing. */
static int
explain(
    struct cursor *c, const char *plan, sqlite3_value **argv, struct err *err)
{
	struct buf *out = instance_of(c)->env->explain;
	const struct scan_stats *now = walk_stats(c->walk), before = *now;
	struct run run = {0};
	int rc = 0;

	module_explain(instance_of(c), plan, argv);
	while (!c->cond.nothing && (rc = walk_segment(c->walk, err)) == 1)
		explain_segment(c, &run);
	put_run(out, &run);
	buf_printf(out,
	    "  shards: %zu opened, %zu left out; segments: %zu to read, %zu "
	    "left out\n",
	    now->n_shards - before.n_shards,
	    now->n_shards_pruned - before.n_shards_pruned,
	    now->n_segments - before.n_segments,
	    now->n_segments_pruned - before.n_segments_pruned);
	c->eof = true;
	return rc;
}

static void
count(struct cursor *c)
{
	struct scan_stats *to = instance_of(c)->env->stats;
	const struct scan_stats *st = walk_stats(c->walk);

	if (to == NULL)
		return;
	to->n_shards += st->n_shards - c->counted.n_shards;
	to->n_shards_pruned += st->n_shards_pruned - c->counted.n_shards_pruned;
	to->n_segments += st->n_segments - c->counted.n_segments;
	to->n_segments_pruned +=
	    st->n_segments_pruned - c->counted.n_segments_pruned;
	to->n_flows += st->n_flows - c->counted.n_flows;
	c->counted = *st;
}

/* ---- rows ---- */

static int
load(struct cursor *c, struct err *err)
{
	int rc = walk_next(c->walk, c->max, &c->batch, err);

	count(c);
	c->at = 0;
	c->eof = rc != 1;
	c->max = c->max < BATCH_MAX / 4 ? c->max * 4 : BATCH_MAX;
	return rc < 0 ? rc : 0;
}

static int
filter(sqlite3_vtab_cursor *base, int columns, const char *plan, int argc,
    sqlite3_value **argv)
{
	struct cursor *c = (struct cursor *)base;
	struct err err;
	int rc;

	(void)argc;
	c->columns = (flow_column_set)columns;
	c->max = FIRST_BATCH;
	c->eof = true;
	rc = begin(c, plan, argv, &err);
	if (rc == 0 && instance_of(c)->env->explain != NULL)
		rc = explain(c, plan, argv, &err);
	else if (rc == 0 && !c->cond.nothing)
		rc = load(c, &err);
	return rc == 0 ? SQLITE_OK : module_fail(base->pVtab, rc, &err);
}

static int
next(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;
	struct err err;
	int rc;

	if (++c->at < c->batch->n)
		return SQLITE_OK;
	rc = load(c, &err);
	return rc == 0 ? SQLITE_OK : module_fail(base->pVtab, rc, &err);
}

static int
eof(sqlite3_vtab_cursor *base)
{
	return ((struct cursor *)base)->eof;
}

static void
put_text(sqlite3_context *to, const char *text)
{
	sqlite3_result_text(to, text, -1, SQLITE_TRANSIENT);
}

/* A value of flows_text; what people read as a number stays one. */
static void
put_people(sqlite3_context *to, enum value_kind kind, int64_t value)
{
	union {
		char addr[ADDR_TEXT_LEN];
		char time[CLOCK_TEXT_LEN];
		char flags[FLAGS_TEXT_LEN];
		char quirks[QUIRKS_TEXT_LEN];
	} text;

	switch (kind) {
	case VALUE_IP4:
		ip4_format((uint32_t)value, text.addr);
		put_text(to, text.addr);
		break;
	case VALUE_TIME:
		clock_format_iso(value, text.time);
		put_text(to, text.time);
		break;
	case VALUE_FLAGS:
		flags_format((uint8_t)value, text.flags);
		put_text(to, text.flags);
		break;
	case VALUE_QUIRKS:
		quirks_format((uint8_t)value, text.quirks);
		put_text(to, text.quirks);
		break;
	default: sqlite3_result_int64(to, value);
	}
}

static void
put_exporter(sqlite3_context *to, const struct batch *b, int64_t position)
{
	char text[ADDR_TEXT_LEN];

	addr_format(&b->exporters[position], text);
	put_text(to, text);
}

static void
put_day(sqlite3_context *to, const struct cursor *c)
{
	char text[CLOCK_DAY_LEN];

	clock_format_day(walk_day(c->walk), text);
	put_text(to, text);
}

static int
column(sqlite3_vtab_cursor *base, sqlite3_context *to, int i)
{
	const struct cursor *c = (struct cursor *)base;
	int64_t value;

	if (i == sql_table_day(instance_of(c)->table)) {
		put_day(to, c);
	} else if (i >= N_FLOW_COLUMNS) {
		put_text(to, c->dir);
	} else {
		value = c->batch->col[i][c->at];
		if (i == COL_EXPORTER)
			put_exporter(to, c->batch, value);
		else if (c->cond.text)
			put_people(to, flow_columns[i].kind, value);
		else
			sqlite3_result_int64(to, value);
	}
	return SQLITE_OK;
}

/* Day, segment and row: SQLite asks by it whether two conditions joined by OR
 * found the same flow. Days end in 2149, segments of one at 32,767. */
static int
row_id(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
	const struct cursor *c = (struct cursor *)base;

	*out = (int64_t)walk_day(c->walk) << 47 |
	       (int64_t)walk_at(c->walk)->id << 32 | c->batch->id[c->at];
	return SQLITE_OK;
}

static const sqlite3_module methods = {
    .xBestIndex = best_index,
    .xOpen = open_cursor,
    .xClose = close_cursor,
    .xFilter = filter,
    .xNext = next,
    .xEof = eof,
    .xColumn = column,
    .xRowid = row_id,
    .xFindFunction = find_function,
};

int
sql_flows_register(sqlite3 *db, const struct sql_table *t, struct sql_env *env)
{
	return module_register(db, &methods, t, env);
}
