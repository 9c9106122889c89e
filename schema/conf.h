/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CONF_H
#define WEIR_SCHEMA_CONF_H
/*
 * The configuration: what the file says, what options override, defaults for
 * the rest; and the names it gives to exporters and interfaces. Every command
 * that reads or writes a store begins with conf_open.
 *
 * A key is a row in a table of conf.c, with a field here; a section is a row
 * there with a struct here. The rest (parsing, ranges, printing, releasing)
 * follows from the rows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/addr.h"
#include "schema/base/err.h"
#include "schema/retain.h"

struct buf;

/* Read when neither -c nor -d is given, and it is there. */
#define CONF_DEFAULT_FILE "/etc/weir/weir.conf"

/* listen ADDR:PORT: a socket that receives. A multicast group as the address
 * is joined. */
struct conf_listen {
	struct endpoint at;
	uint64_t receive_buffer; /* bytes to ask the kernel for */
	char *interface;         /* that the group is joined on; or NULL */
	struct addr *source;     /* senders to the group; none: any */
	size_t n_sources;
	char *place; /* FILE:LINE; NULL: of an option, or the default */
};

/* relay ADDR:PORT: where datagrams are sent on to. */
struct conf_relay {
	struct endpoint to;
	uint64_t sample; /* one datagram in so many */
	char *place;     /* FILE:LINE */
};

/* Of each `interval` packets the exporter looked at one, in [from, until). */
struct conf_sampling {
	uint64_t interval;
	int64_t from_ms, until_ms; /* 0: no end */
};

struct conf_interface {
	uint64_t index;           /* ifIndex */
	char *name, *description; /* NULL: not given */
	uint64_t speed_bps;       /* 0: not given */
};

struct conf_exporter {
	char *name;
	struct prefix *address;
	size_t n_addresses;
	uint64_t port; /* of ours, that it must send to; 0: any */
	struct conf_sampling *sampling;
	size_t n_samplings;
	struct conf_interface *interface; /* by index */
	size_t n_interfaces;
	char *place; /* FILE:LINE */
};

/* alert-target NAME: where alerts of trackings go, one of three. */
struct conf_target {
	char *name;
	char *mail;     /* an address */
	char *webhook;  /* a URL that gets JSON */
	char **program; /* and its arguments; it gets JSON */
	size_t n_program;
};

enum conf_unknown { CONF_ACCEPT, CONF_REFUSE };

enum {
	CONF_MAX_LISTEN = 64,
	CONF_MAX_RELAY = 16,
	CONF_MAX_EXPORTERS = 10000,
	CONF_MAX_ADDRESSES = 4000, /* of all exporters, without prefixes */
	CONF_MAX_INTERFACES = 65536,
	CONF_MAX_SAMPLINGS = 100,
	CONF_MAX_AUTOMATIC = 3000,
	CONF_MAX_SOURCES = 64,
	CONF_MAX_LAG_S = 86400,
	CONF_MAX_TARGETS = 1000,
	CONF_MAX_PROGRAM = 64,
};

struct conf {
	char *file;      /* NULL: none was read */
	char *data;      /* the data folder */
	char *user;      /* to become once sockets are bound; NULL: stay */
	char *time_zone; /* NULL: the system's */
	struct endpoint name_server; /* family 0: those of resolv.conf(5) */
	char *as_names, *country_db, *as_db; /* files; NULL: none */
	struct retain_limits limits;
	uint64_t track_lag_s; /* behind a period's end, until it is counted */
	uint64_t unknown;     /* enum conf_unknown: exporters not named here */
	uint64_t max_automatic; /* of them, at a time */
	struct conf_listen *listen;
	size_t n_listen; /* at least one */
	struct conf_relay *relay;
	size_t n_relay;
	/* Mail of alerts; NULL: not given. */
	char *mail_server, *mail_from, *mail_user, *mail_password_file;
	char *base_url; /* of the web page, as others reach it */
	struct conf_target *target;
	size_t n_targets;
	struct conf_exporter *exporter;
	size_t n_exporters;
	/* All addresses of exporters, the longest prefix first. */
	struct conf_route {
		struct prefix prefix;
		const struct conf_exporter *exporter;
		size_t next; /* the first one with a shorter prefix */
	} * route;
	size_t n_routes;
};

/* A setting from the command line, such as --max-age 90d. Sections: a title,
 * and the first one takes the place of all that the file has. */
struct conf_setting {
	const char *key;    /* of the file: "max-age", "listen" */
	const char *option; /* for messages: "--max-age" */
	const char *text;
};

/* What to open: options -c and -d, NULL where not given, and others. */
struct conf_options {
	const char *file, *dir;
	const struct conf_setting *setting;
	size_t n_settings;
};

/* Lines on -c and -d for the help of a command. */
extern const char conf_options_help[];

/*
 * Read the configuration, which is the default one's values when there is no
 * file. A time zone that it names becomes the process's own, unless the
 * environment names one (TZ) or an earlier configuration did. ERR_USAGE: a file
 * that cannot be read or used ("FILE:LINE: key: reason, want what would be
 * right"), or an option.
 */
int conf_open(struct conf **out, const struct conf_options *o,
    struct err *err) MUST_CHECK;
void conf_free(struct conf *c); /* accepts NULL */

/* All settings as a file, in one form; with explain, comments say what they
 * are and which others there are. Read again it is the same configuration. */
void conf_print(const struct conf *c, bool explain, struct buf *out);

/* ---- names ---- */

/*
 * The exporter that datagrams from addr to our port belong to: that with the
 * longest prefix. NULL: none is configured. Port 0 looks at addresses alone,
 * as do flows, which do not tell a port.
 */
const struct conf_exporter *conf_exporter(
    const struct conf *c, const struct addr *addr, uint16_t port);

/* The same with the prefix that holds addr. */
const struct conf_route *conf_route(
    const struct conf *c, const struct addr *addr, uint16_t port);

/* Whether it is one address and no more. */
bool conf_is_full_address(const struct prefix *p);

/* Borrowed; NULL when there is none. */
const char *conf_exporter_name(const struct conf *c, const struct addr *addr);
const struct conf_interface *conf_interface(
    const struct conf_exporter *e, uint16_t if_index); /* accepts NULL */
const char *conf_interface_name(
    const struct conf *c, const struct addr *exporter, uint16_t if_index);

/*
 * The sampling interval that the configuration says of an exporter at a time,
 * for flows old and new alike; 0: nothing, so that what the exporter's header
 * says counts. The last `sampling` that holds at that time does.
 */
uint32_t conf_sampling(
    const struct conf *c, const struct addr *exporter, int64_t at_ms);

/* By its name; NULL: none. */
const struct conf_exporter *conf_exporter_by_name(
    const struct conf *c, const char *name);

#endif
