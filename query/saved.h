/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SAVED_H
#define WEIR_QUERY_SAVED_H
/*
 * What filters can name with an @: groups of values and saved filters, as they
 * are kept in state.db. Texts are taken as they are; whether they are right is
 * for the caller to see.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct state;

enum saved_kind { SAVED_GROUP, SAVED_FILTER };

/* One of them; owned. */
struct saved {
	char *name;
	char *text; /* values as a list of a word has them, or words */
	char *comment;
	int64_t changed_ms;
};

struct saved_list {
	struct saved *saved; /* by name */
	size_t n, cap;
};

enum { SAVED_NAME_LEN = 64, SAVED_TEXT_LEN = 1000000 }; /* at most, bytes */

/* Whether it is a name for either: a letter, then letters, digits and "_-.". */
bool saved_is_name(const char *name);

/* All below: 0 or an error, of which ERR_SYSTEM may be that it cannot be
 * written. saved_get and saved_remove: 1 there is one, 0 there is none. */
int saved_get(struct state *s, enum saved_kind kind, const char *name,
    struct saved *out, struct err *err) MUST_CHECK;
int saved_get_all(struct state *s, enum saved_kind kind, struct saved_list *out,
    struct err *err) MUST_CHECK;
/* Takes the place of one with the same name. */
int saved_put(struct state *s, enum saved_kind kind, const struct saved *one,
    struct err *err) MUST_CHECK;
int saved_remove(struct state *s, enum saved_kind kind, const char *name,
    struct err *err) MUST_CHECK;

void saved_release(struct saved *one);         /* accepts a zeroed struct */
void saved_list_release(struct saved_list *l); /* accepts a zeroed struct */

/* Whether a text names this group: has "@NAME" as a value of some list. */
bool saved_uses_group(const char *text, const char *name);

#endif
