/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ALERT_CHECK_H
#define WEIR_REPORT_ALERT_CHECK_H
/* Rules over the values of periods: those that an update has just written, or
 * those of weeks ago for a back-test. */
#include <stddef.h>
#include <stdint.h>

#include "report/alert.h"
#include "schema/base/err.h"

struct state;
struct track;

/* Values of n periods from from_s on, NAN where not known. */
struct alert_block {
	const char *path; /* an RRD that has those before; NULL: none does */
	int64_t from_s;
	const double *value;
	size_t n;
};

/* How far a rule looks back. */
int64_t alert_look_back_s(const struct alert_rule *r);

/*
 * Take the periods that a has not seen; fn is called for each that it speaks
 * of. 0, or what fn returned.
 */
typedef int alert_event_fn(const struct alert *a, int64_t end_s, double value,
    const struct alert_event *e, void *arg, struct err *err);
int alert_walk(struct alert *a, const struct alert_block *b, alert_event_fn *fn,
    void *arg, struct err *err) MUST_CHECK;

/*
 * All rules of t: what they say into the log, messages into the outbox unless
 * their period is long over, and how they stand.
 */
int alert_check(struct state *s, const struct track *t,
    struct alert_list *rules, const struct alert_block *b, int64_t now_ms,
    struct err *err) MUST_CHECK;

#endif
