/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ALERT_SEND_H
#define WEIR_REPORT_ALERT_SEND_H
/*
 * Messages of alerts: made from the log when they are sent, with who carried
 * most in the period, and tried again with growing pauses for a day. One
 * process at a time sends; what was accepted is noted before the next one.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct conf;

struct alert_sending {
	const char *dir;
	const struct conf *conf;
	int64_t now_ms;
	/* A try failed; NULL: nobody is told. */
	void (*failed)(
	    const char *target, bool for_good, const struct err *err);
};

/* All that are due. n_sent and n_failed (tries) are added to. */
int alert_send(const struct alert_sending *how, size_t *n_sent,
    size_t *n_failed, struct err *err) MUST_CHECK;

/* That a target is one: a name of the configuration, an address, or a URL. */
int alert_check_target(
    const struct conf *conf, const char *target, struct err *err) MUST_CHECK;

#endif
