/* SPDX-License-Identifier: ISC */
/* Filter words into a tree and a span of time: see filter.h. */
#include "query/filter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/value.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/base/when.h"

struct word;

/* Take what stands behind the "="; f is unchanged on an error. */
typedef int take_fn(struct filter *f, const struct word *w, char *text,
    int64_t now_ms, struct err *err);

static take_fn take_list, take_from, take_to;

/* A word is a row here; its number is its bit in filter.seen. */
static const struct word {
	const char *name;
	take_fn *take;
	value_fn *value;         /* take_list: how each value is read, */
	enum ast_kind kind;      /* ... into which kind of node, */
	enum flow_column column; /* ... and for AST_RANGES of which column */
} words[] = {
    {"src", take_list, value_ip4, AST_RANGES, COL_SRC_ADDR},
    {"dst", take_list, value_ip4, AST_RANGES, COL_DST_ADDR},
    {"sport", take_list, value_port, AST_RANGES, COL_SRC_PORT},
    {"dport", take_list, value_port, AST_RANGES, COL_DST_PORT},
    {"proto", take_list, value_protocol, AST_RANGES, COL_PROTOCOL},
    {"flags", take_list, value_flags, AST_RANGES, COL_TCP_FLAGS},
    {"exporter", take_list, value_exporter, AST_EXPORTERS, COL_EXPORTER},
    {"from", take_from, NULL, AST_TRUE, COL_END_MS},
    {"to", take_to, NULL, AST_TRUE, COL_START_MS},
};

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

static const struct word *
find_word(const char *key, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].name) == len &&
		    memcmp(words[i].name, key, len) == 0)
			return &words[i];
	return NULL;
}

bool
filter_knows(const char *key, size_t len)
{
	return find_word(key, len) != NULL;
}

bool
filter_is_span(const struct filter *f)
{
	uint32_t seen = f->seen;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].take == take_from || words[i].take == take_to)
			seen &= ~(UINT32_C(1) << i);
	return seen == 0;
}

void
filter_list_words(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		buf_printf(out, "%s%s", i > 0 ? " " : "", words[i].name);
}

/* ---- errors ---- */

enum { QUOTE_LEN = 64 };

/* What was typed, fit for one line of an error. */
static const char *
quote(const char *text, char out[QUOTE_LEN])
{
	size_t i;

	for (i = 0; i < QUOTE_LEN - 4 && text[i] != '\0'; i++)
		out[i] =
		    (char)(iscntrl((unsigned char)text[i]) ? '?' : text[i]);
	memcpy(out + i, text[i] != '\0' ? "..." : "", text[i] != '\0' ? 4 : 1);
	return out;
}

enum { NAME_MAX_LEN = 16 }; /* longest key that is compared for a hint */

/* Insertions, deletions and replacements that turn a into b, both shorter
 * than NAME_MAX_LEN (Levenshtein, one row at a time). */
static size_t
edit_distance(const char *a, const char *b)
{
	size_t row[NAME_MAX_LEN], len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			best = best < diagonal + 1 ? best : diagonal + 1;
			best = best < row[j] + 1 ? best : row[j] + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

/* The word that key was meant to be, or NULL. */
static const char *
nearest_word(const char *key)
{
	const char *nearest = NULL;
	size_t least = 3; /* two slips, as in exchanged letters, are let pass */

	if (strlen(key) < 3 || strlen(key) >= NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		size_t d = edit_distance(key, words[i].name);

		if (d < least) {
			least = d;
			nearest = words[i].name;
		}
	}
	return nearest;
}

static int
unknown_word(const char *key, struct err *err)
{
	const char *meant = nearest_word(key);
	char shown[QUOTE_LEN];
	struct buf known;
	int rc;

	buf_init(&known, 200);
	filter_list_words(&known);
	quote(key, shown);
	if (meant != NULL)
		rc = err_set(err, ERR_USAGE,
		    "unknown word \"%s\": do you mean %s? The words are %s",
		    shown, meant, buf_str(&known));
	else
		rc = err_set(err, ERR_USAGE,
		    "unknown word \"%s\": the words are %s", shown,
		    buf_str(&known));
	buf_release(&known);
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

/* Say what is wrong with value number position of a list of n. */
static int
bad_value(const struct word *w, const char *value, size_t position, size_t n,
    const char *why, struct err *err)
{
	char shown[QUOTE_LEN];

	quote(value, shown);
	if (n == 1)
		return err_set(
		    err, ERR_USAGE, "%s: \"%s\" %s", w->name, shown, why);
	return err_set(err, ERR_USAGE, "%s: \"%s\" (value %zu of %zu) %s",
	    w->name, shown, position, n, why);
}

static size_t
count_values(const char *list)
{
	size_t n = 1;

	for (; *list != '\0'; list++)
		n += *list == ',';
	return n;
}

/* The values of list into node; list is cut up. */
static int
add_values(const struct word *w, char *list, struct ast *node, struct err *err)
{
	size_t n = count_values(list);

	if (n > FILTER_MAX_VALUES)
		return err_set(err, ERR_USAGE,
		    "%s: %zu values, at most %d are taken", w->name, n,
		    FILTER_MAX_VALUES);
	for (size_t i = 1; i <= n; i++) {
		char *value = trim(strsep(&list, ","));
		const char *why = *value == '\0' ? "is no value: give one"
						 : w->value(value, node);

		if (why != NULL)
			return bad_value(w, value, i, n, why, err);
	}
	return 0;
}

static int
take_list(struct filter *f, const struct word *w, char *text, int64_t now_ms,
    struct err *err)
{
	struct ast *node = ast_new(w->kind);
	int rc;

	(void)now_ms;
	node->column = w->column;
	rc = add_values(w, text, node, err);
	if (rc != 0) {
		ast_free(node);
		return rc;
	}
	ast_normalize_ranges(node);
	ast_add_child(f->ast, node);
	return 0;
}

/* ---- times ---- */

static int
take_time(const struct word *w, char *text, int64_t now_ms, int64_t *out,
    struct err *err)
{
	const char *value = trim(text);
	const char *why = when_parse(value, now_ms, out);

	return why != NULL ? bad_value(w, value, 1, 1, why, err) : 0;
}

static int
take_from(struct filter *f, const struct word *w, char *text, int64_t now_ms,
    struct err *err)
{
	int rc = take_time(w, text, now_ms, &f->from_ms, err);

	f->has_from = rc == 0;
	return rc;
}

static int
take_to(struct filter *f, const struct word *w, char *text, int64_t now_ms,
    struct err *err)
{
	int rc = take_time(w, text, now_ms, &f->to_ms, err);

	f->has_to = rc == 0;
	return rc;
}

/* ---- words ---- */

/* key and text: the two sides of the "=", owned by the caller. */
static int
take_word(struct filter *f, const char *key, char *text, int64_t now_ms,
    struct err *err)
{
	const struct word *w = find_word(key, strlen(key));
	uint32_t bit;
	int rc;

	if (w == NULL)
		return unknown_word(key, err);
	if (text == NULL)
		return err_set(
		    err, ERR_USAGE, "%s: want %s=VALUE", w->name, w->name);
	bit = UINT32_C(1) << (w - words);
	if ((f->seen & bit) != 0)
		return err_set(err, ERR_USAGE, "%s: given twice%s", w->name,
		    w->take == take_list ? ": use a comma list" : "");
	rc = w->take(f, w, text, now_ms, err);
	if (rc == 0)
		f->seen |= bit;
	return rc;
}

int
filter_add_word(
    struct filter *f, const char *word, int64_t now_ms, struct err *err)
{
	char *copy = xstrdup(word);
	char *text = copy;
	const char *key = strsep(&text, "=");
	int rc = take_word(f, key, text, now_ms, err);

	free(copy);
	return rc;
}

int
filter_check(const struct filter *f, struct err *err)
{
	if (f->has_from && f->has_to && f->from_ms >= f->to_ms)
		return err_set(err, ERR_USAGE,
		    "from is not before to: the span would be empty");
	return 0;
}
