/* SPDX-License-Identifier: ISC */
/*
 * `weir collect`: listener, queue and writing thread put together, from the
 * options to the line of counters at the end.
 */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/account.h"
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

static const char usage_text[] =
    "usage: weir collect [-hv] [-d DIR] [-l [ADDR:]PORT] ... [-u USER]\n"
    "                    [LIMIT ...]\n"
    "\n"
    "Receive NetFlow v5 on UDP and store it, until SIGINT or SIGTERM.\n"
    "\n"
    "  -d DIR          data folder, made if missing (default ./var)\n"
    "  -l [ADDR:]PORT  listen there (default 0.0.0.0:2055); may be repeated;\n"
    "                  [V6ADDR]:PORT for IPv6; port 0 takes a free one\n"
    "  -u USER         become USER once the sockets are bound; the data "
    "folder\n"
    "                  must be that user's\n"
    "  -v              say more\n";

static const char examples_text[] =
    "\n"
    "examples:\n"
    "  weir collect\n"
    "  weir collect -d /var/lib/weir -l 192.0.2.1:2055 -l 127.0.0.1:9995\n"
    "  weir collect --max-age 90d --min-free 10G\n";

enum { MAX_LISTEN = 64 };

struct options {
	const char *dir;
	const char *user; /* to become; NULL: stay */
	const char *listen[MAX_LISTEN];
	size_t n_listen;
	struct retain_limits limits;
};

struct collector {
	struct event_base *base;
	struct event *signal[2];
	struct queue *queue;
	struct account *account;
	struct listener *listener;
	struct writer *writer;
	struct expiry expiry;
	struct endpoint {
		struct addr addr;
		uint16_t port;
	} endpoint[MAX_LISTEN]; /* bound */
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

static int
bind_socket(struct collector *c, const char *text, struct err *err)
{
	struct endpoint *e = &c->endpoint[c->n_endpoints];
	int rc;

	if (!endpoint_parse(text, &e->addr, &e->port))
		return err_set(err, ERR_USAGE,
		    "-l %s: want PORT, ADDR:PORT or [V6ADDR]:PORT", text);
	if ((rc = listener_add(c->listener, &e->addr, &e->port, err)) == 0)
		c->n_endpoints++;
	return rc;
}

/* Once nothing can be refused any more. */
static void
announce(const struct collector *c)
{
	char name[ADDR_TEXT_LEN];

	for (size_t i = 0; i < c->n_endpoints; i++) {
		const struct endpoint *e = &c->endpoint[i];

		addr_format(&e->addr, name);
		log_info(e->addr.family == 6 ? "collect: listening on [%s]:%u"
					     : "collect: listening on %s:%u",
		    name, e->port);
	}
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
	    "%llu record count; padded: %llu",
	    (unsigned long long)l->datagrams, (unsigned long long)l->flows,
	    (unsigned long long)s->flows,
	    (unsigned long long)l->queue_dropped_flows,
	    (unsigned long long)s->flows_given_up,
	    (unsigned long long)l->kernel_dropped,
	    (unsigned long long)l->malformed_short,
	    (unsigned long long)l->malformed_count,
	    (unsigned long long)l->padded);
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
set_up(struct collector *c, const struct options *o, struct err *err)
{
	static const int signals[] = {SIGINT, SIGTERM};
	int rc;

	c->listener = listener_new(c->base, c->queue, c->account);
	for (size_t i = 0; i < o->n_listen; i++)
		if ((rc = bind_socket(c, o->listen[i], err)) != 0)
			return rc;
	if (o->user != NULL && (rc = privilege_drop(o->user, err)) != 0)
		return rc;
	if ((rc = writer_open(&c->writer, o->dir, 0, err)) != 0)
		return rc;
	/* A file size limit is an error to wait out, not a reason to die. */
	(void)signal(SIGXFSZ, SIG_IGN);
	writer_on_notice(c->writer, log_notice, NULL);
	rc = writer_open_day(c->writer, clock_day(clock_now_ms()), err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		c->signal[i] = evsignal_new(c->base, signals[i], on_signal, c);
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
	for (size_t i = 0; i < ARRAY_LEN(c->signal); i++)
		if (c->signal[i] != NULL)
			event_free(c->signal[i]);
	account_free(c->account);
	queue_free(c->queue);
	event_base_free(c->base);
}

static int
collect(const struct options *o, struct err *err)
{
	struct collector c = {
	    .base = event_base_new(),
	    .queue = queue_new(),
	    .account = account_new(log_line, NULL),
	    .expiry = {.dir = o->dir, .limits = o->limits},
	};
	int rc, closing;

	if (c.base == NULL)
		abort(); /* libevent fails here for want of memory alone */
	if ((rc = set_up(&c, o, err)) == 0)
		rc = collect_until_signal(&c, err);
	closing = writer_close(
	    c.writer, clock_day(clock_now_ms()), rc == 0 ? err : NULL);
	tear_down(&c);
	return rc != 0 ? rc : closing;
}

static void
print_usage(FILE *to)
{
	fprintf(to, "%s%s%s", usage_text, expiry_help, examples_text);
}

/* 0 go on; else the exit status plus 1. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	struct err err;
	int letter, index = 0;

	*o = (struct options){.dir = "./var"};
	log_init(LOG_LEVEL_INFO);
	while ((letter = getopt_long(
		    argc, argv, "d:l:u:hv", expiry_options, &index)) != -1) {
		switch (letter) {
		case 'd': o->dir = optarg; break;
		case 'l':
			if (o->n_listen == MAX_LISTEN) {
				log_warnx("-l: at most %d", MAX_LISTEN);
				return 3;
			}
			o->listen[o->n_listen++] = optarg;
			break;
		case 'u': o->user = optarg; break;
		case 'v': log_init(LOG_LEVEL_DEBUG); break;
		case EXPIRY_OPTION:
			if (retain_parse(&o->limits, expiry_options[index].name,
				optarg, &err) == 0)
				break;
			log_warnx("%s", err.text);
			return 3;
		case 'h': print_usage(stdout); return 1;
		default: print_usage(stderr); return 3;
		}
	}
	if (optind < argc) {
		log_warnx("collect: \"%s\" is no option", argv[optind]);
		print_usage(stderr);
		return 3;
	}
	if (o->n_listen == 0)
		o->listen[o->n_listen++] = "0.0.0.0:2055";
	return 0;
}

int
collect_main(int argc, char **argv)
{
	struct options o;
	struct err err;
	int rc = parse_options(argc, argv, &o);

	if (rc != 0)
		return rc - 1;
	if ((rc = collect(&o, &err)) != 0)
		log_warnx("%s", err.text);
	return err_exit_status(rc);
}
