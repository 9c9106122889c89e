/* SPDX-License-Identifier: ISC */
/* send and pace: real datagrams over the loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "collector/commands.h"
#include "collector/pace.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "tests/collector/run_main.h"

#define DATA "tests/data/"

/* A bound socket; -1 when the family is not there. *to: text for --to, to be
 * freed. */
static int
listen_on(int family, char **to)
{
	struct sockaddr_storage sa = {0};
	struct sockaddr_in in = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6,
	    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	struct timeval wait = {.tv_usec = 200000};
	socklen_t len = family == AF_INET ? sizeof in : sizeof in6;
	int fd = socket(family, SOCK_DGRAM, 0);

	if (family == AF_INET)
		memcpy(&sa, &in, sizeof in);
	else
		memcpy(&sa, &in6, sizeof in6);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	memcpy(&in, &sa, sizeof in); /* the port is at one place in both */
	*to = xasprintf(family == AF_INET ? "127.0.0.1:%u" : "[::1]:%u",
	    (unsigned)ntohs(in.sin_port));
	return fd;
}

/* What arrived is the exports of the file, in order, byte for byte. Returns
 * their number. */
static size_t
must_receive(int fd, const char *path)
{
	uint8_t got[65536];
	struct sift sift = {0};
	struct sifted sifted;
	struct datagram d;
	struct reader *r;
	struct err err;
	size_t n = 0;

	assert_int_equal(reader_open(&r, path, &err), 0);
	while (reader_next(r, &d, &err) == 1) {
		sift_datagram(&sift, &d, &sifted);
		if (sifted.kind == EXPORT_UNKNOWN)
			continue;
		assert_int_equal(recv(fd, got, sizeof got, 0), d.len);
		assert_memory_equal(got, d.data, d.len);
		n++;
	}
	reader_close(r);
	return n;
}

static void
send_and_compare(int family)
{
	char *to = NULL;
	int fd = listen_on(family, &to);
	const char *args[] = {"send", DATA "softflowd-noadjust.pcap", "--to",
	    to, DATA "arkime_synthetic.pcap",
	    DATA "logstash-netflow5_test_invalid01.dat", NULL};
	struct run r;
	uint8_t more;

	assert_true(fd >= 0);
	run_main(send_main, args, &r);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, 0);
	/* The malformed one is sent as it stands. */
	assert_non_null(strstr(r.out, "sent 15 datagrams, 100 flows in "));
	assert_int_equal(must_receive(fd, args[1]), 4);
	assert_int_equal(must_receive(fd, args[4]), 10);
	assert_int_equal(must_receive(fd, args[5]), 1);
	assert_int_equal(recv(fd, &more, 1, 0), -1);
	close(fd);
	free(to);
}

static void
exports_arrive_as_they_were_captured(void **state)
{
	(void)state;
	send_and_compare(AF_INET);
}

static void
they_arrive_over_ipv6_too(void **state)
{
	(void)state;
	send_and_compare(AF_INET6);
}

static void
the_rate_is_kept(void **state)
{
	char *to = NULL;
	int fd = listen_on(AF_INET, &to);
	const char *args[] = {"send", "--rate", "300", "--to", to,
	    DATA "softflowd-noadjust.pcap", NULL};
	int64_t start_ms = clock_monotonic_ms(), took_ms;
	struct run r;

	(void)state;
	assert_true(fd >= 0);
	run_main(send_main, args, &r);
	took_ms = clock_monotonic_ms() - start_ms;
	assert_int_equal(r.status, 0);
	/* The last of 4 datagrams goes out after 90 flows. */
	assert_true(took_ms >= 299);
	assert_true(took_ms < 5000);
	close(fd);
	free(to);
}

static void
schedules_are_exact_and_do_not_overflow(void **state)
{
	static const struct {
		uint64_t rate, done;
		int64_t want_ns;
	} cases[] = {
	    {0, 1000, 0},
	    {1, 0, 0},
	    {1, 3, 3000000000},
	    {3, 1, 333333333},
	    {3, 3000000001, INT64_C(1000000000333333333)},
	    {50000, 1, 20000},
	    {50000, 50001, 1000020000},
	    {1000000000, UINT64_C(9000000000000000001),
		INT64_C(9000000000000000001)},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct pace p = {.rate = cases[i].rate};

		assert_int_equal(
		    pace_due_ns(&p, cases[i].done), cases[i].want_ns);
	}
}

static void
a_receiver_that_is_not_there_is_named(void **state)
{
	char *to = NULL;
	int fd = listen_on(AF_INET, &to);
	const char *args[] = {
	    "send", "--to", to, DATA "softflowd-noadjust.pcap", NULL};
	struct run r;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	run_main(send_main, args, &r);
	assert_int_equal(r.status, 1);
	assert_non_null(strstr(r.out, "sent 4 datagrams, 98 flows in "));
	assert_non_null(strstr(r.err, to));
	assert_non_null(strstr(r.err, "4 datagrams were refused"));
	free(to);
}

static void
wrong_usage_is_explained(void **state)
{
	static const struct {
		const char *args[6], *want;
	} cases[] = {
	    {{"send"}, "--to is missing"},
	    {{"send", "x.pcap"}, "--to is missing"},
	    {{"send", "--to", "127.0.0.1:9"}, "no FILE"},
	    {{"send", "--to", "127.0.0.1", "x.pcap"}, "--to 127.0.0.1: want"},
	    {{"send", "--to", "127.0.0.1:0", "x.pcap"}, "want ADDR:PORT"},
	    {{"send", "--to", ":2055", "x.pcap"}, "want ADDR:PORT"},
	    {{"send", "--to", "host:2055", "x.pcap"}, "want ADDR:PORT"},
	    {{"send", "--rate", "1e3", "x.pcap"}, "--rate 1e3: want 0 to"},
	    {{"send", "--rate", "-1", "x.pcap"}, "--rate -1: want 0 to"},
	    {{"send", "--fast", "x.pcap"}, "usage: weir send"},
	    {{"send", "--to", "127.0.0.1:9", DATA "README.md"},
		"unknown format"},
	};
	struct run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		run_main(send_main, cases[i].args, &r);
		if (r.status != 2 || strstr(r.err, cases[i].want) == NULL)
			fail_msg("%s: status %d: %s", cases[i].want, r.status,
			    r.err);
	}
}

static void
help_goes_to_standard_output(void **state)
{
	const char *const args[] = {"send", "-h", NULL};
	struct run r;

	(void)state;
	run_main(send_main, args, &r);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "--rate N"));
	assert_string_equal(r.err, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(exports_arrive_as_they_were_captured),
	    cmocka_unit_test(they_arrive_over_ipv6_too),
	    cmocka_unit_test(the_rate_is_kept),
	    cmocka_unit_test(schedules_are_exact_and_do_not_overflow),
	    cmocka_unit_test(a_receiver_that_is_not_there_is_named),
	    cmocka_unit_test(wrong_usage_is_explained),
	    cmocka_unit_test(help_goes_to_standard_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
