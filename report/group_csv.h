/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_GROUP_CSV_H
#define WEIR_REPORT_GROUP_CSV_H
/*
 * Groups of values as CSV (RFC 4180), as `weir group show -f csv` writes them:
 * a first line with the names of columns, of which group and value must be
 * there and comment may be; then a line for each value.
 */
#include "schema/base/err.h"

struct saved_list;

/*
 * Read a file into *out, which is to be released in any case. Values of one
 * group are joined by commas; of comments the first that is not empty counts.
 * ERR_USAGE with a text that names the file and row.
 */
int group_csv_read(
    struct saved_list *out, const char *path, struct err *err) MUST_CHECK;

#endif
