/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_FLOWVIEWER_FILE_H
#define WEIR_REPORT_FLOWVIEWER_FILE_H
/*
 * Files of FlowViewer and FlowTracker, 3.x to 4.6: monitors (.fil, .archive),
 * groups (.grp) and saved filters (.svf), and their fields in weir's words.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct buf;
struct conf;

struct flowviewer_field {
	char *name, *value;
};

/* A component of a group: "101^label^color". */
struct flowviewer_member {
	int64_t position; /* from 200 on below the axis */
	char *label, *color;
};

struct flowviewer_file {
	struct flowviewer_field *field; /* in the order of the file */
	size_t n_fields, cap_fields;
	struct flowviewer_member *member;
	size_t n_members, cap_members;
};

/* ERR_SYSTEM, or ERR_CORRUPT: it has no field that FlowViewer writes. */
int flowviewer_read(
    struct flowviewer_file *f, const char *path, struct err *err) MUST_CHECK;
void flowviewer_file_release(struct flowviewer_file *f);

/* The first of that name; "" when there is none. */
const char *flowviewer_get(const struct flowviewer_file *f, const char *name);

/* Words of a filter into out, one to a line; what has no place among them, in
 * words for people, into left. */
void flowviewer_words(const struct flowviewer_file *f, const struct conf *conf,
    struct buf *out, struct buf *left);

/* What FlowViewer calls the files of a monitor: to be freed. */
char *flowviewer_file_name(const char *label);

#endif
