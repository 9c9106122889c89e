/* SPDX-License-Identifier: ISC */
/* Names from everywhere: see naming.h. */
#include "report/naming.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "report/as_names.h"
#include "report/geo.h"
#include "report/resolve.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

enum { N_PORTS = UINT16_MAX + 1 };

/* Protocols that have services. */
static const struct {
	const char *name;
	int protocol;
} transports[] = {
    {"tcp", IPPROTO_TCP},
    {"udp", IPPROTO_UDP},
    {"sctp", IPPROTO_SCTP},
};

struct naming {
	const struct conf *conf;
	struct resolve *resolve;   /* NULL: nobody is asked */
	struct as_names *as_names; /* NULL: none */
	struct geo *geo;
	char **service[ARRAY_LEN(transports)]; /* by port */
};

/* ---- services ---- */

static void
add_service(struct naming *n, const struct servent *s)
{
	uint16_t port = ntohs((uint16_t)s->s_port);

	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (strcmp(transports[i].name, s->s_proto) != 0)
			continue;
		if (n->service[i] == NULL)
			n->service[i] = xcalloc(N_PORTS, sizeof(char *));
		if (n->service[i][port] == NULL)
			n->service[i][port] = xstrdup(s->s_name);
	}
}

static void
read_services(struct naming *n)
{
	struct servent *s;

	setservent(1);
	while ((s = getservent()) != NULL)
		add_service(n, s);
	endservent();
}

/* Without a protocol, the first that has the port. */
static const char *
service(const struct naming *n, int protocol, uint64_t port)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (protocol >= 0 && protocol != transports[i].protocol)
			continue;
		if (n->service[i] != NULL && n->service[i][port] != NULL)
			return n->service[i][port];
	}
	return NULL;
}

static void
free_services(struct naming *n)
{
	for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
		if (n->service[i] == NULL)
			continue;
		for (size_t port = 0; port < N_PORTS; port++)
			free(n->service[i][port]);
		free(n->service[i]);
	}
}

/* ---- opening ---- */

static int
open_all(struct naming *n, const struct naming_options *o, struct err *err)
{
	const struct resolve_options r = {
	    .dir = o->dir, .server = o->server, .wait_ms = o->wait_ms};
	int rc = 0;

	if (n->conf->as_names != NULL)
		rc = as_names_read(&n->as_names, n->conf->as_names, err);
	if (rc == 0)
		rc =
		    geo_open(&n->geo, n->conf->country_db, n->conf->as_db, err);
	if (rc == 0 && o->hosts)
		rc = resolve_open(&n->resolve, &r, err);
	return rc;
}

int
naming_open(
    struct naming **out, const struct naming_options *o, struct err *err)
{
	struct naming *n = xcalloc(1, sizeof *n);
	int rc;

	n->conf = o->conf;
	if ((rc = open_all(n, o, err)) != 0) {
		naming_close(n);
		return rc;
	}
	read_services(n);
	*out = n;
	return 0;
}

void
naming_close(struct naming *n)
{
	if (n == NULL)
		return;
	resolve_close(n->resolve);
	as_names_free(n->as_names);
	geo_close(n->geo);
	free_services(n);
	free(n);
}

/* ---- names ---- */

static bool
is_host(enum flow_column column)
{
	return column == COL_SRC_ADDR || column == COL_DST_ADDR ||
	       column == COL_NEXT_HOP;
}

bool
naming_asks(enum flow_column column)
{
	return is_host(column) || column == COL_EXPORTER;
}

static const char *
host(const struct naming *n, const struct addr *addr)
{
	return n->resolve != NULL ? resolve_name(n->resolve, addr) : NULL;
}

static const char *
exporter(const struct naming *n, const struct addr *addr)
{
	const char *name = conf_exporter_name(n->conf, addr);

	return name != NULL ? name : host(n, addr);
}

const char *
naming_of(const struct naming *n, enum flow_column column, uint64_t value,
    const struct naming_flow *f)
{
	struct addr addr;

	switch (column) {
	case COL_SRC_PORT:
	case COL_DST_PORT: return service(n, f->protocol, value);
	case COL_INPUT_IF:
	case COL_OUTPUT_IF:
		return f->exporter == NULL ? NULL
					   : conf_interface_name(n->conf,
						 f->exporter, (uint16_t)value);
	case COL_SRC_AS:
	case COL_DST_AS:
		return n->as_names == NULL
			   ? NULL
			   : as_name(n->as_names, (uint32_t)value);
	case COL_EXPORTER: return exporter(n, f->exporter);
	default: break;
	}
	addr = addr_from_ip4((uint32_t)value);
	return is_host(column) ? host(n, &addr) : NULL;
}

void
naming_want(struct naming *n, enum flow_column column, uint64_t value,
    const struct naming_flow *f)
{
	struct addr addr = addr_from_ip4((uint32_t)value);

	if (n->resolve == NULL)
		return;
	/* 0.0.0.0 is nobody's address: there was no next hop. */
	if (is_host(column) && value != 0)
		resolve_want(n->resolve, &addr);
	if (column == COL_EXPORTER &&
	    conf_exporter_name(n->conf, f->exporter) == NULL)
		resolve_want(n->resolve, f->exporter);
}

void
naming_wait(struct naming *n)
{
	if (n->resolve != NULL)
		resolve_wait(n->resolve);
}

const char *
naming_country(const struct naming *n, uint32_t ip4, char out[GEO_TEXT_LEN])
{
	return geo_country(n->geo, ip4, out);
}

const char *
naming_organisation(
    const struct naming *n, uint32_t ip4, char out[GEO_TEXT_LEN])
{
	return geo_as_name(n->geo, ip4, out);
}
