/* SPDX-License-Identifier: ISC */
/* Minutes in shards, and their sums: see minute.h. */
#include "schema/minute.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "sql.h"

static const char *const refused_names[N_MINUTE_REFUSED] = {
    [REFUSED_SHORT] = "too short",
    [REFUSED_COUNT] = "record count",
    [REFUSED_NETFLOW1] = "NetFlow v1",
    [REFUSED_NETFLOW7] = "NetFlow v7",
    [REFUSED_NETFLOW8] = "NetFlow v8",
    [REFUSED_NETFLOW9] = "NetFlow v9",
    [REFUSED_IPFIX] = "IPFIX",
    [REFUSED_SFLOW5] = "sFlow v5",
    [REFUSED_UNKNOWN] = "of unknown kind",
    [REFUSED_NOT_CONFIGURED] = "of exporters not configured",
    [REFUSED_NO_ROOM] = "of exporters past the maximum",
};

const char *
minute_refused_name(enum minute_refused kind)
{
	return refused_names[kind];
}

int64_t
minute_start(int64_t ms)
{
	int64_t rest = ms % MS_PER_MINUTE;

	return ms - (rest < 0 ? rest + MS_PER_MINUTE : rest);
}

int64_t
minute_row_ms(const struct minute_row *row)
{
	switch (row->kind) {
	case MINUTE_OF_SOURCE: return row->source.minute_ms;
	case MINUTE_OF_COLLECTOR: return row->collector.minute_ms;
	default: return row->relay.minute_ms;
	}
}

const char *
minute_insert_sql(enum minute_kind kind)
{
	static const char *const sql[N_MINUTE_KINDS] = {
	    [MINUTE_OF_SOURCE] = sql_add_minute,
	    [MINUTE_OF_COLLECTOR] = sql_add_collector_minute,
	    [MINUTE_OF_RELAY] = sql_add_relay_minute,
	};

	return sql[kind];
}

void
minute_exporter_name(const struct addr *a, char out[MINUTE_NAME_LEN])
{
	if (a->family == 0)
		snprintf(out, MINUTE_NAME_LEN, "others");
	else
		addr_format(a, out);
}

uint64_t
minute_count(int64_t n)
{
	return n > 0 ? (uint64_t)n : 0;
}

uint64_t
minute_sent(const struct minute *m)
{
	return minute_count((int64_t)m->flows - m->duplicate_flows + m->lost);
}

/* ---- into a shard ---- */

static void
bind_source(struct stmt *s, const struct minute *m)
{
	char name[MINUTE_NAME_LEN];

	minute_exporter_name(&m->exporter, name);
	stmt_bind_int(s, ":minute_ms", m->minute_ms);
	stmt_bind_text(s, ":exporter", name);
	stmt_bind_int(s, ":engine_type", m->engine_type);
	stmt_bind_int(s, ":engine_id", m->engine_id);
	stmt_bind_int(s, ":datagrams", (int64_t)m->datagrams);
	stmt_bind_int(s, ":flows", (int64_t)m->flows);
	stmt_bind_int(s, ":packets", (int64_t)m->packets);
	stmt_bind_int(s, ":octets", (int64_t)m->octets);
	stmt_bind_int(s, ":padded", (int64_t)m->padded);
	stmt_bind_int(s, ":lost", m->lost);
	stmt_bind_int(s, ":late", m->late);
	stmt_bind_int(s, ":duplicates", m->duplicates);
	stmt_bind_int(s, ":duplicate_flows", m->duplicate_flows);
	stmt_bind_int(s, ":restarts", m->restarts);
	stmt_bind_int(s, ":malformed", (int64_t)m->malformed);
	stmt_bind_int(s, ":foreign", (int64_t)m->foreign);
	stmt_bind_int(s, ":refused", (int64_t)m->refused);
	stmt_bind_int(s, ":last_ms", m->last_ms);
	stmt_bind_int(s, ":clock_skew_ms", m->clock_skew_ms);
	stmt_bind_int(s, ":uptime_ms", m->uptime_ms);
	stmt_bind_int(s, ":sampling", m->sampling);
}

/* Values in the order of the columns. */
static void
bind_collector(struct stmt *s, const struct collector_minute *m)
{
	int at = 1;

	stmt_set_int(s, at++, m->minute_ms);
	stmt_set_int(s, at++, (int64_t)m->queue_dropped_datagrams);
	stmt_set_int(s, at++, (int64_t)m->queue_dropped_flows);
	stmt_set_int(s, at++, (int64_t)m->kernel_dropped);
	stmt_set_int(s, at++, (int64_t)m->queue_high_water);
	for (int i = 0; i < N_MINUTE_REFUSED; i++)
		stmt_set_int(s, at++, (int64_t)m->refused[i]);
}

static void
bind_relay(struct stmt *s, const struct relay_minute *m)
{
	char target[ENDPOINT_TEXT_LEN];

	endpoint_format(&m->target, target);
	stmt_bind_int(s, ":minute_ms", m->minute_ms);
	stmt_bind_text(s, ":target", target);
	stmt_bind_int(s, ":datagrams", (int64_t)m->datagrams);
	stmt_bind_int(s, ":dropped", (int64_t)m->dropped);
}

void
minute_bind(struct stmt *s, const struct minute_row *row)
{
	if (row->kind == MINUTE_OF_SOURCE)
		bind_source(s, &row->source);
	else if (row->kind == MINUTE_OF_COLLECTOR)
		bind_collector(s, &row->collector);
	else
		bind_relay(s, &row->relay);
}

/* ---- sums ---- */

static int
compare(const void *x, const void *y)
{
	const struct minute *a = x, *b = y;
	int by_address;

	if (a->exporter.family != b->exporter.family)
		return a->exporter.family < b->exporter.family ? -1 : 1;
	by_address = memcmp(
	    a->exporter.bytes, b->exporter.bytes, sizeof a->exporter.bytes);
	if (by_address != 0)
		return by_address;
	if (a->engine_type != b->engine_type)
		return a->engine_type < b->engine_type ? -1 : 1;
	return (a->engine_id > b->engine_id) - (a->engine_id < b->engine_id);
}

static struct minute
read_source(struct stmt *q)
{
	struct minute m = {
	    .engine_type = (uint8_t)stmt_int(q, 1),
	    .engine_id = (uint8_t)stmt_int(q, 2),
	    .datagrams = (uint64_t)stmt_int(q, 3),
	    .flows = (uint64_t)stmt_int(q, 4),
	    .packets = (uint64_t)stmt_int(q, 5),
	    .octets = (uint64_t)stmt_int(q, 6),
	    .padded = (uint64_t)stmt_int(q, 7),
	    .lost = stmt_int(q, 8),
	    .late = stmt_int(q, 9),
	    .duplicates = stmt_int(q, 10),
	    .duplicate_flows = stmt_int(q, 11),
	    .restarts = stmt_int(q, 12),
	    .malformed = (uint64_t)stmt_int(q, 13),
	    .foreign = (uint64_t)stmt_int(q, 14),
	    .refused = (uint64_t)stmt_int(q, 15),
	    .last_ms = stmt_int(q, 16),
	    .clock_skew_ms = stmt_int(q, 17),
	    .uptime_ms = (uint32_t)stmt_int(q, 18),
	    .sampling = (uint16_t)stmt_int(q, 19),
	};

	if (!addr_parse(stmt_text(q, 0), &m.exporter))
		m.exporter = (struct addr){0};
	return m;
}

static void
add_source(struct minute *to, const struct minute *m)
{
	to->datagrams += m->datagrams;
	to->flows += m->flows;
	to->packets += m->packets;
	to->octets += m->octets;
	to->padded += m->padded;
	to->lost += m->lost;
	to->late += m->late;
	to->duplicates += m->duplicates;
	to->duplicate_flows += m->duplicate_flows;
	to->restarts += m->restarts;
	to->malformed += m->malformed;
	to->foreign += m->foreign;
	to->refused += m->refused;
	if (m->datagrams > 0 && m->last_ms >= to->last_ms) {
		to->clock_skew_ms = m->clock_skew_ms;
		to->uptime_ms = m->uptime_ms;
		to->sampling = m->sampling;
	}
	if (m->last_ms > to->last_ms)
		to->last_ms = m->last_ms;
}

/* Sort, and make one of those that are of the same engine. */
static void
fold(struct minute_sums *sums)
{
	size_t n = 0;

	if (sums->n == 0)
		return;
	qsort(sums->source, sums->n, sizeof *sums->source, compare);
	for (size_t i = 1; i < sums->n; i++) {
		if (compare(&sums->source[n], &sums->source[i]) == 0)
			add_source(&sums->source[n], &sums->source[i]);
		else
			sums->source[++n] = sums->source[i];
	}
	sums->n = n + 1;
}

static int
prepare(struct db *shard, const char *sql, int64_t from_ms, int64_t to_ms,
    struct stmt **out, struct err *err)
{
	int rc = db_prepare(shard, sql, out, err);

	if (rc != 0)
		return rc;
	stmt_bind_int(*out, ":from_ms", from_ms);
	stmt_bind_int(*out, ":to_ms", to_ms);
	return 0;
}

static int
add_sources(struct minute_sums *sums, struct db *shard, const char *sql,
    int64_t from_ms, int64_t to_ms, struct err *err)
{
	struct stmt *q = NULL;
	int rc = prepare(shard, sql, from_ms, to_ms, &q, err);

	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		sums->source = xgrow(
		    sums->source, sums->n, &sums->cap, sizeof *sums->source);
		sums->source[sums->n++] = read_source(q);
	}
	stmt_finalize(q);
	fold(sums);
	return rc;
}

static void
read_collector(struct collector_minute *to, struct stmt *q)
{
	uint64_t high = (uint64_t)stmt_int(q, 3);

	to->queue_dropped_datagrams += (uint64_t)stmt_int(q, 0);
	to->queue_dropped_flows += (uint64_t)stmt_int(q, 1);
	to->kernel_dropped += (uint64_t)stmt_int(q, 2);
	if (high > to->queue_high_water)
		to->queue_high_water = high;
	for (int i = 0; i < N_MINUTE_REFUSED; i++)
		to->refused[i] += (uint64_t)stmt_int(q, 4 + i);
}

static int
add_collector(struct minute_sums *sums, struct db *shard, const char *sql,
    int64_t from_ms, int64_t to_ms, struct err *err)
{
	struct stmt *q = NULL;
	int rc = prepare(shard, sql, from_ms, to_ms, &q, err);

	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		read_collector(&sums->collector, q);
		rc = 0;
	}
	stmt_finalize(q);
	return rc;
}

static void
add_relay(struct minute_sums *sums, const struct relay_minute *m)
{
	for (size_t i = 0; i < sums->n_relays; i++)
		if (endpoint_equal(&sums->relay[i].target, &m->target)) {
			sums->relay[i].datagrams += m->datagrams;
			sums->relay[i].dropped += m->dropped;
			return;
		}
	sums->relay =
	    xgrow(sums->relay, sums->n_relays, &sums->cap_relays, sizeof *m);
	sums->relay[sums->n_relays++] = *m;
}

static int
add_relays(struct minute_sums *sums, struct db *shard, int64_t from_ms,
    int64_t to_ms, struct err *err)
{
	struct stmt *q = NULL;
	int rc = prepare(shard, sql_sum_relay_minutes, from_ms, to_ms, &q, err);

	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		struct relay_minute m = {
		    .datagrams = (uint64_t)stmt_int(q, 1),
		    .dropped = (uint64_t)stmt_int(q, 2),
		};

		if (endpoint_parse(stmt_text(q, 0), &m.target))
			add_relay(sums, &m);
	}
	stmt_finalize(q);
	return rc;
}

int
minute_sums_add(struct minute_sums *sums, struct db *shard, int64_t version,
    int64_t from_ms, int64_t to_ms, struct err *err)
{
	bool is_old = version < 3;
	int rc = add_sources(sums, shard,
	    is_old ? sql_sum_minutes_2 : sql_sum_minutes, from_ms, to_ms, err);

	if (rc == 0)
		rc = add_collector(sums, shard,
		    is_old ? sql_sum_collector_minutes_2
			   : sql_sum_collector_minutes,
		    from_ms, to_ms, err);
	if (rc == 0 && !is_old)
		rc = add_relays(sums, shard, from_ms, to_ms, err);
	return rc;
}

static int
ask_whether_any(struct db *shard, bool *has_any, struct err *err)
{
	struct stmt *q = NULL;
	int rc = db_prepare(shard, sql_has_minutes, &q, err);

	if (rc != 0)
		return rc;
	if ((rc = stmt_step(q, err)) == 1) {
		*has_any = stmt_int(q, 0) != 0;
		rc = 0;
	}
	stmt_finalize(q);
	return rc;
}

int
minute_each(struct db *shard, int64_t from_ms, int64_t to_ms,
    void (*fn)(const struct minute_flows *m, void *arg), void *arg,
    bool *has_any, struct err *err)
{
	struct stmt *q = NULL;
	int rc = ask_whether_any(shard, has_any, err);

	if (rc == 0)
		rc = prepare(shard, sql_each_minute, from_ms, to_ms, &q, err);
	if (rc != 0)
		return rc;
	while ((rc = stmt_step(q, err)) == 1) {
		struct minute_flows m = {
		    .minute_ms = stmt_int(q, 0),
		    .received = stmt_int(q, 1),
		    .lost = stmt_int(q, 2),
		};

		fn(&m, arg);
	}
	stmt_finalize(q);
	return rc;
}

void
minute_sums_release(struct minute_sums *sums)
{
	free(sums->source);
	free(sums->relay);
	*sums = (struct minute_sums){0};
}

const struct minute *
minute_sums_find(const struct minute_sums *sums, const struct minute *key)
{
	if (sums->n == 0)
		return NULL;
	return bsearch(
	    key, sums->source, sums->n, sizeof *sums->source, compare);
}
