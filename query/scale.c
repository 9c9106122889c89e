/* SPDX-License-Identifier: ISC */
/* Multiplying by the sampling interval: see scale.h. */
#include "query/scale.h"

#include <stdbool.h>

#include "query/quantity.h"
#include "schema/base/addr.h"
#include "schema/batch.h"
#include "schema/conf.h"

/* More than any flow can have; rates of it still fit 64 bits. */
#define SCALED_MAX (INT64_C(1) << 49)

static const flow_column_set counters =
    (flow_column_set)1 << COL_OCTETS | (flow_column_set)1 << COL_PACKETS;

static bool
is_configured(const struct scale *s)
{
	for (size_t i = 0; s->mode == SCALE_HEADER && i < s->conf->n_exporters;
	     i++)
		if (s->conf->exporter[i].n_samplings > 0)
			return true;
	return false;
}

flow_column_set
scale_columns(const struct scale *s, flow_column_set wanted)
{
	if (s->mode != SCALE_HEADER || (wanted & counters) == 0)
		return 0;
	return quantity_columns(QUANTITY_INTERVAL) |
	       (flow_column_set)1 << COL_EXPORTER |
	       (flow_column_set)1 << COL_END_MS;
}

/* configured: the configuration says something of some exporter. */
static int64_t
sampling_interval(
    const struct scale *s, bool configured, const struct batch *b, size_t i)
{
	int64_t interval = 0;

	if (configured)
		interval = conf_sampling(s->conf,
		    &b->exporters[b->col[COL_EXPORTER][i]],
		    b->col[COL_END_MS][i]);
	return interval != 0 ? interval
			     : quantity_value(QUANTITY_INTERVAL, b, i);
}

static int64_t
factor_of(
    const struct scale *s, bool configured, const struct batch *b, size_t i)
{
	int64_t factor = 1;

	if (s->mode == SCALE_FIXED)
		factor = (int64_t)s->factor;
	if (s->mode == SCALE_HEADER)
		factor = sampling_interval(s, configured, b, i);
	return factor > 1 ? factor : 1; /* 0: not sampled, or not known */
}

int64_t
scale_factor(const struct scale *s, const struct batch *b, size_t i)
{
	return factor_of(s, is_configured(s), b, i);
}

static void
multiply(int64_t *value, int64_t factor)
{
	*value = *value > SCALED_MAX / factor ? SCALED_MAX : *value * factor;
}

void
scale_batch(const struct scale *s, struct batch *b)
{
	bool configured = is_configured(s);

	if (s->mode == SCALE_NONE)
		return;
	for (size_t i = 0; i < b->n; i++) {
		int64_t factor = factor_of(s, configured, b, i);

		if (b->col[COL_OCTETS] != NULL)
			multiply(&b->col[COL_OCTETS][i], factor);
		if (b->col[COL_PACKETS] != NULL)
			multiply(&b->col[COL_PACKETS][i], factor);
	}
}
