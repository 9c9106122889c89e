/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_LINK_H
#define WEIR_REPORT_LINK_H
/* URLs of a question that differ from the one at hand in one word. */
#include <stdbool.h>
#include <stddef.h>

struct sink;

enum link_change {
	LINK_ONLY,   /* key=value in place of what it was */
	LINK_WITHOUT /* what it was, less value */
};

/* Whether base has key with a value. */
bool link_has(const char *base, const char *key);

/*
 * base, "/report?keys=src&src=10.0.0.0/8", with key changed so: fit for an
 * attribute in quotes. value is raw, as in a word; len bytes.
 */
void link_put(struct sink *s, const char *base, enum link_change change,
    const char *key, const char *value, size_t len);

#endif
