/* SPDX-License-Identifier: ISC */
/* Keeping to limits: see expiry.h. */
#include "collector/expiry.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"

static const int64_t EVERY_MS = INT64_C(3600) * MS_PER_S;

static void
log_removal(const struct retain_day *d, const char *path, void *arg)
{
	const struct expiry *e = arg;
	char reason[RETAIN_TEXT_LEN], size[RETAIN_TEXT_LEN];

	retain_format_reason(&e->limits, d->reason, reason);
	retain_format_bytes(d->bytes, size);
	log_info("%s: removed, %s: %s", path, size, reason);
}

void
expiry_run(struct expiry *e, bool now)
{
	struct err err;

	if (!retain_has_limit(&e->limits) ||
	    (!now && clock_monotonic_ms() < e->due_ms))
		return;
	e->due_ms = clock_monotonic_ms() + EVERY_MS;
	if (retain_apply(e->dir, &e->limits, clock_now_ms(), false, log_removal,
		e, &err) != 0)
		log_warnx("%s: expiry is tried again in an hour", err.text);
}
