/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_COLUMN_H
#define WEIR_REPORT_COLUMN_H
/*
 * What can be told of a flow: one table, which columns=, sort=, the styles of
 * a listing and its help are made from.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/geo.h"
#include "report/table.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct batch;
struct buf;
struct naming;
struct scale;

struct column {
	const char *word; /* as typed, that of the filter if there is one */
	unsigned what;    /* a quantity, or what column.c makes of them */
	const char *heading;
	const char *unit; /* behind the heading; NULL: none */
	uint8_t drop;     /* see table.h */
	unsigned flags;   /* enum column_flags */
	const char *help;
};

enum column_flags {
	COLUMN_ADDS_UP = 1u << 0,       /* has a total */
	COLUMN_LARGEST_FIRST = 1u << 1, /* when sorted without a sign */
};

/* The one that is the name of what a stored column has; NULL: there is none. */
const struct column *column_of_name(enum flow_column stored);

/* Whether it has a value, which others are sorted by; else it is known only of
 * what is shown. */
bool column_has_value(const struct column *c);

/* The flow columns that it is made of. */
flow_column_set column_needs(const struct column *c);

/* Of flow number i; of the exporter, its position. */
int64_t column_value(const struct column *c, const struct batch *b, size_t i);

/*
 * The one of this word, or of its name in CSV (len bytes). NULL with err set:
 * there is none, behind key.
 */
const struct column *column_find(
    const char *key, const char *word, size_t len, struct err *err) MUST_CHECK;

void column_help(struct buf *text); /* a line for each */

/* ---- lists of columns ---- */

enum { COLUMNS_MAX = 64 };

struct columns {
	size_t n;
	const struct column *column[COLUMNS_MAX];
	struct table_column table[COLUMNS_MAX]; /* the same for a table_head */
};

/*
 * Add columns as typed: words, or names as in CSV, with commas between them;
 * two with ":" or "/" between them are one for people ("src:sport"). key is
 * what the list stands behind, for messages. ERR_USAGE: a word that is unknown
 * or too many.
 */
int columns_add(struct columns *to, const char *key, const char *list,
    struct err *err) MUST_CHECK;

/* Add every stored one, in the order of view `flows`. */
void columns_add_stored(struct columns *to);

/* Put the name behind each column that can have one, for people in one. The
 * same error as above. */
int columns_add_names(struct columns *c, struct err *err) MUST_CHECK;

/* Whether any is a name, and whether one that the DNS has to be asked for. */
bool columns_have_names(const struct columns *c);
bool columns_ask(const struct columns *c);

flow_column_set columns_need(const struct columns *c);

/* A flow being shown. */
struct column_row {
	const struct batch *batch;
	size_t i;
	struct naming *naming;                /* NULL: no column is a name */
	const struct scale *scale;            /* that b went through */
	char text[COLUMNS_MAX][GEO_TEXT_LEN]; /* what cells point into */
};

/* Tell naming which names flow i will need. */
void columns_want(const struct columns *c, const struct column_row *row);

/* The cells of flow i, one for each column; until the next call. */
void columns_fill(
    const struct columns *c, struct column_row *row, union table_cell *cell);

#endif
