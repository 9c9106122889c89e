/* SPDX-License-Identifier: ISC */
/*
 * Flows into NetFlow v5 datagrams: see pack.h.
 *
 * A tick of First or Last reaches 2^31 ms (24.8 days) before the export, so a
 * datagram takes flows as long as the earliest start and the latest end of all
 * lie no farther apart; the export is the latest end. What was odd about the
 * times of a flow (schema/flow.h, quirks) is not made odd again: they are
 * written as they were understood.
 */
#include "report/pack.h"

#include <assert.h>
#include <stdlib.h>

#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum { MAX_OPEN = 4096 }; /* sources with flows waiting */

static const int64_t REACH_MS = INT64_C(1) << 31;
static const int64_t MAX_EXPORT_MS = INT64_C(4294967295) * 1000 + 999;
/* An exporter's clock stands still rather than go back by less than this. */
static const int64_t STEADY_MS = INT64_C(3600) * 1000;

/* What goes on over the datagrams of an exporter's engine. */
struct engine {
	struct source source; /* but for sampling */
	uint32_t sequence;
	int64_t boot_ms, export_ms; /* of the last datagram */
	bool begun;
};

struct waiting {
	struct source source;
	size_t engine;
	int64_t min_start_ms, max_end_ms;
	size_t n_flows;
	struct flow flow[NF5_MAX_RECORDS];
};

struct pack {
	pack_fn *fn;
	void *arg;
	struct waiting *waiting;
	size_t n_waiting, cap_waiting;
	size_t last; /* the one used last is mostly the next one */
	struct engine *engine;
	size_t n_engines, cap_engines;
};

struct pack *
pack_new(pack_fn *fn, void *arg)
{
	struct pack *p = xcalloc(1, sizeof *p);

	p->fn = fn;
	p->arg = arg;
	return p;
}

void
pack_free(struct pack *p)
{
	if (p == NULL)
		return;
	free(p->waiting);
	free(p->engine);
	free(p);
}

/* ---- times ---- */

static int64_t
min_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
max_ms(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The export of flows that lie between start and end. */
static int64_t
export_of(int64_t end_ms)
{
	return min_ms(max_ms(end_ms, 0), MAX_EXPORT_MS);
}

static bool
can_be_said(int64_t start_ms, int64_t end_ms)
{
	int64_t export_ms = export_of(end_ms);

	return export_ms - start_ms <= REACH_MS &&
	       end_ms - export_ms < REACH_MS;
}

/* An export time and an uptime such that no tick is before the boot. */
static void
set_clocks(struct engine *e, const struct waiting *w, struct packed *d)
{
	int64_t export_ms = export_of(w->max_end_ms);
	int64_t uptime_ms;

	if (e->begun && e->export_ms > export_ms &&
	    e->export_ms - export_ms <= STEADY_MS &&
	    e->export_ms - w->min_start_ms <= REACH_MS)
		export_ms = e->export_ms;
	uptime_ms = export_ms - e->boot_ms;
	if (!e->begun || w->min_start_ms < e->boot_ms ||
	    uptime_ms > (int64_t)UINT32_MAX) {
		uptime_ms = REACH_MS;
		e->boot_ms = export_ms - uptime_ms;
	}
	e->begun = true;
	e->export_ms = export_ms;
	d->export_ms = d->seen_ms = export_ms;
	d->uptime_ms = (uint32_t)uptime_ms;
}

uint32_t
pack_tick(const struct packed *d, int64_t ms)
{
	return d->uptime_ms + (uint32_t)(ms - d->export_ms);
}

/* ---- which flows go together ---- */

static bool
same_engine(const struct source *a, const struct source *b)
{
	return a->engine_id == b->engine_id &&
	       a->engine_type == b->engine_type &&
	       addr_equal(&a->exporter, &b->exporter);
}

static size_t
find_engine(struct pack *p, const struct source *s)
{
	for (size_t i = 0; i < p->n_engines; i++)
		if (same_engine(&p->engine[i].source, s))
			return i;
	p->engine =
	    xgrow(p->engine, p->n_engines, &p->cap_engines, sizeof *p->engine);
	p->engine[p->n_engines] = (struct engine){.source = *s};
	return p->n_engines++;
}

static int
flush(struct pack *p, struct waiting *w)
{
	struct engine *e = &p->engine[w->engine];
	struct packed d = {.source = w->source, .n_flows = w->n_flows};

	if (w->n_flows == 0)
		return 0;
	set_clocks(e, w, &d);
	d.sequence = e->sequence;
	e->sequence += (uint32_t)w->n_flows;
	for (size_t i = 0; i < w->n_flows; i++)
		d.flow[i] = w->flow[i];
	w->n_flows = 0;
	return p->fn(&d, p->arg);
}

int
pack_end(struct pack *p)
{
	int rc = 0;

	for (size_t i = 0; i < p->n_waiting && rc == 0; i++)
		rc = flush(p, &p->waiting[i]);
	return rc;
}

static bool
same_source(const struct source *a, const struct source *b)
{
	return a->sampling == b->sampling && same_engine(a, b);
}

static int
find_waiting(struct pack *p, const struct source *s, struct waiting **out)
{
	int rc;

	for (size_t i = 0; i < p->n_waiting; i++) {
		size_t at = (p->last + i) % p->n_waiting;

		if (same_source(&p->waiting[at].source, s)) {
			p->last = at;
			*out = &p->waiting[at];
			return 0;
		}
	}
	if (p->n_waiting == MAX_OPEN) {
		if ((rc = pack_end(p)) != 0)
			return rc;
		p->n_waiting = 0;
	}
	p->waiting = xgrow(
	    p->waiting, p->n_waiting, &p->cap_waiting, sizeof *p->waiting);
	p->last = p->n_waiting++;
	*out = &p->waiting[p->last];
	(*out)->source = *s;
	(*out)->engine = find_engine(p, s);
	(*out)->n_flows = 0;
	return 0;
}

int
pack_add(struct pack *p, const struct source *source, const struct flow *f,
    struct err *err)
{
	struct waiting *w;
	int64_t start_ms, end_ms;
	int rc;

	if (!can_be_said(f->start_ms, f->end_ms))
		return err_set(err, ERR_LIMIT,
		    "a flow from %lld to %lld ms of the epoch does not fit "
		    "NetFlow v5",
		    (long long)f->start_ms, (long long)f->end_ms);
	if ((rc = find_waiting(p, source, &w)) != 0)
		return rc;
	start_ms = min_ms(f->start_ms, w->min_start_ms);
	end_ms = max_ms(f->end_ms, w->max_end_ms);
	if (w->n_flows == NF5_MAX_RECORDS ||
	    (w->n_flows > 0 && !can_be_said(start_ms, end_ms)))
		if ((rc = flush(p, w)) != 0)
			return rc;
	w->min_start_ms = w->n_flows > 0 ? start_ms : f->start_ms;
	w->max_end_ms = w->n_flows > 0 ? end_ms : f->end_ms;
	w->flow[w->n_flows++] = *f;
	return 0;
}

/* ---- bytes ---- */

static void
encode_header(const struct packed *d, uint8_t *h)
{
	put_be16(h + NF5_H_VERSION, 5);
	put_be16(h + NF5_H_COUNT, (uint16_t)d->n_flows);
	put_be32(h + NF5_H_UPTIME, d->uptime_ms);
	put_be32(h + NF5_H_UNIX_SECS, (uint32_t)(d->export_ms / MS_PER_S));
	put_be32(h + NF5_H_UNIX_NSECS,
	    (uint32_t)(d->export_ms % MS_PER_S * 1000000));
	put_be32(h + NF5_H_SEQUENCE, d->sequence);
	h[NF5_H_ENGINE_TYPE] = d->source.engine_type;
	h[NF5_H_ENGINE_ID] = d->source.engine_id;
	put_be16(h + NF5_H_SAMPLING, d->source.sampling);
}

static void
encode_record(const struct packed *d, const struct flow *f, uint8_t *r)
{
	put_be32(r + NF5_R_SRC_ADDR, f->src_addr);
	put_be32(r + NF5_R_DST_ADDR, f->dst_addr);
	put_be32(r + NF5_R_NEXT_HOP, f->next_hop);
	put_be16(r + NF5_R_INPUT_IF, f->input_if);
	put_be16(r + NF5_R_OUTPUT_IF, f->output_if);
	put_be32(r + NF5_R_PACKETS, f->packets);
	put_be32(r + NF5_R_OCTETS, f->octets);
	put_be32(r + NF5_R_FIRST, pack_tick(d, f->start_ms));
	put_be32(r + NF5_R_LAST, pack_tick(d, f->end_ms));
	put_be16(r + NF5_R_SRC_PORT, f->src_port);
	put_be16(r + NF5_R_DST_PORT, f->dst_port);
	r[NF5_R_TCP_FLAGS] = f->tcp_flags;
	r[NF5_R_PROTOCOL] = f->protocol;
	r[NF5_R_TOS] = f->tos;
	put_be16(r + NF5_R_SRC_AS, f->src_as);
	put_be16(r + NF5_R_DST_AS, f->dst_as);
	r[NF5_R_SRC_MASK] = f->src_mask;
	r[NF5_R_DST_MASK] = f->dst_mask;
}

size_t
pack_encode(const struct packed *d, uint8_t out[NF5_MAX_LEN])
{
	size_t len = NF5_HEADER_LEN + d->n_flows * (size_t)NF5_RECORD_LEN;

	assert(d->n_flows >= 1 && d->n_flows <= NF5_MAX_RECORDS);
	for (size_t i = 0; i < len; i++)
		out[i] = 0; /* the padding */
	encode_header(d, out);
	for (size_t i = 0; i < d->n_flows; i++)
		encode_record(
		    d, &d->flow[i], out + NF5_HEADER_LEN + i * NF5_RECORD_LEN);
	return len;
}
