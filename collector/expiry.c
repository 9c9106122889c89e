/* SPDX-License-Identifier: ISC */
/* Keeping to limits: see expiry.h. */
#include "collector/expiry.h"

#include "schema/base/clock.h"
#include "schema/base/log.h"

static const int64_t EVERY_MS = INT64_C(3600) * MS_PER_S;

void
expiry_init(
    struct expiry *e, const char *dir, const struct retain_limits *limits)
{
	*e = (struct expiry){.dir = dir, .limits = *limits};
	pthread_mutex_init(&e->lock, NULL);
}

void
expiry_set_limits(struct expiry *e, const struct retain_limits *limits)
{
	pthread_mutex_lock(&e->lock);
	e->limits = *limits;
	e->is_new = true;
	pthread_mutex_unlock(&e->lock);
}

/* The limits of now; whether nobody went by them yet. */
static bool
take_limits(struct expiry *e, struct retain_limits *out)
{
	bool is_new;

	pthread_mutex_lock(&e->lock);
	*out = e->limits;
	is_new = e->is_new;
	e->is_new = false;
	pthread_mutex_unlock(&e->lock);
	return is_new;
}

static void
log_removal(const struct retain_day *d, const char *path, void *arg)
{
	const struct retain_limits *limits = arg;
	char reason[RETAIN_TEXT_LEN], size[RETAIN_TEXT_LEN];

	retain_format_reason(limits, d->reason, reason);
	retain_format_bytes(d->bytes, size);
	log_info("%s: removed, %s: %s", path, size, reason);
}

void
expiry_run(struct expiry *e, bool now)
{
	struct retain_limits limits;
	bool is_new = take_limits(e, &limits);
	struct err err;

	if (!retain_has_limit(&limits) ||
	    (!now && !is_new && clock_monotonic_ms() < e->due_ms))
		return;
	e->due_ms = clock_monotonic_ms() + EVERY_MS;
	if (retain_apply(e->dir, &limits, clock_now_ms(), false, log_removal,
		&limits, &err) != 0)
		log_warnx("%s: expiry is tried again in an hour", err.text);
}
