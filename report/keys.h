/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_KEYS_H
#define WEIR_REPORT_KEYS_H
/*
 * What flows can be grouped by: the keys of reports, of graphs that split. A
 * key is a number of each flow, and how that number is written; adding one is
 * adding a row in keys.c.
 *
 * Some keys are of either end: a flow has such a number at its source and one
 * at its destination, and is counted under both, once if all keys are the same
 * there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/geo.h"
#include "report/table.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct addr;
struct batch;
struct buf;
struct key_kind;

enum {
	REPORT_MAX_KEYS = 16, /* and KEYS_MAX_BITS together */
	KEYS_MAX_BITS = 256,
	KEY_NAME_LEN = 20,
	KEY_MAX_COLUMNS = 2, /* that one key is shown in */
	KEY_ZONE_LEN = 64,
};

struct report_key {
	const struct key_kind *kind;
	unsigned what;           /* how the number is made: see keys.c */
	unsigned bits;           /* that it takes: 8, 16, 32 or 64 */
	unsigned len;            /* of a net */
	char name[KEY_NAME_LEN]; /* as typed */
};

struct report_keys {
	struct report_key key[REPORT_MAX_KEYS];
	size_t n;
	/* Set by report_keys_settle. */
	char zone[KEY_ZONE_LEN]; /* whose hours and days */
	const struct geo *geo;   /* borrowed; NULL: no countries */
};

/* Add keys as typed, with commas between them. ERR_USAGE: one is unknown, or
 * there twice, or they are too many. */
int report_keys_add(
    struct report_keys *to, const char *list, struct err *err) MUST_CHECK;

/* After the last one: hours and days are those of this thread's zone. */
void report_keys_settle(struct report_keys *keys, const struct geo *geo);

/* What a key is; of several keys, whether any is. */
enum key_flags {
	KEY_ADDRESS = 1u << 0,      /* nets of it are keys as well */
	KEY_SOURCE = 1u << 1,       /* the source, or a part of it */
	KEY_DESTINATION = 1u << 2,  /* the destination */
	KEY_EITHER_END = 1u << 3,   /* both of them */
	KEY_CONVERSATION = 1u << 4, /* what goes there and back */
	KEY_TIME = 1u << 5,         /* a bin of time */
	KEY_SIZE = 1u << 6,         /* a bin of anything else */
	KEY_COUNTRY = 1u << 7,      /* it needs a file of countries */
};

bool report_key_is(const struct report_key *key, unsigned flags);
bool report_keys_have(const struct report_keys *keys, unsigned flags);
bool report_key_is_exporter(const struct report_key *key);
bool report_key_is_protocol(const struct report_key *key);

/* The flow columns that keys are made of. */
flow_column_set report_keys_need(const struct report_keys *keys);

/* "src,dst/16" */
void report_keys_put(const struct report_keys *keys, struct buf *text);

/* Names of all keys, blank between them; and a line for each. */
void report_keys_list(struct buf *text);
void report_keys_help(struct buf *text);

/* ERR_USAGE: "complaint: keys are ...". */
int report_keys_refuse(struct err *err, const char *complaint);

/* ---- numbers ---- */

struct key_reader; /* of one thread */

struct key_reader *key_reader_new(const struct report_keys *keys); /* borrowed
								    */
void key_reader_free(struct key_reader *r); /* accepts NULL */

/*
 * The numbers of the flows of b in key k, seen from the source (end 0) or the
 * destination (end 1), which differ for keys of either end alone. Borrowed
 * until the key is asked for again. Of the exporter, its position.
 */
const int64_t *key_reader_get(
    struct key_reader *r, size_t k, const struct batch *b, unsigned end);

/* ---- how they are shown ---- */

/* The name of what a column shows is that of a stored column. */
struct key_column {
	struct table_column table;
	bool has_name;
	enum flow_column named;
	struct table_column name; /* if it has */
};

/* How many columns key is shown in. */
size_t report_key_columns(const struct report_key *key, bool for_people,
    struct key_column column[KEY_MAX_COLUMNS]);

/* What cells of those columns point into. */
struct key_text {
	char text[GEO_TEXT_LEN];
};

/* The cells of a number; exporter is the address where the key is that. */
void report_key_cells(const struct report_key *key, bool for_people,
    uint64_t number, const struct addr *exporter, struct key_text *text,
    union table_cell cell[KEY_MAX_COLUMNS]);

/* The number that a column shows, for its name. */
uint64_t report_key_part(
    const struct report_key *key, size_t column, uint64_t number);

#endif
