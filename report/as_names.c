/* SPDX-License-Identifier: ISC */
/* Names of AS numbers: see as_names.h. */
#include "report/as_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "schema/base/mem.h"
#include "schema/base/num.h"

struct as_entry {
	uint32_t number;
	uint32_t line;
	char *name;
};

struct as_names {
	struct as_entry *entry; /* by number, then by line */
	size_t n, cap;
};

static int
refuse(struct err *err, const char *path, size_t line, const char *complaint)
{
	return err_set(err, ERR_USAGE, "%s:%zu: %s, want NUMBER NAME", path,
	    line, complaint);
}

/* line without its end; blank ones and comments add nothing. */
static int
add_line(struct as_names *a, const char *path, size_t number, char *line,
    struct err *err)
{
	char *word = line + strspn(line, " \t");
	size_t len = strcspn(word, " \t,");
	char *name = word + len + strspn(word + len, " \t,");
	uint64_t as;

	if (*word == '\0' || *word == '#')
		return 0;
	word[len] = '\0';
	if (!parse_u64(word + (strncasecmp(word, "as", 2) == 0 ? 2 : 0),
		UINT32_MAX, &as))
		return refuse(err, path, number, "begins with no AS number");
	if (*name == '\0' || name == word + len)
		return refuse(err, path, number, "has no name");
	if (strlen(name) > AS_NAME_MAX_LEN)
		return refuse(err, path, number, "has too long a name");
	if (a->n == AS_NAMES_MAX)
		return refuse(err, path, number, "is one line too many");
	a->entry = xgrow(a->entry, a->n, &a->cap, sizeof *a->entry);
	a->entry[a->n++] = (struct as_entry){
	    .number = (uint32_t)as,
	    .line = (uint32_t)number,
	    .name = xstrdup(name),
	};
	return 0;
}

static int
by_number(const void *pa, const void *pb)
{
	const struct as_entry *a = pa, *b = pb;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return (a->line > b->line) - (a->line < b->line);
}

static int
read_lines(struct as_names *a, FILE *f, const char *path, struct err *err)
{
	char *line = NULL;
	size_t cap = 0, number = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		line[strcspn(line, "\r\n")] = '\0';
		rc = add_line(a, path, ++number, line, err);
	}
	free(line);
	return rc;
}

int
as_names_read(struct as_names **out, const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	struct as_names *a;
	int rc;

	if (f == NULL)
		return err_set(err, ERR_USAGE, "%s: %s", path, strerror(errno));
	a = xcalloc(1, sizeof *a);
	rc = read_lines(a, f, path, err);
	if (rc == 0 && ferror(f))
		rc = err_set(err, ERR_USAGE, "%s: cannot be read", path);
	fclose(f);
	if (rc != 0) {
		as_names_free(a);
		return rc;
	}
	if (a->n > 0)
		qsort(a->entry, a->n, sizeof *a->entry, by_number);
	*out = a;
	return 0;
}

void
as_names_free(struct as_names *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n; i++)
		free(a->entry[i].name);
	free(a->entry);
	free(a);
}

const char *
as_name(const struct as_names *a, uint32_t number)
{
	size_t low = 0, high = a->n; /* the first entry above number */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->entry[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || a->entry[low - 1].number != number)
		return NULL;
	return a->entry[low - 1].name;
}
