/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_INTERFACES_H
#define WEIR_REPORT_INTERFACES_H
/* weir status interfaces: the interfaces that the configuration names. */
#include "schema/base/err.h"

struct request;

int interfaces_run(const struct request *r, struct err *err) MUST_CHECK;

#endif
