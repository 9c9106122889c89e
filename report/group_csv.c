/* SPDX-License-Identifier: ISC */
/* Groups out of CSV: see group_csv.h. libcsv knows where a field ends. */
#include "report/group_csv.h"

#include <csv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "query/saved.h"
#include "schema/base/attr.h"
#include "schema/base/mem.h"

enum column { COLUMN_GROUP, COLUMN_VALUE, COLUMN_COMMENT, N_COLUMNS };

static const char *const names[N_COLUMNS] = {"group", "value", "comment"};

enum { MAX_FILE = 64 * 1024 * 1024 };

struct reading {
	const char *path;
	struct saved_list *out;
	struct err *err;
	int rc;
	size_t row;              /* from 1 on; the first has names */
	size_t field;            /* in the row, from 0 on */
	size_t place[N_COLUMNS]; /* field of each column; SIZE_MAX: none */
	char *cell[N_COLUMNS];   /* of this row; NULL: none */
};

static void
fail(struct reading *r, const char *what, const char *hint)
{
	if (r->rc == 0)
		r->rc = err_set(r->err, ERR_USAGE, "%s: row %zu: %s: %s",
		    r->path, r->row + 1, what, hint);
}

/* ---- fields ---- */

static void
take_field(void *field, size_t len, void *arg)
{
	struct reading *r = arg;
	const char *text = field;

	for (size_t c = 0; c < N_COLUMNS; c++) {
		if (r->row == 0 && strlen(names[c]) == len &&
		    strncasecmp(names[c], text, len) == 0)
			r->place[c] = r->field;
		else if (r->row > 0 && r->place[c] == r->field)
			r->cell[c] = xasprintf("%.*s", (int)len, text);
	}
	r->field++;
}

/* ---- rows ---- */

static struct saved *
find_group(struct reading *r, const char *name)
{
	for (size_t i = r->out->n; i > 0; i--)
		if (strcasecmp(r->out->saved[i - 1].name, name) == 0)
			return &r->out->saved[i - 1];
	return NULL;
}

static struct saved *
add_group(struct reading *r, const char *name)
{
	struct saved_list *l = r->out;

	l->saved = xgrow(l->saved, l->n, &l->cap, sizeof *l->saved);
	l->saved[l->n] = (struct saved){
	    .name = xstrdup(name), .text = xstrdup(""), .comment = xstrdup("")};
	return &l->saved[l->n++];
}

/* A value of its own, or with a "-" in front. */
static void
add_value(struct saved *group, const char *value)
{
	char *old = group->text;

	group->text =
	    xasprintf("%s%s%s", old, old[0] != '\0' ? "," : "", value);
	free(old);
}

static void
take_cells(struct reading *r)
{
	const char *name = r->cell[COLUMN_GROUP];
	const char *value = r->cell[COLUMN_VALUE];
	const char *comment = r->cell[COLUMN_COMMENT];
	struct saved *group;

	if (name == NULL || !saved_is_name(name)) {
		fail(r, "the group has no name or a wrong one",
		    "want a letter, then letters, digits and _ - .");
		return;
	}
	if (value == NULL || value[0] == '\0') {
		fail(r, "the value is missing", "want one in each row");
		return;
	}
	group = find_group(r, name);
	if (group == NULL)
		group = add_group(r, name);
	if (strlen(group->text) + strlen(value) >= SAVED_TEXT_LEN) {
		fail(r, "the group is too long", "divide it");
		return;
	}
	add_value(group, value);
	if (comment != NULL && group->comment[0] == '\0') {
		free(group->comment);
		group->comment = xstrdup(comment);
	}
}

static void
take_row(int end, void *arg)
{
	struct reading *r = arg;

	(void)end;
	if (r->row == 0 && (r->place[COLUMN_GROUP] == SIZE_MAX ||
			       r->place[COLUMN_VALUE] == SIZE_MAX))
		fail(r, "columns group and value are missing",
		    "want the names of columns there");
	if (r->row > 0 && r->rc == 0)
		take_cells(r);
	for (size_t c = 0; c < N_COLUMNS; c++) {
		free(r->cell[c]);
		r->cell[c] = NULL;
	}
	r->row++;
	r->field = 0;
}

/* ---- files ---- */

static int
parse(struct reading *r, struct csv_parser *p, FILE *f)
{
	char block[65536];
	size_t n, total = 0;

	while (r->rc == 0 && (n = fread(block, 1, sizeof block, f)) > 0) {
		total += n;
		if (total > MAX_FILE)
			return err_set(r->err, ERR_USAGE,
			    "%s: larger than %d bytes", r->path, MAX_FILE);
		if (csv_parse(p, block, n, take_field, take_row, r) != n)
			fail(r, csv_strerror(csv_error(p)), "want CSV");
	}
	if (ferror(f))
		return err_sys(r->err, "%s", r->path);
	if (r->rc == 0 && csv_fini(p, take_field, take_row, r) != 0)
		fail(r, csv_strerror(csv_error(p)), "want CSV");
	return r->rc;
}

int
group_csv_read(struct saved_list *out, const char *path, struct err *err)
{
	struct reading r = {.path = path,
	    .out = out,
	    .err = err,
	    .place = {SIZE_MAX, SIZE_MAX, SIZE_MAX}};
	struct csv_parser p;
	FILE *f;
	int rc;

	*out = (struct saved_list){0};
	f = fopen(path, "re");
	if (f == NULL)
		return err_sys(err, "%s", path);
	if (csv_init(&p, CSV_STRICT | CSV_STRICT_FINI) != 0)
		abort(); /* it allocates nothing yet */
	rc = parse(&r, &p, f);
	csv_free(&p);
	fclose(f);
	for (size_t c = 0; c < N_COLUMNS; c++)
		free(r.cell[c]);
	if (rc == 0 && r.row == 0)
		rc = err_set(err, ERR_USAGE, "%s: empty", path);
	return rc;
}
