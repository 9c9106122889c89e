/* SPDX-License-Identifier: ISC */
/*
 * Numbers and addresses as text: see digits.h. A listing prints some twenty
 * numbers a flow; printf would be most of its time.
 */
#include "report/digits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/addr.h"
#include "schema/base/num.h"

static const char pairs[] = "00010203040506070809"
			    "10111213141516171819"
			    "20212223242526272829"
			    "30313233343536373839"
			    "40414243444546474849"
			    "50515253545556575859"
			    "60616263646566676869"
			    "70717273747576777879"
			    "80818283848586878889"
			    "90919293949596979899";

enum { U64_LEN = 20 }; /* digits of UINT64_MAX */

static size_t
count_digits(uint64_t n)
{
	size_t len = 1;

	for (; n >= 10000; n /= 10000)
		len += 4;
	return len + (n >= 10) + (n >= 100) + (n >= 1000);
}

char *
put_u64(char *p, uint64_t n)
{
	char *end = p + count_digits(n);
	char *d = end;

	for (; n >= 100; n /= 100) {
		d -= 2;
		memcpy(d, pairs + n % 100 * 2, 2);
	}
	if (n >= 10)
		memcpy(p, pairs + n * 2, 2);
	else
		*p = (char)('0' + n);
	return end;
}

char *
put_i64(char *p, int64_t n)
{
	if (n >= 0)
		return put_u64(p, (uint64_t)n);
	*p++ = '-';
	return put_u64(p, 0 - (uint64_t)n);
}

char *
put_u64_grouped(char *p, uint64_t n)
{
	char digits[U64_LEN];
	size_t len = (size_t)(put_u64(digits, n) - digits);

	for (size_t i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	return p;
}

char *
put_ip4(char *p, uint32_t ip4)
{
	for (unsigned shift = 32; shift > 0; shift -= 8) {
		p = put_u64(p, ip4 >> (shift - 8) & 0xff);
		if (shift > 8)
			*p++ = '.';
	}
	return p;
}

char *
put_addr(char *p, const struct addr *addr)
{
	char text[ADDR_TEXT_LEN];
	size_t len;

	if (addr->family == 4)
		return put_ip4(p, get_be32(addr->bytes));
	addr_format(addr, text);
	len = strlen(text);
	memcpy(p, text, len);
	return p + len;
}

char *
put_thousandths(char *p, uint64_t n)
{
	p = put_u64(p, n / 1000);
	*p++ = '.';
	*p++ = (char)('0' + n / 100 % 10);
	memcpy(p, pairs + n % 100 * 2, 2);
	return p + 2;
}

char *
put_hundredths(char *p, uint64_t n)
{
	p = put_u64(p, n / 100);
	*p++ = '.';
	memcpy(p, pairs + n % 100 * 2, 2);
	return p + 2;
}

char *
put_prefix(char *p, uint64_t prefix)
{
	p = put_ip4(p, (uint32_t)(prefix >> 8));
	*p++ = '/';
	return put_u64(p, prefix & 0xff);
}

char *
put_real(char *p, double x)
{
	char text[DIGITS_MAX] = "";
	size_t len;

	/* 17 digits always suffice, but make 0.1 a 0.10000000000000001. */
	for (int digits = 15; isfinite(x) && digits <= 17; digits++) {
		snprintf(text, sizeof text, "%.*g", digits, x);
		if (strtod(text, NULL) == x)
			break;
	}
	len = strlen(text);
	memcpy(p, text, len);
	return p + len;
}
