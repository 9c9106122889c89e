/* SPDX-License-Identifier: ISC */
/* reader_flowtools: files made here in every variant, and damaged in every
 * way. What real files hold is tested with the other captures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "collector/reader.h"
#include "collector/sift.h"
#include "schema/base/mem.h"
#include "schema/flowtools_layout.h"
#include "tests/temp.h"

/* ---- files made here ---- */

enum { FILE_MAX = 1 << 20, HEADER_LEN = 24 };

struct variant {
	bool little, compressed, tagged;
};

struct made {
	const struct variant *v;
	uint8_t bytes[FILE_MAX];
	size_t len;
};

static void
put_int(const struct variant *v, uint8_t *p, size_t len, uint64_t value)
{
	for (size_t i = 0; i < len; i++)
		p[v->little ? i : len - 1 - i] = (uint8_t)(value >> (8 * i));
}

static void
put_header(struct made *m, uint16_t version, uint32_t flags)
{
	memset(m->bytes, 0, HEADER_LEN);
	m->bytes[0] = 0xcf;
	m->bytes[1] = 0x10;
	m->bytes[2] = m->v->little ? 1 : 2;
	m->bytes[3] = 3;
	put_int(m->v, m->bytes + 4, 4, HEADER_LEN);
	put_int(m->v, m->bytes + 8, 2, 2);
	put_int(m->v, m->bytes + 10, 2, 2);
	put_int(m->v, m->bytes + 12, 2, version);
	put_int(m->v, m->bytes + 14, 2, 8); /* not aligned */
	put_int(m->v, m->bytes + 16, 2, 4);
	put_int(m->v, m->bytes + 18, 4, flags);
	m->len = HEADER_LEN;
}

/* Record number n; each export has per_export of them. */
static size_t
put_record(const struct variant *v, uint8_t *r, uint32_t n, uint32_t per_export)
{
	memset(r, 0, FLOWTOOLS_V1005_LEN);
	put_int(v, r, 4, 1700000000 + n / per_export);
	put_int(v, r + 4, 4, 250000000);
	put_int(v, r + 8, 4, 1000000);
	put_int(v, r + 12, 4, 0xc0000201);
	put_int(v, r + 16, 4, 0x0a000000 + n);
	put_int(v, r + 20, 4, 0x0b000000 + n);
	put_int(v, r + 24, 4, 0x0c000000 + n);
	put_int(v, r + 28, 2, 1000 + n);
	put_int(v, r + 30, 2, 2000 + n);
	put_int(v, r + 32, 4, 3000 + n);
	put_int(v, r + 36, 4, 4000000 + n);
	put_int(v, r + 40, 4, 999000);
	put_int(v, r + 44, 4, 999500);
	put_int(v, r + 48, 2, 5000 + n);
	put_int(v, r + 50, 2, 6000 + n);
	r[52] = 6;
	r[53] = 0x28;
	r[54] = 27;
	r[56] = 7;
	r[57] = 8;
	r[58] = 24;
	r[59] = 16;
	put_int(v, r + 60, 2, 7000 + n);
	put_int(v, r + 62, 2, 8000 + n);
	if (v->tagged && n % 2 == 1)
		put_int(v, r + 68, 4, 9);
	return v->tagged ? FLOWTOOLS_V1005_LEN : FLOWTOOLS_V5_LEN;
}

/* A file of n records. */
static void
make(struct made *m, const struct variant *v, uint32_t n, uint32_t per_export,
    uint32_t flags)
{
	uint8_t *data =
	    xcalloc((size_t)n + 1, FLOWTOOLS_V1005_LEN); /* n may be 0 */
	size_t len = 0;
	uLongf packed = FILE_MAX - HEADER_LEN;

	m->v = v;
	put_header(m, v->tagged ? 1005 : 5, flags | (v->compressed ? 2u : 0u));
	for (uint32_t i = 0; i < n; i++)
		len += put_record(v, data + len, i, per_export);
	if (v->compressed) {
		assert_int_equal(
		    compress2(m->bytes + HEADER_LEN, &packed, data, len, 6),
		    Z_OK);
		len = packed;
	} else {
		assert_true(len <= FILE_MAX - HEADER_LEN);
		memcpy(m->bytes + HEADER_LEN, data, len);
	}
	m->len = HEADER_LEN + len;
	free(data);
}

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

/* free() the path. */
static char *
write_file(void **state, const void *data, size_t len)
{
	char *path = xasprintf("%s/ft-v05", (const char *)*state);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return path;
}

struct read {
	int rc; /* of reader_open, then the last one of reader_next */
	size_t n_datagrams, n_flows;
	size_t sizes[8]; /* flows of the first datagrams */
	struct reader_skips skips;
	struct err err;
	char *path; /* free() it */
};

static void
check_flow(const struct sifted *s, size_t i, uint32_t n, uint32_t per_export)
{
	const struct flow *f = &s->flows[i];
	int64_t export_ms = (INT64_C(1700000000) + n / per_export) * 1000 + 250;
	const uint64_t got[] = {f->src_addr, f->dst_addr, f->next_hop,
	    f->input_if, f->output_if, f->packets, f->octets, f->src_port,
	    f->dst_port, f->src_as, f->dst_as, f->tcp_flags, f->protocol,
	    f->tos, f->src_mask, f->dst_mask, f->quirks};
	const uint64_t want[] = {0x0a000000 + n, 0x0b000000 + n, 0x0c000000 + n,
	    1000 + n, 2000 + n, 3000 + n, 4000000 + n, 5000 + n, 6000 + n,
	    7000 + n, 8000 + n, 27, 6, 0x28, 24, 16, 0};

	assert_memory_equal(got, want, sizeof got);
	assert_int_equal(f->start_ms, export_ms - 1000);
	assert_int_equal(f->end_ms, export_ms - 500);
}

static void
read_datagram(
    struct read *r, const struct datagram *d, struct sift *sift, uint32_t per)
{
	struct sifted s;
	char from[ADDR_TEXT_LEN];

	sift_datagram(sift, d, &s);
	assert_int_equal(s.kind, EXPORT_NETFLOW5);
	assert_int_equal(s.rc, 0);
	assert_true(s.packet.no_sequence);
	assert_int_equal(s.packet.sequence, r->n_flows);
	assert_int_equal(s.packet.source.engine_type, 7);
	assert_int_equal(s.packet.source.engine_id, 8);
	assert_int_equal(s.packet.source.sampling, 0);
	addr_format(&s.packet.source.exporter, from);
	assert_string_equal(from, "192.0.2.1");
	assert_int_equal(
	    d->received_ms, s.packet.unix_secs * INT64_C(1000) + 250);
	for (size_t i = 0; i < s.packet.n_flows; i++)
		check_flow(&s, i, (uint32_t)(r->n_flows + i), per);
	if (r->n_datagrams < 8)
		r->sizes[r->n_datagrams] = s.packet.n_flows;
	r->n_datagrams++;
	r->n_flows += s.packet.n_flows;
}

/* Read a file that holds the records of put_record. */
static void
read_bytes(
    void **state, const void *data, size_t len, uint32_t per, struct read *r)
{
	struct sift sift = {0};
	struct reader *reader;
	struct datagram d;

	memset(r, 0, sizeof *r);
	r->path = write_file(state, data, len);
	if ((r->rc = reader_open(&reader, r->path, &r->err)) != 0)
		return;
	while ((r->rc = reader_next(reader, &d, &r->err)) == 1)
		read_datagram(r, &d, &sift, per);
	r->skips = *reader_skips(reader);
	reader_close(reader);
}

static const struct variant variants[] = {
    {false, false, false},
    {true, false, false},
    {false, true, false},
    {true, true, false},
    {false, false, true},
    {true, false, true},
    {false, true, true},
    {true, true, true},
};

/* ---- tests ---- */

static void
every_variant_gives_every_field(void **state)
{
	struct made *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		static const size_t sizes[] = {30, 11, 30, 11, 30, 11, 30, 11};
		struct read r;

		/* More than one chunk of 64 KiB, plain. */
		make(m, &variants[i], 4100, 41, FLOWTOOLS_DONE);
		read_bytes(state, m->bytes, m->len, 41, &r);
		assert_int_equal(r.rc, 0);
		assert_int_equal(r.n_flows, 4100);
		assert_int_equal(r.n_datagrams, 200);
		assert_memory_equal(r.sizes, sizes, sizeof sizes);
		assert_int_equal(
		    r.skips.tagged, variants[i].tagged ? 4100 / 2 : 0);
		assert_false(r.skips.unclosed);
		free(r.path);
	}
	free(m);
}

static void
flows_of_another_origin_begin_a_datagram(void **state)
{
	static const size_t origin[] = {
	    FLOWTOOLS_UNIX_SECS, FLOWTOOLS_UNIX_NSECS, FLOWTOOLS_UPTIME,
	    FLOWTOOLS_EXPORTER, FLOWTOOLS_ENGINE_TYPE, FLOWTOOLS_ENGINE_ID,
	    FLOWTOOLS_SRC_ADDR /* is none of it */
	};
	struct made *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < ARRAY_LEN(origin); i++) {
		struct reader *r;
		struct datagram d;
		struct err err;
		char *path;

		make(m, &variants[0], 3, 3, FLOWTOOLS_DONE);
		m->bytes[HEADER_LEN + 2 * FLOWTOOLS_V5_LEN + origin[i]] ^= 1;
		path = write_file(state, m->bytes, m->len);
		assert_int_equal(reader_open(&r, path, &err), 0);
		assert_int_equal(reader_next(r, &d, &err), 1);
		if (origin[i] == FLOWTOOLS_SRC_ADDR) {
			assert_int_equal(d.len, 24 + 3 * 48);
		} else {
			assert_int_equal(d.len, 24 + 2 * 48);
			assert_int_equal(reader_next(r, &d, &err), 1);
			assert_int_equal(d.len, 24 + 48);
		}
		assert_int_equal(reader_next(r, &d, &err), 0);
		reader_close(r);
		free(path);
	}
	free(m);
}

/* Cut after every byte: all whole flows are there, and what is wrong is said
 * unless the cut is between two flows. */
static void
files_cut_anywhere_keep_what_came_before(void **state)
{
	struct made *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		const struct variant *v = &variants[i];
		size_t record_len =
		    v->tagged ? FLOWTOOLS_V1005_LEN : FLOWTOOLS_V5_LEN;
		size_t last = 0;

		make(m, v, 9, 5, 0);
		for (size_t len = 2; len < m->len; len++) {
			struct read r;
			size_t data = len < HEADER_LEN ? 0 : len - HEADER_LEN;

			read_bytes(state, m->bytes, len, 5, &r);
			if (len < HEADER_LEN) {
				assert_int_equal(r.rc, ERR_CORRUPT);
				assert_non_null(strstr(r.err.text, r.path));
			} else if (v->compressed) {
				assert_int_equal(
				    r.rc, data == 0 ? 0 : ERR_CORRUPT);
				assert_true(r.n_flows >= last);
				last = r.n_flows;
			} else {
				assert_int_equal(r.n_flows, data / record_len);
				assert_int_equal(r.rc,
				    data % record_len == 0 ? 0 : ERR_CORRUPT);
			}
			if (len >= HEADER_LEN)
				assert_true(r.skips.unclosed);
			free(r.path);
		}
		if (v->compressed) /* the trailer alone was missing */
			assert_int_equal(last, 9);
	}
	free(m);
}

static void
damaged_compressed_data_is_said(void **state)
{
	struct made *m = xcalloc(1, sizeof *m);
	struct read r;

	make(m, &variants[3], 2000, 30, FLOWTOOLS_DONE);
	m->bytes[m->len - 1] ^= 1; /* its checksum */
	read_bytes(state, m->bytes, m->len, 30, &r);
	assert_int_equal(r.rc, ERR_CORRUPT);
	assert_non_null(strstr(r.err.text, "damaged after 2000 flows"));
	assert_int_equal(r.n_flows, 2000);
	free(r.path);

	make(m, &variants[3], 2000, 30, FLOWTOOLS_DONE);
	m->bytes[m->len++] = 0;
	read_bytes(state, m->bytes, m->len, 30, &r);
	assert_int_equal(r.rc, ERR_CORRUPT);
	assert_non_null(strstr(r.err.text, "follows the compressed data"));
	assert_int_equal(r.n_flows, 2000);
	free(r.path);

	make(m, &variants[3], 0, 30, FLOWTOOLS_DONE);
	m->bytes[HEADER_LEN] = 0x11; /* no zlib header */
	read_bytes(state, m->bytes, m->len, 30, &r);
	assert_int_equal(r.rc, ERR_CORRUPT);
	free(r.path);
	free(m);
}

static void
a_header_alone_is_an_empty_file(void **state)
{
	struct made *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
		struct read r;

		make(m, &variants[i], 0, 1, FLOWTOOLS_STREAMING);
		read_bytes(state, m->bytes, m->len, 1, &r);
		assert_int_equal(r.rc, 0);
		assert_int_equal(r.n_datagrams, 0);
		assert_false(r.skips.unclosed);
		free(r.path);
		read_bytes(state, m->bytes, HEADER_LEN, 1, &r);
		assert_int_equal(r.rc, 0);
		free(r.path);
	}
	free(m);
}

static void
other_versions_are_refused_by_name(void **state)
{
	static const struct {
		uint16_t version;
		const char *want;
	} cases[] = {{0, "no version"}, {1, "NetFlow v1;"}, {6, "NetFlow v6;"},
	    {7, "NetFlow v7;"}, {8, "NetFlow v8.0;"}, {9, "NetFlow v9;"}};
	struct made *m = xcalloc(1, sizeof *m);

	m->v = &variants[1];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct read r;

		put_header(m, cases[i].version, FLOWTOOLS_DONE);
		read_bytes(state, m->bytes, m->len, 1, &r);
		assert_int_equal(r.rc, ERR_USAGE);
		assert_non_null(strstr(r.err.text, r.path));
		if (strstr(r.err.text, cases[i].want) == NULL)
			fail_msg("v%u: %s", cases[i].version, r.err.text);
		free(r.path);
	}
	free(m);
}

static void
damaged_headers_are_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		int want;
	} cases[] = {
	    {"byte order 0", 2, 0, ERR_USAGE},
	    {"byte order 3", 2, 3, ERR_USAGE},
	    {"format 1", 3, 1, ERR_USAGE},
	    {"data inside the head", 4, 7, ERR_CORRUPT},
	    {"data behind the file", 5, 1, ERR_CORRUPT},
	    {"data 2 GiB away", 7, 0x7f, ERR_CORRUPT},
	    {"first field too long", 10, 200, ERR_USAGE}, /* no version */
	    {"version of one byte", 10, 1, ERR_USAGE},
	};
	struct made *m = xcalloc(1, sizeof *m);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct read r;

		make(m, &variants[1], 1, 1, FLOWTOOLS_DONE);
		m->bytes[cases[i].at] = cases[i].value;
		read_bytes(state, m->bytes, m->len, 1, &r);
		if (r.rc != cases[i].want)
			fail_msg("%s: %d", cases[i].name, r.rc);
		assert_non_null(strstr(r.err.text, r.path));
		free(r.path);
	}
	free(m);
}

int
main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	static const struct CMUnitTest tests[] = {
	    IN_FOLDER(every_variant_gives_every_field),
	    IN_FOLDER(flows_of_another_origin_begin_a_datagram),
	    IN_FOLDER(files_cut_anywhere_keep_what_came_before),
	    IN_FOLDER(damaged_compressed_data_is_said),
	    IN_FOLDER(a_header_alone_is_an_empty_file),
	    IN_FOLDER(other_versions_are_refused_by_name),
	    IN_FOLDER(damaged_headers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
