/* SPDX-License-Identifier: ISC */
/* Columns and what is made of them: see quantity.h. */
#include "query/quantity.h"

#include "schema/base/clock.h"
#include "schema/batch.h"

static flow_column_set
set_of(enum flow_column a, enum flow_column b)
{
	return (flow_column_set)1 << a | (flow_column_set)1 << b;
}

flow_column_set
quantity_columns(unsigned quantity)
{
	switch (quantity) {
	case QUANTITY_PACKET_SIZE: return set_of(COL_OCTETS, COL_PACKETS);
	case QUANTITY_BPS: return set_of(COL_OCTETS, COL_DURATION_MS);
	case QUANTITY_PPS: return set_of(COL_PACKETS, COL_DURATION_MS);
	case QUANTITY_DSCP: return set_of(COL_TOS, COL_TOS);
	case QUANTITY_INTERVAL: return set_of(COL_SAMPLING, COL_SAMPLING);
	case QUANTITY_ENGINE: return set_of(COL_ENGINE_TYPE, COL_ENGINE_ID);
	default: return (flow_column_set)1 << quantity;
	}
}

static int64_t
divide(int64_t a, int64_t b)
{
	return b != 0 ? a / b : 0;
}

int64_t
quantity_value(unsigned quantity, const struct batch *b, size_t i)
{
	int64_t *const *col = b->col;

	switch (quantity) {
	case QUANTITY_PACKET_SIZE:
		return divide(col[COL_OCTETS][i], col[COL_PACKETS][i]);
	case QUANTITY_BPS:
		return divide(
		    col[COL_OCTETS][i] * 8 * MS_PER_S, col[COL_DURATION_MS][i]);
	case QUANTITY_PPS:
		return divide(
		    col[COL_PACKETS][i] * MS_PER_S, col[COL_DURATION_MS][i]);
	case QUANTITY_DSCP: return col[COL_TOS][i] >> 2;
	case QUANTITY_INTERVAL:
		return col[COL_SAMPLING][i] & SAMPLING_INTERVAL_MASK;
	case QUANTITY_ENGINE:
		return col[COL_ENGINE_TYPE][i] << 8 | col[COL_ENGINE_ID][i];
	default: return col[quantity][i];
	}
}

const int64_t *
quantity_values(unsigned quantity, const struct batch *b, size_t first,
    size_t n, int64_t *scratch)
{
	if (quantity < N_FLOW_COLUMNS)
		return b->col[quantity] + first;
	for (size_t i = 0; i < n; i++)
		scratch[i] = quantity_value(quantity, b, first + i);
	return scratch;
}
