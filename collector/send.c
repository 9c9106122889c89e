/* SPDX-License-Identifier: ISC */
/*
 * `weir send`: the export datagrams of files, sent again as they were captured,
 * from one connected UDP socket at a steady rate.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "collector/commands.h"
#include "collector/pace.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "collector/udp.h"
#include "schema/base/log.h"
#include "schema/base/num.h"

static const char usage_text[] =
    "usage: weir send [-h] --to ADDR:PORT [--rate N] FILE ...\n"
    "\n"
    "Replay the NetFlow, IPFIX and sFlow datagrams of files (as `weir import`\n"
    "reads them) over UDP; other traffic in a capture is left out.\n"
    "\n"
    "  --to ADDR:PORT  receiver; [V6ADDR]:PORT for IPv6\n"
    "  --rate N        flows a second (default 50000); 0: as fast as possible\n"
    "\n"
    "examples:\n"
    "  weir send export.pcap --to 127.0.0.1:2055\n"
    "  weir send *.pcap --to [2001:db8::1]:9995 --rate 2000\n";

enum { DEFAULT_RATE = 50000 };
static const uint64_t MAX_RATE = 1000000000; /* one a nanosecond */

struct sender {
	int fd;
	const char *to; /* as given, for messages */
	struct pace pace;
	uint64_t flows_due; /* what --rate goes by: flows, 1 for a datagram
			       without known flows */
	uint64_t datagrams, flows, refused;
};

struct options {
	const char *to;
	uint64_t rate;
	bool help;
};

static int
sender_connect(struct sender *s, struct err *err)
{
	struct endpoint to;

	if (!endpoint_parse(s->to, &to) || to.port == 0 ||
	    addr_is_any(&to.addr))
		return err_set(err, ERR_USAGE,
		    "--to %s: want ADDR:PORT or [V6ADDR]:PORT", s->to);
	if ((s->fd = udp_connect(&to, 0, err)) < 0)
		return err_prefix(err, s->fd, "--to");
	return 0;
}

/*
 * ECONNREFUSED is the receiver's answer to an earlier datagram and says nothing
 * about this one, which was not sent: try it once more. Returns 1 when d is on
 * its way, 0 when it was refused again.
 */
static int
send_datagram(struct sender *s, const struct datagram *d, struct err *err)
{
	static const struct timespec ms = {.tv_nsec = 1000000};
	bool retried = false;

	while (send(s->fd, d->data, d->len, 0) < 0) {
		if (errno == ECONNREFUSED) {
			s->refused++;
			if (retried)
				return 0;
			retried = true;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			nanosleep(&ms, NULL);
		} else if (errno != EINTR) {
			return err_sys(err, "%s: send", s->to);
		}
	}
	return 1;
}

/* Send one datagram when it is due. Returns 0 or an error. */
static int
replay(struct sender *s, const struct datagram *d, const struct sifted *sifted,
    struct err *err)
{
	bool has_flows = sifted->kind == EXPORT_NETFLOW5 && sifted->rc >= 0;
	int rc;

	pace_wait(&s->pace, s->flows_due);
	s->flows_due += has_flows ? sifted->packet.n_flows : 1;
	if ((rc = send_datagram(s, d, err)) != 1)
		return rc;
	s->datagrams++;
	s->flows += has_flows ? sifted->packet.n_flows : 0;
	return 0;
}

static int
send_file(struct sender *s, const char *path, struct err *err)
{
	struct sift sift = {0};
	struct sifted sifted;
	struct datagram d;
	struct reader *r;
	int rc;

	if ((rc = reader_open(&r, path, err)) != 0)
		return rc;
	while ((rc = reader_next(r, &d, err)) == 1) {
		sift_datagram(&sift, &d, &sifted);
		if (sifted.kind != EXPORT_UNKNOWN &&
		    (rc = replay(s, &d, &sifted, err)) != 0)
			break;
	}
	reader_close(r);
	return rc;
}

/* The answer to the last datagrams, which no send has met yet. */
static void
collect_refusal(struct sender *s)
{
	int pending = 0;
	socklen_t len = sizeof pending;

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &pending, &len) == 0 &&
	    pending == ECONNREFUSED)
		s->refused++;
}

static int
report(struct sender *s)
{
	double seconds = (double)pace_elapsed_ns(&s->pace) / 1e9;

	printf("sent %llu datagrams, %llu flows in %.2f s\n",
	    (unsigned long long)s->datagrams, (unsigned long long)s->flows,
	    seconds);
	fflush(stdout);
	if (s->refused == 0)
		return 0;
	log_warnx("%s: nobody listens there: %llu datagrams were refused "
		  "(port unreachable)",
	    s->to, (unsigned long long)s->refused);
	return 1;
}

static int
send_files(const struct options *o, char **paths)
{
	struct sender s = {.fd = -1, .to = o->to};
	struct err err;
	int rc = sender_connect(&s, &err), worst = 0;

	if (rc != 0) {
		log_warnx("%s", err.text);
		worst = err_exit_status(rc);
		goto out;
	}
	s.pace = pace_start(o->rate);
	for (; *paths != NULL; paths++) {
		if ((rc = send_file(&s, *paths, &err)) == 0)
			continue;
		log_warnx("%s", err.text);
		if (err_exit_status(rc) > worst)
			worst = err_exit_status(rc);
	}
	collect_refusal(&s);
	if (report(&s) > worst)
		worst = 1;
out:
	if (s.fd >= 0)
		close(s.fd);
	return worst;
}

static int
parse_options(int argc, char **argv, struct options *o, struct err *err)
{
	static const struct option words[] = {
	    {"to", required_argument, NULL, 't'},
	    {"rate", required_argument, NULL, 'r'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int letter;

	while ((letter = getopt_long(argc, argv, "h", words, NULL)) != -1) {
		switch (letter) {
		case 't': o->to = optarg; break;
		case 'r':
			if (!parse_u64(optarg, MAX_RATE, &o->rate))
				return err_set(err, ERR_USAGE,
				    "--rate %s: want 0 to %llu", optarg,
				    (unsigned long long)MAX_RATE);
			break;
		case 'h': o->help = true; return 0;
		default: return err_set(err, ERR_USAGE, "%s", "");
		}
	}
	if (o->to == NULL)
		return err_set(err, ERR_USAGE, "send: --to is missing");
	if (optind == argc)
		return err_set(err, ERR_USAGE, "send: no FILE given");
	return 0;
}

int
send_main(int argc, char **argv)
{
	struct options o = {.rate = DEFAULT_RATE};
	struct err err;

	log_init(LOG_LEVEL_INFO);
	if (parse_options(argc, argv, &o, &err) != 0) {
		if (err.text[0] != '\0') /* else getopt said it */
			log_warnx("%s", err.text);
		fputs(usage_text, stderr);
		return 2;
	}
	if (o.help) {
		fputs(usage_text, stdout);
		return 0;
	}
	return send_files(&o, argv + optind);
}
