/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_TREE_H
#define WEIR_COLLECTOR_TREE_H
/* The files below a folder, or one file. */
#include <stdbool.h>

/* A file; or why path cannot be read, in words. Other than 0 ends the walk. */
typedef int tree_fn(const char *path, const char *problem, void *arg);

/*
 * Call fn for path, or for every regular file below it when it is a folder, in
 * the order of names: flow-tools and nfcapd name files by time. Links are
 * followed, into a folder they lie in excepted. Returns what fn returned.
 * Nothing is said of a path that is no folder: opening it will tell.
 */
int tree_walk(const char *path, tree_fn *fn, void *arg);

#endif
