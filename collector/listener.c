/* SPDX-License-Identifier: ISC */
/*
 * UDP sockets to chunks of decoded flows: see listener.h. Errors of the stored
 * side never come here: a full queue is counted and receiving goes on.
 */
#include "collector/listener.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "collector/account.h"
#include "collector/gate.h"
#include "collector/nf5.h"
#include "collector/queue.h"
#include "collector/relay.h"
#include "collector/udp.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/minute.h"

enum {
	RECEIVE_AT_ONCE = RELAY_AT_ONCE, /* datagrams a system call */
	CALLS_PER_WAKEUP = 16, /* so that signals and timers get their turn */
	DATAGRAM_ROOM = 2048,  /* v5 needs 1464; more is another protocol */
	HAND_OVER_MS = 200,    /* the longest that a flow waits in a chunk */
	DRAIN_CALLS = 4096,    /* at the stop: a full receive buffer's worth */
	DRAIN_WAITS =
	    1000, /* of 10 ms for the writer, when the queue is full */
};

struct socket {
	struct listener *listener;
	const struct conf_listen *conf; /* of the listener's configuration */
	struct endpoint bound;
	struct event *readable;
	int fd;
	uint32_t kernel_dropped; /* the socket's own, wrapping count */
};

struct listener {
	struct event_base *base;
	struct event *timer; /* hands over a chunk that is not full */
	struct event *tick;  /* of account, gate and relay */
	struct queue *queue;
	struct account *account;
	struct chunk *chunk; /* being filled, or NULL */
	struct gate *gate;   /* these two NULL until configured */
	struct relay *relay;
	struct socket *socket[CONF_MAX_LISTEN];
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
	int64_t now_ms = clock_now_ms();

	(void)fd;
	(void)what;
	account_tick(l->account, now_ms);
	if (l->gate != NULL)
		gate_tick(l->gate, now_ms);
	if (l->relay != NULL)
		relay_tick(l->relay, now_ms);
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

/* What is no NetFlow v5, or damaged. */
static void
count_unfit(struct listener *l, int rc, const struct addr *from,
    const uint8_t *data, size_t len, int64_t now_ms)
{
	static const enum minute_refused of_kind[N_EXPORT_KINDS] = {
	    [EXPORT_NETFLOW5] = REFUSED_SHORT,
	    [EXPORT_NETFLOW1] = REFUSED_NETFLOW1,
	    [EXPORT_NETFLOW7] = REFUSED_NETFLOW7,
	    [EXPORT_NETFLOW8] = REFUSED_NETFLOW8,
	    [EXPORT_NETFLOW9] = REFUSED_NETFLOW9,
	    [EXPORT_IPFIX] = REFUSED_IPFIX,
	    [EXPORT_SFLOW5] = REFUSED_SFLOW5,
	    [EXPORT_UNKNOWN] = REFUSED_UNKNOWN,
	};
	enum export_kind kind;

	if (rc == ERR_COUNT) {
		l->counters.malformed_count++;
		account_refused(l->account, from, REFUSED_COUNT, now_ms);
		return;
	}
	kind = export_kind(data, len);
	if (kind == EXPORT_NETFLOW5)
		l->counters.malformed_short++;
	else
		l->counters.foreign[kind]++;
	account_refused(l->account, from, of_kind[kind], now_ms);
}

/* true: who sent it is let in. */
static bool
pass_gate(struct listener *l, enum gate_verdict verdict,
    const struct addr *from, int64_t now_ms)
{
	if (verdict == GATE_PASS)
		return true;
	if (verdict == GATE_NOT_CONFIGURED) {
		l->counters.not_configured++;
		account_refused(
		    l->account, from, REFUSED_NOT_CONFIGURED, now_ms);
	} else {
		l->counters.no_room++;
		account_refused(l->account, from, REFUSED_NO_ROOM, now_ms);
	}
	return false;
}

static void
count_dropped(struct listener *l, const struct packet *p)
{
	l->counters.queue_dropped++;
	l->counters.queue_dropped_flows += p->n_flows;
	account_queue_dropped(l->account, p->n_flows, p->received_ms);
}

static void
take_sound(struct listener *l, struct packet *p, const struct flow *flows,
    bool padded, bool room)
{
	if (!pass_gate(l, gate_admit(l->gate, &p->source, p->received_ms),
		&p->source.exporter, p->received_ms))
		return;
	account_packet(l->account, p, flows, padded, p->received_ms);
	if (room)
		store_packet(l, p, padded);
	else
		count_dropped(l, p);
}

static void
take_datagram(struct socket *s, const struct sockaddr *from,
    const uint8_t *data, size_t len, int64_t now_ms)
{
	/* Without a chunk the flows are decoded to be counted alone. */
	struct flow scratch[NF5_MAX_RECORDS];
	struct listener *l = s->listener;
	struct addr exporter = addr_from_sockaddr(from);
	struct flow *flows = scratch;
	struct packet p;
	bool room;
	int rc;

	if (!pass_gate(l, gate_check(l->gate, &exporter, s->bound.port),
		&exporter, now_ms))
		return;
	relay_add(l->relay, data, len);
	if ((room = have_chunk(l)))
		flows = &l->chunk->flow[l->chunk->n_flows];
	if ((rc = nf5_decode(data, len, &p, flows)) < 0) {
		count_unfit(l, rc, &exporter, data, len, now_ms);
		return;
	}
	p.source.exporter = exporter;
	p.received_ms = now_ms;
	take_sound(l, &p, flows, rc > 0, room);
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
		take_datagram(s, (struct sockaddr *)&l->from[i], l->room[i],
		    l->message[i].msg_len, now_ms);
	}
	relay_flush(l->relay, now_ms);
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

/* What the kernel holds was received. Bounded, for senders never pause. */
static void
drain(struct socket *s, int max_waits)
{
	static const struct timespec moment = {.tv_nsec = 10000000};

	for (int calls = 0, waits = 0; calls < DRAIN_CALLS; calls++) {
		while (!have_chunk(s->listener) && waits++ < max_waits)
			nanosleep(&moment, NULL);
		if (receive(s) == 0)
			break;
	}
}

static void
socket_free(struct socket *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	close(s->fd);
	free(s);
}

static int
socket_new(struct socket **out, struct listener *l,
    const struct conf_listen *conf, struct err *err)
{
	struct endpoint bound;
	int fd = udp_listen(conf, &bound, err);
	struct socket *s;

	if (fd < 0)
		return fd;
	s = xcalloc(1, sizeof *s);
	*s = (struct socket){
	    .listener = l, .conf = conf, .bound = bound, .fd = fd};
	*out = s;
	return 0;
}

static void
socket_start(struct socket *s)
{
	s->readable = event_new(
	    s->listener->base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) != 0)
		abort(); /* libevent fails here for want of memory alone */
}

/* ---- another configuration ---- */

/* What is wanted, in the order of the configuration. */
struct change {
	struct socket *socket[CONF_MAX_LISTEN];
	bool is_new[CONF_MAX_LISTEN];
	bool kept[CONF_MAX_LISTEN]; /* of the listener's sockets */
	struct relay *relay;
};

static bool
same_group(const struct conf_listen *a, const struct conf_listen *b)
{
	if ((a->interface == NULL) != (b->interface == NULL) ||
	    (a->interface != NULL && strcmp(a->interface, b->interface) != 0) ||
	    a->n_sources != b->n_sources)
		return false;
	for (size_t i = 0; i < a->n_sources; i++)
		if (!addr_equal(&a->source[i], &b->source[i]))
			return false;
	return true;
}

/* A socket of now that will do, taken. */
static struct socket *
keep_socket(
    struct listener *l, struct change *c, const struct conf_listen *conf)
{
	for (size_t i = 0; i < l->n_sockets; i++) {
		const struct conf_listen *was = l->socket[i]->conf;

		if (c->kept[i] || !endpoint_equal(&was->at, &conf->at) ||
		    !same_group(was, conf))
			continue;
		c->kept[i] = true;
		return l->socket[i];
	}
	return NULL;
}

static int
find_sockets(struct listener *l, struct change *c, const struct conf *conf,
    struct err *err)
{
	for (size_t i = 0; i < conf->n_listen; i++) {
		int rc;

		c->socket[i] = keep_socket(l, c, &conf->listen[i]);
		if (c->socket[i] != NULL)
			continue;
		rc = socket_new(&c->socket[i], l, &conf->listen[i], err);
		if (rc != 0)
			return rc;
		c->is_new[i] = true;
	}
	return 0;
}

/* What is sent on to a socket of ours would come again and again. */
static int
check_loops(const struct change *c, const struct conf *conf, struct err *err)
{
	for (size_t i = 0; i < conf->n_relay; i++)
		for (size_t k = 0; k < conf->n_listen; k++) {
			const struct endpoint *to = &conf->relay[i].to;
			const struct endpoint *at = &c->socket[k]->bound;
			char name[ENDPOINT_TEXT_LEN];

			if (to->port != at->port ||
			    to->addr.family != at->addr.family ||
			    !(addr_equal(&to->addr, &at->addr) ||
				(addr_is_any(&at->addr) &&
				    udp_is_local(&to->addr))))
				continue;
			endpoint_format(to, name);
			return err_set(err, ERR_USAGE,
			    "relay %s: is a socket of this collector, want "
			    "another one",
			    name);
		}
	return 0;
}

static void
undo(struct change *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c->is_new[i])
			socket_free(c->socket[i]);
	relay_free(c->relay);
}

/* Before anything else changes: what closing sockets hold goes by the
 * configuration of now. */
static void
close_others(struct listener *l, const struct change *c)
{
	for (size_t i = 0; i < l->n_sockets; i++)
		if (!c->kept[i]) {
			drain(l->socket[i], 0);
			socket_free(l->socket[i]);
		}
}

static void
use(struct listener *l, struct change *c, const struct conf *conf)
{
	close_others(l, c);
	if (l->gate == NULL)
		l->gate = gate_new(conf);
	else
		gate_configure(l->gate, conf);
	relay_free(l->relay);
	l->relay = c->relay;
	l->n_sockets = conf->n_listen;
	for (size_t i = 0; i < l->n_sockets; i++) {
		struct socket *s = c->socket[i];
		const struct conf_listen *now = &conf->listen[i];

		if (!c->is_new[i] &&
		    s->conf->receive_buffer != now->receive_buffer)
			udp_set_receive_buffer(
			    s->fd, &now->at, (int)now->receive_buffer);
		s->conf = now;
		l->socket[i] = s;
		if (c->is_new[i])
			socket_start(s);
	}
}

int
listener_configure(struct listener *l, const struct conf *conf, struct err *err)
{
	struct change c = {0};
	int rc;

	if ((rc = find_sockets(l, &c, conf, err)) != 0 ||
	    (rc = check_loops(&c, conf, err)) != 0 ||
	    (rc = relay_new(&c.relay, conf, l->account, err)) != 0) {
		undo(&c, conf->n_listen);
		return rc;
	}
	use(l, &c, conf);
	return 0;
}

size_t
listener_endpoints(const struct listener *l, struct endpoint *out)
{
	for (size_t i = 0; i < l->n_sockets; i++)
		out[i] = l->socket[i]->bound;
	return l->n_sockets;
}

/* ---- beginning and end ---- */

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

void
listener_stop(struct listener *l)
{
	for (size_t i = 0; i < l->n_sockets; i++) {
		drain(l->socket[i], DRAIN_WAITS);
		socket_free(l->socket[i]);
	}
	l->n_sockets = 0;
	relay_free(l->relay);
	l->relay = NULL;
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
	gate_free(l->gate);
	if (l->chunk != NULL)
		queue_give_back(l->queue, l->chunk);
	event_free(l->timer);
	event_free(l->tick);
	free(l);
}
