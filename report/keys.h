/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_KEYS_H
#define WEIR_REPORT_KEYS_H
/* What flows can be grouped by: the keys of reports, of graphs that split. */
#include <stddef.h>

#include "report/aggregate.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct buf;

struct report_key {
	const char *name; /* as typed */
	enum flow_column column;
	const char *heading;
	const char *(*label)(uint64_t number); /* NULL: numbers have no names */
};

enum { REPORT_MAX_KEYS = AGGREGATE_MAX_KEYS }; /* all of them at once */

struct report_keys {
	const struct report_key *key[REPORT_MAX_KEYS];
	size_t n;
};

/* Add keys as typed, with commas between them. ERR_USAGE: one is unknown, or
 * there twice. */
int report_keys_add(
    struct report_keys *to, const char *list, struct err *err) MUST_CHECK;

/* Names of all keys, blank between them. */
void report_keys_list(struct buf *text);

/* ERR_USAGE: "complaint: keys are ...". */
int report_keys_refuse(struct err *err, const char *complaint);

#endif
