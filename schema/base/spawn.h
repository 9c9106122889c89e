/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_SPAWN_H
#define WEIR_SCHEMA_BASE_SPAWN_H
/* Programs started by an argument vector, never by a shell. */
#include <sys/types.h>

/*
 * Start the file at path with standard input, output and error fd[0] to fd[2],
 * those below 0 on /dev/null. It is in a process group of its own, so that its
 * children can end with it, and has signals as a program expects them. Returns
 * 0 or an errno.
 */
int spawn_program(
    const char *path, char *const *argv, const int fd[3], pid_t *pid);

#endif
