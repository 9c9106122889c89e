/* SPDX-License-Identifier: ISC */
/*
 * FlowViewer's files: see flowviewer_file.h. A line of a monitor or group is
 * " input: FIELD: VALUE"; of a saved filter "FIELD: VALUE" between two lines
 * BEGIN and END FILTERING PARAMETERS. Before the fields of a monitor comes its
 * flow-nfilter program, which says the same.
 */
#include "report/flowviewer_file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

enum { LINE_LEN = 65536, MAX_FIELDS = 10000 };

/* ---- reading ---- */

static void
trim(char *text)
{
	size_t len = strlen(text), blank = strspn(text, " \t\r\n");

	memmove(text, text + blank, len - blank + 1);
	len -= blank;
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
}

static void
add_field(struct flowviewer_file *f, const char *line)
{
	const char *colon = strchr(line, ':');
	struct flowviewer_field *x;

	if (colon == NULL || f->n_fields == MAX_FIELDS)
		return;
	f->field =
	    xgrow(f->field, f->n_fields, &f->cap_fields, sizeof *f->field);
	x = &f->field[f->n_fields++];
	x->name = xasprintf("%.*s", (int)(colon - line), line);
	x->value = xstrdup(colon + 1);
	trim(x->name);
	trim(x->value);
}

static void
add_member(struct flowviewer_file *f, char *line)
{
	const char *position = strsep(&line, "^");
	const char *label = strsep(&line, "^");
	const char *color = strsep(&line, "^");
	struct flowviewer_member *m;

	if (label == NULL || f->n_members == MAX_FIELDS)
		return;
	f->member =
	    xgrow(f->member, f->n_members, &f->cap_members, sizeof *f->member);
	m = &f->member[f->n_members++];
	m->position = strtol(position, NULL, 10);
	m->label = xstrdup(label);
	m->color = xstrdup(color != NULL ? color : "");
	trim(m->label);
	trim(m->color);
}

static void
take_line(struct flowviewer_file *f, char *line, bool *within)
{
	static const char input[] = " input: ";

	if (strstr(line, "BEGIN FILTERING") != NULL)
		*within = true;
	else if (strstr(line, "END FILTERING") != NULL)
		*within = false;
	else if (strncmp(line, input, strlen(input)) == 0)
		add_field(f, line + strlen(input));
	else if (*within)
		add_field(f, line);
	else if (isdigit((unsigned char)line[0]) && strchr(line, '^') != NULL)
		add_member(f, line);
}

int
flowviewer_read(struct flowviewer_file *f, const char *path, struct err *err)
{
	char *line;
	bool within = false;
	FILE *in = fopen(path, "re");

	*f = (struct flowviewer_file){0};
	if (in == NULL)
		return err_sys(err, "%s", path);
	line = xcalloc(LINE_LEN, 1);
	while (fgets(line, LINE_LEN, in) != NULL)
		take_line(f, line, &within);
	free(line);
	fclose(in);
	return f->n_fields > 0 ? 0
			       : err_set(err, ERR_CORRUPT,
				     "%s: is no file of FlowViewer", path);
}

void
flowviewer_file_release(struct flowviewer_file *f)
{
	for (size_t i = 0; i < f->n_fields; i++) {
		free(f->field[i].name);
		free(f->field[i].value);
	}
	for (size_t i = 0; i < f->n_members; i++) {
		free(f->member[i].label);
		free(f->member[i].color);
	}
	free(f->field);
	free(f->member);
	*f = (struct flowviewer_file){0};
}

const char *
flowviewer_get(const struct flowviewer_file *f, const char *name)
{
	for (size_t i = 0; i < f->n_fields; i++)
		if (strcmp(f->field[i].name, name) == 0)
			return f->field[i].value;
	return "";
}

/* ---- words ---- */

/* Ranges are A:B there; blanks mean nothing. */
static void
put_list(const char *word, const char *value, struct buf *out)
{
	buf_printf(out, "%s=", word);
	for (; *value != '\0'; value++)
		if (!isspace((unsigned char)*value))
			buf_put(out, *value == ':' ? "-" : value, 1);
	buf_puts(out, "\n");
}

static void
put_left(struct buf *left, const char *field, const char *value)
{
	buf_printf(left, "%s%s %s", left->len > 0 ? "; " : "", field, value);
}

/* "192.0.2.1:its label", or the address alone. */
static void
put_exporter(const char *value, struct buf *out, struct buf *left)
{
	char *address = xasprintf("%.*s", (int)strcspn(value, ": "), value);
	struct addr parsed;

	if (addr_parse(address, &parsed))
		buf_printf(out, "exporter=%s\n", address);
	else
		put_left(left, "exporter", value);
	free(address);
}

/* A folder of captures there; here an exporter, if one has its name. */
static void
put_device(const char *value, const struct conf *conf, struct buf *out,
    struct buf *left)
{
	if (conf_exporter_by_name(conf, value) != NULL)
		buf_printf(out, "exporter=%s\n", value);
	else
		put_left(left, "device", value);
}

static bool
is_said(const char *value)
{
	return value[0] != '\0' && strcmp(value, "N") != 0 &&
	       strcmp(value, "0") != 0;
}

void
flowviewer_words(const struct flowviewer_file *f, const struct conf *conf,
    struct buf *out, struct buf *left)
{
	static const struct {
		const char *field, *word;
	} lists[] = {
	    {"source_addresses", "src"},
	    {"source_ports", "sport"},
	    {"source_ifs", "in_if"},
	    {"source_ases", "src_as"},
	    {"dest_addresses", "dst"},
	    {"dest_ports", "dport"},
	    {"dest_ifs", "out_if"},
	    {"dest_ases", "dst_as"},
	    {"protocols", "proto"},
	    {"tos_fields", "tos"},
	    {"tcp_flags", "flags"},
	    {"nexthop_ips", "next_hop"},
	};
	static const char *const without[] = {"IPFIX", "silk_rootdir",
	    "silk_class", "silk_flowtype", "silk_type", "silk_sensors",
	    "silk_switches", "sif_names", "dif_names"};
	const char *exporter = flowviewer_get(f, "exporter");
	const char *device = flowviewer_get(f, "device_name");

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		const char *value = flowviewer_get(f, lists[i].field);

		if (value[0] != '\0')
			put_list(lists[i].word, value, out);
	}
	if (exporter[0] != '\0')
		put_exporter(exporter, out, left);
	else if (device[0] != '\0')
		put_device(device, conf, out, left);
	for (size_t i = 0; i < ARRAY_LEN(without); i++) {
		const char *value = flowviewer_get(f, without[i]);

		if (is_said(value))
			put_left(left, without[i], value);
	}
}

char *
flowviewer_file_name(const char *label)
{
	char *name = xstrdup(label), *to;

	trim(name);
	to = name;
	for (const char *p = name; *p != '\0'; p++) {
		if (strchr("&/().", *p) != NULL)
			*to++ = '-';
		else if (!isspace((unsigned char)*p))
			*to++ = (char)tolower((unsigned char)*p);
		else if (to == name || to[-1] != '_')
			*to++ = '_';
	}
	*to = '\0';
	return name;
}
