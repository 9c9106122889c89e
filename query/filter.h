/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_FILTER_H
#define WEIR_QUERY_FILTER_H
/*
 * Filter words, "key=value[,value...]", as typed on the command line:
 * src dst sport dport proto flags exporter from to. Different words are ANDed,
 * values of one word are ORed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct ast;
struct buf;

struct filter {
	/* Flows with any part in [from_ms, to_ms): end >= from, start < to. */
	bool has_from, has_to;
	int64_t from_ms, to_ms;
	/* Owned; after filter_init an AST_AND, one child for each word. */
	struct ast *ast;
	uint32_t seen; /* bit per word already given */
};

void filter_init(struct filter *f);
void filter_release(struct filter *f); /* accepts a zeroed struct */

/* Whether a word with this key (len bytes) is a filter word. */
bool filter_knows(const char *key, size_t len);

enum { FILTER_MAX_VALUES = 1000 }; /* in the list of one word */

/*
 * Take one whole word, such as "dport=80,443". now_ms: the clock that relative
 * times count from. ERR_USAGE with a text that names the word, the value, its
 * position in the list and what would be right; f is unchanged then.
 */
int filter_add_word(struct filter *f, const char *word, int64_t now_ms,
    struct err *err) MUST_CHECK;

/* After the last word: from must be before to. */
int filter_check(const struct filter *f, struct err *err) MUST_CHECK;

/* Whether from and to are the only words it was given. */
bool filter_is_span(const struct filter *f);

/* The names of all filter words, blank between them, for usage texts. */
void filter_list_words(struct buf *out);

#endif
