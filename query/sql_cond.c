/* SPDX-License-Identifier: ISC */
/* SQL's conditions as a filter: see sql_cond.h. */
#include "query/sql_cond.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/ast.h"
#include "query/list.h"
#include "query/sql_set.h"
#include "query/sql_table.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"

/* ---- what is taken over ---- */

static bool
is_comparison(enum push_op op)
{
	return op == PUSH_EQ || op == PUSH_NE || op == PUSH_LT ||
	       op == PUSH_LE || op == PUSH_GT || op == PUSH_GE;
}

static enum push_answer
takes_day(enum push_op op)
{
	return is_comparison(op) ? PUSH_WHOLLY : PUSH_NO;
}

/* Of IPv4 addresses as text, excludes are left to SQLite. */
static enum push_answer
takes_addr(enum push_op op, enum value_kind kind)
{
	switch (op) {
	case PUSH_EQ: return PUSH_WHOLLY;
	case PUSH_IN_NET:
		return kind == VALUE_EXPORTER ? PUSH_WHOLLY : PUSH_PARTLY;
	case PUSH_IN: return PUSH_PARTLY;
	default: return PUSH_NO;
	}
}

static enum push_answer
takes_number(enum push_op op, enum value_kind kind)
{
	switch (op) {
	case PUSH_IN: return PUSH_PARTLY; /* long lists are cut short */
	case PUSH_IN_NET: return kind == VALUE_IP4 ? PUSH_WHOLLY : PUSH_NO;
	case PUSH_FLAGS_MATCH:
		return kind == VALUE_FLAGS ? PUSH_WHOLLY : PUSH_NO;
	default: return PUSH_WHOLLY;
	}
}

enum push_answer
cond_takes(const struct sql_table *t, int column, enum push_op op)
{
	if (column == sql_table_day(t))
		return takes_day(op);
	if (column >= N_FLOW_COLUMNS)
		return PUSH_NO;
	if (column == COL_EXPORTER)
		return takes_addr(op, VALUE_EXPORTER);
	return takes_number(op, flow_columns[column].kind);
}

enum push_answer
cond_takes_text(const struct sql_table *t, int column, enum push_op op)
{
	if (column == sql_table_day(t))
		return takes_day(op);
	if (column >= N_FLOW_COLUMNS)
		return PUSH_NO;
	switch (flow_columns[column].kind) {
	case VALUE_EXPORTER:
	case VALUE_IP4: return takes_addr(op, flow_columns[column].kind);
	case VALUE_TIME:
		return is_comparison(op) && op != PUSH_NE ? PUSH_PARTLY
							  : PUSH_NO;
	case VALUE_FLAGS: return op == PUSH_EQ ? PUSH_PARTLY : PUSH_NO;
	case VALUE_QUIRKS: return PUSH_NO;
	default: return takes_number(op, flow_columns[column].kind);
	}
}

/* ---- the filter ---- */

void
cond_init(struct cond *c, bool text)
{
	*c = (struct cond){.text = text};
	filter_init(&c->filter);
}

void
cond_release(struct cond *c)
{
	filter_release(&c->filter);
	*c = (struct cond){0};
}

static void
not_before(struct filter *f, int64_t from_ms)
{
	if (!f->has_from || f->from_ms < from_ms)
		f->from_ms = from_ms;
	f->has_from = true;
}

static void
before(struct filter *f, int64_t to_ms)
{
	if (!f->has_to || f->to_ms > to_ms)
		f->to_ms = to_ms;
	f->has_to = true;
}

/* A start or an end of lo to hi, both included, as the filter's span, which is
 * what leaves shards and segments out: any part of the flow lies in it. */
static void
narrow_span(struct filter *f, int64_t lo, int64_t hi)
{
	if (lo > INT64_MIN)
		not_before(f, lo);
	if (hi < INT64_MAX)
		before(f, hi + 1);
}

/* To what both hold. */
static void
intersect(struct ast *a, const struct ast *b)
{
	struct ast both = {.kind = AST_RANGES};
	size_t i = 0, k = 0;

	while (i < a->n_ranges && k < b->n_ranges) {
		const struct ast_range *x = &a->range[i], *y = &b->range[k];
		int64_t lo = x->lo > y->lo ? x->lo : y->lo;
		int64_t hi = x->hi < y->hi ? x->hi : y->hi;

		if (lo <= hi)
			ast_add_range(&both, lo, hi);
		if (x->hi < y->hi)
			i++;
		else
			k++;
	}
	free(a->range);
	a->range = both.range;
	a->n_ranges = both.n_ranges;
	a->cap_ranges = both.cap_ranges;
}

static struct ast *
find_set(const struct cond *c, unsigned column)
{
	const struct ast *all = c->filter.ast;

	for (size_t i = 0; i < all->n_children; i++)
		if (all->child[i]->kind == AST_RANGES &&
		    all->child[i]->column == column)
			return all->child[i];
	return NULL;
}

/* To the values that the column can have. */
static void
clip(struct ast *set)
{
	const struct flow_column_info *info = &flow_columns[set->column];
	struct ast_range all = {0, (int64_t)info->max};

	if (info->kind != VALUE_TIME)
		intersect(set, &(struct ast){.range = &all, .n_ranges = 1});
}

/* Take a set of one column's values. All conditions on a column become one
 * set: the ends of BETWEEN come one by one, and only both say that an index
 * is worth it. */
static void
add_ranges(struct cond *c, struct ast *set)
{
	struct ast *known = find_set(c, set->column);

	ast_normalize_ranges(set);
	clip(set);
	if (known == NULL) {
		ast_add_child(c->filter.ast, set);
		known = set;
	} else {
		intersect(known, set);
		ast_free(set);
	}
	if (known->n_ranges == 0)
		c->nothing = true;
	else if (known->column == COL_START_MS || known->column == COL_END_MS)
		narrow_span(&c->filter, known->range[0].lo,
		    known->range[known->n_ranges - 1].hi);
}

/* ---- numbers ---- */

/* The integers less than, and at most, what v is. */
struct around {
	bool none_less, none_most; /* there is none */
	int64_t less, most;
};

static struct around
around_int(int64_t i)
{
	return (struct around){.none_less = i == INT64_MIN,
	    .less = i - (i > INT64_MIN),
	    .most = i};
}

static struct around
around_real(double d)
{
	int64_t whole;

	if (d >= 0x1p63)
		return (struct around){.less = INT64_MAX, .most = INT64_MAX};
	if (d < -0x1p63)
		return (struct around){.none_less = true, .none_most = true};
	whole = (int64_t)d; /* towards zero */
	if ((double)whole == d)
		return around_int(whole);
	whole -= d < 0;
	return (struct around){.less = whole, .most = whole};
}

/* Text and blobs come behind all numbers. */
static struct around
around_value(sqlite3_value *v)
{
	switch (sqlite3_value_numeric_type(v)) {
	case SQLITE_INTEGER: return around_int(sqlite3_value_int64(v));
	case SQLITE_FLOAT: return around_real(sqlite3_value_double(v));
	default: return (struct around){.less = INT64_MAX, .most = INT64_MAX};
	}
}

static void
add_up_to(struct ast *set, bool none, int64_t most)
{
	if (!none)
		ast_add_range(set, INT64_MIN, most);
}

static void
add_above(struct ast *set, bool all, int64_t most)
{
	if (all)
		ast_add_range(set, INT64_MIN, INT64_MAX);
	else if (most < INT64_MAX)
		ast_add_range(set, most + 1, INT64_MAX);
}

/* The integers that compare so with v. */
static void
add_compared(struct ast *set, enum push_op op, sqlite3_value *v)
{
	struct around a = around_value(v);
	bool is_one = !a.none_most && (a.none_less || a.less < a.most);

	switch (op) {
	case PUSH_EQ:
		if (is_one)
			ast_add_range(set, a.most, a.most);
		break;
	case PUSH_NE:
		add_up_to(set, a.none_less, a.less);
		add_above(set, a.none_most, a.most);
		break;
	case PUSH_LT: add_up_to(set, a.none_less, a.less); break;
	case PUSH_LE: add_up_to(set, a.none_most, a.most); break;
	case PUSH_GT: add_above(set, a.none_most, a.most); break;
	case PUSH_GE: add_above(set, a.none_less, a.less); break;
	default: assert(!"add_compared: no comparison");
	}
}

void
cond_narrow(struct cond_span *s, enum push_op op, sqlite3_value *v)
{
	struct ast set = {.kind = AST_RANGES};

	if (sqlite3_value_type(v) != SQLITE_NULL)
		add_compared(&set, op, v);
	if (set.n_ranges == 0) {
		s->lo = 1;
		s->hi = 0;
	} else {
		if (s->lo < set.range[0].lo)
			s->lo = set.range[0].lo;
		if (s->hi > set.range[0].hi)
			s->hi = set.range[0].hi;
	}
	free(set.range);
}

static void
add_number(struct cond *c, const struct pushed *p, sqlite3_value *v)
{
	struct ast *set = ast_new_ranges((unsigned)p->column);

	add_compared(set, p->op, v);
	add_ranges(c, set);
}

/* ---- lists ---- */

/* Call fn for each value of a list but NULL. */
static int
for_each(sqlite3_value *list, void (*fn)(struct ast *, sqlite3_value *),
    struct ast *set)
{
	sqlite3_value *v;
	int rc;

	for (rc = sqlite3_vtab_in_first(list, &v); rc == SQLITE_OK;
	     rc = sqlite3_vtab_in_next(list, &v))
		if (sqlite3_value_type(v) != SQLITE_NULL)
			fn(set, v);
	return rc == SQLITE_DONE ? 0 : ERR_SYSTEM;
}

static void
add_equal(struct ast *set, sqlite3_value *v)
{
	add_compared(set, PUSH_EQ, v);
}

/* A statement has a limit of values that are bound: of a long list only its
 * ends are asked for, and SQLite looks for the rest. */
static void
shorten(struct ast *set)
{
	ast_normalize_ranges(set);
	if (set->n_ranges > LIST_MAX_VALUES) {
		set->range[0].hi = set->range[set->n_ranges - 1].hi;
		set->n_ranges = 1;
	}
}

/* ---- addresses as text ---- */

/* Only the spelling that is shown is equal to it. */
static bool
read_addr(sqlite3_value *v, struct addr *a)
{
	const char *text = (const char *)sqlite3_value_text(v);
	char again[ADDR_TEXT_LEN];

	if (sqlite3_value_type(v) != SQLITE_TEXT || text == NULL ||
	    !addr_parse(text, a))
		return false;
	addr_format(a, again);
	return strcmp(text, again) == 0 &&
	       strlen(again) == (size_t)sqlite3_value_bytes(v);
}

static void
add_addr(struct ast *set, sqlite3_value *v)
{
	struct prefix p = {0};

	if (!read_addr(v, &p.addr))
		return;
	p.len = p.addr.family == 4 ? 32 : 128;
	ast_add_exporter(set, &p, AST_INCLUDED);
}

/* The IPv4 addresses of prefixes, or more: not what is excluded. */
static struct ast *
ranges_of(const struct ast *nets, unsigned column)
{
	struct ast *set = ast_new_ranges(column);
	uint32_t lo, hi;

	for (size_t i = 0; i < nets->n_exporters; i++) {
		const struct ast_exporter *x = &nets->exporter[i];

		if (x->prefix.addr.family == 4 && x->verdict == AST_INCLUDED) {
			prefix_ip4_range(&x->prefix, &lo, &hi);
			ast_add_range(set, lo, hi);
		}
	}
	return set;
}

/* Whether addresses that are not in nets at all pass. */
static bool
only_excludes(const struct ast *nets)
{
	for (size_t i = 0; i < nets->n_exporters; i++)
		if (nets->exporter[i].verdict == AST_INCLUDED)
			return false;
	return nets->n_exporters > 0;
}

/* nets moves in. */
static void
add_nets(struct cond *c, unsigned column, struct ast *nets)
{
	if (column == COL_EXPORTER && nets->n_exporters > 0 &&
	    nets->n_exporters <= LIST_MAX_VALUES) {
		ast_add_child(c->filter.ast, nets);
		return;
	}
	if (nets->n_exporters == 0) {
		c->nothing = true;
	} else if (column != COL_EXPORTER && !only_excludes(nets)) {
		struct ast *set = ranges_of(nets, column);

		shorten(set);
		add_ranges(c, set);
	}
	ast_free(nets);
}

static int
add_addrs(struct cond *c, const struct pushed *p, sqlite3_value *v)
{
	struct ast *nets = ast_new(AST_EXPORTERS);
	int rc = 0;

	if (p->op == PUSH_IN)
		rc = for_each(v, add_addr, nets);
	else
		add_addr(nets, v);
	add_nets(c, (unsigned)p->column, nets);
	return rc;
}

/* ---- times as text ---- */

/*
 * The span that the longest readable beginning of a time stands for: a day, an
 * hour, a minute or a second; of nothing when that is all of text, because
 * every time of the span is longer and so comes behind it.
 */
static bool
read_span(const char *text, int64_t *from_ms, int64_t *to_ms)
{
	static const char rest[] = "YYYY-MM-DDT00:00:00";
	static const struct {
		size_t len;
		int64_t ms;
	} parts[] = {{19, MS_PER_S}, {16, 60 * MS_PER_S}, {13, 3600 * MS_PER_S},
	    {10, MS_PER_DAY}};
	char whole[CLOCK_TEXT_LEN], again[CLOCK_TEXT_LEN];

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		struct tm tm = {0};
		const char *end;

		if (strlen(text) < parts[i].len)
			continue;
		memcpy(whole, text, parts[i].len);
		memcpy(whole + parts[i].len, rest + parts[i].len,
		    sizeof rest - parts[i].len);
		end = strptime(whole, "%Y-%m-%dT%H:%M:%S", &tm);
		if (end == NULL || *end != '\0')
			continue;
		*from_ms = (int64_t)timegm(&tm) * MS_PER_S;
		clock_format_iso(*from_ms, again);
		if (strncmp(whole, again, sizeof rest - 1) != 0)
			continue;
		*to_ms = *from_ms;
		if (strlen(text) > parts[i].len)
			*to_ms += parts[i].ms;
		return true;
	}
	return false;
}

/* Texts of times sort as the times do. What is no time says nothing. */
static void
add_time(struct cond *c, const struct pushed *p, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	int64_t lo = INT64_MIN, hi = INT64_MAX, from_ms, to_ms;
	struct ast *set;

	if (sqlite3_value_type(v) != SQLITE_TEXT || text == NULL ||
	    !read_span(text, &from_ms, &to_ms))
		return;
	if (p->op == PUSH_EQ || p->op == PUSH_GE || p->op == PUSH_GT)
		lo = from_ms;
	if (p->op == PUSH_EQ || p->op == PUSH_LE || p->op == PUSH_LT)
		hi = to_ms - 1;
	set = ast_new_ranges((unsigned)p->column);
	if (lo <= hi)
		ast_add_range(set, lo, hi);
	add_ranges(c, set);
}

/* ---- flags as letters ---- */

static void
add_letters(struct cond *c, sqlite3_value *v)
{
	const char *text = (const char *)sqlite3_value_text(v);
	struct ast *set = ast_new_ranges(COL_TCP_FLAGS);
	char letters[FLAGS_TEXT_LEN];

	for (unsigned flags = 0; text != NULL && flags <= UINT8_MAX; flags++) {
		flags_format((uint8_t)flags, letters);
		if (strcmp(letters, text) == 0)
			ast_add_range(set, flags, flags);
	}
	add_ranges(c, set);
}

/* ---- functions ---- */

/* The kind of list that the function takes for values of the column. */
static enum sql_set_kind
set_kind(const struct cond *c, const struct pushed *p)
{
	if (p->op == PUSH_FLAGS_MATCH)
		return SET_FLAGS;
	return p->column == COL_EXPORTER || c->text ? SET_EXPORTER : SET_IP4;
}

static int
add_function(
    struct cond *c, const struct pushed *p, sqlite3_value *v, struct err *err)
{
	const char *text = (const char *)sqlite3_value_text(v);
	enum sql_set_kind kind = set_kind(c, p);
	struct ast *set;
	int rc;

	if (sqlite3_value_type(v) != SQLITE_TEXT || text == NULL)
		return err_set(err, ERR_USAGE,
		    "%s(): the second argument is no text",
		    kind == SET_FLAGS ? "flags_match" : "in_net");
	if ((rc = sql_set_read(kind, text, &set, err)) != 0)
		return rc;
	if (kind == SET_EXPORTER) {
		add_nets(c, (unsigned)p->column, set);
	} else {
		set->column = (unsigned)p->column;
		add_ranges(c, set);
	}
	return 0;
}

/* ---- all of them ---- */

static int
add_numbers(struct cond *c, const struct pushed *p, sqlite3_value *list)
{
	struct ast *set = ast_new_ranges((unsigned)p->column);
	int rc = for_each(list, add_equal, set);

	shorten(set);
	add_ranges(c, set);
	return rc;
}

int
cond_add(
    struct cond *c, const struct pushed *p, sqlite3_value *v, struct err *err)
{
	enum value_kind kind = flow_columns[p->column].kind;
	int rc = 0;

	if (p->op != PUSH_IN && sqlite3_value_type(v) == SQLITE_NULL)
		c->nothing = true;
	else if (p->op == PUSH_IN_NET || p->op == PUSH_FLAGS_MATCH)
		return add_function(c, p, v, err);
	else if (kind == VALUE_EXPORTER || (c->text && kind == VALUE_IP4))
		rc = add_addrs(c, p, v);
	else if (c->text && kind == VALUE_TIME)
		add_time(c, p, v);
	else if (c->text && kind == VALUE_FLAGS)
		add_letters(c, v);
	else if (p->op == PUSH_IN)
		rc = add_numbers(c, p, v);
	else
		add_number(c, p, v);
	return rc == 0 ? 0 : err_set(err, rc, "a list in IN cannot be read");
}
