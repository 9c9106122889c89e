/* SPDX-License-Identifier: ISC */
/* reader and sift: the known answers of all captures, and frames made here for
 * each link type and each way a frame can be bad. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/frame.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "schema/base/mem.h"
#include "tests/collector/expected.h"
#include "tests/temp.h"

/* ---- the captures of tests/data ---- */

struct sums {
	uint64_t datagrams, flows, packets, octets, malformed;
	uint64_t flags[256];
	uint64_t kinds[N_EXPORT_KINDS];
	struct reader_skips skips;
	int rc; /* the last one of reader_next */
};

static void
add_flows(struct sums *sums, const struct sifted *s)
{
	sums->datagrams++;
	sums->flows += s->packet.n_flows;
	for (size_t i = 0; i < s->packet.n_flows; i++) {
		sums->packets += s->flows[i].packets;
		sums->octets += s->flows[i].octets;
		sums->flags[s->flows[i].tcp_flags]++;
	}
}

static void
sum_file(const char *path, struct sums *sums)
{
	struct sift sift = {0};
	struct sifted s;
	struct datagram d;
	struct reader *r;
	struct err err;

	memset(sums, 0, sizeof *sums);
	if (reader_open(&r, path, &err) != 0)
		fail_msg("%s", err.text);
	while ((sums->rc = reader_next(r, &d, &err)) == 1) {
		sift_datagram(&sift, &d, &s);
		if (s.kind != EXPORT_NETFLOW5)
			sums->kinds[s.kind]++;
		else if (s.rc < 0)
			sums->malformed++;
		else
			add_flows(sums, &s);
	}
	sums->skips = *reader_skips(r);
	reader_close(r);
}

/* "2:91 4:1", or "-" for none. */
static void
format_flags(const struct sums *sums, char *out, size_t size)
{
	size_t len = 0;

	snprintf(out, size, "-");
	for (unsigned i = 0; i < 256; i++)
		if (sums->flags[i] > 0)
			len += (size_t)snprintf(out + len, size - len,
			    "%s%u:%" PRIu64, len > 0 ? " " : "", i,
			    sums->flags[i]);
}

static void
captures_give_the_known_sums(void **state)
{
	static struct expected table[EXPECTED_MAX];
	size_t n = expected_read(table);
	struct sums s;
	char flags[512];

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct expected *e = &table[i];

		sum_file(e->path, &s);
		format_flags(&s, flags, sizeof flags);
		s.kinds[EXPORT_UNKNOWN] = 0;
		if (s.rc != 0 || s.datagrams != e->datagrams ||
		    s.flows != e->flows || s.packets != e->packets ||
		    s.octets != e->octets || s.malformed != e->malformed ||
		    strcmp(flags, e->flags) != 0 ||
		    memcmp(s.kinds, e->kinds, sizeof s.kinds) != 0 ||
		    s.skips.cut != 0 || s.skips.fragments != 0)
			fail_msg("%s: rc %d, %" PRIu64 " datagrams, %" PRIu64
				 " flows, %" PRIu64 " packets, %" PRIu64
				 " octets, flags %s, malformed %" PRIu64
				 ", cut %" PRIu64 ", fragments %" PRIu64,
			    e->file, s.rc, s.datagrams, s.flows, s.packets,
			    s.octets, flags, s.malformed, s.skips.cut,
			    s.skips.fragments);
	}
}

static void
capture_time_and_addresses_are_kept(void **state)
{
	struct reader *r;
	struct datagram d;
	struct err err;
	char from[ADDR_TEXT_LEN];
	bool ip4 = false, ip6 = false;

	(void)state;
	assert_int_equal(
	    reader_open(&r, "tests/data/arkime_synthetic.pcap", &err), 0);
	while (reader_next(r, &d, &err) == 1) {
		if (d.to_port != 2055 || d.len < 2 || d.data[1] != 5)
			continue;
		addr_format(&d.from, from);
		ip4 = ip4 || d.from.family == 4;
		ip6 = ip6 || d.from.family == 6;
		assert_int_equal(d.len, 72);
		assert_true(d.received_ms > INT64_C(1000000000000));
	}
	assert_true(ip4 && ip6);
	reader_close(r);
}

/* ---- frames made here ---- */

#define ETH_IP4 "\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00"
#define ETH_IP6 "\2\0\0\0\0\1\2\0\0\0\0\2\x86\xdd"
#define MACS "\2\0\0\0\0\1\2\0\0\0\0\2"
/* 192.0.2.1 to 192.0.2.2; the length is that of header, UDP and payload. */
#define IP4(len, frag, proto)                                                  \
	"\x45\0\0" len "\0\0" frag "\x40" proto "\0\0\xc0\0\2\1\xc0\0\2\2"
#define IP6(len, next)                                                         \
	"\x60\0\0\0\0" len next "\x40\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"   \
	"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"
/* Port 4000 to 2055, then "abcd". */
#define UDP "\x0f\xa0\x08\x07\0\x0c\0\0abcd"
#define IP4_UDP IP4("\x20", "\0\0", "\x11") UDP

enum { EN10MB = 1, RAW = 12, SLL = 113, LOOP = 108, SLL2 = 276 };

static const struct {
	const char *name;
	int link_type;
	const char *bytes;
	size_t len;
	enum frame_kind want;
} frames[] = {
#define F(bytes) bytes, sizeof(bytes) - 1
    {"Ethernet", EN10MB, F(ETH_IP4 IP4_UDP), FRAME_UDP},
    {"padded", EN10MB, F(ETH_IP4 IP4_UDP "\0\0\0\0\0\0"), FRAME_UDP},
    {"802.1Q", EN10MB, F(MACS "\x81\0\0\1\x08\0" IP4_UDP), FRAME_UDP},
    {"802.1ad", EN10MB, F(MACS "\x88\xa8\0\1\x81\0\0\2\x08\0" IP4_UDP),
	FRAME_UDP},
    {"three tags", EN10MB,
	F(MACS "\x91\0\0\1\x81\0\0\2\x81\0\0\3\x86\xdd" IP6("\x0c", "\x11")
		UDP),
	FRAME_UDP},
    {"tag cut", EN10MB, F(MACS "\x81\0\0\1\x08"), FRAME_CUT},
    {"ARP", EN10MB, F(MACS "\x08\6\0\1\x08\0\6\4"), FRAME_NOT_UDP},
    {"Ethernet cut", EN10MB, F(MACS "\x08"), FRAME_CUT},
    {"empty", EN10MB, F(""), FRAME_CUT},

    {"cooked v1", SLL, F("\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0" IP4_UDP),
	FRAME_UDP},
    {"cooked v1, tagged", SLL,
	F("\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x81\0\0\1\x08\0" IP4_UDP), FRAME_UDP},
    {"cooked v2", SLL2, F("\x08\0\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\1\0\0" IP4_UDP),
	FRAME_UDP},
    {"cooked v2, IPv6", SLL2,
	F("\x86\xdd\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\1\0\0" IP6("\x0c", "\x11")
		UDP),
	FRAME_UDP},
    {"cooked v2 cut", SLL2, F("\x08\0\0\0\0\0\0\2\0\1\0\6\2\0\0\0\0\1\0"),
	FRAME_CUT},
    {"raw IPv4", RAW, F(IP4_UDP), FRAME_UDP},
    {"raw IPv6", RAW, F(IP6("\x0c", "\x11") UDP), FRAME_UDP},
    {"raw, number of files", 101, F(IP4_UDP), FRAME_UDP},
    {"raw IPv4 only", 228, F(IP4_UDP), FRAME_UDP},
    {"raw IPv6 only", 229, F(IP6("\x0c", "\x11") UDP), FRAME_UDP},
    {"raw, no IP", RAW, F("\x55" IP4_UDP), FRAME_NOT_UDP},
    {"raw, empty", RAW, F(""), FRAME_CUT},
    {"null, little-endian", 0, F("\2\0\0\0" IP4_UDP), FRAME_UDP},
    {"null, big-endian", 0, F("\0\0\0\2" IP4_UDP), FRAME_UDP},
    {"null, IPv6 of macOS", 0, F("\x1e\0\0\0" IP6("\x0c", "\x11") UDP),
	FRAME_UDP},
    {"loop", LOOP, F("\0\0\0\2" IP4_UDP), FRAME_UDP},
    {"unknown link", 105, F(ETH_IP4 IP4_UDP), FRAME_NOT_UDP},

    {"options", RAW,
	F("\x46\0\0\x24\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2\1\1\1\1" UDP),
	FRAME_UDP},
    {"options cut", RAW,
	F("\x4f\0\0\x24\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2\1\1\1\1" UDP),
	FRAME_CUT},
    {"header length 16", RAW,
	F("\x44\0\0\x20\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2" UDP),
	FRAME_NOT_UDP},
    {"length left to the card", RAW, F(IP4("\0", "\0\0", "\x11") UDP),
	FRAME_UDP},
    {"do not fragment", RAW, F(IP4("\x20", "\x40\0", "\x11") UDP), FRAME_UDP},
    {"first fragment", RAW, F(IP4("\x20", "\x20\0", "\x11") UDP),
	FRAME_FRAGMENT},
    {"last fragment", RAW, F(IP4("\x20", "\0\x10", "\x11") UDP),
	FRAME_FRAGMENT},
    {"fragment of TCP", RAW, F(IP4("\x20", "\x20\0", "\6") UDP), FRAME_NOT_UDP},
    {"TCP", RAW, F(IP4("\x20", "\0\0", "\6") UDP), FRAME_NOT_UDP},
    {"TCP cut", RAW, F(IP4("\xff", "\0\0", "\6") "ab"), FRAME_NOT_UDP},
    {"IPv4 cut in its header", RAW,
	F("\x45\0\0\x20\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2"), FRAME_CUT},
    {"IPv4 longer than the frame", RAW, F(IP4("\x21", "\0\0", "\x11") UDP),
	FRAME_CUT},
    {"UDP longer than IPv4", RAW, F(IP4("\x1f", "\0\0", "\x11") UDP),
	FRAME_CUT},
    {"UDP header cut", RAW, F(IP4("\x1b", "\0\0", "\x11") UDP), FRAME_CUT},
    {"UDP length 7", RAW,
	F(IP4("\x20", "\0\0", "\x11") "\x0f\xa0\x08\x07\0\7\0\0abcd"),
	FRAME_NOT_UDP},

    {"hop by hop", RAW, F(IP6("\x14", "\0") "\x11\0\1\4\0\0\0\0" UDP),
	FRAME_UDP},
    {"two extensions", RAW,
	F(IP6("\x24", "\x3c") "\x2b\0\1\4\0\0\0\0\x11\1\0\0\0\0\0\0\0\0\0\0\0"
			      "\0\0\0" UDP),
	FRAME_UDP},
    {"authentication", RAW,
	F(IP6("\x18", "\x33") "\x11\1\0\0\0\0\0\1\0\0\0\1" UDP), FRAME_UDP},
    {"extension longer than the frame", RAW,
	F(IP6("\x14", "\0") "\x11\x09\1\4\0\0\0\0" UDP), FRAME_CUT},
    {"extension cut", RAW, F(IP6("\7", "\0") "\x11\0\1\4\0\0\0"), FRAME_CUT},
    {"atomic fragment", RAW, F(IP6("\x14", "\x2c") "\x11\0\0\0\0\0\0\1" UDP),
	FRAME_UDP},
    {"atomic fragment, reserved bits", RAW,
	F(IP6("\x14", "\x2c") "\x11\0\0\6\0\0\0\1" UDP), FRAME_UDP},
    {"IPv6 first fragment", RAW,
	F(IP6("\x14", "\x2c") "\x11\0\0\1\0\0\0\1" UDP), FRAME_FRAGMENT},
    {"IPv6 later fragment", RAW,
	F(IP6("\x14", "\x2c") "\x11\0\0\x08\0\0\0\1" UDP), FRAME_FRAGMENT},
    {"IPv6 fragment of TCP", RAW, F(IP6("\x14", "\x2c") "\6\0\0\1\0\0\0\1" UDP),
	FRAME_NOT_UDP},
    {"ICMPv6", RAW, F(IP6("\x0c", "\x3a") UDP), FRAME_NOT_UDP},
    {"no next header", RAW, F(IP6("\0", "\x3b")), FRAME_NOT_UDP},
    {"UDP longer than IPv6", RAW, F(IP6("\x0b", "\x11") UDP), FRAME_CUT},
    {"IPv6 header cut", RAW, F("\x60\0\0\0\0\x0c\x11"), FRAME_CUT},
};

static void
frames_are_told_apart(void **state)
{
	char from[ADDR_TEXT_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		/* A block of this length, for the sanitizer. */
		uint8_t *p = xcalloc(1, frames[i].len);
		struct datagram d = {0};
		enum frame_kind kind;

		memcpy(p, frames[i].bytes, frames[i].len);
		kind = frame_udp(frames[i].link_type, p, frames[i].len, &d);
		if (kind != frames[i].want)
			fail_msg("%s: kind %d", frames[i].name, (int)kind);
		if (kind == FRAME_UDP) {
			addr_format(&d.from, from);
			if (d.len != 4 || memcmp(d.data, "abcd", 4) != 0 ||
			    d.to_port != 2055 ||
			    (strcmp(from, "192.0.2.1") != 0 &&
				strcmp(from, "2001:db8::1") != 0))
				fail_msg("%s: %zu bytes from %s to %u",
				    frames[i].name, d.len, from, d.to_port);
		}
		free(p);
	}
}

static void
known_links_have_names(void **state)
{
	(void)state;
	assert_string_equal(frame_link_name(EN10MB), "Ethernet");
	assert_null(frame_link_name(105)); /* 802.11 */
}

/* ---- files made here ---- */

static int
setup(void **state)
{
	*state = temp_new();
	return 0;
}

static int
teardown(void **state)
{
	temp_remove(*state);
	return 0;
}

/* Write a file into the test's folder; free() the path. */
static char *
write_file(void **state, const void *data, size_t len)
{
	char *path = xasprintf("%s/file", (const char *)*state);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

static void
put_le32(uint8_t *p, size_t n)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (8 * i));
}

static size_t
put_pcap_header(uint8_t *p, unsigned link_type, bool nanoseconds)
{
	memcpy(p, nanoseconds ? "\x4d\x3c\xb2\xa1" : "\xd4\xc3\xb2\xa1", 4);
	memcpy(p + 4, "\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4", 16);
	put_le32(p + 20, link_type);
	return 24;
}

static size_t
put_pcap_frame(uint8_t *p, const char *frame, size_t captured, size_t len)
{
	put_le32(p, 1700000000);
	put_le32(p + 4, 123456);
	put_le32(p + 8, captured);
	put_le32(p + 12, len);
	memcpy(p + 16, frame, captured);
	return 16 + captured;
}

static void
captures_of_every_link_type_are_read(void **state)
{
	uint8_t file[512];

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct datagram d;
		struct reader *r;
		struct err err;
		char *path;
		size_t len;

		if (frame_link_name(frames[i].link_type) == NULL ||
		    frames[i].want != FRAME_UDP)
			continue;
		len =
		    put_pcap_header(file, (unsigned)frames[i].link_type, false);
		len += put_pcap_frame(
		    file + len, frames[i].bytes, frames[i].len, frames[i].len);
		path = write_file(state, file, len);
		if (reader_open(&r, path, &err) != 0)
			fail_msg("%s: %s", frames[i].name, err.text);
		assert_int_equal(reader_next(r, &d, &err), 1);
		assert_int_equal(d.len, 4);
		assert_int_equal(d.received_ms, INT64_C(1700000000123));
		assert_int_equal(reader_next(r, &d, &err), 0);
		reader_close(r);
		free(path);
	}
}

static void
what_holds_no_datagram_is_counted(void **state)
{
	static const char frag[] = ETH_IP4 IP4("\x20", "\x20\0", "\x11") UDP;
	static const char whole[] = ETH_IP4 IP4_UDP;
	static const char tcp[] = ETH_IP4 IP4("\x20", "\0\0", "\6") UDP;
	uint8_t file[512];
	struct sums s;
	size_t len = put_pcap_header(file, EN10MB, true);
	char *path;

	len += put_pcap_frame(file + len, frag, sizeof frag - 1, 46);
	len += put_pcap_frame(file + len, whole, sizeof whole - 2, 46);
	len += put_pcap_frame(file + len, whole, 20, 46);
	len += put_pcap_frame(file + len, tcp, sizeof tcp - 1, 46);
	len += put_pcap_frame(file + len, whole, sizeof whole - 1, 46);
	path = write_file(state, file, len);
	sum_file(path, &s);
	assert_int_equal(s.rc, 0);
	assert_int_equal(s.skips.fragments, 1);
	assert_int_equal(s.skips.cut, 2);
	assert_int_equal(s.skips.not_udp, 1);
	assert_int_equal(s.kinds[EXPORT_UNKNOWN], 1);
	free(path);
}

/* Cut after every byte: what is whole is read, the rest is an error unless the
 * cut is between two frames. */
static void
captures_cut_anywhere_say_so(void **state)
{
	static const char whole[] = ETH_IP4 IP4_UDP;
	uint8_t file[512];
	size_t head = put_pcap_header(file, EN10MB, false);
	size_t frame = put_pcap_frame(file + head, whole, sizeof whole - 1, 46);

	memcpy(file + head + frame, file + head, frame);
	for (size_t len = 4; len <= head + 2 * frame; len++) {
		char *path = write_file(state, file, len);
		struct datagram d;
		struct reader *r;
		struct err err;
		size_t n = 0;
		int rc;

		if (len < head) {
			assert_int_equal(
			    reader_open(&r, path, &err), ERR_CORRUPT);
			assert_non_null(strstr(err.text, path));
			free(path);
			continue;
		}
		assert_int_equal(reader_open(&r, path, &err), 0);
		while ((rc = reader_next(r, &d, &err)) == 1)
			n++;
		assert_int_equal(n, (len - head) / frame);
		assert_int_equal(
		    rc, (len - head) % frame == 0 ? 0 : ERR_CORRUPT);
		reader_close(r);
		free(path);
	}
}

static void
other_link_types_are_refused_by_name(void **state)
{
	uint8_t file[24];
	size_t len = put_pcap_header(file, 105, false);
	char *path = write_file(state, file, len);
	struct reader *r;
	struct err err;

	assert_int_equal(reader_open(&r, path, &err), ERR_USAGE);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "IEEE802_11"));
	assert_non_null(strstr(err.text, "Ethernet"));
	free(path);
}

static void
unknown_formats_are_refused_with_those_known(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} cases[] = {{F("")}, {F("\0")}, {F("\0\1\0\1")}, {F("flow")},
	    {F("\xa1\xb2\xc3")}, {F("\x1f\x8b\x08\0")}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *path = write_file(state, cases[i].data, cases[i].len);
		struct reader *r;
		struct err err;

		assert_int_equal(reader_open(&r, path, &err), ERR_USAGE);
		assert_non_null(strstr(err.text, path));
		assert_non_null(strstr(err.text, "pcapng"));
		free(path);
	}
}

static void
files_that_cannot_be_read_are_named(void **state)
{
	char *path = xasprintf("%s/missing", (const char *)*state);
	struct reader *r;
	struct err err;

	assert_int_equal(reader_open(&r, path, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, strerror(ENOENT)));
	assert_int_equal(reader_open(&r, *state, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, strerror(EISDIR)));
	free(path);
}

/* One section, one Ethernet interface, one packet. */
static void
pcapng_is_read(void **state)
{
	static const char head[] =
	    "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0\0\0"
	    "\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
	    "\1\0\0\0\x14\0\0\0\1\0\0\0\0\0\4\0\x14\0\0\0";
	static const char frame[] = ETH_IP4 IP4_UDP "\0\0"; /* padded to 48 */
	uint64_t us = UINT64_C(1700000000123456);
	uint8_t file[256], *p = file + sizeof head - 1;
	struct datagram d;
	struct reader *r;
	struct err err;
	char *path;

	memcpy(file, head, sizeof head - 1);
	put_le32(p, 6); /* enhanced packet block */
	put_le32(p + 4, 32 + 48);
	put_le32(p + 8, 0);
	put_le32(p + 12, us >> 32);
	put_le32(p + 16, us & UINT32_MAX);
	put_le32(p + 20, 46);
	put_le32(p + 24, 46);
	memcpy(p + 28, frame, 48);
	put_le32(p + 76, 32 + 48);
	path = write_file(state, file, sizeof head - 1 + 80);
	assert_int_equal(reader_open(&r, path, &err), 0);
	assert_int_equal(reader_next(r, &d, &err), 1);
	assert_int_equal(d.to_port, 2055);
	assert_int_equal(d.received_ms, INT64_C(1700000000123));
	assert_int_equal(reader_next(r, &d, &err), 0);
	reader_close(r);
	free(path);
}

static void
standard_input_is_read(void **state)
{
	struct datagram d;
	struct reader *r;
	struct err err;
	size_t n = 0;

	(void)state;
	assert_non_null(
	    freopen("tests/data/softflowd-ndpi-mix.pcap", "rb", stdin));
	assert_int_equal(reader_open(&r, "-", &err), 0);
	while (reader_next(r, &d, &err) == 1)
		n++;
	reader_close(r);
	assert_int_equal(n, 83);
}

/* ---- raw files ---- */

/* A datagram of count records exported at 1700000000.5 s. */
static size_t
put_raw(uint8_t *p, uint8_t count)
{
	size_t len = NF5_HEADER_LEN + count * (size_t)NF5_RECORD_LEN;

	memset(p, 0, len);
	memcpy(p, "\0\5\0", 3);
	p[3] = count;
	memcpy(p + 8, "\x65\x53\xf1\x00\x1d\xcd\x65\x00", 8);
	return len;
}

static void
raw_files_are_cut_by_their_counts(void **state)
{
	static const uint8_t counts[] = {1, 30, 2};
	uint8_t file[4096];
	struct datagram d;
	struct reader *r;
	struct err err;
	size_t len = 0;
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		len += put_raw(file + len, counts[i]);
	path = write_file(state, file, len);
	assert_int_equal(reader_open(&r, path, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		assert_int_equal(reader_next(r, &d, &err), 1);
		assert_int_equal(d.len, 24 + 48 * counts[i]);
		assert_int_equal(d.from.family, 0);
		assert_int_equal(d.to_port, 0);
		assert_int_equal(d.received_ms, INT64_C(1700000000500));
	}
	assert_int_equal(reader_next(r, &d, &err), 0);
	reader_close(r);
	free(path);
}

/* Ends: in a datagram, in a header, with a bad header, with a bad header and
 * more than a datagram can hold. */
static void
raw_files_damaged_at_the_end_say_so(void **state)
{
	static const struct {
		const char *name;
		const char *tail;      /* behind one sound datagram */
		size_t tail_len, more; /* zeros behind the tail */
		size_t want_len;       /* of the second datagram; 0: none */
		int want;
	} cases[] = {
	    {"whole", F(""), 0, 0, 0},
	    {"in the records", F("\0\5\0\1"), 67, 0, ERR_CORRUPT},
	    {"behind a header", F("\0\5\0\1"), 20, 0, ERR_CORRUPT},
	    {"in a header", F("\0\5\0\1"), 19, 23, 0},
	    {"one byte", F("\0"), 0, 1, 0},
	    {"count 0", F("\0\5\0\0"), 20, 24, 0},
	    {"count 31", F("\0\5\0\x1f"), 20 + 31 * 48, 24 + 31 * 48, 0},
	    {"version 9", F("\0\x09\0\1"), 20 + 48, 24 + 48, 0},
	    {"as long as UDP goes", F("\0\5\0\0"), 65507 - 4, 65507, 0},
	    {"longer", F("\0\5\0\0"), 65507 - 3, 65507, ERR_CORRUPT},
	};
	uint8_t *file = xcalloc(1, 128 * 1024);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct datagram d;
		struct reader *r;
		struct err err;
		size_t len = put_raw(file, 1);
		char *path;
		int rc;

		memset(file + len, 0, 128 * 1024 - len);
		memcpy(file + len, cases[i].tail, cases[i].tail_len);
		path = write_file(
		    state, file, len + cases[i].tail_len + cases[i].more);
		assert_int_equal(reader_open(&r, path, &err), 0);
		assert_int_equal(reader_next(r, &d, &err), 1);
		assert_int_equal(d.len, 72);
		rc = reader_next(r, &d, &err);
		if (cases[i].want_len > 0) {
			if (rc != 1 || d.len != cases[i].want_len)
				fail_msg("%s: %d, %zu bytes", cases[i].name, rc,
				    d.len);
			rc = reader_next(r, &d, &err);
		}
		if (rc != cases[i].want)
			fail_msg("%s: %d", cases[i].name, rc);
		if (rc == ERR_CORRUPT)
			assert_non_null(strstr(err.text, "at byte "));
		reader_close(r);
		free(path);
	}
	free(file);
}

/* ---- sift ---- */

static void
v5_by_chance_is_no_malformed_v5(void **state)
{
	static const struct {
		const char *name, *head;
		size_t head_len, len;
		uint16_t port;
		enum export_kind want;
	} cases[] = {
	    {"TFTP error", F("\0\5\0\1File not found"), 19, 40001,
		EXPORT_UNKNOWN},
	    {"DNS query", F("\0\5\1\0\0\1"), 40, 53, EXPORT_UNKNOWN},
	    {"count 1, cut", F("\0\5\0\1"), 71, 40001, EXPORT_NETFLOW5},
	    {"count 30, cut", F("\0\5\0\x1e"), 24, 40001, EXPORT_NETFLOW5},
	    {"count 31", F("\0\5\0\x1f"), 70, 40001, EXPORT_UNKNOWN},
	    {"whole records", F("\0\5\xd9\x1e"), 1464, 40001, EXPORT_NETFLOW5},
	    {"too many whole records", F("\0\5\xd9\x1e"), 1512, 40001,
		EXPORT_UNKNOWN},
	    {"raw file", F("\0\5"), 2, 0, EXPORT_NETFLOW5},
	    {"sound", F("\0\5\0\1"), 72, 2055, EXPORT_NETFLOW5},
	    {"its port", F("\0\5"), 2, 2055, EXPORT_NETFLOW5},
	    {"another port", F("\0\5"), 2, 2056, EXPORT_UNKNOWN},
	};
	struct sift sift = {0};
	struct sifted s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t *p = xcalloc(1, cases[i].len);
		struct datagram d = {
		    .data = p, .len = cases[i].len, .to_port = cases[i].port};

		memcpy(p, cases[i].head,
		    cases[i].head_len < cases[i].len ? cases[i].head_len
						     : cases[i].len);
		sift_datagram(&sift, &d, &s);
		if (s.kind != cases[i].want)
			fail_msg(
			    "%s: %s", cases[i].name, export_kind_name(s.kind));
		if (s.kind == EXPORT_NETFLOW5)
			assert_int_equal(
			    s.rc >= 0, strcmp(cases[i].name, "sound") == 0);
		free(p);
	}
}

static void
problems_are_put_into_words(void **state)
{
	static const struct {
		const char *head;
		size_t head_len, len;
		int rc;
		const char *want;
	} cases[] = {
	    {F("\0\5\xd9\x1e"), 1464, ERR_COUNT,
		"record count 55582 not in 1..30"},
	    {F("\0\5"), 2, ERR_SHORT, "2 bytes, shorter than the header"},
	    {F("\0\5\0\x1e"), 1463, ERR_SHORT,
		"1463 bytes, 1464 needed for 30 records"},
	};
	char out[SIFT_PROBLEM_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t p[1500] = {0};
		struct datagram d = {.data = p, .len = cases[i].len};

		memcpy(p, cases[i].head, cases[i].head_len);
		sift_problem(cases[i].rc, &d, out);
		assert_string_equal(out, cases[i].want);
	}
}

int
main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(captures_give_the_known_sums),
	    cmocka_unit_test(capture_time_and_addresses_are_kept),
	    cmocka_unit_test(frames_are_told_apart),
	    cmocka_unit_test(known_links_have_names),
	    IN_FOLDER(captures_of_every_link_type_are_read),
	    IN_FOLDER(what_holds_no_datagram_is_counted),
	    IN_FOLDER(captures_cut_anywhere_say_so),
	    IN_FOLDER(other_link_types_are_refused_by_name),
	    IN_FOLDER(unknown_formats_are_refused_with_those_known),
	    IN_FOLDER(files_that_cannot_be_read_are_named),
	    IN_FOLDER(pcapng_is_read),
	    cmocka_unit_test(standard_input_is_read),
	    IN_FOLDER(raw_files_are_cut_by_their_counts),
	    IN_FOLDER(raw_files_damaged_at_the_end_say_so),
	    cmocka_unit_test(v5_by_chance_is_no_malformed_v5),
	    cmocka_unit_test(problems_are_put_into_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
