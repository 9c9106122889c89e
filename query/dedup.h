/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_DEDUP_H
#define WEIR_QUERY_DEDUP_H
/*
 * The same flow seen at several points - two routers, or both interfaces of
 * one - counted once. Two flows are the same when addresses, ports and protocol
 * are, when they come from different points, and when their starts differ by no
 * more than a given time; each flow of a point stands for at most one of
 * another.
 *
 * A point is an exporter, its engine, and the input and output interface. Which
 * one's flow is kept does not depend on what came first: that of the lowest
 * exporter address, then engine, then interfaces, so that one side of a path is
 * kept throughout. Flows that are equal in all that is looked at, type of
 * service and TCP flags included, are left out together or not at all.
 *
 * It takes a scan of its own, which remembers every flow that passes the filter
 * (32 bytes each). Which of them are known is a matter of that filter: one that
 * lets a single interface pass finds no doubles.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct batch;
struct dedup;
struct scan_query;

enum { DEDUP_MAX_FLOWS = 20000000 };

/*
 * Find what is to be left out of q, whose columns and dedup are not looked at.
 * within_ms: how far starts may be apart, at least 0. ERR_LIMIT: more flows
 * pass than DEDUP_MAX_FLOWS; else as scan_run.
 */
int dedup_find(struct dedup **out, const struct scan_query *q,
    int64_t within_ms, struct err *err) MUST_CHECK;
void dedup_free(struct dedup *d); /* accepts NULL */

/* What dedup_apply needs to see of a flow. */
flow_column_set dedup_columns(void);

/* Take out of a batch of the same query what is to be left out; returns how
 * many flows that were. From any thread. */
size_t dedup_apply(const struct dedup *d, struct batch *b);

#endif
