/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_HEAT_H
#define WEIR_REPORT_HEAT_H
/* A timeline of hours folded into a week: which hours of which days are busy.
 */
#include <stdbool.h>
#include <stdint.h>

#include "report/timeline.h"

enum { HEAT_DAYS = 7, HEAT_HOURS = 24 };

/* Of one hour of one weekday, by the local clock. */
struct heat_cell {
	uint64_t sum; /* of the bins: see load.h */
	int64_t ms;   /* known time; 0: nothing is known */
	double rate;  /* on average over it */
	double peak;  /* of one hour */
};

struct heat {
	struct heat_cell cell[HEAT_DAYS][HEAT_HOURS]; /* from Monday on */
	double max;                                   /* rate of a cell */
	int busiest_day, busiest_hour; /* where; -1: all is zero */
};

void heat_make(struct heat *h, const struct timeline *t);

extern const char heat_day_names[HEAT_DAYS][4];

#endif
