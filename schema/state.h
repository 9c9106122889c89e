/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_STATE_H
#define WEIR_SCHEMA_STATE_H
/*
 * DIR/state.db: what people made and what must not be lost - named groups,
 * saved filters, trackings. Small, written rarely, by any command, safe from a
 * power cut once committed. This file owns the file and its versions; what is
 * in a table is the business of whoever added the migration.
 */
#include "schema/base/err.h"

struct db;
struct state;

/*
 * Open for writing, made if missing. ERR_CORRUPT: damaged or somebody else's;
 * ERR_NEWER; ERR_SYSTEM: it may not be written, say, by this user.
 */
int state_open_write(
    struct state **out, const char *dir, struct err *err) MUST_CHECK;

/*
 * Open for reading. *out NULL without an error: there is none yet. One of an
 * older weir is brought up to date first, and what a killed writer left in it
 * is taken back. Errors as above.
 */
int state_open_read(
    struct state **out, const char *dir, struct err *err) MUST_CHECK;

void state_close(struct state *s); /* accepts NULL */

struct db *state_db(struct state *s);

/*
 * Change what is in dir: change is called within a transaction, since others
 * may write at the same time; what it did is kept if it returns 0, which is
 * returned as well.
 */
typedef int state_change_fn(struct state *s, void *arg, struct err *err);
int state_change(const char *dir, state_change_fn *change, void *arg,
    struct err *err) MUST_CHECK;

#endif
