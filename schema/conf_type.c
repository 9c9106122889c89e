/* SPDX-License-Identifier: ISC */
/* Kinds of values of the configuration, and its tables at work: see
 * conf_type.h. */
#include "schema/conf_type.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "schema/base/addr.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "schema/base/near.h"
#include "schema/base/num.h"
#include "schema/base/when.h"

/* ---- kinds of values ---- */

struct type {
	size_t size;
	const char *want;
	/* false: it is nothing of the kind. */
	bool (*parse)(const struct conf_key *key, const char *text, void *out);
	void (*format)(
	    const struct conf_key *key, const void *value, struct buf *out);
	bool is_number; /* a uint64_t, with a range */
	bool is_text;   /* a char * on the heap */
};

static bool
parse_number(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return parse_u64(text, UINT64_MAX, out);
}

static void
format_number(const struct conf_key *key, const void *value, struct buf *out)
{
	(void)key;
	buf_printf(out, "%" PRIu64, *(const uint64_t *)value);
}

static bool
parse_bytes(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return parse_scaled(text, 1024, INT64_MAX, out);
}

static bool
parse_speed(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return parse_scaled(text, 1000, INT64_MAX, out);
}

/* With the largest unit that leaves no rest. */
static void
format_scaled(uint64_t n, uint64_t step, struct buf *out)
{
	static const char units[] = "\0KMGT";
	size_t unit = 0;

	while (n > 0 && n % step == 0 && unit + 2 < sizeof units) {
		n /= step;
		unit++;
	}
	buf_printf(out, "%" PRIu64, n);
	if (unit > 0)
		buf_put(out, &units[unit], 1);
}

static void
format_bytes(const struct conf_key *key, const void *value, struct buf *out)
{
	(void)key;
	format_scaled(*(const uint64_t *)value, 1024, out);
}

static void
format_speed(const struct conf_key *key, const void *value, struct buf *out)
{
	(void)key;
	format_scaled(*(const uint64_t *)value, 1000, out);
}

static bool
parse_days(const struct conf_key *key, const char *text, void *out)
{
	char digits[24];
	size_t len = strlen(text);

	(void)key;
	if (len == 0 || text[len - 1] != 'd' || len > sizeof digits)
		return false;
	memcpy(digits, text, len - 1);
	digits[len - 1] = '\0';
	return parse_u64(digits, UINT64_MAX, out);
}

static void
format_days(const struct conf_key *key, const void *value, struct buf *out)
{
	(void)key;
	buf_printf(out, "%" PRIu64 "d", *(const uint64_t *)value);
}

static bool
parse_choice(const struct conf_key *key, const char *text, void *out)
{
	for (uint64_t i = 0; key->choices[i] != NULL; i++)
		if (strcmp(text, key->choices[i]) == 0) {
			*(uint64_t *)out = i;
			return true;
		}
	return false;
}

static void
format_choice(const struct conf_key *key, const void *value, struct buf *out)
{
	buf_puts(out, key->choices[*(const uint64_t *)value]);
}

/* Nothing relative: a file is read at any time. */
static bool
parse_time(const struct conf_key *key, const char *text, void *out)
{
	struct complaint why = {0};
	struct when w;

	(void)key;
	if (when_read(&w, text, &why) != 0 ||
	    (w.kind != WHEN_EPOCH && w.kind != WHEN_DATE))
		return false;
	*(int64_t *)out = when_resolve(&w, 0);
	return *(int64_t *)out > 0;
}

static void
format_time(const struct conf_key *key, const void *value, struct buf *out)
{
	int64_t ms = *(const int64_t *)value;
	time_t s = ms / MS_PER_S;
	char text[32];
	struct tm tm;

	(void)key;
	gmtime_r(&s, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_puts(out, text);
	if (ms % MS_PER_S != 0)
		buf_printf(out, ".%03d", (int)(ms % MS_PER_S));
	buf_puts(out, "Z");
}

static bool
is_one_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static bool
parse_text(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	if (!is_one_line(text))
		return false;
	*(char **)out = xstrdup(text);
	return true;
}

/* In double quotes; "${" would not be read again as it stands. */
static void
format_text(const struct conf_key *key, const void *value, struct buf *out)
{
	const char *text = *(char *const *)value;

	(void)key;
	buf_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			buf_puts(out, "\\");
		buf_put(out, text, 1);
	}
	buf_puts(out, "\"");
}

static bool
parse_name(const struct conf_key *key, const char *text, void *out)
{
	struct prefix ignored;

	for (const char *p = text; *p != '\0'; p++)
		if (!isalnum((unsigned char)*p) && strchr("._-", *p) == NULL)
			return false;
	return !prefix_parse(text, &ignored) && parse_text(key, text, out);
}

static void
format_word(const struct conf_key *key, const void *value, struct buf *out)
{
	(void)key;
	buf_puts(out, *(char *const *)value);
}

static bool
parse_zone(const struct conf_key *key, const char *text, void *out)
{
	return clock_is_zone(text) && parse_text(key, text, out);
}

static bool
parse_addr(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return addr_parse(text, out);
}

static void
format_addr(const struct conf_key *key, const void *value, struct buf *out)
{
	char text[ADDR_TEXT_LEN];

	(void)key;
	addr_format(value, text);
	buf_puts(out, text);
}

static bool
parse_prefix(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return prefix_parse(text, out);
}

static void
format_prefix(const struct conf_key *key, const void *value, struct buf *out)
{
	const struct prefix *p = value;

	format_addr(key, &p->addr, out);
	if (p->len < (p->addr.family == 4 ? 32 : 128))
		buf_printf(out, "/%u", p->len);
}

static bool
parse_endpoint(const struct conf_key *key, const char *text, void *out)
{
	(void)key;
	return endpoint_parse(text, out);
}

static void
format_endpoint(const struct conf_key *key, const void *value, struct buf *out)
{
	char text[ENDPOINT_TEXT_LEN];

	(void)key;
	endpoint_format(value, text);
	buf_puts(out, text);
}

static const struct type types[N_CONF_TYPES] = {
    [CONF_NUMBER] = {sizeof(uint64_t), "a number", parse_number, format_number,
	.is_number = true},
    [CONF_BYTES] = {sizeof(uint64_t),
	"bytes, with K, M, G or T behind the number, such as 10G", parse_bytes,
	format_bytes, .is_number = true},
    [CONF_DAYS] = {sizeof(uint64_t), "days, such as 90d", parse_days,
	format_days, .is_number = true},
    [CONF_SPEED] = {sizeof(uint64_t), "bits a second, such as 10G or 1544K",
	parse_speed, format_speed, .is_number = true},
    [CONF_CHOICE] = {sizeof(uint64_t), NULL, parse_choice, format_choice},
    [CONF_TIME] = {sizeof(int64_t), "a time, such as 2026-03-01T12:00",
	parse_time, format_time},
    [CONF_TEXT] = {sizeof(char *), "one line of text", parse_text, format_text,
	.is_text = true},
    [CONF_NAME] = {sizeof(char *),
	"a name of letters, digits and . _ - that is no address", parse_name,
	format_word, .is_text = true},
    [CONF_ZONE] = {sizeof(char *), "a time zone, such as Europe/Vienna",
	parse_zone, format_word, .is_text = true},
    [CONF_ADDR] = {sizeof(struct addr), "an IPv4 or IPv6 address", parse_addr,
	format_addr},
    [CONF_PREFIX] = {sizeof(struct prefix),
	"an address, or a prefix such as 192.0.2.0/24", parse_prefix,
	format_prefix},
    [CONF_ENDPOINT] = {sizeof(struct endpoint),
	"PORT, ADDR:PORT or [V6ADDR]:PORT", parse_endpoint, format_endpoint},
};

/* ---- one value ---- */

static void
put_want(const struct conf_key *key, struct buf *out)
{
	const struct type *t = &types[key->type];

	if (key->type == CONF_CHOICE)
		for (size_t i = 0; key->choices[i] != NULL; i++)
			buf_printf(
			    out, "%s%s", i > 0 ? " or " : "", key->choices[i]);
	else
		buf_puts(out, t->want);
	if (t->is_number && key->max > 0 && key->max < INT64_MAX) {
		buf_puts(out, ", from ");
		t->format(key, &key->min, out);
		buf_puts(out, " to ");
		t->format(key, &key->max, out);
	} else if (key->type == CONF_TEXT) {
		buf_printf(out, ", at most %" PRIu64 " bytes", key->max);
	}
}

static int
refuse(const struct conf_key *key, const char *text, struct err *err)
{
	struct near near = {.word = text};
	struct buf want;

	buf_init(&want, 300);
	put_want(key, &want);
	for (size_t i = 0; key->type == CONF_CHOICE && key->choices[i] != NULL;
	     i++)
		near_offer(&near, key->choices[i]);
	if (near.best != NULL)
		err_set(err, ERR_USAGE,
		    "\"%.60s\" cannot be used, did you mean %s? (want %s)",
		    text, near.best, buf_str(&want));
	else
		err_set(err, ERR_USAGE, "\"%.60s\" cannot be used, want %s",
		    text, buf_str(&want));
	buf_release(&want);
	return ERR_USAGE;
}

static bool
is_in_range(const struct conf_key *key, const void *value)
{
	const struct type *t = &types[key->type];
	uint64_t n;

	if (t->is_number)
		n = *(const uint64_t *)value;
	else if (t->is_text)
		n = strlen(*(char *const *)value);
	else
		return true;
	return n >= key->min && (key->max == 0 || n <= key->max);
}

/* One more value at the end of a list. */
static int
append(const struct conf_key *key, char *section, const void *value,
    const char *text, struct err *err)
{
	size_t size = types[key->type].size, n;
	char *items;

	/* Through memcpy: the field is a pointer to another type. */
	memcpy(&items, section + key->field, sizeof items);
	memcpy(&n, section + key->count, sizeof n);
	if (key->max > 0 && n == key->max)
		return err_set(err, ERR_USAGE,
		    "\"%.60s\" is one too many, want at most %" PRIu64, text,
		    key->max);
	items = xreallocarray(items, n + 1, size);
	memcpy(items + n * size, value, size);
	n++;
	memcpy(section + key->field, &items, sizeof items);
	memcpy(section + key->count, &n, sizeof n);
	return 0;
}

int
conf_put(const struct conf_key *key, void *section, const char *text,
    struct err *err)
{
	const struct type *t = &types[key->type];
	char *field = (char *)section + key->field;
	_Alignas(max_align_t) char value[sizeof(struct endpoint)];

	static_assert(sizeof value >= sizeof(struct prefix), "room");
	memset(value, 0, sizeof value);
	if (!t->parse(key, text, value))
		return refuse(key, text, err);
	if (key->count != 0)
		return append(key, section, value, text, err);
	if (!is_in_range(key, value)) {
		if (t->is_text)
			free(*(char **)(void *)value);
		return refuse(key, text, err);
	}
	if (t->is_text)
		free(*(char **)(void *)field);
	memcpy(field, value, t->size);
	return 0;
}

/* ---- sections ---- */

void
conf_preset(const struct conf_section *s, void *section)
{
	struct err err;

	for (size_t i = 0; i < s->n_keys; i++)
		if (s->key[i].preset != NULL &&
		    conf_put(&s->key[i], section, s->key[i].preset, &err) != 0)
			abort(); /* a table is wrong: tests see to it */
}

static void
release_key(const struct conf_key *key, char *section)
{
	bool is_text = types[key->type].is_text;
	size_t n = 0;
	void *p;

	if (key->count == 0 && !is_text)
		return;
	memcpy(&p, section + key->field, sizeof p);
	memset(section + key->field, 0, sizeof p);
	if (key->count != 0) {
		memcpy(&n, section + key->count, sizeof n);
		memset(section + key->count, 0, sizeof n);
	}
	for (size_t i = 0; is_text && i < n; i++)
		free(((char **)p)[i]);
	free(p);
}

/* The sections of a kind within the struct at parent. */
static char *
get_sections(const struct conf_section *s, const char *parent, size_t *n)
{
	char *items;

	memcpy(&items, parent + s->array, sizeof items);
	memcpy(n, parent + s->count, sizeof *n);
	return items;
}

void *
conf_set_sections(const struct conf_section *s, void *parent, size_t n)
{
	size_t n_old;
	char *items = get_sections(s, parent, &n_old);

	for (size_t i = 0; i < n_old; i++)
		conf_release(s, items + i * s->size);
	free(items);
	items = n > 0 ? xcalloc(n, s->size) : NULL;
	memcpy((char *)parent + s->array, &items, sizeof items);
	memcpy((char *)parent + s->count, &n, sizeof n);
	return items;
}

void
conf_release(const struct conf_section *s, void *section)
{
	char *place;

	if (s->title != NULL)
		release_key(s->title, section);
	for (size_t i = 0; i < s->n_keys; i++)
		release_key(&s->key[i], section);
	for (size_t i = 0; i < s->n_sections; i++)
		(void)conf_set_sections(&s->section[i], section, 0);
	if (s->place != 0) {
		memcpy(&place, (char *)section + s->place, sizeof place);
		free(place);
	}
}

/* ---- printing ---- */

struct printer {
	struct buf *out;
	bool explain;
	bool comment; /* what could be there, but is not */
	int depth;
};

static void
begin_line(const struct printer *p, const char *comment)
{
	if (p->comment)
		buf_puts(p->out, "#");
	for (int i = 0; i < p->depth; i++)
		buf_puts(p->out, "\t");
	buf_puts(p->out, comment);
}

static bool
is_set(const struct conf_key *key, const char *section)
{
	size_t size = key->count != 0 ? sizeof(void *) : types[key->type].size;

	for (size_t i = 0; i < size; i++)
		if (section[key->field + i] != 0)
			return true;
	return false;
}

static void
put_values(const struct conf_key *key, const char *section, struct buf *out)
{
	const struct type *t = &types[key->type];
	const char *items;
	size_t n;

	if (key->count == 0) {
		t->format(key, section + key->field, out);
		return;
	}
	memcpy(&items, section + key->field, sizeof items);
	memcpy(&n, section + key->count, sizeof n);
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, i > 0 ? ", " : n > 1 ? "{" : "");
		t->format(key, items + i * t->size, out);
	}
	buf_puts(out, n > 1 ? "}" : "");
}

static void
print_key(struct printer *p, const struct conf_key *key, const char *section)
{
	bool set =
	    section != NULL && (key->preset != NULL || is_set(key, section));

	if (p->explain) {
		begin_line(p, "# ");
		buf_printf(p->out, "%s\n", key->help);
		begin_line(p, key->count != 0 ? "# {several, of}: " : "# ");
		put_want(key, p->out);
		buf_puts(p->out, "\n");
	}
	if (set) {
		begin_line(p, "");
		buf_printf(p->out, "%s = ", key->key);
		put_values(key, section, p->out);
		buf_puts(p->out, "\n");
	} else if (p->explain) {
		begin_line(p, p->comment ? "" : "#");
		buf_printf(p->out, "%s =%s%s\n", key->key,
		    key->preset != NULL ? " " : "",
		    key->preset != NULL ? key->preset : "");
	}
}

static void print_content(
    struct printer *p, const struct conf_section *s, const char *section);

static void
print_section(
    struct printer *p, const struct conf_section *s, const char *section)
{
	begin_line(p, s->name);
	if (s->title != NULL) {
		buf_puts(p->out, " ");
		if (section != NULL)
			put_values(s->title, section, p->out);
		else
			buf_puts(p->out, s->title->key);
	}
	buf_puts(p->out, " {\n");
	p->depth++;
	print_content(p, s, section);
	p->depth--;
	begin_line(p, "}\n");
}

/* All of a kind; when there is none, explained, how one would look. */
static void
print_sections(
    struct printer *p, const struct conf_section *s, const char *parent)
{
	const struct printer was = *p;
	const char *items = NULL;
	size_t n = 0;

	if (parent != NULL)
		items = get_sections(s, parent, &n);
	if (p->explain) {
		buf_puts(p->out, p->comment ? "#\n" : "\n");
		begin_line(p, "# ");
		buf_printf(p->out, "%s\n", s->help);
	}
	for (size_t i = 0; i < n; i++) {
		print_section(p, s, items + i * s->size);
		p->explain = false; /* the first one was */
	}
	if (n == 0 && p->explain) {
		p->comment = true;
		print_section(p, s, NULL);
	}
	*p = was;
}

static void
print_content(
    struct printer *p, const struct conf_section *s, const char *section)
{
	for (size_t i = 0; i < s->n_keys; i++)
		print_key(p, &s->key[i], section);
	for (size_t i = 0; i < s->n_sections; i++)
		print_sections(p, &s->section[i], section);
}

void
conf_print_section(const struct conf_section *s, const void *section,
    bool explain, struct buf *out)
{
	struct printer p = {.out = out, .explain = explain};

	print_content(&p, s, section);
}
