/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TABLE_H
#define WEIR_REPORT_TABLE_H
/*
 * The one model of what commands answer, a table, and its writers. Rows pass
 * through one at a time, so a listing of any length needs no memory. A format
 * is one file with one struct out_format, and one row in table.c. Escaping is
 * the writers' business, so cells hold values, never text made for a format.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"
#include "schema/flow.h"

struct addr;
struct buf;
struct picture_style;
struct sink;

/* What numbers of a column count, for people: units=. */
enum table_quantity {
	QUANTITY_NONE, /* as it is */
	QUANTITY_OCTETS,
	QUANTITY_BITS_PER_S,
	QUANTITY_PACKETS_PER_S,
};

struct table_column {
	const char *name;     /* in CSV and JSON; of VALUE_FLAGS, VALUE_QUIRKS
				 the number: letters go by name_text */
	const char *heading;  /* for people */
	const char *unit;     /* behind the heading; NULL: none */
	enum value_kind kind; /* tells which field of a cell is set */
	bool is_count;        /* something to add up: thousands separators, a
				 place in the totals */
	bool right;           /* VALUE_TEXT: aligned as numbers are */
	uint8_t drop;         /* a narrow terminal leaves the highest out first;
				 0: never */
	enum table_quantity quantity;
	/* For people: part of the column before it, behind this text, such as
	 * the port in 10.0.0.1:443. Nothing there, nothing is joined. */
	const char *join;
	/* For people: the name behind a VALUE_NUMBER, or NULL. */
	const char *(*label)(uint64_t number);
	/* For links: the filter word that takes its values, and what sort=
	 * calls it; NULL: none. */
	const char *word, *sort;
	bool either_end; /* of the word */
};

union table_cell {
	uint64_t number; /* VALUE_NUMBER, VALUE_IP4, VALUE_FLAGS, VALUE_QUIRKS;
			    VALUE_PREFIX:      address << 8 | length;
			    VALUE_SHARE: hundredths of a      per cent;
			    VALUE_DURATION: milliseconds */
	int64_t time_ms; /* VALUE_TIME */
	int64_t difference; /* VALUE_SIGNED */
	double real;        /* VALUE_REAL */
	const char *text;   /* VALUE_TEXT: any bytes, NULL: there is nothing;
			       borrowed for the call */
	const struct addr *addr; /* VALUE_EXPORTER; borrowed for the call */
	const struct table_value *any; /* VALUE_ANY; borrowed for the call */
};

/* A value that brings its kind along, which is never VALUE_ANY. */
struct table_value {
	enum value_kind kind;
	union table_cell cell;
};

/* What a cell of col is: VALUE_ANY is looked into, text that is not there is
 * VALUE_NULL. */
struct table_value table_value(
    const struct table_column *col, union table_cell cell);

struct table_head {
	const struct table_column *column; /* borrowed until out_end */
	size_t n_columns;
	size_t n_keys; /* columns that tell rows apart: the first ones, with
			  what is joined to them */
	size_t parts;  /* the column whose numbers a picture shows as parts of
			  their total; pictures are of reports alone */
	/* JSON: an object of that name with span, rows and totals; NULL: just
	 * an array of rows. */
	const char *name;
	bool has_from, has_to; /* else null */
	int64_t from_ms, to_ms;
	const char *caption; /* for people: lines above, borrowed as well */
	bool tight;          /* for people: one blank between columns */
	const char *rows;    /* what a row is, "flows", where their number is
				worth telling; NULL: it is not */
};

/* A value beside the table, for programs: a member of JSON's object. */
struct table_extra {
	const char *name;
	enum value_kind kind;
	union table_cell cell; /* VALUE_TEXT: NULL is null */
};

/* One object of JSON, a line. */
void json_object(const struct table_extra *member, size_t n, struct buf *out);

struct table_foot {
	const union table_cell *total; /* of count columns; NULL: none */
	uint64_t matched;              /* rows there are, shown or not */
	const char *note;              /* for people: lines below */
	const struct table_extra *extra;
	size_t n_extra;
};

/* How people get octets and rates. */
enum out_units {
	UNITS_PLAIN,
	UNITS_SI,     /* 1 kB is 1000 B */
	UNITS_BINARY, /* 1 KiB is 1024 B; rates in bits stay decimal */
};

/* How it looks for people: all zero for a file or another program. */
struct out_style {
	bool bold;    /* headings stand out by colour */
	bool grouped; /* 1,208 */
	bool bars;    /* shares are drawn as well, in UTF-8 */
	enum out_units units;
	size_t width; /* characters in a line; 0: no end */
	/* HTML: the URL of the question, "/report?keys=src&from=-1h"; values
	 * link to it narrowed by them, headings to it sorted. NULL: no links.
	 * Borrowed. */
	const char *link;
	bool link_hides; /* a saved filter in it may have the same words */
	const struct picture_style *picture; /* of pictures; borrowed */
};

/* One writer at work. */
struct out {
	const struct out_format *format;
	struct sink *sink; /* keeps the failures: see sink_check */
	struct out_style style;
	struct table_head head;
	size_t *width;   /* by column: characters, at least */
	uint64_t n_rows; /* written */
	void *state;     /* the format's own */
	int rc;          /* of a picture that could not be made */
	struct err err;  /* why */
};

struct out_format {
	const char *name;
	void (*begin)(struct out *o);
	void (*row)(struct out *o, const union table_cell *cell);
	void (*end)(struct out *o, const struct table_foot *foot);
	void (*release)(struct out *o); /* state, after end or without it */
	/* Characters that column i and what is joined to it take in a row;
	 * NULL: nothing is aligned. */
	size_t (*measure)(
	    struct out *o, size_t i, const union table_cell *cell);
};

extern const struct out_format out_text, out_csv, out_json, out_ndjson,
    out_html, out_fragment;

/* Pictures, not among the formats of all tables. */
extern const struct out_format out_png, out_svg;

/* By name; NULL when there is none. */
const struct out_format *out_format_find(const char *name);
void out_format_list(struct buf *names); /* blank between them */

/* For the file that fd is, and the environment. */
struct out_style out_style_for(int fd);

void out_init(struct out *o, const struct out_format *format, struct sink *sink,
    const struct out_style *style);

/*
 * In this order: out_begin, out_measure for some or all rows (so that what is
 * for people is aligned from the first row on), out_row, out_end.
 */
void out_begin(struct out *o, const struct table_head *head);
void out_measure(struct out *o, const union table_cell *cell);
void out_measure_total(struct out *o, const union table_cell *total);
void out_row(struct out *o, const union table_cell *cell);
void out_end(struct out *o, const struct table_foot *foot);
void out_release(struct out *o); /* accepts a zeroed struct */

/* n for a caption or note, as style wants it. */
void out_count(struct buf *text, const struct out_style *style, uint64_t n);

/* part of total in hundredths of a per cent, rounded; 0 of nothing. */
uint64_t table_share(uint64_t part, uint64_t total);

#endif
