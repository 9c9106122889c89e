/* SPDX-License-Identifier: ISC */
/* Who is let in: see gate.h. */
#include "collector/gate.h"

#include <stdbool.h>
#include <stdlib.h>

#include "collector/roster.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

/* A place is free again after a day: then the shard of today has no row of
 * who had it. */
static const int64_t SILENT_MS = MS_PER_DAY;
static const int64_t SWEEP_MS = 60 * MS_PER_S;

/* How an address came by its place. */
enum kind {
	BY_ADDRESS, /* configured by itself */
	BY_PREFIX,  /* configured with others */
	AUTOMATIC,
	N_KINDS
};

struct exporter {
	enum kind kind;
	const struct conf_exporter *conf; /* of any port; NULL: none */
	unsigned n_sources;
	int64_t last_ms;
};

struct gate {
	const struct conf *conf;
	struct roster *exporters, *sources;
	struct exporter *exporter; /* [position - 1] */
	int64_t *source_last_ms;   /* the same */
	size_t n[N_KINDS];         /* of exporters */
	size_t n_reserved;         /* BY_ADDRESS, whether here or not */
	bool wants_room;           /* somebody was refused for want of it */
	int64_t swept_ms;
};

static enum kind
kind_of(const struct conf_route *r)
{
	if (r == NULL)
		return AUTOMATIC;
	return conf_is_full_address(&r->prefix) ? BY_ADDRESS : BY_PREFIX;
}

static struct roster_key
exporter_key(const struct addr *addr)
{
	return (struct roster_key){.addr = *addr};
}

static struct roster_key
source_key(const struct source *s)
{
	return (struct roster_key){
	    .addr = s->exporter,
	    .more = (uint32_t)s->engine_type << 24 |
		    (uint32_t)s->engine_id << 16 | s->sampling,
	};
}

/* Whether a new exporter of that kind finds a place. */
static bool
has_room(const struct gate *g, enum kind kind)
{
	if (kind == BY_ADDRESS)
		return !roster_is_full(g->exporters);
	if (kind == AUTOMATIC && g->n[AUTOMATIC] >= g->conf->max_automatic)
		return false;
	return g->n[AUTOMATIC] + g->n[BY_PREFIX] + g->n_reserved <
	       GATE_MAX_EXPORTERS;
}

static bool
is_refused(const struct gate *g, const struct conf_exporter *e,
    const struct addr *from, uint16_t port)
{
	if (e != NULL && e->port != 0 && e->port != port)
		e = conf_exporter(g->conf, from, port);
	return e == NULL && g->conf->unknown == CONF_REFUSE;
}

enum gate_verdict
gate_check(struct gate *g, const struct addr *from, uint16_t port)
{
	const struct roster_key key = exporter_key(from);
	size_t at = roster_find(g->exporters, &key);
	const struct conf_route *r;

	if (at != 0)
		return is_refused(g, g->exporter[at - 1].conf, from, port)
			   ? GATE_NOT_CONFIGURED
			   : GATE_PASS;
	r = conf_route(g->conf, from, 0);
	if (is_refused(g, r != NULL ? r->exporter : NULL, from, port))
		return GATE_NOT_CONFIGURED;
	if (has_room(g, kind_of(r)))
		return GATE_PASS;
	g->wants_room = true;
	return GATE_NO_ROOM;
}

/* Its position, or 0: no room. */
static size_t
place_exporter(struct gate *g, const struct addr *addr)
{
	const struct roster_key key = exporter_key(addr);
	size_t at = roster_find(g->exporters, &key);
	const struct conf_route *r;
	enum kind kind;

	if (at != 0)
		return at;
	r = conf_route(g->conf, addr, 0);
	kind = kind_of(r);
	if (!has_room(g, kind))
		return 0;
	at = roster_add(g->exporters, &key);
	if (at != 0) {
		g->exporter[at - 1] = (struct exporter){
		    .kind = kind, .conf = r != NULL ? r->exporter : NULL};
		g->n[kind]++;
	}
	return at;
}

static size_t
place_source(struct gate *g, const struct source *s, struct exporter *e)
{
	const struct roster_key key = source_key(s);
	size_t at = roster_find(g->sources, &key);

	if (at != 0 || e->n_sources == GATE_SOURCES_EACH)
		return at;
	if ((at = roster_add(g->sources, &key)) != 0)
		e->n_sources++;
	return at;
}

enum gate_verdict
gate_admit(struct gate *g, const struct source *s, int64_t now_ms)
{
	size_t exporter, source;

	if ((exporter = place_exporter(g, &s->exporter)) == 0 ||
	    (source = place_source(g, s, &g->exporter[exporter - 1])) == 0) {
		g->wants_room = true;
		return GATE_NO_ROOM;
	}
	g->exporter[exporter - 1].last_ms = now_ms;
	g->source_last_ms[source - 1] = now_ms;
	return GATE_PASS;
}

/* ---- who stays ---- */

static void
make_tables(struct gate *g)
{
	g->exporters = roster_new(GATE_MAX_EXPORTERS);
	g->sources = roster_new(GATE_MAX_SOURCES);
	g->exporter = xcalloc(GATE_MAX_EXPORTERS, sizeof *g->exporter);
	g->source_last_ms =
	    xcalloc(GATE_MAX_SOURCES, sizeof *g->source_last_ms);
	for (int k = 0; k < N_KINDS; k++)
		g->n[k] = 0;
}

static void
free_tables(struct gate *g)
{
	roster_free(g->exporters);
	roster_free(g->sources);
	free(g->exporter);
	free(g->source_last_ms);
}

/* Those that came since since_ms are let in once more, in their order. */
static void
let_in_again(struct gate *g, int64_t since_ms)
{
	struct gate old = *g;
	size_t n = roster_n(old.sources);

	make_tables(g);
	for (size_t i = 1; i <= n; i++) {
		const struct roster_key *k = roster_at(old.sources, i);
		const struct source s = {.exporter = k->addr,
		    .engine_type = (uint8_t)(k->more >> 24),
		    .engine_id = (uint8_t)(k->more >> 16),
		    .sampling = (uint16_t)k->more};

		if (old.source_last_ms[i - 1] >= since_ms &&
		    gate_check(g, &s.exporter, 0) == GATE_PASS)
			(void)gate_admit(g, &s, old.source_last_ms[i - 1]);
	}
	free_tables(&old);
}

static size_t
count_full_addresses(const struct conf *conf)
{
	size_t n = 0;

	for (size_t i = 0; i < conf->n_routes; i++)
		n += conf_is_full_address(&conf->route[i].prefix);
	return n;
}

void
gate_configure(struct gate *g, const struct conf *conf)
{
	g->conf = conf;
	g->n_reserved = count_full_addresses(conf);
	let_in_again(g, INT64_MIN);
	g->wants_room = false;
}

void
gate_tick(struct gate *g, int64_t now_ms)
{
	if (!g->wants_room ||
	    (now_ms >= g->swept_ms && now_ms - g->swept_ms < SWEEP_MS))
		return;
	g->swept_ms = now_ms;
	let_in_again(g, now_ms - SILENT_MS);
	g->wants_room = false;
}

struct gate *
gate_new(const struct conf *conf)
{
	struct gate *g = xcalloc(1, sizeof *g);

	g->conf = conf;
	g->n_reserved = count_full_addresses(conf);
	make_tables(g);
	return g;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	free_tables(g);
	free(g);
}
