/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_PROTOCOL_H
#define WEIR_SCHEMA_BASE_PROTOCOL_H
/* The protocols that people know by name. */
#include <stdint.h>

/* "tcp" for 6; NULL where the number says more. */
const char *protocol_name(uint64_t protocol);

#endif
