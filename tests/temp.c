/* SPDX-License-Identifier: ISC */
/* Temporary folders for tests: see temp.h. */
#include "tests/temp.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "schema/base/mem.h"

char *
temp_new(void)
{
	const char *base = getenv("TMPDIR");
	char *dir =
	    xasprintf("%s/weir-test-XXXXXX", base != NULL ? base : "/tmp");

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		abort();
	}
	return dir;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
temp_remove(char *dir)
{
	if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0)
		perror(dir);
	free(dir);
}
