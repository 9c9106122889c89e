/* SPDX-License-Identifier: ISC */
/* Filter words into a tree and a span of time: see filter.h. */
#include "query/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/list.h"
#include "query/names.h"
#include "query/where.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"

/* Take what stands behind the "="; f is unchanged on an error. *at: where in
 * it something is wrong. */
typedef int take_fn(
    struct filter *f, const char *text, size_t *at, struct complaint *why);

static take_fn take_where, take_from, take_to, take_last, take_include,
    take_zone, take_order;

/* Words that are no fields; their numbers follow those of fields. */
static const struct other_word {
	const char *name;
	take_fn *take;
	bool is_time;
} other_words[] = {
    {"where", take_where, false},
    {"from", take_from, true},
    {"to", take_to, true},
    {"last", take_last, true},
    {"include", take_include, true},
    {"tz", take_zone, true},
    {"dates", take_order, true},
};

enum other { WORD_WHERE, WORD_FROM, WORD_TO, WORD_LAST };

static const char *const includes[] = {[INCLUDE_ANY] = "any",
    [INCLUDE_START] = "start",
    [INCLUDE_END] = "end",
    [INCLUDE_INSIDE] = "inside"};

void
filter_init(struct filter *f)
{
	*f = (struct filter){.ast = ast_new(AST_AND)};
}

void
filter_release(struct filter *f)
{
	ast_free(f->ast);
	*f = (struct filter){0};
}

/* ---- words by number ---- */

static size_t
n_words(void)
{
	return n_fields + ARRAY_LEN(other_words);
}

static const char *
word_name(size_t word)
{
	return word < n_fields ? fields[word].name
			       : other_words[word - n_fields].name;
}

static bool
is_time_word(size_t word)
{
	return word >= n_fields && other_words[word - n_fields].is_time;
}

/* The number of the word with this key (len bytes), or n_words(). */
static size_t
find_word(const char *key, size_t len)
{
	size_t i = 0;

	while (i < n_words() && (strlen(word_name(i)) != len ||
				    memcmp(word_name(i), key, len) != 0))
		i++;
	return i;
}

static uint64_t
word_bit(size_t word)
{
	return UINT64_C(1) << word;
}

bool
filter_knows(const char *key, size_t len)
{
	return find_word(key, len) < n_words();
}

bool
filter_is_span(const struct filter *f)
{
	for (size_t i = 0; i < n_words(); i++)
		if ((f->seen & word_bit(i)) != 0 && !is_time_word(i))
			return false;
	return true;
}

const char *
filter_zone(const struct filter *f)
{
	return f->zone;
}

void
filter_list_words(struct buf *out)
{
	for (size_t i = 0; i < n_words(); i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", word_name(i));
}

void
filter_suggest_words(struct suggestion *s)
{
	for (size_t i = 0; i < n_words(); i++)
		suggest_offer(s, word_name(i));
}

/* ---- conditions ---- */

/* In the place of its word among the others, or of one from a saved filter. */
static void
put_condition(struct filter *f, struct ast *a, size_t word)
{
	struct ast *root = f->ast;
	size_t i = 0;

	a->word = (unsigned)word + 1;
	while (i < root->n_children && root->child[i]->word < a->word)
		i++;
	if (i < root->n_children && root->child[i]->word == a->word) {
		ast_free(root->child[i]);
		root->child[i] = a;
		return;
	}
	ast_add_child(root, a);
	for (size_t k = root->n_children - 1; k > i; k--)
		root->child[k] = root->child[k - 1];
	root->child[i] = a;
}

static int
take_field(struct filter *f, size_t word, const char *text, size_t *at,
    struct complaint *why)
{
	const struct names *names = f->names != NULL ? f->names : &names_system;
	struct ast *a;
	int rc = list_read(&a, &fields[word], text, names, at, why);

	if (rc == 0)
		put_condition(f, a, word);
	return rc;
}

static int
take_where(
    struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	const struct names *names = f->names != NULL ? f->names : &names_system;
	struct ast *a;
	int rc = where_read(&a, text, names, at, why);

	if (rc == 0)
		put_condition(f, a, n_fields + WORD_WHERE);
	return rc;
}

/* ---- time ---- */

static int
read_when(struct when *out, const char *text, struct complaint *why)
{
	struct when w;
	int rc = when_read(&w, text, why);

	if (rc == 0)
		*out = w;
	return rc;
}

static int
take_from(struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	(void)at;
	return read_when(&f->from, text, why);
}

static int
take_to(struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	(void)at;
	return read_when(&f->to, text, why);
}

static int
take_last(struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	int rc = when_read_span(&f->last_ms, text, why);

	(void)at;
	if (rc == 0)
		snprintf(f->last, sizeof f->last, "%s", text);
	return rc;
}

static int
take_include(
    struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	char shown[QUOTE_LEN];

	(void)at;
	for (size_t i = 0; i < ARRAY_LEN(includes); i++) {
		if (strcmp(text, includes[i]) == 0) {
			f->include = (enum filter_include)i;
			return 0;
		}
	}
	complain(why, "\"%s\" is no choice", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want any, start, end or inside: which "
				  "part of a flow lies in the span");
}

/* Try it at once, so that the error comes with the word. */
static int
take_zone(struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	char before[FILTER_ZONE_LEN], shown[QUOTE_LEN];
	bool known;

	(void)at;
	snprintf(before, sizeof before, "%s", clock_get_zone());
	known = text[0] != '\0' && strlen(text) < sizeof f->zone &&
		clock_set_zone(text);
	clock_set_zone(before);
	if (known) {
		snprintf(f->zone, sizeof f->zone, "%s", text);
		return 0;
	}
	complain(why, "unknown time zone \"%s\"", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want a name of the tz database, such as "
				  "UTC or Europe/Berlin");
}

static int
take_order(
    struct filter *f, const char *text, size_t *at, struct complaint *why)
{
	char shown[QUOTE_LEN];

	(void)at;
	if (strcmp(text, "mdy") == 0) {
		f->order = WHEN_MDY;
		return 0;
	}
	if (strcmp(text, "dmy") == 0) {
		f->order = WHEN_DMY;
		return 0;
	}
	complain(why, "\"%s\" is no order", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want mdy for mm/dd/yyyy or dmy for "
				  "dd/mm/yyyy");
}

static bool
has_word(const struct filter *f, enum other word)
{
	return (f->seen & word_bit(n_fields + word)) != 0;
}

static int
settle(struct filter *f, enum other word, struct when *w, bool *has,
    int64_t *out_ms, struct err *err)
{
	struct complaint why = {0};

	*has = has_word(f, word);
	if (!*has)
		return 0;
	if (when_settle(w, f->order, &why) != 0)
		return err_set(err, ERR_USAGE, "%s: %s: %s",
		    word_name(n_fields + word), why.what, why.hint);
	*out_ms = when_resolve(w, f->now_ms);
	return 0;
}

static int
settle_span(struct filter *f, struct err *err)
{
	int rc = settle(f, WORD_FROM, &f->from, &f->has_from, &f->from_ms, err);

	if (rc == 0)
		rc = settle(f, WORD_TO, &f->to, &f->has_to, &f->to_ms, err);
	if (rc != 0 || !has_word(f, WORD_LAST))
		return rc;
	if (f->has_from || f->has_to)
		return err_set(err, ERR_USAGE,
		    "last=%s: %s= is given as well: want one of them", f->last,
		    f->has_from ? "from" : "to");
	f->has_from = f->has_to = true;
	f->to_ms = f->now_ms;
	f->from_ms = f->now_ms - f->last_ms;
	return 0;
}

int
filter_check(struct filter *f, struct err *err)
{
	char before[FILTER_ZONE_LEN];
	int rc;

	snprintf(before, sizeof before, "%s", clock_get_zone());
	if (f->zone[0] != '\0')
		(void)clock_set_zone(f->zone);
	rc = settle_span(f, err);
	(void)clock_set_zone(before);
	if (rc == 0 && f->has_from && f->has_to && f->from_ms >= f->to_ms)
		return err_set(err, ERR_USAGE,
		    "from is not before to: the span would be empty");
	return rc;
}

struct filter_box
filter_box(const struct filter *f)
{
	struct filter_box box = {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX};
	bool by_start =
	    f->include == INCLUDE_START || f->include == INCLUDE_INSIDE;
	bool by_end = f->include == INCLUDE_END || f->include == INCLUDE_INSIDE;

	if (f->has_from)
		*(by_start ? &box.min_start_ms : &box.min_end_ms) = f->from_ms;
	if (f->has_to)
		*(by_end ? &box.max_end_ms : &box.max_start_ms) = f->to_ms - 1;
	return box;
}

/* ---- errors ---- */

static int
unknown_word(const char *key, size_t len, struct err *err)
{
	char shown[QUOTE_LEN];
	struct suggestion s;
	struct buf known;
	char *copy = xasprintf("%.*s", (int)len, key);

	suggest_begin(&s, copy);
	filter_suggest_words(&s);
	buf_init(&known, 400);
	filter_list_words(&known);
	quote(key, len, shown);
	if (s.name[0] != '\0')
		err_set(err, ERR_USAGE, "unknown word \"%s\": do you mean %s?",
		    shown, s.name);
	else
		err_set(err, ERR_USAGE, "unknown word \"%s\": the words are %s",
		    shown, buf_str(&known));
	buf_release(&known);
	free(copy);
	return ERR_USAGE;
}

/*
 * What is wrong at byte at of the value of word, which begins behind a key of
 * len bytes. A long word is named by its key alone.
 */
static int
bad_value(const char *word, size_t len, size_t at, int rc,
    const struct complaint *why, struct err *err)
{
	char shown[QUOTE_LEN], position[40] = "";
	bool is_short = strlen(word) < QUOTE_LEN;

	quote(word, is_short ? SIZE_MAX : len, shown);
	if (at > 0 || strchr(word + len, ',') != NULL)
		snprintf(position, sizeof position, " (position %zu)", at + 1);
	err_set(err, rc, "%s: %s%s%s%s", shown, why->what, position,
	    why->hint[0] != '\0' ? ": " : "", why->hint);
	err_point(err, word, len + 1 + at);
	return rc;
}

/* ---- words ---- */

/* from, to and last stand for each other. */
static uint64_t
family(size_t word)
{
	if (word < n_fields + WORD_FROM || word > n_fields + WORD_LAST)
		return word_bit(word);
	return word_bit(n_fields + WORD_FROM) | word_bit(n_fields + WORD_TO) |
	       word_bit(n_fields + WORD_LAST);
}

/* Whether to leave a word out, since one typed beside a saved filter counts
 * more; in that case it takes the place of the saved one. */
static bool
yields(struct filter *f, size_t word)
{
	uint64_t same = family(word) & f->seen;

	if (f->depth > 0)
		return (same & ~f->saved) != 0;
	f->seen &= ~(same & f->saved);
	f->saved &= ~same;
	return false;
}

static int
take_value(struct filter *f, size_t word, const char *text, size_t *at,
    struct complaint *why)
{
	if (word < n_fields)
		return take_field(f, word, text, at, why);
	return other_words[word - n_fields].take(f, text, at, why);
}

/* text: the whole word, the value from text + len + 1 on. */
static int
take_word(struct filter *f, size_t word, const char *text, size_t len,
    struct err *err)
{
	struct complaint why = {"", ""};
	size_t at = 0;
	int rc;

	if (text[len] == '\0')
		return err_set(err, ERR_USAGE, "%s: want %s=VALUE",
		    word_name(word), word_name(word));
	if (yields(f, word))
		return 0;
	if ((f->seen & word_bit(word)) != 0)
		return err_set(err, ERR_USAGE, "%s: given twice%s",
		    word_name(word),
		    word < n_fields                 ? ": use a comma list"
		    : word == n_fields + WORD_WHERE ? ": use and"
						    : "");
	rc = take_value(f, word, text + len + 1, &at, &why);
	if (rc != 0)
		return bad_value(text, len, at, rc, &why, err);
	f->seen |= word_bit(word);
	if (f->depth > 0)
		f->saved |= word_bit(word);
	return 0;
}

/* The words of a saved filter. */
static int
take_saved(struct filter *f, const char *name, int64_t now_ms, struct err *err)
{
	const struct names *names = f->names != NULL ? f->names : &names_system;
	char shown[QUOTE_LEN];
	struct buf words;
	struct suggestion s;
	struct complaint why = {0};
	int rc = 0;

	if (f->depth > 0)
		return err_set(err, ERR_USAGE,
		    "@%s: a saved filter cannot hold another", name);
	buf_init(&words, SIZE_MAX / 2);
	if (names->filter != NULL)
		rc = names->filter(names->arg, name, &words, err);
	if (rc == 0) {
		complain(&why, "unknown filter \"%s\"",
		    quote(name, SIZE_MAX, shown));
		complain_hint(&why, "weir filter list shows those that are "
				    "saved");
		suggest_begin(&s, name);
		if (names->each != NULL)
			names->each(
			    names->arg, NAMES_FILTER, suggest_offer, &s);
		complain_suggest(&why, &s);
		rc = err_set(err, ERR_USAGE, "%s: %s", why.what, why.hint);
	} else if (rc > 0) {
		f->depth++;
		rc = filter_add_line(f, buf_str(&words), now_ms, err);
		f->depth--;
		if (rc != 0)
			rc = err_prefix(err, rc, "@%s", name);
	}
	buf_release(&words);
	return rc;
}

int
filter_add_word(
    struct filter *f, const char *word, int64_t now_ms, struct err *err)
{
	size_t len = strcspn(word, "=");
	size_t number = find_word(word, len);

	f->now_ms = now_ms;
	if (word[0] == '@')
		return take_saved(f, word + 1, now_ms, err);
	if (number == n_words())
		return unknown_word(word, len, err);
	return take_word(f, number, word, len, err);
}

/* ---- lines ---- */

/* Cut the first word off *line, which begins with one; its quotes are taken
 * off. false: one is not closed. */
static bool
cut_word(char **line, char **word)
{
	char *from = *line, *to = *line;
	char quoted = '\0';

	*word = to;
	for (; *from != '\0' && (quoted || !isspace((unsigned char)*from));
	     from++) {
		if (quoted == '\0' && (*from == '\'' || *from == '"'))
			quoted = *from;
		else if (*from == quoted)
			quoted = '\0';
		else
			*to++ = *from;
	}
	*line = *from != '\0' ? from + 1 : from;
	*to = '\0';
	return quoted == '\0';
}

int
filter_cut_word(char **line, char **word, struct err *err)
{
	while (isspace((unsigned char)**line))
		(*line)++;
	if (**line == '\0')
		return 0;
	return cut_word(line, word)
		   ? 1
		   : err_set(err, ERR_USAGE, "a quote is not closed");
}

int
filter_add_line(
    struct filter *f, const char *line, int64_t now_ms, struct err *err)
{
	char *copy = xstrdup(line), *rest = copy, *word;
	int rc;

	while ((rc = filter_cut_word(&rest, &word, err)) == 1 &&
	       (rc = filter_add_word(f, word, now_ms, err)) == 0)
		continue;
	free(copy);
	return rc;
}

/* ---- printing ---- */

/* No shell takes these for anything else. */
static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "0123456789@%+=:,./_-";

/* Words on a line. */
struct line {
	struct buf *out;
	const char *blank; /* in front of the next word */
};

static void
put_word(struct line *l, const char *key, const char *value)
{
	const char *q = value[strspn(value, plain)] != '\0' ? "'" : "";

	buf_printf(l->out, "%s%s=%s%s%s", l->blank, key, q, value, q);
	l->blank = " ";
}

static void
put_when(struct line *l, enum other word, const struct when *w)
{
	struct buf text;

	buf_init(&text, 100);
	when_print(w, &text);
	put_word(l, word_name(n_fields + word), buf_str(&text));
	buf_release(&text);
}

/* One condition: the value of its word, or an expression. */
static void
put_condition_word(struct line *l, const struct ast *a)
{
	const char *name = word_name(a->word - 1);
	struct buf text;

	if (a->word <= n_fields) {
		put_word(l, name, a->text + strlen(name) + 1);
		return;
	}
	buf_init(&text, SIZE_MAX / 2);
	ast_print(a, &text);
	put_word(l, name, buf_str(&text));
	buf_release(&text);
}

static void
put_all_but_span(const struct filter *f, struct line *l)
{
	for (size_t i = 0; i < f->ast->n_children; i++)
		put_condition_word(l, f->ast->child[i]);
	if (f->include != INCLUDE_ANY)
		put_word(l, "include", includes[f->include]);
	if (f->zone[0] != '\0')
		put_word(l, "tz", f->zone);
}

void
filter_print_without_span(const struct filter *f, struct buf *out)
{
	struct line l = {out, ""};

	put_all_but_span(f, &l);
}

void
filter_print(const struct filter *f, struct buf *out)
{
	struct line l = {out, ""};

	put_all_but_span(f, &l);
	if (has_word(f, WORD_FROM))
		put_when(&l, WORD_FROM, &f->from);
	if (has_word(f, WORD_TO))
		put_when(&l, WORD_TO, &f->to);
	if (has_word(f, WORD_LAST))
		put_word(&l, "last", f->last);
}
