/* SPDX-License-Identifier: ISC */
/* Expressions of where=, as fuzz_filter.c does words. */
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
	char *word = xasprintf("where=%.*s", (int)len, (const char *)data);

	fuzz_word(word);
	free(word);
	return 0;
}
