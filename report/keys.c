/* SPDX-License-Identifier: ISC */
/* The table of keys: see keys.h. */
#include "report/keys.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "query/filter.h"
#include "query/quantity.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/base/protocol.h"
#include "schema/batch.h"
#include "schema/minute.h"

/* How a number is made of a flow; a quantity (query/quantity.h), or this. */
enum made {
	MADE_COLUMN = N_QUANTITIES, /* the column of the end */
	MADE_NET,                   /* its first bits, so many */
	MADE_PREFIX, /* as many as the flow's mask says: see VALUE_PREFIX */
	MADE_PAIR,   /* both addresses, the lower one first */
	MADE_SIZE,   /* bin of the octets per packet */
	MADE_LIFE,   /* bin of the duration */
	MADE_MINUTE, /* first minute of a bin of time: see minute_number */
	MADE_HOUR,
	MADE_DAY,
	MADE_COUNTRY, /* two letters, 0: not known */
};

/* One column of what is shown. */
struct shown {
	const char *name; /* NULL: the key as typed */
	const char *heading;
	enum value_kind value;
	const char *(*label)(uint64_t number);
	const char *name_word; /* NULL: it has no name */
	const char *name_heading;
	enum flow_column named;
};

struct key_kind {
	const char *name;
	unsigned what, bits, flags;
	enum flow_column at[2]; /* by end */
	struct shown shown[KEY_MAX_COLUMNS];
	const char *help;
};

static const struct key_kind kinds[] = {
    {"src", MADE_COLUMN, 32, KEY_ADDRESS | KEY_SOURCE,
	{COL_SRC_ADDR, COL_SRC_ADDR},
	{{.heading = "Source",
	    .value = VALUE_IP4,
	    .name_word = "src_name",
	    .name_heading = "Source name",
	    .named = COL_SRC_ADDR}},
	"source address; src/24 its nets, src/mask the flow's own prefix"},
    {"dst", MADE_COLUMN, 32, KEY_ADDRESS | KEY_DESTINATION,
	{COL_DST_ADDR, COL_DST_ADDR},
	{{.heading = "Destination",
	    .value = VALUE_IP4,
	    .name_word = "dst_name",
	    .name_heading = "Destination name",
	    .named = COL_DST_ADDR}},
	"destination address; dst/16, dst/mask"},
    {"host", MADE_COLUMN, 32, KEY_ADDRESS | KEY_EITHER_END,
	{COL_SRC_ADDR, COL_DST_ADDR},
	{{.heading = "Host",
	    .value = VALUE_IP4,
	    .name_word = "host_name",
	    .name_heading = "Host name",
	    .named = COL_SRC_ADDR}},
	"address at either end; host/24, host/mask"},
    {"peer", MADE_COLUMN, 32, KEY_ADDRESS | KEY_EITHER_END,
	{COL_DST_ADDR, COL_SRC_ADDR},
	{{.heading = "Peer",
	    .value = VALUE_IP4,
	    .name_word = "peer_name",
	    .name_heading = "Peer name",
	    .named = COL_SRC_ADDR}},
	"address at the other end, beside keys of either end"},
    {"conversation", MADE_PAIR, 64, KEY_CONVERSATION,
	{COL_SRC_ADDR, COL_DST_ADDR},
	{{.name = "host_a",
	     .heading = "Host A",
	     .value = VALUE_IP4,
	     .name_word = "host_a_name",
	     .name_heading = "Host A name",
	     .named = COL_SRC_ADDR},
	    {.name = "host_b",
		.heading = "Host B",
		.value = VALUE_IP4,
		.name_word = "host_b_name",
		.name_heading = "Host B name",
		.named = COL_SRC_ADDR}},
	"two addresses, both directions joined; A is the lower one"},
    {"sport", MADE_COLUMN, 16, KEY_SOURCE, {COL_SRC_PORT, COL_SRC_PORT},
	{{.heading = "Src port",
	    .name_word = "sport_name",
	    .name_heading = "Source service",
	    .named = COL_SRC_PORT}},
	"source port"},
    {"dport", MADE_COLUMN, 16, KEY_DESTINATION, {COL_DST_PORT, COL_DST_PORT},
	{{.heading = "Dst port",
	    .name_word = "dport_name",
	    .name_heading = "Service",
	    .named = COL_DST_PORT}},
	"destination port; of ICMP, type * 256 + code"},
    {"port", MADE_COLUMN, 16, KEY_EITHER_END, {COL_SRC_PORT, COL_DST_PORT},
	{{.heading = "Port",
	    .name_word = "port_name",
	    .name_heading = "Service",
	    .named = COL_SRC_PORT}},
	"port at either end"},
    {"proto", MADE_COLUMN, 8, 0, {COL_PROTOCOL, COL_PROTOCOL},
	{{.heading = "Protocol", .label = protocol_name}}, "protocol"},
    {"flags", MADE_COLUMN, 8, 0, {COL_TCP_FLAGS, COL_TCP_FLAGS},
	{{.heading = "Flags", .value = VALUE_FLAGS}},
	"TCP flags of all packets, the whole byte"},
    {"tos", MADE_COLUMN, 8, 0, {COL_TOS, COL_TOS}, {{.heading = "TOS"}},
	"type of service, the whole byte"},
    {"dscp", QUANTITY_DSCP, 8, 0, {COL_TOS, COL_TOS}, {{.heading = "DSCP"}},
	"upper six bits of tos"},
    {"in_if", MADE_COLUMN, 16, 0, {COL_INPUT_IF, COL_INPUT_IF},
	{{.heading = "In if",
	    .name_word = "in_if_name",
	    .name_heading = "In name",
	    .named = COL_INPUT_IF}},
	"input interface, ifIndex"},
    {"out_if", MADE_COLUMN, 16, 0, {COL_OUTPUT_IF, COL_OUTPUT_IF},
	{{.heading = "Out if",
	    .name_word = "out_if_name",
	    .name_heading = "Out name",
	    .named = COL_OUTPUT_IF}},
	"output interface"},
    {"if", MADE_COLUMN, 16, KEY_EITHER_END, {COL_INPUT_IF, COL_OUTPUT_IF},
	{{.heading = "Interface",
	    .name_word = "if_name",
	    .name_heading = "Interface name",
	    .named = COL_INPUT_IF}},
	"interface, in or out"},
    {"src_as", MADE_COLUMN, 16, KEY_SOURCE, {COL_SRC_AS, COL_SRC_AS},
	{{.heading = "Src AS",
	    .name_word = "src_as_name",
	    .name_heading = "Src AS name",
	    .named = COL_SRC_AS}},
	"source AS"},
    {"dst_as", MADE_COLUMN, 16, KEY_DESTINATION, {COL_DST_AS, COL_DST_AS},
	{{.heading = "Dst AS",
	    .name_word = "dst_as_name",
	    .name_heading = "Dst AS name",
	    .named = COL_DST_AS}},
	"destination AS"},
    {"as", MADE_COLUMN, 16, KEY_EITHER_END, {COL_SRC_AS, COL_DST_AS},
	{{.heading = "AS",
	    .name_word = "as_name",
	    .name_heading = "AS name",
	    .named = COL_SRC_AS}},
	"AS at either end"},
    {"src_mask", MADE_COLUMN, 8, KEY_SOURCE, {COL_SRC_MASK, COL_SRC_MASK},
	{{.heading = "Src mask"}}, "length of the source's prefix"},
    {"dst_mask", MADE_COLUMN, 8, KEY_DESTINATION, {COL_DST_MASK, COL_DST_MASK},
	{{.heading = "Dst mask"}}, "length of the destination's prefix"},
    {"src_country", MADE_COUNTRY, 16, KEY_SOURCE | KEY_COUNTRY,
	{COL_SRC_ADDR, COL_SRC_ADDR},
	{{.heading = "Src country", .value = VALUE_TEXT}},
	"country of the source address"},
    {"dst_country", MADE_COUNTRY, 16, KEY_DESTINATION | KEY_COUNTRY,
	{COL_DST_ADDR, COL_DST_ADDR},
	{{.heading = "Dst country", .value = VALUE_TEXT}},
	"country of the destination address"},
    {"country", MADE_COUNTRY, 16, KEY_EITHER_END | KEY_COUNTRY,
	{COL_SRC_ADDR, COL_DST_ADDR},
	{{.heading = "Country", .value = VALUE_TEXT}}, "country at either end"},
    {"next_hop", MADE_COLUMN, 32, KEY_ADDRESS, {COL_NEXT_HOP, COL_NEXT_HOP},
	{{.heading = "Next hop",
	    .value = VALUE_IP4,
	    .name_word = "next_hop_name",
	    .name_heading = "Next hop name",
	    .named = COL_NEXT_HOP}},
	"router it was sent on to"},
    {"exporter", MADE_COLUMN, 32, 0, {COL_EXPORTER, COL_EXPORTER},
	{{.heading = "Exporter",
	    .value = VALUE_EXPORTER,
	    .name_word = "exporter_name",
	    .name_heading = "Exporter name",
	    .named = COL_EXPORTER}},
	"who sent the flow"},
    {"engine", QUANTITY_ENGINE, 16, 0, {COL_ENGINE_TYPE, COL_ENGINE_ID},
	{{.name = "engine_type", .heading = "Engine type"},
	    {.name = "engine_id", .heading = "Engine id"}},
	"the exporter's engine: type and number"},
    {"sampling", QUANTITY_INTERVAL, 16, 0, {COL_SAMPLING, COL_SAMPLING},
	{{.heading = "Sampling 1:"}}, "the header's interval"},
    {"packet_size", MADE_SIZE, 8, KEY_SIZE, {COL_OCTETS, COL_PACKETS},
	{{.heading = "Octets/packet", .value = VALUE_TEXT}},
	"octets per packet, in bins as the word packet_size= takes them"},
    {"duration", MADE_LIFE, 8, KEY_SIZE, {COL_DURATION_MS, COL_DURATION_MS},
	{{.heading = "Duration", .value = VALUE_TEXT}},
	"end minus start, in bins as duration= takes them"},
    {"minute", MADE_MINUTE, 32, KEY_TIME, {COL_START_MS, COL_START_MS},
	{{.heading = "Minute", .value = VALUE_TIME}},
	"minute in which the flow starts"},
    {"hour", MADE_HOUR, 32, KEY_TIME, {COL_START_MS, COL_START_MS},
	{{.heading = "Hour", .value = VALUE_TIME}},
	"hour, by the clock of tz="},
    {"day", MADE_DAY, 32, KEY_TIME, {COL_START_MS, COL_START_MS},
	{{.heading = "Day", .value = VALUE_TIME}}, "day, by the same"},
};

/* ---- bins ---- */

/* The last values of bins; one more holds what is above. */
static const uint32_t sizes[] = {64, 128, 256, 512, 1024, 1500, 9000};
static const uint32_t lives_ms[] = {
    0, 10, 100, 1000, 10000, 60000, 300000, 600000, 1800000, 3600000, 86400000};

static int64_t
find_bin(const uint32_t *edge, size_t n, int64_t value)
{
	size_t bin = 0;

	while (bin < n && value > edge[bin])
		bin++;
	return (int64_t)bin;
}

/* With the largest unit that says it exactly. */
static void
put_ms(char *out, size_t size, uint32_t ms)
{
	static const struct {
		uint32_t ms;
		const char *name;
	} units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
	size_t i = 0;

	while (i + 1 < ARRAY_LEN(units) && (ms == 0 || ms % units[i].ms != 0))
		i++;
	snprintf(out, size, "%" PRIu32 "%s", ms / units[i].ms, units[i].name);
}

static void
put_plain(char *out, size_t size, uint32_t n)
{
	snprintf(out, size, "%" PRIu32, n);
}

/* "65-128", "9001-", as a filter word takes it. */
static void
put_bin(struct key_text *out, const uint32_t *edge, size_t n, size_t bin,
    void (*put)(char *out, size_t size, uint32_t value))
{
	char lo[20], hi[20] = "";

	put(lo, sizeof lo, bin == 0 ? 0 : edge[bin - 1] + 1);
	if (bin < n)
		put(hi, sizeof hi, edge[bin]);
	snprintf(out->text, sizeof out->text, "%s-%s", lo, hi);
}

/* ---- names ---- */

void
report_keys_list(struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(text, "%s%s", i > 0 ? " " : "", kinds[i].name);
}

void
report_keys_help(struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		buf_printf(text, "  %-13s%s\n", kinds[i].name, kinds[i].help);
}

void
report_keys_put(const struct report_keys *keys, struct buf *text)
{
	for (size_t i = 0; i < keys->n; i++)
		buf_printf(text, "%s%s", i > 0 ? "," : "", keys->key[i].name);
}

int
report_keys_refuse(struct err *err, const char *complaint)
{
	struct buf known;

	buf_init(&known, 400);
	report_keys_list(&known);
	err_set(err, ERR_USAGE, "%s: keys are %s", complaint, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
refuse_key(struct err *err, const char *name, size_t len)
{
	char complaint[100];

	snprintf(complaint, sizeof complaint, "unknown key \"%.*s\"",
	    len < 60 ? (int)len : 60, name);
	return report_keys_refuse(err, complaint);
}

static const struct key_kind *
find_kind(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strlen(kinds[i].name) == len &&
		    memcmp(kinds[i].name, name, len) == 0)
			return &kinds[i];
	return NULL;
}

static bool
has_mask(const struct key_kind *kind)
{
	return kind->at[0] == COL_SRC_ADDR || kind->at[0] == COL_DST_ADDR;
}

/* What stands behind the "/" of a net. */
static int
read_net(struct report_key *key, const char *len, struct err *err)
{
	uint64_t n;

	if (strcmp(len, "mask") == 0 && has_mask(key->kind)) {
		key->what = MADE_PREFIX;
		key->bits = 64;
		return 0;
	}
	if (!parse_u64(len, 32, &n))
		return err_set(err, ERR_USAGE,
		    "key \"%s\": want the length of a prefix, 0-32%s",
		    key->name,
		    has_mask(key->kind) ? ", or mask for the flow's own" : "");
	key->what = MADE_NET;
	key->len = (unsigned)n;
	return 0;
}

static int
read_key(struct report_key *key, const char *name, size_t len, struct err *err)
{
	const char *slash = memchr(name, '/', len);
	size_t base = slash == NULL ? len : (size_t)(slash - name);
	const struct key_kind *kind = find_kind(name, base);

	if (kind == NULL || len >= KEY_NAME_LEN ||
	    (slash != NULL && (kind->flags & KEY_ADDRESS) == 0))
		return refuse_key(err, name, len);
	*key = (struct report_key){
	    .kind = kind, .what = kind->what, .bits = kind->bits};
	memcpy(key->name, name, len);
	return slash == NULL ? 0 : read_net(key, key->name + base + 1, err);
}

static int
add_key(struct report_keys *to, const char *name, size_t len, struct err *err)
{
	struct report_key key;
	unsigned bits;
	int rc = read_key(&key, name, len, err);

	if (rc != 0)
		return rc;
	bits = key.bits;
	for (size_t i = 0; i < to->n; i++) {
		bits += to->key[i].bits;
		if (strcmp(to->key[i].name, key.name) == 0)
			return err_set(err, ERR_USAGE,
			    "key \"%s\" is given twice", key.name);
	}
	if (to->n == REPORT_MAX_KEYS || bits > KEYS_MAX_BITS)
		return err_set(err, ERR_USAGE,
		    "key \"%s\" is one too many at once", key.name);
	to->key[to->n++] = key;
	return 0;
}

int
report_keys_add(struct report_keys *to, const char *list, struct err *err)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		int rc = add_key(to, list, len, err);

		if (rc != 0 || list[len] == '\0')
			return rc;
		list += len + 1;
	}
}

void
report_keys_settle(struct report_keys *keys, const struct geo *geo)
{
	snprintf(keys->zone, sizeof keys->zone, "%s", clock_get_zone());
	keys->geo = geo;
}

/* ---- what they are ---- */

bool
report_key_is(const struct report_key *key, unsigned flags)
{
	return (key->kind->flags & flags) != 0;
}

bool
report_keys_have(const struct report_keys *keys, unsigned flags)
{
	for (size_t i = 0; i < keys->n; i++)
		if (report_key_is(&keys->key[i], flags))
			return true;
	return false;
}

bool
report_key_is_exporter(const struct report_key *key)
{
	return key->kind->at[0] == COL_EXPORTER;
}

bool
report_key_is_protocol(const struct report_key *key)
{
	return key->kind->at[0] == COL_PROTOCOL;
}

static enum flow_column
mask_of(enum flow_column address)
{
	return address == COL_SRC_ADDR ? COL_SRC_MASK : COL_DST_MASK;
}

flow_column_set
report_keys_need(const struct report_keys *keys)
{
	flow_column_set set = 0;

	for (size_t i = 0; i < keys->n; i++)
		for (size_t end = 0; end < 2; end++) {
			enum flow_column at = keys->key[i].kind->at[end];

			set |= (flow_column_set)1 << at;
			if (keys->key[i].what == MADE_PREFIX)
				set |= (flow_column_set)1 << mask_of(at);
		}
	return set;
}

/* ---- numbers ---- */

enum { MEMO_SLOTS = 1 << 12 };

/* What took long to find out. */
struct memo {
	uint64_t in; /* plus 1; 0: nothing */
	int64_t out;
};

struct key_reader {
	const struct report_keys *keys;
	int64_t *number[REPORT_MAX_KEYS]; /* of a batch */
	struct memo *memo[REPORT_MAX_KEYS];
};

struct key_reader *
key_reader_new(const struct report_keys *keys)
{
	struct key_reader *r = xcalloc(1, sizeof *r);

	r->keys = keys;
	for (size_t k = 0; k < keys->n; k++) {
		if (keys->key[k].what == MADE_COLUMN)
			continue;
		r->number[k] = xcalloc(BATCH_MAX, sizeof **r->number);
		if (report_key_is(&keys->key[k], KEY_TIME | KEY_COUNTRY))
			r->memo[k] = xcalloc(MEMO_SLOTS, sizeof **r->memo);
	}
	/* The zone is a thread's own. */
	if (report_keys_have(keys, KEY_TIME))
		(void)clock_set_zone(keys->zone);
	return r;
}

void
key_reader_free(struct key_reader *r)
{
	if (r == NULL)
		return;
	for (size_t k = 0; k < REPORT_MAX_KEYS; k++) {
		free(r->number[k]);
		free(r->memo[k]);
	}
	free(r);
}

static int64_t
net_mask(unsigned len)
{
	return (
	    int64_t)(UINT64_C(0xffffffff) << (32 - len) & UINT64_C(0xffffffff));
}

/* Exporters may send a length that there is not. */
static int64_t
prefix(int64_t ip4, int64_t len)
{
	len = len > 32 ? 32 : len;
	return (ip4 & net_mask((unsigned)len)) << 8 | len;
}

static int64_t
pair(int64_t x, int64_t y)
{
	uint64_t lower = (uint64_t)(x < y ? x : y);
	uint64_t higher = (uint64_t)(x < y ? y : x);

	return (int64_t)(lower << 32 | higher);
}

/* Minutes since this many before the epoch, so that none is below zero. */
static const int64_t MINUTES_BEFORE = INT64_C(1) << 31;

static int64_t
minute_number(int64_t ms)
{
	return minute_start(ms) / MS_PER_MINUTE + MINUTES_BEFORE;
}

static int64_t
minute_ms(uint64_t number)
{
	return ((int64_t)number - MINUTES_BEFORE) * MS_PER_MINUTE;
}

/*
 * The first minute of the hour or day that a minute lies in. An hour that
 * clocks show twice is two: it begins as many minutes ago as they show.
 */
static int64_t
local_bin(unsigned what, int64_t minute)
{
	int64_t ms = minute_ms((uint64_t)minute);
	struct tm tm;

	clock_to_local(ms, &tm);
	if (what == MADE_HOUR)
		return minute - tm.tm_min;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return minute_number(clock_from_local(&tm));
}

static int64_t
country(const struct geo *geo, uint32_t ip4)
{
	char text[GEO_TEXT_LEN];

	if (geo == NULL || geo_country(geo, ip4, text) == NULL ||
	    strlen(text) != 2)
		return 0;
	return (uint8_t)text[0] << 8 | (uint8_t)text[1];
}

/* in: a minute or an address, below 2^32. */
static int64_t
look_up(struct key_reader *r, size_t k, int64_t in)
{
	const struct report_key *key = &r->keys->key[k];
	struct memo *m = &r->memo[k][hash_mix((uint64_t)in) & (MEMO_SLOTS - 1)];

	if (m->in == (uint64_t)in + 1)
		return m->out;
	m->in = (uint64_t)in + 1;
	m->out = key->what == MADE_COUNTRY ? country(r->keys->geo, (uint32_t)in)
					   : local_bin(key->what, in);
	return m->out;
}

static void
make_nets(
    const struct report_key *key, const int64_t *ip4, size_t n, int64_t *out)
{
	int64_t mask = net_mask(key->len);

	for (size_t i = 0; i < n; i++)
		out[i] = ip4[i] & mask;
}

static void
make_prefixes(const int64_t *ip4, const int64_t *len, size_t n, int64_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = prefix(ip4[i], len[i]);
}

static void
make_pairs(const struct batch *b, int64_t *out)
{
	for (size_t i = 0; i < b->n; i++)
		out[i] = pair(b->col[COL_SRC_ADDR][i], b->col[COL_DST_ADDR][i]);
}

static void
make_sizes(const struct batch *b, int64_t *out)
{
	for (size_t i = 0; i < b->n; i++)
		out[i] = find_bin(sizes, ARRAY_LEN(sizes),
		    quantity_value(QUANTITY_PACKET_SIZE, b, i));
}

static void
make_lives(const struct batch *b, int64_t *out)
{
	for (size_t i = 0; i < b->n; i++)
		out[i] = find_bin(
		    lives_ms, ARRAY_LEN(lives_ms), b->col[COL_DURATION_MS][i]);
}

static void
make_minutes(
    struct key_reader *r, size_t k, const struct batch *b, int64_t *out)
{
	bool is_local = r->keys->key[k].what != MADE_MINUTE;

	for (size_t i = 0; i < b->n; i++) {
		out[i] = minute_number(b->col[COL_START_MS][i]);
		if (is_local)
			out[i] = look_up(r, k, out[i]);
	}
}

const int64_t *
key_reader_get(
    struct key_reader *r, size_t k, const struct batch *b, unsigned end)
{
	const struct report_key *key = &r->keys->key[k];
	enum flow_column at = key->kind->at[end];
	int64_t *out = r->number[k];

	switch (key->what) {
	case MADE_COLUMN: return b->col[at];
	case MADE_NET: make_nets(key, b->col[at], b->n, out); break;
	case MADE_PREFIX:
		make_prefixes(b->col[at], b->col[mask_of(at)], b->n, out);
		break;
	case MADE_PAIR: make_pairs(b, out); break;
	case MADE_SIZE: make_sizes(b, out); break;
	case MADE_LIFE: make_lives(b, out); break;
	case MADE_MINUTE:
	case MADE_HOUR:
	case MADE_DAY: make_minutes(r, k, b, out); break;
	case MADE_COUNTRY:
		for (size_t i = 0; i < b->n; i++)
			out[i] = look_up(r, k, b->col[at][i]);
		break;
	default: return quantity_values(key->what, b, 0, b->n, out);
	}
	return out;
}

/* ---- how they are shown ---- */

/* What programs get as a number or time is text for people. */
static enum value_kind
value_of(const struct report_key *key, const struct shown *s, bool for_people)
{
	if (key->what == MADE_NET || key->what == MADE_PREFIX)
		return VALUE_PREFIX;
	return s->value == VALUE_TIME && for_people ? VALUE_TEXT : s->value;
}

/* The filter word that takes what key shows; NULL: there is none, or what it
 * shows are parts and bins. */
static const char *
word_of(const struct report_key *key)
{
	const char *name = key->kind->name;

	if (report_key_is(
		key, KEY_CONVERSATION | KEY_TIME | KEY_SIZE | KEY_COUNTRY) ||
	    key->kind->shown[0].name != NULL ||
	    !filter_knows(name, strlen(name)))
		return NULL;
	return name;
}

size_t
report_key_columns(const struct report_key *key, bool for_people,
    struct key_column column[KEY_MAX_COLUMNS])
{
	const struct shown *shown = key->kind->shown;
	bool is_net = key->what == MADE_NET || key->what == MADE_PREFIX;
	size_t n = 0;

	for (; n < KEY_MAX_COLUMNS && shown[n].heading != NULL; n++) {
		const struct shown *s = &shown[n];

		column[n] = (struct key_column){
		    .table =
			{
			    .name = s->name != NULL ? s->name : key->name,
			    .heading = s->heading,
			    .kind = value_of(key, s, for_people),
			    .label = s->label,
			    .word = word_of(key),
			    .either_end = report_key_is(key, KEY_EITHER_END),
			    .sort = key->name,
			},
		    .has_name = s->name_word != NULL && !is_net,
		    .named = s->named,
		    .name =
			{
			    .name = s->name_word,
			    .heading = s->name_heading,
			    .kind = VALUE_TEXT,
			    .join = " ",
			},
		};
	}
	return n;
}

uint64_t
report_key_part(const struct report_key *key, size_t column, uint64_t number)
{
	switch (key->what) {
	case MADE_PAIR: return column == 0 ? number >> 32 : number & UINT32_MAX;
	case QUANTITY_ENGINE:
		return column == 0 ? number >> 8 : number & UINT8_MAX;
	case MADE_NET: return number << 8 | key->len;
	default: return number;
	}
}

static void
put_time(const struct report_key *key, int64_t ms, struct key_text *text)
{
	struct tm tm;

	clock_to_local(ms, &tm);
	(void)strftime(text->text, sizeof text->text,
	    key->what == MADE_DAY ? "%Y-%m-%d" : "%Y-%m-%d %H:%M", &tm);
}

static union table_cell
text_cell(const struct report_key *key, uint64_t number, struct key_text *text)
{
	switch (key->what) {
	case MADE_SIZE:
		put_bin(text, sizes, ARRAY_LEN(sizes), number, put_plain);
		break;
	case MADE_LIFE:
		put_bin(text, lives_ms, ARRAY_LEN(lives_ms), number, put_ms);
		break;
	case MADE_COUNTRY:
		if (number == 0)
			return (union table_cell){.text = NULL};
		text->text[0] = (char)(number >> 8);
		text->text[1] = (char)(number & UINT8_MAX);
		text->text[2] = '\0';
		break;
	default: put_time(key, minute_ms(number), text); break;
	}
	return (union table_cell){.text = text->text};
}

void
report_key_cells(const struct report_key *key, bool for_people, uint64_t number,
    const struct addr *exporter, struct key_text *text,
    union table_cell cell[KEY_MAX_COLUMNS])
{
	const struct shown *shown = key->kind->shown;

	for (size_t c = 0; c < KEY_MAX_COLUMNS && shown[c].heading != NULL; c++)
		switch (value_of(key, &shown[c], for_people)) {
		case VALUE_EXPORTER: cell[c].addr = exporter; break;
		case VALUE_TIME: cell[c].time_ms = minute_ms(number); break;
		case VALUE_TEXT: cell[c] = text_cell(key, number, text); break;
		default:
			cell[c].number = report_key_part(key, c, number);
			break;
		}
}
