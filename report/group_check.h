/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GROUP_CHECK_H
#define WEIR_REPORT_GROUP_CHECK_H
/*
 * Whether groups of values are right: all values of one for some field of a
 * filter, and after a change whatever names it.
 */
#include <stdint.h>

#include "query/names.h"
#include "schema/base/err.h"

struct saved;
struct saved_list;
struct state;

/* The same names without asking the DNS: any host is one. */
struct names group_offline(const struct names *names);

/* What values are of, such as "networks"; NULL: they are not right. */
const char *group_kind(const char *values, const struct names *names);

/* That all values are right for one kind, with the groups among them; the
 * error is of the kind for which most of them are. */
int group_check(const struct saved *g, const struct names *names,
    struct err *err) MUST_CHECK;

/* That the groups and filters of s are right that name a changed group, over
 * however many others. */
int group_check_users(struct state *s, const struct saved_list *changed,
    const struct names *offline, int64_t now_ms, struct err *err) MUST_CHECK;

#endif
