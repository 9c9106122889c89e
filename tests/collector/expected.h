/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_COLLECTOR_EXPECTED_H
#define WEIR_TESTS_COLLECTOR_EXPECTED_H
/* The table of known answers, tests/data/expected.tsv. Needs cmocka.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "collector/export_kind.h"

enum { EXPECTED_MAX = 64 };

struct expected {
	char path[96];    /* tests/data/NAME */
	const char *file; /* the name in it */
	uint64_t datagrams, flows, packets, octets;
	char flags[512]; /* "2:91 4:1", or "-" */
	uint64_t kinds[N_EXPORT_KINDS];
	uint64_t malformed;
};

static inline size_t
expected_read(struct expected table[EXPECTED_MAX])
{
	FILE *f = fopen("tests/data/expected.tsv", "r");
	char line[1024];
	size_t n = 0;

	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f)); /* the heading */
	while (fgets(line, sizeof line, f) != NULL) {
		struct expected *e = &table[n];

		assert_true(n < EXPECTED_MAX);
		*e = (struct expected){.path = "tests/data/"};
		e->file = e->path + strlen(e->path);
		assert_int_equal(
		    sscanf(line,
			"%79[^\t]\t%" SCNu64 "\t%" SCNu64 "\t%" SCNu64
			"\t%" SCNu64 "\t%511[^\t]\t%" SCNu64 "\t%" SCNu64
			"\t%" SCNu64 "\t%" SCNu64 "\t%" SCNu64 "\t%" SCNu64
			"\t%" SCNu64,
			e->path + strlen(e->path), &e->datagrams, &e->flows,
			&e->packets, &e->octets, e->flags,
			&e->kinds[EXPORT_NETFLOW1], &e->kinds[EXPORT_NETFLOW7],
			&e->kinds[EXPORT_NETFLOW8], &e->kinds[EXPORT_NETFLOW9],
			&e->kinds[EXPORT_IPFIX], &e->kinds[EXPORT_SFLOW5],
			&e->malformed),
		    13);
		n++;
	}
	fclose(f);
	assert_true(n > 30);
	return n;
}

#endif
