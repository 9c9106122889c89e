/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_IMPORTS_H
#define WEIR_SCHEMA_IMPORTS_H
/*
 * DIR/imports.db: which files were imported, known again by their content.
 * Used by the one process that writes to the store.
 */
#include <stdint.h>

#include "schema/base/err.h"

struct imports;

enum { IMPORT_KEY_LEN = 96 };

/* One file, being imported or imported. */
struct import_run {
	int64_t id;
	/* What shards know it by: see shard_note_import. */
	char key[IMPORT_KEY_LEN];
	int64_t ended_ms; /* 0: not to its end */
};

int imports_open(
    struct imports **out, const char *dir, struct err *err) MUST_CHECK;
void imports_close(struct imports *im); /* accepts NULL */

/* The last run of a file with this content: 1, 0 there was none. */
int imports_find(struct imports *im, const char *sha256, struct import_run *out,
    struct err *err) MUST_CHECK;
/* Both are on the disk when they return. path: for people. */
int imports_begin(struct imports *im, const char *sha256, const char *path,
    int64_t now_ms, struct import_run *out, struct err *err) MUST_CHECK;
int imports_end(struct imports *im, const struct import_run *run,
    int64_t now_ms, struct err *err) MUST_CHECK;

#endif
