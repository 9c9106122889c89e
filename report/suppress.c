/* SPDX-License-Identifier: ISC */
/* Addresses to leave alone: see suppress.h. */
#include "report/suppress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/list.h"
#include "schema/base/complain.h"

static int
add(struct ast *any, const char *list, const struct names *names,
    struct complaint *why)
{
	struct ast *a = NULL;
	size_t at;
	int rc = list_read(&a, field_find("src", 3), list, names, &at, why);

	if (rc == 0)
		ast_add_child(any, a);
	return rc;
}

int
suppress_add_list(struct ast *any, const char *list, const struct names *names,
    struct err *err)
{
	struct complaint why = {0};
	int rc = add(any, list, names, &why);

	if (rc != 0)
		return err_set(err, rc, "suppress=%.60s: %s%s%s", list,
		    why.what, why.hint[0] != '\0' ? ": " : "", why.hint);
	return 0;
}

/* Without what surrounds the value; empty: there is none. */
static char *
strip(char *line)
{
	char *end;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	end = line + strlen(line);
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return line;
}

static int
add_lines(struct ast *any, FILE *f, const char *path, const struct names *names,
    struct err *err)
{
	char *line = NULL;
	size_t cap = 0;
	unsigned number = 0;
	int rc = 0;

	while (rc == 0 && getline(&line, &cap, f) >= 0) {
		struct complaint why = {0};
		const char *value = strip(line);

		number++;
		if (value[0] != '\0' &&
		    (rc = add(any, value, names, &why)) != 0)
			err_set(err, rc, "%s:%u: %.60s: %s%s%s", path, number,
			    value, why.what, why.hint[0] != '\0' ? ": " : "",
			    why.hint);
	}
	if (rc == 0 && ferror(f))
		rc = err_sys(err, "%s", path);
	free(line);
	return rc;
}

int
suppress_add_file(struct ast *any, const char *path, const struct names *names,
    struct err *err)
{
	FILE *f = fopen(path, "re");
	int rc;

	if (f == NULL)
		return err_sys(err, "%s", path);
	rc = add_lines(any, f, path, names, err);
	fclose(f);
	return rc;
}
