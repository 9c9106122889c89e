/* SPDX-License-Identifier: ISC */
/* Messages of alerts: see alert_send.h. */
#include "report/alert_send.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "query/filter.h"
#include "report/alert.h"
#include "report/commands.h"
#include "report/deliver.h"
#include "report/load.h"
#include "report/series.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/state.h"

enum {
	TEXT_MAX = 65536,
	FIRST_PAUSE_MS = 60 * 1000,
	LONGEST_PAUSE_MS = 3600 * 1000,
	GIVE_UP_MS = MS_PER_DAY,
};

/* ---- where it goes ---- */

static const struct conf_target *
find_target(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n_targets; i++)
		if (strcmp(conf->target[i].name, name) == 0)
			return &conf->target[i];
	return NULL;
}

/* The first line of a file; password is to be freed. */
static int
read_password(const char *path, char **password, struct err *err)
{
	char line[1024];
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return err_sys(err, "%s", path);
	if (fgets(line, sizeof line, f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	*password = xstrdup(line);
	return 0;
}

/* What it borrows is the configuration's, but for *password. */
static int
resolve(const struct conf *conf, const char *name, struct deliver_target *t,
    char **password, struct err *err)
{
	const struct conf_target *named = find_target(conf, name);

	*t = (struct deliver_target){0};
	*password = NULL;
	if (named != NULL && named->n_program > 0) {
		t->kind = DELIVER_PROGRAM;
		t->argv = named->program; /* see argv_of */
		return 0;
	}
	t->to = named == NULL         ? name
		: named->mail != NULL ? named->mail
				      : named->webhook;
	if (strstr(t->to, "://") != NULL) {
		t->kind = DELIVER_WEBHOOK;
		return 0;
	}
	t->kind = DELIVER_MAIL;
	if (strchr(t->to, '@') == NULL)
		return err_set(err, ERR_USAGE,
		    "target=%.60s: want an address, a URL, or the name of an "
		    "alert-target of the configuration",
		    name);
	if (conf->mail_server == NULL || conf->mail_from == NULL)
		return err_set(err, ERR_USAGE,
		    "target=%.60s: the configuration has no %s for mail", name,
		    conf->mail_server == NULL ? "mail-server" : "mail-from");
	t->server = conf->mail_server;
	t->from = conf->mail_from;
	t->user = conf->mail_user;
	if (conf->mail_password_file == NULL)
		return 0;
	*password = NULL;
	if (read_password(conf->mail_password_file, password, err) != 0)
		return ERR_USAGE;
	t->password = *password;
	return 0;
}

/* With NULL behind the last one; to be freed, its texts not. */
static char **
argv_of(const struct conf *conf, const char *name)
{
	const struct conf_target *named = find_target(conf, name);
	char **argv;

	if (named == NULL || named->n_program == 0)
		return NULL;
	argv = xcalloc(named->n_program + 1, sizeof *argv);
	memcpy(argv, named->program, named->n_program * sizeof *argv);
	return argv;
}

int
alert_check_target(const struct conf *conf, const char *name, struct err *err)
{
	struct deliver_target t;
	char *password, **argv;
	int rc = resolve(conf, name, &t, &password, err);

	argv = argv_of(conf, name);
	if (argv != NULL)
		t.argv = argv;
	if (rc == 0)
		rc = deliver_check(&t, err);
	free(argv);
	free(password);
	return rc;
}

/* ---- who carried most ---- */

static enum load
load_of(const struct alert_note *n)
{
	enum load load = LOAD_BITS;

	for (int i = 0; i < N_LOADS; i++)
		if (strcmp(n->load, load_infos[i].name) == 0)
			load = (enum load)i;
	return load;
}

struct words {
	char **argv;
	size_t n, cap;
};

static void
add_word(struct words *w, char *word)
{
	w->argv = xgrow(w->argv, w->n, &w->cap, sizeof *w->argv);
	w->argv[w->n++] = word;
}

static void
report_words(struct words *w, const struct alert_sending *how,
    const struct alert_note *n)
{
	static const char *const sorts[N_LOADS] = {[LOAD_BITS] = "octets",
	    [LOAD_PACKETS] = "packets",
	    [LOAD_FLOWS] = "flows",
	    [LOAD_ACTIVE] = "flows"};
	char *copy = xstrdup(n->filter), *rest = copy, *word;

	add_word(w, xstrdup("report"));
	add_word(w, xstrdup("src,dst"));
	add_word(w, xstrdup("lines=10"));
	add_word(w, xasprintf("sort=%s", sorts[load_of(n)]));
	add_word(w, xasprintf("from=@%" PRId64, n->end_s - SERIES_STEP_S));
	add_word(w, xasprintf("to=@%" PRId64, n->end_s));
	while (filter_cut_word(&rest, &word, NULL) == 1)
		add_word(w, xstrdup(word));
	add_word(w, xasprintf("-d%s", how->dir));
	if (how->conf->file != NULL)
		add_word(w, xasprintf("-c%s", how->conf->file));
	free(copy);
}

/* What weir report says of the period. */
static void NORETURN
report_in_child(const struct words *w, int to)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	if (null < 0 || dup2(to, STDOUT_FILENO) < 0 ||
	    dup2(null, STDERR_FILENO) < 0)
		_exit(1);
	_exit(report_main((int)w->n - 1, w->argv));
}

static void
read_for_a_while(int fd, struct buf *out)
{
	enum { WAIT_MS = 30000 };
	int64_t until_ms = clock_monotonic_ms() + WAIT_MS, left_ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[4096];
	ssize_t n;

	while ((left_ms = until_ms - clock_monotonic_ms()) > 0 &&
	       (poll(&p, 1, (int)left_ms) > 0 || errno == EINTR) &&
	       (n = read(fd, chunk, sizeof chunk)) > 0)
		buf_put(out, chunk, (size_t)n);
}

/* Nothing, if it cannot be told in time: the alert itself matters more. */
static void
put_top_talkers(const struct alert_sending *how, const struct alert_note *n,
    struct buf *out)
{
	struct words w = {0};
	int fd[2], status;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return;
	report_words(&w, how, n);
	add_word(&w, NULL);
	if ((pid = fork()) == 0)
		report_in_child(&w, fd[1]);
	close(fd[1]);
	if (pid > 0) {
		read_for_a_while(fd[0], out);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	close(fd[0]);
	for (size_t i = 0; i < w.n; i++)
		free(w.argv[i]);
	free(w.argv);
}

/* ---- what it says ---- */

static void
put_amount(struct buf *out, const struct alert_note *n, double value)
{
	static const char *const prefix[] = {"", "k", "M", "G", "T"};
	size_t i = 0;

	if (isnan(value)) {
		buf_puts(out, "unknown");
		return;
	}
	while (fabs(value) >= 1000 && i + 1 < ARRAY_LEN(prefix)) {
		value /= 1000;
		i++;
	}
	buf_printf(out, "%.4g %s%s", value, prefix[i],
	    load_of(n) == LOAD_ACTIVE ? "flows" : n->load);
}

static void
put_subject(const struct alert_note *n, struct buf *out)
{
	bool below = strncmp(n->rule, "below", 5) == 0;

	buf_printf(out, "weir: %s: ", n->name);
	if (strcmp(n->kind, "test") == 0) {
		buf_puts(out, "a test");
		return;
	}
	if (strncmp(n->rule, "no-data", 7) == 0) {
		buf_puts(out, strcmp(n->kind, "fired") == 0 ? "nothing is heard"
							    : "is heard again");
		return;
	}
	put_amount(out, n, n->value);
	if (strcmp(n->kind, "recovered") == 0)
		buf_puts(out, ", back within its limit");
	else
		buf_printf(out, " is %s ", below ? "below" : "above");
	if (strcmp(n->kind, "fired") == 0)
		put_amount(out, n, n->limit);
}

static void
put_moment(struct buf *out, const char *before, int64_t at_s)
{
	char text[CLOCK_TEXT_LEN], zone[CLOCK_TEXT_LEN];

	clock_format_ms(at_s * MS_PER_S, text);
	clock_zone(at_s * MS_PER_S, zone);
	text[strlen("YYYY-MM-DD hh:mm")] = '\0';
	buf_printf(out, "%s%s %s", before, text, zone);
}

static void
put_link(const struct conf *conf, const struct alert_note *n, struct buf *out)
{
	if (conf->base_url == NULL)
		return;
	buf_printf(out, "%s%strack?name=", conf->base_url,
	    conf->base_url[strlen(conf->base_url) - 1] == '/' ? "" : "/");
	for (const char *p = n->name; *p != '\0'; p++)
		buf_printf(out, isalnum((unsigned char)*p) ? "%c" : "%%%02X",
		    (unsigned char)*p);
}

static void
put_text(const struct alert_sending *how, const struct alert_note *n,
    struct buf *out)
{
	buf_printf(out, "Tracking  %s (%s)\nFilter    %s\nRule      %s\n",
	    n->name, n->load, n->filter[0] != '\0' ? n->filter : "all",
	    n->rule);
	put_moment(out, "Period    ", n->end_s - SERIES_STEP_S);
	put_moment(out, " to ", n->end_s);
	buf_puts(out, "\nValue     ");
	put_amount(out, n, n->value);
	if (!isnan(n->limit)) {
		buf_puts(out, "\nLimit     ");
		put_amount(out, n, n->limit);
	}
	if (n->first_miss_s != 0)
		put_moment(
		    out, "\nSince     ", n->first_miss_s - SERIES_STEP_S);
	if (n->n_misses > 1) {
		buf_printf(out, "\nPeriods   %" PRId64 " in a row, worst ",
		    n->n_misses);
		put_amount(out, n, n->worst);
	}
	if (how->conf->base_url != NULL) {
		buf_puts(out, "\nMore      ");
		put_link(how->conf, n, out);
	}
	buf_puts(out, "\n");
}

/* What a message says, by part. */
struct parts {
	struct buf subject, text, top, link, json;
};

static void
put_json(const struct alert_note *n, struct parts *p)
{
	const struct table_extra members[] = {
	    {"id", VALUE_SIGNED, {.difference = n->id}},
	    {"kind", VALUE_TEXT, {.text = n->kind}},
	    {"tracking", VALUE_TEXT, {.text = n->name}},
	    {"type", VALUE_TEXT, {.text = n->load}},
	    {"filter", VALUE_TEXT, {.text = n->filter}},
	    {"rule", VALUE_TEXT, {.text = n->rule}},
	    {"from_ms", VALUE_TIME,
		{.time_ms = (n->end_s - SERIES_STEP_S) * MS_PER_S}},
	    {"to_ms", VALUE_TIME, {.time_ms = n->end_s * MS_PER_S}},
	    {"value", VALUE_REAL, {.real = n->value}},
	    {"limit", VALUE_REAL, {.real = n->limit}},
	    {"in_a_row", VALUE_SIGNED, {.difference = n->n_misses}},
	    {"worst", VALUE_REAL, {.real = n->worst}},
	    {"subject", VALUE_TEXT, {.text = buf_str(&p->subject)}},
	    {"text", VALUE_TEXT, {.text = buf_str(&p->text)}},
	    {"top", VALUE_TEXT, {.text = buf_str(&p->top)}},
	    {"link", VALUE_TEXT, {.text = buf_str(&p->link)}},
	};

	json_object(members, ARRAY_LEN(members), &p->json);
}

/* ---- one message ---- */

static int
deliver_note(const struct alert_sending *how, const struct alert_message *m,
    const struct alert_note *n, const struct deliver_target *t, struct err *err)
{
	char *id = xasprintf("weir%" PRId64 "x%" PRId64, m->id, n->noted_ms);
	struct deliver_message message = {
	    .id = id, .date_s = n->noted_ms / MS_PER_S};
	struct parts p;
	int rc;

	buf_init(&p.subject, TEXT_MAX);
	buf_init(&p.text, TEXT_MAX);
	buf_init(&p.top, TEXT_MAX);
	buf_init(&p.link, TEXT_MAX);
	buf_init(&p.json, SIZE_MAX / 2);
	put_subject(n, &p.subject);
	put_text(how, n, &p.text);
	if (strcmp(n->kind, "recovered") != 0 && !isnan(n->value))
		put_top_talkers(how, n, &p.top);
	put_link(how->conf, n, &p.link);
	put_json(n, &p);
	if (p.top.len > 0)
		buf_printf(&p.text, "\n%s", buf_str(&p.top));
	message.subject = buf_str(&p.subject);
	message.text = buf_str(&p.text);
	message.json = buf_str(&p.json);
	rc = deliver(t, &message, err);
	free(id);
	buf_release(&p.subject);
	buf_release(&p.text);
	buf_release(&p.top);
	buf_release(&p.link);
	buf_release(&p.json);
	return rc;
}

/* Twice as long each time. */
static int64_t
pause_ms(int64_t attempts)
{
	int64_t ms = FIRST_PAUSE_MS;

	for (int64_t i = 0; i < attempts && ms < LONGEST_PAUSE_MS; i++)
		ms *= 2;
	return ms < LONGEST_PAUSE_MS ? ms : LONGEST_PAUSE_MS;
}

struct outcome {
	int64_t id, now_ms, next_ms;
	bool delivered;
	const char *why;
};

static int
note_outcome(struct state *s, void *arg, struct err *err)
{
	const struct outcome *o = arg;

	return alert_tried(
	    s, o->id, o->delivered, o->now_ms, o->next_ms, o->why, err);
}

static int
try_one(const struct alert_sending *how, const struct alert_message *m,
    const struct alert_note *n, size_t *n_sent, size_t *n_failed,
    struct err *err)
{
	char *password = NULL, **argv = argv_of(how->conf, m->target);
	struct deliver_target t;
	struct err why = {0};
	int rc = resolve(how->conf, m->target, &t, &password, &why);
	struct outcome o = {.id = m->id, .now_ms = how->now_ms};

	if (argv != NULL)
		t.argv = argv;
	if (rc == 0)
		rc = deliver_note(how, m, n, &t, &why);
	free(argv);
	free(password);
	o.next_ms = how->now_ms + pause_ms(m->attempts);
	o.delivered = rc == 0;
	/* A configuration can be mended. */
	if (rc == ERR_SYSTEM ||
	    (rc != 0 && how->now_ms - n->noted_ms > GIVE_UP_MS))
		o.why = why.text;
	*n_sent += rc == 0;
	*n_failed += rc != 0;
	if (rc != 0 && how->failed != NULL)
		how->failed(m->target, o.why != NULL, &why);
	return state_change(how->dir, note_outcome, &o, err);
}

/* ---- all that are due ---- */

/* -1: another process sends. */
static int
lock_outbox(const char *dir)
{
	char *path = xasprintf("%s/rrd/outbox", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	free(path);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int
read_due(const struct alert_sending *how, struct alert_messages *messages,
    struct alert_notes *notes, struct err *err)
{
	const struct alert_query all = {.from_s = INT64_MIN, .to_s = INT64_MAX};
	struct state *s;
	int rc = state_open_read(&s, how->dir, err);

	*messages = (struct alert_messages){0};
	*notes = (struct alert_notes){0};
	if (rc == 0 && s != NULL)
		rc = alert_get_messages(s, how->now_ms, messages, err);
	if (rc == 0 && messages->n > 0)
		rc = alert_get_notes(s, &all, notes, err);
	state_close(s);
	return rc;
}

int
alert_send(const struct alert_sending *how, size_t *n_sent, size_t *n_failed,
    struct err *err)
{
	struct alert_messages messages;
	struct alert_notes notes;
	int fd = lock_outbox(how->dir), rc;

	if (fd < 0)
		return 0;
	rc = read_due(how, &messages, &notes, err);
	for (size_t i = 0; i < messages.n && rc == 0; i++)
		for (size_t k = 0; k < notes.n && rc == 0; k++)
			if (notes.note[k].id == messages.message[i].note_id)
				rc = try_one(how, &messages.message[i],
				    &notes.note[k], n_sent, n_failed, err);
	alert_messages_release(&messages);
	alert_notes_release(&notes);
	close(fd);
	return rc;
}
