/* SPDX-License-Identifier: ISC */
/* A plan as a table: see explain_table.h. */
#include "report/explain_table.h"

#include <stdio.h>
#include <string.h>

#include "query/explain.h"
#include "query/scan.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"

enum { NOTE_MAX = 1 << 22, FILTER_MAX = 1 << 20, SEGMENTS_LEN = 24 };

enum {
	COLUMN_DAY,
	COLUMN_SEGMENTS,
	COLUMN_FLOWS,
	COLUMN_HOW,
	COLUMN_WHY,
	COLUMN_ROWS,
	COLUMN_SQL, /* from here on not for people: too long for a table */
	COLUMN_BINDS,
	N_COLUMNS,
};

static const struct table_column columns[N_COLUMNS] = {
    [COLUMN_DAY] = {.name = "day", .heading = "Day", .kind = VALUE_TEXT},
    [COLUMN_SEGMENTS] = {.name = "segments",
	.heading = "Segments",
	.kind = VALUE_TEXT},
    [COLUMN_FLOWS] = {.name = "flows",
	.heading = "Flows",
	.kind = VALUE_NUMBER,
	.is_count = true},
    [COLUMN_HOW] = {.name = "how", .heading = "Read", .kind = VALUE_TEXT},
    [COLUMN_WHY] = {.name = "why", .heading = "Because", .kind = VALUE_TEXT},
    [COLUMN_ROWS] = {.name = "rows",
	.heading = "Rows",
	.kind = VALUE_NUMBER,
	.is_count = true},
    [COLUMN_SQL] = {.name = "sql", .heading = "SQL", .kind = VALUE_TEXT},
    [COLUMN_BINDS] = {.name = "binds",
	.heading = "Parameters",
	.kind = VALUE_TEXT},
};

static void
name_segments(const struct explain_row *row, char out[SEGMENTS_LEN])
{
	if (row->first == 0)
		snprintf(out, SEGMENTS_LEN, "all");
	else if (row->first == row->last)
		snprintf(out, SEGMENTS_LEN, "%u", row->first);
	else
		snprintf(out, SEGMENTS_LEN, "%u-%u", row->first, row->last);
}

/* put is out_measure or out_row. */
static void
put_row(struct out *out, const struct explain_row *row,
    void (*put)(struct out *o, const union table_cell *cell))
{
	char day[CLOCK_DAY_LEN], segments[SEGMENTS_LEN];
	const union table_cell cell[N_COLUMNS] = {
	    [COLUMN_DAY] = {.text = day},
	    [COLUMN_SEGMENTS] = {.text = segments},
	    [COLUMN_FLOWS] = {.number = row->n_flows},
	    [COLUMN_HOW] = {.text = row->is_read ? row->how : "not at all"},
	    [COLUMN_WHY] = {.text = row->why},
	    [COLUMN_ROWS] = {.number = row->n_rows},
	    [COLUMN_SQL] = {.text = row->sql},
	    [COLUMN_BINDS] = {.text = row->binds},
	};

	clock_format_day(row->day, day);
	name_segments(row, segments);
	put(out, cell);
}

static void
put_statements(const struct explain *e, struct buf *note)
{
	for (size_t i = 0; i < e->n_rows; i++) {
		const struct explain_row *row = &e->row[i];
		char day[CLOCK_DAY_LEN], segments[SEGMENTS_LEN];

		if (!row->is_read)
			continue;
		clock_format_day(row->day, day);
		name_segments(row, segments);
		buf_printf(note, "\n%s, %s:\n  %s\n", day, segments, row->sql);
		if (row->binds[0] != '\0')
			buf_printf(note, "  %s\n", row->binds);
	}
}

static void
make_note(
    const struct out_style *style, const struct explain *e, struct buf *note)
{
	request_plural(note, style, e->n_shards, "shard");
	buf_puts(note, " opened, ");
	out_count(note, style, e->n_shards_pruned);
	buf_puts(note, " left out; ");
	request_plural(note, style, e->n_segments, "segment");
	buf_puts(note, " to read, ");
	out_count(note, style, e->n_segments_pruned);
	buf_puts(note, " left out; ");
	request_plural(note, style, e->n_expected, "row");
	buf_puts(note, " to look at, about\n");
	put_statements(e, note);
}

static void
write_table(struct out *out, const struct request *r, const struct explain *e)
{
	struct buf filter, caption, note;
	bool people = request_is_for_people(r);
	struct table_head head = {
	    .column = columns,
	    .n_columns = people ? COLUMN_SQL : N_COLUMNS,
	    .n_keys = COLUMN_FLOWS,
	    .name = "explain",
	};
	struct table_foot foot = {.matched = e->n_rows, .n_extra = 1};
	struct table_extra extra = {.name = "filter", .kind = VALUE_TEXT};

	buf_init(&filter, FILTER_MAX);
	buf_init(&caption, FILTER_MAX);
	buf_init(&note, NOTE_MAX);
	filter_print(&r->filter, &filter);
	request_span(r, NULL, &head);
	buf_puts(&caption, "explain\n");
	request_caption(r, &head, &caption);
	make_note(&out->style, e, &note);
	head.caption = buf_str(&caption);
	foot.note = buf_str(&note);
	extra.cell.text = buf_str(&filter);
	foot.extra = &extra;
	out_begin(out, &head);
	for (size_t i = 0; i < e->n_rows; i++)
		put_row(out, &e->row[i], out_measure);
	for (size_t i = 0; i < e->n_rows; i++)
		put_row(out, &e->row[i], out_row);
	out_end(out, &foot);
	buf_release(&filter);
	buf_release(&caption);
	buf_release(&note);
}

int
explain_answer(const struct request *r, const struct scan_query *q,
    bool in_order, struct err *err)
{
	struct explain e;
	struct sink *sink;
	struct out out;
	int rc = explain_scan(&e, q, in_order, err);

	if (rc == 0)
		rc = request_open(r, &sink, &out, err);
	if (rc == 0) {
		write_table(&out, r, &e);
		out_release(&out);
		rc = sink_close(sink, err);
	}
	explain_release(&e);
	return rc;
}
