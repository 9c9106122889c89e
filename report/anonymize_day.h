/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ANONYMIZE_DAY_H
#define WEIR_REPORT_ANONYMIZE_DAY_H
/*
 * The flows of one shard into another, with other addresses. What does not say
 * who it was stays as it is, in the same order.
 */
#include <stdbool.h>
#include <stdint.h>

#include "schema/base/err.h"

struct filter;
struct pan;

struct anonymize_wishes {
	struct pan *pan;             /* borrowed, as filter */
	const struct filter *filter; /* flows that it lets pass */
	bool drop_ports, drop_as;    /* they become 0 */
	/* Of flows that are left out nothing is told: what the headers of
	 * datagrams and the minutes say is of all flows, of the minutes within
	 * a span. */
	bool headers, minutes;
	/* Asked every now and then; other than 0 ends it and is returned. */
	int (*stop)(void *arg, struct err *err);
	void *arg;
};

/*
 * From the shard at path from, of that day, to a new file at path to, which is
 * made if there is anything, and finished. *n_flows: how many.
 */
int anonymize_day(const struct anonymize_wishes *w, int32_t day,
    const char *from, const char *to, uint64_t *n_flows,
    struct err *err) MUST_CHECK;

#endif
