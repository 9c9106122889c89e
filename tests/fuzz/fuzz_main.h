/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_FUZZ_FUZZ_MAIN_H
#define WEIR_TESTS_FUZZ_FUZZ_MAIN_H
/*
 * What makes a harness a program: with -DLIBFUZZER, libFuzzer's main; otherwise
 * a main that runs the files given, for AFL and to replay the kept corpus.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#ifndef LIBFUZZER
#include <stdio.h>
#include <stdlib.h>

#include "schema/base/mem.h"

enum { FUZZ_MAX_LEN = 1024 * 1024 };

/* In a block of the input's length, so that a sanitizer sees its end. */
static int
fuzz_run_file(const char *path)
{
	uint8_t *all = xcalloc(1, FUZZ_MAX_LEN), *data;
	FILE *f = fopen(path, "rb");
	size_t len;

	if (f == NULL) {
		perror(path);
		free(all);
		return 1;
	}
	len = fread(all, 1, FUZZ_MAX_LEN, f);
	fclose(f);
	data = xcalloc(1, len);
	for (size_t i = 0; i < len; i++)
		data[i] = all[i];
	free(all);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	int bad = 0;

	for (int i = 1; i < argc; i++)
		bad |= fuzz_run_file(argv[i]);
	return bad;
}
#endif

#endif
