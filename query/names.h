/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_NAMES_H
#define WEIR_QUERY_NAMES_H
/*
 * Where names in filters come from. The caller fills a struct names with what
 * it has; a member that is NULL knows no names. Services and protocols come
 * from the system always.
 */
#include <stdbool.h>
#include <stdint.h>

#include "schema/base/err.h"

struct buf;
struct prefix;

/* One address, or a prefix, that a name stands for; other: which it does not
 * stand for, although a shorter one holds it. */
typedef void names_prefix_fn(void *to, const struct prefix *p, bool other);
/* exporter is a name too, which lives as long as the names do. */
typedef void names_interface_fn(void *to, const char *exporter, uint16_t index);
typedef void names_each_fn(void *to, const char *name);

enum names_kind {
	NAMES_GROUP,
	NAMES_FILTER,
	NAMES_EXPORTER,
	NAMES_INTERFACE,
};

/* Each look-up returns 1 for found, 0 for no such name, or an error. */
struct names {
	void *arg; /* first argument of all of them */
	/* The values of a named group, as a list of a filter has them. */
	int (*group)(
	    void *arg, const char *name, struct buf *values, struct err *err);
	/* The words of a saved filter, as filter_print writes them. */
	int (*filter)(
	    void *arg, const char *name, struct buf *words, struct err *err);
	/* All IPv4 and IPv6 addresses of a host; of an exporter by the name
	 * that the configuration gives it. */
	int (*host)(void *arg, const char *name, names_prefix_fn *add, void *to,
	    struct err *err);
	int (*exporter)(void *arg, const char *name, names_prefix_fn *add,
	    void *to, struct err *err);
	/* All interfaces of this name, each with an exporter that the member
	 * above knows. */
	int (*interface)(void *arg, const char *name, names_interface_fn *add,
	    void *to, struct err *err);
	/* Every name of a kind, to suggest one. */
	void (*each)(
	    void *arg, enum names_kind kind, names_each_fn *fn, void *to);
};

/* Hosts from getaddrinfo(3), and nothing else. */
extern const struct names names_system;

/* The host member of names_system, for others; arg is not used. */
int names_host(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err);

#endif
