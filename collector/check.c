/* SPDX-License-Identifier: ISC */
/* `weir check`: whether the store is whole, a line for each finding. */
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/command.h"
#include "collector/commands.h"
#include "schema/base/clock.h"
#include "schema/check.h"
#include "schema/store.h"

struct check {
	bool full, repair;
	struct check_result result;
};

static void
print_finding(const struct check_finding *f, void *arg)
{
	(void)arg;
	printf("%s: %s: %s\n", f->where, f->what, f->todo);
}

/* No finding: nothing has to be done. */
static void
print_old(const struct check_result *r)
{
	if (r->n_old > r->n_renewed)
		printf("%zu of an earlier format, which is read as it is; "
		       "weir check --repair renews it\n",
		    r->n_old - r->n_renewed);
	if (r->n_renewed > 0)
		printf("%zu of an earlier format renewed\n", r->n_renewed);
}

static int
check(void *self, struct command_line *line, struct err *err)
{
	struct check *c = self;
	struct check_result *r = &c->result;
	const struct check_options how = {
	    .full = c->full, .repair = c->repair, .now_ms = clock_now_ms()};
	const char *dir = line->conf->data;
	int rc, lock_fd = -1;

	if (access(dir, F_OK) != 0)
		return err_sys(err, "data folder %s", dir);
	if (c->repair && (rc = store_lock(&lock_fd, dir, err)) != 0)
		return rc;
	rc = check_store(dir, &how, print_finding, NULL, r, err);
	if (lock_fd >= 0)
		close(lock_fd);
	if (rc != 0)
		return rc;
	printf("%zu %s checked, %zu %s", r->n_shards,
	    r->n_shards == 1 ? "shard" : "shards", r->n_findings,
	    r->n_findings == 1 ? "finding" : "findings");
	if (r->n_mended > 0)
		printf(", %zu mended", r->n_mended);
	printf("\n");
	print_old(r);
	return 0;
}

static const struct command_option options[] = {
    {0, "full", NULL, offsetof(struct check, full)},
    {0, "repair", NULL, offsetof(struct check, repair)},
};

static const struct command command = {
    .name = "check",
    .usage =
	"usage: weir check [-h] [-c FILE] [-d DIR] [--full] [--repair]\n"
	"\n"
	"Look whether all shards and the catalog are whole; one line for each\n"
	"finding says what, where, and what to do. Status 0: none, 1: some "
	"are\n"
	"left. Works while a collector runs, but for --repair.\n"
	"\n"
	"  --full          read every row and compare all indexes; takes long\n"
	"  --repair        mend: finish old days, build indexes, correct "
	"bounds,\n"
	"                  remove leftovers, renew what an earlier weir wrote; "
	"of a\n"
	"                  damaged shard all that can be read is saved in a "
	"fresh\n"
	"                  one, and the file is kept as "
	"DAY.db.damaged-UNIXTIME\n",
    .examples = "  weir check\n"
		"  weir check -d /var/lib/weir --full\n"
		"  weir check --repair\n",
    .option = options,
    .n_options = ARRAY_LEN(options),
    .run = check,
};

int
check_main(int argc, char **argv)
{
	struct check c = {0};
	int status = command_run(&command, argc, argv, &c);

	if (status != 0)
		return status;
	return c.result.n_findings > c.result.n_mended ? 1 : 0;
}
