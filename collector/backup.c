/* SPDX-License-Identifier: ISC */
/* `weir backup`: a copy of the store, while it is written to. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/commands.h"
#include "schema/backup.h"
#include "schema/base/log.h"
#include "schema/retain.h"

static const char usage_text[] =
    "usage: weir backup [-h] [-d DIR] DEST\n"
    "\n"
    "Copy all shards into the folder DEST, made if missing, while a collector\n"
    "or an import may run. DEST is a data folder: -d DEST reads it. Done "
    "again\n"
    "it copies only what changed; days that are gone from DIR stay in DEST.\n"
    "\n"
    "  -d DIR  data folder (default ./var)\n"
    "\n"
    "examples:\n"
    "  weir backup -d /var/lib/weir /mnt/backup/weir\n"
    "  weir report src -d /mnt/backup/weir from=-1d\n";

struct options {
	const char *dir, *dest;
	bool help;
};

static int
parse_options(int argc, char **argv, struct options *o, struct err *err)
{
	static const struct option words[] = {
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	opterr = 0;
	while (!o->help &&
	       (letter = getopt_long(argc, argv, ":d:h", words, NULL)) != -1)
		switch (letter) {
		case 'd': o->dir = optarg; break;
		case 'h': o->help = true; break;
		default:
			return err_set(err, ERR_USAGE,
			    letter == ':'
				? "backup: %.60s needs a value"
				: "backup: unknown option \"%.60s\": weir "
				  "backup -h lists them",
			    argv[optind - 1]);
		}
	if (!o->help && optind + 1 != argc)
		return err_set(err, ERR_USAGE,
		    optind == argc ? "backup: no DEST given"
				   : "backup: want one DEST");
	o->dest = argv[optind];
	return 0;
}

static int
backup(const struct options *o, struct err *err)
{
	struct backup_result result;
	char size[RETAIN_TEXT_LEN];
	int rc = backup_store(o->dir, o->dest, &result, err);

	if (rc != 0)
		return rc;
	retain_format_bytes(result.bytes, size);
	printf("%zu %s copied, %s; %zu there already\n", result.n_copied,
	    result.n_copied == 1 ? "shard" : "shards", size, result.n_there);
	if (fflush(stdout) != 0 || ferror(stdout))
		return err_sys(err, "backup: standard output");
	return 0;
}

int
backup_main(int argc, char **argv)
{
	struct options o = {.dir = "./var"};
	struct err err;
	int rc;

	log_init(LOG_LEVEL_INFO);
	rc = parse_options(argc, argv, &o, &err);
	if (rc == 0 && o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (rc == 0)
		rc = backup(&o, &err);
	if (rc != 0)
		log_warnx("%s", err.text);
	return err_exit_status(rc);
}
