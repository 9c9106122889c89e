/* SPDX-License-Identifier: ISC */
/* Datagrams to other collectors: see relay.h. */
#include "collector/relay.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "collector/account.h"
#include "collector/udp.h"
#include "schema/base/clock.h"
#include "schema/base/hash.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

enum {
	HAND_OVER_MS = 10 * 1000,
	SAY_MS = 60 * 1000,
};

struct target {
	struct endpoint to;
	int fd;
	/* Of each `sample` datagrams, the one in a place drawn by lot: always
	 * the same place would favour one of exporters that take turns. */
	uint64_t sample, place, left; /* left of this round */
	uint64_t random;
	struct relay_minute minute;
	uint64_t not_said; /* dropped */
	int64_t said_ms;
	int last_errno;
};

struct relay {
	struct account *account;
	struct target target[CONF_MAX_RELAY];
	size_t n;
	int64_t handed_over_ms;
	struct iovec datagram[RELAY_AT_ONCE];
	size_t n_datagrams;
	struct mmsghdr message[RELAY_AT_ONCE];
};

int
relay_new(struct relay **out, const struct conf *conf, struct account *account,
    struct err *err)
{
	struct relay *r = xcalloc(1, sizeof *r);

	r->account = account;
	for (size_t i = 0; i < conf->n_relay; i++) {
		const struct conf_relay *c = &conf->relay[i];
		int fd = udp_connect(&c->to, SOCK_NONBLOCK, err);

		if (fd < 0) {
			relay_free(r);
			return err_prefix(err, fd, "relay");
		}
		r->target[r->n++] = (struct target){
		    .to = c->to,
		    .fd = fd,
		    .sample = c->sample,
		    .random = hash_seed(),
		    .minute = {.target = c->to},
		};
	}
	*out = r;
	return 0;
}

/* false: no room, the minute goes on. */
static bool
hand_over(struct relay *r, struct target *t)
{
	const struct minute_row row = {
	    .kind = MINUTE_OF_RELAY, .relay = t->minute};

	if (t->minute.datagrams + t->minute.dropped == 0)
		return true;
	if (!account_put(r->account, &row))
		return false;
	t->minute.datagrams = t->minute.dropped = 0;
	return true;
}

void
relay_free(struct relay *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		(void)hand_over(r, &r->target[i]);
		close(r->target[i].fd);
	}
	free(r);
}

/* ---- sending ---- */

void
relay_add(struct relay *r, const uint8_t *data, size_t len)
{
	if (r->n == 0)
		return;
	assert(r->n_datagrams < RELAY_AT_ONCE);
	/* sendmsg does not write to what iov_base points to. */
	memcpy(&r->datagram[r->n_datagrams].iov_base, &data, sizeof data);
	r->datagram[r->n_datagrams++].iov_len = len;
}

static bool
is_picked(struct target *t)
{
	if (t->sample == 1)
		return true;
	if (t->left == 0) {
		t->left = t->sample;
		t->random = hash_mix(t->random + 1);
		t->place = 1 + t->random % t->sample;
	}
	return t->left-- == t->place;
}

static void
count_dropped(struct target *t, size_t n)
{
	t->minute.dropped += n;
	t->not_said += n;
	t->last_errno = errno;
}

/*
 * What could not be sent at once is dropped: a full buffer will not be empty
 * for the next one. ECONNREFUSED is the answer to a datagram that was counted
 * as sent, and says nothing of this one.
 */
static void
send_all(struct target *t, struct mmsghdr *message, size_t n)
{
	while (n > 0) {
		int sent = sendmmsg(t->fd, message, (unsigned)n, 0);

		if (sent > 0) {
			t->minute.datagrams += (unsigned)sent;
			message += sent;
			n -= (unsigned)sent;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			count_dropped(t, n);
			return;
		} else if (errno == ECONNREFUSED && t->minute.datagrams > 0) {
			t->minute.datagrams--;
			count_dropped(t, 1);
		} else {
			count_dropped(t, 1);
			message++;
			n--;
		}
	}
}

void
relay_flush(struct relay *r, int64_t now_ms)
{
	if (r->n_datagrams == 0)
		return;
	for (size_t i = 0; i < r->n; i++) {
		struct target *t = &r->target[i];
		size_t n = 0;

		for (size_t k = 0; k < r->n_datagrams; k++)
			if (is_picked(t))
				r->message[n++].msg_hdr =
				    (struct msghdr){.msg_iov = &r->datagram[k],
					.msg_iovlen = 1};
		if (t->minute.minute_ms != minute_start(now_ms) &&
		    hand_over(r, t))
			t->minute.minute_ms = minute_start(now_ms);
		send_all(t, r->message, n);
	}
	r->n_datagrams = 0;
}

static void
say(struct target *t, int64_t now_ms)
{
	char name[ENDPOINT_TEXT_LEN];

	endpoint_format(&t->to, name);
	log_warnx("relay %s: %" PRIu64 " datagrams could not be sent: %s", name,
	    t->not_said, strerror(t->last_errno));
	t->not_said = 0;
	t->said_ms = now_ms;
}

void
relay_tick(struct relay *r, int64_t now_ms)
{
	bool due = clock_is_due(r->handed_over_ms, HAND_OVER_MS, now_ms);

	for (size_t i = 0; i < r->n; i++) {
		struct target *t = &r->target[i];

		if (t->not_said > 0 && clock_is_due(t->said_ms, SAY_MS, now_ms))
			say(t, now_ms);
		if (due)
			(void)hand_over(r, t);
	}
	if (due)
		r->handed_over_ms = now_ms;
}
