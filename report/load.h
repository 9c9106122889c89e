/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_LOAD_H
#define WEIR_REPORT_LOAD_H
/* What a graph shows of flows, as a rate. */
#include <stddef.h>
#include <stdint.h>

#include "report/bins.h"
#include "schema/flow.h"

struct batch;

enum load {
	LOAD_BITS,    /* bits a second */
	LOAD_PACKETS, /* packets a second */
	LOAD_FLOWS,   /* flows started a second */
	LOAD_ACTIVE,  /* flows at a time, on average */
	N_LOADS
};

struct load_info {
	const char *name;  /* as typed: "bps" */
	const char *title; /* "bits/s" */
	const char *sum;   /* what bins hold, as a column: "octets" */
	double per_ms;     /* a bin's sum times this, by its milliseconds, is
			      the rate */
	enum flow_column column; /* that is summed; N_FLOW_COLUMNS: made of the
				    times */
};

extern const struct load_info load_infos[N_LOADS];

/* What flow number i carries: octets, packets, 1, or milliseconds. */
uint64_t load_value(enum load load, const struct batch *b, size_t i);

/* What load_value and its spreading see of a flow. */
flow_column_set load_columns(enum load load);

/* Starts are where they are, and life is where it is: spread counts only for
 * what is carried. */
enum spread load_spread(enum load load, enum spread spread);

double load_rate(enum load load, uint64_t sum, int64_t ms);

#endif
