/* SPDX-License-Identifier: ISC */
/* UDP sockets: see udp.h. */
#include "collector/udp.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "schema/base/log.h"
#include "schema/conf.h"

void
udp_set_receive_buffer(int fd, const struct endpoint *at, int bytes)
{
	char name[ENDPOINT_TEXT_LEN];
	int got = 0;
	socklen_t len = sizeof got;

	/* FORCE needs privilege; without it net.core.rmem_max is the limit.
	 * Linux doubles what was asked, for its own use. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) !=
	    0)
		(void)setsockopt(
		    fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) != 0 ||
	    got >= bytes)
		return;
	endpoint_format(at, name);
	log_warnx("listener %s: receive buffer of %d KiB granted, %d asked: "
		  "raise net.core.rmem_max",
	    name, got / 1024, bytes / 1024);
}

/* ---- multicast ---- */

static int
join_one(int fd, const struct conf_listen *l, unsigned interface,
    const struct addr *source)
{
	const struct endpoint group = {.addr = l->at.addr};
	int level = l->at.addr.family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
	struct group_source_req of_source = {.gsr_interface = interface};
	struct group_req of_all = {.gr_interface = interface};
	struct endpoint from;

	if (source == NULL) {
		(void)endpoint_to_sockaddr(&group, &of_all.gr_group);
		return setsockopt(
		    fd, level, MCAST_JOIN_GROUP, &of_all, sizeof of_all);
	}
	from = (struct endpoint){.addr = *source};
	(void)endpoint_to_sockaddr(&group, &of_source.gsr_group);
	(void)endpoint_to_sockaddr(&from, &of_source.gsr_source);
	return setsockopt(
	    fd, level, MCAST_JOIN_SOURCE_GROUP, &of_source, sizeof of_source);
}

/* Source: RFC 3678 section 5, the calls that do not depend on the protocol. */
static int
join(int fd, const struct conf_listen *l, unsigned interface, const char *name,
    struct err *err)
{
	int rc = 0;

	if (l->n_sources == 0)
		rc = join_one(fd, l, interface, NULL);
	for (size_t i = 0; i < l->n_sources && rc == 0; i++)
		rc = join_one(fd, l, interface, &l->source[i]);
	if (rc == 0)
		return 0;
	if (errno == ENODEV && interface == 0)
		return err_set(err, ERR_SYSTEM,
		    "join group %s: no route to it, want interface = NAME",
		    name);
	return err_sys(err, "join group %s", name);
}

/* ---- sockets ---- */

static void
get_bound(int fd, struct endpoint *bound)
{
	struct sockaddr_storage ss = {0};
	socklen_t len = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		bound->port =
		    endpoint_from_sockaddr((struct sockaddr *)&ss).port;
}

/* IPv6 sockets leave IPv4 to others, so that "[::]:2055" and "0.0.0.0:2055"
 * do not depend on each other. */
static int
bind_socket(int fd, const struct conf_listen *l, unsigned interface,
    const char *name, struct err *err)
{
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)endpoint_to_sockaddr(&l->at, &ss);
	const int on = 1;

	if (l->at.addr.family == 6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
		/* Groups and addresses of a link are known by it alone. */
		((struct sockaddr_in6 *)&ss)->sin6_scope_id = interface;
	}
	/* Other receivers of a group may be on this machine. */
	if (addr_is_multicast(&l->at.addr))
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&ss, len) == 0)
		return 0;
	if (errno == EACCES && l->at.port < 1024)
		return err_set(err, ERR_SYSTEM,
		    "listen on UDP %s: ports below 1024 are for root: start "
		    "weir as root, or use another port",
		    name);
	return err_sys(err, "listen on UDP %s", name);
}

static int
find_interface(const char *name, unsigned *out, struct err *err)
{
	*out = 0;
	if (name == NULL)
		return 0;
	if ((*out = if_nametoindex(name)) == 0)
		return err_sys(err, "interface %s", name);
	return 0;
}

int
udp_listen(const struct conf_listen *l, struct endpoint *bound, struct err *err)
{
	char name[ENDPOINT_TEXT_LEN];
	const int on = 1;
	unsigned interface;
	int fd, rc;

	endpoint_format(&l->at, name);
	if ((rc = find_interface(l->interface, &interface, err)) != 0)
		return rc;
	fd = socket(l->at.addr.family == 6 ? AF_INET6 : AF_INET,
	    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, "listen on UDP %s", name);
	if ((rc = bind_socket(fd, l, interface, name, err)) != 0 ||
	    (addr_is_multicast(&l->at.addr) &&
		(rc = join(fd, l, interface, name, err)) != 0)) {
		close(fd);
		return rc;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
	udp_set_receive_buffer(fd, &l->at, (int)l->receive_buffer);
	*bound = l->at;
	get_bound(fd, bound);
	return fd;
}

int
udp_connect(const struct endpoint *to, int flags, struct err *err)
{
	char name[ENDPOINT_TEXT_LEN];
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)endpoint_to_sockaddr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | flags, 0);
	int rc;

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&ss, len) == 0)
		return fd;
	endpoint_format(to, name);
	rc = err_sys(err, "%s", name);
	if (fd >= 0)
		close(fd);
	return rc;
}

bool
udp_is_local(const struct addr *addr)
{
	const struct endpoint at = {.addr = *addr};
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)endpoint_to_sockaddr(&at, &ss);
	int fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool local =
	    fd >= 0 && bind(fd, (const struct sockaddr *)&ss, len) == 0;

	if (fd >= 0)
		close(fd);
	return local;
}
