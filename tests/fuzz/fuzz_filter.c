/* SPDX-License-Identifier: ISC */
/* Filter words of whoever: what is accepted is printed, read again as the same,
 * and becomes SQL that SQLite takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "schema/base/mem.h"
#include "tests/fuzz/fuzz_filter.h"
#include "tests/fuzz/fuzz_main.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = xcalloc(1, len + 1);

	memcpy(text, data, len);
	fuzz_line(text);
	free(text);
	return 0;
}
