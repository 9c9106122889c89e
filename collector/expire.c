/* SPDX-License-Identifier: ISC */
/* `weir expire`: remove the oldest days, so that limits hold. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/commands.h"
#include "collector/expiry.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

static const char usage_text[] =
    "usage: weir expire [-hn] [-d DIR] [--max-size SIZE] [--max-age DAYS]\n"
    "                   [--min-free SIZE]\n"
    "\n"
    "Remove the oldest days of a store until the limits hold. Today, the\n"
    "newest day and a day that is written to stay in any case. Collecting and\n"
    "queries go on meanwhile; `weir collect` takes the same limits and keeps\n"
    "to them by itself.\n"
    "\n"
    "  -d DIR          data folder (default ./var)\n"
    "  -n              only say what would go\n";

static const char examples_text[] =
    "\n"
    "examples:\n"
    "  weir expire --max-age 90d\n"
    "  weir expire -n -d /var/lib/weir --max-size 200G --min-free 10G\n";

struct options {
	const char *dir;
	struct retain_limits limits;
	bool dry_run, help;
};

struct tally {
	const struct options *options;
	size_t n;
	uint64_t bytes;
};

static int
take_option(
    int letter, int index, char **argv, struct options *o, struct err *err)
{
	switch (letter) {
	case 'd': o->dir = optarg; return 0;
	case 'n': o->dry_run = true; return 0;
	case 'h': o->help = true; return 0;
	case EXPIRY_OPTION:
		return retain_parse(
		    &o->limits, expiry_options[index].name, optarg, err);
	case ':':
		return err_set(err, ERR_USAGE, "expire: %.60s needs a value",
		    argv[optind - 1]);
	default:
		return err_set(err, ERR_USAGE,
		    "expire: unknown option \"%.60s\": weir expire -h lists "
		    "them",
		    argv[optind - 1]);
	}
}

static int
parse_options(int argc, char **argv, struct options *o, struct err *err)
{
	int letter, index = 0, rc = 0;

	opterr = 0;
	while (rc == 0 && !o->help &&
	       (letter = getopt_long(
		    argc, argv, ":d:hn", expiry_options, &index)) != -1)
		rc = take_option(letter, index, argv, o, err);
	if (rc != 0 || o->help)
		return rc;
	if (optind < argc)
		return err_set(err, ERR_USAGE, "expire: \"%.60s\" is no option",
		    argv[optind]);
	if (!retain_has_limit(&o->limits))
		return err_set(err, ERR_USAGE,
		    "expire: no limit given: want --max-size 10G, --max-age "
		    "90d or --min-free 5G");
	return 0;
}

static void
print_day(const struct retain_day *d, const char *path, void *arg)
{
	struct tally *t = arg;
	char reason[RETAIN_TEXT_LEN], size[RETAIN_TEXT_LEN];

	retain_format_reason(&t->options->limits, d->reason, reason);
	retain_format_bytes(d->bytes, size);
	printf("%s: %s, %s: %s\n", path,
	    t->options->dry_run ? "would go" : "removed", size, reason);
	t->n++;
	t->bytes += d->bytes;
}

static int
expire(const struct options *o, struct err *err)
{
	struct tally t = {.options = o};
	char size[RETAIN_TEXT_LEN];
	int rc = retain_apply(
	    o->dir, &o->limits, clock_now_ms(), o->dry_run, print_day, &t, err);

	if (rc != 0)
		return rc;
	retain_format_bytes(t.bytes, size);
	printf("%zu %s %s, %s\n", t.n, t.n == 1 ? "shard" : "shards",
	    o->dry_run ? "would go" : "removed", size);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_sys(err, "expire: standard output");
	return 0;
}

int
expire_main(int argc, char **argv)
{
	struct options o = {.dir = "./var"};
	struct err err;
	int rc;

	log_init(LOG_LEVEL_INFO);
	rc = parse_options(argc, argv, &o, &err);
	if (rc == 0 && o.help) {
		printf("%s%s%s", usage_text, expiry_help, examples_text);
		return 0;
	}
	if (rc == 0)
		rc = expire(&o, &err);
	if (rc != 0) {
		fflush(stdout); /* both may go to one file */
		log_warnx("%s", err.text);
	}
	return err_exit_status(rc);
}
