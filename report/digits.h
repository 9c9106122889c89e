/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_DIGITS_H
#define WEIR_REPORT_DIGITS_H
/*
 * Numbers and addresses as text without printf, for rows by the million. Each
 * function writes at p, adds no NUL and returns the end.
 */
#include <stdint.h>

struct addr;

enum { DIGITS_MAX = 48 }; /* bytes that any of these may write */

char *put_u64(char *p, uint64_t n);
char *put_i64(char *p, int64_t n);
char *put_u64_grouped(char *p, uint64_t n); /* 1,208 */
char *put_ip4(char *p, uint32_t ip4);       /* dotted */
char *put_addr(char *p, const struct addr *addr);
char *put_thousandths(char *p, uint64_t n); /* 1208 is 1.208 */
char *put_hundredths(char *p, uint64_t n);  /* 1208 is 12.08 */
char *put_prefix(char *p, uint64_t prefix); /* VALUE_PREFIX */

/* As few digits as give x again; nothing for infinity and what is no number,
 * which neither CSV nor JSON knows. */
char *put_real(char *p, double x);

#endif
