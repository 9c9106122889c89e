/* SPDX-License-Identifier: ISC */
/*
 * Open addressing, groups within the table: see groups.h. Finding one waits for
 * memory once, and as its place follows from the hash alone that can be asked
 * for before it is needed.
 */
#include "report/groups.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"

enum { FIRST_SLOTS = 64, LARGE_SLOTS = 1 << 16 };

static uint64_t *
new_slots(const struct groups *g)
{
	return xcalloc_huge(g->n_slots, g->len * sizeof *g->slot);
}

void
groups_init(struct groups *g, size_t n_words, size_t n_sums, unsigned skip)
{
	assert(n_words >= 1 && n_words <= GROUPS_MAX_WORDS);
	*g = (struct groups){.n_words = n_words,
	    .n_sums = n_sums,
	    .len = n_words + n_sums,
	    .skip = skip,
	    .n_slots = FIRST_SLOTS};
	g->slot = new_slots(g);
}

void
groups_release(struct groups *g)
{
	free(g->slot);
	*g = (struct groups){0};
}

static void
move_groups(struct groups *to, const struct groups *from,
    uint64_t (*hash)(const uint64_t *, const void *), const void *arg)
{
	for (size_t i = 0; i < from->n_slots; i++) {
		const uint64_t *group = groups_in_slot(from, i);

		if (group != NULL)
			memcpy(groups_find(to, group, hash(group, arg)),
			    group + from->n_words,
			    from->n_sums * sizeof *group);
	}
}

/* Three groups in four slots at most. Twice as many are half unused at first,
 * in all partitions of a table at once: large ones grow by half. */
static uint32_t
slots_for(const struct groups *g, size_t n)
{
	size_t more = g->n_slots < LARGE_SLOTS ? (size_t)g->n_slots * 2
					       : (size_t)g->n_slots / 2 * 3;
	size_t least = n / 3 * 4 + 4;

	assert(least <= UINT32_MAX && more <= UINT32_MAX);
	return (uint32_t)(least > more ? least : more);
}

void
groups_reserve(struct groups *g, size_t n,
    uint64_t (*hash)(const uint64_t *, const void *), const void *arg)
{
	struct groups old = *g;

	if (n <= (size_t)g->n_slots / 4 * 3)
		return;
	g->n_slots = slots_for(g, n);
	g->slot = new_slots(g);
	g->n = 0;
	move_groups(g, &old, hash, arg);
	groups_release(&old);
}
