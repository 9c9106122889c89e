/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_EXPLAIN_TABLE_H
#define WEIR_REPORT_EXPLAIN_TABLE_H
/* --explain: how flows would be found, instead of the answer. */
#include <stdbool.h>

#include "schema/base/err.h"

struct request;
struct scan_query;

int explain_answer(const struct request *r, const struct scan_query *q,
    bool in_order, struct err *err) MUST_CHECK;

#endif
