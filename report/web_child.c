/* SPDX-License-Identifier: ISC */
#include "report/web_child.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/spawn.h"

enum {
	LOOK_US = 200 * 1000, /* between looks at the time and the client */
	MAX_STDERR = 1 << 16, /* bytes kept; more is read and dropped */
	READ_SIZE = 1 << 18,  /* bytes a wakeup */
};

struct child {
	struct web_children *set;
	struct web_child_call call;
	pid_t pid;
	bool reaped;
	int status; /* of waitpid */
	enum web_child_end end;
	int64_t until_ms;
	int fd[2]; /* its stdout and stderr; -1: at their end */
	struct event *readable[2];
	struct evbuffer *text[2];
	struct event *look;
};

struct web_children {
	struct event_base *base;
	struct event *sigchld;
	struct child *child[WEB_MAX_CHILDREN]; /* NULL: free */
};

/* ---- its end ---- */

static void
close_stream(struct child *c, int i)
{
	if (c->readable[i] != NULL)
		event_free(c->readable[i]);
	c->readable[i] = NULL;
	if (c->fd[i] >= 0)
		close(c->fd[i]);
	c->fd[i] = -1;
}

static void
child_free(struct child *c)
{
	for (int i = 0; i < 2; i++) {
		close_stream(c, i);
		if (c->text[i] != NULL)
			evbuffer_free(c->text[i]);
	}
	if (c->look != NULL)
		event_free(c->look);
	free(c);
}

/* The group: whatever it may have started. */
static void
stop(struct child *c, enum web_child_end why)
{
	if (!c->reaped)
		(void)kill(-c->pid, SIGKILL);
	if (c->end == WEB_CHILD_EXITED)
		c->end = why;
	close_stream(c, 0);
	close_stream(c, 1);
}

/* What log.c puts before a line: for the journal, and for people. */
static const char *
skip_prefix(const char *line)
{
	if (line[0] == '<' && line[1] >= '0' && line[1] <= '7' &&
	    line[2] == '>')
		line += 3;
	return strncmp(line, "weir: ", 6) == 0 ? line + 6 : line;
}

static void
tell(struct child *c)
{
	char *line = evbuffer_readln(c->text[1], NULL, EVBUFFER_EOL_LF);
	size_t rest = evbuffer_get_length(c->text[1]);
	struct web_result r = {.end = c->end, .out = c->text[0]};

	if (line == NULL) { /* it ended within its line */
		line = xcalloc(rest + 1, 1);
		(void)evbuffer_remove(c->text[1], line, rest);
	}
	if (r.end == WEB_CHILD_EXITED && !WIFEXITED(c->status))
		r.end = WEB_CHILD_KILLED;
	r.status = WIFEXITED(c->status) ? WEXITSTATUS(c->status) : -1;
	r.line = skip_prefix(line);
	c->call.done(c->call.arg, &r);
	free(line);
}

static void
end_if_over(struct child *c)
{
	struct web_children *set = c->set;

	if (!c->reaped || c->fd[0] >= 0 || c->fd[1] >= 0)
		return;
	for (size_t i = 0; i < WEB_MAX_CHILDREN; i++)
		if (set->child[i] == c)
			set->child[i] = NULL;
	tell(c);
	child_free(c);
}

static void
on_sigchld(evutil_socket_t number, short what, void *arg)
{
	struct web_children *set = arg;

	(void)number;
	(void)what;
	for (size_t i = 0; i < WEB_MAX_CHILDREN; i++) {
		struct child *c = set->child[i];

		if (c == NULL || c->reaped ||
		    waitpid(c->pid, &c->status, WNOHANG) != c->pid)
			continue;
		c->reaped = true;
		end_if_over(c);
	}
}

/* ---- its output ---- */

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;
	int i = fd == c->fd[1];
	int n = evbuffer_read(c->text[i], fd, READ_SIZE);
	size_t len = evbuffer_get_length(c->text[i]);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		close_stream(c, i);
	else if (i == 0 && len > WEB_CHILD_MAX_BYTES)
		stop(c, WEB_CHILD_LONG);
	else if (i == 1 && len > MAX_STDERR)
		(void)evbuffer_drain(c->text[i], len - MAX_STDERR);
	end_if_over(c);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->end != WEB_CHILD_EXITED)
		return;
	if (!c->call.is_wanted(c->call.arg))
		stop(c, WEB_CHILD_UNWANTED);
	else if (clock_monotonic_ms() >= c->until_ms)
		stop(c, WEB_CHILD_LATE);
	end_if_over(c);
}

/* ---- its start ---- */

/* Our ends into c; those of the child into output. */
static int
open_pipes(struct child *c, int output[2])
{
	for (int i = 0; i < 2; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return errno;
		c->fd[i] = ends[0];
		output[i] = ends[1];
		if (evutil_make_socket_nonblocking(ends[0]) != 0)
			return errno;
	}
	return 0;
}

static int
open_child(struct child *c, char *const *argv, struct err *err)
{
	int output[2] = {-1, -1};
	int rc = open_pipes(c, output);

	if (rc == 0)
		/* The file that runs, even when another one took its name. */
		rc = spawn_program("/proc/self/exe", argv,
		    (const int[]){-1, output[0], output[1]}, &c->pid);
	for (int i = 0; i < 2; i++)
		if (output[i] >= 0)
			close(output[i]);
	if (rc == 0)
		return 0;
	errno = rc;
	return err_sys(err, "cannot start weir");
}

static void
listen_to(struct child *c)
{
	const struct timeval look = {.tv_usec = LOOK_US};

	for (int i = 0; i < 2; i++) {
		c->text[i] = evbuffer_new();
		c->readable[i] = event_new(c->set->base, c->fd[i],
		    EV_READ | EV_PERSIST, on_readable, c);
		event_add(c->readable[i], NULL);
	}
	c->look = event_new(c->set->base, -1, EV_PERSIST, on_look, c);
	event_add(c->look, &look);
}

int
web_child_start(struct web_children *set, char *const *argv,
    const struct web_child_call *call, struct err *err)
{
	struct child *c;
	size_t at = 0;
	int rc;

	while (at < WEB_MAX_CHILDREN && set->child[at] != NULL)
		at++;
	if (at == WEB_MAX_CHILDREN)
		return err_set(err, ERR_BUSY,
		    "%d questions are being answered already: try again",
		    WEB_MAX_CHILDREN);
	c = xcalloc(1, sizeof *c);
	c->set = set;
	c->call = *call;
	c->fd[0] = c->fd[1] = -1;
	c->until_ms =
	    clock_monotonic_ms() + (int64_t)WEB_CHILD_TIMEOUT_S * MS_PER_S;
	if ((rc = open_child(c, argv, err)) != 0) {
		child_free(c);
		return rc;
	}
	listen_to(c);
	set->child[at] = c;
	return 0;
}

/* ---- all of them ---- */

struct web_children *
web_children_new(struct event_base *base)
{
	struct web_children *set = xcalloc(1, sizeof *set);

	set->base = base;
	set->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, set);
	event_add(set->sigchld, NULL);
	return set;
}

void
web_children_free(struct web_children *set)
{
	for (size_t i = 0; i < WEB_MAX_CHILDREN; i++) {
		struct child *c = set->child[i];

		if (c == NULL)
			continue;
		stop(c, WEB_CHILD_UNWANTED);
		while (!c->reaped && waitpid(c->pid, &c->status, 0) < 0 &&
		       errno == EINTR)
			continue;
		c->reaped = true;
		end_if_over(c);
	}
	event_free(set->sigchld);
	free(set);
}
