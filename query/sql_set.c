/* SPDX-License-Identifier: ISC */
/* Lists as sets: see sql_set.h. */
#include "query/sql_set.h"

#include <assert.h>
#include <string.h>

#include "query/ast.h"
#include "query/field.h"
#include "query/list.h"
#include "query/names.h"
#include "schema/base/complain.h"

int
sql_set_read(
    enum sql_set_kind kind, const char *text, struct ast **out, struct err *err)
{
	static const struct {
		const char *function, *field;
	} kinds[] = {
	    [SET_IP4] = {"in_net", "src"},
	    [SET_EXPORTER] = {"in_net", "exporter"},
	    [SET_FLAGS] = {"flags_match", "flags"},
	};
	static const struct names nobody = {0};
	const char *field = kinds[kind].field;
	struct complaint why = {0};
	size_t at;
	int rc = list_read(
	    out, field_find(field, strlen(field)), text, &nobody, &at, &why);

	if (rc != 0)
		return err_set(err, rc, "%s(): %s%s%s", kinds[kind].function,
		    why.what, why.hint[0] != '\0' ? ": " : "", why.hint);
	assert((*out)->kind ==
	       (kind == SET_EXPORTER ? AST_EXPORTERS : AST_RANGES));
	return 0;
}
