/* SPDX-License-Identifier: ISC */
/* `weir expire`: remove the oldest days, so that limits hold. */
#include <stdbool.h>
#include <stdio.h>

#include "collector/command.h"
#include "collector/commands.h"
#include "schema/base/clock.h"

struct expire {
	bool dry_run;
	const struct retain_limits *limits;
	size_t n;
	uint64_t bytes;
};

static void
print_day(const struct retain_day *d, const char *path, void *arg)
{
	struct expire *e = arg;
	char reason[RETAIN_TEXT_LEN], size[RETAIN_TEXT_LEN];

	retain_format_reason(e->limits, d->reason, reason);
	retain_format_bytes(d->bytes, size);
	printf("%s: %s, %s: %s\n", path, e->dry_run ? "would go" : "removed",
	    size, reason);
	e->n++;
	e->bytes += d->bytes;
}

static int
expire(void *self, struct command_line *line, struct err *err)
{
	struct expire *e = self;
	char size[RETAIN_TEXT_LEN];
	int rc;

	e->limits = &line->conf->limits;
	if (!retain_has_limit(e->limits))
		return err_set(err, ERR_USAGE,
		    "expire: no limit given, want max-size, max-age or "
		    "min-free, such as --max-age 90d");
	rc = retain_apply(line->conf->data, e->limits, clock_now_ms(),
	    e->dry_run, print_day, e, err);
	if (rc != 0)
		return rc;
	retain_format_bytes(e->bytes, size);
	printf("%zu %s %s, %s\n", e->n, e->n == 1 ? "shard" : "shards",
	    e->dry_run ? "would go" : "removed", size);
	return 0;
}

static const struct command_option options[] = {
    {'n', NULL, NULL, offsetof(struct expire, dry_run)},
    COMMAND_LIMITS,
};

static const struct command command = {
    .name = "expire",
    .usage =
	"usage: weir expire [-hn] [-c FILE] [-d DIR] [--max-size SIZE]\n"
	"                   [--max-age DAYS] [--min-free SIZE]\n"
	"\n"
	"Remove the oldest days of a store until the limits hold, those of "
	"the\n"
	"configuration and of options. Today, the newest day and a day that "
	"is\n"
	"written to stay in any case. Collecting and queries go on meanwhile;\n"
	"`weir collect` keeps to the limits by itself.\n"
	"\n" COMMAND_LIMITS_HELP "  -n              only say what would go\n",
    .examples =
	"  weir expire --max-age 90d\n"
	"  weir expire -n -d /var/lib/weir --max-size 200G --min-free 10G\n",
    .option = options,
    .n_options = ARRAY_LEN(options),
    .run = expire,
};

int
expire_main(int argc, char **argv)
{
	struct expire e = {0};

	return command_run(&command, argc, argv, &e);
}
