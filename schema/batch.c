/* SPDX-License-Identifier: ISC */
/* Arrays of flows by column: see batch.h. */
#include "schema/batch.h"

#include <stdlib.h>

#include "schema/base/mem.h"

void
batch_init(struct batch *b, flow_column_set columns)
{
	*b = (struct batch){0};
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		if ((columns & (flow_column_set)1 << c) != 0)
			b->col[c] = xcalloc(BATCH_MAX, sizeof *b->col[c]);
}

void
batch_release(struct batch *b)
{
	for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
		free(b->col[c]);
	*b = (struct batch){0};
}
