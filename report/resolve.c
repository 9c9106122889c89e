/* SPDX-License-Identifier: ISC */
/*
 * Names from the DNS: see resolve.h. Only this file speaks to libevent's evdns,
 * which has its own queue for what is beyond RESOLVE_PARALLEL. One thread.
 * NOTE: evdns of libevent 2.1 takes no name of 64 characters or more; such a
 * host has none here.
 */
#include "report/resolve.h"

#include <assert.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/addr.h"
#include "schema/base/clock.h"
#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/hosts.h"

/* How long answers are believed. A name server's TTL within bounds; that there
 * is no name for an hour; that nobody answered only shortly. */
enum {
	MIN_TTL_S = 300,
	MAX_TTL_S = 7 * 86400,
	NO_NAME_TTL_S = 3600,
	FAILED_TTL_S = 300,
};

enum { FIRST_SLOTS = 1024 };

struct entry {
	struct resolve *resolve;
	struct host host; /* addr, and once known the rest */
	bool known;
	bool is_new; /* from the DNS: to be kept */
};

struct resolve {
	struct event_base *events;
	struct evdns_base *dns;
	struct event *timer;
	struct hosts *hosts; /* NULL: no cache */
	struct entry **slot; /* by address; NULL: free */
	size_t n_slots;      /* a power of two */
	size_t n_entries, n_new;
	size_t n_pending; /* queries without an answer */
	int64_t wait_ms;  /* what is left of it */
	uint64_t seed;
};

/* ---- opening ---- */

/* The time is over. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *r = arg;

	(void)fd;
	(void)what;
	(void)event_base_loopbreak(r->events);
}

static int
add_servers(struct resolve *r, const char *server, struct err *err)
{
	if (server != NULL && evdns_base_nameserver_ip_add(r->dns, server) != 0)
		return err_set(
		    err, ERR_SYSTEM, "%s: cannot be a name server", server);
	/* Without the file this is the host itself, as resolv.conf(5) says. */
	if (server == NULL)
		(void)evdns_base_resolv_conf_parse(
		    r->dns, DNS_OPTION_NAMESERVERS, "/etc/resolv.conf");
	return 0;
}

/* What libevent would print: that a name server does not answer. */
static void
ignore_message(int is_warning, const char *text)
{
	(void)is_warning;
	(void)text;
}

static int
open_dns(struct resolve *r, const char *server, struct err *err)
{
	static const struct {
		const char *name, *value;
	} options[] = {
	    {"max-inflight:", "256"}, /* RESOLVE_PARALLEL */
	    {"timeout:", "1"},
	    {"attempts:", "2"},
	    /* Addresses whose name servers are silent are common. Ours is not
	     * taken for dead because of them, nor tried with a question for
	     * google.com, which is what libevent does. */
	    {"max-timeouts:", "255"},
	    {"initial-probe-timeout:", "3600"},
	};

	r->events = event_base_new();
	if (r->events == NULL)
		return err_sys(err, "libevent");
	evdns_set_log_fn(ignore_message);
	r->timer = event_new(r->events, -1, 0, on_timer, r);
	r->dns = evdns_base_new(r->events, 0);
	if (r->timer == NULL || r->dns == NULL)
		return err_set(err, ERR_SYSTEM, "libevent: no DNS");
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (evdns_base_set_option(
			r->dns, options[i].name, options[i].value) != 0)
			return err_set(
			    err, ERR_SYSTEM, "libevent: %s", options[i].name);
	return add_servers(r, server, err);
}

int
resolve_open(
    struct resolve **out, const struct resolve_options *o, struct err *err)
{
	struct resolve *r = xcalloc(1, sizeof *r);
	int rc;

	r->wait_ms = o->wait_ms;
	r->seed = hash_seed();
	r->n_slots = FIRST_SLOTS;
	r->slot = xcalloc(r->n_slots, sizeof *r->slot);
	if ((rc = open_dns(r, o->server, err)) != 0) {
		resolve_close(r);
		return rc;
	}
	/* A report may run as somebody who may not write: then without. */
	if (o->dir != NULL && hosts_open(&r->hosts, o->dir, NULL) != 0)
		r->hosts = NULL;
	*out = r;
	return 0;
}

/* ---- the table ---- */

static uint64_t
hash_addr(const struct resolve *r, const struct addr *addr)
{
	uint64_t word[2], h = r->seed;

	memcpy(word, addr->bytes, sizeof word);
	h = hash_mix(h ^ word[0]);
	h = hash_mix(h ^ word[1]);
	return hash_mix(h ^ addr->family);
}

/* Where addr is, or would be. */
static struct entry **
slot_of(const struct resolve *r, const struct addr *addr)
{
	size_t mask = r->n_slots - 1;
	size_t at = hash_addr(r, addr) & mask;

	while (
	    r->slot[at] != NULL && !addr_equal(&r->slot[at]->host.addr, addr))
		at = (at + 1) & mask;
	return &r->slot[at];
}

static void
grow(struct resolve *r)
{
	struct entry **was = r->slot;
	size_t n_was = r->n_slots;

	r->n_slots *= 2;
	r->slot = xcalloc(r->n_slots, sizeof *r->slot);
	for (size_t i = 0; i < n_was; i++)
		if (was[i] != NULL)
			*slot_of(r, &was[i]->host.addr) = was[i];
	free(was);
}

static struct entry *
add_entry(struct resolve *r, const struct addr *addr)
{
	struct entry *e = xcalloc(1, sizeof *e);

	if ((r->n_entries + 1) * 4 > r->n_slots * 3)
		grow(r);
	e->resolve = r;
	e->host.addr = *addr;
	*slot_of(r, addr) = e;
	r->n_entries++;
	return e;
}

const char *
resolve_name(const struct resolve *r, const struct addr *addr)
{
	const struct entry *e = *slot_of(r, addr);

	return e != NULL ? e->host.name : NULL;
}

/* ---- asking ---- */

static int64_t
ttl_s(int result, int ttl)
{
	switch (result) {
	case DNS_ERR_NONE:
		return ttl < MIN_TTL_S   ? MIN_TTL_S
		       : ttl > MAX_TTL_S ? MAX_TTL_S
					 : ttl;
	case DNS_ERR_NOTEXIST:
	case DNS_ERR_NODATA: return NO_NAME_TTL_S;
	default: return FAILED_TTL_S;
	}
}

static void
on_answer(int result, char type, int count, int ttl, void *answers, void *arg)
{
	struct entry *e = arg;
	struct resolve *r = e->resolve;

	if (--r->n_pending == 0)
		(void)event_base_loopbreak(r->events);
	if (result == DNS_ERR_SHUTDOWN || result == DNS_ERR_CANCEL)
		return;
	if (result == DNS_ERR_NONE && type == DNS_PTR && count > 0)
		e->host.name = xstrdup(*(char *const *)answers);
	e->host.expires_ms = clock_now_ms() + ttl_s(result, ttl) * MS_PER_S;
	e->known = e->is_new = true;
	r->n_new++;
}

static void
ask(struct resolve *r, struct entry *e)
{
	const struct addr *a = &e->host.addr;
	struct evdns_request *q;
	struct in_addr in4;
	struct in6_addr in6;

	r->n_pending++; /* the answer may come at once */
	if (a->family == 4) {
		memcpy(&in4, a->bytes, sizeof in4);
		q = evdns_base_resolve_reverse(
		    r->dns, &in4, DNS_QUERY_NO_SEARCH, on_answer, e);
	} else {
		memcpy(&in6, a->bytes, sizeof in6);
		q = evdns_base_resolve_reverse_ipv6(
		    r->dns, &in6, DNS_QUERY_NO_SEARCH, on_answer, e);
	}
	if (q == NULL)
		r->n_pending--;
}

static bool
is_cached(struct resolve *r, struct entry *e)
{
	if (r->hosts == NULL)
		return false;
	e->known = hosts_find(r->hosts, &e->host.addr, clock_now_ms(),
		       &e->host.name, NULL) == 1;
	return e->known;
}

void
resolve_want(struct resolve *r, const struct addr *addr)
{
	struct entry *e = *slot_of(r, addr);

	if (e != NULL || r->n_entries == RESOLVE_MAX_NAMES)
		return;
	e = add_entry(r, addr);
	/* Once the time is over nobody will wait for an answer. */
	if (!is_cached(r, e) && r->wait_ms > 0)
		ask(r, e);
}

void
resolve_wait(struct resolve *r)
{
	int64_t began_ms = clock_monotonic_ms();
	struct timeval left = {
	    .tv_sec = r->wait_ms / MS_PER_S,
	    .tv_usec = r->wait_ms % MS_PER_S * 1000,
	};

	if (r->n_pending == 0)
		return;
	if (r->wait_ms <= 0) { /* what came late is there all the same */
		(void)event_base_loop(r->events, EVLOOP_NONBLOCK);
		return;
	}
	(void)event_add(r->timer, &left);
	(void)event_base_dispatch(r->events);
	(void)event_del(r->timer);
	r->wait_ms -= clock_monotonic_ms() - began_ms;
}

/* ---- closing ---- */

/* What is new, into the cache. */
static void
keep(struct resolve *r)
{
	struct host *fresh = xcalloc(r->n_new, sizeof *fresh);
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < r->n_slots; i++)
		if (r->slot[i] != NULL && r->slot[i]->is_new)
			fresh[n++] = r->slot[i]->host;
	assert(n == r->n_new);
	/* Who may not write does without. */
	rc = hosts_put(r->hosts, fresh, n, clock_now_ms(), NULL);
	(void)rc;
	free(fresh);
}

void
resolve_close(struct resolve *r)
{
	if (r == NULL)
		return;
	if (r->hosts != NULL && r->n_new > 0)
		keep(r);
	if (r->dns != NULL)
		evdns_base_free(r->dns, 0);
	if (r->timer != NULL)
		event_free(r->timer);
	if (r->events != NULL)
		event_base_free(r->events);
	hosts_close(r->hosts);
	for (size_t i = 0; i < r->n_slots; i++) {
		if (r->slot[i] != NULL)
			free(r->slot[i]->host.name);
		free(r->slot[i]);
	}
	free(r->slot);
	free(r);
}
