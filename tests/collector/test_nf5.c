/* SPDX-License-Identifier: ISC */
/* nf5: every field and rule by hand, and all captures with known decodes. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/nf5.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "schema/base/mem.h"
#include "tests/collector/expected.h"

static void
put_be16(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static void
put_be32(uint8_t *p, uint32_t n)
{
	put_be16(p, n >> 16);
	put_be16(p + 2, n);
}

/* A datagram in a block of exactly len bytes, so that a sanitizer sees each
 * read past its end; free() it. */
static uint8_t *
make_datagram(size_t len, unsigned version, unsigned count)
{
	uint8_t *pkt = xcalloc(1, len);
	uint8_t head[4];

	put_be16(head, version);
	put_be16(head + 2, count);
	memcpy(pkt, head, len < sizeof head ? len : sizeof head);
	return pkt;
}

static void
every_field_comes_from_its_place(void **state)
{
	uint8_t *pkt = make_datagram(24 + 2 * 48, 5, 2);
	struct packet p;
	struct flow f[NF5_MAX_RECORDS];

	(void)state;
	memset(&p, 0xff, sizeof p);
	for (unsigned i = 4; i < 24; i++)
		pkt[i] = (uint8_t)i;
	for (unsigned i = 0; i < 2 * 48; i++)
		pkt[24 + i] = (uint8_t)(0x41 + i);
	assert_int_equal(nf5_decode(pkt, 24 + 2 * 48, &p, f), 0);
	free(pkt);
	assert_false(p.no_sequence);
	assert_false(p.no_header);

	assert_int_equal(p.n_flows, 2);
	assert_int_equal(p.uptime_ms, 0x04050607);
	assert_int_equal(p.unix_secs, 0x08090a0b);
	assert_int_equal(p.unix_nsecs, 0x0c0d0e0f);
	assert_int_equal(p.sequence, 0x10111213);
	assert_int_equal(p.source.engine_type, 0x14);
	assert_int_equal(p.source.engine_id, 0x15);
	assert_int_equal(p.source.sampling, 0x1617);

	assert_int_equal(f[0].src_addr, 0x41424344);
	assert_int_equal(f[0].dst_addr, 0x45464748);
	assert_int_equal(f[0].next_hop, 0x494a4b4c);
	assert_int_equal(f[0].input_if, 0x4d4e);
	assert_int_equal(f[0].output_if, 0x4f50);
	assert_int_equal(f[0].packets, 0x51525354);
	assert_int_equal(f[0].octets, 0x55565758);
	/* 59 to 60 are First and Last. */
	assert_int_equal(f[0].end_ms - f[0].start_ms, 0x5d5e5f60 - 0x595a5b5c);
	assert_int_equal(f[0].src_port, 0x6162);
	assert_int_equal(f[0].dst_port, 0x6364);
	/* 65 is padding. */
	assert_int_equal(f[0].tcp_flags, 0x66);
	assert_int_equal(f[0].protocol, 0x67);
	assert_int_equal(f[0].tos, 0x68);
	assert_int_equal(f[0].src_as, 0x696a);
	assert_int_equal(f[0].dst_as, 0x6b6c);
	assert_int_equal(f[0].src_mask, 0x6d);
	assert_int_equal(f[0].dst_mask, 0x6e);

	assert_int_equal(f[1].src_addr, 0x71727374);
	assert_int_equal(f[1].dst_mask, 0x9e);
}

static void
counts_and_lengths_are_checked(void **state)
{
	static const struct {
		size_t len;
		unsigned version, count;
		int want;
	} cases[] = {
	    {0, 5, 1, ERR_SHORT},
	    {1, 5, 1, ERR_SHORT},
	    {23, 5, 1, ERR_SHORT},
	    {23, 9, 1, ERR_SHORT},
	    {24, 5, 1, ERR_SHORT},
	    {71, 5, 1, ERR_SHORT},
	    {72, 5, 1, 0},
	    {73, 5, 1, 1},
	    {76, 5, 1, 4},
	    {119, 5, 2, ERR_SHORT},
	    {120, 5, 2, 0},
	    {24, 5, 0, ERR_COUNT},
	    {72, 5, 0, ERR_COUNT},
	    {1463, 5, 30, ERR_SHORT},
	    {1464, 5, 30, 0},
	    {1464, 5, 29, 48},
	    {1464, 5, 31, ERR_COUNT},
	    {1512, 5, 31, ERR_COUNT},
	    {1464, 5, 55582, ERR_COUNT},
	    {65507, 5, 30, 65507 - 1464},
	    {72, 4, 1, ERR_VERSION},
	    {72, 6, 1, ERR_VERSION},
	    {72, 9, 1, ERR_VERSION},
	    {72, 0x0500, 1, ERR_VERSION},
	    {72, 0x0105, 1, ERR_VERSION},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t *pkt = make_datagram(
		    cases[i].len, cases[i].version, cases[i].count);
		struct packet p;
		struct flow f[NF5_MAX_RECORDS];
		int rc = nf5_decode(pkt, cases[i].len, &p, f);

		free(pkt);
		if (rc != cases[i].want)
			fail_msg("%zu bytes, version %u, count %u: %d, want %d",
			    cases[i].len, cases[i].version, cases[i].count, rc,
			    cases[i].want);
		if (rc >= 0)
			assert_int_equal(p.n_flows, cases[i].count);
	}
}

static void
refused_datagrams_leave_the_output_alone(void **state)
{
	uint8_t *pkt = make_datagram(71, 5, 1);
	struct packet p, p_before;
	struct flow f[NF5_MAX_RECORDS], f_before[NF5_MAX_RECORDS];

	(void)state;
	memset(&p, 0xa5, sizeof p);
	memset(f, 0xa5, sizeof f);
	memcpy(&p_before, &p, sizeof p);
	memcpy(f_before, f, sizeof f);
	assert_int_equal(nf5_decode(pkt, 71, &p, f), ERR_SHORT);
	assert_memory_equal(&p, &p_before, sizeof p);
	assert_memory_equal(f, f_before, sizeof f);
	free(pkt);
}

static void
what_the_caller_knows_is_left_alone(void **state)
{
	uint8_t *pkt = make_datagram(72, 5, 1);
	struct packet p = {
	    .source.exporter = addr_from_ip4(0xc0000201),
	    .received_ms = 77,
	};
	const struct packet before = p;
	struct flow f[NF5_MAX_RECORDS];

	(void)state;
	assert_int_equal(nf5_decode(pkt, 72, &p, f), 0);
	assert_true(addr_equal(&p.source.exporter, &before.source.exporter));
	assert_int_equal(p.received_ms, 77);
	free(pkt);
}

enum {
	AHEAD = QUIRK_END_AFTER_EXPORT,
	SWAPPED = QUIRK_START_AFTER_END,
	WRAPPED = QUIRK_UPTIME_WRAPPED,
	ABSURD = QUIRK_CLOCK_ABSURD,
	CLAMPED = QUIRK_DURATION_CLAMPED,
};

#define T0 INT64_C(1700000000000) /* export time of most cases */
#define DAY 86400000
#define HALF (UINT32_C(1) << 31)

static void
times_follow_the_two_clocks(void **state)
{
	static const struct {
		const char *name;
		uint32_t secs, nsecs, uptime, first, last;
		int64_t start_ms, end_ms;
		unsigned quirks;
	} cases[] = {
	    {"plain", 1700000000, 0, 60000, 1000, 59000, T0 - 59000, T0 - 1000,
		0},
	    {"one millisecond", 1700000000, 0, 60000, 60000, 60000, T0, T0, 0},
	    {"nanoseconds", 1700000000, 999999999, 60000, 0, 60000, T0 - 59001,
		T0 + 999, 0},
	    {"nanoseconds cut down", 1700000000, 1999999, 5, 5, 5, T0 + 1,
		T0 + 1, 0},
	    {"garbage nanoseconds", 1700000000, UINT32_MAX, 5, 5, 5, T0 + 4294,
		T0 + 4294, 0},
	    {"last ahead by 1", 1700000000, 0, 60000, 60000, 60001, T0, T0 + 1,
		AHEAD},
	    {"both ahead", 1700000000, 0, 1, 101, 201, T0 + 100, T0 + 200,
		AHEAD},
	    {"ahead across the wrap", 1700000000, 0, UINT32_MAX, UINT32_MAX, 9,
		T0, T0 + 10, AHEAD},
	    {"wrapped: first before boot", 1700000000, 0, 5000, UINT32_MAX,
		4000, T0 - 5001, T0 - 1000, WRAPPED},
	    {"wrapped: both before boot", 1700000000, 0, 5000, UINT32_MAX - 10,
		UINT32_MAX, T0 - 5011, T0 - 5001, WRAPPED},
	    {"first after last", 1700000000, 0, 60000, 50000, 40000, T0 - 20000,
		T0 - 10000, SWAPPED},
	    {"first ahead, last not", 1700000000, 0, 60000, 60007, 59000,
		T0 - 1000, T0 + 7, SWAPPED | AHEAD},
	    {"wrapped and swapped", 1700000000, 0, 5000, 4000, UINT32_MAX,
		T0 - 5001, T0 - 1000, WRAPPED | SWAPPED},
	    {"a week", 1700000000, 0, 8 * DAY, DAY, 8 * DAY, T0 - 7 * DAY, T0,
		0},
	    {"a week and 1 ms", 1700000000, 0, 8 * DAY, DAY - 1, 8 * DAY,
		T0 - 7 * DAY, T0, CLAMPED},
	    {"clamped from the end", 1700000000, 0, 20 * DAY, 0, 20 * DAY - 5,
		T0 - 5 - 7 * DAY, T0 - 5, CLAMPED},
	    {"swapped, then clamped", 1700000000, 0, 20 * DAY, 20 * DAY, DAY,
		T0 - 7 * DAY, T0, SWAPPED | CLAMPED},
	    {"2^31 ms is still before", 1700000000, 0, 0, HALF, HALF, T0 - HALF,
		T0 - HALF, WRAPPED},
	    {"2^31 ms without wrap", 1700000000, 0, HALF, 0, 0, T0 - HALF,
		T0 - HALF, 0},
	    {"2^31 + 1 ms is after", 1700000000, 0, 1, HALF, HALF,
		T0 + HALF - 1, T0 + HALF - 1, AHEAD},
	    {"clock at 0", 0, 0, 1000, 0, 1000, -1000, 0, ABSURD},
	    {"clock just before 2000", 946684799, 999000000, 1, 1, 1,
		946684799999, 946684799999, ABSURD},
	    {"clock at 2000", 946684800, 0, 1, 1, 1, 946684800000, 946684800000,
		0},
	    {"clock at its end", UINT32_MAX, 0, 1, 0, 1, 4294967294999,
		4294967295000, 0},
	    {"all zero but last", 0, 0, 0, 7, 0xffff0007, -65529, 7,
		ABSURD | SWAPPED | WRAPPED | AHEAD},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t *pkt = make_datagram(72, 5, 1);
		struct packet p;
		struct flow f[NF5_MAX_RECORDS];

		put_be32(pkt + 4, cases[i].uptime);
		put_be32(pkt + 8, cases[i].secs);
		put_be32(pkt + 12, cases[i].nsecs);
		put_be32(pkt + 24 + 24, cases[i].first);
		put_be32(pkt + 24 + 28, cases[i].last);
		assert_int_equal(nf5_decode(pkt, 72, &p, f), 0);
		free(pkt);
		if (f[0].start_ms != cases[i].start_ms ||
		    f[0].end_ms != cases[i].end_ms ||
		    f[0].quirks != cases[i].quirks)
			fail_msg("%s: %" PRId64 " to %" PRId64 ", quirks %u",
			    cases[i].name, f[0].start_ms, f[0].end_ms,
			    (unsigned)f[0].quirks);
		assert_int_equal(p.unix_nsecs, cases[i].nsecs);
	}
}

/* ---- the decodes of tshark and nfdump ---- */

/* Read a file, through gzip when its name ends in .gz; *child is then to be
 * waited for. */
static FILE *
open_text(const char *path, pid_t *child)
{
	int fds[2];

	*child = 0;
	if (strcmp(path + strlen(path) - 3, ".gz") != 0)
		return fopen(path, "r");
	assert_int_equal(pipe(fds), 0);
	*child = fork();
	assert_true(*child >= 0);
	if (*child == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execlp("gzip", "gzip", "-dc", path, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	return fdopen(fds[0], "r");
}

static void
close_text(FILE *f, pid_t child)
{
	int status = 0;

	fclose(f);
	if (child > 0)
		assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Columns of expected/NAME.csv; frame, rec and version before, what nfdump
 * makes of the counters behind. */
struct row {
	uint64_t count, uptime, secs, nsecs, sequence, engine_type, engine_id;
	uint64_t sampling_mode, sampling_rate;
	char src[16], dst[16], next_hop[16];
	uint64_t input, output, packets, octets, first, last, src_port,
	    dst_port, flags, protocol, tos, src_as, dst_as, src_mask, dst_mask;
	int64_t start_ms, end_ms;
	int n; /* columns read: 29, or 27 without dates of nfdump */
};

static void
parse_row(const char *line, struct row *r)
{
#define U ",%" SCNu64
#define A ",%15[0-9.]"
	r->n = sscanf(line,
	    "%*u,%*u,%*u" U U U U U U U U U A A A U U U U U U U U U U U U U U U
	    ",%" SCNd64 ",%" SCNd64,
	    &r->count, &r->uptime, &r->secs, &r->nsecs, &r->sequence,
	    &r->engine_type, &r->engine_id, &r->sampling_mode,
	    &r->sampling_rate, r->src, r->dst, r->next_hop, &r->input,
	    &r->output, &r->packets, &r->octets, &r->first, &r->last,
	    &r->src_port, &r->dst_port, &r->flags, &r->protocol, &r->tos,
	    &r->src_as, &r->dst_as, &r->src_mask, &r->dst_mask, &r->start_ms,
	    &r->end_ms);
#undef U
#undef A
}

static bool
ip_is(uint32_t ip4, const char *text)
{
	char ours[ADDR_TEXT_LEN];

	ip4_format(ip4, ours);
	return strcmp(ours, text) == 0;
}

static bool
fields_agree(const struct packet *p, const struct flow *f, const struct row *r)
{
	return p->n_flows == r->count && p->uptime_ms == r->uptime &&
	       p->unix_secs == r->secs && p->unix_nsecs == r->nsecs &&
	       p->sequence == r->sequence &&
	       p->source.engine_type == r->engine_type &&
	       p->source.engine_id == r->engine_id &&
	       p->source.sampling >> 14 == (int)r->sampling_mode &&
	       (p->source.sampling & 0x3fff) == (int)r->sampling_rate &&
	       ip_is(f->src_addr, r->src) && ip_is(f->dst_addr, r->dst) &&
	       ip_is(f->next_hop, r->next_hop) && f->input_if == r->input &&
	       f->output_if == r->output && f->packets == r->packets &&
	       f->octets == r->octets && f->src_port == r->src_port &&
	       f->dst_port == r->dst_port && f->tcp_flags == r->flags &&
	       f->protocol == r->protocol && f->tos == r->tos &&
	       f->src_as == r->src_as && f->dst_as == r->dst_as &&
	       f->src_mask == r->src_mask && f->dst_mask == r->dst_mask;
}

/*
 * nfdump takes a First after the export for 2^32 ms earlier; all such records
 * with a date from nfdump have First and Last there.
 */
static bool
times_agree(const struct flow *f, const struct row *r)
{
	int64_t shift_ms =
	    (f->quirks & QUIRK_END_AFTER_EXPORT) != 0 ? INT64_C(1) << 32 : 0;

	return f->start_ms == r->start_ms + shift_ms &&
	       f->end_ms == r->end_ms + shift_ms;
}

/* Compare with the next rows of the CSV. */
static void
compare_datagram(const struct sifted *s, FILE *csv, const char *name)
{
	char line[512];
	struct row r;

	for (size_t i = 0; i < s->packet.n_flows; i++) {
		const struct flow *f = &s->flows[i];

		if (fgets(line, sizeof line, csv) == NULL)
			fail_msg("%s has fewer records", name);
		parse_row(line, &r);
		/* Only an exporter with its clock at 0 has no dates. */
		if (r.n != ((f->quirks & QUIRK_CLOCK_ABSURD) != 0 ? 27 : 29))
			fail_msg("%s: %d columns: %s", name, r.n, line);
		if (!fields_agree(&s->packet, f, &r) ||
		    (r.n == 29 && !times_agree(f, &r)))
			fail_msg("%s: not as decoded here: %s", name, line);
	}
}

static void
compare_file(const struct expected *e, const char *csv_path)
{
	struct sift sift = {0};
	struct sifted s;
	struct datagram d;
	struct reader *r;
	struct err err;
	char line[512];
	pid_t child;
	FILE *csv = open_text(csv_path, &child);
	int rc;

	assert_non_null(csv);
	assert_non_null(fgets(line, sizeof line, csv));
	assert_int_equal(reader_open(&r, e->path, &err), 0);
	while ((rc = reader_next(r, &d, &err)) == 1) {
		sift_datagram(&sift, &d, &s);
		if (s.kind == EXPORT_NETFLOW5 && s.rc >= 0)
			compare_datagram(&s, csv, csv_path);
	}
	assert_int_equal(rc, 0);
	reader_close(r);
	if (fgets(line, sizeof line, csv) != NULL)
		fail_msg("%s has more records: %s", csv_path, line);
	close_text(csv, child);
}

/* Where the decode of a file is, plain or compressed; free() it. NULL when it
 * is not kept. */
static char *
find_csv(const char *file)
{
	static const char *const endings[] = {"csv", "csv.gz"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		char *path =
		    xasprintf("tests/data/expected/%s.%s", file, endings[i]);

		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static void
captures_agree_with_tshark_and_nfdump(void **state)
{
	static struct expected table[EXPECTED_MAX];
	size_t n = expected_read(table), missing = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *csv;

		/* flow-tools files have a decode by flow-export. */
		if (table[i].flows == 0 ||
		    strncmp(table[i].file, "sparknet", 8) == 0)
			continue;
		if ((csv = find_csv(table[i].file)) != NULL)
			compare_file(&table[i], csv);
		else
			missing++;
		free(csv);
	}
	/* The decode of nfreplay-backbone94k.pcap is larger than all others
	 * together and not kept. */
	assert_true(missing <= 1);
}

static size_t
count_quirks(const char *path, unsigned quirks)
{
	struct sift sift = {0};
	struct sifted s;
	struct datagram d;
	struct reader *r;
	struct err err;
	size_t n = 0;

	assert_int_equal(reader_open(&r, path, &err), 0);
	while (reader_next(r, &d, &err) == 1) {
		sift_datagram(&sift, &d, &s);
		if (s.kind != EXPORT_NETFLOW5 || s.rc < 0)
			continue;
		for (size_t i = 0; i < s.packet.n_flows; i++)
			n += s.flows[i].quirks == quirks;
	}
	reader_close(r);
	return n;
}

static void
captures_have_the_quirks_known(void **state)
{
	static const struct {
		const char *file;
		unsigned quirks;
		size_t want;
	} cases[] = {
	    {"softflowd-ndpi-mix.pcap", 0, 2429},
	    {"erikwilson-flow_capture.bin", 0, 30279},
	    {"logstash-netflow5.dat", WRAPPED, 2},
	    {"logstash-netflow5.dat", 0, 28},
	    {"nfreplay-backbone94k.pcap", WRAPPED, 12},
	    {"nfreplay-backbone94k.pcap", 0, 93957},
	    {"pmacctd-multi-engine.pcap", WRAPPED, 8055},
	    {"softflowd-uptime-wrap.pcap", WRAPPED, 158},
	    {"softflowd-uptime-wrap.pcap", 0, 129},
	    {"softflowd-noadjust.pcap", AHEAD, 98},
	    {"flowsend-unixsecs0.pcap", ABSURD | WRAPPED | SWAPPED, 1},
	    {"flowsend-unixsecs0.pcap", ABSURD | WRAPPED | SWAPPED | AHEAD,
		999},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path = xasprintf("tests/data/%s", cases[i].file);
		size_t n = count_quirks(path, cases[i].quirks);

		if (n != cases[i].want)
			fail_msg("%s: %zu flows with quirks %u, want %zu", path,
			    n, cases[i].quirks, cases[i].want);
		free(path);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_field_comes_from_its_place),
	    cmocka_unit_test(counts_and_lengths_are_checked),
	    cmocka_unit_test(refused_datagrams_leave_the_output_alone),
	    cmocka_unit_test(what_the_caller_knows_is_left_alone),
	    cmocka_unit_test(times_follow_the_two_clocks),
	    cmocka_unit_test(captures_agree_with_tshark_and_nfdump),
	    cmocka_unit_test(captures_have_the_quirks_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
