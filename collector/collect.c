/* SPDX-License-Identifier: ISC */
/*
 * `weir collect`: listener, queue and writing thread put together, from the
 * options to the line of counters at the end.
 */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/account.h"
#include "collector/command.h"
#include "collector/commands.h"
#include "collector/expiry.h"
#include "collector/listener.h"
#include "collector/privilege.h"
#include "collector/queue.h"
#include "collector/storing.h"
#include "collector/writer.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

struct collect {
	bool check, verbose; /* -n, -v */
};

struct collector {
	const struct conf_options *options; /* to read it again */
	const struct conf *first;           /* read at the start */
	const struct conf *conf;            /* in use */
	struct conf *own;                   /* the same, once read again */
	struct event_base *base;
	struct event *signal[3];
	struct queue *queue;
	struct account *account;
	struct listener *listener;
	struct writer *writer;
	struct expiry expiry;
	struct endpoint endpoint[CONF_MAX_LISTEN]; /* announced */
	size_t n_endpoints;
};

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct collector *c = arg;

	(void)what;
	log_info("collect: %s, stopping", strsignal((int)number));
	event_base_loopbreak(c->base);
}

static void
log_notice(void *arg, const char *text)
{
	(void)arg;
	log_warnx("%s", text);
}

static void
log_line(void *arg, bool warning, const char *line)
{
	(void)arg;
	if (warning)
		log_warnx("%s", line);
	else
		log_info("%s", line);
}

static bool
is_among(const struct endpoint *e, const struct endpoint *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (endpoint_equal(e, &list[i]))
			return true;
	return false;
}

/* Those of list that are not among others. */
static void
announce_new(const char *what, const struct endpoint *list, size_t n,
    const struct endpoint *others, size_t n_others)
{
	char name[ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < n; i++) {
		if (is_among(&list[i], others, n_others))
			continue;
		endpoint_format(&list[i], name);
		log_info("collect: %s %s", what, name);
	}
}

/* Once nothing can be refused any more. */
static void
announce(struct collector *c)
{
	struct endpoint now[CONF_MAX_LISTEN];
	size_t n = listener_endpoints(c->listener, now);

	announce_new(
	    "no longer listening on", c->endpoint, c->n_endpoints, now, n);
	announce_new("listening on", now, n, c->endpoint, c->n_endpoints);
	memcpy(c->endpoint, now, n * sizeof now[0]);
	c->n_endpoints = n;
}

/* ---- the configuration once more ---- */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What was settled at the start stays. */
static void
warn_settled(const struct conf *was, const struct conf *now)
{
	if (!same_text(was->data, now->data))
		log_warnx("collect: data stays %s until a restart", was->data);
	if (!same_text(was->user, now->user))
		log_warnx("collect: user stays %s until a restart",
		    was->user != NULL ? was->user : "the same");
}

/* A file that cannot be used changes nothing. */
static int
read_again(struct collector *c, struct err *err)
{
	struct conf *now;
	int rc = conf_open(&now, c->options, err);

	if (rc != 0)
		return rc;
	if ((rc = listener_configure(c->listener, now, err)) != 0) {
		conf_free(now);
		return rc;
	}
	warn_settled(c->first, now);
	expiry_set_limits(&c->expiry, &now->limits);
	announce(c);
	conf_free(c->own);
	c->conf = c->own = now;
	return 0;
}

static void
on_hangup(evutil_socket_t number, short what, void *arg)
{
	struct collector *c = arg;
	struct err err;

	(void)number;
	(void)what;
	if (c->conf->file == NULL)
		log_warnx("collect: there is no configuration file to read "
			  "again");
	else if (read_again(c, &err) != 0)
		log_warnx("%s: the configuration stays as it was", err.text);
	else
		log_info("collect: read %s again", c->conf->file);
}

static void
print_counters(
    const struct listener_counters *l, const struct storing_counters *s)
{
	struct buf line;

	buf_init(&line, 4096);
	buf_printf(&line,
	    "collect: %llu datagrams, %llu flows received, %llu stored; "
	    "lost: %llu flows queue full, %llu flows not written, "
	    "%llu datagrams in the kernel; malformed: %llu short, "
	    "%llu record count; padded: %llu; refused: %llu not configured, "
	    "%llu without room",
	    (unsigned long long)l->datagrams, (unsigned long long)l->flows,
	    (unsigned long long)s->flows,
	    (unsigned long long)l->queue_dropped_flows,
	    (unsigned long long)s->flows_given_up,
	    (unsigned long long)l->kernel_dropped,
	    (unsigned long long)l->malformed_short,
	    (unsigned long long)l->malformed_count,
	    (unsigned long long)l->padded,
	    (unsigned long long)l->not_configured,
	    (unsigned long long)l->no_room);
	for (int k = 0; k < N_EXPORT_KINDS; k++)
		if (l->foreign[k] > 0)
			buf_printf(&line, "; not stored: %llu %s",
			    (unsigned long long)l->foreign[k],
			    export_kind_name((enum export_kind)k));
	log_info("%s", buf_str(&line));
	buf_release(&line);
}

/* Everything that can be refused, before the first datagram. */
static int
set_up(struct collector *c, const struct conf *conf, struct err *err)
{
	static const struct {
		int number;
		event_callback_fn call;
	} signals[] = {
	    {SIGINT, on_signal}, {SIGTERM, on_signal}, {SIGHUP, on_hangup}};
	int rc;

	c->listener = listener_new(c->base, c->queue, c->account);
	if ((rc = listener_configure(c->listener, conf, err)) != 0)
		return rc;
	if (conf->user != NULL && (rc = privilege_drop(conf->user, err)) != 0)
		return rc;
	if ((rc = writer_open(&c->writer, conf->data, 0, err)) != 0)
		return rc;
	/* A file size limit is an error to wait out, not a reason to die. */
	(void)signal(SIGXFSZ, SIG_IGN);
	writer_on_notice(c->writer, log_notice, NULL);
	rc = writer_open_day(c->writer, clock_day(clock_now_ms()), err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		c->signal[i] = evsignal_new(
		    c->base, signals[i].number, signals[i].call, c);
		event_add(c->signal[i], NULL);
	}
	announce(c);
	return 0;
}

/* Returns 0, or ERR_SYSTEM when not everything received was stored. */
static int
collect_until_signal(struct collector *c, struct err *err)
{
	struct storing *s =
	    storing_start(c->queue, c->writer, c->account, &c->expiry);
	struct storing_counters stored;
	bool all;

	event_base_dispatch(c->base);
	listener_stop(c->listener);
	queue_close(c->queue);
	all = storing_join(s, &stored);
	print_counters(listener_counters(c->listener), &stored);
	if (!all)
		return err_set(err, ERR_SYSTEM,
		    "collect: %llu flows could not be stored",
		    (unsigned long long)stored.flows_given_up);
	return 0;
}

static void
tear_down(struct collector *c)
{
	listener_free(c->listener);
	conf_free(c->own);
	for (size_t i = 0; i < ARRAY_LEN(c->signal); i++)
		if (c->signal[i] != NULL)
			event_free(c->signal[i]);
	account_free(c->account);
	queue_free(c->queue);
	event_base_free(c->base);
}

static int
collect(const struct command_line *line, struct err *err)
{
	const struct conf *conf = line->conf;
	struct collector c = {
	    .options = &line->options,
	    .first = conf,
	    .conf = conf,
	    .base = event_base_new(),
	    .queue = queue_new(),
	    .account = account_new(log_line, NULL),
	};
	int rc, closing;

	if (c.base == NULL)
		abort(); /* libevent fails here for want of memory alone */
	expiry_init(&c.expiry, conf->data, &conf->limits);
	if ((rc = set_up(&c, conf, err)) == 0)
		rc = collect_until_signal(&c, err);
	closing = writer_close(
	    c.writer, clock_day(clock_now_ms()), rc == 0 ? err : NULL);
	tear_down(&c);
	return rc != 0 ? rc : closing;
}

/* ---- the command ---- */

static void
print_conf(const struct conf *conf, bool explain)
{
	struct buf text;

	buf_init(&text, SIZE_MAX);
	conf_print(conf, explain, &text);
	fputs(buf_str(&text), stdout);
	buf_release(&text);
}

static int
run(void *self, struct command_line *line, struct err *err)
{
	const struct collect *o = self;

	if (o->check) {
		print_conf(line->conf, o->verbose);
		return 0;
	}
	if (o->verbose)
		log_init(LOG_LEVEL_DEBUG);
	return collect(line, err);
}

static const struct command_option options[] = {
    {'l', NULL, "listen", 0},
    {'u', NULL, "user", 0},
    {'n', NULL, NULL, offsetof(struct collect, check)},
    {'v', NULL, NULL, offsetof(struct collect, verbose)},
    COMMAND_LIMITS,
};

static const struct command command = {
    .name = "collect",
    .usage =
	"usage: weir collect [-hnv] [-c FILE] [-d DIR] [-l [ADDR:]PORT] ...\n"
	"                    [-u USER] [LIMIT ...]\n"
	"\n"
	"Receive NetFlow v5 on UDP and store it, until SIGINT or SIGTERM.\n"
	"Options are stronger than the configuration.\n"
	"\n"
	"  -l [ADDR:]PORT  listen there (0.0.0.0:2055); may be repeated;\n"
	"                  [V6ADDR]:PORT for IPv6; port 0 takes a free one;\n"
	"                  a multicast group is joined\n"
	"  -u USER         become USER once the sockets are bound; the data\n"
	"                  folder must be that user's\n" COMMAND_LIMITS_HELP
	"  -n              check the configuration and print it as it would "
	"be\n"
	"                  used, nothing else; with -v all that there is to "
	"set\n"
	"  -v              say more\n",
    .examples =
	"  weir collect\n"
	"  weir collect -d /var/lib/weir -l 192.0.2.1:2055 -l 127.0.0.1:9995\n"
	"  weir collect -c /etc/weir/weir.conf -n\n"
	"  weir collect --max-age 90d --min-free 10G\n",
    .option = options,
    .n_options = ARRAY_LEN(options),
    .run = run,
};

int
collect_main(int argc, char **argv)
{
	struct collect self = {0};

	return command_run(&command, argc, argv, &self);
}
