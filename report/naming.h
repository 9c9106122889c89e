/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_NAMING_H
#define WEIR_REPORT_NAMING_H
/*
 * Names behind the numbers of flows: of services from services(5), of
 * exporters, interfaces and AS numbers as configured, of hosts from the DNS if
 * that was asked for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/geo.h"
#include "schema/base/err.h"
#include "schema/flow.h"

struct addr;
struct conf;
struct naming;

struct naming_options {
	const struct conf *conf;
	const char *dir;    /* data folder, for what the DNS said before */
	bool hosts;         /* ask the DNS; else nothing is sent */
	const char *server; /* see resolve.h */
	int64_t wait_ms;
};

/* ERR_USAGE: a file of names that is configured cannot be used. */
int naming_open(struct naming **out, const struct naming_options *o,
    struct err *err) MUST_CHECK;
void naming_close(struct naming *n); /* accepts NULL */

/* Whether names of this column come from the DNS. */
bool naming_asks(enum flow_column column);

/* What else of a flow its name depends on. */
struct naming_flow {
	const struct addr *exporter; /* NULL: not known */
	int protocol;                /* -1: not known */
};

/* The name of the value that this column has, borrowed from n; NULL: it has
 * none. Of COL_EXPORTER, value is not looked at. */
const char *naming_of(const struct naming *n, enum flow_column column,
    uint64_t value, const struct naming_flow *f);

/* That it will be wanted; and wait for what has to be asked for. */
void naming_want(struct naming *n, enum flow_column column, uint64_t value,
    const struct naming_flow *f);
void naming_wait(struct naming *n);

/* Of an address, as geo.h has it. */
const char *naming_country(
    const struct naming *n, uint32_t ip4, char out[GEO_TEXT_LEN]);
const char *naming_organisation(
    const struct naming *n, uint32_t ip4, char out[GEO_TEXT_LEN]);

#endif
