/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_CONF_READ_H
#define WEIR_SCHEMA_CONF_READ_H
/*
 * The text of a configuration file and of those that it includes, into a
 * struct by the tables of conf_type.h.
 */
#include "schema/base/err.h"

struct conf_section;

/* The key, outside of sections, that names other files to be read. */
#define CONF_INCLUDE "include"

/*
 * root: the section that a file as a whole is, of which `section` is the
 * struct. ERR_USAGE: the text begins with FILE:LINE.
 */
int conf_read(const struct conf_section *root, void *section, const char *path,
    struct err *err) MUST_CHECK;

#endif
