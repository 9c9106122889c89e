/* SPDX-License-Identifier: ISC */
/* Finding a flow among chosen keys: see picker.h. */
#include "report/picker.h"

#include <stdlib.h>
#include <string.h>

#include "report/aggregate.h"
#include "report/cell.h"
#include "report/palette.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

/* In place of an exporter's position: the choices' own number for its
 * address, or this. */
static const uint64_t NO_EXPORTER = UINT64_MAX;

static bool
is_exporter(const struct choices *c, size_t k)
{
	return report_key_is_exporter(&c->keys->key[k]);
}

/* ---- choices ---- */

/* The number of the first choice with this exporter. */
static uint64_t
number_of_exporter(const struct choices *c, const struct addr *a)
{
	for (size_t i = 0; i < c->n; i++)
		if (addr_equal(&c->choice[i].exporter, a))
			return i;
	return NO_EXPORTER;
}

static size_t
hash_key(const struct choices *c, const uint64_t *key)
{
	uint64_t h = 0;

	for (size_t k = 0; k < c->keys->n; k++) {
		h = (h ^ key[k]) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 33;
	}
	return (size_t)h & (c->n_slots - 1);
}

/* The slot of key, or the free one where it belongs. */
static uint32_t *
find_slot(const struct choices *c, const uint64_t *key)
{
	size_t at = hash_key(c, key);

	while (c->slot[at] != 0 && memcmp(c->choice[c->slot[at] - 1].key, key,
				       c->keys->n * sizeof *key) != 0)
		at = (at + 1) & (c->n_slots - 1);
	return &c->slot[at];
}

void
choices_init(struct choices *c, const struct report_keys *keys,
    const struct aggregate *a, const uint32_t *group, size_t n)
{
	*c = (struct choices){.keys = keys, .n_slots = 16};
	c->choice = xcalloc(n + 1, sizeof *c->choice);
	for (size_t i = 0; i < n; i++) {
		struct choice *choice = &c->choice[c->n++];
		struct aggregate_group g;

		aggregate_get(a, group[i], &g);
		memcpy(choice->key, g.key, sizeof choice->key);
		for (size_t k = 0; k < keys->n; k++)
			if (is_exporter(c, k)) {
				choice->exporter =
				    *aggregate_exporter(a, g.key[k]);
				choice->key[k] =
				    number_of_exporter(c, &choice->exporter);
			}
	}
	while (c->n_slots < n * 2)
		c->n_slots *= 2;
	c->slot = xcalloc(c->n_slots, sizeof *c->slot);
	for (size_t i = 0; i < n; i++)
		*find_slot(c, c->choice[i].key) = (uint32_t)i + 1;
}

void
choices_release(struct choices *c)
{
	free(c->choice);
	free(c->slot);
	*c = (struct choices){0};
}

/* Behind those before it. */
static void
put_cell(struct buf *text, const struct table_column *col, union table_cell c)
{
	static const struct out_style plain = {0};
	struct cell_clock clock = {0};
	struct table_value v = table_value(col, c);
	char value[CELL_MAX];
	char *end;

	if (text->len > 0)
		buf_puts(text, col->join != NULL ? col->join : " ");
	if (v.kind == VALUE_TEXT || v.kind == VALUE_NULL) {
		buf_puts(text, v.kind == VALUE_NULL ? "?" : v.cell.text);
		return;
	}
	end = cell_put(value, &plain, &clock, col, v);
	buf_put(text, value, (size_t)(end - value));
}

char *
choice_label(const struct choices *c, size_t i)
{
	const struct choice *choice = &c->choice[i];
	struct buf text;
	char *label = NULL;

	buf_init(&text, REPORT_MAX_KEYS * KEY_MAX_COLUMNS * (CELL_MAX + 1));
	for (size_t k = 0; k < c->keys->n; k++) {
		const struct report_key *key = &c->keys->key[k];
		struct key_column column[KEY_MAX_COLUMNS];
		union table_cell cell[KEY_MAX_COLUMNS];
		struct key_text scratch;
		size_t n = report_key_columns(key, true, column);

		report_key_cells(key, true, choice->key[k], &choice->exporter,
		    &scratch, cell);
		for (size_t j = 0; j < n; j++)
			put_cell(&text, &column[j].table, cell[j]);
	}
	label = xstrdup(buf_str(&text));
	buf_release(&text);
	return label;
}

/* ---- picking ---- */

struct picker {
	const struct choices *choices;
	struct key_reader *reader;
	uint64_t *exporter; /* number by position in the scan */
	size_t n_exporters, cap_exporters;
};

struct picker *
picker_new(const struct choices *c)
{
	struct picker *p = xcalloc(1, sizeof *p);

	p->choices = c;
	p->reader = key_reader_new(c->keys);
	return p;
}

void
picker_free(struct picker *p)
{
	if (p == NULL)
		return;
	key_reader_free(p->reader);
	free(p->exporter);
	free(p);
}

static void
learn_exporters(struct picker *p, const struct batch *b)
{
	while (p->n_exporters < b->n_exporters) {
		p->exporter = xgrow(p->exporter, p->n_exporters,
		    &p->cap_exporters, sizeof *p->exporter);
		p->exporter[p->n_exporters] = number_of_exporter(
		    p->choices, &b->exporters[p->n_exporters]);
		p->n_exporters++;
	}
}

void
picker_pick(struct picker *p, const struct batch *b, uint32_t *number)
{
	const struct choices *c = p->choices;
	const int64_t *number_of[REPORT_MAX_KEYS];
	uint64_t key[REPORT_MAX_KEYS];

	learn_exporters(p, b);
	for (size_t k = 0; k < c->keys->n; k++)
		number_of[k] = key_reader_get(p->reader, k, b, 0);
	for (size_t i = 0; i < b->n; i++) {
		uint32_t slot;

		for (size_t k = 0; k < c->keys->n; k++) {
			int64_t v = number_of[k][i];

			key[k] =
			    is_exporter(c, k) ? p->exporter[v] : (uint64_t)v;
		}
		slot = *find_slot(c, key);
		number[i] = slot == 0 ? (uint32_t)c->n : slot - 1;
	}
}
