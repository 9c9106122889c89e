/* SPDX-License-Identifier: ISC */
/* Starting programs: see spawn.h. */
#include "schema/base/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

extern char **environ;

int
spawn_program(const char *path, char *const *argv, const int fd[3], pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int rc;

	posix_spawn_file_actions_init(&files);
	for (int i = 0; i < 3; i++) {
		if (fd[i] >= 0)
			posix_spawn_file_actions_adddup2(&files, fd[i], i);
		else
			posix_spawn_file_actions_addopen(
			    &files, i, "/dev/null", O_RDWR, 0);
	}
	posix_spawnattr_init(&attr);
	posix_spawnattr_setpgroup(&attr, 0);
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
					    POSIX_SPAWN_SETSIGMASK |
					    POSIX_SPAWN_SETSIGDEF);
	rc = posix_spawn(pid, path, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}
