/* SPDX-License-Identifier: ISC */
/* Numbers out of text: see num.h. */
#include "schema/base/num.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool
parse_u64(const char *text, uint64_t max, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long n;
	char *end;

	if (hex ? !isxdigit((unsigned char)digits[0])
		: !isdigit((unsigned char)digits[0]))
		return false;
	errno = 0;
	n = strtoull(digits, &end, hex ? 16 : 10);
	if (*end != '\0' || errno != 0 || n > max)
		return false;
	*out = n;
	return true;
}

bool
parse_scaled(const char *text, uint64_t step, uint64_t max, uint64_t *out)
{
	static const char units[] = "KMGT";
	size_t len = strlen(text);
	const char *unit = len > 0 ? strchr(units, text[len - 1]) : NULL;
	char digits[24];
	uint64_t n;

	if (unit != NULL)
		len--;
	if (len >= sizeof digits)
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (!parse_u64(digits, max, &n))
		return false;
	for (const char *u = units; unit != NULL && u <= unit; u++) {
		if (n > max / step)
			return false;
		n *= step;
	}
	*out = n;
	return true;
}
