/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CONF_TYPE_H
#define WEIR_SCHEMA_CONF_TYPE_H
/*
 * What the configuration's tables are made of: kinds of values, keys,
 * sections; and putting a value into its field, printing, releasing. Knows no
 * key by name.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct buf;

/* A kind of value. Its field is of the C type named; zeroed when not set. */
enum conf_type {
	CONF_NUMBER,   /* uint64_t */
	CONF_BYTES,    /* uint64_t: 10G, 1024 to the step */
	CONF_DAYS,     /* uint64_t: 90d */
	CONF_SPEED,    /* uint64_t: bit/s, 10G, 1000 to the step */
	CONF_CHOICE,   /* uint64_t: position in choices */
	CONF_TIME,     /* int64_t: epoch milliseconds */
	CONF_TEXT,     /* char *: one line; the range is that of its length */
	CONF_NAME,     /* char *: letters, digits and ._-; nothing that could
			  be an address */
	CONF_ZONE,     /* char *: a name of the time zone database */
	CONF_ADDR,     /* struct addr */
	CONF_PREFIX,   /* struct prefix */
	CONF_ENDPOINT, /* struct endpoint */
	N_CONF_TYPES
};

struct conf_key {
	const char *key;
	enum conf_type type;
	size_t field; /* offset in the section's struct */
	/* Of a list, where the field is a pointer to n values: offset of n, a
	 * size_t; it is not the first in the struct, for 0 means no list. */
	size_t count;
	uint64_t min, max; /* of numbers; of the length of text; of n */
	/* The value when not given. NULL: the field stays zero, which is no
	 * value then. */
	const char *preset;
	const char *const *choices; /* NULL behind the last one */
	const char *help;
};

struct conf_section {
	const char *name;
	const struct conf_key *title; /* read like a key; NULL: has none */
	const struct conf_key *key;
	size_t n_keys;
	const struct conf_section *section; /* in it */
	size_t n_sections;
	size_t size;         /* of its struct */
	size_t array, count; /* offsets in the struct it is in: a pointer to n
				of them, and n, a size_t */
	size_t max;
	/* Offset of a char *, "FILE:LINE" of its end; 0: not kept. */
	size_t place;
	/* When its keys are in, before its sections; NULL: nothing. */
	void (*keys_done)(void *section);
	/* What its keys have to do with each other; NULL: nothing. The text
	 * follows the section's name. */
	int (*check)(void *section, struct err *err);
	const char *help;
};

/*
 * Put a value into the field of key in the struct at section; to a list it is
 * added. ERR_USAGE: the text says why not, and what is wanted.
 */
int conf_put(const struct conf_key *key, void *section, const char *text,
    struct err *err) MUST_CHECK;

/* Presets into all fields of a zeroed struct that have one. */
void conf_preset(const struct conf_section *s, void *section);

/* Make the sections of a kind in the struct at parent n zeroed ones, in place
 * of those that were there; the first of them. */
void *conf_set_sections(const struct conf_section *s, void *parent, size_t n);

/* What keys and sections hold, as the file's text. */
void conf_print_section(const struct conf_section *s, const void *section,
    bool explain, struct buf *out);

/* Free what the fields hold. */
void conf_release(const struct conf_section *s, void *section);

#endif
