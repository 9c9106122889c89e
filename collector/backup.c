/* SPDX-License-Identifier: ISC */
/* `weir backup`: a copy of the store, while it is written to. */
#include <stdio.h>

#include "collector/command.h"
#include "collector/commands.h"
#include "schema/backup.h"
#include "schema/retain.h"

static int
backup(void *self, struct command_line *line, struct err *err)
{
	struct backup_result result;
	char size[RETAIN_TEXT_LEN];
	int rc = backup_store(line->conf->data, line->args[0], &result, err);

	(void)self;
	if (rc != 0)
		return rc;
	retain_format_bytes(result.bytes, size);
	printf("%zu %s copied, %s; %zu there already\n", result.n_copied,
	    result.n_copied == 1 ? "shard" : "shards", size, result.n_there);
	return 0;
}

static const struct command command = {
    .name = "backup",
    .usage =
	"usage: weir backup [-h] [-c FILE] [-d DIR] DEST\n"
	"\n"
	"Copy all shards into the folder DEST, made if missing, while a\n"
	"collector or an import may run. DEST is a data folder: -d DEST reads\n"
	"it. Done again it copies only what changed; days that are gone from\n"
	"DIR stay in DEST.\n"
	"\n",
    .examples = "  weir backup /mnt/backup/weir\n"
		"  weir report src -d /mnt/backup/weir from=-1d\n",
    .min_args = 1,
    .max_args = 1,
    .want_args = "no DEST given",
    .run = backup,
};

int
backup_main(int argc, char **argv)
{
	return command_run(&command, argc, argv, NULL);
}
