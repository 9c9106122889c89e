/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_DELIVER_PROGRAM_H
#define WEIR_REPORT_DELIVER_PROGRAM_H
/* deliver.c's own: a message to a program's standard input. */
#include "schema/base/err.h"

struct deliver_message;

int deliver_to_program(char *const *argv, const struct deliver_message *m,
    struct err *err) MUST_CHECK;

#endif
