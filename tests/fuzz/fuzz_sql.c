/* SPDX-License-Identifier: ISC */
/* A statement from anybody, over a small store: it ends, and changes nothing.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "query/sql_session.h"
#include "schema/base/buf.h"
#include "tests/fuzz/fuzz_main.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

enum { N_FLOWS = 60, MAX_ROWS = 1000, EXPLANATION_MAX = 100000 };

static char *dir;

static void
remove_store(void)
{
	temp_remove(dir);
}

static void
make_store(void)
{
	int64_t from_ms = NOW_MS - 3600 * MS_PER_S;
	uint64_t rng = 1;
	struct fixture_flow *flows =
	    fixture_flows(&rng, N_FLOWS, from_ms, NOW_MS);

	dir = temp_new();
	fixture_make_store(dir);
	fixture_store(dir, clock_day(NOW_MS), flows, N_FLOWS, 25, SIZE_MAX);
	free(flows);
	atexit(remove_store);
}

/* A number that changes with the names, sizes and times of the store's files.
 */
static uint64_t
look_at(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	uint64_t sum = 0;
	struct stat st;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (fstatat(dirfd(d), e->d_name, &st, 0) != 0 ||
		    !S_ISREG(st.st_mode) || strstr(e->d_name, "-shm") != NULL)
			continue;
		for (const char *p = e->d_name; *p != '\0'; p++)
			sum = sum * 31 + (unsigned char)*p;
		sum = sum * 31 + (uint64_t)st.st_size;
		sum = sum * 31 + (uint64_t)st.st_mtim.tv_nsec;
	}
	if (d != NULL)
		closedir(d);
	return sum;
}

/* Read all, in the hope that a sanitizer objects. */
static unsigned
touch(const struct sql_session *s)
{
	unsigned sum = 0;

	for (size_t i = 0; i < sql_n_columns(s); i++) {
		struct sql_value v = sql_value(s, i);
		const unsigned char *bytes = v.bytes;

		for (size_t k = 0; k < v.len; k++)
			sum += bytes[k];
		sum += (unsigned char)sql_column_name(s, i)[0];
	}
	return sum;
}

static void
run(const char *text)
{
	static const struct sql_limits limits = {
	    .timeout_ms = 200, .memory = 32000000};
	volatile unsigned sum = 0;
	struct sql_session *s;
	struct buf plan;
	struct err err;

	if (sql_open(&s, dir, &limits, &err) != 0)
		abort();
	buf_init(&plan, EXPLANATION_MAX);
	if (sql_prepare(s, text, &err) == 0)
		for (int i = 0; i < MAX_ROWS && sql_step(s, &err) == 1; i++)
			sum += touch(s);
	if (sql_prepare(s, text, &err) == 0 && sql_explain(s, &plan, &err) != 0)
		sum++;
	buf_release(&plan);
	sql_close(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint64_t before;
	char *shards, *text;

	if (dir == NULL)
		make_store();
	shards = xasprintf("%s/shards", dir);
	text = xcalloc(1, len + 1);
	memcpy(text, data, len);
	before = look_at(shards) + look_at(dir);
	run(text);
	if (look_at(shards) + look_at(dir) != before)
		abort();
	free(text);
	free(shards);
	return 0;
}
