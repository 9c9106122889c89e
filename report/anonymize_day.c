/* SPDX-License-Identifier: ISC */
/* One shard with other addresses: see anonymize_day.h. */
#include "report/anonymize_day.h"

#include <string.h>

#include "query/filter.h"
#include "query/plan.h"
#include "query/view.h"
#include "report/pan.h"
#include "schema/base/clock.h"
#include "schema/batch.h"
#include "schema/headers.h"
#include "schema/minute.h"
#include "schema/nf5_layout.h"
#include "schema/shard.h"

enum { COMMIT_FLOWS = 50000 };

struct day {
	const struct anonymize_wishes *wish;
	const char *to;
	struct view *from;    /* flows ... */
	struct shard *others; /* ... and what else the shard has */
	struct exporters exporters;
	struct shard *shard;     /* at to; NULL: not made yet */
	struct headers *headers; /* NULL: they are not wanted */
	struct header header;    /* the next one, if has_header */
	bool has_header;
	struct batch batch;
	size_t at;     /* next flow of batch */
	uint64_t next; /* and its number in the segment, from 1 */
	uint64_t n_flows, uncommitted;
};

/* ---- other addresses ---- */

static void
change_source(const struct day *d, struct source *s)
{
	s->exporter = pan_addr(d->wish->pan, &s->exporter);
}

static void
change_flow(const struct day *d, struct flow *f)
{
	const struct anonymize_wishes *w = d->wish;

	f->src_addr = pan_ip4(w->pan, f->src_addr);
	f->dst_addr = pan_ip4(w->pan, f->dst_addr);
	if (f->next_hop != 0) /* else there is none; nfanon has it so too */
		f->next_hop = pan_ip4(w->pan, f->next_hop);
	if (w->drop_as)
		f->src_as = f->dst_as = 0;
	if (w->drop_ports)
		f->src_port = f->dst_port = 0;
}

/* ---- to the new shard ---- */

static int
ensure_shard(struct day *d, struct err *err)
{
	if (d->shard != NULL)
		return 0;
	return shard_open_write(&d->shard, d->to, 0, err);
}

/* Full segments are sealed on the way: the end takes no longer for a large
 * day, and can be interrupted. */
static int
commit(struct day *d, struct err *err)
{
	const struct anonymize_wishes *w = d->wish;
	int rc = shard_commit(d->shard, err);

	d->uncommitted = 0;
	while (rc == 0 && (rc = w->stop(w->arg, err)) == 0 &&
	       (rc = shard_seal_step(d->shard, err)) == 1)
		rc = 0;
	return rc;
}

static int
put(struct day *d, struct packet *p, struct flow *flows, struct err *err)
{
	int rc = ensure_shard(d, err);

	if (rc != 0)
		return rc;
	change_source(d, &p->source);
	for (size_t i = 0; i < p->n_flows; i++)
		change_flow(d, &flows[i]);
	if ((rc = shard_append(d->shard, p, flows, err)) != 0)
		return rc;
	d->n_flows += p->n_flows;
	d->uncommitted += p->n_flows;
	return d->uncommitted >= COMMIT_FLOWS ? commit(d, err) : 0;
}

/* ---- flows and the headers they came with ---- */

/* Whether the next flow of the segment is in the batch: 1, 0 there is none. */
static int
have_flow(struct day *d, struct err *err)
{
	if (d->at < d->batch.n)
		return 1;
	d->at = 0;
	return view_next(d->from, &d->batch, BATCH_MAX, err);
}

static void
take_flow(struct day *d, struct flow *out)
{
	*out = batch_flow(&d->batch, d->at++);
	d->next++;
}

/* The header of the next flow's datagram, if there is one. A shard that was
 * repaired may have lost some. */
static int
find_header(struct day *d, uint32_t segment_id, bool *found, struct err *err)
{
	const struct header *h = &d->header;
	int rc = 1;

	while (rc == 1 && d->has_header &&
	       (h->segment_id < segment_id ||
		   (h->segment_id == segment_id && h->first_flow < d->next))) {
		rc = headers_next(d->headers, &d->header, err);
		d->has_header = rc == 1;
	}
	*found = d->has_header && h->segment_id == segment_id &&
		 h->first_flow == d->next;
	return rc < 0 ? rc : 0;
}

static int
copy_datagram(struct day *d, struct err *err)
{
	struct flow flows[UINT8_MAX];
	struct packet p = d->header.packet;
	unsigned n = 0;
	int rc = 1;

	while (n < p.n_flows && (rc = have_flow(d, err)) == 1)
		take_flow(d, &flows[n++]);
	p.n_flows = (uint8_t)n;
	return rc < 0 ? rc : put(d, &p, flows, err);
}

static bool
same_source(const struct batch *b, size_t i, size_t k)
{
	return b->col[COL_EXPORTER][i] == b->col[COL_EXPORTER][k] &&
	       b->col[COL_ENGINE_TYPE][i] == b->col[COL_ENGINE_TYPE][k] &&
	       b->col[COL_ENGINE_ID][i] == b->col[COL_ENGINE_ID][k] &&
	       b->col[COL_SAMPLING][i] == b->col[COL_SAMPLING][k];
}

/* Flows of one source, up to the next one with a header. */
static int
copy_run(struct day *d, uint32_t segment_id, struct err *err)
{
	const struct batch *b = &d->batch;
	struct flow flows[NF5_MAX_RECORDS];
	struct packet p = {.no_header = true, .source = batch_source(b, d->at)};
	size_t first = d->at;

	do
		take_flow(d, &flows[p.n_flows++]);
	while (p.n_flows < NF5_MAX_RECORDS && d->at < b->n &&
	       same_source(b, first, d->at) &&
	       !(d->has_header && d->header.segment_id == segment_id &&
		   d->header.first_flow == d->next));
	return put(d, &p, flows, err);
}

static int
copy_segment(struct day *d, const struct segment *g, struct err *err)
{
	const struct plan_path path = view_plan(d->from, g, d->wish->filter);
	int rc = view_read(
	    d->from, g, d->wish->filter, &path, BATCH_ALL_COLUMNS, err);

	d->batch.n = d->at = 0;
	d->next = 1;
	while (rc == 0 && (rc = have_flow(d, err)) == 1) {
		bool found;

		if ((rc = find_header(d, g->id, &found, err)) != 0)
			return rc;
		rc = found ? copy_datagram(d, err) : copy_run(d, g->id, err);
	}
	return rc;
}

static int
copy_flows(struct day *d, struct err *err)
{
	size_t n;
	const struct segment *g = view_segments(d->from, &n);
	int rc = 0;

	if (d->wish->headers) {
		rc = headers_open(&d->headers, d->others, err);
		if (rc == 0)
			rc = headers_next(d->headers, &d->header, err);
		d->has_header = rc == 1;
	}
	for (size_t i = 0; i < n && rc >= 0; i++)
		if (g[i].n_flows > 0 && !plan_prunes(d->wish->filter, &g[i]))
			rc = copy_segment(d, &g[i], err);
	return rc < 0 ? rc : 0;
}

/* ---- minutes ---- */

static bool
is_quiet(const struct collector_minute *c)
{
	static const struct collector_minute none;

	return memcmp(c, &none, sizeof none) == 0;
}

static int
put_minute(struct day *d, const struct minute_row *row, struct err *err)
{
	int rc = ensure_shard(d, err);

	return rc != 0 ? rc : shard_add_minute(d->shard, row, err);
}

/* But for where datagrams were sent on to: that tells whose they are. */
static int
copy_minute(struct day *d, int64_t ms, struct err *err)
{
	struct minute_sums sums = {0};
	int rc = minute_sums_add(&sums, shard_db(d->others),
	    shard_version(d->others), ms, ms + MS_PER_MINUTE, err);

	for (size_t i = 0; i < sums.n && rc == 0; i++) {
		struct minute_row row = {
		    .kind = MINUTE_OF_SOURCE, .source = sums.source[i]};

		row.source.minute_ms = ms;
		row.source.exporter =
		    pan_addr(d->wish->pan, &row.source.exporter);
		rc = put_minute(d, &row, err);
	}
	if (rc == 0 && !is_quiet(&sums.collector)) {
		struct minute_row row = {
		    .kind = MINUTE_OF_COLLECTOR, .collector = sums.collector};

		row.collector.minute_ms = ms;
		rc = put_minute(d, &row, err);
	}
	minute_sums_release(&sums);
	return rc;
}

static int
copy_minutes(struct day *d, int32_t day, struct err *err)
{
	const struct filter *f = d->wish->filter;
	int64_t from_ms = (int64_t)day * MS_PER_DAY;
	int64_t to_ms = from_ms + MS_PER_DAY;
	int rc = 0;

	for (int64_t ms = from_ms; ms < to_ms && rc == 0; ms += MS_PER_MINUTE)
		if ((!f->has_from || ms + MS_PER_MINUTE > f->from_ms) &&
		    (!f->has_to || ms < f->to_ms))
			rc = copy_minute(d, ms, err);
	return rc;
}

/* ---- all of it ---- */

static int
copy(struct day *d, int32_t day, struct err *err)
{
	int rc = copy_flows(d, err);

	if (rc == 0 && d->wish->minutes)
		rc = copy_minutes(d, day, err);
	if (rc == 0 && d->shard != NULL)
		rc = commit(d, err);
	if (rc == 0 && d->shard != NULL)
		rc = shard_finish(d->shard, err);
	return rc;
}

int
anonymize_day(const struct anonymize_wishes *w, int32_t day, const char *from,
    const char *to, uint64_t *n_flows, struct err *err)
{
	struct day d = {.wish = w, .to = to};
	int rc = view_open(&d.from, from, &d.exporters, err);

	*n_flows = 0;
	if (rc != 1)
		return rc;
	batch_init(&d.batch, BATCH_ALL_COLUMNS);
	/* After the flows: no datagram of theirs is missing. */
	if ((rc = shard_open_read(&d.others, from, err)) == 0 &&
	    (rc = shard_begin_read(d.others, err)) == 0)
		rc = copy(&d, day, err);
	*n_flows = d.n_flows;
	batch_release(&d.batch);
	headers_close(d.headers);
	shard_close(d.shard);
	shard_close(d.others);
	view_close(d.from);
	exporters_release(&d.exporters);
	return rc;
}
