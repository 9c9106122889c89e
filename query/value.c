/* SPDX-License-Identifier: ISC */
/* Values that are numbers, by any name, and ranges of them: see value.h. */
#include "query/value.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/field.h"
#include "query/names.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

void
value_init(struct value *v)
{
	*v = (struct value){0};
	buf_init(&v->text, 4 * VALUE_MAX_LEN);
}

void
value_release(struct value *v)
{
	free(v->range);
	free(v->prefix);
	free(v->interface);
	buf_release(&v->text);
	*v = (struct value){0};
}

void
value_add_range(struct value *v, int64_t lo, int64_t hi)
{
	v->range =
	    xgrow(v->range, v->n_ranges, &v->cap_ranges, sizeof *v->range);
	v->range[v->n_ranges++] = (struct ast_range){lo, hi};
}

void
value_add_prefix(struct value *v, const struct prefix *p, bool other)
{
	v->prefix = xgrow(
	    v->prefix, v->n_prefixes, &v->cap_prefixes, sizeof *v->prefix);
	v->prefix[v->n_prefixes++] = (struct value_prefix){*p, other};
}

/* ---- single numbers ---- */

/* A number, or the name of one, of f. */
typedef bool scalar_fn(const struct field *f, const char *text, int64_t *out);
typedef void put_fn(struct buf *out, int64_t value);

static bool
read_number(const struct field *f, const char *text, int64_t *out)
{
	uint64_t n;

	if (!parse_u64(text, (uint64_t)f->max, &n))
		return false;
	*out = (int64_t)n;
	return true;
}

static void
put_number(struct buf *out, int64_t value)
{
	buf_printf(out, "%" PRId64, value);
}

/* Room for one entry of services(5) or protocols(5) with its aliases. */
enum { NETDB_BUF_LEN = 4096 };

static bool
read_port(const struct field *f, const char *text, int64_t *out)
{
	char buf[NETDB_BUF_LEN];
	struct servent entry, *found;

	if (read_number(f, text, out))
		return true;
	if (getservbyname_r(text, NULL, &entry, buf, sizeof buf, &found) != 0 ||
	    found == NULL)
		return false;
	*out = ntohs((uint16_t)found->s_port);
	return true;
}

struct named_number {
	const char *name;
	int64_t number;
};

/* What a system without /etc/protocols must know too, and what is printed.
 * Source: IANA, "Assigned Internet Protocol Numbers". */
static const struct named_number protocols[] = {
    {"icmp", 1},
    {"igmp", 2},
    {"ipip", 4},
    {"tcp", 6},
    {"udp", 17},
    {"ipv6", 41},
    {"gre", 47},
    {"esp", 50},
    {"ah", 51},
    {"icmp6", 58},
    {"eigrp", 88},
    {"ospf", 89},
    {"pim", 103},
    {"vrrp", 112},
    {"l2tp", 115},
    {"sctp", 132},
};

/* Source: IANA, "Differentiated Services Field Codepoints". */
static const struct named_number code_points[] = {
    {"cs0", 0},
    {"le", 1},
    {"cs1", 8},
    {"af11", 10},
    {"af12", 12},
    {"af13", 14},
    {"cs2", 16},
    {"af21", 18},
    {"af22", 20},
    {"af23", 22},
    {"cs3", 24},
    {"af31", 26},
    {"af32", 28},
    {"af33", 30},
    {"cs4", 32},
    {"af41", 34},
    {"af42", 36},
    {"af43", 38},
    {"cs5", 40},
    {"va", 44},
    {"ef", 46},
    {"cs6", 48},
    {"cs7", 56},
};

static bool
find_name(
    const struct named_number *table, size_t n, const char *name, int64_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (strcasecmp(table[i].name, name) == 0) {
			*out = table[i].number;
			return true;
		}
	}
	return false;
}

/* By its name where the table has one. */
static void
put_named(
    struct buf *out, const struct named_number *table, size_t n, int64_t value)
{
	for (size_t i = 0; i < n; i++) {
		if (table[i].number == value) {
			buf_puts(out, table[i].name);
			return;
		}
	}
	put_number(out, value);
}

static bool
read_protocol(const struct field *f, const char *text, int64_t *out)
{
	char buf[NETDB_BUF_LEN];
	struct protoent entry, *found;

	if (read_number(f, text, out) ||
	    find_name(protocols, ARRAY_LEN(protocols), text, out))
		return true;
	if (getprotobyname_r(text, &entry, buf, sizeof buf, &found) != 0 ||
	    found == NULL)
		return false;
	*out = (uint8_t)found->p_proto;
	return true;
}

static void
put_protocol(struct buf *out, int64_t value)
{
	put_named(out, protocols, ARRAY_LEN(protocols), value);
}

static bool
read_dscp(const struct field *f, const char *text, int64_t *out)
{
	return read_number(f, text, out) ||
	       find_name(code_points, ARRAY_LEN(code_points), text, out);
}

static void
put_dscp(struct buf *out, int64_t value)
{
	put_named(out, code_points, ARRAY_LEN(code_points), value);
}

/* ---- numbers with a unit ---- */

static const struct named_number count_units[] = {
    {"", 1},
    {"k", 1000},
    {"m", 1000000},
    {"g", INT64_C(1000000000)},
    {"t", INT64_C(1000000000000)},
    {"ki", INT64_C(1) << 10},
    {"mi", INT64_C(1) << 20},
    {"gi", INT64_C(1) << 30},
    {"ti", INT64_C(1) << 40},
};

/* A second is too easily meant by a number without a unit. */
static const struct named_number duration_units[] = {
    {"ms", 1},
    {"s", 1000},
    {"m", 60000},
    {"h", 3600000},
    {"d", 86400000},
};

/* Digits, perhaps a point and more digits; *text moves behind them. The number
 * is *whole + *part / *parts. */
static bool
take_decimal(const char **text, int64_t *whole, int64_t *part, int64_t *parts)
{
	const char *p = *text;

	*whole = *part = 0;
	*parts = 1;
	if (!isdigit((unsigned char)*p))
		return false;
	for (; isdigit((unsigned char)*p); p++) {
		if (*whole > INT64_C(1000000000000000))
			return false;
		*whole = *whole * 10 + (*p - '0');
	}
	if (*p == '.' && isdigit((unsigned char)p[1])) {
		for (p++; isdigit((unsigned char)*p); p++) {
			if (*parts >= 1000000)
				return false;
			*part = *part * 10 + (*p - '0');
			*parts *= 10;
		}
	}
	*text = p;
	return true;
}

/* Only what is a whole number of the smallest unit. */
static bool
read_scaled(const struct field *f, const struct named_number *units, size_t n,
    const char *text, int64_t *out)
{
	int64_t whole, part, parts, factor;

	if (!take_decimal(&text, &whole, &part, &parts) ||
	    !find_name(units, n, text, &factor) || whole > f->max / factor ||
	    part * factor % parts != 0)
		return false;
	*out = whole * factor + part * factor / parts;
	return *out <= f->max;
}

static bool
read_count(const struct field *f, const char *text, int64_t *out)
{
	return read_number(f, text, out) ||
	       read_scaled(f, count_units, ARRAY_LEN(count_units), text, out);
}

static bool
read_duration(const struct field *f, const char *text, int64_t *out)
{
	if (strcmp(text, "0") == 0) {
		*out = 0;
		return true;
	}
	return read_scaled(
	    f, duration_units, ARRAY_LEN(duration_units), text, out);
}

bool
value_read_duration(const char *text, int64_t max_ms, int64_t *out_ms)
{
	const struct field f = {.max = max_ms};

	return read_duration(&f, text, out_ms);
}

static void
put_duration(struct buf *out, int64_t value)
{
	size_t i = ARRAY_LEN(duration_units) - 1;

	while (value % duration_units[i].number != 0)
		i--;
	if (value == 0)
		buf_puts(out, "0");
	else
		buf_printf(out, "%" PRId64 "%s",
		    value / duration_units[i].number, duration_units[i].name);
}

/* ---- engines ---- */

/* 0-255, or x for any. */
static bool
read_engine_part(const char *text, uint64_t *lo, uint64_t *hi)
{
	*lo = 0;
	*hi = UINT8_MAX;
	if (strcmp(text, "x") == 0 || strcmp(text, "*") == 0)
		return true;
	if (!parse_u64(text, UINT8_MAX, lo))
		return false;
	*hi = *lo;
	return true;
}

static int
read_engine(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	const char *slash = strchr(text, '/');
	char type[8], shown[QUOTE_LEN];
	size_t len = slash != NULL ? (size_t)(slash - text) : sizeof type;
	uint64_t type_lo, type_hi, id_lo, id_hi;

	(void)f, (void)names;
	if (len < sizeof type) {
		memcpy(type, text, len);
		type[len] = '\0';
	}
	if (len >= sizeof type || !read_engine_part(type, &type_lo, &type_hi) ||
	    !read_engine_part(slash + 1, &id_lo, &id_hi)) {
		complain(
		    why, "\"%s\" is no engine", quote(text, SIZE_MAX, shown));
		return complain_hint(
		    why, "want TYPE/ID, such as 0/1; x for any");
	}
	for (uint64_t t = type_lo; t <= type_hi; t++)
		value_add_range(
		    v, (int64_t)(t << 8 | id_lo), (int64_t)(t << 8 | id_hi));
	if (type_lo == type_hi)
		buf_printf(&v->text, "%" PRIu64, type_lo);
	else
		buf_puts(&v->text, "x");
	if (id_lo == id_hi)
		buf_printf(&v->text, "/%" PRIu64, id_lo);
	else
		buf_puts(&v->text, "/x");
	return 0;
}

/* ---- suggestions ---- */

static void
suggest_services(struct suggestion *s)
{
	char buf[NETDB_BUF_LEN];
	struct servent entry, *found;

	setservent(1);
	while (getservent_r(&entry, buf, sizeof buf, &found) == 0) {
		suggest_offer(s, found->s_name);
		for (char **alias = found->s_aliases; *alias != NULL; alias++)
			suggest_offer(s, *alias);
	}
	endservent();
}

static void
suggest_table(struct suggestion *s, const struct named_number *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		suggest_offer(s, table[i].name);
}

static void
suggest_protocols(struct suggestion *s)
{
	char buf[NETDB_BUF_LEN];
	struct protoent entry, *found;

	suggest_table(s, protocols, ARRAY_LEN(protocols));
	setprotoent(1);
	while (getprotoent_r(&entry, buf, sizeof buf, &found) == 0)
		suggest_offer(s, found->p_name);
	endprotoent();
}

static void
suggest_code_points(struct suggestion *s)
{
	suggest_table(s, code_points, ARRAY_LEN(code_points));
}

/* ---- ranges ---- */

/* Syntaxes whose values are single numbers or ranges of them. */
static const struct scalar {
	scalar_fn *read;
	put_fn *put;
	const char *noun; /* with its article */
	const char *want; /* NULL: 0 to the field's largest value */
	void (*suggest)(struct suggestion *s);
} scalars[] = {
    [SYNTAX_PORT] = {read_port, put_number, "port",
	"want 0-65535, a range of them or a service name", suggest_services},
    [SYNTAX_INTERFACE] = {read_number, put_number, "interface",
	"want 0-65535 or a range of them", NULL},
    [SYNTAX_NUMBER] = {read_number, put_number, "number", NULL, NULL},
    [SYNTAX_COUNT] = {read_count, put_number, "count",
	"want a number such as 1500, 10k or 1.5M, or a range: 1-10k, 10k-",
	NULL},
    [SYNTAX_DURATION] = {read_duration, put_duration, "duration",
	"want a number with its unit: 500ms, 10s, 5m, 1h, or a range: 1s-10s, "
	"10s-",
	NULL},
    [SYNTAX_PROTOCOL] = {read_protocol, put_protocol, "protocol",
	"want 0-255, a range of them or a name such as tcp", suggest_protocols},
    [SYNTAX_DSCP] = {read_dscp, put_dscp, "DSCP",
	"want 0-63, a range of them or a name such as ef or af41",
	suggest_code_points},
    [SYNTAX_TOS] = {read_number, put_number, "", "", NULL},
    [SYNTAX_FLAGS] = {read_number, put_number, "", "", NULL},
    [SYNTAX_QUIRKS] = {read_number, put_number, "", "", NULL},
};

/* One end of a range, len bytes; an empty one is open. */
static bool
read_end(const struct field *f, const char *text, size_t len, int64_t open,
    int64_t *out)
{
	char copy[VALUE_MAX_LEN + 1];

	*out = open;
	if (len == 0)
		return true;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return scalars[f->syntax].read(f, copy, out);
}

/* text as two ends around one of its ":" or "-". Names may hold a "-"
 * themselves, so each is tried. */
static bool
split_range(const struct field *f, const char *text, int64_t *lo, int64_t *hi)
{
	for (const char *p = strpbrk(text, ":-"); p != NULL;
	     p = strpbrk(p + 1, ":-")) {
		size_t len = (size_t)(p - text);

		/* ":" alone names nothing, "-9" is for excluding */
		if (len == 0 && (*p == '-' || p[1] == '\0'))
			continue;
		if (read_end(f, text, len, 0, lo) &&
		    read_end(f, p + 1, strlen(p + 1), f->max, hi))
			return true;
	}
	return false;
}

int
value_read_number_range(struct value *v, const struct field *f,
    const char *text, struct complaint *why)
{
	char shown[QUOTE_LEN];
	int64_t lo, hi;

	if (!split_range(f, text, &lo, &hi))
		return 0;
	if (lo > hi) {
		complain(why, "\"%s\" ends before it begins",
		    quote(text, SIZE_MAX, shown));
		return complain_hint(why, "want the smaller end first");
	}
	value_add_range(v, lo, hi);
	value_put_range(&v->text, f, lo, hi);
	return 1;
}

void
value_put_range(struct buf *out, const struct field *f, int64_t lo, int64_t hi)
{
	put_fn *put = scalars[f->syntax].put;

	if (f->syntax == SYNTAX_ADDRESS) {
		value_put_ip4_range(out, lo, hi);
		return;
	}
	put(out, lo);
	if (lo != hi)
		buf_puts(out, "-");
	if (lo != hi && hi != f->max)
		put(out, hi);
}

static int
complain_scalar(struct complaint *why, const struct field *f, const char *text)
{
	const struct scalar *s = &scalars[f->syntax];
	bool is_name = s->suggest != NULL && isalpha((unsigned char)text[0]);
	struct suggestion suggestion;
	char shown[QUOTE_LEN];

	quote(text, SIZE_MAX, shown);
	if (is_name)
		complain(why, "unknown %s \"%s\"",
		    f->syntax == SYNTAX_PORT ? "service" : s->noun, shown);
	else
		complain(why, "\"%s\" is no %s", shown, s->noun);
	if (s->want != NULL)
		complain_hint(why, "%s", s->want);
	else
		complain_hint(
		    why, "want 0-%" PRId64 " or a range of them", f->max);
	if (is_name) {
		suggest_begin(&suggestion, text);
		s->suggest(&suggestion);
		complain_suggest(why, &suggestion);
	}
	return ERR_USAGE;
}

static int
read_scalar(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	int64_t value;
	int rc;

	(void)names;
	if (scalars[f->syntax].read(f, text, &value)) {
		value_add_range(v, value, value);
		scalars[f->syntax].put(&v->text, value);
		return 0;
	}
	rc = value_read_number_range(v, f, text, why);
	if (rc == 0)
		return complain_scalar(why, f, text);
	return rc < 0 ? rc : 0;
}

/* ---- interfaces ---- */

static void
add_interface(void *to, const char *exporter, uint16_t index)
{
	struct value *v = to;

	v->interface = xgrow(v->interface, v->n_interfaces, &v->cap_interfaces,
	    sizeof *v->interface);
	v->interface[v->n_interfaces++] =
	    (struct value_interface){exporter, index};
}

static int
unknown_interface(
    struct complaint *why, const struct names *names, const char *text)
{
	struct suggestion s;
	char shown[QUOTE_LEN];

	complain(why, "unknown interface \"%s\"", quote(text, SIZE_MAX, shown));
	complain_hint(why, "want 0-65535, a range of them or a name that the "
			   "configuration has");
	suggest_begin(&s, text);
	if (names->each != NULL)
		names->each(names->arg, NAMES_INTERFACE, suggest_offer, &s);
	complain_suggest(why, &s);
	return ERR_USAGE;
}

static int
read_interface(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	struct err err = {0};
	int rc = read_scalar(v, f, text, names, why);

	/* Names may begin with a digit. */
	if (rc == 0 || v->n_ranges > 0 || names->interface == NULL)
		return rc;
	rc = names->interface(names->arg, text, add_interface, v, &err);
	if (rc == 0)
		return unknown_interface(why, names, text);
	if (rc < 0) {
		complain(why, "%s", err.text);
		return rc;
	}
	buf_puts(&v->text, text);
	return 0;
}

/* ---- all ---- */

int
value_read(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	static value_fn *const readers[] = {
	    [SYNTAX_ADDRESS] = value_read_address,
	    [SYNTAX_EXPORTER] = value_read_exporter,
	    [SYNTAX_PORT] = read_scalar,
	    [SYNTAX_INTERFACE] = read_interface,
	    [SYNTAX_NUMBER] = read_scalar,
	    [SYNTAX_COUNT] = read_scalar,
	    [SYNTAX_DURATION] = read_scalar,
	    [SYNTAX_PROTOCOL] = read_scalar,
	    [SYNTAX_DSCP] = read_scalar,
	    [SYNTAX_FLAGS] = value_read_flags,
	    [SYNTAX_TOS] = value_read_tos,
	    [SYNTAX_ENGINE] = read_engine,
	    [SYNTAX_QUIRKS] = value_read_quirks,
	};

	char shown[QUOTE_LEN];

	v->n_ranges = v->n_prefixes = v->n_interfaces = 0;
	v->is_host = false;
	buf_clear(&v->text);
	if (*text == '\0') {
		complain(why, "a value is missing");
		return ERR_USAGE;
	}
	/* They would be lost where filters are printed and read again. */
	if (strpbrk(text, "'\"\n\r\t\v\f") != NULL) {
		complain(why, "\"%s\" has a quote or control character in it",
		    quote(text, SIZE_MAX, shown));
		return ERR_USAGE;
	}
	if (strlen(text) > VALUE_MAX_LEN) {
		complain(why, "a value of %zu bytes", strlen(text));
		return complain_hint(
		    why, "at most %d are taken", VALUE_MAX_LEN);
	}
	return readers[f->syntax](v, f, text, names, why);
}
