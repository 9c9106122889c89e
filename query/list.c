/* SPDX-License-Identifier: ISC */
/*
 * Lists of values: see list.h. Each value becomes pieces, and the list is
 * painted from them: over every number the piece that counts there. Of
 * addresses that is the one of the value with fewest addresses (the longest
 * prefix), of equal ones the first; of other numbers the last one given.
 */
#include "query/list.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/names.h"
#include "query/value.h"
#include "query/where.h"
#include "schema/base/buf.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"

/* One range of one value. */
struct piece {
	int64_t lo, hi;
	uint64_t size;  /* numbers in all ranges of the value */
	unsigned value; /* which one, in the order given */
	bool exclude;
	const char *exporter; /* NULL: of any */
};

struct reader {
	const struct field *field;
	const struct names *names;
	struct complaint *why;
	struct piece *piece;
	size_t n_pieces, cap_pieces;
	struct ast *exporters; /* SYNTAX_EXPORTER: instead of pieces */
	struct value value;    /* scratch */
	unsigned n_values;
	bool has_include;
	struct buf text;                         /* of the whole */
	size_t n_printed;                        /* values in it */
	const char *group[LIST_MAX_GROUP_DEPTH]; /* being read, outside in */
	size_t depth;
};

/* ---- values ---- */

static void
add_piece(struct reader *r, const struct piece *p)
{
	r->piece =
	    xgrow(r->piece, r->n_pieces, &r->cap_pieces, sizeof *r->piece);
	r->piece[r->n_pieces++] = *p;
}

static void
add_ranges(struct reader *r, bool exclude)
{
	const struct value *v = &r->value;
	struct piece p = {.value = r->n_values, .exclude = exclude};

	for (size_t i = 0; i < v->n_ranges; i++)
		p.size += (uint64_t)(v->range[i].hi - v->range[i].lo) + 1;
	if (v->is_host) /* each address counts by itself */
		p.size = 1;
	for (size_t i = 0; i < v->n_ranges; i++) {
		p.lo = v->range[i].lo;
		p.hi = v->range[i].hi;
		add_piece(r, &p);
	}
	for (size_t i = 0; i < v->n_interfaces; i++) {
		p.lo = p.hi = v->interface[i].index;
		p.exporter = v->interface[i].exporter;
		add_piece(r, &p);
	}
}

static void
add_prefixes(struct reader *r, bool exclude)
{
	for (size_t i = 0; i < r->value.n_prefixes; i++) {
		const struct value_prefix *p = &r->value.prefix[i];

		ast_add_exporter(r->exporters, &p->prefix,
		    p->other  ? AST_UNLISTED
		    : exclude ? AST_EXCLUDED
			      : AST_INCLUDED);
	}
}

static int
add_value(struct reader *r, const char *text, bool exclude)
{
	int rc = value_read(&r->value, r->field, text, r->names, r->why);

	if (rc != 0)
		return rc;
	if (r->n_values >= LIST_MAX_GROUP_VALUES) {
		complain(
		    r->why, "more than %d values", (int)LIST_MAX_GROUP_VALUES);
		return ERR_USAGE;
	}
	add_ranges(r, exclude);
	add_prefixes(r, exclude);
	r->has_include = r->has_include || !exclude;
	r->n_values++;
	return 0;
}

/* ---- groups ---- */

static int read_values(struct reader *r, char *list, bool exclude, size_t *at);

static int
unknown_group(struct reader *r, const char *name)
{
	struct suggestion s;
	char shown[QUOTE_LEN];

	complain(r->why, "unknown group \"%s\"", quote(name, SIZE_MAX, shown));
	suggest_begin(&s, name);
	if (r->names->each != NULL)
		r->names->each(r->names->arg, NAMES_GROUP, suggest_offer, &s);
	complain_suggest(r->why, &s);
	return ERR_USAGE;
}

/* That it is no member of itself, and not too deep. */
static int
check_group_depth(struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->depth; i++)
		if (strcmp(r->group[i], name) == 0)
			return complain(
			    r->why, "group %s is a member of itself", name);
	if (r->depth == LIST_MAX_GROUP_DEPTH)
		return complain(r->why,
		    "group %s: groups are nested more than %d deep", name,
		    (int)LIST_MAX_GROUP_DEPTH);
	return 0;
}

/* Say that the complaint is about something in a group. */
static void
blame_group(struct complaint *why, const char *name)
{
	struct complaint inner = *why;

	complain(why, "group %s: %s", name, inner.what);
	complain_hint(why, "%s", inner.hint);
}

/* As if the group's values stood in its place. */
static int
add_group(struct reader *r, const char *name, bool exclude)
{
	struct buf values;
	struct err err = {0};
	size_t at;
	int rc = check_group_depth(r, name);

	if (rc != 0)
		return rc;
	buf_init(&values, SIZE_MAX / 2);
	if (r->names->group != NULL)
		rc = r->names->group(r->names->arg, name, &values, &err);
	if (rc > 0) {
		r->group[r->depth++] = name;
		rc = read_values(r, values.data, exclude, &at);
		r->depth--;
		if (rc != 0)
			blame_group(r->why, name);
	} else if (rc == 0) {
		rc = unknown_group(r, name);
	} else {
		complain(r->why, "%s", err.text);
	}
	buf_release(&values);
	return rc;
}

/* ---- lists ---- */

static char *
trim(char *text)
{
	char *end;

	while (isblank((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isblank((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Cut the first value, up to a comma outside of quotes, off *list. */
static char *
cut_value(char **list)
{
	char *value = *list, *p = value;
	bool quoted = false;

	for (; *p != '\0' && (quoted || *p != ','); p++)
		quoted = quoted != (*p == '"');
	if (*p == ',') {
		*p = '\0';
		*list = p + 1;
	} else {
		*list = NULL;
	}
	return value;
}

/* Take the quotes off *text, if it has any. */
static int
unquote(char **text, struct complaint *why)
{
	size_t len;

	if (**text != '"')
		return 0;
	(*text)++;
	len = strcspn(*text, "\"");
	if ((*text)[len] == '\0')
		return complain(why, "a quote is not closed");
	if ((*text)[len + 1] != '\0')
		return complain(why, "something follows a closing quote");
	(*text)[len] = '\0';
	return 0;
}

void
list_put_value(struct buf *out, const char *value)
{
	bool is_plain = value[strcspn(value, " \t,()[]=<>!&|#")] == '\0' &&
			!where_reserves(value);
	const char *q = is_plain ? "" : "\"";

	buf_printf(out, "%s%s%s", q, value, q);
}

/* One value with its sign; excluded by a group around it or itself. */
static int
read_value(struct reader *r, char *text, bool outer)
{
	bool exclude = text[0] == '-';
	bool is_group;
	int rc;

	if (exclude)
		text = trim(text + 1);
	if (exclude && outer) {
		complain(r->why, "it excludes \"%.40s\" itself", text);
		return complain_hint(
		    r->why, "such a group cannot be excluded as a whole");
	}
	is_group = text[0] == '@';
	if ((rc = unquote(&text, r->why)) != 0)
		return rc;
	rc = is_group ? add_group(r, text + 1, exclude || outer)
		      : add_value(r, text, exclude || outer);
	if (rc == 0 && r->depth == 0) {
		buf_puts(&r->text, r->n_printed++ > 0 ? "," : "");
		buf_puts(&r->text, exclude ? "-" : "");
		list_put_value(
		    &r->text, is_group ? text : buf_str(&r->value.text));
	}
	return rc;
}

/* list is cut up. */
static int
read_values(struct reader *r, char *list, bool exclude, size_t *at)
{
	char *rest = list;
	size_t n = 0;

	while (rest != NULL) {
		char *text = trim(cut_value(&rest));
		int rc = 0;

		*at = (size_t)(text - list);
		if (++n > LIST_MAX_VALUES && r->depth == 0) {
			complain(r->why, "more than %d values",
			    (int)LIST_MAX_VALUES);
			rc = complain_hint(
			    r->why, "a named group may have more");
		}
		if (rc == 0)
			rc = read_value(r, text, exclude);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- painting ---- */

/* Whether a counts where both lie. */
static bool
beats(const struct reader *r, const struct piece *a, const struct piece *b)
{
	if (r->field->syntax != SYNTAX_ADDRESS)
		return a->value > b->value;
	return a->size != b->size ? a->size < b->size : a->value < b->value;
}

static int
compare_lo(const void *a, const void *b)
{
	const struct piece *const *x = a, *const *y = b;

	return ((*x)->lo > (*y)->lo) - ((*x)->lo < (*y)->lo);
}

/* The pieces at the place that is painted. */
struct brush {
	const struct piece **piece; /* sorted by lo */
	size_t n, next;
	const struct piece **active; /* hold the place, in no order */
	size_t n_active;
};

/* Move to pos: what ended before it goes, what begins there comes. */
static void
move_brush(struct brush *b, int64_t pos)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_active; i++)
		if (b->active[i]->hi >= pos)
			b->active[n++] = b->active[i];
	b->n_active = n;
	while (b->next < b->n && b->piece[b->next]->lo <= pos)
		b->active[b->n_active++] = b->piece[b->next++];
}

static void
paint_all(const struct reader *r, struct brush *b, struct ast *include,
    struct ast *exclude)
{
	int64_t pos = b->n > 0 ? b->piece[0]->lo : 0;

	for (;;) {
		const struct piece *best;
		int64_t end;

		move_brush(b, pos);
		if (b->n_active == 0) {
			if (b->next == b->n)
				return;
			pos = b->piece[b->next]->lo;
			continue;
		}
		best = b->active[0];
		for (size_t i = 1; i < b->n_active; i++)
			if (beats(r, b->active[i], best))
				best = b->active[i];
		end = best->hi;
		if (b->next < b->n && b->piece[b->next]->lo <= end)
			end = b->piece[b->next]->lo - 1;
		ast_add_range(best->exclude ? exclude : include, pos, end);
		pos = end + 1;
	}
}

static bool
same_exporter(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What is included and what is excluded, both of column r->field->first; of one
 * exporter, or (NULL) of those that no piece is particular to. */
static void
paint(const struct reader *r, const char *exporter, struct ast **include,
    struct ast **exclude)
{
	struct brush b = {
	    .piece = xcalloc(r->n_pieces + 1, sizeof *b.piece),
	    .active = xcalloc(r->n_pieces + 1, sizeof *b.active),
	};

	*include = ast_new_ranges(r->field->first);
	*exclude = ast_new_ranges(r->field->first);
	for (size_t i = 0; i < r->n_pieces; i++)
		if (r->piece[i].exporter == NULL ||
		    same_exporter(r->piece[i].exporter, exporter))
			b.piece[b.n++] = &r->piece[i];
	qsort(b.piece, b.n, sizeof *b.piece, compare_lo);
	paint_all(r, &b, *include, *exclude);
	ast_normalize_ranges(*include);
	ast_normalize_ranges(*exclude);
	free(b.piece);
	free(b.active);
}

/* ---- conditions ---- */

/* The same ranges of another quantity. */
static struct ast *
copy_ranges(const struct ast *a, unsigned column)
{
	struct ast *copy = ast_new_ranges(column);

	for (size_t i = 0; i < a->n_ranges; i++)
		ast_add_range(copy, a->range[i].lo, a->range[i].hi);
	return copy;
}

/* Both, or one, of the ends in a's ranges; takes a. */
static struct ast *
ends(enum ast_kind kind, const struct field *f, struct ast *a)
{
	struct ast *both = ast_new(kind);

	ast_add_child(both, a);
	ast_add_child(both, copy_ranges(a, f->second));
	return both;
}

/* Neither end excluded, and if anything is included, one of them; takes
 * both. */
static struct ast *
either_end(const struct reader *r, struct ast *include, struct ast *exclude)
{
	const struct field *f = r->field;
	struct ast *all, *not_excluded = ast_complement(exclude, f->max);
	bool excludes = exclude->n_ranges > 0;

	ast_free(exclude);
	if (!r->has_include) {
		ast_free(include);
		return ends(AST_AND, f, not_excluded);
	}
	if (!excludes) {
		ast_free(not_excluded);
		return ends(AST_OR, f, include);
	}
	all = ends(AST_AND, f, not_excluded);
	ast_add_child(all, ends(AST_OR, f, include));
	return all;
}

/* Of one exporter, or of any. */
static struct ast *
numbers(const struct reader *r, const char *exporter)
{
	struct ast *include, *exclude, *rest;

	paint(r, exporter, &include, &exclude);
	if (r->field->second != r->field->first)
		return either_end(r, include, exclude);
	if (r->has_include) {
		ast_free(exclude);
		return include;
	}
	rest = ast_complement(exclude, r->field->max);
	ast_free(include);
	ast_free(exclude);
	return rest;
}

static void
add_own_prefix(void *to, const struct prefix *p, bool other)
{
	ast_add_exporter(to, p, other ? AST_UNLISTED : AST_INCLUDED);
}

static struct ast *
from_exporter(const struct reader *r, const char *exporter)
{
	struct ast *a = ast_new(AST_EXPORTERS);
	int rc = r->names->exporter(
	    r->names->arg, exporter, add_own_prefix, a, NULL);

	/* Who named an interface of it knows it. */
	assert(rc > 0);
	(void)rc;
	return a;
}

/* Whether an exporter that no piece is particular to can have a number. */
static bool
may_be_other(const struct reader *r)
{
	if (!r->has_include)
		return true;
	for (size_t i = 0; i < r->n_pieces; i++)
		if (r->piece[i].exporter == NULL && !r->piece[i].exclude)
			return true;
	return false;
}

static bool
is_first(const struct reader *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_exporter(r->piece[k].exporter, r->piece[i].exporter))
			return false;
	return true;
}

static struct ast *
both(struct ast *a, struct ast *b)
{
	struct ast *all = ast_new(AST_AND);

	ast_add_child(all, a);
	ast_add_child(all, b);
	return all;
}

/*
 * Names of interfaces mean another number at each exporter: for each that has
 * one, its own numbers; for all others those given as numbers.
 */
static struct ast *
numbers_by_exporter(const struct reader *r)
{
	struct ast *any = ast_new(AST_OR), *named = ast_new(AST_OR);
	struct ast *none = ast_new(AST_NOT);

	for (size_t i = 0; i < r->n_pieces; i++) {
		const char *exporter = r->piece[i].exporter;

		if (exporter == NULL || !is_first(r, i))
			continue;
		ast_add_child(any,
		    both(from_exporter(r, exporter), numbers(r, exporter)));
		ast_add_child(named, from_exporter(r, exporter));
	}
	ast_add_child(none, named);
	if (any->n_children > 0 && may_be_other(r)) {
		ast_add_child(any, both(none, numbers(r, NULL)));
		return any;
	}
	ast_free(none);
	if (any->n_children > 0)
		return any;
	ast_free(any);
	return numbers(r, NULL);
}

int
list_read(struct ast **out, const struct field *f, const char *list,
    const struct names *names, size_t *at, struct complaint *why)
{
	struct reader r = {.field = f, .names = names, .why = why};
	char *copy = xstrdup(list);
	int rc;

	value_init(&r.value);
	buf_init(&r.text, SIZE_MAX / 2);
	buf_printf(&r.text, "%s=", f->name);
	r.exporters = ast_new(AST_EXPORTERS);
	rc = read_values(&r, copy, false, at);
	if (rc == 0 && f->syntax == SYNTAX_EXPORTER) {
		*out = r.exporters;
		r.exporters = NULL;
	} else if (rc == 0) {
		*out = numbers_by_exporter(&r);
	}
	if (rc == 0)
		(*out)->text = xstrdup(buf_str(&r.text));
	free(copy);
	free(r.piece);
	ast_free(r.exporters);
	value_release(&r.value);
	buf_release(&r.text);
	return rc;
}
