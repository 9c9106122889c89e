/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_NAMES_H
#define WEIR_REPORT_NAMES_H
/* Names of numbers that people know by name. */
#include <stdint.h>

/* "tcp" for 6; NULL where the number says more. */
const char *protocol_name(uint64_t protocol);

#endif
