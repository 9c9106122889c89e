/* SPDX-License-Identifier: ISC */
/*
 * The configuration's keys, and looking up what it says: see conf.h. To add a
 * key is to add a row and a field; to add a section, rows and a struct.
 */
#include "schema/conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf_read.h"
#include "schema/conf_type.h"

/* ---- sections ---- */

static const struct conf_key listen_title = {
    "[ADDR:]PORT", CONF_ENDPOINT, .field = offsetof(struct conf_listen, at)};

static const struct conf_key listen_keys[] = {
    {"receive-buffer", CONF_BYTES,
	.field = offsetof(struct conf_listen, receive_buffer), .min = 64 << 10,
	.max = 1 << 30, .preset = "64M",
	.help = "asked of the kernel, to bridge pauses of the collector"},
    {"interface", CONF_TEXT, .field = offsetof(struct conf_listen, interface),
	.min = 1, .max = 15,
	.help = "network interface that a multicast group is joined on"},
    {"source", CONF_ADDR, .field = offsetof(struct conf_listen, source),
	.count = offsetof(struct conf_listen, n_sources),
	.max = CONF_MAX_SOURCES,
	.help = "senders to a multicast group that are let in, else any"},
};

static int
check_listen(void *section, struct err *err)
{
	const struct conf_listen *l = section;

	if (addr_is_multicast(&l->at.addr)) {
		for (size_t i = 0; i < l->n_sources; i++)
			if (l->source[i].family != l->at.addr.family)
				return err_set(err, ERR_USAGE,
				    "source: is of the other IP version, want "
				    "that of the group");
		return 0;
	}
	if (l->interface != NULL || l->n_sources > 0)
		return err_set(err, ERR_USAGE,
		    "%s: is for multicast groups, want none here",
		    l->interface != NULL ? "interface" : "source");
	return 0;
}

static const struct conf_key relay_title = {
    "ADDR:PORT", CONF_ENDPOINT, .field = offsetof(struct conf_relay, to)};

static const struct conf_key relay_keys[] = {
    {"sample", CONF_NUMBER, .field = offsetof(struct conf_relay, sample),
	.min = 1, .max = 1000000, .preset = "1",
	.help = "of so many datagrams one is sent on"},
};

static int
check_relay(void *section, struct err *err)
{
	const struct conf_relay *r = section;

	if (r->to.port == 0 || addr_is_any(&r->to.addr))
		return err_set(err, ERR_USAGE,
		    "is no place to send to, want ADDR:PORT or [V6ADDR]:PORT");
	return 0;
}

static const struct conf_key sampling_keys[] = {
    {"interval", CONF_NUMBER, .field = offsetof(struct conf_sampling, interval),
	.min = 1, .max = 1000000,
	.help = "packets of which the exporter looked at one"},
    {"from", CONF_TIME, .field = offsetof(struct conf_sampling, from_ms),
	.help = "flows that end at that time or later, else from the first"},
    {"until", CONF_TIME, .field = offsetof(struct conf_sampling, until_ms),
	.help = "flows that end before that time, else to the last"},
};

static int
check_sampling(void *section, struct err *err)
{
	const struct conf_sampling *s = section;

	if (s->interval == 0)
		return err_set(
		    err, ERR_USAGE, "has no interval, want interval = NUMBER");
	if (s->until_ms != 0 && s->until_ms <= s->from_ms)
		return err_set(err, ERR_USAGE,
		    "until: is not after from, want a later time");
	return 0;
}

static const struct conf_key interface_title = {"IFINDEX", CONF_NUMBER,
    .field = offsetof(struct conf_interface, index), .max = UINT16_MAX};

static const struct conf_key interface_keys[] = {
    {"name", CONF_TEXT, .field = offsetof(struct conf_interface, name),
	.min = 1, .max = 64,
	.help = "as the router calls it, such as ge-0/0/1"},
    {"description", CONF_TEXT,
	.field = offsetof(struct conf_interface, description), .min = 1,
	.max = 255, .help = "what it is for"},
    {"speed", CONF_SPEED, .field = offsetof(struct conf_interface, speed_bps),
	.min = 1, .max = UINT64_C(1000000000000000),
	.help = "what it can carry in one direction"},
};

static const struct conf_key exporter_title = {"NAME", CONF_NAME,
    .field = offsetof(struct conf_exporter, name), .min = 1, .max = 64};

static const struct conf_key exporter_keys[] = {
    {"address", CONF_PREFIX, .field = offsetof(struct conf_exporter, address),
	.count = offsetof(struct conf_exporter, n_addresses), .max = 1000,
	.help = "what its datagrams come from"},
    {"port", CONF_NUMBER, .field = offsetof(struct conf_exporter, port),
	.min = 1, .max = UINT16_MAX,
	.help = "the port of ours that it must send to, else any"},
};

static const struct conf_section exporter_sections[] = {
    {"sampling", .key = sampling_keys, .n_keys = ARRAY_LEN(sampling_keys),
	.size = sizeof(struct conf_sampling),
	.array = offsetof(struct conf_exporter, sampling),
	.count = offsetof(struct conf_exporter, n_samplings),
	.max = CONF_MAX_SAMPLINGS, .check = check_sampling,
	.help = "its sampling, instead of what its datagrams say of it"},
    {"interface", .title = &interface_title, .key = interface_keys,
	.n_keys = ARRAY_LEN(interface_keys),
	.size = sizeof(struct conf_interface),
	.array = offsetof(struct conf_exporter, interface),
	.count = offsetof(struct conf_exporter, n_interfaces),
	.max = CONF_MAX_INTERFACES,
	.help = "an interface of it, by its SNMP ifIndex"},
};

static int
by_index(const void *a, const void *b)
{
	uint64_t x = ((const struct conf_interface *)a)->index;
	uint64_t y = ((const struct conf_interface *)b)->index;

	return (x > y) - (x < y);
}

static int
check_exporter(void *section, struct err *err)
{
	struct conf_exporter *e = section;

	if (e->n_addresses == 0)
		return err_set(err, ERR_USAGE,
		    "has no address, want address = ADDR or PREFIX");
	if (e->n_interfaces > 0)
		qsort(e->interface, e->n_interfaces, sizeof *e->interface,
		    by_index);
	for (size_t i = 1; i < e->n_interfaces; i++)
		if (e->interface[i].index == e->interface[i - 1].index)
			return err_set(err, ERR_USAGE,
			    "interface %u is there twice, want one section",
			    (unsigned)e->interface[i].index);
	return 0;
}

static const struct conf_key target_title = {"NAME", CONF_NAME,
    .field = offsetof(struct conf_target, name), .min = 1, .max = 64};

static const struct conf_key target_keys[] = {
    {"mail", CONF_TEXT, .field = offsetof(struct conf_target, mail), .min = 3,
	.max = 320, .help = "an address, by way of mail-server"},
    {"webhook", CONF_TEXT, .field = offsetof(struct conf_target, webhook),
	.min = 8, .max = 2000, .help = "a URL that gets JSON by POST"},
    {"program", CONF_TEXT, .field = offsetof(struct conf_target, program),
	.count = offsetof(struct conf_target, n_program),
	.max = CONF_MAX_PROGRAM,
	.help = "a program and its arguments; it reads JSON"},
};

static int
check_target(void *section, struct err *err)
{
	const struct conf_target *t = section;
	int n = (t->mail != NULL) + (t->webhook != NULL) + (t->n_program > 0);

	return n == 1 ? 0
		      : err_set(err, ERR_USAGE,
			    "has %s, want one of mail, webhook and program",
			    n == 0 ? "no place to send to" : "several places");
}

/* ---- the whole ---- */

static const char *const unknown_choices[] = {
    [CONF_ACCEPT] = "accept", [CONF_REFUSE] = "refuse", NULL};

static const struct conf_key keys[] = {
    {"data", CONF_TEXT, .field = offsetof(struct conf, data), .min = 1,
	.max = 1000, .preset = "./var",
	.help = "the data folder, made by the collector if missing"},
    {"user", CONF_TEXT, .field = offsetof(struct conf, user), .min = 1,
	.max = 64,
	.help = "whom the collector becomes once its sockets are bound"},
    {"time-zone", CONF_ZONE, .field = offsetof(struct conf, time_zone),
	.min = 1, .max = 64,
	.help = "of times asked for and shown; the environment's TZ is "
		"stronger"},
    {"name-server", CONF_ENDPOINT, .field = offsetof(struct conf, name_server),
	.help = "who is asked for names of hosts, else those of resolv.conf"},
    {"as-names", CONF_TEXT, .field = offsetof(struct conf, as_names), .min = 1,
	.max = 1000,
	.help = "a file of names: AS number and name on each line"},
    {"country-db", CONF_TEXT, .field = offsetof(struct conf, country_db),
	.min = 1, .max = 1000,
	.help = "a file in MaxMind's format with countries"},
    {"as-db", CONF_TEXT, .field = offsetof(struct conf, as_db), .min = 1,
	.max = 1000, .help = "the same with the AS organisations of addresses"},
    {"max-age", CONF_DAYS, .field = offsetof(struct conf, limits.max_age_days),
	.min = 1, .max = RETAIN_MAX_DAYS, .help = "days before that go"},
    {"max-size", CONF_BYTES, .field = offsetof(struct conf, limits.max_bytes),
	.min = 1, .max = INT64_MAX,
	.help = "the oldest days go while all take more"},
    {"min-free", CONF_BYTES,
	.field = offsetof(struct conf, limits.min_free_bytes), .min = 1,
	.max = INT64_MAX, .help = "the oldest days go while less room is free"},
    {"track-lag", CONF_NUMBER, .field = offsetof(struct conf, track_lag_s),
	.max = CONF_MAX_LAG_S, .preset = "1800",
	.help = "seconds until trackings count what is over: as long as a "
		"flow may be kept"},
    {"base-url", CONF_TEXT, .field = offsetof(struct conf, base_url), .min = 8,
	.max = 1000, .help = "of the web page, for links in alerts"},
    {"mail-server", CONF_TEXT, .field = offsetof(struct conf, mail_server),
	.min = 7, .max = 300,
	.help = "smtp://HOST:PORT or smtps://HOST:PORT, for alerts"},
    {"mail-from", CONF_TEXT, .field = offsetof(struct conf, mail_from),
	.min = 3, .max = 320, .help = "the sender of alerts"},
    {"mail-user", CONF_TEXT, .field = offsetof(struct conf, mail_user),
	.min = 1, .max = 300, .help = "to log in to mail-server with"},
    {"mail-password-file", CONF_TEXT,
	.field = offsetof(struct conf, mail_password_file), .min = 1,
	.max = 1000, .help = "a file whose first line is the password"},
    {"unknown-exporters", CONF_CHOICE, .field = offsetof(struct conf, unknown),
	.preset = "accept", .choices = unknown_choices,
	.help = "what to do with datagrams of exporters not named here"},
    {"max-automatic-exporters", CONF_NUMBER,
	.field = offsetof(struct conf, max_automatic),
	.max = CONF_MAX_AUTOMATIC, .preset = "1000",
	.help = "how many exporters not named here there may be in a day"},
};

static const struct conf_section sections[] = {
    {"listen", .title = &listen_title, .key = listen_keys,
	.n_keys = ARRAY_LEN(listen_keys), .size = sizeof(struct conf_listen),
	.array = offsetof(struct conf, listen),
	.count = offsetof(struct conf, n_listen), .max = CONF_MAX_LISTEN,
	.place = offsetof(struct conf_listen, place), .check = check_listen,
	.help = "where to receive; a multicast group as ADDR is joined"},
    {"relay", .title = &relay_title, .key = relay_keys,
	.n_keys = ARRAY_LEN(relay_keys), .size = sizeof(struct conf_relay),
	.array = offsetof(struct conf, relay),
	.count = offsetof(struct conf, n_relay), .max = CONF_MAX_RELAY,
	.place = offsetof(struct conf_relay, place), .check = check_relay,
	.help = "another collector that gets each datagram as it came"},
    {"alert-target", .title = &target_title, .key = target_keys,
	.n_keys = ARRAY_LEN(target_keys), .size = sizeof(struct conf_target),
	.array = offsetof(struct conf, target),
	.count = offsetof(struct conf, n_targets), .max = CONF_MAX_TARGETS,
	.check = check_target, .help = "where alerts of trackings go"},
    {"exporter", .title = &exporter_title, .key = exporter_keys,
	.n_keys = ARRAY_LEN(exporter_keys), .section = exporter_sections,
	.n_sections = ARRAY_LEN(exporter_sections),
	.size = sizeof(struct conf_exporter),
	.array = offsetof(struct conf, exporter),
	.count = offsetof(struct conf, n_exporters), .max = CONF_MAX_EXPORTERS,
	.place = offsetof(struct conf_exporter, place), .check = check_exporter,
	.help = "a router and its names"},
};

/* Times further down in the file are of that zone. */
static void
use_zone(void *section)
{
	const struct conf *c = section;

	if (c->time_zone != NULL)
		clock_set_own_zone(c->time_zone);
}

static const struct conf_section root = {
    .key = keys,
    .n_keys = ARRAY_LEN(keys),
    .section = sections,
    .n_sections = ARRAY_LEN(sections),
    .keys_done = use_zone,
};

static const char default_listen[] = "0.0.0.0:2055";

/* ---- settings of the command line ---- */

static int
set_key(struct conf *c, const struct conf_setting *s, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i].key, s->key) == 0)
			return conf_put(&keys[i], c, s->text, err);
	abort(); /* an option for a key that there is not */
}

/* The settings of a section's titles, in place of what the file has. */
static int
set_sections(struct conf *c, const struct conf_section *kind,
    const struct conf_options *o, struct err *err)
{
	size_t n = 0;
	char *at;
	int rc;

	for (size_t i = 0; i < o->n_settings; i++)
		n += strcmp(o->setting[i].key, kind->name) == 0;
	if (n == 0)
		return 0;
	if (n > kind->max)
		return err_set(
		    err, ERR_USAGE, "%s: at most %zu", kind->name, kind->max);
	at = conf_set_sections(kind, c, n);
	for (size_t i = 0; i < o->n_settings; i++) {
		const struct conf_setting *s = &o->setting[i];

		if (strcmp(s->key, kind->name) != 0)
			continue;
		conf_preset(kind, at);
		if ((rc = conf_put(kind->title, at, s->text, err)) != 0 ||
		    (rc = kind->check(at, err)) != 0)
			return err_prefix(err, rc, "%s", s->option);
		at += kind->size;
	}
	return 0;
}

static bool
is_section(const char *key)
{
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		if (strcmp(sections[i].name, key) == 0)
			return true;
	return false;
}

static int
apply_settings(struct conf *c, const struct conf_options *o, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < o->n_settings && rc == 0; i++) {
		const struct conf_setting *s = &o->setting[i];

		if (!is_section(s->key) && (rc = set_key(c, s, err)) != 0)
			return err_prefix(err, rc, "%s", s->option);
	}
	for (size_t i = 0; i < ARRAY_LEN(sections) && rc == 0; i++)
		rc = set_sections(c, &sections[i], o, err);
	return rc;
}

/* ---- what sections have to do with each other ---- */

/* place NULL: the option's. */
static int
refuse_twice(const char *place, const char *what, const struct endpoint *e,
    struct err *err)
{
	char text[ENDPOINT_TEXT_LEN];

	endpoint_format(e, text);
	return err_set(err, ERR_USAGE,
	    "%s%s%s %s: is there twice, want one section",
	    place != NULL ? place : "", place != NULL ? ": " : "", what, text);
}

static int
check_endpoints(const struct conf *c, struct err *err)
{
	for (size_t i = 0; i < c->n_listen; i++)
		for (size_t k = 0; k < i; k++)
			if (c->listen[i].at.port != 0 &&
			    endpoint_equal(&c->listen[i].at, &c->listen[k].at))
				return refuse_twice(c->listen[i].place,
				    "listen", &c->listen[i].at, err);
	for (size_t i = 0; i < c->n_relay; i++)
		for (size_t k = 0; k < i; k++)
			if (endpoint_equal(&c->relay[i].to, &c->relay[k].to))
				return refuse_twice(c->relay[i].place, "relay",
				    &c->relay[i].to, err);
	return 0;
}

static int
compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	if (a->len != b->len)
		return a->len > b->len ? -1 : 1;
	if (a->addr.family != b->addr.family)
		return a->addr.family < b->addr.family ? -1 : 1;
	return memcmp(a->addr.bytes, b->addr.bytes, sizeof a->addr.bytes);
}

static int
by_prefix(const void *a, const void *b)
{
	return compare_prefixes(&((const struct conf_route *)a)->prefix,
	    &((const struct conf_route *)b)->prefix);
}

bool
conf_is_full_address(const struct prefix *p)
{
	return p->len == (p->addr.family == 4 ? 32 : 128);
}

static int
check_full_addresses(const struct conf *c, struct err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_routes; i++)
		if (conf_is_full_address(&c->route[i].prefix) &&
		    ++n > CONF_MAX_ADDRESSES)
			return err_set(err, ERR_USAGE,
			    "%s: exporter %s: address: one too many, want at "
			    "most %d in all, or prefixes",
			    c->route[i].exporter->place,
			    c->route[i].exporter->name, CONF_MAX_ADDRESSES);
	return 0;
}

static int
make_routes(struct conf *c, struct err *err)
{
	char text[ADDR_TEXT_LEN];
	size_t n = 0;
	int rc;

	for (size_t i = 0; i < c->n_exporters; i++)
		n += c->exporter[i].n_addresses;
	c->route = xcalloc(n + 1, sizeof *c->route);
	for (size_t i = 0; i < c->n_exporters; i++)
		for (size_t k = 0; k < c->exporter[i].n_addresses; k++)
			c->route[c->n_routes++] = (struct conf_route){
			    .prefix = c->exporter[i].address[k],
			    .exporter = &c->exporter[i],
			};
	if ((rc = check_full_addresses(c, err)) != 0)
		return rc;
	qsort(c->route, n, sizeof *c->route, by_prefix);
	for (size_t i = 1; i < n; i++) {
		const struct conf_route *a = &c->route[i - 1];
		const struct conf_route *b = &c->route[i];

		if (compare_prefixes(&a->prefix, &b->prefix) != 0)
			continue;
		addr_format(&a->prefix.addr, text);
		return err_set(err, ERR_USAGE,
		    "%s: exporter %s: address %s/%u is exporter %s's as well, "
		    "want it in one section",
		    b->exporter->place, b->exporter->name, text, a->prefix.len,
		    a->exporter->name);
	}
	for (size_t i = n; i-- > 0;)
		c->route[i].next = i + 1 < n && c->route[i].prefix.len ==
						    c->route[i + 1].prefix.len
				       ? c->route[i + 1].next
				       : i + 1;
	return 0;
}

/* ---- opening ---- */

const char conf_options_help[] =
    "  -c FILE         configuration (" CONF_DEFAULT_FILE " if it is there\n"
    "                  and neither -c nor -d is given)\n"
    "  -d DIR          data folder (what the configuration says, or ./var)\n";

/* NULL: none is to be read. A default file that may not be looked at is
 * read, to fail. */
static const char *
file_to_read(const struct conf_options *o)
{
	if (o->file != NULL)
		return o->file;
	if (o->dir == NULL && (access(CONF_DEFAULT_FILE, F_OK) == 0))
		return CONF_DEFAULT_FILE;
	return NULL;
}

static int
complete(struct conf *c, const struct conf_options *o, struct err *err)
{
	const struct conf_setting dir = {"data", "-d", o->dir};
	int rc = apply_settings(c, o, err);

	if (rc == 0 && o->dir != NULL && (rc = set_key(c, &dir, err)) != 0)
		return err_prefix(err, rc, "-d");
	if (rc == 0 && c->n_listen == 0) {
		struct conf_listen *l = conf_set_sections(&sections[0], c, 1);

		conf_preset(&sections[0], l);
		rc = conf_put(&listen_title, l, default_listen, err);
	}
	if (rc != 0)
		return rc;
	if ((rc = check_endpoints(c, err)) == 0)
		rc = make_routes(c, err);
	return rc;
}

int
conf_open(struct conf **out, const struct conf_options *o, struct err *err)
{
	struct conf *c = xcalloc(1, sizeof *c);
	const char *file = file_to_read(o);
	int rc = 0;

	conf_preset(&root, c);
	if (file != NULL) {
		c->file = xstrdup(file);
		rc = conf_read(&root, c, file, err);
	}
	if (rc == 0)
		rc = complete(c, o, err);
	if (rc != 0) {
		conf_free(c);
		return rc;
	}
	*out = c;
	return 0;
}

void
conf_free(struct conf *c)
{
	if (c == NULL)
		return;
	conf_release(&root, c);
	free(c->route);
	free(c->file);
	free(c);
}

void
conf_print(const struct conf *c, bool explain, struct buf *out)
{
	conf_print_section(&root, c, explain, out);
}

/* ---- names ---- */

const struct conf_route *
conf_route(const struct conf *c, const struct addr *addr, uint16_t port)
{
	for (size_t i = 0; i < c->n_routes; i = c->route[i].next) {
		struct conf_route key = {.prefix = {.addr = *addr}};
		const struct conf_route *r;

		key.prefix.len = c->route[i].prefix.len;
		prefix_clear_host_bits(&key.prefix);
		r = bsearch(&key, &c->route[i], c->route[i].next - i,
		    sizeof key, by_prefix);
		if (r != NULL && (port == 0 || r->exporter->port == 0 ||
				     r->exporter->port == port))
			return r;
	}
	return NULL;
}

const struct conf_exporter *
conf_exporter(const struct conf *c, const struct addr *addr, uint16_t port)
{
	const struct conf_route *r = conf_route(c, addr, port);

	return r != NULL ? r->exporter : NULL;
}

const char *
conf_exporter_name(const struct conf *c, const struct addr *addr)
{
	const struct conf_exporter *e = conf_exporter(c, addr, 0);

	return e != NULL ? e->name : NULL;
}

const struct conf_exporter *
conf_exporter_by_name(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->n_exporters; i++)
		if (strcmp(c->exporter[i].name, name) == 0)
			return &c->exporter[i];
	return NULL;
}

const struct conf_interface *
conf_interface(const struct conf_exporter *e, uint16_t if_index)
{
	const struct conf_interface key = {.index = if_index};

	if (e == NULL || e->n_interfaces == 0)
		return NULL;
	return bsearch(&key, e->interface, e->n_interfaces,
	    sizeof *e->interface, by_index);
}

const char *
conf_interface_name(
    const struct conf *c, const struct addr *exporter, uint16_t if_index)
{
	const struct conf_interface *i =
	    conf_interface(conf_exporter(c, exporter, 0), if_index);

	return i != NULL ? i->name : NULL;
}

uint32_t
conf_sampling(const struct conf *c, const struct addr *exporter, int64_t at_ms)
{
	const struct conf_exporter *e = conf_exporter(c, exporter, 0);

	for (size_t i = e != NULL ? e->n_samplings : 0; i-- > 0;) {
		const struct conf_sampling *s = &e->sampling[i];

		if (at_ms >= s->from_ms &&
		    (s->until_ms == 0 || at_ms < s->until_ms))
			return (uint32_t)s->interval;
	}
	return 0;
}
