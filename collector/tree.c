/* SPDX-License-Identifier: ISC */
/* The files below a folder: see tree.h. */
#include "collector/tree.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int
by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
visit(const FTSENT *e, tree_fn *fn, void *arg, size_t *n_files)
{
	switch (e->fts_info) {
	case FTS_F: (*n_files)++; return fn(e->fts_path, NULL, arg);
	case FTS_DC: return fn(e->fts_path, "a link to a folder it is in", arg);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS: return fn(e->fts_path, strerror(e->fts_errno), arg);
	case FTS_SLNONE: return fn(e->fts_path, "a link to nothing", arg);
	default: return 0; /* folders, sockets, devices */
	}
}

int
tree_walk(const char *path, tree_fn *fn, void *arg)
{
	char *paths[] = {NULL, NULL};
	size_t n_files = 0;
	int rc = 0;
	FTSENT *e;
	FTS *fts;

	if (!is_folder(path))
		return fn(path, NULL, arg);
	paths[0] = strdup(path); /* fts wants it writable */
	fts = paths[0] == NULL
		  ? NULL
		  : fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	if (fts == NULL) {
		free(paths[0]);
		return fn(path, strerror(errno), arg);
	}
	while (rc == 0 && (e = fts_read(fts)) != NULL)
		rc = visit(e, fn, arg, &n_files);
	fts_close(fts);
	free(paths[0]);
	if (rc == 0 && n_files == 0)
		rc = fn(path, "no file in this folder", arg);
	return rc;
}
