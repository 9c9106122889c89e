/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PICKER_H
#define WEIR_REPORT_PICKER_H
/*
 * Some values of keys, and which of them each flow of a batch has. A list is
 * made once and only read from then on, by any number of threads, each with a
 * picker of its own.
 */
#include <stddef.h>
#include <stdint.h>

#include "report/keys.h"
#include "schema/base/addr.h"
#include "schema/flow.h"

struct aggregate;
struct batch;

/* The values of one choice. Exporters are told apart by their address: their
 * positions are another scan's. */
struct choice {
	uint64_t key[REPORT_MAX_KEYS];
	struct addr exporter; /* if that is a key */
};

struct choices {
	const struct report_keys *keys; /* borrowed */
	struct choice *choice;          /* owned */
	size_t n;
	uint32_t *slot; /* number + 1 by hash; 0: free; owned */
	size_t n_slots; /* a power of two */
};

/* The n groups of a, by their numbers. */
void choices_init(struct choices *c, const struct report_keys *keys,
    const struct aggregate *a, const uint32_t *group, size_t n);
void choices_release(struct choices *c); /* accepts a zeroed struct */

/* "10.0.0.1 443": the text that people read, free() it. */
char *choice_label(const struct choices *c, size_t i);

struct picker;

struct picker *picker_new(const struct choices *c); /* borrowed */
void picker_free(struct picker *p);                 /* accepts NULL */

/* Keys are of one end each; a picker belongs to the thread that made it. Of the
 * flows of b, which belong to one scan: the number of the choice, n for
 * none. */
void picker_pick(struct picker *p, const struct batch *b, uint32_t *number);

#endif
