/* SPDX-License-Identifier: ISC */
/*
 * Flows seen several times: see dedup.h. Candidates go into buckets by a hash
 * of addresses, ports and protocol, so that each bucket is sorted on its own;
 * in a bucket, those of one hash are looked at point by point, the best first,
 * each in order of time. What is to be left out is kept as a set of hashes of
 * whole flows: with 64 bits and the most flows there may be, the odds that one
 * too many is in it are one to 10^5.
 */
#include "query/dedup.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "query/scan.h"
#include "schema/base/addr.h"
#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

enum {
	N_BUCKETS = 256,
	MAX_POINTS = 1 << 20,
};

/* A flow that passed the filter. */
struct candidate {
	uint64_t tuple; /* hash of addresses, ports, protocol */
	uint64_t self;  /* of all that is looked at */
	int64_t start_ms;
	uint32_t point; /* position; later its rank, the best is 0 */
};

struct bucket {
	struct candidate *c;
	size_t n, cap;
};

/* Where flows are seen. */
struct point {
	struct addr exporter;
	uint32_t interfaces; /* input << 16 | output */
	uint16_t engine;     /* type << 8 | id */
	uint32_t rank;
};

/* Hashes that are in; 0 is none. */
struct set {
	uint64_t *slot;
	size_t n, n_slots; /* a power of two, or 0 */
};

struct dedup {
	uint64_t seed;
	struct set out;
};

struct finder {
	struct dedup *dedup;
	struct bucket bucket[N_BUCKETS];
	size_t n;
	struct point *point;
	size_t n_points, cap_points;
	uint32_t *point_slot; /* position plus 1; 0: free */
	size_t n_point_slots;
	int64_t within_ms;
	int64_t *kept; /* starts of those kept so far of one hash, sorted */
	size_t n_kept, cap_kept;
};

static const flow_column_set looked_at =
    (flow_column_set)1 << COL_EXPORTER | (flow_column_set)1 << COL_ENGINE_TYPE |
    (flow_column_set)1 << COL_ENGINE_ID | (flow_column_set)1 << COL_SRC_ADDR |
    (flow_column_set)1 << COL_DST_ADDR | (flow_column_set)1 << COL_SRC_PORT |
    (flow_column_set)1 << COL_DST_PORT | (flow_column_set)1 << COL_PROTOCOL |
    (flow_column_set)1 << COL_INPUT_IF | (flow_column_set)1 << COL_OUTPUT_IF |
    (flow_column_set)1 << COL_START_MS | (flow_column_set)1 << COL_END_MS |
    (flow_column_set)1 << COL_OCTETS | (flow_column_set)1 << COL_PACKETS |
    (flow_column_set)1 << COL_TCP_FLAGS | (flow_column_set)1 << COL_TOS;

flow_column_set
dedup_columns(void)
{
	return looked_at;
}

/* ---- hashes ---- */

static uint64_t
value(const struct batch *b, enum flow_column c, size_t i)
{
	return (uint64_t)b->col[c][i];
}

static uint64_t
hash_tuple(const struct dedup *d, const struct batch *b, size_t i)
{
	uint64_t h = hash_mix(d->seed ^ value(b, COL_SRC_ADDR, i) << 32 ^
			      value(b, COL_DST_ADDR, i));

	return hash_mix(h ^ value(b, COL_SRC_PORT, i) << 32 ^
			value(b, COL_DST_PORT, i) << 16 ^
			value(b, COL_PROTOCOL, i));
}

static struct point
point_of(const struct batch *b, size_t i)
{
	return (struct point){
	    .exporter = b->exporters[b->col[COL_EXPORTER][i]],
	    .engine = (uint16_t)(value(b, COL_ENGINE_TYPE, i) << 8 |
				 value(b, COL_ENGINE_ID, i)),
	    .interfaces = (uint32_t)(value(b, COL_INPUT_IF, i) << 16 |
				     value(b, COL_OUTPUT_IF, i)),
	};
}

static uint64_t
hash_point(const struct dedup *d, const struct point *p)
{
	uint64_t half[2], h;

	memcpy(half, p->exporter.bytes, sizeof half);
	h = hash_mix(d->seed ^ half[0]);
	h = hash_mix(h ^ half[1] ^ p->exporter.family);
	return hash_mix(h ^ (uint64_t)p->engine << 32 ^ p->interfaces);
}

/* tuple and point are those of the flow. Never 0. */
static uint64_t
hash_flow(uint64_t tuple, uint64_t point, const struct batch *b, size_t i)
{
	uint64_t h = hash_mix(tuple ^ point * 3);

	h = hash_mix(h ^ value(b, COL_START_MS, i));
	h = hash_mix(h ^ value(b, COL_END_MS, i));
	h = hash_mix(
	    h ^ value(b, COL_OCTETS, i) << 32 ^ value(b, COL_PACKETS, i));
	h = hash_mix(
	    h ^ value(b, COL_TCP_FLAGS, i) << 8 ^ value(b, COL_TOS, i));
	return h != 0 ? h : 1;
}

/* ---- candidates ---- */

static bool
same_point(const struct point *a, const struct point *b)
{
	return a->interfaces == b->interfaces && a->engine == b->engine &&
	       addr_equal(&a->exporter, &b->exporter);
}

/* The slot of a point, or the free one where it belongs. */
static uint32_t *
find_slot(struct finder *f, const struct point *p, uint64_t hash)
{
	size_t mask = f->n_point_slots - 1, at = (size_t)hash & mask;

	while (f->point_slot[at] != 0 &&
	       !same_point(&f->point[f->point_slot[at] - 1], p))
		at = (at + 1) & mask;
	return &f->point_slot[at];
}

static void
grow_point_slots(struct finder *f)
{
	f->n_point_slots = f->n_point_slots == 0 ? 256 : 2 * f->n_point_slots;
	free(f->point_slot);
	f->point_slot = xcalloc(f->n_point_slots, sizeof *f->point_slot);
	for (size_t i = 0; i < f->n_points; i++) {
		const struct point *p = &f->point[i];

		*find_slot(f, p, hash_point(f->dedup, p)) = (uint32_t)i + 1;
	}
}

/* *out is its position, made if new. */
static int
find_point(struct finder *f, const struct point *p, uint64_t hash,
    uint32_t *out, struct err *err)
{
	uint32_t *slot;

	if (2 * f->n_points >= f->n_point_slots)
		grow_point_slots(f);
	slot = find_slot(f, p, hash);
	if (*slot == 0) {
		if (f->n_points == MAX_POINTS)
			return err_set(err, ERR_LIMIT,
			    "dedup: flows of more than %d exporters and "
			    "interfaces: narrow the filter",
			    MAX_POINTS);
		f->point = xgrow(
		    f->point, f->n_points, &f->cap_points, sizeof *f->point);
		f->point[f->n_points++] = *p;
		*slot = (uint32_t)f->n_points;
	}
	*out = *slot - 1;
	return 0;
}

static int
take_batch(const struct batch *b, void *arg, struct err *err)
{
	struct finder *f = arg;

	if (f->n + b->n > DEDUP_MAX_FLOWS)
		return err_set(err, ERR_LIMIT,
		    "dedup: more than %d flows to compare: narrow the filter "
		    "or the time",
		    DEDUP_MAX_FLOWS);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t tuple = hash_tuple(f->dedup, b, i);
		struct point p = point_of(b, i);
		uint64_t point = hash_point(f->dedup, &p);
		struct bucket *k = &f->bucket[tuple >> 56];
		struct candidate c = {
		    .tuple = tuple,
		    .self = hash_flow(tuple, point, b, i),
		    .start_ms = b->col[COL_START_MS][i],
		};
		int rc = find_point(f, &p, point, &c.point, err);

		if (rc != 0)
			return rc;
		k->c = xgrow(k->c, k->n, &k->cap, sizeof c);
		k->c[k->n++] = c;
	}
	f->n += b->n;
	return 0;
}

/* ---- which come first ---- */

static int
compare_points(const void *a, const void *b)
{
	const struct point *p = a, *q = b;
	int by_addr = memcmp(
	    p->exporter.bytes, q->exporter.bytes, sizeof p->exporter.bytes);

	if (p->exporter.family != q->exporter.family)
		return p->exporter.family < q->exporter.family ? -1 : 1;
	if (by_addr != 0)
		return by_addr;
	if (p->engine != q->engine)
		return p->engine < q->engine ? -1 : 1;
	return (p->interfaces > q->interfaces) -
	       (p->interfaces < q->interfaces);
}

static void
rank_points(struct finder *f)
{
	struct point *sorted = xreallocarray(NULL, f->n_points, sizeof *sorted);

	for (size_t i = 0; i < f->n_points; i++) {
		sorted[i] = f->point[i];
		sorted[i].rank = (uint32_t)i;
	}
	qsort(sorted, f->n_points, sizeof *sorted, compare_points);
	for (size_t i = 0; i < f->n_points; i++)
		f->point[sorted[i].rank].rank = (uint32_t)i;
	free(sorted);
}

static int
compare_candidates(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;

	if (p->tuple != q->tuple)
		return p->tuple < q->tuple ? -1 : 1;
	if (p->point != q->point)
		return p->point < q->point ? -1 : 1;
	if (p->start_ms != q->start_ms)
		return p->start_ms < q->start_ms ? -1 : 1;
	return (p->self > q->self) - (p->self < q->self);
}

/* ---- what is left out ---- */

static void
put_slot(struct set *s, uint64_t hash)
{
	size_t at = (size_t)hash & (s->n_slots - 1);

	while (s->slot[at] != 0 && s->slot[at] != hash)
		at = (at + 1) & (s->n_slots - 1);
	s->n += s->slot[at] == 0;
	s->slot[at] = hash;
}

static void
put(struct set *s, uint64_t hash)
{
	struct set old = *s;

	if (2 * (s->n + 1) > s->n_slots) {
		s->n = 0;
		s->n_slots = old.n_slots == 0 ? 1024 : 2 * old.n_slots;
		s->slot = xcalloc(s->n_slots, sizeof *s->slot);
		for (size_t i = 0; i < old.n_slots; i++)
			if (old.slot[i] != 0)
				put_slot(s, old.slot[i]);
		free(old.slot);
	}
	put_slot(s, hash);
}

static bool
holds(const struct set *s, uint64_t hash)
{
	size_t at = (size_t)hash & (s->n_slots - 1);

	while (s->slot[at] != 0 && s->slot[at] != hash)
		at = (at + 1) & (s->n_slots - 1);
	return s->slot[at] == hash;
}

static int
compare_starts(const void *a, const void *b)
{
	const int64_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

/*
 * The n flows of one point, by time, against those kept of better ones. Both
 * go forward alone: the earliest that is near enough is the best match.
 */
static void
match_point(struct finder *f, const struct candidate *c, size_t n)
{
	size_t at = 0, better = f->n_kept;

	for (size_t i = 0; i < n; i++) {
		while (
		    at < better && f->kept[at] < c[i].start_ms - f->within_ms)
			at++;
		if (at < better &&
		    f->kept[at] <= c[i].start_ms + f->within_ms) {
			put(&f->dedup->out, c[i].self);
			at++;
			continue;
		}
		f->kept =
		    xgrow(f->kept, f->n_kept, &f->cap_kept, sizeof *f->kept);
		f->kept[f->n_kept++] = c[i].start_ms;
	}
	if (f->n_kept > better)
		qsort(f->kept, f->n_kept, sizeof *f->kept, compare_starts);
}

/* The n flows of one hash. */
static void
match_tuple(struct finder *f, const struct candidate *c, size_t n)
{
	f->n_kept = 0;
	if (c[0].point == c[n - 1].point)
		return;
	for (size_t first = 0, end; first < n; first = end) {
		for (end = first + 1; end < n && c[end].point == c[first].point;
		     end++)
			continue;
		match_point(f, c + first, end - first);
	}
}

static void
match_bucket(struct finder *f, struct bucket *k)
{
	for (size_t i = 0; i < k->n; i++)
		k->c[i].point = f->point[k->c[i].point].rank;
	if (k->n > 1)
		qsort(k->c, k->n, sizeof *k->c, compare_candidates);
	for (size_t first = 0, end; first < k->n; first = end) {
		for (end = first + 1;
		     end < k->n && k->c[end].tuple == k->c[first].tuple; end++)
			continue;
		match_tuple(f, k->c + first, end - first);
	}
	free(k->c);
	k->c = NULL;
}

/* ---- the whole ---- */

static void
finder_release(struct finder *f)
{
	for (size_t i = 0; i < N_BUCKETS; i++)
		free(f->bucket[i].c);
	free(f->point);
	free(f->point_slot);
	free(f->kept);
}

int
dedup_find(struct dedup **out, const struct scan_query *q, int64_t within_ms,
    struct err *err)
{
	struct dedup *d = xcalloc(1, sizeof *d);
	struct finder f = {.dedup = d, .within_ms = within_ms};
	struct scan_query all = *q;
	struct scan_stats ignored;
	int rc;

	d->seed = hash_seed();
	all.columns = looked_at;
	all.dedup = NULL;
	all.scale = NULL;
	rc = scan_run(&all, take_batch, &f, &ignored, err);
	if (rc == 0 && f.n_points > 1) {
		rank_points(&f);
		for (size_t i = 0; i < N_BUCKETS; i++)
			match_bucket(&f, &f.bucket[i]);
	}
	finder_release(&f);
	if (rc != 0) {
		dedup_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

void
dedup_free(struct dedup *d)
{
	if (d == NULL)
		return;
	free(d->out.slot);
	free(d);
}

static void
move_flow(struct batch *b, size_t to, size_t from)
{
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		if (b->col[c] != NULL)
			b->col[c][to] = b->col[c][from];
}

size_t
dedup_apply(const struct dedup *d, struct batch *b)
{
	size_t n = 0, before = b->n;

	if (d->out.n == 0)
		return 0;
	for (size_t i = 0; i < before; i++) {
		struct point p = point_of(b, i);

		if (holds(&d->out, hash_flow(hash_tuple(d, b, i),
				       hash_point(d, &p), b, i)))
			continue;
		if (n != i)
			move_flow(b, n, i);
		n++;
	}
	b->n = n;
	return before - n;
}
