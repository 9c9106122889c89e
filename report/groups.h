/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GROUPS_H
#define WEIR_REPORT_GROUPS_H
/*
 * A table of groups: some words of key, found by their hash, and some sums, of
 * which the first is not 0. The hash is given; its first bits say where a group
 * lies, so that going through one table in order and adding to another one goes
 * through that in order too. Belongs to one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GROUPS_MAX_WORDS = 4 };

struct groups {
	uint64_t *slot; /* each a key and its sums; sums[0] 0: free */
	size_t n_words; /* of a key */
	size_t n_sums;
	size_t len;    /* words of a slot */
	unsigned skip; /* first bits of the hash that all groups share */
	uint32_t n_slots;
	size_t n; /* groups */
};

void groups_init(
    struct groups *g, size_t n_words, size_t n_sums, unsigned skip);
void groups_release(struct groups *g); /* accepts a zeroed struct */

/* Room for n groups in all, moving those there are. hash(key, arg) gives that
 * of a group. */
void groups_reserve(struct groups *g, size_t n,
    uint64_t (*hash)(const uint64_t *key, const void *arg), const void *arg);

/* NULL: it is free. Numbers stay until room is made. Who makes all first sums 0
 * and n too has an empty table again. */
static inline uint64_t *
groups_in_slot(const struct groups *g, size_t i)
{
	uint64_t *slot = g->slot + i * g->len;

	return slot[g->n_words] == 0 ? NULL : slot;
}

/* Where the group with that hash is, or near it. */
static inline uint64_t *
groups_near(const struct groups *g, uint64_t hash)
{
	return g->slot + ((hash << g->skip >> 32) * g->n_slots >> 32) * g->len;
}

static inline bool
groups_same_key(const uint64_t *a, const uint64_t *b, size_t n_words)
{
	uint64_t differs = a[0] ^ b[0];

	for (size_t i = 1; i < n_words; i++)
		differs |= a[i] ^ b[i];
	return differs == 0;
}

/* The sums of the group with this key; if it is new, for which there must be
 * room, they are 0 and the caller adds to the first. */
static inline uint64_t *
groups_find(struct groups *g, const uint64_t *key, uint64_t hash)
{
	uint64_t *slot = groups_near(g, hash);
	const uint64_t *end = g->slot + g->n_slots * g->len;

	while (slot[g->n_words] != 0) {
		if (groups_same_key(slot, key, g->n_words))
			return slot + g->n_words;
		slot += g->len;
		if (slot == end)
			slot = g->slot;
	}
	for (size_t i = 0; i < g->n_words; i++)
		slot[i] = key[i];
	for (size_t i = g->n_words; i < g->len; i++)
		slot[i] = 0;
	g->n++;
	return slot + g->n_words;
}

#endif
