/* SPDX-License-Identifier: ISC */
/* Tables over all shards: see sql_table.h. */
#include "query/sql_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "query/sql_days.h"
#include "query/sql_flows.h"
#include "query/sql_func.h"
#include "schema/base/attr.h"
#include "schema/flow.h"
#include "sql.h"

/* In the order of enum flow_column, with its names: a test compares. */
static const struct sql_column flows_columns[] = {
    {"exporter", "TEXT", "who sent it: address of the datagram"},
    {"engine_type", "INTEGER", "of the exporter"},
    {"engine_id", "INTEGER", "of the exporter"},
    {"sampling", "INTEGER", "the header's word: mode << 14 | interval"},
    {"src_addr", "INTEGER", "IPv4 address: ip() writes, inet() reads it"},
    {"dst_addr", "INTEGER", "IPv4 address"},
    {"next_hop", "INTEGER", "IPv4 address"},
    {"input_if", "INTEGER", "ifIndex"},
    {"output_if", "INTEGER", "ifIndex"},
    {"packets", "INTEGER", "as sent: not multiplied by the sampling interval"},
    {"octets", "INTEGER", "of layer 3, as sent"},
    {"start_ms", "INTEGER", "first packet, milliseconds since 1970 UTC"},
    {"end_ms", "INTEGER", "last packet, that millisecond included"},
    {"duration_ms", "INTEGER", "end_ms - start_ms"},
    {"src_port", "INTEGER", ""},
    {"dst_port", "INTEGER", "ICMP: type * 256 + code"},
    {"tcp_flags", "INTEGER", "OR of all packets: flags() writes it"},
    {"protocol", "INTEGER", "6 is TCP: proto() names it"},
    {"tos", "INTEGER", "type of service byte"},
    {"src_as", "INTEGER", "autonomous system"},
    {"dst_as", "INTEGER", "autonomous system"},
    {"src_mask", "INTEGER", "prefix length"},
    {"dst_mask", "INTEGER", "prefix length"},
    {"quirks", "INTEGER", "what is odd, a bit each; 0 for a sound flow"},
};
static_assert(ARRAY_LEN(flows_columns) == N_FLOW_COLUMNS, "all of them");

static const struct sql_column text_columns[] = {
    {"exporter", "TEXT", ""},
    {"engine_type", "INTEGER", ""},
    {"engine_id", "INTEGER", ""},
    {"sampling", "INTEGER", ""},
    {"src_addr", "TEXT", "'192.0.2.1'"},
    {"dst_addr", "TEXT", ""},
    {"next_hop", "TEXT", ""},
    {"input_if", "INTEGER", ""},
    {"output_if", "INTEGER", ""},
    {"packets", "INTEGER", ""},
    {"octets", "INTEGER", ""},
    {"start_time", "TEXT", "'2024-03-01T12:00:00.000Z', UTC"},
    {"end_time", "TEXT", ""},
    {"duration_ms", "INTEGER", ""},
    {"src_port", "INTEGER", ""},
    {"dst_port", "INTEGER", ""},
    {"tcp_flags", "TEXT", "'...AP.SF'"},
    {"protocol", "INTEGER", ""},
    {"tos", "INTEGER", ""},
    {"src_as", "INTEGER", ""},
    {"dst_as", "INTEGER", ""},
    {"src_mask", "INTEGER", ""},
    {"dst_mask", "INTEGER", ""},
    {"quirks", "TEXT", "names with + between them"},
};
static_assert(ARRAY_LEN(text_columns) == N_FLOW_COLUMNS, "all of them");

static const struct sql_column minute_columns[] = {
    {"minute_ms", "INTEGER", "start of the minute, milliseconds since 1970"},
    {"exporter", "TEXT", "address, or 'others' past the maximum"},
    {"engine_type", "INTEGER", ""},
    {"engine_id", "INTEGER", ""},
    {"datagrams", "INTEGER", "sound ones that arrived"},
    {"flows", "INTEGER", ""},
    {"packets", "INTEGER", ""},
    {"octets", "INTEGER", ""},
    {"padded", "INTEGER", "datagrams with bytes behind the last record"},
    {"lost", "INTEGER", "flows; below zero takes back an earlier minute's"},
    {"late", "INTEGER", "datagrams"},
    {"duplicates", "INTEGER", "datagrams"},
    {"duplicate_flows", "INTEGER", ""},
    {"restarts", "INTEGER", "times"},
    {"malformed", "INTEGER", "datagrams refused"},
    {"foreign", "INTEGER", "datagrams of other protocols"},
    {"last_ms", "INTEGER", "when the last datagram arrived"},
    {"clock_skew_ms", "INTEGER", "exporter's clock minus ours"},
    {"uptime_ms", "INTEGER", "of the exporter"},
    {"sampling", "INTEGER", "the header's word"},
    {"refused", "INTEGER", "datagrams, for whom they are from"},
};

static const struct sql_column collector_columns[] = {
    {"minute_ms", "INTEGER", "start of the minute, milliseconds since 1970"},
    {"queue_dropped_datagrams", "INTEGER", "the writer was behind"},
    {"queue_dropped_flows", "INTEGER", "in them"},
    {"kernel_dropped", "INTEGER", "datagrams: the sockets' buffers were full"},
    {"queue_high_water", "INTEGER", "chunks waiting, at most"},
    {"malformed_short", "INTEGER", "datagrams"},
    {"malformed_count", "INTEGER", "datagrams"},
    {"netflow1", "INTEGER", "datagrams"},
    {"netflow7", "INTEGER", "datagrams"},
    {"netflow8", "INTEGER", "datagrams"},
    {"netflow9", "INTEGER", "datagrams"},
    {"ipfix", "INTEGER", "datagrams"},
    {"sflow5", "INTEGER", "datagrams"},
    {"unknown", "INTEGER", "datagrams"},
    {"not_configured", "INTEGER", "datagrams, for whom they are from"},
    {"no_room", "INTEGER", "datagrams of more exporters than may be"},
};

static const struct sql_column relay_columns[] = {
    {"minute_ms", "INTEGER", "start of the minute, milliseconds since 1970"},
    {"target", "TEXT", "ADDRESS:PORT"},
    {"datagrams", "INTEGER", "sent"},
    {"dropped", "INTEGER", "datagrams that could not be sent"},
};

static const struct sql_column source_columns[] = {
    {"id", "INTEGER", "within the day"},
    {"exporter", "TEXT", "address the datagrams came from"},
    {"engine_type", "INTEGER", ""},
    {"engine_id", "INTEGER", ""},
    {"sampling", "INTEGER", "the header's word: mode << 14 | interval"},
};

static const struct sql_column segment_columns[] = {
    {"id", "INTEGER", "within the day: table flow_NNNN of the file"},
    {"sealed", "INTEGER", "1: its six indexes are there"},
    {"flows", "INTEGER", ""},
    {"min_start_ms", "INTEGER", "bounds of its flows; NULL without any"},
    {"max_start_ms", "INTEGER", ""},
    {"min_end_ms", "INTEGER", ""},
    {"max_end_ms", "INTEGER", ""},
    {"max_duration_ms", "INTEGER", ""},
};

static const struct sql_column packet_columns[] = {
    {"id", "INTEGER", "within the day, in order of arrival"},
    {"segment_id", "INTEGER", "where its flows are"},
    {"first_flow_id", "INTEGER", ""},
    {"n_flows", "INTEGER", ""},
    {"source_id", "INTEGER", "id in sources, of the same day"},
    {"received_ms", "INTEGER", "our clock"},
    {"unix_secs", "INTEGER", "exporter's clock"},
    {"unix_nsecs", "INTEGER", ""},
    {"uptime_ms", "INTEGER", "of the exporter"},
    {"sequence", "INTEGER", "flow_sequence; NULL: not known"},
};

static const struct sql_column shard_columns[] = {
    {"path", "TEXT", "of the file"},
    {"bytes", "INTEGER", "of the file, without its -wal"},
    {"finished", "INTEGER", "1: the day is over, nothing is added"},
    {"flows", "INTEGER", ""},
    {"segments", "INTEGER", "that hold flows"},
    {"min_start_ms", "INTEGER", "bounds of its flows; NULL without any"},
    {"max_start_ms", "INTEGER", ""},
    {"min_end_ms", "INTEGER", ""},
    {"max_end_ms", "INTEGER", ""},
};

#define COLUMNS(a) .column = (a), .n_columns = ARRAY_LEN(a)

const struct sql_table sql_tables[] = {
    {.name = "flows",
	.module = "weir",
	.comment = "all flows, as they were sent",
	COLUMNS(flows_columns)},
    {.name = "flows_text",
	.module = "weir_text",
	.comment = "the same for people",
	COLUMNS(text_columns)},
    {.name = "minutes",
	.module = "weir_minutes",
	.comment = "what each exporter's engine sent and lost, by the minute",
	COLUMNS(minute_columns),
	.from = "minute",
	.key = "minute_ms, exporter, engine_type, engine_id",
	.by_minute = true},
    {.name = "collector_minutes",
	.module = "weir_collector_minutes",
	.comment = "what the collector dropped or refused, by the minute",
	COLUMNS(collector_columns),
	.from = "collector_minute",
	.key = "minute_ms",
	.by_minute = true},
    {.name = "relay_minutes",
	.module = "weir_relay_minutes",
	.comment = "what was sent on to other collectors, by the minute",
	COLUMNS(relay_columns),
	.from = "relay_minute",
	.key = "minute_ms, target",
	.by_minute = true},
    {.name = "sources",
	.module = "weir_sources",
	.comment = "who exported on each day",
	COLUMNS(source_columns),
	.from = "source",
	.key = "id"},
    {.name = "packets",
	.module = "weir_packets",
	.comment = "the header of each datagram",
	COLUMNS(packet_columns),
	.from = "packet",
	.key = "id"},
    {.name = "segments",
	.module = "weir_segments",
	.comment = "the parts of each day's file",
	COLUMNS(segment_columns),
	.select = sql_shard_segments,
	.key = "id"},
    {.name = "shards",
	.module = "weir_shards",
	.comment = "the files, one for each day of arrival",
	COLUMNS(shard_columns),
	.select = sql_shard_of_file,
	.key = "path",
	.of_file = true},
};
const size_t n_sql_tables = ARRAY_LEN(sql_tables);

const struct sql_view sql_views[] = {
    {"exporters",
	"SELECT exporter, engine_type, engine_id, min(day) AS first_day,\n"
	"    max(day) AS last_day, count(DISTINCT day) AS days\n"
	"FROM sources GROUP BY exporter, engine_type, engine_id",
	"who exported, and since when"},
};
const size_t n_sql_views = ARRAY_LEN(sql_views);

int
sql_table_day(const struct sql_table *t)
{
	return (int)t->n_columns;
}

int
sql_table_dir(const struct sql_table *t)
{
	return (int)t->n_columns + 1;
}

const char *
sql_table_column(const struct sql_table *t, int i)
{
	if (i < (int)t->n_columns)
		return t->column[i].name;
	if (i == sql_table_day(t))
		return "day";
	return i == sql_table_dir(t) ? "dir" : NULL;
}

bool
sql_table_knows(const char *name)
{
	for (size_t i = 0; i < n_sql_tables; i++)
		if (sqlite3_stricmp(sql_tables[i].name, name) == 0)
			return true;
	for (size_t i = 0; i < n_sql_views; i++)
		if (sqlite3_stricmp(sql_views[i].name, name) == 0)
			return true;
	return false;
}

/* ---- into a connection ---- */

int
sql_register(sqlite3 *db, struct sql_env *env)
{
	int rc = sql_func_register(db, env);

	for (size_t i = 0; i < n_sql_tables && rc == SQLITE_OK; i++)
		rc = sql_tables[i].key == NULL
			 ? sql_flows_register(db, &sql_tables[i], env)
			 : sql_days_register(db, &sql_tables[i], env);
	return rc;
}

static int
exec(sqlite3 *db, char *sql)
{
	int rc = sql != NULL ? sqlite3_exec(db, sql, NULL, NULL, NULL)
			     : SQLITE_NOMEM;

	sqlite3_free(sql);
	return rc;
}

int
sql_create_tables(sqlite3 *db, const char *dir)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; i < n_sql_tables && rc == SQLITE_OK; i++)
		rc = exec(db,
		    sqlite3_mprintf("CREATE VIRTUAL TABLE temp.%s USING %s(%Q)",
			sql_tables[i].name, sql_tables[i].module, dir));
	for (size_t i = 0; i < n_sql_views && rc == SQLITE_OK; i++)
		rc = exec(db, sqlite3_mprintf("CREATE TEMP VIEW %s AS %s",
				  sql_views[i].name, sql_views[i].select));
	return rc;
}

/* ---- for people ---- */

static void
describe_column(
    struct buf *out, const char *name, const char *type, const char *comment)
{
	buf_printf(out, "    %s %s,%s%s\n", name, type,
	    comment[0] != '\0' ? " -- " : "", comment);
}

void
sql_describe(struct buf *out)
{
	for (size_t i = 0; i < n_sql_tables; i++) {
		const struct sql_table *t = &sql_tables[i];

		buf_printf(
		    out, "CREATE TABLE %s ( -- %s\n", t->name, t->comment);
		for (size_t k = 0; k < t->n_columns; k++)
			describe_column(out, t->column[k].name,
			    t->column[k].type, t->column[k].comment);
		buf_puts(out,
		    "    day TEXT -- of the file, UTC: '2024-03-01'\n);\n\n");
	}
	for (size_t i = 0; i < n_sql_views; i++)
		buf_printf(out, "CREATE VIEW %s AS -- %s\n%s;\n\n",
		    sql_views[i].name, sql_views[i].comment,
		    sql_views[i].select);
	buf_puts(out, "-- functions, beside SQLite's own:\n");
	for (size_t i = 0; i < n_sql_funcs; i++)
		buf_printf(out, "-- %-32s%s\n", sql_funcs[i].call,
		    sql_funcs[i].comment);
}
