/* SPDX-License-Identifier: ISC */
/*
 * Expressions: see where.h. A token is read ahead; each function of the parser
 * takes what is its own and leaves the first token behind it.
 *
 *   or        = and { "or" and }
 *   and       = not { "and" not }
 *   not       = { "not" } ( "(" or ")" | "any" | condition )
 *   condition = field [ operator ] ( values | field )
 *   values    = value { "," value } | "[" value { [ "," ] value } "]"
 */
#include "query/where.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/list.h"
#include "query/value.h"
#include "schema/base/buf.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"

/* ---- tokens ---- */

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_QUOTED, /* a value whatever it says */
	TOKEN_COMMA,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OPEN_LIST,
	TOKEN_CLOSE_LIST,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_ANY,
	TOKEN_IN,
	/* operators from here on */
	TOKEN_EQUAL,
	TOKEN_NOT_EQUAL,
	TOKEN_LESS,
	TOKEN_AT_MOST,
	TOKEN_MORE,
	TOKEN_AT_LEAST,
};

struct token {
	enum token_kind kind;
	bool exclude;     /* TOKEN_QUOTED: a - is in front of the quotes */
	const char *text; /* without quotes */
	size_t len;
	size_t at; /* of its first byte in the whole text */
};

/* What spells a token; of signs the longer ones first. */
struct spelling {
	const char *text;
	enum token_kind kind;
};

static const struct spelling signs[] = {
    {"==", TOKEN_EQUAL},
    {"!=", TOKEN_NOT_EQUAL},
    {"<=", TOKEN_AT_MOST},
    {">=", TOKEN_AT_LEAST},
    {"&&", TOKEN_AND},
    {"||", TOKEN_OR},
    {"=", TOKEN_EQUAL},
    {"<", TOKEN_LESS},
    {">", TOKEN_MORE},
    {"!", TOKEN_NOT},
    {"(", TOKEN_OPEN},
    {")", TOKEN_CLOSE},
    {"[", TOKEN_OPEN_LIST},
    {"]", TOKEN_CLOSE_LIST},
    {",", TOKEN_COMMA},
};

static const struct spelling keywords[] = {
    {"and", TOKEN_AND},
    {"or", TOKEN_OR},
    {"not", TOKEN_NOT},
    {"any", TOKEN_ANY},
    {"in", TOKEN_IN},
    {"eq", TOKEN_EQUAL},
    {"ne", TOKEN_NOT_EQUAL},
    {"lt", TOKEN_LESS},
    {"le", TOKEN_AT_MOST},
    {"gt", TOKEN_MORE},
    {"ge", TOKEN_AT_LEAST},
};

/* No word has them. */
static const char delimiters[] = " \t\r\n\v\f,()[]=<>!&|\"'";

struct parser {
	const char *text;
	const struct names *names;
	struct complaint *why;
	struct token token; /* the next one */
	size_t *at;         /* of the token that is wrong */
	unsigned depth, n_terms;
};

static int
fail_at(struct parser *p, size_t at)
{
	*p->at = at;
	return ERR_USAGE;
}

static bool
token_is(const struct token *t, const char *word)
{
	return t->kind == TOKEN_WORD && strlen(word) == t->len &&
	       strncasecmp(t->text, word, t->len) == 0;
}

static const char *
skip_blanks(const char *s)
{
	for (;;) {
		while (isspace((unsigned char)*s))
			s++;
		if (*s != '#')
			return s;
		s += strcspn(s, "\n"); /* a comment, as nfdump's files have */
	}
}

static int
take_quoted(struct parser *p, const char *s)
{
	size_t len = strcspn(s + 1, "\"");

	p->token.kind = TOKEN_QUOTED;
	p->token.exclude = s > p->text + p->token.at;
	p->token.text = s + 1;
	p->token.len = len;
	if (s[1 + len] == '"')
		return 0;
	complain(p->why, "a quote is not closed");
	return fail_at(p, p->token.at);
}

static bool
take_sign(struct parser *p, const char *s)
{
	for (size_t i = 0; i < ARRAY_LEN(signs); i++) {
		size_t len = strlen(signs[i].text);

		if (strncmp(s, signs[i].text, len) == 0) {
			p->token.kind = signs[i].kind;
			p->token.text = s;
			p->token.len = len;
			return true;
		}
	}
	return false;
}

static int
take_word(struct parser *p, const char *s)
{
	struct token *t = &p->token;

	t->kind = TOKEN_WORD;
	t->text = s;
	t->len = strcspn(s, delimiters);
	if (t->len == 0) {
		complain(p->why, "\"%c\" means nothing here", *s);
		return fail_at(p, t->at);
	}
	for (size_t i = 0; i < ARRAY_LEN(keywords); i++) {
		if (token_is(t, keywords[i].text)) {
			t->kind = keywords[i].kind;
			break;
		}
	}
	return 0;
}

/* Move on to the next token. */
static int
next(struct parser *p)
{
	const struct token *t = &p->token;
	const char *s = p->text;

	if (t->text != NULL)
		s = t->text + t->len + (t->kind == TOKEN_QUOTED);
	s = skip_blanks(s);
	p->token = (struct token){.text = s, .at = (size_t)(s - p->text)};
	if (*s == '\0')
		return 0;
	if (*s == '"' || (s[0] == '-' && s[1] == '"'))
		return take_quoted(p, s + (*s == '-'));
	return take_sign(p, s) ? 0 : take_word(p, s);
}

/* The token is not what the grammar has there. */
static int
unexpected(struct parser *p, const char *want)
{
	char shown[QUOTE_LEN];

	if (p->token.kind == TOKEN_END)
		complain(p->why, "the end comes too early");
	else
		complain(p->why, "\"%s\" is not expected",
		    quote(p->token.text, p->token.len, shown));
	complain_hint(p->why, "want %s", want);
	return fail_at(p, p->token.at);
}

/* ---- fields ---- */

/* Two words for a field, as nfdump has them, or one. */
static const struct alias {
	const char *first, *second, *field;
} aliases[] = {
    {"src", "ip", "src"},
    {"src", "host", "src"},
    {"src", "net", "src"},
    {"src", "port", "sport"},
    {"src", "as", "src_as"},
    {"src", "mask", "src_mask"},
    {"dst", "ip", "dst"},
    {"dst", "host", "dst"},
    {"dst", "net", "dst"},
    {"dst", "port", "dport"},
    {"dst", "as", "dst_as"},
    {"dst", "mask", "dst_mask"},
    {"in", "if", "in_if"},
    {"out", "if", "out_if"},
    {"next", "ip", "next_hop"},
    {"router", "ip", "exporter"},
    {"ip", NULL, "host"},
    {"net", NULL, "host"},
    {"bytes", NULL, "octets"},
    {"bpp", NULL, "packet_size"},
};

/* "in" is a keyword too: before a condition it can only be a direction. */
static bool
starts_alias(const struct token *t, const struct alias *a)
{
	return token_is(t, a->first) ||
	       (t->kind == TOKEN_IN && strcmp(a->first, "in") == 0);
}

static const struct field *
find_alias(const struct alias *a)
{
	return field_find(a->field, strlen(a->field));
}

/* A field of one word. */
static const struct field *
find_field(const struct token *t)
{
	if (t->kind != TOKEN_WORD)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (aliases[i].second == NULL && token_is(t, aliases[i].first))
			return find_alias(&aliases[i]);
	for (size_t i = 0; i < n_fields; i++)
		if (token_is(t, fields[i].name))
			return &fields[i];
	return NULL;
}

/* The tokens of a field are taken: *out; or none: NULL. */
static int
take_field(struct parser *p, const struct field **out)
{
	struct token first = p->token;
	int rc;

	*out = find_field(&first);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		const struct alias *a = &aliases[i];

		if (a->second == NULL || !starts_alias(&first, a))
			continue;
		/* What follows decides; it is looked at again otherwise. */
		if ((rc = next(p)) != 0)
			return rc;
		if (token_is(&p->token, a->second)) {
			*out = find_alias(a);
			return next(p);
		}
		p->token = first;
	}
	return *out != NULL ? next(p) : 0;
}

/* "any" is a value too: quirks=any. */
bool
where_reserves(const char *word)
{
	const struct token t = {
	    .kind = TOKEN_WORD, .text = word, .len = strlen(word)};

	for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
		if (token_is(&t, keywords[i].text))
			return keywords[i].kind != TOKEN_ANY;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (token_is(&t, aliases[i].first))
			return true;
	return find_field(&t) != NULL;
}

static int
unknown_field(struct parser *p)
{
	char shown[QUOTE_LEN];
	struct suggestion s;
	char *word;

	if (p->token.kind != TOKEN_WORD)
		return unexpected(p, "a condition such as dport=53");
	word = xasprintf("%.*s", (int)p->token.len, p->token.text);
	suggest_begin(&s, word);
	for (size_t i = 0; i < n_fields; i++)
		suggest_offer(&s, fields[i].name);
	complain(p->why, "unknown field \"%s\"",
	    quote(p->token.text, p->token.len, shown));
	complain_hint(p->why, "want a condition such as dport=53");
	complain_suggest(p->why, &s);
	free(word);
	return fail_at(p, p->token.at);
}

/* ---- lists of values ---- */

/* Values as a list of filter words, and where each stands in the text. */
struct values {
	bool implied; /* the operator is */
	struct buf list;
	size_t *at;
	size_t n, cap;
};

static void
values_release(struct values *v)
{
	buf_release(&v->list);
	free(v->at);
}

/* To nfdump, letters without an operator are flags that must all be set. */
static bool
means_all(const struct values *v, const struct field *f, const struct token *t)
{
	static const char letters[] = "CEUAPRSFceuaprsf";

	return v->implied && f->syntax == SYNTAX_FLAGS &&
	       strspn(t->text, letters) >= t->len;
}

/* The token as the next value. */
static void
add_value(struct parser *p, const struct field *f, struct values *v)
{
	const struct token *t = &p->token;
	const char *q = t->kind == TOKEN_QUOTED ? "\"" : "";

	v->at = xgrow(v->at, v->n, &v->cap, sizeof *v->at);
	v->at[v->n++] = t->at;
	buf_puts(&v->list, v->n > 1 ? "," : "");
	buf_printf(&v->list, "%s%s%s%.*s%s", t->exclude ? "-" : "",
	    means_all(v, f, t) ? "all:" : "", q, (int)t->len, t->text, q);
}

static bool
is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED ||
	       t->kind == TOKEN_ANY;
}

static int
take_value(struct parser *p, const struct field *f, struct values *v)
{
	if (!is_value(&p->token))
		return unexpected(p, "a value");
	if (v->n >= LIST_MAX_VALUES) {
		complain(p->why, "more than %d values", (int)LIST_MAX_VALUES);
		complain_hint(p->why, "a named group may have more");
		return fail_at(p, p->token.at);
	}
	add_value(p, f, v);
	return next(p);
}

/* Behind the "[". */
static int
take_bracketed(struct parser *p, const struct field *f, struct values *v)
{
	int rc;

	do {
		if ((rc = take_value(p, f, v)) != 0)
			return rc;
		if (p->token.kind == TOKEN_COMMA && (rc = next(p)) != 0)
			return rc;
	} while (
	    p->token.kind != TOKEN_CLOSE_LIST && p->token.kind != TOKEN_END);
	if (p->token.kind == TOKEN_END)
		return unexpected(p, "a ] behind the values");
	return next(p);
}

static int
take_values(struct parser *p, const struct field *f, struct values *v)
{
	int rc;

	if (p->token.kind == TOKEN_OPEN_LIST)
		return (rc = next(p)) != 0 ? rc : take_bracketed(p, f, v);
	rc = take_value(p, f, v);
	while (rc == 0 && p->token.kind == TOKEN_COMMA)
		if ((rc = next(p)) == 0)
			rc = take_value(p, f, v);
	return rc;
}

/* ---- conditions ---- */

/* at counts in v's list; the list has a comma outside quotes before each value
 * but the first. */
static int
fail_in_list(struct parser *p, const struct values *v, size_t at, int rc)
{
	const char *list = buf_str(&v->list);
	bool quoted = false;
	size_t n = 0;

	for (size_t i = 0; i < at; i++) {
		quoted = quoted != (list[i] == '"');
		n += !quoted && list[i] == ',';
	}
	*p->at = v->at[n];
	return rc;
}

static int
make_list(struct parser *p, const struct field *f, const struct values *v,
    struct ast **out)
{
	size_t at = 0;
	int rc = list_read(out, f, buf_str(&v->list), p->names, &at, p->why);

	return rc != 0 ? fail_in_list(p, v, at, rc) : 0;
}

static struct ast *
negate(struct ast *a)
{
	struct ast *inner;

	if (a->kind != AST_NOT) {
		inner = a;
		a = ast_new(AST_NOT);
		ast_add_child(a, inner);
		return a;
	}
	inner = a->child[0];
	a->n_children = 0;
	ast_free(a);
	return inner;
}

/* The numbers that are less, more, ... than value. */
static int
find_bounds(struct parser *p, const struct field *f, enum token_kind op,
    int64_t value, struct ast_range *out)
{
	*out = (struct ast_range){0, f->max};
	switch (op) {
	case TOKEN_LESS: out->hi = value - 1; break;
	case TOKEN_AT_MOST: out->hi = value; break;
	case TOKEN_MORE: out->lo = value + 1; break;
	default: out->lo = value; break;
	}
	if (out->lo <= out->hi)
		return 0;
	return complain(p->why, "%s is never %s that", f->name,
	    op == TOKEN_LESS ? "less than" : "more than");
}

/* One value that < and its like compare with. */
static int
read_bound(struct parser *p, const struct field *f, const struct values *v,
    int64_t *out)
{
	struct value value;
	char shown[QUOTE_LEN];
	const char *text = buf_str(&v->list);
	int rc;

	quote(text, SIZE_MAX, shown);
	if (f->syntax == SYNTAX_EXPORTER || f->syntax == SYNTAX_ENGINE) {
		complain(p->why, "%s has no order", f->name);
		return complain_hint(p->why, "want = or !=");
	}
	if (v->n > 1 || text[0] == '@' || text[0] == '-' || text[0] == '"') {
		complain(p->why, "\"%s\" is not one value", shown);
		return complain_hint(
		    p->why, "< <= > >= compare with one number");
	}
	value_init(&value);
	rc = value_read(&value, f, text, p->names, p->why);
	if (rc == 0 && value.n_ranges == 1 &&
	    value.range[0].lo == value.range[0].hi) {
		*out = value.range[0].lo;
	} else if (rc == 0) {
		complain(p->why, "\"%s\" is not one number", shown);
		rc = complain_hint(p->why, "< <= > >= compare with one number");
	}
	value_release(&value);
	return rc;
}

/* key < value as the range it is. */
static int
make_order(struct parser *p, const struct field *f, enum token_kind op,
    const struct values *v, struct ast **out)
{
	struct ast_range r;
	struct buf list;
	int64_t bound = 0;
	size_t at;
	int rc = read_bound(p, f, v, &bound);

	if (rc == 0)
		rc = find_bounds(p, f, op, bound, &r);
	if (rc != 0) {
		*p->at = v->at[0];
		return rc;
	}
	buf_init(&list, 2 * VALUE_MAX_LEN);
	value_put_range(&list, f, r.lo, r.hi);
	rc = list_read(out, f, buf_str(&list), p->names, &at, p->why);
	buf_release(&list);
	return rc;
}

static int
make_condition(struct parser *p, const struct field *f, enum token_kind op,
    const struct values *v, struct ast **out)
{
	int rc;

	if (op > TOKEN_NOT_EQUAL)
		return make_order(p, f, op, v, out);
	rc = make_list(p, f, v, out);
	if (rc == 0 && op == TOKEN_NOT_EQUAL)
		*out = negate(*out);
	return rc;
}

/* ---- field compared with field ---- */

static struct ast *
compare(unsigned a, enum token_kind op, unsigned b)
{
	bool swapped = op == TOKEN_MORE || op == TOKEN_AT_LEAST;
	struct ast *c = ast_new(AST_COMPARE);

	c->column = swapped ? b : a;
	c->other = swapped ? a : b;
	if (op == TOKEN_LESS || op == TOKEN_MORE)
		c->op = AST_LESS;
	else if (op == TOKEN_AT_MOST || op == TOKEN_AT_LEAST)
		c->op = AST_AT_MOST;
	else
		c->op = AST_EQUAL;
	return c;
}

static const char *
spell(enum token_kind op)
{
	static const char *const texts[] = {[TOKEN_EQUAL] = "=",
	    [TOKEN_NOT_EQUAL] = "=",
	    [TOKEN_LESS] = "<",
	    [TOKEN_AT_MOST] = "<=",
	    [TOKEN_MORE] = ">",
	    [TOKEN_AT_LEAST] = ">="};

	return texts[op];
}

/* Of a field at either end, one of its ends. */
static struct ast *
compare_fields(const struct field *a, enum token_kind op, const struct field *b)
{
	struct ast *c = compare(a->first, op, b->first), *either;

	if (a->first != a->second || b->first != b->second) {
		either = ast_new(AST_OR);
		ast_add_child(either, c);
		ast_add_child(either, compare(a->second, op, b->second));
		c = either;
	}
	c->text = xasprintf("%s%s%s", a->name, spell(op), b->name);
	return op == TOKEN_NOT_EQUAL ? negate(c) : c;
}

static bool
is_compared(const struct field *f)
{
	/* What belongs to the datagram is in another table. */
	return f->syntax != SYNTAX_EXPORTER && f->syntax != SYNTAX_ENGINE &&
	       f->first != QUANTITY_INTERVAL;
}

static int
check_compared(struct parser *p, const struct field *a, const struct field *b)
{
	if (!is_compared(a) || !is_compared(b))
		return complain(p->why, "%s is not compared with other fields",
		    is_compared(a) ? b->name : a->name);
	if (a->syntax != b->syntax)
		return complain(p->why, "%s and %s are of different kinds",
		    a->name, b->name);
	if (a->first != a->second && b->first != b->second)
		return complain(p->why, "%s and %s are both at either end",
		    a->name, b->name);
	return 0;
}

/* ---- the grammar ---- */

/* An operator, or none where = is meant. */
struct op {
	enum token_kind kind;
	bool implied;  /* it was not there */
	bool for_list; /* "in" */
};

static int
take_op(struct parser *p, struct op *op)
{
	*op = (struct op){.kind = TOKEN_EQUAL};
	if (p->token.kind >= TOKEN_EQUAL) {
		op->kind = p->token.kind;
		return next(p);
	}
	op->for_list = p->token.kind == TOKEN_IN;
	op->implied = !op->for_list;
	return op->for_list ? next(p) : 0;
}

/* Behind an operator that was there. */
static bool
may_be_field(const struct op *op)
{
	return !op->implied && !op->for_list;
}

static int
read_comparison(struct parser *p, const struct field *f, const struct op *op,
    const struct field *other, size_t at, struct ast **out)
{
	if (check_compared(p, f, other) != 0)
		return fail_at(p, at);
	*out = compare_fields(f, op->kind, other);
	return 0;
}

static int
read_right_side(struct parser *p, const struct field *f, const struct op *op,
    struct ast **out)
{
	struct values v = {.implied = op->implied};
	size_t at = p->token.at;
	const struct field *other = NULL;
	int rc = may_be_field(op) ? take_field(p, &other) : 0;

	if (rc != 0)
		return rc;
	if (other != NULL)
		return read_comparison(p, f, op, other, at, out);
	buf_init(&v.list, 8 * WHERE_MAX_LEN);
	rc = take_values(p, f, &v);
	if (rc == 0)
		rc = make_condition(p, f, op->kind, &v, out);
	values_release(&v);
	return rc;
}

static int
read_condition(struct parser *p, struct ast **out)
{
	const struct field *f;
	struct op op;
	int rc;

	if (++p->n_terms > WHERE_MAX_TERMS) {
		complain(
		    p->why, "more than %d conditions", (int)WHERE_MAX_TERMS);
		return fail_at(p, p->token.at);
	}
	if ((rc = take_field(p, &f)) != 0)
		return rc;
	if (f == NULL)
		return unknown_field(p);
	if ((rc = take_op(p, &op)) != 0)
		return rc;
	return read_right_side(p, f, &op, out);
}

static int read_or(struct parser *p, struct ast **out);

static int
read_brackets(struct parser *p, struct ast **out)
{
	int rc = next(p);

	if (rc == 0)
		rc = read_or(p, out);
	if (rc != 0)
		return rc;
	if (p->token.kind == TOKEN_CLOSE)
		rc = next(p);
	else
		rc = unexpected(p, "a ) or more conditions");
	if (rc != 0)
		ast_free(*out);
	return rc;
}

static int
read_any(struct parser *p, struct ast **out)
{
	int rc = next(p);

	if (rc == 0)
		*out = ast_new(AST_TRUE);
	return rc;
}

static int
read_not(struct parser *p, struct ast **out)
{
	bool negated = p->token.kind == TOKEN_NOT;
	int rc;

	if (++p->depth > WHERE_MAX_DEPTH) {
		complain(p->why, "brackets and nots are more than %d deep",
		    (int)WHERE_MAX_DEPTH);
		return fail_at(p, p->token.at);
	}
	if (negated)
		rc = (rc = next(p)) != 0 ? rc : read_not(p, out);
	else if (p->token.kind == TOKEN_OPEN)
		rc = read_brackets(p, out);
	else if (p->token.kind == TOKEN_ANY)
		rc = read_any(p, out);
	else
		rc = read_condition(p, out);
	p->depth--;
	if (rc == 0 && negated)
		*out = negate(*out);
	return rc;
}

/* Put part into whole, without brackets that change nothing. */
static void
join(struct ast *whole, struct ast *part)
{
	if (part->kind != whole->kind || part->text != NULL) {
		ast_add_child(whole, part);
		return;
	}
	for (size_t i = 0; i < part->n_children; i++)
		ast_add_child(whole, part->child[i]);
	part->n_children = 0;
	ast_free(part);
}

/* What read reads, once or more, with tokens of a kind between them. */
static int
read_joined(struct parser *p, enum ast_kind kind, enum token_kind between,
    int (*read)(struct parser *p, struct ast **out), struct ast **out)
{
	struct ast *whole = NULL, *part;
	int rc;

	*out = NULL;
	rc = read(p, out);
	while (rc == 0 && p->token.kind == between) {
		if (whole == NULL) {
			assert(*out != NULL);
			whole = ast_new(kind);
			join(whole, *out);
		}
		part = NULL;
		rc = next(p);
		if (rc == 0 && (rc = read(p, &part)) == 0) {
			assert(part != NULL);
			join(whole, part);
		}
		*out = whole;
		if (rc != 0)
			ast_free(whole);
	}
	return rc;
}

static int
read_and(struct parser *p, struct ast **out)
{
	return read_joined(p, AST_AND, TOKEN_AND, read_not, out);
}

static int
read_or(struct parser *p, struct ast **out)
{
	return read_joined(p, AST_OR, TOKEN_OR, read_and, out);
}

int
where_read(struct ast **out, const char *text, const struct names *names,
    size_t *at, struct complaint *why)
{
	struct parser p = {.text = text, .names = names, .why = why, .at = at};
	int rc;

	*at = 0;
	if (strlen(text) > WHERE_MAX_LEN) {
		complain(why, "an expression of %zu bytes", strlen(text));
		return complain_hint(
		    why, "at most %d are taken", (int)WHERE_MAX_LEN);
	}
	if ((rc = next(&p)) != 0 || (rc = read_or(&p, out)) != 0)
		return rc;
	if (p.token.kind == TOKEN_END)
		return 0;
	ast_free(*out);
	return unexpected(&p, "\"and\", \"or\" or the end");
}
