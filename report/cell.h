/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_CELL_H
#define WEIR_REPORT_CELL_H
/* Cells as people read them: what the writers of text and of HTML share. */
#include <stdbool.h>
#include <stdint.h>

#include "report/table.h"
#include "schema/base/clock.h"

/* Bytes that cell_put may write. */
enum { CELL_MAX = QUIRKS_TEXT_LEN };

/*
 * Flows of one second come together; asking for the local time of each would
 * be most of a listing's work. All zero to begin with.
 */
struct cell_clock {
	bool has_second;
	int64_t second;
	char text[CLOCK_TEXT_LEN];
};

/* v, of any kind but VALUE_TEXT, at p, without a NUL; returns the end. */
char *cell_put(char *p, const struct out_style *style, struct cell_clock *clock,
    const struct table_column *col, struct table_value v);

/* Whether cells of col have their unit with them. */
bool cell_has_units(
    const struct out_style *style, const struct table_column *col);

/* Whether cells of col are parts of a whole, worth a bar. */
bool cell_is_share(const struct table_column *col);

/* Numbers that can be compared by looking at their length. */
bool cell_aligns_right(const struct table_column *col);

#endif
