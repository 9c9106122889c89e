/* SPDX-License-Identifier: ISC */
/*
 * A program that is given a message: started by its argument vector, never by
 * a shell, with the message on its standard input. It has DELIVER_TIMEOUT_S.
 */
#include "report/deliver_program.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "report/deliver.h"
#include "schema/base/clock.h"
#include "schema/base/spawn.h"

enum { LOOK_MS = 20 };

/* The message as a file that no other process sees; read from its begin. */
static int
open_message(const char *text, struct err *err)
{
	size_t len = strlen(text), done = 0;
	int fd = memfd_create("message", MFD_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "memfd_create");
	while (done < len) {
		ssize_t n = write(fd, text + done, len - done);

		if (n < 0 && errno != EINTR) {
			close(fd);
			return err_sys(err, "message");
		}
		done += n > 0 ? (size_t)n : 0;
	}
	(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* false: it had to be killed. */
static bool
wait_for(pid_t pid, int *status)
{
	const struct timespec look = {.tv_nsec = LOOK_MS * 1000000L};
	int64_t until_ms = clock_monotonic_ms() + DELIVER_TIMEOUT_S * 1000;
	pid_t got;

	while ((got = waitpid(pid, status, WNOHANG)) == 0 ||
	       (got < 0 && errno == EINTR)) {
		if (clock_monotonic_ms() >= until_ms) {
			(void)kill(-pid, SIGKILL);
			while (waitpid(pid, status, 0) < 0 && errno == EINTR)
				continue;
			return false;
		}
		nanosleep(&look, NULL);
	}
	return true;
}

int
deliver_to_program(
    char *const *argv, const struct deliver_message *m, struct err *err)
{
	int status = 0, input = open_message(m->json, err), rc;
	pid_t pid;

	if (input < 0)
		return input;
	rc = spawn_program(
	    argv[0], argv, (const int[]){input, -1, STDERR_FILENO}, &pid);
	close(input);
	if (rc != 0) {
		errno = rc;
		return err_sys(err, "%s", argv[0]);
	}
	if (!wait_for(pid, &status))
		return err_set(err, ERR_BUSY, "%s: killed after %d s", argv[0],
		    DELIVER_TIMEOUT_S);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "%s: ended by signal %d",
		    argv[0], WTERMSIG(status));
	if (WEXITSTATUS(status) == EX_TEMPFAIL)
		return err_set(err, ERR_BUSY, "%s: asks to try again (%d)",
		    argv[0], EX_TEMPFAIL);
	if (WEXITSTATUS(status) != 0)
		return err_set(err, ERR_SYSTEM, "%s: exit status %d", argv[0],
		    WEXITSTATUS(status));
	return 0;
}
