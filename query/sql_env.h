/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_SQL_ENV_H
#define WEIR_QUERY_SQL_ENV_H
/* What the tables and functions of one connection share. All zero: read
 * without a limit, tell nobody. */
#include <stdbool.h>
#include <stdint.h>

#include "query/scan.h"
#include "schema/db.h"

struct buf;

struct sql_env {
	int64_t now_ms; /* what relative times count from; 0: the clock */
	/* Asked now and then while shards are read; true ends that. */
	db_stop_fn *stop;
	void *stop_arg;
	struct scan_stats *stats; /* added to; NULL: not counted */
	/* Lines of what would be read; nothing is read then. NULL: read. */
	struct buf *explain;
	/* Tables can only be had by CREATE VIRTUAL TABLE, not as functions with
	 * a folder of the statement's choice. */
	bool no_functions;
};

#endif
