/* SPDX-License-Identifier: ISC */
/*
 * weir status: is something writing, which exporters send, how much of it was
 * lost, what is stored. Reads the shards and the lock; changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/commands.h"
#include "report/interfaces.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/conf.h"
#include "schema/minute.h"
#include "schema/shard.h"
#include "schema/store.h"

enum {
	RATE_MINUTES = 5,
	MS_PER_HOUR = 60 * MS_PER_MINUTE,
	SKEW_WARN_MS = 5000,
	TEXT_MAX = 1 << 20, /* bytes of a caption or note */
	MAX_NAMED = 10,     /* exporters in one line */
};

static const struct table_column columns[] = {
    {.name = "name", .heading = "Name", .kind = VALUE_TEXT},
    {.name = "exporter", .heading = "Exporter", .kind = VALUE_TEXT},
    {.name = "engine_type", .heading = "Type", .kind = VALUE_NUMBER},
    {.name = "engine_id", .heading = "Engine", .kind = VALUE_NUMBER},
    {.name = "last_ms", .heading = "Last seen", .kind = VALUE_TIME},
    /* Hundredths look the same as of a per cent. */
    {.name = "flows_per_s",
	.heading = "Flows/s 5 min",
	.kind = VALUE_SHARE,
	.drop = 2},
    {.name = "lost_hour_share",
	.heading = "Lost 1 h",
	.unit = "%",
	.kind = VALUE_SHARE},
    {.name = "lost_day_share",
	.heading = "Lost 24 h",
	.unit = "%",
	.kind = VALUE_SHARE,
	.drop = 1},
    {.name = "clock_skew_ms",
	.heading = "Clock",
	.unit = "ms",
	.kind = VALUE_SIGNED,
	.drop = 3},
    {.name = "sampling",
	.heading = "Sampling 1:",
	.kind = VALUE_NUMBER,
	.drop = 4},
};

enum { N_KEYS = 4, N_COLUMNS = ARRAY_LEN(columns) };

struct status {
	struct request request;
	int writer_pid; /* 0: none */
	size_t n_shards, n_unreadable;
	struct buf unreadable; /* a line for each */
	uint64_t bytes, flows;
	int32_t oldest_day, newest_day;
	size_t today_sealed, today_live; /* segments */
	/* Of the newest shard and of those of the last day; of spans of it. */
	struct minute_sums all, rate, hour, day;
	int64_t rate_from_ms;
	bool interfaces;     /* asked for, instead of all that */
	size_t first_column; /* 1: no name, for nothing is configured */
};

/* ---- reading ---- */

static int
add_spans(struct status *s, struct shard *shard, struct err *err)
{
	struct db *db = shard_db(shard);
	int64_t version = shard_version(shard);
	int64_t now_ms = s->request.now_ms;
	int64_t hour_ms = now_ms - MS_PER_HOUR, day_ms = now_ms - MS_PER_DAY;
	int rc;

	if ((rc = minute_sums_add(
		 &s->all, db, version, INT64_MIN, INT64_MAX, err)) != 0 ||
	    (rc = minute_sums_add(&s->rate, db, version, s->rate_from_ms,
		 INT64_MAX, err)) != 0 ||
	    (rc = minute_sums_add(
		 &s->hour, db, version, hour_ms, INT64_MAX, err)) != 0)
		return rc;
	return minute_sums_add(&s->day, db, version, day_ms, INT64_MAX, err);
}

static void
add_segments(struct status *s, const struct shard *shard, bool is_today)
{
	size_t n;
	const struct segment *g = shard_segments(shard, &n);

	for (size_t i = 0; i < n; i++) {
		s->flows += g[i].n_flows;
		if (!is_today)
			continue;
		if (g[i].sealed)
			s->today_sealed++;
		else
			s->today_live++;
	}
}

static int
read_shard(struct status *s, const struct store_shard *at, bool recent,
    struct err *err)
{
	struct shard *shard = NULL;
	int rc = shard_open_read(&shard, at->path, err);

	if (rc == 0 && (rc = shard_begin_read(shard, err)) == 0) {
		add_segments(s, shard, at->day == clock_day(s->request.now_ms));
		if (recent)
			rc = add_spans(s, shard, err);
		shard_end_read(shard);
	}
	shard_close(shard);
	return rc;
}

static void
add_bytes(struct status *s, const char *path)
{
	static const char *const ends[] = {"", "-wal"};
	struct stat st;

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *name = xasprintf("%s%s", path, ends[i]);

		if (stat(name, &st) == 0)
			s->bytes += (uint64_t)st.st_size;
		free(name);
	}
}

/* A shard that cannot be read is told, and the others are read. */
static int
read_store(struct status *s, struct err *err)
{
	int32_t since = clock_day(s->request.now_ms - MS_PER_DAY);
	struct store_list list;
	struct err of_shard;
	int rc;

	if ((rc = store_list(&list, s->request.dir, err)) != 0)
		return rc;
	s->writer_pid = store_writer(s->request.dir);
	s->n_shards = list.n;
	for (size_t i = 0; i < list.n; i++) {
		const struct store_shard *at = &list.shard[i];

		if (i == 0)
			s->oldest_day = at->day;
		s->newest_day = at->day;
		add_bytes(s, at->path);
		if (read_shard(s, at, at->day >= since || i + 1 == list.n,
			&of_shard) == 0)
			continue;
		s->n_unreadable++;
		buf_printf(&s->unreadable, "warning: %s\n", of_shard.text);
	}
	store_list_release(&list);
	return 0;
}

/* ---- the answer ---- */

static uint64_t
lost_share(const struct minute_sums *sums, const struct minute *key)
{
	const struct minute *m = minute_sums_find(sums, key);

	return m == NULL ? 0
			 : table_share(minute_count(m->lost), minute_sent(m));
}

/* Hundredths. */
static uint64_t
flow_rate(const struct status *s, const struct minute *key)
{
	const struct minute *m = minute_sums_find(&s->rate, key);
	uint64_t span_ms = (uint64_t)(s->request.now_ms - s->rate_from_ms);

	return m == NULL ? 0 : (m->flows * 100000 + span_ms / 2) / span_ms;
}

/* Who was only refused is told below the table. */
static bool
has_row(const struct minute *m)
{
	return m->datagrams + m->malformed + m->foreign > 0;
}

static size_t
count_rows(const struct status *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->all.n; i++)
		n += has_row(&s->all.source[i]);
	return n;
}

/* The interval, as configured for now, or as the exporter says. */
static uint64_t
sampling_of(const struct status *s, const struct minute *m)
{
	uint32_t configured =
	    conf_sampling(s->request.conf, &m->exporter, s->request.now_ms);

	return configured != 0 ? configured : m->sampling & 0x3fff;
}

static void
write_rows(const struct status *s, struct out *out)
{
	char name[MINUTE_NAME_LEN];
	union table_cell cell[N_COLUMNS];

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < s->all.n; i++) {
			const struct minute *m = &s->all.source[i];

			if (!has_row(m))
				continue;
			minute_exporter_name(&m->exporter, name);
			cell[0].text =
			    conf_exporter_name(s->request.conf, &m->exporter);
			cell[1].text = name;
			cell[2].number = m->engine_type;
			cell[3].number = m->engine_id;
			cell[4].time_ms = m->last_ms;
			cell[5].number = flow_rate(s, m);
			cell[6].number = lost_share(&s->hour, m);
			cell[7].number = lost_share(&s->day, m);
			cell[8].difference = m->clock_skew_ms;
			cell[9].number = sampling_of(s, m);
			if (pass == 0)
				out_measure(out, cell + s->first_column);
			else
				out_row(out, cell + s->first_column);
		}
	}
}

static int64_t
last_arrival(const struct status *s)
{
	int64_t last_ms = 0;

	for (size_t i = 0; i < s->all.n; i++)
		if (s->all.source[i].last_ms > last_ms)
			last_ms = s->all.source[i].last_ms;
	return last_ms;
}

static void
put_shards(
    const struct status *s, const struct out_style *style, struct buf *text)
{
	char from[CLOCK_DAY_LEN], to[CLOCK_DAY_LEN];

	clock_format_day(s->oldest_day, from);
	clock_format_day(s->newest_day, to);
	buf_puts(text, "shards: ");
	out_count(text, style, s->n_shards);
	buf_printf(text, ", %s to %s, ", from, to);
	request_plural(text, style, s->flows, "flow");
	buf_puts(text, ", ");
	request_plural(text, style, s->bytes, "byte");
	buf_printf(text, "\ntoday: %zu segments sealed, %zu live\n",
	    s->today_sealed, s->today_live);
}

static void
make_caption(
    const struct status *s, const struct out_style *style, struct buf *text)
{
	char time[CLOCK_TEXT_LEN], zone[CLOCK_TEXT_LEN];
	int64_t last_ms = last_arrival(s);

	if (s->writer_pid != 0)
		buf_printf(text, "writing: process %d, into %s\n",
		    s->writer_pid, s->request.dir);
	else
		buf_printf(text, "writing: nobody; no collector runs on %s\n",
		    s->request.dir);
	if (last_ms != 0) {
		clock_format_ms(last_ms, time);
		clock_zone(last_ms, zone);
		buf_printf(text, "last datagram: %s %s\n", time, zone);
	}
	if (s->n_shards > 0)
		put_shards(s, style, text);
}

static void
put_skew(const struct minute *m, struct buf *text)
{
	char name[MINUTE_NAME_LEN];
	int64_t skew_ms = m->clock_skew_ms;

	if (m->datagrams == 0 ||
	    (skew_ms <= SKEW_WARN_MS && skew_ms >= -SKEW_WARN_MS))
		return;
	minute_exporter_name(&m->exporter, name);
	buf_printf(text,
	    "warning: exporter %s/%u/%u: its clock is %" PRId64
	    " s %s ours: let it use NTP\n",
	    name, m->engine_type, m->engine_id,
	    (skew_ms < 0 ? -skew_ms : skew_ms) / MS_PER_S,
	    skew_ms < 0 ? "behind" : "ahead of");
}

/* Exporters that were refused, the first few by name. */
static void
put_refused(
    const struct status *s, const struct out_style *style, struct buf *text)
{
	const uint64_t *refused = s->day.collector.refused;
	size_t n = 0;

	if (refused[REFUSED_NOT_CONFIGURED] + refused[REFUSED_NO_ROOM] == 0)
		return;
	buf_puts(text, "refused in 24 h: ");
	request_plural(
	    text, style, refused[REFUSED_NOT_CONFIGURED], "datagram");
	buf_puts(text, " not configured, ");
	request_plural(text, style, refused[REFUSED_NO_ROOM], "datagram");
	buf_puts(text, " past max-automatic-exporters, of ");
	for (size_t i = 0; i < s->day.n; i++) {
		char name[MINUTE_NAME_LEN];

		if (s->day.source[i].refused == 0 || n++ >= MAX_NAMED)
			continue;
		minute_exporter_name(&s->day.source[i].exporter, name);
		buf_printf(text, "%s%s", n > 1 ? ", " : "", name);
	}
	if (n > MAX_NAMED)
		buf_printf(text, " and %zu more", n - MAX_NAMED);
	buf_puts(text, "\n");
}

static bool
was_heard(const struct status *s, const struct conf_exporter *e)
{
	for (size_t i = 0; i < s->day.n; i++)
		if (s->day.source[i].datagrams > 0 &&
		    conf_exporter(
			s->request.conf, &s->day.source[i].exporter, 0) == e)
			return true;
	return false;
}

/* Exporters of the configuration that nothing came from. */
static void
put_silent(const struct status *s, struct buf *text)
{
	const struct conf *conf = s->request.conf;
	size_t n = 0;

	for (size_t i = 0; i < conf->n_exporters; i++) {
		if (was_heard(s, &conf->exporter[i]) || n++ >= MAX_NAMED)
			continue;
		buf_printf(text, "%s%s",
		    n == 1 ? "nothing in 24 h from exporter " : ", ",
		    conf->exporter[i].name);
	}
	if (n > MAX_NAMED)
		buf_printf(text, " and %zu more", n - MAX_NAMED);
	if (n > 0)
		buf_puts(text, "\n");
}

static void
put_relays(
    const struct status *s, const struct out_style *style, struct buf *text)
{
	for (size_t i = 0; i < s->day.n_relays; i++) {
		const struct relay_minute *m = &s->day.relay[i];
		char name[ENDPOINT_TEXT_LEN];

		endpoint_format(&m->target, name);
		buf_printf(text, "relayed in 24 h to %s: ", name);
		request_plural(text, style, m->datagrams, "datagram");
		if (m->dropped > 0) {
			buf_puts(text, ", not sent: ");
			out_count(text, style, m->dropped);
		}
		buf_puts(text, "\n");
	}
}

static void
make_note(
    const struct status *s, const struct out_style *style, struct buf *text)
{
	put_relays(s, style, text);
	put_refused(s, style, text);
	put_silent(s, text);
	for (size_t i = 0; i < s->all.n; i++)
		put_skew(&s->all.source[i], text);
	buf_puts(text, buf_str(&s->unreadable));
	if (s->flows > 0 || s->all.n > 0)
		return;
	buf_puts(text, "no flows stored yet: ");
	if (s->writer_pid == 0)
		buf_printf(text,
		    "start `weir collect -d %s`, or read a capture with "
		    "`weir import -d %s FILE`\n",
		    s->request.dir, s->request.dir);
	else
		buf_puts(text, "point an exporter at the collector's port\n");
}

enum { N_EXTRA = 13 };

static struct relay_minute
sum_relays(const struct minute_sums *sums)
{
	struct relay_minute sum = {0};

	for (size_t i = 0; i < sums->n_relays; i++) {
		sum.datagrams += sums->relay[i].datagrams;
		sum.dropped += sums->relay[i].dropped;
	}
	return sum;
}

/* newest and oldest: room for days as text, as long as the extras live. */
static void
fill_extra(const struct status *s, char oldest[CLOCK_DAY_LEN],
    char newest[CLOCK_DAY_LEN], struct table_extra extra[N_EXTRA])
{
	static const char *const names[N_EXTRA] = {"writer_pid", "last_ms",
	    "shards", "unreadable_shards", "bytes", "flows", "oldest_day",
	    "newest_day", "today_sealed_segments", "today_live_segments",
	    "refused_day_datagrams", "relayed_day_datagrams",
	    "relay_dropped_day_datagrams"};
	const uint64_t refused =
	    s->day.collector.refused[REFUSED_NOT_CONFIGURED] +
	    s->day.collector.refused[REFUSED_NO_ROOM];
	const struct relay_minute relay = sum_relays(&s->day);
	const uint64_t values[N_EXTRA] = {(uint64_t)s->writer_pid,
	    (uint64_t)last_arrival(s), s->n_shards, s->n_unreadable, s->bytes,
	    s->flows, 0, 0, s->today_sealed, s->today_live, refused,
	    relay.datagrams, relay.dropped};
	const bool any = s->n_shards > 0;

	for (size_t i = 0; i < N_EXTRA; i++)
		extra[i] = (struct table_extra){
		    names[i], VALUE_NUMBER, {.number = values[i]}};
	clock_format_day(s->oldest_day, oldest);
	clock_format_day(s->newest_day, newest);
	extra[6].kind = extra[7].kind = VALUE_TEXT;
	extra[6].cell.text = any ? oldest : NULL;
	extra[7].cell.text = any ? newest : NULL;
	for (size_t i = 0; i < 2; i++) { /* no process, no datagram */
		if (values[i] != 0)
			continue;
		extra[i].kind = VALUE_TEXT;
		extra[i].cell.text = NULL;
	}
}

static void
write_table(const struct status *s, struct out *out)
{
	char oldest[CLOCK_DAY_LEN], newest[CLOCK_DAY_LEN];
	struct table_extra extra[N_EXTRA];
	struct table_head head = {
	    .column = columns + s->first_column,
	    .n_columns = N_COLUMNS - s->first_column,
	    .n_keys = N_KEYS - s->first_column,
	    .name = "status",
	    .has_from = true,
	    .has_to = true,
	    .from_ms = s->request.now_ms - MS_PER_DAY,
	    .to_ms = s->request.now_ms,
	};
	struct table_foot foot = {
	    .matched = count_rows(s), .extra = extra, .n_extra = N_EXTRA};
	struct buf caption, note;

	buf_init(&caption, TEXT_MAX);
	buf_init(&note, TEXT_MAX);
	fill_extra(s, oldest, newest, extra);
	make_caption(s, &out->style, &caption);
	head.caption = buf_str(&caption);
	out_begin(out, &head);
	write_rows(s, out);
	make_note(s, &out->style, &note);
	foot.note = buf_str(&note);
	out_end(out, &foot);
	buf_release(&caption);
	buf_release(&note);
}

/* ---- the command ---- */

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir status [interfaces] [OPTIONS]\n\n"
	    "Whether a collector runs on the data folder, what each exporter "
	    "sent and\nlost lately, how its clock stands against ours, and "
	    "what is stored. Counts\nare up to ten seconds old. With "
	    "`interfaces`: the "
	    "configured names of\ninterfaces.\n\n"
	    "examples:\n"
	    "  weir status\n"
	    "  weir status -d /var/lib/weir -f json | jq "
	    "'.rows[] | select(.lost_hour_share > 1)'\n");
}

static int
take_word(void *arg, const char *word, struct err *err)
{
	struct status *s = arg;

	if (strcmp(word, "interfaces") == 0) {
		s->interfaces = true;
		return 0;
	}
	return err_set(err, ERR_USAGE,
	    "unknown word \"%.60s\", want interfaces or nothing", word);
}

static const struct request_spec spec = {
    .bare = take_word,
    .help = help,
    .no_words = true,
};

static int
answer(struct status *s, struct err *err)
{
	struct sink *sink;
	struct out out;
	int rc;

	if (s->interfaces)
		return interfaces_run(&s->request, err);
	s->first_column = s->request.conf->n_exporters > 0 ? 0 : 1;
	s->rate_from_ms = s->request.now_ms -
			  s->request.now_ms % MS_PER_MINUTE -
			  (int64_t)RATE_MINUTES * MS_PER_MINUTE;
	if ((rc = read_store(s, err)) != 0 ||
	    (rc = request_open(&s->request, &sink, &out, err)) != 0)
		return rc;
	write_table(s, &out);
	out_release(&out);
	return sink_close(sink, err);
}

int
status_main(int argc, char **argv)
{
	struct status s = {0};
	struct err err = {0};
	int rc = request_parse(&s.request, &spec, argc, argv, &s, &err);

	buf_init(&s.unreadable, TEXT_MAX);
	if (rc == 0)
		rc = s.request.help ? request_help(&s.request, &err)
				    : answer(&s, &err);
	minute_sums_release(&s.all);
	minute_sums_release(&s.rate);
	minute_sums_release(&s.hour);
	minute_sums_release(&s.day);
	buf_release(&s.unreadable);
	request_release(&s.request);
	return request_status("status", rc, &err);
}
