/* SPDX-License-Identifier: ISC */
/* Limits as options, and keeping to them: see expiry.h. */
#include "collector/expiry.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"

static const int64_t EVERY_MS = INT64_C(3600) * MS_PER_S;

const struct option expiry_options[] = {
    {"max-size", required_argument, NULL, EXPIRY_OPTION},
    {"max-age", required_argument, NULL, EXPIRY_OPTION},
    {"min-free", required_argument, NULL, EXPIRY_OPTION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

const char expiry_help[] =
    "  --max-size 10G  remove the oldest days while all take more than that\n"
    "                  (K, M, G, T: 1024 to the step)\n"
    "  --max-age 90d   remove days more than so many days before today\n"
    "  --min-free 5G   remove the oldest days while less than that is free\n";

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
