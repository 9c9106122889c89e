/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_UDP_H
#define WEIR_COLLECTOR_UDP_H
/* UDP sockets, made. */
#include "schema/base/addr.h"
#include "schema/base/err.h"

struct conf_listen;

/*
 * A socket that receives, non-blocking; a multicast group is joined. *bound is
 * where it is, for port 0. The caller closes it. ERR_SYSTEM, with what and why.
 */
int udp_listen(const struct conf_listen *l, struct endpoint *bound,
    struct err *err) MUST_CHECK;

/* Ask the kernel for room; what it grants is logged when it is less. */
void udp_set_receive_buffer(int fd, const struct endpoint *at, int bytes);

/* A socket connected to an endpoint; flags of socket(2) besides. */
int udp_connect(
    const struct endpoint *to, int flags, struct err *err) MUST_CHECK;

/* Whether an address is one of this machine's. */
bool udp_is_local(const struct addr *addr);

#endif
