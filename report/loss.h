/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_LOSS_H
#define WEIR_REPORT_LOSS_H
/* `weir report loss`: what never arrived, by exporter and engine. */
#include "schema/base/err.h"

struct request;

/* Answer a parsed request, which may say from=, to= and nothing else. */
int loss_run(const struct request *r, struct err *err) MUST_CHECK;

#endif
