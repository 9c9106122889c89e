/* SPDX-License-Identifier: ISC */
/*
 * weir report loss: the minutes in the shards, summed by exporter and engine.
 * How loss is known is collector/sequence.h's business.
 */
#include "report/loss.h"

#include <stdlib.h>

#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/minute.h"
#include "schema/shard.h"
#include "schema/store.h"

enum { TEXT_MAX = 4096 }; /* bytes of a caption or note */

static const struct table_column columns[] = {
    {.name = "exporter", .heading = "Exporter", .kind = VALUE_TEXT},
    {.name = "engine_type", .heading = "Type", .kind = VALUE_NUMBER},
    {.name = "engine_id", .heading = "Engine", .kind = VALUE_NUMBER},
    {.name = "datagrams",
	.heading = "Datagrams",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 7},
    {.name = "flows",
	.heading = "Flows",
	.kind = VALUE_NUMBER,
	.is_count = true},
    {.name = "lost", .heading = "Lost", .kind = VALUE_NUMBER, .is_count = true},
    {.name = "lost_share",
	.heading = "Lost",
	.unit = "%",
	.kind = VALUE_SHARE,
	.is_count = true},
    {.name = "late",
	.heading = "Late",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 5},
    {.name = "duplicates",
	.heading = "Dup",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 4},
    {.name = "duplicate_flows",
	.heading = "Dup flows",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 6},
    {.name = "restarts",
	.heading = "Restarts",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 3},
    {.name = "malformed",
	.heading = "Malformed",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 2},
    {.name = "foreign",
	.heading = "Foreign",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 1},
    {.name = "refused",
	.heading = "Refused",
	.kind = VALUE_NUMBER,
	.is_count = true,
	.drop = 1},
    {.name = "last_ms", .heading = "Last seen", .kind = VALUE_TIME, .drop = 8},
};

enum { N_KEYS = 3, N_COLUMNS = ARRAY_LEN(columns) };

/* name must outlive the cells. */
static void
fill_row(
    const struct minute *m, const char *name, union table_cell cell[N_COLUMNS])
{
	uint64_t lost = minute_count(m->lost);

	cell[0].text = name;
	cell[1].number = m->engine_type;
	cell[2].number = m->engine_id;
	cell[3].number = m->datagrams;
	cell[4].number = m->flows;
	cell[5].number = lost;
	cell[6].number = table_share(lost, minute_sent(m));
	cell[7].number = minute_count(m->late);
	cell[8].number = minute_count(m->duplicates);
	cell[9].number = minute_count(m->duplicate_flows);
	cell[10].number = minute_count(m->restarts);
	cell[11].number = m->malformed;
	cell[12].number = m->foreign;
	cell[13].number = m->refused;
	cell[14].time_ms = m->last_ms;
}

static struct minute
total_of(const struct minute_sums *sums)
{
	struct minute t = {0};

	for (size_t i = 0; i < sums->n; i++) {
		const struct minute *m = &sums->source[i];

		t.datagrams += m->datagrams;
		t.flows += m->flows;
		t.lost += m->lost;
		t.late += m->late;
		t.duplicates += m->duplicates;
		t.duplicate_flows += m->duplicate_flows;
		t.restarts += m->restarts;
		t.malformed += m->malformed;
		t.foreign += m->foreign;
		t.refused += m->refused;
	}
	return t;
}

/* ---- reading ---- */

/* Whole minutes: the one that from= lies in counts. */
static int64_t
first_minute(const struct request *r)
{
	return r->filter.has_from ? minute_start(r->filter.from_ms) : INT64_MIN;
}

static int
read_shard(const char *path, int64_t from_ms, int64_t to_ms,
    struct minute_sums *sums, struct err *err)
{
	struct shard *s = NULL;
	int rc = shard_open_read(&s, path, err);

	if (rc == 0 && (rc = shard_begin_read(s, err)) == 0) {
		rc = minute_sums_add(
		    sums, shard_db(s), shard_version(s), from_ms, to_ms, err);
		shard_end_read(s);
	}
	shard_close(s);
	return rc;
}

/* A shard holds the minutes of its own day alone. */
static int
read_store(const struct request *r, struct minute_sums *sums, struct err *err)
{
	int64_t from_ms = first_minute(r);
	int64_t to_ms = r->filter.has_to ? r->filter.to_ms : INT64_MAX;
	struct store_list list;
	int rc = store_list(&list, r->dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list.n && rc == 0; i++) {
		int64_t day_ms = (int64_t)list.shard[i].day * MS_PER_DAY;

		if (day_ms + MS_PER_DAY > from_ms && day_ms < to_ms)
			rc = read_shard(
			    list.shard[i].path, from_ms, to_ms, sums, err);
	}
	store_list_release(&list);
	return rc;
}

/* ---- the answer ---- */

static void
put_refused(struct buf *text, const struct out_style *style,
    const struct collector_minute *c)
{
	const char *before = "refused: ";

	for (int k = 0; k < N_MINUTE_REFUSED; k++) {
		if (c->refused[k] == 0)
			continue;
		buf_puts(text, before);
		out_count(text, style, c->refused[k]);
		buf_printf(
		    text, " %s", minute_refused_name((enum minute_refused)k));
		before = ", ";
	}
	if (before[0] == ',')
		buf_puts(text, "\n");
}

static void
make_note(const struct request *r, const struct minute_sums *sums,
    const struct out_style *style, struct buf *text)
{
	const struct collector_minute *c = &sums->collector;

	if (sums->n == 0)
		buf_printf(
		    text, "nothing was received, as far as %s knows\n", r->dir);
	buf_puts(text, "dropped by the kernel: ");
	request_plural(text, style, c->kernel_dropped, "datagram");
	buf_puts(text, "; queue full: ");
	request_plural(text, style, c->queue_dropped_flows, "flow");
	buf_puts(text, " in ");
	request_plural(text, style, c->queue_dropped_datagrams, "datagram");
	buf_puts(text, "\n");
	put_refused(text, style, c);
}

static void
write_rows(const struct minute_sums *sums, struct out *out)
{
	char name[MINUTE_NAME_LEN];
	union table_cell cell[N_COLUMNS];

	for (size_t i = 0; i < sums->n; i++) {
		minute_exporter_name(&sums->source[i].exporter, name);
		fill_row(&sums->source[i], name, cell);
		out_measure(out, cell);
	}
	for (size_t i = 0; i < sums->n && out->sink->failed == 0; i++) {
		minute_exporter_name(&sums->source[i].exporter, name);
		fill_row(&sums->source[i], name, cell);
		out_row(out, cell);
	}
}

static void
write_table(
    const struct request *r, const struct minute_sums *sums, struct out *out)
{
	const struct minute sum = total_of(sums);
	union table_cell total[N_COLUMNS] = {0};
	struct table_head head = {
	    .column = columns,
	    .n_columns = N_COLUMNS,
	    .n_keys = N_KEYS,
	    .name = "report",
	};
	const struct collector_minute *c = &sums->collector;
	const struct table_extra extra[] = {
	    {"kernel_dropped_datagrams", VALUE_NUMBER, {c->kernel_dropped}},
	    {"queue_dropped_datagrams", VALUE_NUMBER,
		{c->queue_dropped_datagrams}},
	    {"queue_dropped_flows", VALUE_NUMBER, {c->queue_dropped_flows}},
	};
	struct table_foot foot = {
	    .total = total,
	    .matched = sums->n,
	    .extra = extra,
	    .n_extra = ARRAY_LEN(extra),
	};
	struct buf caption, note;

	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	fill_row(&sum, "", total);
	request_span(r, NULL, &head);
	buf_puts(&caption, "report loss\n");
	request_caption(r, &head, &caption);
	head.caption = buf_str(&caption);
	out_begin(out, &head);
	out_measure_total(out, total);
	write_rows(sums, out);
	make_note(r, sums, &out->style, &note);
	foot.note = buf_str(&note);
	out_end(out, &foot);
	buf_release(&caption);
	buf_release(&note);
}

int
loss_run(const struct request *r, struct err *err)
{
	struct minute_sums sums = {0};
	struct sink *sink;
	struct out out;
	int rc;

	if ((rc = read_store(r, &sums, err)) == 0 &&
	    (rc = request_open(r, &sink, &out, err)) == 0) {
		write_table(r, &sums, &out);
		out_release(&out);
		rc = sink_close(sink, err);
	}
	minute_sums_release(&sums);
	return rc;
}
