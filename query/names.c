/* SPDX-License-Identifier: ISC */
/* Names of the system: see names.h. */
#include "query/names.h"

#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "schema/base/addr.h"

const struct names names_system = {.host = names_host};

int
names_host(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err)
{
	/* One socket type: else each address comes three times. */
	static const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM};
	struct addrinfo *list;
	int rc = getaddrinfo(name, NULL, &hints, &list);

	(void)arg;
	if (rc == EAI_NONAME || rc == EAI_NODATA)
		return 0;
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "%s", gai_strerror(rc));
	for (const struct addrinfo *i = list; i != NULL; i = i->ai_next) {
		struct prefix p = {.addr = addr_from_sockaddr(i->ai_addr)};

		p.len = p.addr.family == 4 ? 32 : 128;
		if (p.addr.family != 0)
			add(to, &p, false);
	}
	freeaddrinfo(list);
	return 1;
}
