/* SPDX-License-Identifier: ISC */
/* The names of a store: see store_names.h. */
#include "query/store_names.h"

#include <stdlib.h>
#include <string.h>

#include "query/saved.h"
#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/state.h"

struct store_names {
	struct names names;
	const char *dir;
	const struct conf *conf;
	struct state *state; /* NULL: not open, or there is none */
	bool is_open, is_borrowed;
};

/* ---- state.db ---- */

static int
open_state(struct store_names *n, struct err *err)
{
	int rc = 0;

	if (!n->is_open)
		rc = state_open_read(&n->state, n->dir, err);
	n->is_open = rc == 0;
	return rc;
}

static int
find_saved(struct store_names *n, enum saved_kind kind, const char *name,
    struct buf *out, struct err *err)
{
	struct saved found;
	int rc = open_state(n, err);

	if (rc != 0 || n->state == NULL)
		return rc;
	if ((rc = saved_get(n->state, kind, name, &found, err)) != 1)
		return rc;
	buf_puts(out, found.text);
	saved_release(&found);
	return 1;
}

static int
find_group(void *arg, const char *name, struct buf *out, struct err *err)
{
	return find_saved(arg, SAVED_GROUP, name, out, err);
}

static int
find_filter(void *arg, const char *name, struct buf *out, struct err *err)
{
	return find_saved(arg, SAVED_FILTER, name, out, err);
}

/* Without names to suggest an error is as good. */
static void
each_saved(
    struct store_names *n, enum saved_kind kind, names_each_fn *fn, void *to)
{
	struct saved_list list = {0};

	if (open_state(n, NULL) == 0 && n->state != NULL &&
	    saved_get_all(n->state, kind, &list, NULL) == 0)
		for (size_t i = 0; i < list.n; i++)
			fn(to, list.saved[i].name);
	saved_list_release(&list);
}

/* ---- the configuration ---- */

static bool
is_own(const struct conf_exporter *e, const struct prefix *p)
{
	for (size_t i = 0; i < e->n_addresses; i++)
		if (e->address[i].len == p->len &&
		    addr_equal(&e->address[i].addr, &p->addr))
			return true;
	return false;
}

/* Whether a prefix lies in one of an exporter's. */
static bool
is_within(const struct conf_exporter *e, const struct prefix *p)
{
	for (size_t i = 0; i < e->n_addresses; i++)
		if (e->address[i].len < p->len &&
		    prefix_holds(&e->address[i], &p->addr))
			return true;
	return false;
}

static int
find_exporter(void *arg, const char *name, names_prefix_fn *add, void *to,
    struct err *err)
{
	const struct conf *conf = ((struct store_names *)arg)->conf;
	const struct conf_exporter *e =
	    conf != NULL ? conf_exporter_by_name(conf, name) : NULL;

	(void)err;
	if (e == NULL)
		return 0;
	for (size_t i = 0; i < e->n_addresses; i++)
		add(to, &e->address[i], false);
	for (size_t i = 0; i < conf->n_exporters; i++) {
		const struct conf_exporter *other = &conf->exporter[i];

		for (size_t k = 0; other != e && k < other->n_addresses; k++)
			if (is_within(e, &other->address[k]) &&
			    !is_own(e, &other->address[k]))
				add(to, &other->address[k], true);
	}
	return 1;
}

static int
find_interface(void *arg, const char *name, names_interface_fn *add, void *to,
    struct err *err)
{
	const struct conf *conf = ((struct store_names *)arg)->conf;
	int found = 0;

	(void)err;
	for (size_t i = 0; conf != NULL && i < conf->n_exporters; i++) {
		const struct conf_exporter *e = &conf->exporter[i];

		for (size_t k = 0; k < e->n_interfaces; k++) {
			const struct conf_interface *f = &e->interface[k];

			if (f->name == NULL || strcmp(f->name, name) != 0)
				continue;
			add(to, e->name, (uint16_t)f->index);
			found = 1;
		}
	}
	return found;
}

static void
each_exporter(const struct conf *conf, names_each_fn *fn, void *to)
{
	for (size_t i = 0; i < conf->n_exporters; i++)
		fn(to, conf->exporter[i].name);
}

static void
each_interface(const struct conf *conf, names_each_fn *fn, void *to)
{
	for (size_t i = 0; i < conf->n_exporters; i++)
		for (size_t k = 0; k < conf->exporter[i].n_interfaces; k++)
			if (conf->exporter[i].interface[k].name != NULL)
				fn(to, conf->exporter[i].interface[k].name);
}

/* ---- all ---- */

static void
each(void *arg, enum names_kind kind, names_each_fn *fn, void *to)
{
	struct store_names *n = arg;

	if (kind == NAMES_GROUP)
		each_saved(n, SAVED_GROUP, fn, to);
	else if (kind == NAMES_FILTER)
		each_saved(n, SAVED_FILTER, fn, to);
	else if (n->conf != NULL && kind == NAMES_EXPORTER)
		each_exporter(n->conf, fn, to);
	else if (n->conf != NULL)
		each_interface(n->conf, fn, to);
}

struct store_names *
store_names_new(const char *dir, const struct conf *conf, struct state *state)
{
	struct store_names *n = xcalloc(1, sizeof *n);

	n->names = (struct names){
	    .arg = n,
	    .group = find_group,
	    .filter = find_filter,
	    .host = names_host,
	    .exporter = find_exporter,
	    .interface = find_interface,
	    .each = each,
	};
	n->dir = dir;
	n->conf = conf;
	n->state = state;
	n->is_open = n->is_borrowed = state != NULL;
	return n;
}

void
store_names_free(struct store_names *n)
{
	if (n == NULL)
		return;
	if (!n->is_borrowed)
		state_close(n->state);
	free(n);
}

const struct names *
store_names(const struct store_names *n)
{
	return &n->names;
}
