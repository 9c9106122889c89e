/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_STORE_NAMES_H
#define WEIR_QUERY_STORE_NAMES_H
/*
 * The names that filters of one store may use: groups and saved filters of its
 * state.db, which is opened when the first one is looked up; exporters and
 * interfaces of the configuration; hosts.
 */
#include "query/names.h"

struct conf;
struct state;
struct store_names;

/* dir and conf (which may be NULL) are borrowed. state: open already, to see
 * what is not committed yet; or NULL. */
struct store_names *store_names_new(
    const char *dir, const struct conf *conf, struct state *state);
void store_names_free(struct store_names *n); /* accepts NULL */

/* For filter.names; as long as n. */
const struct names *store_names(const struct store_names *n);

#endif
