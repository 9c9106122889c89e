/* SPDX-License-Identifier: ISC */
/* `weir check`: whether the store is whole, a line for each finding. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/commands.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/check.h"
#include "schema/store.h"

static const char usage_text[] =
    "usage: weir check [-h] [-d DIR] [--full] [--repair]\n"
    "\n"
    "Look whether all shards and the catalog are whole; one line for each\n"
    "finding says what, where, and what to do. Status 0: none, 1: some are\n"
    "left. Works while a collector runs, but for --repair.\n"
    "\n"
    "  -d DIR    data folder (default ./var)\n"
    "  --full    read every row and compare all indexes; takes long\n"
    "  --repair  mend: finish old days, build indexes, correct bounds, remove\n"
    "            leftovers; of a damaged shard all that can be read is saved\n"
    "            in a fresh one, and the file is kept as\n"
    "            DAY.db.damaged-UNIXTIME\n"
    "\n"
    "examples:\n"
    "  weir check\n"
    "  weir check -d /var/lib/weir --full\n"
    "  weir check -d /var/lib/weir --repair\n";

struct options {
	const char *dir;
	bool full, repair, help;
};

static int
parse_options(int argc, char **argv, struct options *o, struct err *err)
{
	static const struct option words[] = {
	    {"full", no_argument, NULL, 'F'},
	    {"repair", no_argument, NULL, 'R'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	opterr = 0;
	while (!o->help &&
	       (letter = getopt_long(argc, argv, ":d:h", words, NULL)) != -1)
		switch (letter) {
		case 'd': o->dir = optarg; break;
		case 'F': o->full = true; break;
		case 'R': o->repair = true; break;
		case 'h': o->help = true; break;
		default:
			return err_set(err, ERR_USAGE,
			    letter == ':'
				? "check: %.60s needs a value"
				: "check: unknown option \"%.60s\": weir "
				  "check -h lists them",
			    argv[optind - 1]);
		}
	if (!o->help && optind < argc)
		return err_set(err, ERR_USAGE, "check: \"%.60s\" is no option",
		    argv[optind]);
	return 0;
}

static void
print_finding(const struct check_finding *f, void *arg)
{
	(void)arg;
	printf("%s: %s: %s\n", f->where, f->what, f->todo);
}

static int
check(const struct options *o, struct check_result *result, struct err *err)
{
	const struct check_options how = {
	    .full = o->full, .repair = o->repair, .now_ms = clock_now_ms()};
	int rc, lock_fd = -1;

	if (access(o->dir, F_OK) != 0)
		return err_sys(err, "data folder %s", o->dir);
	if (o->repair && (rc = store_lock(&lock_fd, o->dir, err)) != 0)
		return rc;
	rc = check_store(o->dir, &how, print_finding, NULL, result, err);
	if (lock_fd >= 0)
		close(lock_fd);
	if (rc != 0)
		return rc;
	printf("%zu %s checked, %zu %s", result->n_shards,
	    result->n_shards == 1 ? "shard" : "shards", result->n_findings,
	    result->n_findings == 1 ? "finding" : "findings");
	if (result->n_mended > 0)
		printf(", %zu mended", result->n_mended);
	printf("\n");
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_sys(err, "check: standard output");
	return 0;
}

int
check_main(int argc, char **argv)
{
	struct options o = {.dir = "./var"};
	struct check_result result = {0};
	struct err err;
	int rc;

	log_init(LOG_LEVEL_INFO);
	rc = parse_options(argc, argv, &o, &err);
	if (rc == 0 && o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (rc == 0)
		rc = check(&o, &result, &err);
	if (rc != 0) {
		fflush(stdout); /* both may go to one file */
		log_warnx("%s", err.text);
		return err_exit_status(rc);
	}
	return result.n_findings > result.n_mended ? 1 : 0;
}
