/* SPDX-License-Identifier: ISC */
/* Making table address: see address_build.h. */
#include "schema/address_build.h"

#include "schema/db.h"
#include "schema/segment.h"

void
address_build_release(struct address_build *b)
{
	address_release(&b->set);
	*b = (struct address_build){0};
}

/* How many flows are of segments that are in it, or are not. */
static uint64_t
count_flows(const struct segments *s, bool in_address)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->segment[i].in_address == in_address)
			n += s->segment[i].n_flows;
	return n;
}

static int
begin(struct address_build *b, struct db *db, const struct segments *s,
    bool anew, struct err *err)
{
	int rc = 0;

	address_build_release(b);
	if (anew)
		address_init(&b->set,
		    2 * (count_flows(s, false) + count_flows(s, true)));
	else
		rc = address_load(&b->set, db, err);
	b->anew = anew;
	b->under_way = rc == 0;
	return rc;
}

static void
add_address(void *set, uint32_t addr)
{
	address_add(set, addr);
}

/* Those of the next segment: 1, or 0 when there is none. */
static int
add_segment(struct address_build *b, struct db *db, const struct segments *s,
    struct err *err)
{
	const struct segment *g;
	int rc;

	if (b->set.n_blocks == 0)
		return 0; /* there were too many before */
	for (;; b->at++) {
		if (b->at == s->n)
			return 0;
		g = &s->segment[b->at];
		if (g->n_flows > 0 && (b->anew || !g->in_address))
			break;
	}
	b->at++;
	rc = address_of_segment(db, g->id, add_address, &b->set, err);
	return rc != 0 ? rc : 1;
}

static int
store_in_transaction(const struct address_set *set, struct db *db,
    struct segments *s, struct err *err)
{
	struct stmt *update = NULL;
	int rc = address_store(set, db, err);

	if (rc == 0)
		rc = segment_prepare_update(&update, db, err);
	for (size_t i = 0; i < s->n && rc == 0; i++) {
		s->segment[i].in_address = true;
		rc = segment_store(&s->segment[i], update, err);
	}
	stmt_finalize(update);
	return rc != 0 ? rc : db_exec(db, "COMMIT", err);
}

static int
store(
    struct address_build *b, struct db *db, struct segments *s, struct err *err)
{
	int rc = db_exec(db, "BEGIN IMMEDIATE", err);

	if (rc != 0)
		return rc;
	if (b->anew)
		address_fit(&b->set);
	if ((rc = store_in_transaction(&b->set, db, s, err)) != 0) {
		db_try(db, "ROLLBACK");
		for (size_t i = 0; i < s->n; i++)
			s->segment[i].in_address = false;
	}
	address_build_release(b);
	return rc;
}

int
address_build_step(
    struct address_build *b, struct db *db, struct segments *s, struct err *err)
{
	uint64_t n_new = count_flows(s, false);
	int rc;

	if (n_new == 0)
		return 0;
	/* Late flows join what is there, unless they are more. */
	if (!b->under_way &&
	    (rc = begin(b, db, s, n_new >= count_flows(s, true), err)) != 0)
		return rc;
	if ((rc = add_segment(b, db, s, err)) != 0)
		return rc;
	if (!b->anew && address_is_full(&b->set))
		rc = begin(b, db, s, true, err);
	else
		rc = store(b, db, s, err);
	return rc != 0 ? rc : 1;
}
