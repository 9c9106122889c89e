/* SPDX-License-Identifier: ISC */
/* Ports of hosts with marks: see pairs.h. A slot is the pair itself: host,
 * port, class and marks, from the top. */
#include "report/pairs.h"

#include <stdbool.h>
#include <stdlib.h>

#include "schema/base/hash.h"
#include "schema/base/mem.h"

enum { FIRST_SLOTS = 8, MARK_BITS = 8 };

static uint64_t
word_of(const struct pair *p)
{
	return (uint64_t)p->host << 32 | (uint64_t)p->port << 16 |
	       (uint64_t)p->class << MARK_BITS | p->marks;
}

static struct pair
pair_of(uint64_t word)
{
	return (struct pair){
	    .host = (uint32_t)(word >> 32),
	    .port = (uint16_t)(word >> 16),
	    .class = (uint8_t)(word >> MARK_BITS),
	    .marks = (uint8_t)word,
	};
}

/* Whoever scans chooses what is looked up here. */
static uint64_t *
find_slot(uint64_t *slot, size_t n_slots, uint64_t seed, uint64_t word)
{
	uint64_t key = word >> MARK_BITS;
	size_t at = (size_t)hash_mix(key ^ seed) & (n_slots - 1);

	while (slot[at] != 0 && slot[at] >> MARK_BITS != key)
		at = (at + 1) & (n_slots - 1);
	return &slot[at];
}

static bool
is_kept(unsigned level, uint32_t host)
{
	return (hash_mix(host) & ((UINT64_C(1) << level) - 1)) == 0;
}

/* Another table, of those that are kept. */
static void
rebuild(struct pairs *p, size_t n_slots)
{
	uint64_t *slot = xcalloc(n_slots, sizeof *slot);

	if (p->n_slots == 0)
		p->seed = hash_seed();
	p->n = 0;
	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slot[i] != 0 &&
		    is_kept(p->level, (uint32_t)(p->slot[i] >> 32))) {
			*find_slot(slot, n_slots, p->seed, p->slot[i]) =
			    p->slot[i];
			p->n++;
		}
	free(p->slot);
	p->slot = slot;
	p->n_slots = n_slots;
}

void
pairs_release(struct pairs *p)
{
	free(p->slot);
	*p = (struct pairs){0};
}

size_t
pairs_mark(struct pairs *p, const struct pair *pair)
{
	uint64_t word = word_of(pair), *slot;

	if (!is_kept(p->level, pair->host))
		return 0;
	if ((p->n + 1) * 4 > p->n_slots * 3)
		rebuild(p, p->n_slots > 0 ? 2 * p->n_slots : FIRST_SLOTS);
	slot = find_slot(p->slot, p->n_slots, p->seed, word);
	if (*slot != 0) {
		*slot |= pair->marks;
		return 0;
	}
	*slot = word;
	p->n++;
	return 1;
}

void
pairs_halve(struct pairs *p)
{
	p->level++;
	rebuild(p, p->n_slots);
}

static int
compare(const void *x, const void *y)
{
	const struct pair *a = x, *b = y;

	if (a->class != b->class)
		return a->class < b->class ? -1 : 1;
	if (a->host != b->host)
		return a->host < b->host ? -1 : 1;
	return (a->port > b->port) - (a->port < b->port);
}

struct pair *
pairs_sorted(const struct pairs *p)
{
	struct pair *out = xcalloc(p->n, sizeof *out);
	size_t n = 0;

	for (size_t i = 0; i < p->n_slots; i++)
		if (p->slot[i] != 0)
			out[n++] = pair_of(p->slot[i]);
	qsort(out, n, sizeof *out, compare);
	return out;
}
