/* SPDX-License-Identifier: ISC */
/*
 * A filter as SQL over one segment: see compile.h. Which index drives the
 * search is said here (INDEXED BY), as plan.h found it, not left to SQLite.
 */
#include "query/compile.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/filter.h"
#include "query/plan.h"
#include "query/quantity.h"
#include "schema/base/mem.h"
#include "schema/shard.h"

/* SQLite's own limit for a statement, SQLITE_MAX_SQL_LENGTH. */
enum { SQL_MAX_LEN = 1000000 };

enum {
	/* A list of several ranges with at most so many values becomes
	 * IN (...). */
	IN_MAX_VALUES = 256,
	/* More ranges than these are searched by holds(), unless an index
	 * serves them. */
	LISTED_RANGES = 32,
};

struct compiler {
	struct compiled *out;
	const struct filter *filter;
	const struct compile_target *target;
	struct plan_time time;
	size_t n_values; /* :p1 to :p<n_values> are taken */
	size_t n_sets;   /* :s1 to ... */
};

static const char *
column_sql(const struct compiler *c, enum flow_column column)
{
	return segment_column(c->target->segment->layout, column);
}

/* ---- parameters ---- */

static struct compiled_bind *
add_bind(struct compiled *o, const char *name, int64_t value)
{
	struct compiled_bind *b;

	o->bind = xgrow(o->bind, o->n_binds, &o->cap_binds, sizeof *o->bind);
	b = &o->bind[o->n_binds++];
	snprintf(b->name, sizeof b->name, "%s", name);
	b->value = value;
	b->set = NULL;
	return b;
}

/* SQLite numbers parameters by their first appearance, as they come here. */
static void
put_value(struct compiler *c, int64_t value)
{
	char name[sizeof(struct compiled_bind){0}.name];

	snprintf(name, sizeof name, ":p%zu", ++c->n_values);
	add_bind(c->out, name, value);
	buf_puts(&c->out->sql, name);
}

/* A parameter that may appear several times, with one value. */
static void
put_named(struct compiler *c, const char *name, int64_t value)
{
	const struct compiled *o = c->out;
	size_t i = 0;

	while (i < o->n_binds && strcmp(o->bind[i].name, name) != 0)
		i++;
	if (i == o->n_binds)
		add_bind(c->out, name, value);
	buf_puts(&c->out->sql, name);
}

static void
put_time(struct compiler *c)
{
	const struct plan_time *t = &c->time;
	const struct {
		const char *column, *op, *bind;
		int64_t ms, none;
	} rows[] = {
	    {column_sql(c, COL_END_MS), ">=", ":end_from_ms", t->end_from_ms,
		INT64_MIN},
	    {column_sql(c, COL_END_MS), "<", ":end_to_ms", t->end_to_ms,
		INT64_MAX},
	    {column_sql(c, COL_START_MS), ">=", ":start_from_ms",
		t->start_from_ms, INT64_MIN},
	    {column_sql(c, COL_START_MS), "<", ":start_to_ms", t->start_to_ms,
		INT64_MAX},
	};
	const char *and = "";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].ms == rows[i].none)
			continue;
		buf_printf(
		    &c->out->sql, "%s%s %s ", and, rows[i].column, rows[i].op);
		put_named(c, rows[i].bind, rows[i].ms);
		and = " AND ";
	}
}

/* ---- quantities ---- */

/* NULL where the divisor is 0: then it is 0, as in memory. */
static void
put_quotient(struct compiler *c, enum flow_column a, const char *factor,
    enum flow_column b)
{
	buf_printf(&c->out->sql, "ifnull(%s%s / %s, 0)", column_sql(c, a),
	    factor, column_sql(c, b));
}

/* Those of table source come through put_sources. */
static void
put_quantity(struct compiler *c, unsigned quantity)
{
	switch (quantity) {
	case QUANTITY_PACKET_SIZE:
		put_quotient(c, COL_OCTETS, "", COL_PACKETS);
		break;
	case QUANTITY_BPS:
		put_quotient(c, COL_OCTETS, " * 8000", COL_DURATION_MS);
		break;
	case QUANTITY_PPS:
		put_quotient(c, COL_PACKETS, " * 1000", COL_DURATION_MS);
		break;
	case QUANTITY_DSCP:
		buf_printf(&c->out->sql, "(%s >> 2)", column_sql(c, COL_TOS));
		break;
	default: buf_puts(&c->out->sql, column_sql(c, quantity));
	}
}

/* ---- conditions ---- */

typedef void put_fn(struct compiler *c, const struct ast *a, size_t i);

/*
 * Items first to first + n - 1 with op between, halved in brackets: SQLite
 * refuses an expression more than 1,000 deep, as a plain chain of them is.
 */
static void
put_joined(struct compiler *c, const struct ast *a, size_t first, size_t n,
    const char *op, put_fn *put)
{
	if (n == 1) {
		put(c, a, first);
		return;
	}
	buf_puts(&c->out->sql, "(");
	put_joined(c, a, first, n / 2, op, put);
	buf_puts(&c->out->sql, op);
	put_joined(c, a, first + n / 2, n - n / 2, op, put);
	buf_puts(&c->out->sql, ")");
}

/* All values of all ranges. */
static void
put_in(struct compiler *c, const struct ast *a)
{
	const char *comma = "";

	put_quantity(c, a->column);
	buf_puts(&c->out->sql, " IN (");
	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct ast_range *r = &a->range[i];
		uint64_t n = (uint64_t)r->hi - (uint64_t)r->lo + 1;

		for (uint64_t k = 0; k < n; k++) {
			buf_puts(&c->out->sql, comma);
			put_value(c, r->lo + (int64_t)k);
			comma = ", ";
		}
	}
	buf_puts(&c->out->sql, ")");
}

static void
put_range(struct compiler *c, const struct ast *a, size_t i)
{
	const struct ast_range *r = &a->range[i];

	put_quantity(c, a->column);
	buf_puts(&c->out->sql, r->lo == r->hi ? " = " : " BETWEEN ");
	put_value(c, r->lo);
	if (r->lo != r->hi) {
		buf_puts(&c->out->sql, " AND ");
		put_value(c, r->hi);
	}
}

static bool
holds_all(const struct ast *a)
{
	/* Quotients and parts of columns are below what filters take. */
	const struct flow_column_info *info =
	    a->column < N_FLOW_COLUMNS ? &flow_columns[a->column] : NULL;

	if (info == NULL || a->n_ranges != 1)
		return false;
	return a->range[0].lo <=
		   (info->kind == VALUE_TIME ? INT64_MIN : INT64_C(0)) &&
	       a->range[0].hi >= 0 && (uint64_t)a->range[0].hi >= info->max;
}

/* Single values as one IN, the others as BETWEEN. */
static void
put_mixed(struct compiler *c, const struct ast *a)
{
	struct ast single = {.column = a->column};
	struct ast wide = {.column = a->column};

	for (size_t i = 0; i < a->n_ranges; i++) {
		const struct ast_range *r = &a->range[i];

		ast_add_range(r->lo == r->hi ? &single : &wide, r->lo, r->hi);
	}
	buf_puts(&c->out->sql, "(");
	if (single.n_ranges > 0)
		put_in(c, &single);
	if (single.n_ranges > 0 && wide.n_ranges > 0)
		buf_puts(&c->out->sql, " OR ");
	if (wide.n_ranges > 0)
		put_joined(c, &wide, 0, wide.n_ranges, " OR ", put_range);
	buf_puts(&c->out->sql, ")");
	free(single.range);
	free(wide.range);
}

static void
put_listed(struct compiler *c, const struct ast *a)
{
	if (a->n_ranges == 0)
		buf_puts(&c->out->sql, "0");
	else if (holds_all(a))
		buf_puts(&c->out->sql, "1");
	else if (a->n_ranges == 1)
		put_range(c, a, 0);
	else if (ast_count_values(a) <= IN_MAX_VALUES)
		put_in(c, a);
	else
		put_mixed(c, a);
}

/* Searched by halves, however long the list is. */
static void
put_holds(struct compiler *c, const struct ast *a)
{
	char name[sizeof(struct compiled_bind){0}.name];

	snprintf(name, sizeof name, ":s%zu", ++c->n_sets);
	add_bind(c->out, name, 0)->set = a;
	buf_printf(&c->out->sql, "holds(%s, ", name);
	put_quantity(c, a->column);
	buf_puts(&c->out->sql, ")");
}

static void
put_ranges(struct compiler *c, const struct ast *a)
{
	const struct plan_path *path = &c->target->path;
	bool drives =
	    path->kind == PLAN_INDEX && path->n_arms == 1 && path->arm[0] == a;

	if (a->n_ranges > LISTED_RANGES && !drives)
		put_holds(c, a);
	else
		put_listed(c, a);
}

static bool
is_source_column(unsigned column)
{
	return (quantity_columns(column) &
		   ~(flow_column_set)COMPILE_SOURCE_COLUMNS) == 0;
}

static bool
source_passes(const struct ast *a, const struct source *s)
{
	if (a->kind == AST_EXPORTERS)
		return ast_holds_exporter(a, &s->exporter);
	switch (a->column) {
	case COL_ENGINE_TYPE: return ast_holds(a, s->engine_type);
	case COL_ENGINE_ID: return ast_holds(a, s->engine_id);
	case QUANTITY_ENGINE:
		return ast_holds(a, s->engine_type << 8 | s->engine_id);
	case QUANTITY_INTERVAL:
		return ast_holds(a, s->sampling & SAMPLING_INTERVAL_MASK);
	default:
		assert(a->column == COL_SAMPLING);
		return ast_holds(a, s->sampling);
	}
}

/* A condition on sources as one on their ids. */
static void
put_sources(struct compiler *c, const struct ast *a)
{
	const struct compile_target *t = c->target;
	struct ast ids = {.kind = AST_RANGES, .column = COL_EXPORTER};

	for (size_t i = 0; i < t->n_sources; i++)
		if (source_passes(a, &t->source[i]))
			ast_add_range(&ids, (int64_t)i + 1, (int64_t)i + 1);
	if (ids.n_ranges == t->n_sources) {
		buf_puts(&c->out->sql, "1");
	} else {
		ast_normalize_ranges(&ids);
		put_listed(c, &ids);
	}
	free(ids.range);
}

static void
put_compare(struct compiler *c, const struct ast *a)
{
	static const char *const ops[] = {
	    [AST_EQUAL] = " = ", [AST_LESS] = " < ", [AST_AT_MOST] = " <= "};

	put_quantity(c, a->column);
	buf_puts(&c->out->sql, ops[a->op]);
	put_quantity(c, a->other);
}

static void put_node(struct compiler *c, const struct ast *a);

static void
put_child(struct compiler *c, const struct ast *a, size_t i)
{
	put_node(c, a->child[i]);
}

static void
put_node(struct compiler *c, const struct ast *a)
{
	struct buf *sql = &c->out->sql;

	switch (a->kind) {
	case AST_TRUE: buf_puts(sql, "1"); break;
	case AST_AND:
		if (a->n_children == 0)
			buf_puts(sql, "1");
		else
			put_joined(c, a, 0, a->n_children, " AND ", put_child);
		break;
	case AST_OR:
		if (a->n_children == 0)
			buf_puts(sql, "0");
		else
			put_joined(c, a, 0, a->n_children, " OR ", put_child);
		break;
	case AST_NOT:
		buf_puts(sql, "NOT (");
		put_node(c, a->child[0]);
		buf_puts(sql, ")");
		break;
	case AST_RANGES:
		if (!is_source_column(a->column)) {
			put_ranges(c, a);
			break;
		}
		/* fallthrough */
	case AST_EXPORTERS: put_sources(c, a); break;
	case AST_COMPARE: put_compare(c, a); break;
	}
}

/* ---- the statement ---- */

bool
compile_has_source(flow_column_set columns)
{
	return columns == 0 || (columns & COMPILE_SOURCE_COLUMNS) != 0;
}

/* What is wanted, for each put(c, number, its SQL). */
static void
for_each_result(struct compiler *c,
    void (*put)(struct compiler *, unsigned number, const char *column))
{
	flow_column_set columns = c->target->columns;
	unsigned n = 0;

	if (compile_has_source(columns))
		put(c, n++, "f.source_id");
	for (unsigned col = 0; col < N_FLOW_COLUMNS; col++)
		if ((columns & (flow_column_set)1 << col) != 0 &&
		    !is_source_column(col))
			put(c, n++, column_sql(c, col));
	if ((columns & FLOW_ROW_ID) != 0)
		put(c, n++, "f.id");
}

static void
put_column(struct compiler *c, unsigned number, const char *column)
{
	buf_printf(&c->out->sql, "%s%s", number > 0 ? ", " : "", column);
}

static void
put_named_column(struct compiler *c, unsigned number, const char *column)
{
	put_column(c, number, column);
	buf_printf(&c->out->sql, " AS c%u", number);
}

static void
put_name(struct compiler *c, unsigned number, const char *column)
{
	(void)column;
	buf_printf(&c->out->sql, "%sc%u", number > 0 ? ", " : "", number);
}

static void
put_table(struct compiler *c, const enum flow_column *index)
{
	unsigned id = c->target->segment->id;

	buf_printf(&c->out->sql, " FROM flow_%04u AS f", id);
	if (index != NULL)
		buf_printf(&c->out->sql, " INDEXED BY flow_%04u_%s", id,
		    flow_columns[*index].name);
	else
		buf_puts(&c->out->sql, " NOT INDEXED");
}

static void
put_from(struct compiler *c)
{
	const struct plan_path *path = &c->target->path;

	put_table(c, path->kind == PLAN_INDEX ? &path->column : NULL);
}

/* The rows that one index leads to. */
static void
put_arm(struct compiler *c, const struct ast *arm, const char *what)
{
	enum flow_column column = (enum flow_column)arm->column;

	buf_printf(&c->out->sql, "SELECT %s", what);
	put_table(c, &column);
	buf_puts(&c->out->sql, " WHERE ");
	put_listed(c, arm);
}

/* Each row once: IN makes a set of them. */
static void
put_union(struct compiler *c)
{
	const struct plan_path *path = &c->target->path;

	buf_puts(&c->out->sql, "f.id IN (");
	for (size_t i = 0; i < path->n_arms; i++) {
		buf_puts(&c->out->sql, i > 0 ? " UNION ALL " : "");
		put_arm(c, path->arm[i], "f.id");
	}
	buf_puts(&c->out->sql, ") AND ");
}

static void
put_where(struct compiler *c)
{
	const struct compile_rows *rows = &c->target->rows;
	struct buf *sql = &c->out->sql;

	buf_puts(sql, " WHERE ");
	if (rows->first > 0) {
		buf_puts(sql, "f.id BETWEEN ");
		put_named(c, ":first_id", rows->first);
		buf_puts(sql, " AND ");
		put_named(c, ":last_id", rows->last);
		buf_puts(sql, " AND ");
	}
	if (c->target->path.kind == PLAN_UNION)
		put_union(c);
	put_node(c, c->filter->ast);
	if (plan_asks_time(&c->time)) {
		buf_puts(sql, " AND ");
		put_time(c);
	}
}

/* SQLite does not sort what feeds an aggregate, but for a subquery's ORDER BY;
 * rows read one after the other come in the order of their ids without. */
static void
put_bulk(struct compiler *c)
{
	struct buf *sql = &c->out->sql;
	bool sorts = c->target->in_order && c->target->path.kind != PLAN_SCAN;

	buf_puts(sql, "SELECT take(");
	for_each_result(c, sorts ? put_name : put_column);
	buf_puts(sql, ")");
	if (sorts) {
		buf_puts(sql, " FROM (SELECT ");
		for_each_result(c, put_named_column);
	}
	put_from(c);
	put_where(c);
	if (sorts)
		buf_puts(sql, " ORDER BY f.id)");
}

static void
put_rows(struct compiler *c)
{
	buf_puts(&c->out->sql, "SELECT ");
	for_each_result(c, put_column);
	put_from(c);
	put_where(c);
	if (c->target->in_order)
		buf_puts(&c->out->sql, " ORDER BY f.id");
}

static int
check_length(const struct compiled *out, struct err *err)
{
	if (out->sql.overflow)
		return err_set(err, ERR_LIMIT,
		    "filter: its SQL would be longer than %d bytes",
		    SQL_MAX_LEN);
	return 0;
}

int
compile_count(struct compiled *out, const struct segment *g,
    const struct ast *condition, uint64_t limit, struct err *err)
{
	const struct compile_target target = {.segment = g};
	struct compiler c = {.out = out, .target = &target};

	*out = (struct compiled){0};
	buf_init(&out->sql, SQL_MAX_LEN - 1);
	buf_puts(&out->sql, "SELECT count(*) FROM (");
	put_arm(&c, condition, "1");
	buf_puts(&out->sql, " LIMIT ");
	put_named(&c, ":limit", (int64_t)limit);
	buf_puts(&out->sql, ")");
	return check_length(out, err);
}

int
compile_segment(struct compiled *out, const struct filter *f,
    const struct compile_target *target, struct err *err)
{
	struct compiler c = {
	    .out = out,
	    .filter = f,
	    .target = target,
	    .time = plan_time(f, target->segment),
	};

	*out = (struct compiled){0};
	buf_init(&out->sql, SQL_MAX_LEN - 1);
	if (target->bulk)
		put_bulk(&c);
	else
		put_rows(&c);
	return check_length(out, err);
}

void
compiled_release(struct compiled *c)
{
	buf_release(&c->sql);
	free(c->bind);
	*c = (struct compiled){0};
}
