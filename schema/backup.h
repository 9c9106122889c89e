/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BACKUP_H
#define WEIR_SCHEMA_BACKUP_H
/* A copy of a store that is a store itself. */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct backup_result {
	size_t n_copied;
	size_t n_there; /* finished days that dest had already */
	uint64_t bytes; /* copied */
};

/*
 * Copy the shards of dir, and the list of imports, into the store dest, made if
 * missing; each as of one moment, while others write to dir. What dest has of
 * the same size and time is not copied again; days that only dest has stay.
 * ERR_BUSY: a process writes to dest, which it is then. After the error of one
 * shard the others are copied all the same, and the first error is returned.
 */
int backup_store(const char *dir, const char *dest, struct backup_result *out,
    struct err *err) MUST_CHECK;

#endif
