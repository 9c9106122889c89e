/* SPDX-License-Identifier: ISC */
/* Sources get one id each, whoever sends how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "schema/source.h"
#include "tests/temp.h"

static int
make_folder(void **state)
{
	*state = temp_new();
	return 0;
}

static int
remove_folder(void **state)
{
	temp_remove(*state);
	return 0;
}

static struct shard *
open_shard(const char *dir)
{
	char *path = xasprintf("%s/a.db", dir);
	struct shard *s;
	struct err err;

	if (shard_open_write(&s, path, 0, &err) != 0)
		fail_msg("%s", err.text);
	free(path);
	return s;
}

/* Number i: engines, sampling words and addresses of both families. */
static struct source
source_number(uint32_t i)
{
	struct source s = {
	    .engine_id = (uint8_t)(i & 1),
	    .engine_type = (uint8_t)(i >> 1 & 1),
	    .sampling = (uint16_t)(i >> 2 & 1),
	    .exporter = addr_from_ip4(0x0a000000 + (i >> 4)),
	};

	if ((i >> 3 & 1) != 0)
		s.exporter.family = 6;
	return s;
}

static int64_t
find(struct sources *all, struct shard *s, uint32_t i)
{
	const struct source src = source_number(i);
	struct err err;
	int64_t id;

	if (sources_find(all, shard_db(s), &src, &id, &err) != 0)
		fail_msg("source %u: %s", i, err.text);
	return id;
}

static void
each_source_has_an_id_that_stays(void **state)
{
	enum { N = 3000 };
	struct shard *s = open_shard(*state);
	struct sources all = {0};
	struct err err;

	assert_int_equal(sources_load(&all, shard_db(s), &err), 0);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(find(&all, s, i), i + 1);
	for (uint32_t i = N; i-- > 0;)
		assert_int_equal(find(&all, s, i), i + 1);
	/* And when they are read back. */
	sources_clear(&all);
	assert_int_equal(sources_load(&all, shard_db(s), &err), 0);
	assert_int_equal(all.n, N);
	for (uint32_t i = 0; i <= N; i++)
		assert_int_equal(find(&all, s, i), i + 1);
	sources_release(&all);
	shard_close(s);
}

static void
forged_exporters_end_as_others(void **state)
{
	struct shard *s = open_shard(*state);
	struct sources all = {0};
	struct err err;
	int64_t n;

	assert_int_equal(db_exec(shard_db(s), "BEGIN", &err), 0);
	assert_int_equal(sources_load(&all, shard_db(s), &err), 0);
	for (uint32_t i = 0; i < SOURCE_MAX - 1; i++)
		assert_int_equal(find(&all, s, i), i + 1);
	for (uint32_t i = SOURCE_MAX; i < SOURCE_MAX + 100; i++)
		assert_int_equal(find(&all, s, i), SOURCE_MAX);
	assert_int_equal(find(&all, s, 5), 6);
	assert_int_equal(all.n, SOURCE_MAX);
	assert_int_equal(all.source[SOURCE_MAX - 1].exporter.family, 0);
	assert_int_equal(
	    db_get_int(shard_db(s),
		"SELECT id FROM source WHERE exporter = 'others'", 0, &n, &err),
	    0);
	assert_int_equal(n, SOURCE_MAX);
	/* And when they are read back. */
	assert_int_equal(sources_load(&all, shard_db(s), &err), 0);
	assert_int_equal(find(&all, s, SOURCE_MAX + 7), SOURCE_MAX);
	assert_int_equal(all.n, SOURCE_MAX);
	sources_release(&all);
	shard_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_source_has_an_id_that_stays, make_folder, remove_folder),
	    cmocka_unit_test_setup_teardown(
		forged_exporters_end_as_others, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
