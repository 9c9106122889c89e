/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_ATTR_H
#define WEIR_SCHEMA_BASE_ATTR_H
/* Compiler attributes and small macros, under names that read well. */

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define NORETURN __attribute__((noreturn))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
