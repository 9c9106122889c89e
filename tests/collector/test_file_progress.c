/* SPDX-License-Identifier: ISC */
/* file_progress: what the line says. That it comes and goes on a terminal is
 * tested end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/file_progress.h"
#include "schema/base/attr.h"

static void
lines_say_how_far(void **state)
{
	static const struct {
		const char *path;
		uint64_t size, done, flows;
		const char *want;
	} cases[] = {
	    {"a.pcap", 200, 0, 0, "a.pcap: 0 %, 0 flows"},
	    {"a.pcap", 200, 99, 12, "a.pcap: 49 %, 12 flows"},
	    {"a.pcap", 200, 200, 12, "a.pcap: 100 %, 12 flows"},
	    {"a.pcap", 200, 300, 12, "a.pcap: 100 %, 12 flows"}, /* it grew */
	    {"-", 0, 300, 7, "-: 7 flows"},
	    {"/0123456789/0123456789/0123456789/0123456789/0123456789", 0, 0, 1,
		"...6789/0123456789/0123456789/0123456789/0123456789: "
		"1 flows"},
	};
	char line[FILE_PROGRESS_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct file_progress p = {
		    .path = cases[i].path, .size = cases[i].size};

		file_progress_format(&p, cases[i].done, cases[i].flows, line);
		assert_string_equal(line, cases[i].want);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lines_say_how_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
