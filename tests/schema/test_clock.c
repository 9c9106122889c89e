/* SPDX-License-Identifier: ISC */
/* Zones of the tz database: local times there and back, threads beside each
 * other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <pthread.h>

#include "schema/base/attr.h"
#include "schema/base/clock.h"

/* With changes at midnight, by half an hour and by a day; south of the equator;
 * with summer time below winter time; with none. */
static const char *const zones[] = {"UTC", "Europe/Berlin", "Europe/Dublin",
    "Europe/Moscow", "America/New_York", "America/Sao_Paulo",
    "America/St_Johns", "Africa/Casablanca", "Africa/Cairo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham",
    "Antarctica/Troll"};

static void
use_zone(const char *zone)
{
	if (!clock_set_zone(zone))
		fail_msg("zone %s", zone);
}

static bool
same_reading(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon &&
	       a->tm_mday == b->tm_mday && a->tm_hour == b->tm_hour &&
	       a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

/* What clocks show is the first moment at which they show it. */
static void
check_there_and_back(const char *zone, int64_t ms)
{
	struct tm tm, again;
	int64_t back;

	clock_to_local(ms, &tm);
	back = clock_from_local(&tm);
	clock_to_local(back, &again);
	if (back > ms || !same_reading(&tm, &again))
		fail_msg("%s: %lld became %lld", zone, (long long)ms,
		    (long long)back);
	if (back == ms)
		return;
	/* Clocks were put back in between. */
	clock_to_local(back - 1000, &again);
	if (same_reading(&tm, &again) || ms - back > MS_PER_DAY)
		fail_msg("%s: %lld is not the first before %lld", zone,
		    (long long)back, (long long)ms);
}

static void
local_times_are_read_back_in_every_zone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(zones); i++) {
		use_zone(zones[i]);
		/* every 11 hours and some seconds of 1970 to 2036 */
		for (int64_t s = 0; s < INT64_C(2082758400); s += 39607)
			check_there_and_back(zones[i], s * MS_PER_S);
	}
	use_zone("");
}

/* The moment before the result shows less, the result no less than wanted. */
static void
skipped_times_are_the_change(void **state)
{
	static const struct {
		const char *zone;
		int year, month, day, hour, minute;
		int64_t want_s;
	} rows[] = {
	    {"Europe/Berlin", 2026, 3, 29, 2, 30, 1774746000},
	    {"America/New_York", 2024, 3, 10, 2, 0, 1710054000},
	    {"America/Sao_Paulo", 2018, 11, 4, 0, 0, 1541300400},
	    {"Australia/Lord_Howe", 2024, 10, 6, 2, 15, 1728142200},
	    {"Antarctica/Troll", 2024, 3, 31, 2, 0, 1711846800},
	    {"Pacific/Apia", 2011, 12, 30, 12, 0, 1325239200},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct tm tm = {.tm_year = rows[i].year - 1900,
		    .tm_mon = rows[i].month - 1,
		    .tm_mday = rows[i].day,
		    .tm_hour = rows[i].hour,
		    .tm_min = rows[i].minute};

		use_zone(rows[i].zone);
		assert_int_equal(
		    clock_from_local(&tm), rows[i].want_s * MS_PER_S);
	}
	use_zone("");
}

static void
zones_that_are_none_are_refused(void **state)
{
	static const char *const names[] = {"Berlin", "europe/berlin", "Europe",
	    "Europe/Berlin/", "/etc/localtime", "../zoneinfo/UTC",
	    "Europe/../UTC", "zone.tab", "tzdata.zi", "CET-1CEST", "UTC+1",
	    ":UTC",
	    "a/very/long/name/that/no/zone/has/ever/had/since/names/are/short"};

	(void)state;
	use_zone("Asia/Tokyo");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (clock_set_zone(names[i]))
			fail_msg("%s was taken", names[i]);
		assert_string_equal(clock_get_zone(), "Asia/Tokyo");
	}
	use_zone("");
}

static void
the_own_zone_comes_back(void **state)
{
	char text[CLOCK_TEXT_LEN];

	(void)state;
	for (int i = 0; i < 2; i++) {
		setenv("TZ", i == 0 ? "Asia/Tokyo" : "Europe/Berlin", 1);
		tzset();
		clock_zone(0, text);
		assert_string_equal(text, i == 0 ? "JST" : "CET");
		use_zone("America/New_York");
		clock_zone(0, text);
		assert_string_equal(text, "EST");
		clock_format_ms(0, text);
		assert_string_equal(text, "1969-12-31 19:00:00.000");
		use_zone("");
		clock_zone(0, text);
		assert_string_equal(text, i == 0 ? "JST" : "CET");
	}
	unsetenv("TZ");
}

/* ---- threads ---- */

struct teller {
	const char *zone, *want;
	size_t n_wrong;
};

static void *
tell(void *arg)
{
	struct teller *t = arg;

	t->n_wrong += !clock_set_zone(t->zone);
	for (int i = 0; i < 2000; i++) {
		char text[CLOCK_TEXT_LEN], zone[CLOCK_TEXT_LEN];
		char both[2 * CLOCK_TEXT_LEN];

		clock_format_ms(INT64_C(1709295056027), text);
		clock_zone(INT64_C(1709295056027), zone);
		snprintf(both, sizeof both, "%s %s", text, zone);
		t->n_wrong += strcmp(both, t->want) != 0;
	}
	return NULL;
}

static void
threads_have_zones_of_their_own(void **state)
{
	struct teller tellers[] = {
	    {"", "2024-03-01 12:10:56.027 UTC", 0},
	    {"Europe/Berlin", "2024-03-01 13:10:56.027 CET", 0},
	    {"Asia/Kolkata", "2024-03-01 17:40:56.027 IST", 0},
	    {"America/New_York", "2024-03-01 07:10:56.027 EST", 0},
	};
	pthread_t thread[ARRAY_LEN(tellers)];

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(tellers); i++)
		assert_int_equal(
		    pthread_create(&thread[i], NULL, tell, &tellers[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(tellers); i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(tellers[i].n_wrong, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(local_times_are_read_back_in_every_zone),
	    cmocka_unit_test(skipped_times_are_the_change),
	    cmocka_unit_test(zones_that_are_none_are_refused),
	    cmocka_unit_test(the_own_zone_comes_back),
	    cmocka_unit_test(threads_have_zones_of_their_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
