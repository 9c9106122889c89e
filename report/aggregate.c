/* SPDX-License-Identifier: ISC */
/*
 * Grouping and adding up: see aggregate.h.
 *
 * The keys of a flow are packed into one to four words. A thread adds flows to
 * a small table of its own that stays in its caches; when that is full its
 * groups go to the large one, which all threads share in partitions, each with
 * a lock. So few groups are never fought for, many are kept once whatever the
 * number of threads, and there is nothing left to merge at the end.
 */
#include "report/aggregate.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "query/scan.h"
#include "report/groups.h"
#include "schema/base/addr.h"
#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

enum { PARTITION_BITS = 6, N_PARTITIONS = 1 << PARTITION_BITS };
/* Flows, octets, packets. */
enum { N_SUMS = 3 };
/* Of a thread's own; with its slots a megabyte or two. */
enum { PART_GROUPS = 1 << 14 };

/* Where a key lies in the words. */
struct place {
	bool is_exporter;
	size_t word;
	unsigned shift;
	uint64_t mask;
};

struct partition {
	pthread_mutex_t lock;
	struct groups groups;
};

struct aggregate {
	const struct report_keys *keys;
	struct aggregate_options options;
	struct place key[REPORT_MAX_KEYS];
	size_t n_words;
	uint64_t seed;
	struct partition partition[N_PARTITIONS]; /* by the hash's first bits */
	pthread_mutex_t lock;                     /* of what follows */
	size_t n_groups;
	struct aggregate_sums total;
	struct addr *exporter; /* by position in the scan */
	size_t n_exporters;
};

struct aggregate_part {
	struct aggregate *whole;
	struct key_reader *reader;
	struct groups groups;
	size_t n_new[N_PARTITIONS]; /* groups, by where they will go */
	struct aggregate_sums total;
	const struct addr *exporters; /* of the last batch */
	size_t n_exporters;
	/* Keys of a batch, and where they are of either end, those of the other
	 * one. */
	uint64_t packed[2][BATCH_MAX * GROUPS_MAX_WORDS];
	uint64_t hash[BATCH_MAX];
};

/* ---- keys to words ---- */

/* Wide keys first: as all widths are powers of two, none straddles words. */
static void
place_keys(struct aggregate *a)
{
	unsigned at = 0; /* bits */

	for (unsigned bits = 64; bits >= 8; bits /= 2)
		for (size_t k = 0; k < a->keys->n; k++) {
			const struct report_key *key = &a->keys->key[k];

			if (key->bits != bits)
				continue;
			a->key[k] = (struct place){
			    .is_exporter = report_key_is_exporter(key),
			    .word = at / 64,
			    .shift = at % 64,
			    .mask = UINT64_MAX >> (64 - bits),
			};
			at += bits;
		}
	a->n_words = (at + 63) / 64;
	assert(a->n_words <= GROUPS_MAX_WORDS);
}

struct aggregate *
aggregate_new(const struct report_keys *keys, const struct aggregate_options *o)
{
	struct aggregate *a = xcalloc(1, sizeof *a);

	assert(keys->n >= 1);
	assert(o->max_groups < UINT32_MAX);
	a->keys = keys;
	a->options = *o;
	place_keys(a);
	a->seed = hash_seed();
	pthread_mutex_init(&a->lock, NULL);
	for (size_t i = 0; i < N_PARTITIONS; i++) {
		pthread_mutex_init(&a->partition[i].lock, NULL);
		groups_init(&a->partition[i].groups, a->n_words, N_SUMS,
		    PARTITION_BITS);
	}
	return a;
}

void
aggregate_free(struct aggregate *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < N_PARTITIONS; i++) {
		pthread_mutex_destroy(&a->partition[i].lock);
		groups_release(&a->partition[i].groups);
	}
	pthread_mutex_destroy(&a->lock);
	free(a->exporter);
	free(a);
}

static flow_column_set
set_of(enum flow_column a, enum flow_column b)
{
	return (flow_column_set)1 << a | (flow_column_set)1 << b;
}

flow_column_set
aggregate_columns(const struct aggregate *a)
{
	return set_of(COL_OCTETS, COL_PACKETS) | report_keys_need(a->keys);
}

static void
pack_key(uint64_t *word, size_t n_words, const int64_t *value, size_t n,
    const struct place *key)
{
	for (size_t i = 0; i < n; i++, word += n_words)
		*word |= ((uint64_t)value[i] & key->mask) << key->shift;
}

static uint64_t
hash_key(const uint64_t *key, const void *arg)
{
	const struct aggregate *a = arg;
	uint64_t h = a->seed;

	for (size_t i = 0; i < a->n_words; i++)
		h = hash_mix(h ^ key[i]);
	return h;
}

static void
pack_batch(struct aggregate_part *p, const struct batch *b, unsigned end)
{
	const struct aggregate *a = p->whole;
	uint64_t *packed = p->packed[end];

	memset(packed, 0, b->n * a->n_words * sizeof *packed);
	for (size_t k = 0; k < a->keys->n; k++)
		pack_key(packed + a->key[k].word, a->n_words,
		    key_reader_get(p->reader, k, b, end), b->n, &a->key[k]);
	for (size_t i = 0; i < b->n; i++)
		p->hash[i] = hash_key(packed + i * a->n_words, a);
}

/* ---- groups ---- */

static size_t
partition_of(uint64_t hash)
{
	return hash >> (64 - PARTITION_BITS);
}

static int
count_groups(struct aggregate *a, size_t n_more, struct err *err)
{
	bool fits;

	pthread_mutex_lock(&a->lock);
	a->n_groups += n_more;
	fits = a->n_groups <= a->options.max_groups;
	pthread_mutex_unlock(&a->lock);
	return fits ? 0
		    : err_set(err, ERR_LIMIT,
			  "more than %zu rows: use fewer keys or a narrower "
			  "filter",
			  (size_t)a->options.max_groups);
}

/* The partition of a group that is handed over, locked, with room for all
 * that will come. */
static struct groups *
enter(struct aggregate_part *p, size_t number)
{
	struct partition *to = &p->whole->partition[number];

	pthread_mutex_lock(&to->lock);
	groups_reserve(
	    &to->groups, to->groups.n + p->n_new[number], hash_key, p->whole);
	return &to->groups;
}

static void
leave(struct aggregate_part *p, size_t number)
{
	if (number < N_PARTITIONS)
		pthread_mutex_unlock(&p->whole->partition[number].lock);
}

/* Ask for memory that the groups from slot on will be added to. */
static void
look_ahead(const struct aggregate_part *p, const struct groups *to, size_t slot)
{
	const uint64_t *group;

	if (slot >= p->groups.n_slots ||
	    (group = groups_in_slot(&p->groups, slot)) == NULL)
		return;
	__builtin_prefetch(groups_near(to, hash_key(group, p->whole)), 1);
}

/* All groups of the thread's own table, which go through it and through the
 * partitions in the same order. */
static int
hand_over(struct aggregate_part *p, struct err *err)
{
	enum { AHEAD = 12 }; /* slots */
	size_t inside = N_PARTITIONS, n_made = 0;
	struct groups *to = NULL;

	for (size_t at = 0; at < p->groups.n_slots; at++) {
		uint64_t *group = groups_in_slot(&p->groups, at);
		uint64_t *sum, hash;

		if (group == NULL)
			continue;
		hash = hash_key(group, p->whole);
		if (partition_of(hash) != inside) {
			leave(p, inside);
			inside = partition_of(hash);
			to = enter(p, inside);
		}
		assert(to != NULL && to->slot != NULL);
		look_ahead(p, to, at + AHEAD);
		sum = groups_find(to, group, hash);
		n_made += sum[0] == 0;
		for (size_t i = 0; i < N_SUMS; i++)
			sum[i] += group[p->groups.n_words + i];
		group[p->groups.n_words] = 0; /* leaves the slot free */
		p->n_new[inside]--;
	}
	leave(p, inside);
	p->groups.n = 0;
	return count_groups(p->whole, n_made, err);
}

struct aggregate_part *
aggregate_part_new(struct aggregate *a)
{
	struct aggregate_part *p = xcalloc(1, sizeof *p);

	p->whole = a;
	p->reader = key_reader_new(a->keys);
	groups_init(&p->groups, a->n_words, N_SUMS, 0);
	groups_reserve(&p->groups, PART_GROUPS + BATCH_MAX, NULL, NULL);
	return p;
}

void
aggregate_part_free(struct aggregate_part *p)
{
	if (p == NULL)
		return;
	groups_release(&p->groups);
	key_reader_free(p->reader);
	free(p);
}

/* With what they have at one end; at the second one, those that have something
 * else there. */
static void
add_flows(struct aggregate_part *p, const struct batch *b, unsigned end)
{
	const int64_t *octets = b->col[COL_OCTETS];
	const int64_t *packets = b->col[COL_PACKETS];
	size_t n_words = p->whole->n_words;

	for (size_t i = 0; i < b->n; i++) {
		const uint64_t *key = p->packed[end] + i * n_words;
		uint64_t *sums;

		if (end > 0 &&
		    groups_same_key(key, p->packed[0] + i * n_words, n_words))
			continue;
		sums = groups_find(&p->groups, key, p->hash[i]);
		p->n_new[partition_of(p->hash[i])] += sums[0] == 0;
		sums[0]++;
		sums[1] += (uint64_t)octets[i];
		sums[2] += (uint64_t)packets[i];
	}
}

static void
add_totals(struct aggregate_part *p, const struct batch *b)
{
	struct aggregate_sums *t = &p->total;

	t->flows += b->n;
	for (size_t i = 0; i < b->n; i++) {
		t->octets += (uint64_t)b->col[COL_OCTETS][i];
		t->packets += (uint64_t)b->col[COL_PACKETS][i];
	}
}

int
aggregate_add(struct aggregate_part *p, const struct batch *b, struct err *err)
{
	unsigned n_ends =
	    report_keys_have(p->whole->keys, KEY_EITHER_END) ? 2 : 1;

	p->exporters = b->exporters;
	p->n_exporters = b->n_exporters;
	add_totals(p, b);
	for (unsigned end = 0; end < n_ends; end++) {
		int rc = 0;

		pack_batch(p, b, end);
		add_flows(p, b, end);
		if (p->groups.n >= PART_GROUPS)
			rc = hand_over(p, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Positions keep their meaning during a scan: the longest list says all. */
static void
keep_exporters(struct aggregate *a, const struct aggregate_part *p)
{
	if (p->n_exporters <= a->n_exporters)
		return;
	a->exporter =
	    xreallocarray(a->exporter, p->n_exporters, sizeof *a->exporter);
	memcpy(a->exporter, p->exporters, p->n_exporters * sizeof *a->exporter);
	a->n_exporters = p->n_exporters;
}

int
aggregate_end(struct aggregate_part *p, struct err *err)
{
	struct aggregate *a = p->whole;

	pthread_mutex_lock(&a->lock);
	keep_exporters(a, p);
	a->total.flows += p->total.flows;
	a->total.octets += p->total.octets;
	a->total.packets += p->total.packets;
	pthread_mutex_unlock(&a->lock);
	return hand_over(p, err);
}

static void *
consumer_begin(void *arg)
{
	return aggregate_part_new(arg);
}

static int
consumer_batch(const struct batch *b, void *state, struct err *err)
{
	return aggregate_add(state, b, err);
}

static int
consumer_end(void *state, struct err *err)
{
	return aggregate_end(state, err);
}

static void
consumer_free(void *state)
{
	aggregate_part_free(state);
}

const struct scan_consumer aggregate_consumer = {
    .begin = consumer_begin,
    .batch = consumer_batch,
    .end = consumer_end,
    .free = consumer_free,
};

/* ---- the whole ---- */

size_t
aggregate_n_groups(const struct aggregate *a)
{
	return a->n_groups;
}

struct aggregate_sums
aggregate_total(const struct aggregate *a)
{
	return a->total;
}

/* A group's number: its slot, then its partition. */
static const uint64_t *
group_at(const struct aggregate *a, uint32_t group)
{
	return groups_in_slot(
	    &a->partition[group % N_PARTITIONS].groups, group / N_PARTITIONS);
}

static uint64_t
key_of(const uint64_t *group, const struct place *key)
{
	return group[key->word] >> key->shift & key->mask;
}

static struct aggregate_sums
sums_of(const struct aggregate *a, const uint64_t *group)
{
	const uint64_t *sums = group + a->n_words;

	return (struct aggregate_sums){
	    .flows = sums[0], .octets = sums[1], .packets = sums[2]};
}

void
aggregate_get(
    const struct aggregate *a, uint32_t group, struct aggregate_group *out)
{
	const uint64_t *g = group_at(a, group);

	assert(g != NULL);
	for (size_t k = 0; k < a->keys->n; k++)
		out->key[k] = key_of(g, &a->key[k]);
	out->sums = sums_of(a, g);
}

const struct addr *
aggregate_exporter(const struct aggregate *a, uint64_t key)
{
	return &a->exporter[key];
}

/* ---- order ---- */

struct ranked {
	uint64_t first; /* the smaller comes first */
	uint32_t group;
};

struct ranking {
	const struct aggregate *a;
	uint64_t *exporter_rank; /* by position: place among all addresses */
};

static uint64_t *
rank_exporters(const struct aggregate *a)
{
	uint64_t *rank = xcalloc(a->n_exporters, sizeof *rank);

	for (size_t i = 0; i < a->n_exporters; i++)
		for (size_t j = 0; j < a->n_exporters; j++)
			rank[i] +=
			    addr_compare(&a->exporter[j], &a->exporter[i]) < 0;
	return rank;
}

static uint64_t
key_rank(const struct ranking *r, const uint64_t *group, size_t k)
{
	uint64_t value = key_of(group, &r->a->key[k]);

	return r->a->key[k].is_exporter ? r->exporter_rank[value] : value;
}

static int
compare_ranked(const void *px, const void *py, void *arg)
{
	const struct ranking *r = arg;
	const struct ranked *x = px, *y = py;
	const uint64_t *gx, *gy;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	gx = group_at(r->a, x->group);
	gy = group_at(r->a, y->group);
	for (size_t k = 0; k < r->a->keys->n; k++) {
		uint64_t kx = key_rank(r, gx, k), ky = key_rank(r, gy, k);

		if (kx != ky)
			return kx < ky ? -1 : 1;
	}
	return 0;
}

uint64_t
aggregate_flows(const struct aggregate_sums *sums)
{
	return sums->flows;
}

uint64_t
aggregate_octets(const struct aggregate_sums *sums)
{
	return sums->octets;
}

uint64_t
aggregate_packets(const struct aggregate_sums *sums)
{
	return sums->packets;
}

/* What comes first is smallest. */
static struct ranked
rank_group(const struct ranking *r, const struct aggregate_order *order,
    uint32_t group)
{
	const uint64_t *g = group_at(r->a, group);
	struct ranked x = {.group = group};
	bool largest_first = order->rank != NULL;

	if (order->rank != NULL) {
		struct aggregate_sums sums = sums_of(r->a, g);

		x.first = order->rank(&sums);
	} else {
		x.first = key_rank(r, g, order->first_key);
	}
	if (largest_first != order->backwards)
		x.first = UINT64_MAX - x.first;
	return x;
}

/* Let what is misplaced at a root sink to where it belongs; the last in order
 * is at the top. */
static void
sift_down(struct ranked *heap, size_t n, size_t at, struct ranking *r)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct ranked x = heap[at];

		if (child >= n)
			return;
		if (child + 1 < n &&
		    compare_ranked(&heap[child], &heap[child + 1], r) < 0)
			child++;
		if (compare_ranked(&x, &heap[child], r) >= 0)
			return;
		heap[at] = heap[child];
		heap[child] = x;
		at = child;
	}
}

/* The n first groups so far, in a heap whose root is the last of them. */
struct selection {
	struct ranked *heap;
	size_t n, max;
};

static void
consider(struct selection *s, struct ranked x, struct ranking *r)
{
	if (s->n < s->max) {
		s->heap[s->n++] = x;
		if (s->n == s->max)
			for (size_t i = s->n / 2; i-- > 0;)
				sift_down(s->heap, s->n, i, r);
	} else if (compare_ranked(&x, &s->heap[0], r) < 0) {
		s->heap[0] = x;
		sift_down(s->heap, s->n, 0, r);
	}
}

static void
select_first(
    struct selection *s, struct ranking *r, const struct aggregate_order *order)
{
	for (uint32_t p = 0; p < N_PARTITIONS; p++) {
		const struct groups *g = &r->a->partition[p].groups;

		for (size_t i = 0; i < g->n_slots; i++)
			if (groups_in_slot(g, i) != NULL)
				consider(s,
				    rank_group(r, order,
					(uint32_t)i * N_PARTITIONS + p),
				    r);
	}
}

uint32_t *
aggregate_sort(const struct aggregate *a, const struct aggregate_order *order,
    size_t limit, size_t *n)
{
	struct ranking r = {.a = a, .exporter_rank = rank_exporters(a)};
	struct selection s = {
	    .max = limit > 0 && limit < a->n_groups ? limit : a->n_groups};
	uint32_t *group;

	s.heap = xcalloc(s.max, sizeof *s.heap);
	select_first(&s, &r, order);
	qsort_r(s.heap, s.n, sizeof *s.heap, compare_ranked, &r);
	group = xcalloc(s.n, sizeof *group);
	for (size_t i = 0; i < s.n; i++)
		group[i] = s.heap[i].group;
	*n = s.n;
	free(s.heap);
	free(r.exporter_rank);
	return group;
}
