/* SPDX-License-Identifier: ISC */
/* Buffered output to standard output or a whole file: see sink.h. */
#include "report/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schema/base/hash.h"
#include "schema/base/mem.h"

/* mkostemp makes files that only the user may read; an output file gets the
 * mode that any other program would have given it. */
static void
set_usual_mode(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	(void)fchmod(fd, 0666 & ~mask);
}

/*
 * A file without a name ends with the process, however that ends. Where there
 * is none (NFS) one with a name has to do.
 */
static bool
open_nameless(struct sink *s)
{
	const char *slash = strrchr(s->path, '/');
	char *dir = slash != NULL
			? xasprintf("%.*s/", (int)(slash - s->path), s->path)
			: xstrdup(".");

	/* It gets its name through /proc: open(2), "O_TMPFILE". */
	s->fd = access("/proc/self/fd", X_OK) == 0
		    ? open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666)
		    : -1;
	free(dir);
	return s->fd >= 0;
}

static int
open_temporary(struct sink *s, struct err *err)
{
	if (open_nameless(s)) {
		s->nameless = true;
		return 0;
	}
	s->temporary = xasprintf("%s.XXXXXX", s->path);
	s->fd = mkostemp(s->temporary, O_CLOEXEC);
	if (s->fd < 0) {
		free(s->temporary);
		s->temporary = NULL;
		return err_sys(err, "%s: cannot be written", s->path);
	}
	set_usual_mode(s->fd);
	return 0;
}

/* Nothing can be linked in the place of another file: first beside it. */
static int
give_name(struct sink *s, struct err *err)
{
	char *from = xasprintf("/proc/self/fd/%d", s->fd);
	int rc = -1;

	for (int tries = 0; rc != 0 && tries < 100; tries++) {
		free(s->temporary);
		s->temporary = xasprintf(
		    "%s.%06x", s->path, (unsigned)(hash_seed() & 0xffffff));
		rc = linkat(
		    AT_FDCWD, from, AT_FDCWD, s->temporary, AT_SYMLINK_FOLLOW);
		if (rc != 0 && errno != EEXIST)
			break;
	}
	if (rc != 0) {
		rc = err_sys(err, "%s: cannot be written", s->path);
		free(s->temporary);
		s->temporary = NULL;
	}
	free(from);
	return rc;
}

static int
open_file(struct sink *s, const char *path, struct err *err)
{
	char *real = realpath(path, NULL); /* a link stays a link */
	struct stat st;

	s->path = real != NULL ? real : xstrdup(path);
	if (stat(s->path, &st) != 0 || S_ISREG(st.st_mode))
		return open_temporary(s, err);
	/* Nobody wants /dev/null or a FIFO replaced. */
	s->fd = open(s->path, O_WRONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(err, "%s: cannot be written", s->path);
	return 0;
}

static void
release(struct sink *s)
{
	free(s->path);
	free(s->temporary);
	free(s);
}

int
sink_open(struct sink **out, const char *path, struct err *err)
{
	struct sink *s = xcalloc(1, sizeof *s);
	int rc = 0;

	s->fd = STDOUT_FILENO;
	if (path != NULL && strcmp(path, "-") != 0)
		rc = open_file(s, path, err);
	if (rc != 0) {
		release(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
sink_flush(struct sink *s)
{
	size_t done = 0;

	while (done < s->len && s->failed == 0) {
		ssize_t n = write(s->fd, s->data + done, s->len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR ||
			 (s->stop != NULL && atomic_load(s->stop)))
			s->failed = errno;
	}
	s->len = 0;
}

int
sink_check(const struct sink *s, struct err *err)
{
	const char *name = s->path != NULL ? s->path : "standard output";

	switch (s->failed) {
	case 0: return 0;
	case EINTR: return err_set(err, ERR_STOPPED, "stopped");
	case EPIPE: return err_set(err, ERR_STOPPED, "%s: nobody reads", name);
	case ENOSPC:
	case EDQUOT:
		return err_set(
		    err, ERR_FULL, "%s: %s", name, strerror(s->failed));
	default: errno = s->failed; return err_sys(err, "%s", name);
	}
}

/* Close the file; on some file systems this is where a full disk shows. */
static void
close_file(struct sink *s)
{
	if (s->path != NULL && close(s->fd) != 0 && s->failed == 0)
		s->failed = errno;
}

int
sink_close(struct sink *s, struct err *err)
{
	int rc;

	sink_flush(s);
	rc = sink_check(s, err);
	if (rc == 0 && s->nameless)
		rc = give_name(s, err);
	close_file(s);
	if (rc == 0)
		rc = sink_check(s, err);
	if (s->temporary != NULL && rc == 0 &&
	    rename(s->temporary, s->path) != 0)
		rc = err_sys(err, "%s: cannot be written", s->path);
	if (s->temporary != NULL && rc != 0)
		(void)unlink(s->temporary);
	release(s);
	return rc;
}

void
sink_abandon(struct sink *s)
{
	if (s == NULL)
		return;
	close_file(s);
	if (s->temporary != NULL)
		(void)unlink(s->temporary);
	release(s);
}

void
sink_put(struct sink *s, const void *p, size_t len)
{
	const char *from = p;

	while (len > SINK_SIZE - s->len) {
		size_t n = SINK_SIZE - s->len;

		memcpy(s->data + s->len, from, n);
		s->len += n;
		sink_flush(s);
		from += n;
		len -= n;
	}
	memcpy(s->data + s->len, from, len);
	s->len += len;
}

void
sink_puts(struct sink *s, const char *text)
{
	sink_put(s, text, strlen(text));
}

void
sink_pad(struct sink *s, char c, size_t n)
{
	while (n-- > 0)
		sink_putc(s, c);
}
