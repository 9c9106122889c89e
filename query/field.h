/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_FIELD_H
#define WEIR_QUERY_FIELD_H
/* What a filter can ask of a flow: a field is a row of one table. */
#include <stddef.h>
#include <stdint.h>

#include "query/quantity.h"

/* How the values of a field are written. */
enum syntax {
	SYNTAX_ADDRESS,   /* IPv4: prefix, range, wildcard, host name */
	SYNTAX_EXPORTER,  /* IPv4 or IPv6 prefix, name */
	SYNTAX_PORT,      /* number or name of a service */
	SYNTAX_INTERFACE, /* number or name */
	SYNTAX_NUMBER,
	SYNTAX_COUNT, /* number with a suffix: 10k */
	SYNTAX_DURATION,
	SYNTAX_PROTOCOL,
	SYNTAX_DSCP,
	SYNTAX_FLAGS,  /* TCP flags: letters or number, mask */
	SYNTAX_TOS,    /* byte with mask */
	SYNTAX_ENGINE, /* TYPE/ID */
	SYNTAX_QUIRKS, /* names of enum flow_quirk, or number, mask */
};

struct field {
	const char *name;
	enum syntax syntax;
	/* Quantities: of flows whose either end may match two, else the same
	 * one twice. */
	unsigned first, second;
	int64_t max;       /* largest value that is taken */
	const char *label; /* for people */
};

extern const struct field fields[];
extern const size_t n_fields;

/* The field of this name (len bytes), or NULL. */
const struct field *field_find(const char *name, size_t len);

#endif
