/* SPDX-License-Identifier: ISC */
/*
 * UDP sockets to chunks of decoded flows: see listener.h. Errors of the stored
 * side never come here: a full queue is counted and receiving goes on.
 */
#include "collector/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "collector/account.h"
#include "collector/nf5.h"
#include "collector/queue.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"

enum {
	MAX_SOCKETS = 64,
	RECEIVE_AT_ONCE = 64,  /* datagrams a system call */
	CALLS_PER_WAKEUP = 16, /* so that signals and timers get their turn */
	DATAGRAM_ROOM = 2048,  /* v5 needs 1464; more is another protocol */
	RECEIVE_BUFFER = 64 << 20, /* bytes asked of the kernel */
	HAND_OVER_MS = 200, /* the longest that a flow waits in a chunk */
	DRAIN_CALLS = 4096, /* at the stop: a full receive buffer's worth */
	DRAIN_WAITS =
	    1000, /* of 10 ms for the writer, when the queue is full */
};

struct socket {
	struct listener *listener;
	struct event *readable;
	int fd;
	uint32_t kernel_dropped; /* the socket's own, wrapping count */
};

struct listener {
	struct event_base *base;
	struct event *timer; /* hands over a chunk that is not full */
	struct event *tick;  /* the account's */
	struct queue *queue;
	struct account *account;
	struct chunk *chunk; /* being filled, or NULL */
	struct socket socket[MAX_SOCKETS];
	size_t n_sockets;
	struct listener_counters counters;
	struct mmsghdr message[RECEIVE_AT_ONCE];
	struct iovec iov[RECEIVE_AT_ONCE];
	struct sockaddr_storage from[RECEIVE_AT_ONCE];
	uint8_t room[RECEIVE_AT_ONCE][DATAGRAM_ROOM];
	_Alignas(struct cmsghdr)
	    uint8_t control[RECEIVE_AT_ONCE][CMSG_SPACE(sizeof(uint32_t))];
};

/* ---- chunks ---- */

static void
hand_over(struct listener *l)
{
	if (l->chunk != NULL && l->chunk->n_packets > 0) {
		queue_put(l->queue, l->chunk);
		l->chunk = NULL;
		account_queue_waiting(
		    l->account, queue_waiting(l->queue), clock_now_ms());
	}
	event_del(l->timer);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	hand_over(arg);
}

/* A chunk is all of one day: so is the transaction it becomes. */
static void
end_chunk_of_other_day(struct listener *l, int64_t now_ms)
{
	if (l->chunk != NULL && l->chunk->n_packets > 0 &&
	    clock_day(l->chunk->packet[0].received_ms) != clock_day(now_ms))
		hand_over(l);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	account_tick(l->account, clock_now_ms());
}

static bool
have_chunk(struct listener *l)
{
	if (l->chunk == NULL)
		l->chunk = queue_get_empty(l->queue);
	return l->chunk != NULL;
}

static void
store_packet(struct listener *l, const struct packet *p, bool padded)
{
	static const struct timeval soon = {.tv_usec = HAND_OVER_MS * 1000};
	struct chunk *c = l->chunk;

	if (c->n_packets == 0)
		event_add(l->timer, &soon);
	c->packet[c->n_packets++] = *p;
	c->n_flows += p->n_flows;
	l->counters.datagrams++;
	l->counters.flows += p->n_flows;
	l->counters.padded += padded;
	if (c->n_packets == CHUNK_PACKETS)
		hand_over(l);
}

/* ---- datagrams ---- */

static void
count_refused(struct listener *l, int rc, const struct addr *from,
    const uint8_t *data, size_t len, int64_t now_ms)
{
	enum export_kind kind =
	    rc == ERR_COUNT ? EXPORT_NETFLOW5 : export_kind(data, len);

	if (rc == ERR_COUNT)
		l->counters.malformed_count++;
	else if (kind == EXPORT_NETFLOW5)
		l->counters.malformed_short++;
	else
		l->counters.foreign[kind]++;
	account_refused(l->account, from, kind, rc == ERR_COUNT, now_ms);
}

static void
count_dropped(struct listener *l, const struct packet *p)
{
	l->counters.queue_dropped++;
	l->counters.queue_dropped_flows += p->n_flows;
	account_queue_dropped(l->account, p->n_flows, p->received_ms);
}

static void
take_datagram(struct listener *l, const struct sockaddr *from,
    const uint8_t *data, size_t len, int64_t now_ms)
{
	/* Without a chunk the flows are decoded to be counted alone. */
	struct flow scratch[NF5_MAX_RECORDS];
	struct addr exporter = addr_from_sockaddr(from);
	bool room = have_chunk(l);
	struct flow *flows =
	    room ? &l->chunk->flow[l->chunk->n_flows] : scratch;
	struct packet p;
	int rc = nf5_decode(data, len, &p, flows);

	if (rc < 0) {
		count_refused(l, rc, &exporter, data, len, now_ms);
		return;
	}
	p.source.exporter = exporter;
	p.received_ms = now_ms;
	account_packet(l->account, &p, flows, rc > 0, now_ms);
	if (room)
		store_packet(l, &p, rc > 0);
	else
		count_dropped(l, &p);
}

/* The kernel adds its drop count to a datagram once it has dropped any. */
static void
read_drop_count(struct socket *s, struct msghdr *m, int64_t now_ms)
{
	struct cmsghdr *c;
	uint32_t dropped;

	for (c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SO_RXQ_OVFL)
			continue;
		memcpy(&dropped, CMSG_DATA(c), sizeof dropped);
		s->listener->counters.kernel_dropped +=
		    dropped - s->kernel_dropped;
		account_kernel_dropped(
		    s->listener->account, dropped - s->kernel_dropped, now_ms);
		s->kernel_dropped = dropped;
	}
}

static void
prepare_messages(struct listener *l)
{
	for (size_t i = 0; i < RECEIVE_AT_ONCE; i++) {
		l->iov[i] = (struct iovec){l->room[i], sizeof l->room[i]};
		l->message[i].msg_hdr = (struct msghdr){
		    .msg_name = &l->from[i],
		    .msg_namelen = sizeof l->from[i],
		    .msg_iov = &l->iov[i],
		    .msg_iovlen = 1,
		    .msg_control = l->control[i],
		    .msg_controllen = sizeof l->control[i],
		};
	}
}

/* One system call's worth; the number of datagrams, 0 when there are none. */
static size_t
receive(struct socket *s)
{
	struct listener *l = s->listener;
	int64_t now_ms;
	int n;

	prepare_messages(l);
	n = recvmmsg(s->fd, l->message, RECEIVE_AT_ONCE, MSG_DONTWAIT, NULL);
	if (n <= 0)
		return 0;
	now_ms = clock_now_ms();
	end_chunk_of_other_day(l, now_ms);
	for (size_t i = 0; i < (size_t)n; i++) {
		read_drop_count(s, &l->message[i].msg_hdr, now_ms);
		take_datagram(l, (struct sockaddr *)&l->from[i], l->room[i],
		    l->message[i].msg_len, now_ms);
	}
	return (size_t)n;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	for (int i = 0; i < CALLS_PER_WAKEUP; i++)
		if (receive(arg) < RECEIVE_AT_ONCE)
			break;
}

/* ---- sockets ---- */

/* The buffer bridges pauses of this process. FORCE needs privilege; without
 * it net.core.rmem_max is the limit, and Linux doubles what was asked. */
static void
ask_for_buffer(int fd, const char *name)
{
	int want = RECEIVE_BUFFER, got = 0;
	socklen_t len = sizeof got;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof want) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof want);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) == 0 &&
	    got < RECEIVE_BUFFER)
		log_warnx("listener %s: receive buffer of %d KiB granted, %d "
			  "asked: raise net.core.rmem_max",
		    name, got / 1024, RECEIVE_BUFFER / 1024);
}

static uint16_t
bound_port(int fd)
{
	struct sockaddr_storage ss = {0};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	socklen_t len = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) != 0)
		return 0;
	if (ss.ss_family == AF_INET) {
		memcpy(&in, &ss, sizeof in);
		return ntohs(in.sin_port);
	}
	memcpy(&in6, &ss, sizeof in6);
	return ntohs(in6.sin6_port);
}

static int
open_socket(
    const struct addr *addr, uint16_t port, const char *name, struct err *err)
{
	struct sockaddr_storage ss;
	const struct endpoint at = {*addr, port};
	socklen_t len = (socklen_t)endpoint_to_sockaddr(&at, &ss);
	int on = 1;
	int fd =
	    socket(ss.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, "listen on UDP %s port %u", name, port);
	if (bind(fd, (struct sockaddr *)&ss, len) != 0) {
		int rc = err_sys(err, "listen on UDP %s port %u", name, port);

		close(fd);
		return rc;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	ask_for_buffer(fd, name);
	return fd;
}

int
listener_add(struct listener *l, const struct addr *addr, uint16_t *port,
    struct err *err)
{
	struct socket *s = &l->socket[l->n_sockets];
	char name[ADDR_TEXT_LEN];
	int fd;

	addr_format(addr, name);
	if (l->n_sockets == MAX_SOCKETS)
		return err_set(err, ERR_USAGE,
		    "listen on UDP %s: at most %d sockets", name, MAX_SOCKETS);
	fd = open_socket(addr, *port, name, err);
	if (fd < 0)
		return fd;
	*s = (struct socket){.listener = l, .fd = fd};
	s->readable =
	    event_new(l->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) != 0)
		abort(); /* libevent fails here for want of memory alone */
	l->n_sockets++;
	*port = bound_port(fd);
	return 0;
}

struct listener *
listener_new(
    struct event_base *base, struct queue *queue, struct account *account)
{
	static const struct timeval second = {.tv_sec = 1};
	struct listener *l = xcalloc(1, sizeof *l);

	l->base = base;
	l->queue = queue;
	l->account = account;
	l->timer = event_new(base, -1, 0, on_timer, l);
	l->tick = event_new(base, -1, EV_PERSIST, on_tick, l);
	if (l->timer == NULL || l->tick == NULL ||
	    event_add(l->tick, &second) != 0)
		abort();
	return l;
}

/* What the kernel holds was received. Bounded, for senders never pause. */
static void
drain(struct socket *s)
{
	static const struct timespec moment = {.tv_nsec = 10000000};

	for (int calls = 0, waits = 0; calls < DRAIN_CALLS; calls++) {
		while (!have_chunk(s->listener) && waits++ < DRAIN_WAITS)
			nanosleep(&moment, NULL);
		if (receive(s) == 0)
			break;
	}
}

void
listener_stop(struct listener *l)
{
	for (size_t i = 0; i < l->n_sockets; i++) {
		event_free(l->socket[i].readable);
		drain(&l->socket[i]);
		close(l->socket[i].fd);
	}
	l->n_sockets = 0;
	hand_over(l);
	account_finish(l->account, clock_now_ms());
}

const struct listener_counters *
listener_counters(const struct listener *l)
{
	return &l->counters;
}

void
listener_free(struct listener *l)
{
	if (l == NULL)
		return;
	listener_stop(l);
	if (l->chunk != NULL)
		queue_give_back(l->queue, l->chunk);
	event_free(l->timer);
	event_free(l->tick);
	free(l);
}
