/* SPDX-License-Identifier: ISC */
/* Values that are a byte, perhaps under a mask: see value.h. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "query/field.h"
#include "query/value.h"
#include "schema/base/num.h"

/* From bit 7 down, as flags are shown in columns; and as they are printed in a
 * filter, where SA, SAPF and S/SA are what people know. */
static const char letters[] = "CEUAPRSF";
static const char printed_letters[] = "SAPFRUEC";

enum {
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
	URG = 32,
	/* all but those of ECN, which any segment may have */
	SESSION = FIN | SYN | RST | PSH | ACK | URG,
};

/*
 * What one flow record, all packets of one direction ORed, tells of its
 * session. The manual page has this table.
 */
static const struct class
{
	const char *name;
	uint8_t value, mask;
} classes[] = {
    {"syn-only", SYN, SESSION},
    {"half-open", SYN | ACK, SESSION},
    {"complete", SYN | ACK | FIN, SYN | ACK | FIN | RST},
    {"refused", RST, SESSION & ~ACK},
};

/* Words before letters. */
enum scope { ALL, ANY, NONE, N_SCOPES };
static const char *const scopes[N_SCOPES] = {"all:", "any:", "none:"};

static bool
read_letters(const char *text, uint64_t *out)
{
	*out = 0;
	for (; *text != '\0'; text++) {
		const char *p = strchr(letters, toupper((unsigned char)*text));

		if (p != NULL)
			*out |= 0x80u >> (p - letters);
		else if (*text != '.')
			return false;
	}
	return true;
}

/* Of f: a number, or for flags letters. */
static bool
read_byte(const struct field *f, const char *text, uint64_t *out)
{
	if (*text == '\0')
		return false;
	return parse_u64(text, (uint64_t)f->max, out) ||
	       (f->syntax == SYNTAX_FLAGS && read_letters(text, out));
}

static void
put_byte(struct buf *out, const struct field *f, uint64_t value)
{
	if (f->syntax != SYNTAX_FLAGS || value == 0) {
		buf_printf(out, "%" PRIu64, value);
		return;
	}
	for (const char *l = printed_letters; *l != '\0'; l++)
		if ((value & 0x80u >> (strchr(letters, *l) - letters)) != 0)
			buf_put(out, l, 1);
}

/* Every byte of f that has value in the bits of mask. */
static void
add_masked(
    struct value *v, const struct field *f, uint64_t value, uint64_t mask)
{
	for (uint64_t b = 0; b <= (uint64_t)f->max; b++)
		if ((b & mask) == value)
			value_add_range(v, (int64_t)b, (int64_t)b);
}

/* VALUE or VALUE/MASK: 1 read, 0 it is neither, ERR_USAGE. */
static int
read_masked(struct value *v, const struct field *f, const char *text,
    struct complaint *why)
{
	char copy[VALUE_MAX_LEN + 1], shown[QUOTE_LEN];
	size_t len = strcspn(text, "/");
	uint64_t value, mask = (uint64_t)f->max;

	memcpy(copy, text, len);
	copy[len] = '\0';
	if (!read_byte(f, copy, &value) ||
	    (text[len] == '/' && !read_byte(f, text + len + 1, &mask)))
		return 0;
	if ((value & ~mask) != 0) {
		complain(why, "\"%s\" could match nothing",
		    quote(text, SIZE_MAX, shown));
		return complain_hint(
		    why, "it wants a bit that its mask leaves out");
	}
	add_masked(v, f, value, mask);
	put_byte(&v->text, f, value);
	if (mask != (uint64_t)f->max) {
		buf_puts(&v->text, "/");
		put_byte(&v->text, f, mask);
	}
	return 1;
}

static bool
read_class(struct value *v, const struct field *f, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
		if (strcasecmp(text, classes[i].name) == 0) {
			add_masked(v, f, classes[i].value, classes[i].mask);
			buf_puts(&v->text, classes[i].name);
			return true;
		}
	}
	return false;
}

static bool
in_scope(enum scope scope, uint64_t byte, uint64_t flags)
{
	switch (scope) {
	case ALL: return (byte & flags) == flags;
	case ANY: return (byte & flags) != 0;
	default: return (byte & flags) == 0;
	}
}

/* 1 read, 0 it has no scope, ERR_USAGE. */
static int
read_scope(struct value *v, const struct field *f, const char *text,
    struct complaint *why)
{
	enum scope scope = 0;
	uint64_t flags;
	const char *rest;

	while (scope < N_SCOPES &&
	       strncasecmp(text, scopes[scope], strlen(scopes[scope])) != 0)
		scope++;
	if (scope == N_SCOPES)
		return 0;
	rest = text + strlen(scopes[scope]);
	if (!read_byte(f, rest, &flags))
		return 0;
	if (flags == 0) {
		complain(why, "%s names no flag", scopes[scope]);
		return complain_hint(
		    why, "want one or more: %sFR", scopes[scope]);
	}
	for (uint64_t b = 0; b <= UINT8_MAX; b++)
		if (in_scope(scope, b, flags))
			value_add_range(v, (int64_t)b, (int64_t)b);
	buf_puts(&v->text, scopes[scope]);
	put_byte(&v->text, f, flags);
	return 1;
}

int
value_read_flags(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	struct suggestion s;
	char shown[QUOTE_LEN];
	int rc;

	(void)names;
	if (read_class(v, f, text) || (rc = read_masked(v, f, text, why)) > 0 ||
	    (rc == 0 && (rc = read_scope(v, f, text, why)) > 0) ||
	    (rc == 0 && (rc = value_read_number_range(v, f, text, why)) > 0))
		return 0;
	if (rc < 0)
		return rc;
	complain(why, "\"%s\" is no TCP flags", quote(text, SIZE_MAX, shown));
	complain_hint(why,
	    "want letters of %s or 0-255, which is exactly "
	    "these; S/SA, all:SA, any:FR, none:ARF; syn-only "
	    "half-open complete refused",
	    letters);
	suggest_begin(&s, text);
	for (size_t i = 0; i < ARRAY_LEN(classes); i++)
		suggest_offer(&s, classes[i].name);
	complain_suggest(why, &s);
	return ERR_USAGE;
}

int
value_read_tos(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	char shown[QUOTE_LEN];
	int rc = read_masked(v, f, text, why);

	(void)names;
	if (rc == 0)
		rc = value_read_number_range(v, f, text, why);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	complain(
	    why, "\"%s\" is no type of service", quote(text, SIZE_MAX, shown));
	return complain_hint(why, "want 0-255, or with a mask, as in "
				  "0xb8/0xfc; dscp= takes names such as ef");
}

/* ---- quirks ---- */

/* Names with + between them, as the bits they stand for. */
static bool
read_quirk_names(const char *text, uint64_t *out)
{
	*out = 0;
	for (;;) {
		size_t len = strcspn(text, "+"), i = 0;

		while (
		    i < N_QUIRKS && (strlen(quirk_names[i]) != len ||
					memcmp(quirk_names[i], text, len) != 0))
			i++;
		if (i == N_QUIRKS)
			return false;
		*out |= UINT64_C(1) << i;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

static bool
read_quirk_word(struct value *v, const struct field *f, const char *text)
{
	char names[QUIRKS_TEXT_LEN];
	uint64_t bits;

	if (strcmp(text, "none") == 0) {
		value_add_range(v, 0, 0);
		buf_puts(&v->text, "none");
	} else if (strcmp(text, "any") == 0) {
		value_add_range(v, 1, f->max);
		buf_puts(&v->text, "any");
	} else if (read_quirk_names(text, &bits)) {
		add_masked(v, f, bits, bits);
		quirks_format((uint8_t)bits, names);
		buf_puts(&v->text, names);
	} else {
		return false;
	}
	return true;
}

int
value_read_quirks(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why)
{
	struct suggestion s;
	char shown[QUOTE_LEN];
	int rc = 0;

	(void)names;
	if (read_quirk_word(v, f, text) ||
	    (rc = read_masked(v, f, text, why)) > 0 ||
	    (rc == 0 && (rc = value_read_number_range(v, f, text, why)) > 0))
		return 0;
	if (rc < 0)
		return rc;
	complain(why, "unknown quirk \"%s\"", quote(text, SIZE_MAX, shown));
	complain_hint(why, "want none, any, %s, %s, %s, %s, %s or 0-%d",
	    quirk_names[0], quirk_names[1], quirk_names[2], quirk_names[3],
	    quirk_names[4], (int)f->max);
	suggest_begin(&s, text);
	for (size_t i = 0; i < N_QUIRKS; i++)
		suggest_offer(&s, quirk_names[i]);
	complain_suggest(why, &s);
	return ERR_USAGE;
}
