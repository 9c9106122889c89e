/* SPDX-License-Identifier: ISC */
/*
 * Grouping and adding up: see aggregate.h.
 *
 * The keys of a flow are packed into one to four words. Groups (those words
 * and three sums) lie in an arena of chunks, so growing never copies them; an
 * open-addressing table of slots finds them. A slot holds 32 bits of the hash
 * beside the group's number: most misses end there, and the table grows
 * without touching a group.
 */
#include "report/aggregate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/addr.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

enum { KEY_WORDS_MAX = 4, SUMS = 3 };
enum { CHUNK_BITS = 14, CHUNK_GROUPS = 1 << CHUNK_BITS };
enum { FIRST_SLOTS = 4096 };

/* Where a key lies in the words. */
struct place {
	enum flow_column column;
	size_t word;
	unsigned shift;
	uint64_t mask;
};

struct aggregate {
	struct place key[AGGREGATE_MAX_KEYS];
	size_t n_keys, n_words;
	uint64_t **chunk; /* CHUNK_GROUPS times n_words + SUMS */
	size_t n_chunks, cap_chunks;
	size_t n_groups, max_groups;
	uint64_t *slot; /* hash << 32 | group + 1; 0: free */
	size_t n_slots; /* a power of two */
	struct aggregate_sums total;
	/* Exporters by our number, which unlike positions in a batch differ
	 * only if the addresses do; and our number by position. */
	struct addr *exporter;
	size_t n_exporters, cap_exporters;
	uint64_t *exporter_at;
	size_t n_positions, cap_positions;
	uint64_t *packed; /* of one batch: n_words words a flow */
	uint32_t *hash;   /* of one batch */
};

/* ---- keys to words ---- */

static unsigned
bits_of(enum flow_column column)
{
	uint64_t max = flow_columns[column].max;

	return max <= UINT8_MAX ? 8 : max <= UINT16_MAX ? 16 : 32;
}

/* Wide keys first: as all widths are powers of two, none straddles words and
 * 13 keys (248 bits) fit in four. */
static void
place_keys(struct aggregate *a, const enum flow_column *keys)
{
	unsigned at = 0; /* bits */

	for (unsigned bits = 32; bits >= 8; bits /= 2)
		for (size_t k = 0; k < a->n_keys; k++) {
			if (bits_of(keys[k]) != bits)
				continue;
			a->key[k] = (struct place){
			    .column = keys[k],
			    .word = at / 64,
			    .shift = at % 64,
			    .mask = (UINT64_C(1) << bits) - 1,
			};
			at += bits;
		}
	a->n_words = (at + 63) / 64;
	assert(a->n_words <= KEY_WORDS_MAX);
}

struct aggregate *
aggregate_new(const enum flow_column *keys, size_t n_keys, uint64_t max_groups)
{
	struct aggregate *a = xcalloc(1, sizeof *a);

	assert(n_keys >= 1 && n_keys <= AGGREGATE_MAX_KEYS);
	assert(max_groups < UINT32_MAX);
	a->n_keys = n_keys;
	a->max_groups = max_groups;
	place_keys(a, keys);
	a->n_slots = FIRST_SLOTS;
	a->slot = xcalloc(a->n_slots, sizeof *a->slot);
	a->packed = xcalloc(BATCH_MAX, a->n_words * sizeof *a->packed);
	a->hash = xcalloc(BATCH_MAX, sizeof *a->hash);
	return a;
}

void
aggregate_free(struct aggregate *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n_chunks; i++)
		free(a->chunk[i]);
	free(a->chunk);
	free(a->slot);
	free(a->exporter);
	free(a->exporter_at);
	free(a->packed);
	free(a->hash);
	free(a);
}

flow_column_set
aggregate_columns(const struct aggregate *a)
{
	flow_column_set set = (flow_column_set)1 << COL_OCTETS |
			      (flow_column_set)1 << COL_PACKETS;

	for (size_t k = 0; k < a->n_keys; k++)
		set |= (flow_column_set)1 << a->key[k].column;
	return set;
}

static uint64_t
number_of_exporter(struct aggregate *a, const struct addr *addr)
{
	for (size_t i = 0; i < a->n_exporters; i++)
		if (addr_equal(&a->exporter[i], addr))
			return i;
	a->exporter = xgrow(a->exporter, a->n_exporters, &a->cap_exporters,
	    sizeof *a->exporter);
	a->exporter[a->n_exporters] = *addr;
	return a->n_exporters++;
}

/* Positions keep their meaning during a scan, so only new ones are looked at.
 */
static void
learn_exporters(struct aggregate *a, const struct batch *b)
{
	while (a->n_positions < b->n_exporters) {
		const struct addr *addr = &b->exporters[a->n_positions];

		a->exporter_at = xgrow(a->exporter_at, a->n_positions,
		    &a->cap_positions, sizeof *a->exporter_at);
		a->exporter_at[a->n_positions++] = number_of_exporter(a, addr);
	}
}

static void
pack_key(struct aggregate *a, const struct batch *b, const struct place *key)
{
	const int64_t *value = b->col[key->column];
	uint64_t *word = a->packed + key->word;

	for (size_t i = 0; i < b->n; i++, word += a->n_words)
		*word |= ((uint64_t)value[i] & key->mask) << key->shift;
}

static void
pack_exporter(
    struct aggregate *a, const struct batch *b, const struct place *key)
{
	const int64_t *position = b->col[COL_EXPORTER];
	uint64_t *word = a->packed + key->word;

	learn_exporters(a, b);
	for (size_t i = 0; i < b->n; i++, word += a->n_words)
		*word |= a->exporter_at[position[i]] << key->shift;
}

/* The finisher of MurmurHash3 on each word (Appleby, public domain). */
static uint32_t
hash_words(const uint64_t *word, size_t n)
{
	uint64_t h = 0;

	for (size_t i = 0; i < n; i++) {
		h ^= word[i];
		h ^= h >> 33;
		h *= UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 33;
		h *= UINT64_C(0xc4ceb9fe1a85ec53);
		h ^= h >> 33;
	}
	return (uint32_t)h;
}

static void
pack_batch(struct aggregate *a, const struct batch *b)
{
	memset(a->packed, 0, b->n * a->n_words * sizeof *a->packed);
	for (size_t k = 0; k < a->n_keys; k++) {
		if (a->key[k].column == COL_EXPORTER)
			pack_exporter(a, b, &a->key[k]);
		else
			pack_key(a, b, &a->key[k]);
	}
	for (size_t i = 0; i < b->n; i++)
		a->hash[i] = hash_words(a->packed + i * a->n_words, a->n_words);
}

/* ---- groups ---- */

static uint64_t *
group_at(const struct aggregate *a, size_t group)
{
	return a->chunk[group >> CHUNK_BITS] +
	       (group & (CHUNK_GROUPS - 1)) * (a->n_words + SUMS);
}

static void
grow_slots(struct aggregate *a)
{
	size_t n_slots = a->n_slots * 2;
	uint64_t *slot = xcalloc(n_slots, sizeof *slot);

	for (size_t i = 0; i < a->n_slots; i++) {
		size_t to = (a->slot[i] >> 32) & (n_slots - 1);

		if (a->slot[i] == 0)
			continue;
		while (slot[to] != 0)
			to = (to + 1) & (n_slots - 1);
		slot[to] = a->slot[i];
	}
	free(a->slot);
	a->slot = slot;
	a->n_slots = n_slots;
}

static uint64_t *
add_group(struct aggregate *a, const uint64_t *word)
{
	size_t len = a->n_words + SUMS;
	uint64_t *group;

	if (a->n_groups == a->n_chunks << CHUNK_BITS) {
		a->chunk = xgrow(
		    a->chunk, a->n_chunks, &a->cap_chunks, sizeof *a->chunk);
		a->chunk[a->n_chunks++] =
		    xcalloc(CHUNK_GROUPS, len * sizeof **a->chunk);
	}
	group = group_at(a, a->n_groups++);
	memcpy(group, word, a->n_words * sizeof *word);
	return group;
}

/* The group of these keys, made if missing; NULL when there are too many. */
static uint64_t *
find_group(struct aggregate *a, const uint64_t *word, uint32_t hash)
{
	size_t mask = a->n_slots - 1;
	size_t at = hash & mask;

	for (; a->slot[at] != 0; at = (at + 1) & mask) {
		uint64_t *group;

		if (a->slot[at] >> 32 != hash)
			continue;
		group = group_at(a, (uint32_t)a->slot[at] - 1);
		if (memcmp(group, word, a->n_words * sizeof *word) == 0)
			return group;
	}
	if (a->n_groups == a->max_groups)
		return NULL;
	a->slot[at] = (uint64_t)hash << 32 | (a->n_groups + 1);
	return add_group(a, word);
}

int
aggregate_add(struct aggregate *a, const struct batch *b, struct err *err)
{
	enum { AHEAD = 12 }; /* flows; hides the wait for memory */
	const int64_t *octets = b->col[COL_OCTETS];
	const int64_t *packets = b->col[COL_PACKETS];

	/* Room for a whole batch of new groups at three quarters full. */
	while ((a->n_groups + b->n) * 4 > a->n_slots * 3)
		grow_slots(a);
	pack_batch(a, b);
	for (size_t i = 0; i < b->n; i++) {
		uint64_t *sums =
		    find_group(a, a->packed + i * a->n_words, a->hash[i]);

		if (sums == NULL)
			return err_set(err, ERR_LIMIT,
			    "more than %zu rows: use fewer keys or a narrower "
			    "filter",
			    a->max_groups);
		if (i + AHEAD < b->n)
			__builtin_prefetch(
			    &a->slot[a->hash[i + AHEAD] & (a->n_slots - 1)]);
		sums += a->n_words;
		sums[0]++;
		sums[1] += (uint64_t)octets[i];
		sums[2] += (uint64_t)packets[i];
		a->total.octets += (uint64_t)octets[i];
		a->total.packets += (uint64_t)packets[i];
	}
	a->total.flows += b->n;
	return 0;
}

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

static uint64_t
key_of(const uint64_t *group, const struct place *key)
{
	return group[key->word] >> key->shift & key->mask;
}

void
aggregate_get(
    const struct aggregate *a, uint32_t group, struct aggregate_group *out)
{
	const uint64_t *g = group_at(a, group);

	for (size_t k = 0; k < a->n_keys; k++)
		out->key[k] = key_of(g, &a->key[k]);
	g += a->n_words;
	out->sums = (struct aggregate_sums){g[0], g[1], g[2]};
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
	uint64_t *exporter_rank; /* by our number: place among all addresses */
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

	return r->a->key[k].column == COL_EXPORTER ? r->exporter_rank[value]
						   : value;
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
	for (size_t k = 0; k < r->a->n_keys; k++) {
		uint64_t kx = key_rank(r, gx, k), ky = key_rank(r, gy, k);

		if (kx != ky)
			return kx < ky ? -1 : 1;
	}
	return 0;
}

static struct ranked
rank_group(
    const struct ranking *r, const struct aggregate_order *order, size_t group)
{
	const uint64_t *g = group_at(r->a, group);
	const uint64_t *sums = g + r->a->n_words;
	struct ranked x = {.group = (uint32_t)group};

	switch (order->by) {
	case MEASURE_FLOWS: x.first = UINT64_MAX - sums[0]; break;
	case MEASURE_OCTETS: x.first = UINT64_MAX - sums[1]; break;
	case MEASURE_PACKETS: x.first = UINT64_MAX - sums[2]; break;
	case MEASURE_NONE: x.first = key_rank(r, g, order->first_key); break;
	}
	return x;
}

/* Let the last of all rise to the root, from a root that may be misplaced. */
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

/* The n first groups, in a heap whose root is the last of them. */
static struct ranked *
select_first(struct ranking *r, const struct aggregate_order *order, size_t n)
{
	struct ranked *heap = xcalloc(n, sizeof *heap);

	for (size_t i = 0; i < n; i++)
		heap[i] = rank_group(r, order, i);
	if (n == r->a->n_groups)
		return heap;
	for (size_t i = n / 2; i-- > 0;)
		sift_down(heap, n, i, r);
	for (size_t i = n; i < r->a->n_groups; i++) {
		struct ranked x = rank_group(r, order, i);

		if (compare_ranked(&x, &heap[0], r) >= 0)
			continue;
		heap[0] = x;
		sift_down(heap, n, 0, r);
	}
	return heap;
}

uint32_t *
aggregate_sort(const struct aggregate *a, const struct aggregate_order *order,
    size_t limit, size_t *n)
{
	struct ranking r = {.a = a, .exporter_rank = rank_exporters(a)};
	struct ranked *ranked;
	uint32_t *group;

	*n = limit > 0 && limit < a->n_groups ? limit : a->n_groups;
	ranked = select_first(&r, order, *n);
	qsort_r(ranked, *n, sizeof *ranked, compare_ranked, &r);
	group = xcalloc(*n, sizeof *group);
	for (size_t i = 0; i < *n; i++)
		group[i] = ranked[i].group;
	free(ranked);
	free(r.exporter_rank);
	return group;
}
