/* SPDX-License-Identifier: ISC */
/* Keys to positions, by open addressing: see roster.h. */
#include "collector/roster.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/hash.h"
#include "schema/base/mem.h"

struct roster {
	size_t max, n;
	struct roster_key *key; /* [position - 1] */
	uint32_t *slot;         /* positions; 0: free */
	size_t mask;            /* of a hash; a power of two less one */
	uint64_t seed; /* so that nobody can choose addresses that collide */
};

struct roster *
roster_new(size_t max)
{
	struct roster *r = xcalloc(1, sizeof *r);
	size_t slots = 2;

	while (slots < 2 * max)
		slots *= 2;
	r->max = max;
	r->mask = slots - 1;
	r->key = xcalloc(max, sizeof *r->key);
	r->slot = xcalloc(slots, sizeof *r->slot);
	r->seed = hash_seed();
	return r;
}

void
roster_free(struct roster *r)
{
	if (r == NULL)
		return;
	free(r->key);
	free(r->slot);
	free(r);
}

static uint64_t
hash(const struct roster *r, const struct roster_key *key)
{
	uint64_t half[2];
	uint64_t x = r->seed;

	memcpy(half, key->addr.bytes, sizeof half);
	x = hash_mix(x ^ half[0]);
	x = hash_mix(x ^ half[1]);
	return hash_mix(x ^ ((uint64_t)key->more << 8 | key->addr.family));
}

/* The slot of a key, or the free one where it belongs. */
static uint32_t *
find_slot(const struct roster *r, const struct roster_key *key)
{
	size_t at = (size_t)hash(r, key) & r->mask;

	for (;; at = (at + 1) & r->mask) {
		const struct roster_key *k;

		if (r->slot[at] == 0)
			return &r->slot[at];
		k = &r->key[r->slot[at] - 1];
		if (k->more == key->more && addr_equal(&k->addr, &key->addr))
			return &r->slot[at];
	}
}

size_t
roster_find(const struct roster *r, const struct roster_key *key)
{
	return *find_slot(r, key);
}

size_t
roster_add(struct roster *r, const struct roster_key *key)
{
	uint32_t *slot = find_slot(r, key);

	assert(*slot == 0);
	if (r->n == r->max)
		return 0;
	r->key[r->n++] = *key;
	*slot = (uint32_t)r->n;
	return r->n;
}

void
roster_clear(struct roster *r)
{
	memset(r->slot, 0, (r->mask + 1) * sizeof *r->slot);
	r->n = 0;
}

size_t
roster_n(const struct roster *r)
{
	return r->n;
}

bool
roster_is_full(const struct roster *r)
{
	return r->n == r->max;
}

const struct roster_key *
roster_at(const struct roster *r, size_t position)
{
	assert(position >= 1 && position <= r->n);
	return &r->key[position - 1];
}
