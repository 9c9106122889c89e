/* SPDX-License-Identifier: ISC */
/* histogram: which bin a flow is in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "report/histogram.h"
#include "schema/base/attr.h"

/* The one bin that a flow is in. */
static size_t
bin_of(enum histogram_kind h, uint64_t packets, uint64_t octets, uint64_t ms)
{
	struct histogram_counts c = {0};
	size_t found = HISTOGRAM_MAX_BINS;

	histogram_add(&c, packets, octets, ms);
	for (size_t i = 0; i < HISTOGRAM_MAX_BINS; i++)
		if (c.flows[h][i] != 0) {
			assert_int_equal(c.flows[h][i], 1);
			assert_int_equal(found, HISTOGRAM_MAX_BINS);
			found = i;
		}
	assert_true(found <= histograms[h].n_edges);
	return found;
}

static size_t
bin_of_value(enum histogram_kind h, uint64_t value)
{
	switch (h) {
	case HISTOGRAM_OCTETS_PER_PACKET: return bin_of(h, 7, 7 * value, 0);
	case HISTOGRAM_PACKETS_PER_FLOW: return bin_of(h, value, 0, 0);
	case HISTOGRAM_OCTETS_PER_FLOW: return bin_of(h, 1, value, 0);
	default: return bin_of(h, 1, 0, value);
	}
}

static void
an_edge_is_the_last_of_its_bin(void **state)
{
	(void)state;
	for (size_t h = 0; h < N_HISTOGRAMS; h++) {
		const struct histogram_info *info = &histograms[h];
		enum histogram_kind kind = (enum histogram_kind)h;

		for (size_t i = 0; i < info->n_edges; i++) {
			assert_int_equal(bin_of_value(kind, info->edge[i]), i);
			assert_int_equal(
			    bin_of_value(kind, info->edge[i] + 1), i + 1);
			if (i > 0)
				assert_true(info->edge[i] > info->edge[i - 1]);
		}
		assert_int_equal(bin_of_value(kind, UINT32_MAX), info->n_edges);
		assert_int_equal(bin_of_value(kind, info->least), 0);
	}
}

/* As the steps of flow-stat's documentation say. */
static void
the_edges_are_those_of_flow_stat(void **state)
{
	static const struct {
		enum histogram_kind kind;
		uint64_t value, edge;
	} cases[] = {
	    {HISTOGRAM_OCTETS_PER_PACKET, 33, 64},
	    {HISTOGRAM_OCTETS_PER_PACKET, 577, 1024},
	    {HISTOGRAM_OCTETS_PER_PACKET, 1500, 1536},
	    {HISTOGRAM_OCTETS_PER_PACKET, 4097, 4608},
	    {HISTOGRAM_PACKETS_PER_FLOW, 3, 4},
	    {HISTOGRAM_PACKETS_PER_FLOW, 53, 60},
	    {HISTOGRAM_PACKETS_PER_FLOW, 61, 100},
	    {HISTOGRAM_PACKETS_PER_FLOW, 801, 900},
	    {HISTOGRAM_OCTETS_PER_FLOW, 513, 1280},
	    {HISTOGRAM_OCTETS_PER_FLOW, 15105, 15872},
	    {HISTOGRAM_FLOW_TIME_MS, 501, 1000},
	    {HISTOGRAM_FLOW_TIME_MS, 10001, 12000},
	    {HISTOGRAM_FLOW_TIME_MS, 29999, 30000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t bin = bin_of_value(cases[i].kind, cases[i].value);

		assert_int_equal(
		    histograms[cases[i].kind].edge[bin], cases[i].edge);
	}
	/* Octets a packet are cut: 32.9 is 32. */
	assert_int_equal(bin_of(HISTOGRAM_OCTETS_PER_PACKET, 10, 329, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_edge_is_the_last_of_its_bin),
	    cmocka_unit_test(the_edges_are_those_of_flow_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
