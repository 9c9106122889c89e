/* SPDX-License-Identifier: ISC */
/* The columns of flows: see column.h. */
#include "report/column.h"

#include <string.h>

#include "query/filter.h"
#include "query/quantity.h"
#include "query/scale.h"
#include "report/naming.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/protocol.h"
#include "schema/batch.h"

/* What is shown but no quantity; numbers follow those. */
enum shown {
	SHOWN_SRC_PREFIX = N_QUANTITIES,
	SHOWN_DST_PREFIX,
	SHOWN_SCALE, /* what octets and packets were multiplied by */
	/* Names of addresses from files. */
	SHOWN_SRC_COUNTRY,
	SHOWN_DST_COUNTRY,
	SHOWN_SRC_ORGANISATION,
	SHOWN_DST_ORGANISATION,
	/* Behind it, the name of the value of column n - SHOWN_NAME. */
	SHOWN_NAME,
};

/* In the order of the help. */
static const struct column table[] = {
    {"start", COL_START_MS, "Start", NULL, 0, 0, "first packet"},
    {"end", COL_END_MS, "End", NULL, 4, 0, "last packet"},
    {"duration", COL_DURATION_MS, "Seconds", NULL, 2, COLUMN_LARGEST_FIRST,
	"end minus start"},
    {"src", COL_SRC_ADDR, "Source", NULL, 0, 0, "source address"},
    {"dst", COL_DST_ADDR, "Destination", NULL, 0, 0, "destination address"},
    {"sport", COL_SRC_PORT, "Sport", NULL, 0, 0, "source port"},
    {"dport", COL_DST_PORT, "Dport", NULL, 0, 0,
	"destination port; of ICMP, type * 256 + code"},
    {"proto", COL_PROTOCOL, "Proto", NULL, 0, 0, "protocol"},
    {"flags", COL_TCP_FLAGS, "Flags", NULL, 0, 0,
	"TCP flags of all packets, the whole byte"},
    {"tos", COL_TOS, "TOS", NULL, 6, 0, "type of service, the whole byte"},
    {"dscp", QUANTITY_DSCP, "DSCP", NULL, 6, 0, "upper six bits of tos"},
    {"packets", COL_PACKETS, "Pkts", NULL, 1,
	COLUMN_ADDS_UP | COLUMN_LARGEST_FIRST, "packets"},
    {"octets", COL_OCTETS, "Octets", NULL, 0,
	COLUMN_ADDS_UP | COLUMN_LARGEST_FIRST, "bytes of layer 3"},
    {"packet_size", QUANTITY_PACKET_SIZE, "B/pkt", NULL, 5,
	COLUMN_LARGEST_FIRST, "octets per packet, rounded down"},
    {"bps", QUANTITY_BPS, "Rate", "b/s", 5, COLUMN_LARGEST_FIRST,
	"bits per second of duration, 0 without one"},
    {"pps", QUANTITY_PPS, "Rate", "p/s", 5, COLUMN_LARGEST_FIRST,
	"packets per second of duration, 0 without one"},
    {"in_if", COL_INPUT_IF, "In", NULL, 3, 0, "input interface, ifIndex"},
    {"out_if", COL_OUTPUT_IF, "Out", NULL, 3, 0, "output interface, ifIndex"},
    {"src_as", COL_SRC_AS, "Src AS", NULL, 7, 0, "source AS"},
    {"dst_as", COL_DST_AS, "Dst AS", NULL, 7, 0, "destination AS"},
    {"src_mask", COL_SRC_MASK, "Src mask", NULL, 9, 0,
	"length of the source's prefix"},
    {"dst_mask", COL_DST_MASK, "Dst mask", NULL, 9, 0,
	"length of the destination's prefix"},
    {"src_prefix", SHOWN_SRC_PREFIX, "Src prefix", NULL, 8, 0,
	"the source's prefix: src cut to src_mask"},
    {"dst_prefix", SHOWN_DST_PREFIX, "Dst prefix", NULL, 8, 0,
	"the destination's prefix"},
    {"next_hop", COL_NEXT_HOP, "Next hop", NULL, 8, 0,
	"router it was sent on to"},
    {"exporter", COL_EXPORTER, "Exporter", NULL, 7, 0, "who sent the flow"},
    {"engine_type", COL_ENGINE_TYPE, "Engine", NULL, 9, 0,
	"type of the exporter's engine"},
    {"engine_id", COL_ENGINE_ID, "Engine id", NULL, 9, 0, "and its number"},
    {"sampling", QUANTITY_INTERVAL, "Sampling 1:", NULL, 9, 0,
	"the header's interval: one packet in so many was seen"},
    {"sampling_word", COL_SAMPLING, "Sampling word", NULL, 9, 0,
	"the header's word: mode << 14 | interval"},
    {"scale", SHOWN_SCALE, "Scale", NULL, 9, 0,
	"what scale= multiplied octets and packets by"},
    {"quirks", COL_QUIRKS, "Quirks", NULL, 9, 0, "what is odd about the flow"},
    {"src_name", SHOWN_NAME + COL_SRC_ADDR, "Source name", NULL, 2, 0,
	"the source's name; asks the DNS"},
    {"dst_name", SHOWN_NAME + COL_DST_ADDR, "Destination name", NULL, 2, 0,
	"the destination's name; asks the DNS"},
    {"sport_name", SHOWN_NAME + COL_SRC_PORT, "Source service", NULL, 4, 0,
	"service of the source port"},
    {"dport_name", SHOWN_NAME + COL_DST_PORT, "Service", NULL, 4, 0,
	"service of the destination port"},
    {"in_if_name", SHOWN_NAME + COL_INPUT_IF, "In name", NULL, 4, 0,
	"input interface as configured"},
    {"out_if_name", SHOWN_NAME + COL_OUTPUT_IF, "Out name", NULL, 4, 0,
	"output interface as configured"},
    {"src_as_name", SHOWN_NAME + COL_SRC_AS, "Src AS name", NULL, 7, 0,
	"source AS as in the file of names"},
    {"dst_as_name", SHOWN_NAME + COL_DST_AS, "Dst AS name", NULL, 7, 0,
	"destination AS as in the file of names"},
    {"next_hop_name", SHOWN_NAME + COL_NEXT_HOP, "Next hop name", NULL, 8, 0,
	"the next hop's name; asks the DNS"},
    {"exporter_name", SHOWN_NAME + COL_EXPORTER, "Exporter name", NULL, 7, 0,
	"exporter as configured, else asks the DNS"},
    {"src_country", SHOWN_SRC_COUNTRY, "Src country", NULL, 6, 0,
	"country of the source address"},
    {"dst_country", SHOWN_DST_COUNTRY, "Dst country", NULL, 6, 0,
	"country of the destination address"},
    {"src_org", SHOWN_SRC_ORGANISATION, "Src organisation", NULL, 7, 0,
	"AS organisation of the source address"},
    {"dst_org", SHOWN_DST_ORGANISATION, "Dst organisation", NULL, 7, 0,
	"AS organisation of the destination address"},
};

/* Words that stand for several. */
static const struct alias {
	const char *word, *list, *help;
} aliases[] = {
    {"engine", "engine_type/engine_id", "TYPE/ID of the exporter's engine"},
};

/* ---- values ---- */

static flow_column_set
set_of(enum flow_column a, enum flow_column b)
{
	return (flow_column_set)1 << a | (flow_column_set)1 << b;
}

bool
column_has_value(const struct column *c)
{
	return c->what < SHOWN_SCALE;
}

static bool
is_name(const struct column *c)
{
	return c->what >= SHOWN_SRC_COUNTRY;
}

/* The stored column that a name is of. */
static enum flow_column
named_by(const struct column *c)
{
	return (enum flow_column)(c->what - SHOWN_NAME);
}

static flow_column_set
name_needs(enum flow_column named)
{
	switch (named) {
	case COL_SRC_PORT:
	case COL_DST_PORT: return set_of(named, COL_PROTOCOL);
	case COL_INPUT_IF:
	case COL_OUTPUT_IF: return set_of(named, COL_EXPORTER);
	default: return set_of(named, named);
	}
}

flow_column_set
column_needs(const struct column *c)
{
	if (c->what >= SHOWN_NAME)
		return name_needs(named_by(c));
	switch (c->what) {
	case SHOWN_SRC_COUNTRY:
	case SHOWN_SRC_ORGANISATION: return set_of(COL_SRC_ADDR, COL_SRC_ADDR);
	case SHOWN_DST_COUNTRY:
	case SHOWN_DST_ORGANISATION: return set_of(COL_DST_ADDR, COL_DST_ADDR);
	case SHOWN_SCALE:
		return set_of(COL_SAMPLING, COL_EXPORTER) |
		       set_of(COL_END_MS, COL_END_MS);
	case SHOWN_SRC_PREFIX: return set_of(COL_SRC_ADDR, COL_SRC_MASK);
	case SHOWN_DST_PREFIX: return set_of(COL_DST_ADDR, COL_DST_MASK);
	default: return quantity_columns(c->what);
	}
}

/* VALUE_PREFIX; exporters may send a length that there is not. */
static int64_t
prefix(int64_t ip4, int64_t len)
{
	len = len > 32 ? 32 : len;
	return (ip4 & (int64_t)(UINT64_C(0xffffffff) << (32 - len))) << 8 | len;
}

int64_t
column_value(const struct column *c, const struct batch *b, size_t i)
{
	int64_t *const *col = b->col;

	switch (c->what) {
	case SHOWN_SRC_PREFIX:
		return prefix(col[COL_SRC_ADDR][i], col[COL_SRC_MASK][i]);
	case SHOWN_DST_PREFIX:
		return prefix(col[COL_DST_ADDR][i], col[COL_DST_MASK][i]);
	default: return quantity_value(c->what, b, i);
	}
}

/* ---- one column ---- */

static bool
is_stored(const struct column *c)
{
	return c->what < N_FLOW_COLUMNS;
}

/* In CSV and JSON. */
static const char *
name_of(const struct column *c)
{
	if (is_stored(c))
		return flow_columns[c->what].name;
	return c->what == QUANTITY_INTERVAL ? "sampling_interval" : c->word;
}

static enum value_kind
kind_of(const struct column *c)
{
	if (is_name(c))
		return VALUE_TEXT;
	switch (c->what) {
	case SHOWN_SRC_PREFIX:
	case SHOWN_DST_PREFIX: return VALUE_PREFIX;
	default:
		return is_stored(c) ? flow_columns[c->what].kind : VALUE_NUMBER;
	}
}

static enum table_quantity
quantity_of(const struct column *c)
{
	switch (c->what) {
	case COL_OCTETS: return QUANTITY_OCTETS;
	case QUANTITY_BPS: return QUANTITY_BITS_PER_S;
	case QUANTITY_PPS: return QUANTITY_PACKETS_PER_S;
	default: return QUANTITY_NONE;
	}
}

static bool
is_word(const char *word, const char *typed, size_t len)
{
	return strlen(word) == len && memcmp(word, typed, len) == 0;
}

static const struct alias *
find_alias(const char *typed, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (is_word(aliases[i].word, typed, len))
			return &aliases[i];
	return NULL;
}

static void
refuse(struct err *err, const char *key, const char *typed, size_t len)
{
	struct buf known;

	buf_init(&known, 1000);
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		buf_printf(&known, " %s", table[i].word);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		buf_printf(&known, " %s", aliases[i].word);
	err_set(err, ERR_USAGE, "%s: unknown column \"%.*s\": columns are%s",
	    key, len < 40 ? (int)len : 40, typed, buf_str(&known));
	buf_release(&known);
}

const struct column *
column_find(const char *key, const char *typed, size_t len, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (is_word(table[i].word, typed, len))
			return &table[i];
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (is_word(name_of(&table[i]), typed, len))
			return &table[i];
	refuse(err, key, typed, len);
	return NULL;
}

void
column_help(struct buf *text)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		buf_printf(text, "  %-16s %s\n", table[i].word, table[i].help);
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		buf_printf(
		    text, "  %-16s %s\n", aliases[i].word, aliases[i].help);
}

/* ---- lists ---- */

/* Whether its values name something that a filter word can have, rather than
 * count. */
static bool
is_linked(const struct column *c)
{
	return filter_knows(c->word, strlen(c->word)) &&
	       (c->flags & (COLUMN_ADDS_UP | COLUMN_LARGEST_FIRST)) == 0 &&
	       kind_of(c) != VALUE_REAL;
}

static void
add(struct columns *to, const struct column *c, const char *join)
{
	to->column[to->n] = c;
	to->table[to->n] = (struct table_column){
	    .name = name_of(c),
	    .heading = c->heading,
	    .unit = c->unit,
	    .kind = kind_of(c),
	    .is_count = (c->flags & COLUMN_ADDS_UP) != 0,
	    .drop = c->drop,
	    .quantity = quantity_of(c),
	    .join = join,
	    .label = c->what == COL_PROTOCOL ? protocol_name : NULL,
	    .word = is_linked(c) ? c->word : NULL,
	    .sort = column_has_value(c) ? c->word : NULL,
	};
	to->n++;
}

static int
add_word(struct columns *to, const char *key, const char *word, size_t len,
    const char *join, struct err *err)
{
	const struct alias *alias = find_alias(word, len);
	const struct column *c;

	if (alias != NULL)
		return columns_add(to, key, alias->list, err);
	if ((c = column_find(key, word, len, err)) == NULL)
		return ERR_USAGE;
	if (to->n == COLUMNS_MAX)
		return err_set(err, ERR_USAGE, "%s: more than %d columns", key,
		    COLUMNS_MAX);
	add(to, c, join);
	return 0;
}

int
columns_add(
    struct columns *to, const char *key, const char *list, struct err *err)
{
	const char *join = NULL;

	for (;;) {
		size_t len = strcspn(list, ",:/");
		int rc = add_word(to, key, list, len, join, err);

		if (rc != 0 || list[len] == '\0')
			return rc;
		join = list[len] == ':' ? ":" : list[len] == '/' ? "/" : NULL;
		list += len + 1;
	}
}

void
columns_add_stored(struct columns *to)
{
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		for (size_t i = 0; i < ARRAY_LEN(table); i++)
			if (table[i].what == c)
				add(to, &table[i], NULL);
}

flow_column_set
columns_need(const struct columns *c)
{
	flow_column_set set = 0;

	for (size_t i = 0; i < c->n; i++)
		set |= column_needs(c->column[i]);
	return set;
}

/* ---- names ---- */

const struct column *
column_of_name(enum flow_column stored)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (table[i].what == (unsigned)SHOWN_NAME + stored)
			return &table[i];
	return NULL;
}

int
columns_add_names(struct columns *c, struct err *err)
{
	struct columns was = *c;

	c->n = 0;
	for (size_t i = 0; i < was.n; i++) {
		const struct column *c_was = was.column[i];
		const struct column *name =
		    is_stored(c_was) ? column_of_name(c_was->what) : NULL;

		if (c->n + 2 > COLUMNS_MAX)
			return err_set(err, ERR_USAGE,
			    "names: more than %d columns with them",
			    COLUMNS_MAX);
		add(c, c_was, was.table[i].join);
		if (name != NULL)
			add(c, name, " ");
	}
	return 0;
}

bool
columns_have_names(const struct columns *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (is_name(c->column[i]))
			return true;
	return false;
}

bool
columns_ask(const struct columns *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->column[i]->what >= SHOWN_NAME &&
		    naming_asks(named_by(c->column[i])))
			return true;
	return false;
}

static struct naming_flow
naming_flow(const struct column_row *row)
{
	const struct batch *b = row->batch;
	const int64_t *exporter = b->col[COL_EXPORTER];
	const int64_t *protocol = b->col[COL_PROTOCOL];

	return (struct naming_flow){
	    .exporter =
		exporter != NULL ? &b->exporters[exporter[row->i]] : NULL,
	    .protocol = protocol != NULL ? (int)protocol[row->i] : -1,
	};
}

void
columns_want(const struct columns *c, const struct column_row *row)
{
	struct naming_flow f = naming_flow(row);

	for (size_t k = 0; k < c->n; k++) {
		enum flow_column named = named_by(c->column[k]);

		if (c->column[k]->what >= SHOWN_NAME)
			naming_want(row->naming, named,
			    (uint64_t)row->batch->col[named][row->i], &f);
	}
}

static const char *
find_name(const struct column *c, const struct column_row *row,
    char out[GEO_TEXT_LEN])
{
	int64_t *const *col = row->batch->col;
	struct naming_flow f;
	size_t i = row->i;

	switch (c->what) {
	case SHOWN_SRC_COUNTRY:
		return naming_country(
		    row->naming, (uint32_t)col[COL_SRC_ADDR][i], out);
	case SHOWN_DST_COUNTRY:
		return naming_country(
		    row->naming, (uint32_t)col[COL_DST_ADDR][i], out);
	case SHOWN_SRC_ORGANISATION:
		return naming_organisation(
		    row->naming, (uint32_t)col[COL_SRC_ADDR][i], out);
	case SHOWN_DST_ORGANISATION:
		return naming_organisation(
		    row->naming, (uint32_t)col[COL_DST_ADDR][i], out);
	default: break;
	}
	f = naming_flow(row);
	return naming_of(
	    row->naming, named_by(c), (uint64_t)col[named_by(c)][i], &f);
}

/* ---- rows ---- */

void
columns_fill(
    const struct columns *c, struct column_row *row, union table_cell *cell)
{
	const struct batch *b = row->batch;

	for (size_t k = 0; k < c->n; k++) {
		const struct column *column = c->column[k];
		int64_t value;

		if (is_name(column)) {
			cell[k].text = find_name(column, row, row->text[k]);
			continue;
		}
		value = column->what == SHOWN_SCALE
			    ? scale_factor(row->scale, b, row->i)
			    : column_value(column, b, row->i);
		switch (c->table[k].kind) {
		case VALUE_EXPORTER: cell[k].addr = &b->exporters[value]; break;
		case VALUE_TIME: cell[k].time_ms = value; break;
		default: cell[k].number = (uint64_t)value; break;
		}
	}
}
