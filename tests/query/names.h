/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_QUERY_NAMES_H
#define WEIR_TESTS_QUERY_NAMES_H
/* Names for filters in tests, from tables here instead of a configuration, a
 * store and the DNS. */
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "query/names.h"
#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"

struct test_name {
	const char *name, *value;
};

static const struct test_name test_groups[] = {
    {"web", "80,https,8000-8080"},
    {"mail", "25,465,587"},
    {"public", "@web,@mail"},
    {"servers", "10.0.0.0/24,-10.0.0.128/25,10.0.1.7"},
    {"clean", "10.2.0.0/16,10.3.0.0/16"},
    {"no-ten", "-10.0.0.0/8"},
    {"routers", "192.0.2.0/24,2001:db8::1"},
    {"uplinks", "1-2,uplink"},
    {"loop", "10.0.0.1,@loop-2"},
    {"loop-2", "@loop"},
    {"broken", "80,htpp"},
    {"deep-1", "@deep-2"},
    {"deep-2", "@deep-3"},
    {"deep-3", "@deep-4"},
    {"deep-4", "@deep-5"},
    {"deep-5", "@deep-6"},
    {"deep-6", "@deep-7"},
    {"deep-7", "@deep-8"},
    {"deep-8", "@deep-9"},
    {"deep-9", "1"},
};

static const struct test_name test_filters[] = {
    {"web-out", "src=10.0.0.0/8 dport=80,443 last=1h"},
    {"quoted", "in_if='\"Ethernet 1/1\"'"},
    {"nested", "@web-out proto=tcp"},
    {"old", "dprt=80"},
    {"open", "dport='80"},
};

/* Two rows of a name are two addresses, or interfaces of two exporters. */
static const struct test_name test_hosts[] = {
    {"www.example.com", "10.0.0.80"},
    {"www.example.com", "10.0.0.81"},
    {"www.example.com", "2001:db8::80"},
    {"six.example.com", "2001:db8::6"},
};

static const struct test_name test_exporters[] = {
    {"edge", "192.0.2.1"},
    {"edge", "2001:db8::1"},
};

static const struct {
	const char *name, *exporter;
	uint16_t index;
} test_interfaces[] = {
    {"uplink", "192.0.2.1", 3},
    {"uplink", "198.51.100.9", 7},
    {"ge-0/0/1.100", "192.0.2.1", 5},
    {"Ethernet 1/1", "192.0.2.77", 1},
    {"2nd", "192.0.2.77", 2},
};

static inline int
test_find(
    const struct test_name *table, size_t n, const char *name, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(table[i].name, name) == 0) {
			buf_puts(out, table[i].value);
			return 1;
		}
	}
	return 0;
}

static inline int
test_find_group(void *arg, const char *name, struct buf *out, struct err *err)
{
	(void)arg, (void)err;
	return test_find(test_groups, ARRAY_LEN(test_groups), name, out);
}

static inline int
test_find_filter(void *arg, const char *name, struct buf *out, struct err *err)
{
	(void)arg, (void)err;
	return test_find(test_filters, ARRAY_LEN(test_filters), name, out);
}

static inline int
test_find_addresses(const struct test_name *table, size_t n, const char *name,
    names_prefix_fn *add, void *to)
{
	int found = 0;

	for (size_t i = 0; i < n; i++) {
		struct prefix p;

		if (strcasecmp(table[i].name, name) == 0 &&
		    prefix_parse(table[i].value, &p)) {
			add(to, &p, false);
			found = 1;
		}
	}
	return found;
}

static inline int
test_find_host(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err)
{
	(void)arg;
	if (strcmp(name, "slow.example.com") == 0)
		return err_set(err, ERR_USAGE, "no server answers");
	return test_find_addresses(
	    test_hosts, ARRAY_LEN(test_hosts), name, add, to);
}

static inline int
test_find_exporter(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err)
{
	struct prefix p;

	(void)arg, (void)err;
	/* those of interfaces go by their addresses */
	if (prefix_parse(name, &p)) {
		add(to, &p, false);
		return 1;
	}
	return test_find_addresses(
	    test_exporters, ARRAY_LEN(test_exporters), name, add, to);
}

static inline int
test_find_interface(void *arg, const char *name, names_interface_fn *add,
    void *to, struct err *err)
{
	int found = 0;

	(void)arg, (void)err;
	for (size_t i = 0; i < ARRAY_LEN(test_interfaces); i++) {
		if (strcmp(test_interfaces[i].name, name) == 0) {
			add(to, test_interfaces[i].exporter,
			    test_interfaces[i].index);
			found = 1;
		}
	}
	return found;
}

static inline void
test_each(void *arg, enum names_kind kind, names_each_fn *fn, void *to)
{
	(void)arg;
	for (size_t i = 0; kind == NAMES_GROUP && i < ARRAY_LEN(test_groups);
	     i++)
		fn(to, test_groups[i].name);
	for (size_t i = 0; kind == NAMES_FILTER && i < ARRAY_LEN(test_filters);
	     i++)
		fn(to, test_filters[i].name);
	for (size_t i = 0;
	     kind == NAMES_INTERFACE && i < ARRAY_LEN(test_interfaces); i++)
		fn(to, test_interfaces[i].name);
}

static const struct names test_names = {
    .group = test_find_group,
    .filter = test_find_filter,
    .host = test_find_host,
    .exporter = test_find_exporter,
    .interface = test_find_interface,
    .each = test_each,
};

#endif
