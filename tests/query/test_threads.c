/* SPDX-License-Identifier: ISC */
/* Scans on several threads: the same answer with any number of them, as of one
 * moment, ended by whoever may. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <pthread.h>

#include "query/scan.h"
#include "schema/base/clock.h"
#include "schema/db.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

enum { ALL_COLUMNS = (1 << N_FLOW_COLUMNS) - 1 };

static const unsigned thread_counts[] = {1, 2, 3, 7};

static int
make_store(void **state)
{
	*state = temp_new();
	fixture_make_store(*state);
	return 0;
}

static int
remove_store(void **state)
{
	temp_remove(*state);
	return 0;
}

/* A segment of several pieces, one that takes rows, and a day of small ones. */
enum { N_LARGE = 80000, N_SMALL = 3000, N_ALL = N_LARGE + N_SMALL };

static void
store_all_sizes(const char *dir)
{
	uint64_t rng = 7;
	int32_t today = clock_day(NOW_MS);
	struct fixture_flow *flows =
	    fixture_flows(&rng, N_ALL, NOW_MS - 2 * MS_PER_DAY, NOW_MS);

	fixture_store(dir, today - 1, flows, N_SMALL, 200, SIZE_MAX);
	fixture_store(dir, today, flows + N_SMALL, N_LARGE, 70000, SIZE_MAX);
	free(flows);
}

/* ---- in order ---- */

/* A sum over all values of all flows that tells their order and the batches
 * they came in. */
struct digest {
	uint64_t sum;
	size_t n_flows, n_batches;
};

static void
mix(struct digest *d, uint64_t value)
{
	d->sum = (d->sum ^ value) * UINT64_C(0x100000001b3);
}

static int
add_in_order(const struct batch *b, void *arg, struct err *err)
{
	struct digest *d = arg;

	(void)err;
	mix(d, b->n);
	for (size_t i = 0; i < b->n; i++)
		for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
			mix(d, (uint64_t)b->col[c][i]);
	d->n_flows += b->n;
	d->n_batches++;
	return 0;
}

static const char *const words[] = {
    "",
    "src=10.0.0.0/24",
    "flags=S/SA",
    "dport=443,53 from=-1d",
    "proto=17 to=-30h",
    "src=10.1.0.7",
};

static void
order_does_not_depend_on_threads(void **state)
{
	store_all_sizes(*state);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct digest first = {0};
		struct scan_stats first_stats = {0};
		struct filter f;

		fixture_filter(&f, words[i]);
		for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
			const struct scan_query q = {.dir = *state,
			    .filter = &f,
			    .columns = ALL_COLUMNS,
			    .n_threads = thread_counts[k]};
			struct digest d = {0};
			struct scan_stats stats;
			struct err err;

			if (scan_run(&q, add_in_order, &d, &stats, &err) != 0)
				fail_msg("%s", err.text);
			if (k == 0) {
				first = d;
				first_stats = stats;
			}
			if (d.n_flows == 0 ||
			    memcmp(&d, &first, sizeof d) != 0 ||
			    memcmp(&stats, &first_stats, sizeof stats) != 0)
				fail_msg("%s: other with %u threads", words[i],
				    thread_counts[k]);
		}
		filter_release(&f);
	}
}

/* What a caller sees that leaves early: no more than with one thread. */
static void
leaving_early_sees_no_more(void **state)
{
	struct filter f;

	store_all_sizes(*state);
	fixture_filter(&f, "");
	for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
		const struct scan_query q = {
		    .dir = *state, .filter = &f, .n_threads = thread_counts[k]};
		const struct batch *b;
		struct scan *s;
		struct err err;

		if (scan_open(&s, &q, &err) != 0)
			fail_msg("%s", err.text);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(scan_next(s, &b, &err), 1);
			assert_int_equal(b->n, 200);
		}
		assert_int_equal(scan_stats(s)->n_flows, 600);
		assert_int_equal(scan_stats(s)->n_segments, 3);
		assert_int_equal(scan_stats(s)->n_shards, 1);
		scan_close(s);
	}
	filter_release(&f);
}

/* Behind the last batch there is none, however often it is asked for. */
static void
the_end_stays_the_end(void **state)
{
	struct filter f;
	const struct scan_query q = {.dir = *state, .filter = &f};
	const struct batch *b;
	struct scan *s;
	struct err err;

	fixture_filter(&f, "");
	assert_int_equal(scan_open(&s, &q, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(scan_next(s, &b, &err), 0);
	scan_close(s);
	scan_close(NULL);
	filter_release(&f);
}

/* ---- spread ---- */

struct shared {
	pthread_mutex_t lock;
	uint64_t sum, n_flows;
	unsigned n_begun, n_ended, n_freed;
	/* What a thread does at its nth batch; NULL: nothing. */
	int (*act)(void *arg);
	void *arg;
	int end_rc;
};

struct state {
	struct shared *shared;
	uint64_t sum, n_flows, n_batches;
};

static void *
begin(void *arg)
{
	struct state *s = xcalloc(1, sizeof *s);

	s->shared = arg;
	pthread_mutex_lock(&s->shared->lock);
	s->shared->n_begun++;
	pthread_mutex_unlock(&s->shared->lock);
	return s;
}

static int
add(const struct batch *b, void *arg, struct err *err)
{
	struct state *s = arg;

	for (size_t i = 0; i < b->n; i++) {
		struct digest d = {0};

		for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
			if (b->col[c] != NULL)
				mix(&d, (uint64_t)b->col[c][i]);
		s->sum += d.sum;
	}
	s->n_flows += b->n;
	if (s->shared->act != NULL && s->shared->act(s->shared->arg) != 0)
		return err_set(err, ERR_FULL, "acted");
	return 0;
}

static int
end(void *arg, struct err *err)
{
	struct state *s = arg;

	pthread_mutex_lock(&s->shared->lock);
	s->shared->sum += s->sum;
	s->shared->n_flows += s->n_flows;
	s->shared->n_ended++;
	pthread_mutex_unlock(&s->shared->lock);
	if (s->shared->end_rc != 0)
		return err_set(err, s->shared->end_rc, "at the end");
	return 0;
}

static void
free_state(void *arg)
{
	struct state *s = arg;

	pthread_mutex_lock(&s->shared->lock);
	s->shared->n_freed++;
	pthread_mutex_unlock(&s->shared->lock);
	free(s);
}

static const struct scan_consumer consumer = {begin, add, end, free_state};

static int
spread(struct shared *s, const char *dir, const char *filter_words,
    flow_column_set columns, unsigned n_threads, struct scan_watch *watch,
    struct scan_stats *stats, struct err *err)
{
	struct filter f;
	const struct scan_query q = {.dir = dir,
	    .filter = &f,
	    .columns = columns,
	    .n_threads = n_threads,
	    .watch = watch};
	int rc;

	pthread_mutex_init(&s->lock, NULL);
	fixture_filter(&f, filter_words);
	rc = scan_spread(&q, &consumer, s, stats, err);
	filter_release(&f);
	pthread_mutex_destroy(&s->lock);
	assert_int_equal(s->n_begun, s->n_freed);
	return rc;
}

static void
sums_do_not_depend_on_threads(void **state)
{
	store_all_sizes(*state);
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		struct shared first = {0};
		struct scan_stats first_stats = {0};

		for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
			struct shared s = {0};
			struct scan_stats stats;
			struct err err;

			if (spread(&s, *state, words[i], ALL_COLUMNS,
				thread_counts[k], NULL, &stats, &err) != 0)
				fail_msg("%s", err.text);
			if (k == 0) {
				first = s;
				first_stats = stats;
			}
			assert_int_equal(s.n_begun, thread_counts[k]);
			assert_int_equal(s.n_ended, s.n_begun);
			assert_true(s.n_flows > 0);
			assert_int_equal(s.n_flows, stats.n_flows);
			assert_int_equal(s.sum, first.sum);
			assert_memory_equal(&stats, &first_stats, sizeof stats);
		}
	}
}

/* ---- one moment ---- */

struct writing {
	struct shard *shard;
	uint64_t n_written;
	atomic_uint n_scans; /* begun: some commits go on beside each of them */
	atomic_bool enough;
};

enum { FLOWS_A_SCAN = 1800 };

/* The nth flow has n octets: any part but the first ones has another sum. */
static void
append(struct writing *w)
{
	struct flow flows[30] = {0};
	struct packet p = {.source = fixture_source(0), .n_flows = 30};
	struct err err;

	for (size_t i = 0; i < 30; i++)
		flows[i].octets = (uint32_t)w->n_written++;
	if (shard_append(w->shard, &p, flows, &err) != 0)
		fail_msg("%s", err.text);
}

static void *
write_on(void *arg)
{
	struct writing *w = arg;
	struct err err;

	while (!atomic_load(&w->enough)) {
		if (w->n_written >=
		    (uint64_t)FLOWS_A_SCAN * atomic_load(&w->n_scans)) {
			usleep(100);
			continue;
		}
		for (int i = 0; i < 20; i++)
			append(w);
		if (shard_commit(w->shard, &err) != 0 ||
		    shard_seal_step(w->shard, &err) < 0)
			abort();
	}
	return NULL;
}

struct sum {
	uint64_t n, octets, most;
};

static int
add_octets(const struct batch *b, void *arg, struct err *err)
{
	struct sum *sum = arg;

	(void)err;
	for (size_t i = 0; i < b->n; i++) {
		uint64_t octets = (uint64_t)b->col[COL_OCTETS][i];

		sum->octets += octets;
		if (octets > sum->most)
			sum->most = octets;
	}
	sum->n += b->n;
	return 0;
}

static void
a_growing_shard_is_read_as_of_one_moment(void **state)
{
	char *path = store_shard_path(*state, 0);
	struct writing w = {0};
	struct filter f;
	pthread_t thread;
	struct err err;
	uint64_t before = 0;

	if (shard_open_write(&w.shard, path, 6000, &err) != 0)
		fail_msg("%s", err.text);
	append(&w);
	assert_int_equal(shard_commit(w.shard, &err), 0);
	fixture_filter(&f, "");
	assert_int_equal(pthread_create(&thread, NULL, write_on, &w), 0);
	for (int i = 0; i < 60; i++) {
		const struct scan_query q = {.dir = *state,
		    .filter = &f,
		    .columns = 1u << COL_OCTETS,
		    .n_threads = thread_counts[i % 4]};
		struct scan_stats stats;
		struct sum sum = {0};

		atomic_fetch_add(&w.n_scans, 1);
		if (scan_run(&q, add_octets, &sum, &stats, &err) != 0)
			fail_msg("%s", err.text);
		/* All that was committed once, and nothing of later. */
		assert_int_equal(sum.n % 30, 0);
		assert_int_equal(sum.most, sum.n - 1);
		assert_int_equal(sum.octets, sum.n * (sum.n - 1) / 2);
		assert_true(sum.n >= before);
		before = sum.n;
	}
	atomic_store(&w.enough, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(before > 30); /* it did grow */
	shard_close(w.shard);
	filter_release(&f);
	free(path);
}

static int
remove_file(void *arg)
{
	(void)unlink(arg);
	return 0;
}

/* Threads that come too late to open it share what is open. */
static void
a_shard_removed_while_it_is_read_is_read_whole(void **state)
{
	uint64_t rng = 8;
	size_t n = 4000;
	struct fixture_flow *flows =
	    fixture_flows(&rng, n, NOW_MS - MS_PER_DAY, NOW_MS);
	char *path = store_shard_path(*state, 0);

	for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
		struct shared s = {.act = remove_file, .arg = path};
		struct scan_stats stats;
		struct err err;

		fixture_store(*state, 0, flows, n, 100, SIZE_MAX);
		if (spread(&s, *state, "", ALL_COLUMNS, thread_counts[k], NULL,
			&stats, &err) != 0)
			fail_msg("%s", err.text);
		assert_int_equal(s.n_flows, n);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	free(path);
	free(flows);
}

/* Another file of the same name is not read for the rest of the first. */
static int
replace_file(void *arg)
{
	char **paths = arg;

	(void)rename(paths[0], paths[1]);
	return 0;
}

static void
a_shard_replaced_while_it_is_read_is_read_whole(void **state)
{
	uint64_t rng = 9;
	size_t n = 4000;
	struct fixture_flow *flows =
	    fixture_flows(&rng, n, NOW_MS - MS_PER_DAY, NOW_MS);
	char *paths[] = {
	    store_shard_path(*state, 9), store_shard_path(*state, 0)};
	struct shared s = {.act = replace_file, .arg = paths};
	struct scan_stats stats;
	struct err err;
	struct filter f;

	fixture_store(*state, 0, flows, n, 100, SIZE_MAX);
	fixture_store(*state, 9, flows, 500, 100, SIZE_MAX);
	fixture_filter(&f, "");
	if (spread(&s, *state, "", ALL_COLUMNS, 7, NULL, &stats, &err) != 0)
		fail_msg("%s", err.text);
	/* The second one was moved over the first: gone, or read whole. */
	assert_int_equal(s.n_flows, stats.n_shards == 2 ? n + 500 : n);
	filter_release(&f);
	free(paths[0]);
	free(paths[1]);
	free(flows);
}

/* ---- the end ---- */

static int
refuse(void *arg)
{
	(void)arg;
	return 1;
}

static void
a_consumer_that_fails_ends_the_scan(void **state)
{
	store_all_sizes(*state);
	for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
		struct shared s = {.act = refuse};
		struct shared late = {.end_rc = ERR_LIMIT};
		struct scan_stats stats;
		struct err err;

		assert_int_equal(spread(&s, *state, "", 0, thread_counts[k],
				     NULL, &stats, &err),
		    ERR_FULL);
		assert_string_equal(err.text, "acted");
		assert_int_equal(s.n_ended, 0);
		assert_int_equal(spread(&late, *state, "", 0, thread_counts[k],
				     NULL, &stats, &err),
		    ERR_LIMIT);
		assert_string_equal(err.text, "at the end");
	}
}

static int
set_stop(void *arg)
{
	struct scan_watch *watch = arg;

	atomic_store(&watch->stop, true);
	return 0;
}

static void
the_watch_stops_the_scan(void **state)
{
	store_all_sizes(*state);
	for (size_t k = 0; k < ARRAY_LEN(thread_counts); k++) {
		struct scan_watch watch = {0};
		struct shared s = {.act = set_stop, .arg = &watch};
		struct scan_stats stats;
		struct err err;

		assert_int_equal(spread(&s, *state, "", 0, thread_counts[k],
				     &watch, &stats, &err),
		    ERR_STOPPED);
		assert_string_equal(err.text, "stopped");
		assert_true(s.n_flows < N_ALL);
	}
}

static int
count_calls(const struct batch *b, void *arg, struct err *err)
{
	(void)b;
	(void)err;
	++*(int *)arg;
	return 0;
}

static void
a_scan_stopped_before_gives_nothing(void **state)
{
	struct scan_watch watch = {.stop = true};
	struct filter f;
	const struct scan_query q = {
	    .dir = *state, .filter = &f, .watch = &watch};
	struct scan_stats stats;
	struct err err;
	int n_calls = 0;

	store_all_sizes(*state);
	fixture_filter(&f, "");
	assert_int_equal(
	    scan_run(&q, count_calls, &n_calls, &stats, &err), ERR_STOPPED);
	assert_int_equal(n_calls, 0);
	filter_release(&f);
}

static int
sleep_a_little(const struct batch *b, void *arg, struct err *err)
{
	(void)b;
	(void)arg;
	(void)err;
	usleep(3000);
	return 0;
}

static void
the_time_limit_ends_the_scan(void **state)
{
	struct scan_watch watch = {.timeout_ms = 2};
	struct filter f;
	const struct scan_query q = {
	    .dir = *state, .filter = &f, .watch = &watch};
	struct scan_stats stats;
	struct err err;

	store_all_sizes(*state);
	fixture_filter(&f, "");
	assert_int_equal(
	    scan_run(&q, sleep_a_little, NULL, &stats, &err), ERR_LIMIT);
	assert_string_equal(err.text,
	    "no answer within the time limit of 0.002 s: narrow the filter or "
	    "the time, or raise timeout=");
	filter_release(&f);
}

static void
the_time_limit_may_count_from_before(void **state)
{
	struct scan_watch watch = {.timeout_ms = 3600 * 1000};
	struct shared s = {0}, late = {0};
	struct scan_stats stats;
	struct err err;

	store_all_sizes(*state);
	watch.began_ms = clock_monotonic_ms() - watch.timeout_ms / 2;
	assert_int_equal(spread(&s, *state, "", 0, 2, &watch, &stats, &err), 0);
	watch.began_ms -= watch.timeout_ms / 2;
	assert_int_equal(
	    spread(&late, *state, "", 0, 2, &watch, &stats, &err), ERR_LIMIT);
	assert_int_equal(late.n_flows, 0);
}

/* What was told of progress. */
struct told {
	unsigned n;
	struct scan_progress last;
};

static void
note_progress(const struct scan_progress *p, void *arg)
{
	struct told *t = arg;

	assert_true(p->n_shards_done >= t->last.n_shards_done);
	assert_true(p->n_shards_done <= p->n_shards);
	assert_true(p->bytes_done >= t->last.bytes_done);
	assert_true(p->bytes_done <= p->bytes);
	assert_true(p->n_flows >= t->last.n_flows);
	t->last = *p;
	t->n++;
}

static int
wait_for_telling(void *arg)
{
	(void)arg;
	usleep(3000);
	return 0;
}

/* The consumer is slow, so that there is time to tell something. */
static void
progress_goes_up(void **state)
{
	struct told spread_told = {0}, told = {0};
	struct scan_watch watch = {
	    .progress = note_progress, .arg = &spread_told};
	struct shared s = {.act = wait_for_telling};
	struct filter f;
	const struct scan_query q = {
	    .dir = *state, .filter = &f, .watch = &watch};
	struct scan_stats stats;
	struct err err;

	store_all_sizes(*state);
	assert_int_equal(spread(&s, *state, "", 0, 2, &watch, &stats, &err), 0);
	assert_true(spread_told.n > 0);
	assert_int_equal(spread_told.last.n_shards, stats.n_shards);
	watch.arg = &told;
	fixture_filter(&f, "");
	assert_int_equal(scan_run(&q, sleep_a_little, NULL, &stats, &err), 0);
	assert_true(told.n > 0);
	assert_int_equal(told.last.n_shards, stats.n_shards);
	assert_true(told.last.bytes_done > 0);
	assert_true(told.last.n_flows > 0);
	assert_true(told.last.n_flows <= stats.n_flows);
	filter_release(&f);
}

/* One statement that would take ages. */
static bool
after_a_thousand(void *arg)
{
	return ++*(int *)arg > 1000;
}

static void
a_statement_ends_when_asked_to(void **state)
{
	char *path = xasprintf("%s/any.db", (char *)*state);
	int64_t count;
	struct db *db;
	struct err err;
	int n = 0;

	assert_int_equal(db_open(&db, path, DB_CREATE, &err), 0);
	db_set_stop(db, after_a_thousand, &n);
	assert_int_equal(
	    db_get_int(db,
		"WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 "
		"FROM c) SELECT count(*) FROM c",
		0, &count, &err),
	    ERR_STOPPED);
	assert_int_equal(n, 1001);
	db_set_stop(db, NULL, NULL);
	assert_int_equal(db_get_int(db, "SELECT 5", 0, &count, &err), 0);
	db_close(db);
	free(path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(order_does_not_depend_on_threads),
	    TEST(leaving_early_sees_no_more),
	    TEST(the_end_stays_the_end),
	    TEST(sums_do_not_depend_on_threads),
	    TEST(a_growing_shard_is_read_as_of_one_moment),
	    TEST(a_shard_removed_while_it_is_read_is_read_whole),
	    TEST(a_shard_replaced_while_it_is_read_is_read_whole),
	    TEST(a_consumer_that_fails_ends_the_scan),
	    TEST(the_watch_stops_the_scan),
	    TEST(a_scan_stopped_before_gives_nothing),
	    TEST(the_time_limit_ends_the_scan),
	    TEST(the_time_limit_may_count_from_before),
	    TEST(progress_goes_up),
	    TEST(a_statement_ends_when_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
