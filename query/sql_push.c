/* SPDX-License-Identifier: ISC */
/* Conditions taken over from SQLite: see sql_push.h. */
#include "query/sql_push.h"

#include <stddef.h>
#include <string.h>

#include "query/sql_table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"

enum { PLAN_MAX = 4000 }; /* bytes of a plan */

/* How each is written around the column's name, and what part of the rows
 * passes, roughly: it only has to tell the better plan from the worse. */
static const struct {
	const char *before, *behind;
	double passes;
} ops[N_PUSH_OPS] = {
    [PUSH_EQ] = {"", "=?", 0.001},
    [PUSH_NE] = {"", "<>?", 0.9},
    [PUSH_LT] = {"", "<?", 0.25},
    [PUSH_LE] = {"", "<=?", 0.25},
    [PUSH_GT] = {"", ">?", 0.25},
    [PUSH_GE] = {"", ">=?", 0.25},
    [PUSH_IN] = {"", " IN ?", 0.01},
    [PUSH_IN_NET] = {"in_net(", ",?)", 0.05},
    [PUSH_FLAGS_MATCH] = {"flags_match(", ",?)", 0.1},
};

static const char joint[] = " AND ";

/* Of opening the shards, in rows read: a join should not do it for each row of
 * the other table when it can be turned round. */
static const double COST_OF_OPENING = 20000;

/* ---- planning ---- */

struct planner {
	const struct sql_table *table;
	push_fn *takes;
	sqlite3_index_info *info;
	struct buf text;
	int n_args;
	double rows;
};

static bool
find_op(int sqlite_op, enum push_op *out)
{
	static const struct {
		int sqlite;
		enum push_op op;
	} known[] = {
	    {SQLITE_INDEX_CONSTRAINT_EQ, PUSH_EQ},
	    {SQLITE_INDEX_CONSTRAINT_NE, PUSH_NE},
	    {SQLITE_INDEX_CONSTRAINT_LT, PUSH_LT},
	    {SQLITE_INDEX_CONSTRAINT_LE, PUSH_LE},
	    {SQLITE_INDEX_CONSTRAINT_GT, PUSH_GT},
	    {SQLITE_INDEX_CONSTRAINT_GE, PUSH_GE},
	    {PUSH_FUNCTION_IN_NET, PUSH_IN_NET},
	    {PUSH_FUNCTION_FLAGS_MATCH, PUSH_FLAGS_MATCH},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (known[i].sqlite == sqlite_op) {
			*out = known[i].op;
			return true;
		}
	return false;
}

/* Text is compared byte by byte here. */
static bool
is_binary(sqlite3_index_info *info, int i)
{
	const char *collation = sqlite3_vtab_collation(info, i);

	return collation != NULL && sqlite3_stricmp(collation, "BINARY") == 0;
}

/* A whole list at once is better than one value after the other. */
static enum push_answer
answer(struct planner *p, int i, enum push_op *op)
{
	const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
	enum push_answer a;

	if (c->iColumn < 0 || !find_op(c->op, op) || !is_binary(p->info, i))
		return PUSH_NO;
	if (*op == PUSH_EQ && sqlite3_vtab_in(p->info, i, -1)) {
		a = p->takes(p->table, c->iColumn, PUSH_IN);
		if (a != PUSH_NO) {
			*op = PUSH_IN;
			(void)sqlite3_vtab_in(p->info, i, 1);
			return a;
		}
	}
	return p->takes(p->table, c->iColumn, *op);
}

static void
take_over(struct planner *p, int i, enum push_op op, enum push_answer a)
{
	int column = p->info->aConstraint[i].iColumn;

	buf_printf(&p->text, "%s%s%s%s", p->n_args > 0 ? joint : "",
	    ops[op].before, sql_table_column(p->table, column), ops[op].behind);
	p->info->aConstraintUsage[i].argvIndex = ++p->n_args;
	p->info->aConstraintUsage[i].omit = a == PUSH_WHOLLY;
	p->rows *= ops[op].passes;
}

int
push_plan(const struct sql_table *t, push_fn *takes, double rows, bool has_dir,
    sqlite3_index_info *info)
{
	struct planner p = {
	    .table = t, .takes = takes, .info = info, .rows = rows};
	int rc = SQLITE_OK;

	buf_init(&p.text, PLAN_MAX);
	for (int i = 0; i < info->nConstraint && rc == SQLITE_OK; i++) {
		const struct sqlite3_index_constraint *c =
		    &info->aConstraint[i];
		bool is_dir = c->iColumn == sql_table_dir(t) &&
			      c->op == SQLITE_INDEX_CONSTRAINT_EQ;
		enum push_op op = PUSH_EQ;
		enum push_answer a;

		if (!c->usable) {
			if (is_dir && !has_dir)
				rc = SQLITE_CONSTRAINT;
			continue;
		}
		a = is_dir ? has_dir ? PUSH_NO : PUSH_WHOLLY
			   : answer(&p, i, &op);
		if (a != PUSH_NO && p.text.max - p.text.len > 100)
			take_over(&p, i, op, a);
	}
	info->estimatedCost = COST_OF_OPENING + p.rows;
	info->estimatedRows = (sqlite3_int64)p.rows + 1;
	info->idxStr = sqlite3_mprintf("%s", buf_str(&p.text));
	info->needToFreeIdxStr = 1;
	buf_release(&p.text);
	return info->idxStr == NULL ? SQLITE_NOMEM : rc;
}

/* ---- reading a plan ---- */

static bool
skip(const char **p, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*p, text, len) != 0)
		return false;
	*p += len;
	return true;
}

/* Whether text begins with op on column; it moves behind then. */
static bool
is_written(
    const struct sql_table *t, int column, enum push_op op, const char **text)
{
	const char *p = *text;

	if (!skip(&p, ops[op].before) ||
	    !skip(&p, sql_table_column(t, column)) || !skip(&p, ops[op].behind))
		return false;
	*text = p;
	return true;
}

bool
push_read(const struct sql_table *t, const char **text, struct pushed *p)
{
	(void)skip(text, joint);
	for (int op = 0; op < N_PUSH_OPS; op++)
		for (int i = 0; sql_table_column(t, i) != NULL; i++)
			if (is_written(t, i, (enum push_op)op, text)) {
				*p = (struct pushed){i, (enum push_op)op};
				return true;
			}
	return false;
}

static void
put_value(struct buf *out, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);

	if (text == NULL)
		buf_puts(out, "NULL");
	else if (sqlite3_value_type(v) == SQLITE_TEXT)
		buf_printf(out, "'%s'", text);
	else
		buf_puts(out, text);
}

static void
put_list(struct buf *out, sqlite3_value *list)
{
	const char *comma = "";
	sqlite3_value *v;
	int rc;

	buf_puts(out, "(");
	for (rc = sqlite3_vtab_in_first(list, &v); rc == SQLITE_OK;
	     rc = sqlite3_vtab_in_next(list, &v)) {
		buf_puts(out, comma);
		put_value(out, v);
		comma = ", ";
	}
	buf_puts(out, ")");
}

void
push_describe(const struct sql_table *t, const struct pushed *p,
    sqlite3_value *v, struct buf *out)
{
	const char *behind = ops[p->op].behind;
	size_t len = strcspn(behind, "?");

	buf_printf(out, "%s%s%.*s", ops[p->op].before,
	    sql_table_column(t, p->column), (int)len, behind);
	if (p->op == PUSH_IN)
		put_list(out, v);
	else
		put_value(out, v);
	buf_puts(out, behind + len + 1);
}

/* ---- days ---- */

/* <0, 0, >0 as SQL compares text with a value; text comes before blobs. */
static int
compare_text(const char *text, sqlite3_value *v)
{
	const char *other = (const char *)sqlite3_value_text(v);
	size_t len = strlen(text), other_len = (size_t)sqlite3_value_bytes(v);
	int order;

	if (other == NULL || sqlite3_value_type(v) == SQLITE_BLOB)
		return -1;
	order = memcmp(text, other, len < other_len ? len : other_len);
	return order != 0 ? order : (len > other_len) - (len < other_len);
}

static bool
passes(const char *text, enum push_op op, sqlite3_value *v)
{
	int order = compare_text(text, v);

	if (sqlite3_value_type(v) == SQLITE_NULL)
		return false;
	switch (op) {
	case PUSH_EQ: return order == 0;
	case PUSH_NE: return order != 0;
	case PUSH_LT: return order < 0;
	case PUSH_LE: return order <= 0;
	case PUSH_GT: return order > 0;
	case PUSH_GE: return order >= 0;
	default: return true;
	}
}

int
push_days_add(
    struct push_days *d, enum push_op op, sqlite3_value *v, struct err *err)
{
	if (d->n == PUSH_MAX_DAYS)
		return err_set(err, ERR_USAGE, "more than %d conditions on day",
		    PUSH_MAX_DAYS);
	d->at[d->n].op = op;
	d->at[d->n].value = sqlite3_value_dup(v);
	if (d->at[d->n].value == NULL)
		return err_set(err, ERR_SYSTEM, "out of memory");
	d->n++;
	return 0;
}

bool
push_days_hold(const struct push_days *d, int32_t day)
{
	char text[CLOCK_DAY_LEN];

	clock_format_day(day, text);
	for (size_t i = 0; i < d->n; i++)
		if (!passes(text, d->at[i].op, d->at[i].value))
			return false;
	return true;
}

void
push_days_release(struct push_days *d)
{
	for (size_t i = 0; i < d->n; i++)
		sqlite3_value_free(d->at[i].value);
	d->n = 0;
}
