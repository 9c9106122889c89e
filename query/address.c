/* SPDX-License-Identifier: ISC */
/*
 * Values that are addresses: prefixes, ranges, wildcards and names of hosts;
 * exporters. See value.h.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "query/field.h"
#include "query/names.h"
#include "query/value.h"
#include "schema/base/num.h"

/* A wildcard may stand for so many ranges: one free byte in front of a fixed
 * one is 256, two are 65,536. */
enum { WILDCARD_MAX_RANGES = 65536 };

static void
put_ip4(struct buf *out, int64_t ip4)
{
	char text[ADDR_TEXT_LEN];

	ip4_format((uint32_t)ip4, text);
	buf_puts(out, text);
}

/* The length of the prefix that is lo to hi, or -1. */
static int
prefix_len(int64_t lo, int64_t hi)
{
	int64_t size = hi - lo + 1;
	int len = 32;

	if ((size & (size - 1)) != 0 || (lo & (size - 1)) != 0)
		return -1;
	while (size > 1) {
		size >>= 1;
		len--;
	}
	return len;
}

void
value_put_ip4_range(struct buf *out, int64_t lo, int64_t hi)
{
	int len = prefix_len(lo, hi);

	put_ip4(out, lo);
	if (len < 0) {
		buf_puts(out, "-");
		put_ip4(out, hi);
	} else if (len < 32) {
		buf_printf(out, "/%d", len);
	}
}

static bool
read_ip4(const char *text, size_t len, int64_t *out)
{
	char copy[ADDR_TEXT_LEN];
	struct prefix p;
	uint32_t lo, hi;

	if (len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!prefix_parse(copy, &p) || p.addr.family != 4 ||
	    strchr(copy, '/') != NULL)
		return false;
	prefix_ip4_range(&p, &lo, &hi);
	*out = lo;
	return true;
}

/* ---- wildcards ---- */

struct octet {
	uint64_t lo, hi;
};

/* A number, a-b, x or *; *text moves behind it. */
static bool
take_octet(const char **text, struct octet *o)
{
	size_t len = strcspn(*text, ".");
	size_t dash = strcspn(*text, "-");
	char copy[8];

	if (len == 0 || len >= sizeof copy)
		return false;
	memcpy(copy, *text, len);
	copy[len] = '\0';
	*text += len;
	*o = (struct octet){0, UINT8_MAX};
	if (strcmp(copy, "x") == 0 || strcmp(copy, "*") == 0)
		return true;
	if (dash >= len) {
		if (!parse_u64(copy, UINT8_MAX, &o->lo))
			return false;
		o->hi = o->lo;
		return true;
	}
	copy[dash] = '\0';
	return parse_u64(copy, UINT8_MAX, &o->lo) &&
	       parse_u64(copy + dash + 1, UINT8_MAX, &o->hi) && o->lo <= o->hi;
}

static bool
parse_wildcard(const char *text, struct octet octet[4])
{
	for (size_t i = 0; i < 4; i++) {
		if (!take_octet(&text, &octet[i]) ||
		    *text != (i < 3 ? '.' : '\0'))
			return false;
		text += i < 3;
	}
	return true;
}

static void
put_wildcard(struct buf *out, const struct octet octet[4])
{
	for (size_t i = 0; i < 4; i++) {
		const struct octet *o = &octet[i];

		if (i > 0)
			buf_puts(out, ".");
		if (o->lo == 0 && o->hi == UINT8_MAX)
			buf_puts(out, "x");
		else if (o->lo == o->hi)
			buf_printf(out, "%" PRIu64, o->lo);
		else
			buf_printf(out, "%" PRIu64 "-%" PRIu64, o->lo, o->hi);
	}
}

/* Octets first to last - 1 in all combinations, then from tail_lo to tail_hi.
 */
static void
add_wildcard(struct value *v, const struct octet *octet, size_t first,
    size_t last, uint64_t base, uint64_t tail_lo, uint64_t tail_hi)
{
	if (first == last) {
		value_add_range(
		    v, (int64_t)(base + tail_lo), (int64_t)(base + tail_hi));
		return;
	}
	for (uint64_t o = octet[first].lo; o <= octet[first].hi; o++)
		add_wildcard(v, octet, first + 1, last,
		    base + (o << (24 - 8 * first)), tail_lo, tail_hi);
}

static int
read_wildcard(struct value *v, const char *text, struct octet octet[4],
    struct complaint *why)
{
	size_t last = 3; /* behind it everything is free */
	uint64_t n = 1, unit;
	char shown[QUOTE_LEN];

	while (last > 0 && octet[last].lo == 0 && octet[last].hi == UINT8_MAX)
		last--;
	unit = UINT64_C(1) << (24 - 8 * last);
	for (size_t i = 0; i < last; i++)
		n *= octet[i].hi - octet[i].lo + 1;
	if (n > WILDCARD_MAX_RANGES) {
		complain(why, "\"%s\" stands for %" PRIu64 " ranges",
		    quote(text, SIZE_MAX, shown), n);
		return complain_hint(
		    why, "at most %d are taken", WILDCARD_MAX_RANGES);
	}
	add_wildcard(v, octet, 0, last, 0, octet[last].lo * unit,
	    octet[last].hi * unit + unit - 1);
	if (n == 1)
		value_put_ip4_range(&v->text, v->range[0].lo, v->range[0].hi);
	else
		put_wildcard(&v->text, octet);
	return 0;
}

/* ---- names ---- */

/* Letters, digits and "-._", and not only what wildcards have: "10.1" is no
 * name, nor is "10.0.x". */
static bool
is_name(const char *text)
{
	if (text[strspn(text, "0123456789.-x")] == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (!isalnum(c) && c != '-' && c != '.' && c != '_')
			return false;
	}
	return true;
}

static void
add_ip4(void *to, const struct prefix *p, bool other)
{
	uint32_t lo, hi;

	(void)other;
	if (p->addr.family != 4)
		return;
	prefix_ip4_range(p, &lo, &hi);
	value_add_range(to, lo, hi);
}

static void
add_any(void *to, const struct prefix *p, bool other)
{
	value_add_prefix(to, p, other);
}

static int
unknown_host(
    struct complaint *why, const char *text, int rc, const struct err *err)
{
	char shown[QUOTE_LEN];

	quote(text, SIZE_MAX, shown);
	if (rc < 0) {
		complain(why, "host \"%s\" cannot be looked up", shown);
		complain_hint(why, "%s", err->text);
		return rc;
	}
	complain(why, "unknown host \"%s\"", shown);
	return ERR_USAGE;
}

/* All addresses of a host, and its name as it is printed. */
static int
read_host(struct value *v, const char *text, const struct names *names,
    names_prefix_fn *add, struct complaint *why)
{
	struct err err = {0};
	int rc = names->host == NULL
		     ? 0
		     : names->host(names->arg, text, add, v, &err);

	if (rc <= 0)
		return unknown_host(why, text, rc, &err);
	if (v->n_ranges == 0 && v->n_prefixes == 0) {
		complain(why, "host \"%s\" has no IPv4 address", text);
		return ERR_USAGE;
	}
	v->is_host = true;
	for (; *text != '\0'; text++) {
		char c = (char)tolower((unsigned char)*text);

		buf_put(&v->text, &c, 1);
	}
	return 0;
}

/* ---- both kinds ---- */

/* What an address that was read as no other thing is. */
static int
no_address(struct complaint *why, const char *text, const char *want)
{
	char shown[QUOTE_LEN];

	complain(why, "\"%s\" is no address", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want %s", want);
}

static int
reversed(struct complaint *why, const char *text)
{
	char shown[QUOTE_LEN];

	complain(
	    why, "\"%s\" ends before it begins", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want the smaller end first");
}

int
value_read_address(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	static const char want[] = "192.0.2.1, 192.0.2.0/24, "
				   "192.0.2.1-192.0.2.9, 192.0.x.1 or a host";
	size_t dash = strcspn(text, "-");
	struct octet octet[4];
	struct prefix p;
	int64_t lo, hi;

	(void)f;
	if (prefix_parse(text, &p)) {
		uint32_t first, last;

		if (p.addr.family != 4) {
			no_address(why, text, "");
			return complain_hint(why, "NetFlow v5 has IPv4 "
						  "addresses only");
		}
		prefix_ip4_range(&p, &first, &last);
		value_add_range(v, first, last);
		value_put_ip4_range(&v->text, first, last);
		return 0;
	}
	if (text[dash] == '-' && read_ip4(text, dash, &lo) &&
	    read_ip4(text + dash + 1, strlen(text + dash + 1), &hi)) {
		if (lo > hi)
			return reversed(why, text);
		value_add_range(v, lo, hi);
		value_put_ip4_range(&v->text, lo, hi);
		return 0;
	}
	if (parse_wildcard(text, octet))
		return read_wildcard(v, text, octet, why);
	if (is_name(text))
		return read_host(v, text, names, add_ip4, why);
	return no_address(why, text, want);
}

int
value_read_exporter(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	struct prefix p;
	struct err err = {0};
	int rc = 0;

	(void)f;
	if (prefix_parse(text, &p)) {
		char address[ADDR_TEXT_LEN];

		value_add_prefix(v, &p, false);
		addr_format(&p.addr, address);
		buf_puts(&v->text, address);
		if (p.len < (p.addr.family == 4 ? 32 : 128))
			buf_printf(&v->text, "/%u", p.len);
		return 0;
	}
	if (names->exporter != NULL)
		rc = names->exporter(names->arg, text, add_any, v, &err);
	if (rc > 0) {
		buf_puts(&v->text, text);
		return 0;
	}
	if (rc < 0) {
		complain(why, "%s", err.text);
		return rc;
	}
	if (is_name(text))
		return read_host(v, text, names, add_any, why);
	return no_address(why, text,
	    "192.0.2.1, 192.0.2.0/24, 2001:db8::1 or "
	    "the name of an exporter or host");
}
