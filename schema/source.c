/* SPDX-License-Identifier: ISC */
/* Who exports: see source.h. */
#include "schema/source.h"

#include <stdlib.h>
#include <string.h>

#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/db.h"
#include "sql.h"

static const char others[] = "others";

void
sources_clear(struct sources *s)
{
	free(s->slot);
	s->slot = NULL;
	s->n_slots = 0;
	s->n = s->last = 0;
}

void
sources_release(struct sources *s)
{
	sources_clear(s);
	free(s->source);
	*s = (struct sources){0};
}

/* ---- finding ---- */

static bool
same_source(const struct source *a, const struct source *b)
{
	return a->engine_id == b->engine_id &&
	       a->engine_type == b->engine_type && a->sampling == b->sampling &&
	       addr_equal(&a->exporter, &b->exporter);
}

static uint64_t
hash(const struct sources *s, const struct source *src)
{
	uint64_t half[2], h = s->seed;

	memcpy(half, src->exporter.bytes, sizeof half);
	h = hash_mix(h ^ half[0]);
	h = hash_mix(h ^ half[1]);
	return hash_mix(
	    h ^ ((uint64_t)src->exporter.family << 32 |
		    (uint64_t)src->sampling << 16 |
		    (uint64_t)src->engine_type << 8 | src->engine_id));
}

/* The slot of src, or the free one where it belongs. */
static uint32_t *
find_slot(const struct sources *s, const struct source *src)
{
	size_t at = hash(s, src) & (s->n_slots - 1);

	while (
	    s->slot[at] != 0 && !same_source(&s->source[s->slot[at] - 1], src))
		at = (at + 1) & (s->n_slots - 1);
	return &s->slot[at];
}

/* At least half of the slots are free. */
static void
ensure_slots(struct sources *s)
{
	if (2 * (s->n + 1) <= s->n_slots)
		return;
	if (s->seed == 0)
		s->seed = hash_seed();
	s->n_slots = 64;
	while (s->n_slots < 4 * (s->n + 1))
		s->n_slots *= 2;
	free(s->slot);
	s->slot = xcalloc(s->n_slots, sizeof *s->slot);
	for (size_t i = 0; i < s->n; i++)
		*find_slot(s, &s->source[i]) = (uint32_t)i + 1;
}

/* ---- the table ---- */

static void
add(struct sources *s, const struct source *src)
{
	s->source = xgrow(s->source, s->n, &s->cap, sizeof *src);
	s->source[s->n++] = *src;
}

int
sources_load(struct sources *s, struct db *db, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql_select_sources, &q, err);

	sources_clear(s);
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		struct source src = {
		    .engine_type = (uint8_t)stmt_int(q, 2),
		    .engine_id = (uint8_t)stmt_int(q, 3),
		    .sampling = (uint16_t)stmt_int(q, 4),
		};

		/* What is no address stays one without: others, lost ones. */
		(void)addr_parse(stmt_text(q, 1), &src.exporter);
		add(s, &src);
	}
	stmt_finalize(q);
	return rc;
}

static int
insert(struct db *db, const struct source *src, struct err *err)
{
	char text[ADDR_TEXT_LEN];
	struct stmt *q = NULL;
	int rc = db_prepare(db, sql_insert_source, &q, err);

	if (rc != 0)
		return rc;
	addr_format(&src->exporter, text);
	stmt_bind_text(
	    q, ":exporter", src->exporter.family != 0 ? text : others);
	stmt_bind_int(q, ":engine_type", src->engine_type);
	stmt_bind_int(q, ":engine_id", src->engine_id);
	stmt_bind_int(q, ":sampling", src->sampling);
	rc = stmt_run(q, err);
	stmt_finalize(q);
	return rc;
}

int
sources_find(struct sources *s, struct db *db, const struct source *src,
    int64_t *id, struct err *err)
{
	static const struct source nobody = {0};
	uint32_t *slot;
	int rc;

	if (s->last < s->n && same_source(&s->source[s->last], src)) {
		*id = (int64_t)s->last + 1;
		return 0;
	}
	ensure_slots(s);
	slot = find_slot(s, src);
	if (*slot == 0 && s->n >= SOURCE_MAX - 1) {
		src = &nobody;
		slot = find_slot(s, src);
	}
	if (*slot == 0) {
		if ((rc = insert(db, src, err)) != 0)
			return rc;
		add(s, src);
		*slot = (uint32_t)s->n;
	}
	s->last = *slot - 1;
	*id = *slot;
	return 0;
}
