/* SPDX-License-Identifier: ISC */
/* The four graphs: see load.h. */
#include "report/load.h"

#include "schema/base/clock.h"
#include "schema/batch.h"

const struct load_info load_infos[N_LOADS] = {
    [LOAD_BITS] = {"bps", "bits/s", "octets", 8 * MS_PER_S, COL_OCTETS},
    [LOAD_PACKETS] = {"pps", "packets/s", "packets", MS_PER_S, COL_PACKETS},
    [LOAD_FLOWS] = {"fps", "flows started/s", "flows", MS_PER_S,
	N_FLOW_COLUMNS},
    [LOAD_ACTIVE] = {"active", "active flows", "flow_ms", 1, N_FLOW_COLUMNS},
};

uint64_t
load_value(enum load load, const struct batch *b, size_t i)
{
	switch (load) {
	case LOAD_BITS: return (uint64_t)b->col[COL_OCTETS][i];
	case LOAD_PACKETS: return (uint64_t)b->col[COL_PACKETS][i];
	case LOAD_ACTIVE:
		return (uint64_t)(b->col[COL_END_MS][i] -
				  b->col[COL_START_MS][i] + 1);
	case LOAD_FLOWS:
	case N_LOADS: break;
	}
	return 1;
}

flow_column_set
load_columns(enum load load)
{
	enum flow_column column = load_infos[load].column;
	flow_column_set set = (flow_column_set)1 << COL_START_MS |
			      (flow_column_set)1 << COL_END_MS;

	return column == N_FLOW_COLUMNS ? set
					: set | (flow_column_set)1 << column;
}

enum spread
load_spread(enum load load, enum spread spread)
{
	switch (load) {
	case LOAD_FLOWS: return SPREAD_START;
	case LOAD_ACTIVE: return SPREAD_PROPORTIONAL;
	default: return spread;
	}
}

double
load_rate(enum load load, uint64_t sum, int64_t ms)
{
	return ms > 0 ? (double)sum * load_infos[load].per_ms / (double)ms : 0;
}
