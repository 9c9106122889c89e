/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_VALUE_H
#define WEIR_QUERY_VALUE_H
/*
 * One value of a list, such as the "443" of dport=80,443: what it stands for,
 * and its canonical spelling.
 */
#include <stddef.h>
#include <stdint.h>

#include "query/ast.h"
#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/complain.h"

struct field;
struct names;

/* An exporter's addresses, and those that are not although a shorter prefix
 * holds them. */
struct value_prefix {
	struct prefix prefix;
	bool other;
};

/* An interface of one exporter, as a name stands for. */
struct value_interface {
	const char *exporter; /* borrowed from the names */
	uint16_t index;
};

/* What a value stands for: ranges of numbers; SYNTAX_EXPORTER: prefixes; the
 * name of an interface: those. */
struct value {
	struct ast_range *range;
	size_t n_ranges, cap_ranges;
	struct value_prefix *prefix;
	size_t n_prefixes, cap_prefixes;
	struct value_interface *interface;
	size_t n_interfaces, cap_interfaces;
	bool is_host; /* range[]: the addresses of a host */
	struct buf text;
};

void value_init(struct value *v);
void value_release(struct value *v);

enum { VALUE_MAX_LEN = 255 }; /* bytes */

/*
 * Read text, without the "-" that excludes, as a value of f; v is cleared
 * first. ERR_USAGE: why says what is wrong; another error if a name could not
 * be looked up.
 */
int value_read(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why) MUST_CHECK;

/* A length of time, such as 500ms or 1.5h, up to max_ms. */
bool value_read_duration(const char *text, int64_t max_ms, int64_t *out_ms);

/* For the files that read values. */
void value_add_range(struct value *v, int64_t lo, int64_t hi);
void value_add_prefix(struct value *v, const struct prefix *p, bool other);

/* The readers of the syntaxes with files of their own. */
typedef int value_fn(struct value *v, const struct field *f, const char *text,
    const struct names *names, struct complaint *why);
value_fn value_read_address, value_read_exporter;             /* address.c */
value_fn value_read_flags, value_read_tos, value_read_quirks; /* flags.c */

/* A range of numbers of f as value_read takes it; not of SYNTAX_EXPORTER and
 * SYNTAX_ENGINE. */
void value_put_range(
    struct buf *out, const struct field *f, int64_t lo, int64_t hi);
void value_put_ip4_range(struct buf *out, int64_t lo, int64_t hi);

/* lo-hi where both ends are numbers of f, either end left out: 1 read, 0 it is
 * no range, ERR_USAGE it is a wrong one. */
int value_read_number_range(struct value *v, const struct field *f,
    const char *text, struct complaint *why) MUST_CHECK;

#endif
