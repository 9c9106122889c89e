/* SPDX-License-Identifier: ISC */
/*
 * Thousands of generated filters over generated flows: SQL and memory must
 * find the same flows as the oracle below, which reads the words itself and
 * tests one flow after the other in the simplest way; and what a filter is
 * printed as must be the same filter again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include <ctype.h>
#include <inttypes.h>

#include "query/ast.h"
#include "query/match.h"
#include "query/scan.h"
#include "schema/base/buf.h"
#include "tests/query/fixture.h"
#include "tests/query/names.h"
#include "tests/temp.h"

enum { N_FLOWS = 900, SEGMENT_ROWS = 400, N_FILTERS = 1500 };

/* ---- what a flow says ---- */

enum what {
	SRC,
	DST,
	NEXT_HOP,
	SPORT,
	DPORT,
	PROTO,
	FLAGS,
	TOS,
	DSCP,
	IN_IF,
	OUT_IF,
	SRC_AS,
	DST_AS,
	SRC_MASK,
	DST_MASK,
	OCTETS,
	PACKETS,
	PACKET_SIZE,
	DURATION,
	BPS,
	PPS,
	SAMPLING,
	ENGINE,
	QUIRKS,
	EXPORTER,
};

static int64_t
quotient(int64_t a, int64_t b)
{
	return b == 0 ? 0 : a / b;
}

static int64_t
get(const struct fixture_flow *x, enum what what)
{
	const struct flow *f = &x->flow;
	int64_t ms = f->end_ms - f->start_ms;

	switch (what) {
	case SRC: return f->src_addr;
	case DST: return f->dst_addr;
	case NEXT_HOP: return f->next_hop;
	case SPORT: return f->src_port;
	case DPORT: return f->dst_port;
	case PROTO: return f->protocol;
	case FLAGS: return f->tcp_flags;
	case TOS: return f->tos;
	case DSCP: return f->tos / 4;
	case IN_IF: return f->input_if;
	case OUT_IF: return f->output_if;
	case SRC_AS: return f->src_as;
	case DST_AS: return f->dst_as;
	case SRC_MASK: return f->src_mask;
	case DST_MASK: return f->dst_mask;
	case OCTETS: return f->octets;
	case PACKETS: return f->packets;
	case PACKET_SIZE: return quotient(f->octets, f->packets);
	case DURATION: return ms;
	case BPS: return quotient(f->octets * INT64_C(8000), ms);
	case PPS: return quotient(f->packets * INT64_C(1000), ms);
	case SAMPLING: return fixture_sources[x->source].sampling % 16384;
	case ENGINE:
		return fixture_sources[x->source].engine_type * 256 +
		       fixture_sources[x->source].engine_id;
	case QUIRKS: return f->quirks;
	case EXPORTER: return (int64_t)x->source;
	}
	return -1;
}

enum kind {
	ADDRESS,
	NUMBER,
	COUNT,
	SPAN,
	PROTOCOL,
	BYTE,
	TCP,
	CODE,
	ODD,
	PORT,
	INTERFACE,
	SENDER,
	PAIR
};

static const struct word {
	const char *name, *nfdump; /* NULL: it has the same */
	enum kind kind;
	enum what first, second;
	int64_t max;
} words[] = {
    {"src", "src ip", ADDRESS, SRC, SRC, UINT32_MAX},
    {"dst", "dst net", ADDRESS, DST, DST, UINT32_MAX},
    {"host", "ip", ADDRESS, SRC, DST, UINT32_MAX},
    {"next_hop", "next ip", ADDRESS, NEXT_HOP, NEXT_HOP, UINT32_MAX},
    {"sport", "src port", PORT, SPORT, SPORT, 65535},
    {"dport", "dst port", PORT, DPORT, DPORT, 65535},
    {"port", NULL, PORT, SPORT, DPORT, 65535},
    {"proto", NULL, PROTOCOL, PROTO, PROTO, 255},
    {"flags", NULL, TCP, FLAGS, FLAGS, 255},
    {"tos", NULL, BYTE, TOS, TOS, 255},
    {"dscp", NULL, CODE, DSCP, DSCP, 63},
    {"in_if", "in if", INTERFACE, IN_IF, IN_IF, 65535},
    {"out_if", "out if", INTERFACE, OUT_IF, OUT_IF, 65535},
    {"if", NULL, INTERFACE, IN_IF, OUT_IF, 65535},
    {"src_as", "src as", NUMBER, SRC_AS, SRC_AS, UINT32_MAX},
    {"dst_as", "dst as", NUMBER, DST_AS, DST_AS, UINT32_MAX},
    {"as", NULL, NUMBER, SRC_AS, DST_AS, UINT32_MAX},
    {"src_mask", "src mask", NUMBER, SRC_MASK, SRC_MASK, 255},
    {"dst_mask", "dst mask", NUMBER, DST_MASK, DST_MASK, 255},
    {"octets", "bytes", COUNT, OCTETS, OCTETS, INT64_C(1000000000000000)},
    {"packets", NULL, COUNT, PACKETS, PACKETS, INT64_C(1000000000000000)},
    {"packet_size", "bpp", COUNT, PACKET_SIZE, PACKET_SIZE,
	INT64_C(1000000000000000)},
    {"duration", NULL, SPAN, DURATION, DURATION, INT64_C(1000000000000000)},
    {"bps", NULL, COUNT, BPS, BPS, INT64_C(1000000000000000)},
    {"pps", NULL, COUNT, PPS, PPS, INT64_C(1000000000000000)},
    {"sampling", NULL, NUMBER, SAMPLING, SAMPLING, 16383},
    {"quirks", NULL, ODD, QUIRKS, QUIRKS, 31},
    {"exporter", "router ip", SENDER, EXPORTER, EXPORTER, 0},
    {"engine", NULL, PAIR, ENGINE, ENGINE, 0},
};

/* ---- the oracle: a list of values ---- */

/* One value of a list, read naively. */
struct test_value {
	bool exclude;
	enum { RANGE, MASKED, ANY_OF, OCTET_WISE, AT_INTERFACE, FROM } form;
	int64_t lo, hi;       /* RANGE */
	int64_t bits, mask;   /* MASKED: & mask == bits; ANY_OF: & mask */
	unsigned octet[4][2]; /* OCTET_WISE: from, to */
	char name[40];        /* AT_INTERFACE */
	struct prefix prefix; /* FROM */
	double size;          /* the smaller one counts */
};

enum { MAX_VALUES = 60 };

struct test_list {
	const struct word *word;
	struct test_value value[MAX_VALUES];
	size_t n;
};

static bool
value_holds(
    const struct test_value *v, const struct fixture_flow *x, int64_t number)
{
	struct addr exporter;

	switch (v->form) {
	case RANGE: return number >= v->lo && number <= v->hi;
	case MASKED: return (number & v->mask) == v->bits;
	case ANY_OF: return (number & v->mask) != 0;
	case OCTET_WISE:
		for (unsigned i = 0; i < 4; i++) {
			unsigned o = (unsigned)(number >> (24 - 8 * i) & 255);

			if (o < v->octet[i][0] || o > v->octet[i][1])
				return false;
		}
		return true;
	case AT_INTERFACE:
		for (size_t i = 0; i < ARRAY_LEN(test_interfaces); i++)
			if (strcmp(test_interfaces[i].name, v->name) == 0 &&
			    strcmp(test_interfaces[i].exporter,
				fixture_sources[x->source].exporter) == 0 &&
			    test_interfaces[i].index == number)
				return true;
		return false;
	case FROM:
		assert_true(
		    addr_parse(fixture_sources[x->source].exporter, &exporter));
		return prefix_holds(&v->prefix, &exporter);
	}
	return false;
}

/* 1: included, -1: excluded, 0: in no value. */
static int
verdict(const struct test_list *l, const struct fixture_flow *x, int64_t number)
{
	const struct test_value *best = NULL;
	bool by_size = l->word->kind == ADDRESS || l->word->kind == SENDER;

	for (size_t i = 0; i < l->n; i++) {
		const struct test_value *v = &l->value[i];

		if (value_holds(v, x, number) &&
		    (best == NULL || !by_size || v->size < best->size))
			best = v;
	}
	return best == NULL ? 0 : best->exclude ? -1 : 1;
}

static bool
list_passes(const struct test_list *l, const struct fixture_flow *x)
{
	int a = verdict(l, x, get(x, l->word->first));
	int b = verdict(l, x, get(x, l->word->second));
	bool includes = false;

	for (size_t i = 0; i < l->n; i++)
		includes = includes || !l->value[i].exclude;
	if (a < 0 || b < 0)
		return false;
	return !includes || a > 0 || b > 0;
}

/* ---- the oracle: reading values ---- */

static int64_t
letters_of(const char *text)
{
	int64_t bits = 0;

	for (; *text != '\0'; text++)
		switch (toupper((unsigned char)*text)) {
		case 'F': bits |= 1; break;
		case 'S': bits |= 2; break;
		case 'R': bits |= 4; break;
		case 'P': bits |= 8; break;
		case 'A': bits |= 16; break;
		case 'U': bits |= 32; break;
		case 'E': bits |= 64; break;
		case 'C': bits |= 128; break;
		default: break;
		}
	return bits;
}

static int64_t
byte_of(const char *text)
{
	return isdigit((unsigned char)text[0]) ? strtol(text, NULL, 0)
					       : letters_of(text);
}

/* A number with whatever name or unit it has; *text moves behind it. */
static int64_t
number_of(const char **text)
{
	static const struct {
		const char *name;
		int64_t number;
	} names[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"gre", 47},
	    {"http", 80}, {"https", 443}, {"domain", 53}, {"ef", 46},
	    {"af41", 34}, {"cs0", 0}};
	static const struct {
		const char *unit;
		double factor;
	} units[] = {{"ms", 1}, {"ki", 1024}, {"s", 1000}, {"h", 3600000},
	    {"k", 1000}, {"M", 1e6}, {"G", 1e9}};
	const char *best = NULL;
	double d;
	char *end;
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t len = strlen(names[i].name);

		if (strncmp(*text, names[i].name, len) == 0 &&
		    (best == NULL || len > strlen(best))) {
			best = names[i].name;
			n = names[i].number;
		}
	}
	if (best != NULL) {
		*text += strlen(best);
		return n;
	}
	if (strncmp(*text, "0x", 2) == 0) {
		n = strtoll(*text, &end, 16);
		*text = end;
		return n;
	}
	d = strtod(*text, &end);
	*text = end;
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (strncmp(*text, units[i].unit, strlen(units[i].unit)) == 0) {
			*text += strlen(units[i].unit);
			return (int64_t)(d * units[i].factor + 0.5);
		}
	}
	return (int64_t)d;
}

static void
read_range(const char *text, struct test_value *v)
{
	v->form = RANGE;
	v->lo = *text == ':' ? 0 : number_of(&text);
	v->hi = v->lo;
	if (*text != '\0') {
		text++;
		v->hi = *text == '\0' ? INT64_MAX : number_of(&text);
	}
	assert_int_equal(*text, '\0');
}

static void
read_address(const char *text, struct test_value *v)
{
	unsigned a, b, c, d, e, f, g, h;
	int n = 0;

	if (sscanf(text, "%u.%u.%u.%u-%u.%u.%u.%u%n", &a, &b, &c, &d, &e, &f,
		&g, &h, &n) == 8 &&
	    text[n] == '\0') {
		v->form = RANGE;
		v->lo = ((a * INT64_C(256) + b) * 256 + c) * 256 + d;
		v->hi = ((e * INT64_C(256) + f) * 256 + g) * 256 + h;
		v->size = (double)(v->hi - v->lo + 1);
		return;
	}
	if (sscanf(text, "%u.%u.%u.%u/%u%n", &a, &b, &c, &d, &e, &n) == 5 &&
	    text[n] == '\0') {
		v->form = MASKED;
		v->mask =
		    (int64_t)(UINT64_C(0xffffffff) << (32 - e) & 0xffffffff);
		v->bits =
		    (((a * INT64_C(256) + b) * 256 + c) * 256 + d) & v->mask;
		v->size = (double)(INT64_C(1) << (32 - e));
		return;
	}
	v->form = OCTET_WISE;
	v->size = 1;
	for (unsigned i = 0; i < 4; i++) {
		unsigned *o = v->octet[i];

		o[0] = 0;
		o[1] = 255;
		if (*text == 'x' || *text == '*') {
			n = 1;
		} else if (sscanf(text, "%u-%u%n", &o[0], &o[1], &n) < 2) {
			assert_int_equal(sscanf(text, "%u%n", &o[0], &n), 1);
			o[1] = o[0];
		}
		text += n;
		text += *text == '.';
		v->size *= o[1] - o[0] + 1;
	}
	assert_int_equal(*text, '\0');
}

static void
read_flags(const char *text, struct test_value *v)
{
	static const struct {
		const char *name, *must, *must_not;
	} states[] = {{"syn-only", "S", "AFRPU"}, {"half-open", "SA", "FRPU"},
	    {"complete", "SAF", "R"}, {"refused", "R", "SFPU"}};
	const char *slash = strchr(text, '/');

	v->form = MASKED;
	v->mask = 255;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		if (strcmp(text, states[i].name) == 0) {
			v->bits = letters_of(states[i].must);
			v->mask = v->bits | letters_of(states[i].must_not);
			return;
		}
	}
	if (strncmp(text, "all:", 4) == 0) {
		v->bits = v->mask = byte_of(text + 4);
	} else if (strncmp(text, "any:", 4) == 0) {
		v->form = ANY_OF;
		v->mask = byte_of(text + 4);
	} else if (strncmp(text, "none:", 5) == 0) {
		v->mask = byte_of(text + 5);
	} else if (slash != NULL) {
		char *value = xasprintf("%.*s", (int)(slash - text), text);

		v->bits = byte_of(value);
		v->mask = byte_of(slash + 1);
		free(value);
	} else if (strpbrk(text, "-:") != NULL) {
		read_range(text, v);
	} else {
		v->bits = byte_of(text);
	}
}

static void
read_odd(const char *text, struct test_value *v)
{
	v->form = MASKED;
	v->mask = 0;
	if (strcmp(text, "any") == 0) {
		v->form = ANY_OF;
		v->mask = 255;
	} else if (strcmp(text, "none") == 0) {
		v->mask = 255;
	} else if (isdigit((unsigned char)text[0])) {
		read_range(text, v);
	} else {
		for (unsigned i = 0; i < N_QUIRKS; i++)
			if (strstr(text, quirk_names[i]) != NULL)
				v->mask |= INT64_C(1) << i;
		v->bits = v->mask;
	}
}

static void
read_pair(const char *text, struct test_value *v)
{
	unsigned type = 0, id = 0;
	const char *slash = strchr(text, '/');

	v->form = MASKED;
	v->mask = 0;
	if (sscanf(text, "%u", &type) == 1)
		v->mask |= 0xff00;
	if (sscanf(slash + 1, "%u", &id) == 1)
		v->mask |= 0xff;
	v->bits = type * INT64_C(256) + id;
}

static void read_list(struct test_list *l, const char *text, bool exclude);

/* Names that stand for several values; whether this is one. */
static bool
read_name(struct test_list *l, const char *text, bool exclude)
{
	bool found = false;

	for (size_t i = 0; text[0] == '@' && i < ARRAY_LEN(test_groups); i++)
		if (strcmp(test_groups[i].name, text + 1) == 0) {
			read_list(l, test_groups[i].value, exclude);
			return true;
		}
	for (size_t i = 0;
	     l->word->kind == ADDRESS && i < ARRAY_LEN(test_hosts); i++) {
		if (strcmp(test_hosts[i].name, text) != 0)
			continue;
		found = true;
		if (strchr(test_hosts[i].value, ':') == NULL)
			read_list(l, test_hosts[i].value, exclude);
	}
	for (size_t i = 0;
	     l->word->kind == SENDER && i < ARRAY_LEN(test_exporters); i++) {
		if (strcmp(test_exporters[i].name, text) != 0)
			continue;
		found = true;
		read_list(l, test_exporters[i].value, exclude);
	}
	return found;
}

static void
read_value(struct test_list *l, const char *text, bool exclude)
{
	struct test_value *v = &l->value[l->n];

	if (read_name(l, text, exclude))
		return;
	assert_true(l->n < MAX_VALUES);
	*v = (struct test_value){.exclude = exclude, .size = 1};
	switch (l->word->kind) {
	case ADDRESS: read_address(text, v); break;
	case TCP: read_flags(text, v); break;
	case ODD: read_odd(text, v); break;
	case PAIR: read_pair(text, v); break;
	case BYTE:
		if (strchr(text, '/') != NULL)
			read_flags(text, v);
		else
			read_range(text, v);
		break;
	case SENDER:
		v->form = FROM;
		assert_true(prefix_parse(text, &v->prefix));
		v->size = 1000 - v->prefix.len;
		break;
	case INTERFACE:
		for (size_t i = 0; i < ARRAY_LEN(test_interfaces); i++)
			if (strcmp(test_interfaces[i].name, text) == 0) {
				v->form = AT_INTERFACE;
				snprintf(v->name, sizeof v->name, "%s", text);
				l->n++;
				return;
			}
		read_range(text, v);
		break;
	default: read_range(text, v);
	}
	l->n++;
}

static void
read_list(struct test_list *l, const char *text, bool exclude)
{
	char *copy = xstrdup(text), *rest = copy, *one;

	while ((one = strsep(&rest, ",")) != NULL) {
		char *end;
		bool minus;

		one += strspn(one, " ");
		minus = *one == '-';
		one += minus;
		if (*one == '"')
			one++;
		end = one + strlen(one);
		while (end > one && (end[-1] == ' ' || end[-1] == '"'))
			end--;
		*end = '\0';
		read_value(l, one, exclude || minus);
	}
	free(copy);
}

/* ---- making lists ---- */

struct maker {
	uint64_t rng;
	const struct fixture_flow *flows;
};

static uint64_t
pick(struct maker *m, uint64_t below)
{
	return fixture_random(&m->rng, below);
}

static const char *
pick_text(struct maker *m, const char *const *texts, size_t n)
{
	return texts[pick(m, n)];
}

/* A number that some flow has there, or one beside it. */
static int64_t
pick_number(struct maker *m, const struct word *w)
{
	const struct fixture_flow *x = &m->flows[pick(m, N_FLOWS)];
	int64_t n = get(x, pick(m, 2) == 0 ? w->first : w->second);

	n += pick(m, 4) == 0 ? (int64_t)pick(m, 3) - 1 : 0;
	return n < 0 ? 0 : n > w->max ? w->max : n;
}

static void
put_ip(struct buf *out, int64_t ip)
{
	char text[ADDR_TEXT_LEN];

	ip4_format((uint32_t)ip, text);
	buf_puts(out, text);
}

static void
put_octet(struct maker *m, struct buf *out, unsigned o, bool may_be_free)
{
	unsigned from = o >= 3 ? o - (unsigned)pick(m, 4) : o;
	unsigned to = from + (unsigned)pick(m, 6);

	if (may_be_free && pick(m, 3) == 0)
		buf_puts(out, pick(m, 2) == 0 ? "x" : "*");
	else if (pick(m, 3) == 0)
		buf_printf(out, "%u-%u", from, to < 255 ? to : 255);
	else
		buf_printf(out, "%u", o);
}

static void
put_address(struct maker *m, const struct word *w, struct buf *out)
{
	int64_t ip = pick_number(m, w), to = pick_number(m, w);

	switch (pick(m, 8)) {
	case 0:
		buf_puts(out, pick(m, 2) == 0 ? "www.example.com" : "@clean");
		break;
	case 1:
		put_ip(out, ip < to ? ip : to);
		buf_puts(out, "-");
		put_ip(out, ip < to ? to : ip);
		break;
	case 2:
		for (unsigned i = 0; i < 4; i++) {
			buf_puts(out, i > 0 ? "." : "");
			put_octet(m, out, ip >> (24 - 8 * i) & 255, i > 1);
		}
		break;
	case 3: put_ip(out, ip); break;
	default: put_ip(out, ip); buf_printf(out, "/%d", (int)pick(m, 33));
	}
}

/* In some of the ways to write it. */
static void
put_scaled(struct maker *m, const struct word *w, struct buf *out, int64_t n)
{
	if (w->kind == SPAN)
		buf_printf(out,
		    n % 1000 == 0 ? "%" PRId64 "s" : "%" PRId64 "ms",
		    n % 1000 == 0 ? n / 1000 : n);
	else if (w->kind == COUNT && n % 1000 == 0 && n > 0)
		buf_printf(out, "%" PRId64 "k", n / 1000);
	else if (w->kind == COUNT && n % 100 == 0 && n > 0)
		buf_printf(
		    out, "%" PRId64 ".%dk", n / 1000, (int)(n % 1000 / 100));
	else if (w->kind != PROTOCOL && pick(m, 8) == 0)
		buf_printf(out, "0x%" PRIx64, (uint64_t)n);
	else
		buf_printf(out, "%" PRId64, n);
}

static void
put_number_range(struct maker *m, const struct word *w, struct buf *out)
{
	int64_t a = pick_number(m, w), b = pick_number(m, w);
	uint64_t how = pick(m, 8);

	if (how == 0 || w->kind == ODD || w->kind == CODE) {
		put_scaled(m, w, out, a);
	} else if (how == 1) {
		put_scaled(m, w, out, a);
		buf_puts(out, pick(m, 2) == 0 ? "-" : ":");
	} else if (how == 2) {
		buf_puts(out, ":");
		put_scaled(m, w, out, a);
	} else if (how < 6) {
		put_scaled(m, w, out, a < b ? a : b);
		buf_puts(out, how < 5 ? "-" : ":");
		put_scaled(m, w, out, a < b ? b : a);
	} else {
		put_scaled(m, w, out, a);
	}
}

static void
put_letters(struct maker *m, struct buf *out)
{
	static const char letters[] = "SAPFRUECsapfruec";
	size_t n = 1 + pick(m, 4);

	for (size_t i = 0; i < n; i++)
		buf_put(out, &letters[pick(m, strlen(letters))], 1);
}

static void
put_flags(struct maker *m, const struct word *w, struct buf *out)
{
	static const char *const states[] = {
	    "syn-only", "half-open", "complete", "refused"};
	static const char *const scopes[] = {"all:", "any:", "none:"};
	unsigned mask = (unsigned)pick(m, 256);

	switch (pick(m, 5)) {
	case 0: buf_puts(out, pick_text(m, states, 4)); break;
	case 1:
		buf_puts(out, pick_text(m, scopes, 3));
		put_letters(m, out);
		break;
	case 2:
		buf_printf(out, "%u/0x%x", (unsigned)pick(m, 256) & mask, mask);
		break;
	case 3: put_letters(m, out); break;
	default: put_number_range(m, w, out);
	}
}

static void
put_value(struct maker *m, const struct word *w, struct buf *out)
{
	static const char *const services[] = {
	    "http", "https", "domain", "domain-http", "@web", "@public"};
	static const char *const protocols[] = {"tcp", "udp", "icmp", "gre"};
	static const char *const codes[] = {"ef", "af41", "cs0"};
	static const char *const odd[] = {"none", "any", "clock-absurd",
	    "start-after-end", "uptime-wrapped+duration-clamped"};
	static const char *const senders[] = {"192.0.2.1", "192.0.2.1/24",
	    "192.0.2.77", "0.0.0.0/0", "2001:db8::1", "2001:db8::/64",
	    "2001:db8::/32", "::/0", "203.0.113.1", "edge", "@routers"};
	static const char *const pairs[] = {
	    "0/0", "0/1", "0/x", "x/0", "1/0", "2/9", "*/*", "0/255", "7/7"};
	static const char *const interfaces[] = {
	    "uplink", "\"Ethernet 1/1\"", "2nd", "ge-0/0/1.100", "@uplinks"};
	bool name = pick(m, 4) == 0;

	switch (w->kind) {
	case ADDRESS: put_address(m, w, out); break;
	case TCP: put_flags(m, w, out); break;
	case SENDER: buf_puts(out, pick_text(m, senders, 11)); break;
	case PAIR: buf_puts(out, pick_text(m, pairs, 9)); break;
	case BYTE: {
		unsigned mask = (unsigned)pick(m, 256);

		if (name)
			buf_printf(
			    out, "%u/%u", (unsigned)pick(m, 256) & mask, mask);
		else
			put_number_range(m, w, out);
		break;
	}
	default:
		if (name && w->kind == PORT)
			buf_puts(out, pick_text(m, services, 6));
		else if (name && w->kind == PROTOCOL)
			buf_puts(out, pick_text(m, protocols, 4));
		else if (name && w->kind == CODE)
			buf_puts(out, pick_text(m, codes, 3));
		else if (w->kind == ODD)
			buf_puts(out, pick_text(m, odd, 5));
		else if (name && w->kind == INTERFACE)
			buf_puts(out, pick_text(m, interfaces, 5));
		else
			put_number_range(m, w, out);
	}
}

static void
put_list(struct maker *m, const struct word *w, struct buf *out)
{
	size_t n = 1 + (pick(m, 2) == 0 ? 0 : pick(m, 5));
	uint64_t excludes = pick(m, 3); /* none, some, all */

	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i > 0 ? "," : "");
		if (excludes == 2 || (excludes == 1 && pick(m, 3) == 0))
			buf_puts(out, "-");
		put_value(m, w, out);
	}
}

/* ---- expressions ---- */

/* A tree with its own meaning; what it is written as is made of it. */
struct node {
	enum { ALL, ONE, NOT, LIST, ORDER, FIELDS, EVERY } kind;
	struct node *child[3];
	size_t n;
	const struct word *word, *other;
	struct test_list list; /* LIST */
	char *text;            /* LIST: the values */
	bool unequal;          /* LIST: != */
	const char *op;        /* ORDER, FIELDS */
	int64_t bound;         /* ORDER */
};

static bool
compare(int64_t a, const char *op, int64_t b)
{
	if (strcmp(op, "<") == 0)
		return a < b;
	if (strcmp(op, "<=") == 0)
		return a <= b;
	if (strcmp(op, ">") == 0)
		return a > b;
	if (strcmp(op, ">=") == 0)
		return a >= b;
	return strcmp(op, "!=") == 0 ? a != b : a == b;
}

/* At either end, for some end; but != is for neither. */
static bool
fields_pass(const struct node *t, const struct fixture_flow *x)
{
	const struct word *a = t->word, *b = t->other;
	bool one = compare(get(x, a->first), t->op, get(x, b->first));
	bool two = compare(get(x, a->second), t->op, get(x, b->second));

	return strcmp(t->op, "!=") == 0 ? one && two : one || two;
}

static bool
passes(const struct node *t, const struct fixture_flow *x)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += passes(t->child[i], x);
	switch (t->kind) {
	case ALL: return n == t->n;
	case ONE: return n > 0;
	case NOT: return n == 0;
	case EVERY: return true;
	case LIST: return list_passes(&t->list, x) != t->unequal;
	case ORDER:
		return compare(get(x, t->word->first), t->op, t->bound) ||
		       compare(get(x, t->word->second), t->op, t->bound);
	case FIELDS: return fields_pass(t, x);
	}
	return false;
}

static void
free_node(struct node *t)
{
	for (size_t i = 0; i < t->n; i++)
		free_node(t->child[i]);
	free(t->text);
	free(t);
}

static struct node *
make_list(struct maker *m, const struct word *w)
{
	struct node *t = xcalloc(1, sizeof *t);
	struct buf text;

	t->kind = LIST;
	t->word = w;
	t->list.word = w;
	buf_init(&text, 10000);
	put_list(m, w, &text);
	t->text = xstrdup(buf_str(&text));
	buf_release(&text);
	read_list(&t->list, t->text, false);
	return t;
}

static struct node *
make_order(struct maker *m)
{
	static const char *const ops[] = {"<", "<=", ">", ">="};
	struct node *t = xcalloc(1, sizeof *t);

	do
		t->word = &words[pick(m, ARRAY_LEN(words))];
	while (t->word->kind == SENDER || t->word->kind == PAIR);
	t->kind = ORDER;
	t->bound = pick_number(m, t->word);
	t->op = pick_text(m, ops, 4);
	/* what could never be is refused */
	if (strcmp(t->op, "<") == 0 && t->bound == 0)
		t->op = "<=";
	if (strcmp(t->op, ">") == 0 && t->bound == t->word->max)
		t->op = ">=";
	return t;
}

static struct node *
make_fields(struct maker *m)
{
	static const char *const ops[] = {"<", "<=", ">", ">=", "=", "!="};
	struct node *t = xcalloc(1, sizeof *t);

	do {
		t->word = &words[pick(m, ARRAY_LEN(words))];
		t->other = &words[pick(m, ARRAY_LEN(words))];
	} while (t->word->kind != t->other->kind || t->word->kind == SENDER ||
		 t->word->kind == PAIR || t->word->first == SAMPLING ||
		 t->other->first == SAMPLING ||
		 (t->word->first != t->word->second &&
		     t->other->first != t->other->second));
	t->kind = FIELDS;
	t->op = pick_text(m, ops, 6);
	return t;
}

static struct node *
make_tree(struct maker *m, unsigned depth)
{
	struct node *t;
	uint64_t how = pick(m, 10);

	if (depth == 0 || how < 4) {
		if (how == 0)
			return make_order(m);
		if (how == 1)
			return make_fields(m);
		t = make_list(m, &words[pick(m, ARRAY_LEN(words))]);
		t->unequal = pick(m, 5) == 0;
		return t;
	}
	t = xcalloc(1, sizeof *t);
	t->kind = how < 6 ? ALL : how < 8 ? ONE : how < 9 ? NOT : EVERY;
	t->n = t->kind == EVERY ? 0 : t->kind == NOT ? 1 : 2 + pick(m, 2);
	for (size_t i = 0; i < t->n; i++)
		t->child[i] = make_tree(m, depth - 1);
	return t;
}

/* ---- writing expressions ---- */

static void
put_blank(struct maker *m, struct buf *out)
{
	static const char *const blanks[] = {" ", "  ", "\n\t", " # so\n"};

	buf_puts(out, pick_text(m, blanks, pick(m, 8) == 0 ? 4 : 1));
}

static void
put_name(struct maker *m, const struct word *w, struct buf *out)
{
	const char *name =
	    w->nfdump != NULL && pick(m, 3) == 0 ? w->nfdump : w->name;

	for (; *name != '\0'; name++) {
		char c = (char)(pick(m, 12) == 0 ? toupper((unsigned char)*name)
						 : *name);

		buf_put(out, &c, 1);
	}
}

/* Letters without an operator would be all: of them. */
static bool
may_imply(const struct node *t)
{
	return t->word->kind != TCP && !t->unequal;
}

static void
put_bracketed(struct maker *m, const char *list, struct buf *out)
{
	bool quoted = false;

	buf_puts(out, "[ ");
	for (; *list != '\0'; list++) {
		quoted = quoted != (*list == '"');
		if (*list == ',' && !quoted && pick(m, 2) == 0)
			put_blank(m, out);
		else
			buf_put(out, list, 1);
	}
	buf_puts(out, "]");
}

static void
put_list_node(struct maker *m, const struct node *t, struct buf *out)
{
	put_name(m, t->word, out);
	if (t->unequal) {
		buf_puts(out, pick(m, 2) == 0 ? "!=" : " ne ");
		buf_puts(out, t->text);
	} else if (may_imply(t) && pick(m, 4) == 0) {
		put_blank(m, out);
		buf_puts(out, t->text);
	} else if (pick(m, 3) == 0) {
		buf_puts(out, pick(m, 2) == 0 ? " in " : " = ");
		put_bracketed(m, t->text, out);
	} else {
		static const char *const ops[] = {"=", " = ", "==", " eq "};

		buf_puts(out, pick_text(m, ops, 4));
		buf_puts(out, t->text);
	}
}

static void
put_op(struct maker *m, const char *op, struct buf *out)
{
	static const char *const spelled[][2] = {{"<", " lt "}, {"<=", " le "},
	    {">", " gt "}, {">=", " ge "}, {"=", " eq "}, {"!=", " ne "}};

	for (size_t i = 0; i < ARRAY_LEN(spelled); i++)
		if (strcmp(spelled[i][0], op) == 0)
			buf_puts(out, spelled[i][pick(m, 2)]);
}

static void
put_bound(struct maker *m, const struct node *t, struct buf *out)
{
	if (t->word->kind == ADDRESS)
		put_ip(out, t->bound);
	else
		put_scaled(m, t->word, out, t->bound);
}

static void put_node(struct maker *m, const struct node *t, struct buf *out);

/* With brackets where they are needed, and sometimes where not. */
static void
put_child(struct maker *m, const struct node *t, struct buf *out)
{
	bool brackets = t->kind == ALL || t->kind == ONE || pick(m, 6) == 0;

	buf_puts(out, brackets ? "(" : "");
	put_node(m, t, out);
	buf_puts(out, brackets ? ")" : "");
}

static void
put_node(struct maker *m, const struct node *t, struct buf *out)
{
	static const char *const joins[][3] = {
	    {"and", "AND", "&&"}, {"or", "Or", "||"}};

	switch (t->kind) {
	case EVERY: buf_puts(out, "any"); break;
	case LIST: put_list_node(m, t, out); break;
	case ORDER:
	case FIELDS:
		put_name(m, t->word, out);
		put_op(m, t->op, out);
		if (t->kind == ORDER)
			put_bound(m, t, out);
		else
			put_name(m, t->other, out);
		break;
	case NOT:
		buf_puts(out, pick(m, 3) == 0 ? "! " : "not ");
		put_child(m, t->child[0], out);
		break;
	case ALL:
	case ONE:
		for (size_t i = 0; i < t->n; i++) {
			if (i > 0) {
				put_blank(m, out);
				buf_puts(
				    out, joins[t->kind == ONE][pick(m, 3)]);
				put_blank(m, out);
			}
			put_child(m, t->child[i], out);
		}
	}
}

/* ---- filters ---- */

enum { MAX_WORDS = 5 };

struct made {
	struct node *word[MAX_WORDS]; /* ANDed */
	size_t n;
	bool has_from, has_to;
	int64_t from_ms, to_ms;
	int include; /* 0 any, 1 start, 2 end, 3 inside */
	struct buf line;
};

static bool
in_time(const struct made *f, const struct flow *x)
{
	int64_t first = x->start_ms, last = x->end_ms;
	int64_t low = f->include == 1 || f->include == 3 ? first : last;
	int64_t high = f->include == 2 || f->include == 3 ? last : first;

	return (!f->has_from || low >= f->from_ms) &&
	       (!f->has_to || high < f->to_ms);
}

static bool
made_passes(const struct made *f, const struct fixture_flow *x)
{
	if (!in_time(f, &x->flow))
		return false;
	for (size_t i = 0; i < f->n; i++)
		if (!passes(f->word[i], x))
			return false;
	return true;
}

static void
put_time(struct made *f, const char *word, int64_t ms)
{
	buf_printf(&f->line, " %s=@%" PRId64 ".%03d", word, ms / 1000,
	    (int)(ms % 1000));
}

static void
make_time(struct maker *m, struct made *f)
{
	static const char *const includes[] = {"any", "start", "end", "inside"};
	const struct flow *a = &m->flows[pick(m, N_FLOWS)].flow;
	const struct flow *b = &m->flows[pick(m, N_FLOWS)].flow;

	f->has_from = pick(m, 2) == 0;
	f->has_to = pick(m, 2) == 0;
	f->include = (int)pick(m, 4);
	f->from_ms = (pick(m, 2) == 0 ? a->start_ms : a->end_ms) - 1 +
		     (int64_t)pick(m, 3);
	f->to_ms = (pick(m, 2) == 0 ? b->start_ms : b->end_ms) - 1 +
		   (int64_t)pick(m, 3);
	if (f->has_from && f->has_to && f->from_ms >= f->to_ms)
		f->has_to = false;
	if (f->has_from)
		put_time(f, "from", f->from_ms);
	if (f->has_to)
		put_time(f, "to", f->to_ms);
	buf_printf(&f->line, " include=%s", includes[f->include]);
}

static void
make_filter(struct maker *m, struct made *f)
{
	size_t first = pick(m, ARRAY_LEN(words));
	size_t n_lists = pick(m, 4);

	*f = (struct made){0};
	buf_init(&f->line, 100000);
	for (size_t i = 0; i < n_lists; i++) {
		/* 7 is no divisor of the number of words: all differ */
		const struct word *w =
		    &words[(first + 7 * i) % ARRAY_LEN(words)];

		f->word[f->n] = make_list(m, w);
		buf_printf(&f->line, " %s='%s'", w->name, f->word[f->n]->text);
		f->n++;
	}
	if (n_lists < 2) {
		f->word[f->n] = make_tree(m, 3);
		buf_puts(&f->line, " where='");
		put_node(m, f->word[f->n++], &f->line);
		buf_puts(&f->line, "'");
	}
	if (pick(m, 2) == 0)
		make_time(m, f);
}

static void
free_made(struct made *f)
{
	for (size_t i = 0; i < f->n; i++)
		free_node(f->word[i]);
	buf_release(&f->line);
}

/* ---- the code under test ---- */

static void
parse(struct filter *f, const char *line)
{
	struct err err;

	filter_init(f);
	f->names = &test_names;
	if (filter_add_line(f, line, NOW_MS, &err) != 0 ||
	    filter_check(f, &err) != 0)
		fail_msg("%s: %s", line, err.text);
}

static bool
same_tree(const struct ast *a, const struct ast *b)
{
	if (a->kind != b->kind || a->n_children != b->n_children ||
	    a->n_ranges != b->n_ranges || a->n_exporters != b->n_exporters ||
	    (a->text == NULL) != (b->text == NULL))
		return false;
	if ((a->kind == AST_RANGES || a->kind == AST_COMPARE) &&
	    (a->column != b->column || a->op != b->op || a->other != b->other))
		return false;
	for (size_t i = 0; i < a->n_ranges; i++)
		if (a->range[i].lo != b->range[i].lo ||
		    a->range[i].hi != b->range[i].hi)
			return false;
	for (size_t i = 0; i < a->n_exporters; i++)
		if (!addr_equal(&a->exporter[i].prefix.addr,
			&b->exporter[i].prefix.addr) ||
		    a->exporter[i].prefix.len != b->exporter[i].prefix.len ||
		    a->exporter[i].verdict != b->exporter[i].verdict)
			return false;
	for (size_t i = 0; i < a->n_children; i++)
		if (!same_tree(a->child[i], b->child[i]))
			return false;
	return true;
}

/* parse -> print -> parse is the identity. */
static void
check_printing(const struct filter *f, const char *line)
{
	struct buf once, twice;
	struct filter again;

	buf_init(&once, 200000);
	buf_init(&twice, 200000);
	filter_print(f, &once);
	parse(&again, buf_str(&once));
	filter_print(&again, &twice);
	if (strcmp(buf_str(&once), buf_str(&twice)) != 0)
		fail_msg("%s\nis printed as %s\nand then as %s", line,
		    buf_str(&once), buf_str(&twice));
	if (!same_tree(f->ast, again.ast) || f->has_from != again.has_from ||
	    f->from_ms != again.from_ms || f->has_to != again.has_to ||
	    f->to_ms != again.to_ms || f->include != again.include)
		fail_msg("%s\nis another filter than %s", line, buf_str(&once));
	filter_release(&again);
	buf_release(&once);
	buf_release(&twice);
}

/* All flows as one batch. */
static void
make_batch(
    struct batch *b, struct addr *exporters, const struct fixture_flow *flows)
{
	static const struct {
		enum flow_column column;
		enum what what;
	} columns[] = {{COL_EXPORTER, EXPORTER}, {COL_SRC_ADDR, SRC},
	    {COL_DST_ADDR, DST}, {COL_NEXT_HOP, NEXT_HOP},
	    {COL_INPUT_IF, IN_IF}, {COL_OUTPUT_IF, OUT_IF},
	    {COL_PACKETS, PACKETS}, {COL_OCTETS, OCTETS},
	    {COL_DURATION_MS, DURATION}, {COL_SRC_PORT, SPORT},
	    {COL_DST_PORT, DPORT}, {COL_TCP_FLAGS, FLAGS},
	    {COL_PROTOCOL, PROTO}, {COL_TOS, TOS}, {COL_SRC_AS, SRC_AS},
	    {COL_DST_AS, DST_AS}, {COL_SRC_MASK, SRC_MASK},
	    {COL_DST_MASK, DST_MASK}, {COL_QUIRKS, QUIRKS}};

	batch_init(b, UINT32_MAX);
	b->n = N_FLOWS;
	b->exporters = exporters;
	b->n_exporters = ARRAY_LEN(fixture_sources);
	for (size_t i = 0; i < ARRAY_LEN(fixture_sources); i++)
		exporters[i] = fixture_source(i).exporter;
	for (size_t i = 0; i < N_FLOWS; i++) {
		const struct fixture_flow *x = &flows[i];

		for (size_t c = 0; c < ARRAY_LEN(columns); c++)
			b->col[columns[c].column][i] = get(x, columns[c].what);
		b->col[COL_START_MS][i] = x->flow.start_ms;
		b->col[COL_END_MS][i] = x->flow.end_ms;
		b->col[COL_ENGINE_TYPE][i] =
		    fixture_sources[x->source].engine_type;
		b->col[COL_ENGINE_ID][i] = fixture_sources[x->source].engine_id;
		b->col[COL_SAMPLING][i] = fixture_sources[x->source].sampling;
	}
}

static void
check_memory(const struct filter *f, const struct batch *b, const bool *want,
    const char *line)
{
	struct batch only = *b;
	flow_column_set columns = match_columns(f);
	struct match_set set;
	size_t n, n_want = 0;

	/* with no more than it asks for */
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++)
		if ((columns & (flow_column_set)1 << c) == 0)
			only.col[c] = NULL;
	n = match_batch(f, &only, &set);
	for (size_t i = 0; i < N_FLOWS; i++) {
		n_want += want[i];
		if (match_has(&set, i) != want[i])
			fail_msg(
			    "%s\nflow %zu in memory: %d", line, i, !want[i]);
		if (i % 16 == 0 && match_flow(f, &only, i) != want[i])
			fail_msg("%s\nflow %zu alone: %d", line, i, !want[i]);
	}
	assert_int_equal(n, n_want);
}

/* What tells one flow from another. */
static uint64_t
digest(int64_t end_ms, int64_t src, int64_t sport, int64_t octets)
{
	return (uint64_t)end_ms * 0x9e3779b97f4a7c15 +
	       (uint64_t)src * 0xbf58476d1ce4e5b9 +
	       (uint64_t)sport * 0x94d049bb133111eb + (uint64_t)octets;
}

struct found {
	uint64_t flow[N_FLOWS];
	size_t n;
};

static int
take(const struct batch *b, void *arg, struct err *err)
{
	struct found *found = arg;

	(void)err;
	for (size_t i = 0; i < b->n; i++) {
		assert_true(found->n < N_FLOWS);
		found->flow[found->n++] =
		    digest(b->col[COL_END_MS][i], b->col[COL_SRC_ADDR][i],
			b->col[COL_SRC_PORT][i], b->col[COL_OCTETS][i]);
	}
	return 0;
}

static void
check_sql(const char *dir, const struct filter *f,
    const struct fixture_flow *flows, const bool *want, const char *line)
{
	const struct scan_query q = {.dir = dir,
	    .filter = f,
	    .columns = 1u << COL_END_MS | 1u << COL_SRC_ADDR |
		       1u << COL_SRC_PORT | 1u << COL_OCTETS,
	    .n_threads = 1};
	struct found found = {.n = 0};
	struct scan_stats stats;
	struct err err;
	size_t n = 0;

	if (scan_run(&q, take, &found, &stats, &err) != 0)
		fail_msg("%s\n%s", line, err.text);
	for (size_t i = 0; i < N_FLOWS; i++) {
		const struct flow *x = &flows[i].flow;

		if (!want[i])
			continue;
		if (n == found.n ||
		    found.flow[n] !=
			digest(x->end_ms, x->src_addr, x->src_port, x->octets))
			fail_msg("%s\nflow %zu is not found by SQL", line, i);
		n++;
	}
	if (n != found.n)
		fail_msg("%s\nSQL finds %zu flows, not %zu", line, found.n, n);
}

/* ---- the test ---- */

/* Flows with the least and most of everything, and with equal ends. */
static struct fixture_flow *
make_flows(uint64_t *rng)
{
	struct fixture_flow *flows =
	    fixture_flows(rng, N_FLOWS, NOW_MS - MS_PER_DAY, NOW_MS);

	for (size_t i = 0; i < N_FLOWS; i++) {
		struct flow *f = &flows[i].flow;

		if (fixture_random(rng, 4) == 0)
			f->start_ms = f->end_ms;
		if (fixture_random(rng, 4) == 0)
			f->octets = (uint32_t)fixture_random(rng, 3000);
		if (fixture_random(rng, 8) == 0)
			f->packets = UINT32_MAX * (unsigned)(i % 2);
		if (fixture_random(rng, 4) == 0) {
			f->dst_addr = f->src_addr;
			f->output_if = f->input_if;
		}
		f->src_as = (uint16_t)(fixture_random(rng, 4) * 21845);
		f->dst_as = (uint16_t)(fixture_random(rng, 4) * 21845);
		f->tos = (uint8_t)(fixture_random(rng, 6) * 51);
	}
	return flows;
}

static void
sql_and_memory_find_what_the_oracle_finds(void **state)
{
	const char *dir = *state;
	struct maker m = {.rng = 20240301};
	struct fixture_flow *flows = make_flows(&m.rng);
	struct addr exporters[ARRAY_LEN(fixture_sources)];
	struct batch batch;
	size_t n_some = 0;

	fixture_store(
	    dir, clock_day(NOW_MS), flows, N_FLOWS, SEGMENT_ROWS, SIZE_MAX);
	make_batch(&batch, exporters, flows);
	m.flows = flows;
	for (int i = 0; i < N_FILTERS; i++) {
		bool want[N_FLOWS];
		struct filter f;
		struct made made;
		size_t n = 0;

		make_filter(&m, &made);
		parse(&f, buf_str(&made.line));
		for (size_t k = 0; k < N_FLOWS; k++)
			n += want[k] = made_passes(&made, &flows[k]);
		n_some += n > 0 && n < N_FLOWS;
		check_printing(&f, buf_str(&made.line));
		check_memory(&f, &batch, want, buf_str(&made.line));
		check_sql(dir, &f, flows, want, buf_str(&made.line));
		filter_release(&f);
		free_made(&made);
	}
	/* most filters divide the flows: the test is not about nothing */
	assert_in_range(n_some, N_FILTERS / 2, N_FILTERS);
	batch_release(&batch);
	free(flows);
}

static int
make_store(void **state)
{
	*state = temp_new();
	fixture_make_store(*state);
	return 0;
}

static int
remove_store(void **state)
{
	temp_remove(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(sql_and_memory_find_what_the_oracle_finds),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, make_store, remove_store);
}
