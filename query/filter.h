/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_FILTER_H
#define WEIR_QUERY_FILTER_H
/*
 * Filter words, "key=value[,value...]", as typed on the command line: the
 * fields of field.h, where=, and from to last include tz dates. Different words
 * are ANDed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/base/when.h"

struct ast;
struct buf;
struct names;

/* Which flows a span of time holds; the flow's own is [start, end]. */
enum filter_include {
	INCLUDE_ANY,    /* any part in [from, to) */
	INCLUDE_START,  /* its start */
	INCLUDE_END,    /* its end */
	INCLUDE_INSIDE, /* both */
};

enum { FILTER_ZONE_LEN = 64 };

struct filter {
	/* After filter_check: the span [from_ms, to_ms). */
	bool has_from, has_to;
	int64_t from_ms, to_ms;
	enum filter_include include;
	/* Owned; after filter_init an AST_AND, one child for each word but
	 * those of time, in the order of printing. */
	struct ast *ast;

	/* Set between filter_init and the first word, or left alone. */
	const struct names *names; /* borrowed; NULL: names_system */
	enum when_order order;     /* without dates= */

	/* Only for filter.c: */
	uint64_t seen;  /* bit per word given */
	uint64_t saved; /* ... of which by a saved filter */
	int64_t now_ms;
	struct when from, to;
	int64_t last_ms;
	char last[16]; /* as typed */
	char zone[FILTER_ZONE_LEN];
	unsigned depth; /* of saved filters that are being read */
};

void filter_init(struct filter *f);
void filter_release(struct filter *f); /* accepts a zeroed struct */

/* Whether a word with this key (len bytes) is a filter word. */
bool filter_knows(const char *key, size_t len);

/*
 * Take one whole word, such as "dport=80,443", or "@NAME" for the words of a
 * saved filter; a word given beside it takes the place of its own. now_ms: the
 * clock that relative times count from. ERR_USAGE with a text that names the
 * word, the value, where it is and what would be right; f is unchanged then.
 * Another error if a name could not be looked up.
 */
int filter_add_word(struct filter *f, const char *word, int64_t now_ms,
    struct err *err) MUST_CHECK;

/* Take all words of a line as filter_print writes it. */
int filter_add_line(struct filter *f, const char *line, int64_t now_ms,
    struct err *err) MUST_CHECK;

/* Cut the first word off such a line, in place, without its quotes: 1, 0 at
 * its end, or ERR_USAGE. */
int filter_cut_word(char **line, char **word, struct err *err) MUST_CHECK;

/* After the last word: settle the span of time. */
int filter_check(struct filter *f, struct err *err) MUST_CHECK;

/* What include and the span ask of a flow's two times, all included;
 * INT64_MIN or INT64_MAX: nothing. */
struct filter_box {
	int64_t min_start_ms, max_start_ms, min_end_ms, max_end_ms;
};

struct filter_box filter_box(const struct filter *f);

/* Whether it was given none but words of time. */
bool filter_is_span(const struct filter *f);

/* The zone of tz=, "" for the process's own. */
const char *filter_zone(const struct filter *f);

/*
 * In canonical words on one line, in quotes where a shell or filter_add_line
 * needs them: read again it is the same filter. Without the span: all but from
 * to last.
 */
void filter_print(const struct filter *f, struct buf *out);
void filter_print_without_span(const struct filter *f, struct buf *out);

/* The names of all filter words, blank between them, for usage texts; and to
 * find the one that was meant. */
void filter_list_words(struct buf *out);
struct suggestion;
void filter_suggest_words(struct suggestion *s);

#endif
