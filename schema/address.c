/* SPDX-License-Identifier: ISC */
/* Which addresses occur: see address.h. */
#include "schema/address.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/segment.h"
#include "sql.h"

enum {
	BLOCK_BITS = ADDRESS_BLOCK_LEN * 8,
	BITS_OF_KEY = 6,
	ROOM_OF_KEY = 10, /* bits */
	FULL_ROOM = 7,    /* with less it is wrong once in 20 times */
	/* Looked up at most: nets of a range, addresses of a net. */
	MAX_NETS = 16,
	MAX_ADDRESSES = 8,
};

/* ---- keys ---- */

static uint64_t
hash_address(uint32_t addr)
{
	return hash_mix(addr);
}

static uint64_t
hash_net(uint32_t addr)
{
	return hash_mix(UINT64_C(1) << 32 | addr >> 8);
}

/* The upper 16 bits: neighbours of a large set are one block of a small one. */
static size_t
block_of(uint64_t hash, size_t n_blocks)
{
	return (size_t)(hash >> 48) * n_blocks / ADDRESS_MAX_BLOCKS;
}

/* Bit number i of a key in its block: two hashes make as many as are wanted. */
static unsigned
bit_of(uint64_t hash, unsigned i)
{
	unsigned first = (unsigned)hash % BLOCK_BITS;
	unsigned step = (unsigned)(hash >> 12) % BLOCK_BITS | 1;

	return (first + i * step) % BLOCK_BITS;
}

static void
set_key(struct address_set *s, uint64_t hash)
{
	uint8_t *block =
	    s->bits + block_of(hash, s->n_blocks) * ADDRESS_BLOCK_LEN;

	for (unsigned i = 0; i < BITS_OF_KEY; i++) {
		unsigned bit = bit_of(hash, i);

		block[bit / 8] |= (uint8_t)(1u << bit % 8);
	}
}

static bool
has_key(const uint8_t *block, uint64_t hash)
{
	for (unsigned i = 0; i < BITS_OF_KEY; i++) {
		unsigned bit = bit_of(hash, i);

		if ((block[bit / 8] & 1u << bit % 8) == 0)
			return false;
	}
	return true;
}

/* ---- sets ---- */

static size_t
blocks_for(double n_keys)
{
	size_t n = 1;

	while (n < ADDRESS_MAX_BLOCKS &&
	       (double)n * BLOCK_BITS < n_keys * ROOM_OF_KEY)
		n *= 2;
	return n;
}

void
address_init(struct address_set *s, uint64_t n_addresses)
{
	s->n_blocks = blocks_for(2 * (double)n_addresses);
	s->bits = xcalloc(s->n_blocks, ADDRESS_BLOCK_LEN);
}

void
address_release(struct address_set *s)
{
	free(s->bits);
	*s = (struct address_set){0};
}

void
address_add(struct address_set *s, uint32_t addr)
{
	set_key(s, hash_address(addr));
	set_key(s, hash_net(addr));
}

/* How many keys are in it, by how many bits they set. */
static double
count_keys(const struct address_set *s)
{
	size_t n_bytes = s->n_blocks * ADDRESS_BLOCK_LEN;
	double n_bits = (double)n_bytes * 8;
	uint64_t word, n_set = 0;

	for (size_t i = 0; i < n_bytes; i += sizeof word) {
		memcpy(&word, s->bits + i, sizeof word);
		n_set += (uint64_t)__builtin_popcountll(word);
	}
	if (n_set == n_bytes * 8)
		return n_bits;
	return -n_bits / BITS_OF_KEY * log1p(-(double)n_set / n_bits);
}

static bool
has_room(const struct address_set *s, double n_keys)
{
	return (double)s->n_blocks * BLOCK_BITS >= n_keys * FULL_ROOM;
}

bool
address_is_full(const struct address_set *s)
{
	return s->n_blocks > 0 && !has_room(s, count_keys(s));
}

/* The upper half of each two onto the lower: they become one block. */
static void
halve(struct address_set *s)
{
	s->n_blocks /= 2;
	for (size_t i = 0; i < s->n_blocks; i++) {
		uint8_t *to = s->bits + i * ADDRESS_BLOCK_LEN;
		const uint8_t *from = s->bits + 2 * i * ADDRESS_BLOCK_LEN;

		for (size_t k = 0; k < ADDRESS_BLOCK_LEN; k++)
			to[k] = from[k] | from[k + ADDRESS_BLOCK_LEN];
	}
}

void
address_fit(struct address_set *s)
{
	double n_keys = count_keys(s);

	if (!has_room(s, n_keys)) {
		address_release(s);
		return;
	}
	while (s->n_blocks > blocks_for(n_keys))
		halve(s);
}

/* ---- asking ---- */

struct question {
	size_t n_blocks;
	address_block_fn *get;
	void *arg;
};

static bool
may_have(const struct question *q, uint64_t hash)
{
	const uint8_t *block = q->get(q->arg, block_of(hash, q->n_blocks));

	return block == NULL || has_key(block, hash);
}

/* Of one /24 net. */
static bool
may_hold_in_net(const struct question *q, struct address_range r)
{
	if (!may_have(q, hash_net(r.lo)))
		return false;
	if (r.hi - r.lo >= MAX_ADDRESSES)
		return true;
	for (uint32_t i = 0; i <= r.hi - r.lo; i++)
		if (may_have(q, hash_address(r.lo + i)))
			return true;
	return false;
}

bool
address_may_hold(
    size_t n_blocks, address_block_fn *get, void *arg, struct address_range r)
{
	const struct question q = {n_blocks, get, arg};

	if ((r.hi >> 8) - (r.lo >> 8) >= MAX_NETS)
		return true;
	for (uint32_t net = r.lo >> 8; net <= r.hi >> 8; net++) {
		struct address_range part = {net << 8, net << 8 | 255};

		if (part.lo < r.lo)
			part.lo = r.lo;
		if (part.hi > r.hi)
			part.hi = r.hi;
		if (may_hold_in_net(&q, part))
			return true;
	}
	return false;
}

/* ---- table address ---- */

static bool
is_power_of_two(size_t n)
{
	return n > 0 && (n & (n - 1)) == 0;
}

int
address_load(struct address_set *s, struct db *db, struct err *err)
{
	struct stmt *q = NULL;
	size_t cap = 0, n = 0;
	uint8_t *bits = NULL;
	bool sound = true;
	int rc = db_prepare(db, sql_select_address_blocks, &q, err);

	*s = (struct address_set){0};
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1 && sound) {
		size_t len;
		const void *block = stmt_blob(q, 1, &len);

		sound = stmt_int(q, 0) == (int64_t)n &&
			len == ADDRESS_BLOCK_LEN && n < ADDRESS_MAX_BLOCKS;
		if (!sound)
			break;
		bits = xgrow(bits, n, &cap, ADDRESS_BLOCK_LEN);
		memcpy(bits + n++ * ADDRESS_BLOCK_LEN, block, len);
	}
	stmt_finalize(q);
	if (rc >= 0 && sound && is_power_of_two(n))
		*s = (struct address_set){bits, n};
	else
		free(bits);
	return rc < 0 ? rc : 0;
}

int
address_store(const struct address_set *s, struct db *db, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_exec(db, "DELETE FROM address", err);

	if (rc == 0)
		rc = db_prepare(db, sql_insert_address_block, &q, err);
	for (size_t i = 0; i < s->n_blocks && rc == 0; i++) {
		stmt_bind_int(q, ":block", (int64_t)i);
		stmt_bind_blob(q, ":bits", s->bits + i * ADDRESS_BLOCK_LEN,
		    ADDRESS_BLOCK_LEN);
		rc = stmt_run(q, err);
	}
	stmt_finalize(q);
	return rc;
}

int
address_of_segment(struct db *db, uint32_t segment_id, address_fn *fn,
    void *arg, struct err *err)
{
	static const char *const columns[] = {"src_addr", "dst_addr"};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(columns) && rc == 0; i++) {
		char *sql = segment_sql(
		    sql_select_segment_addresses, segment_id, columns[i]);
		struct stmt *q = NULL;

		rc = db_prepare(db, sql, &q, err);
		free(sql);
		while (rc == 0 && (rc = stmt_step(q, err)) == 1) {
			fn(arg, (uint32_t)stmt_int(q, 0));
			rc = 0;
		}
		stmt_finalize(q);
	}
	return rc;
}
