/* SPDX-License-Identifier: ISC */
/* Scans of real shards: the right flows, in order, as of one moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <inttypes.h>

#include "query/ast.h"
#include "query/match.h"
#include "query/scan.h"
#include "schema/base/buf.h"
#include "schema/db.h"
#include "tests/query/fixture.h"
#include "tests/temp.h"

enum { ALL_COLUMNS = (1 << N_FLOW_COLUMNS) - 1 };

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

/* ---- what a scan gave ---- */

/* The flows of all batches; an exporter as its position. */
struct taken {
	int64_t (*row)[N_FLOW_COLUMNS];
	size_t n, cap, n_batches;
	struct addr exporter[16];
	size_t n_exporters;
};

static int
take(const struct batch *b, void *arg, struct err *err)
{
	struct taken *t = arg;

	(void)err;
	assert_in_range(b->n, 1, BATCH_MAX);
	/* positions never change their meaning */
	assert_in_range(b->n_exporters, t->n_exporters, 16);
	for (size_t i = 0; i < t->n_exporters; i++)
		assert_true(addr_equal(&t->exporter[i], &b->exporters[i]));
	t->n_exporters = b->n_exporters;
	memcpy(
	    t->exporter, b->exporters, b->n_exporters * sizeof t->exporter[0]);
	for (size_t i = 0; i < b->n; i++) {
		t->row = xgrow(t->row, t->n, &t->cap, sizeof *t->row);
		for (size_t c = 0; c < N_FLOW_COLUMNS; c++)
			t->row[t->n][c] = b->col[c] != NULL ? b->col[c][i] : -1;
		t->n++;
	}
	t->n_batches++;
	return 0;
}

static void
scan(struct taken *t, const char *dir, const struct filter *f,
    flow_column_set columns, struct scan_stats *stats)
{
	const struct scan_query q = {
	    .dir = dir, .filter = f, .columns = columns};
	struct err err = {0};

	*t = (struct taken){0};
	if (scan_run(&q, take, t, stats, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(stats->n_flows, t->n);
}

static size_t
count_flows(const char *dir, const char *words, struct scan_stats *stats)
{
	struct filter f;
	struct taken t;

	fixture_filter(&f, words);
	scan(&t, dir, &f, 0, stats);
	filter_release(&f);
	free(t.row);
	return t.n;
}

/* A field of a flow as the scan should give it; not COL_EXPORTER. */
static int64_t
field(const struct fixture_flow *x, enum flow_column c)
{
	const struct flow *f = &x->flow;

	switch (c) {
	case COL_ENGINE_TYPE: return fixture_sources[x->source].engine_type;
	case COL_ENGINE_ID: return fixture_sources[x->source].engine_id;
	case COL_SAMPLING: return fixture_sources[x->source].sampling;
	case COL_SRC_ADDR: return f->src_addr;
	case COL_DST_ADDR: return f->dst_addr;
	case COL_NEXT_HOP: return f->next_hop;
	case COL_INPUT_IF: return f->input_if;
	case COL_OUTPUT_IF: return f->output_if;
	case COL_PACKETS: return f->packets;
	case COL_OCTETS: return f->octets;
	case COL_START_MS: return f->start_ms;
	case COL_END_MS: return f->end_ms;
	case COL_DURATION_MS: return f->end_ms - f->start_ms;
	case COL_SRC_PORT: return f->src_port;
	case COL_DST_PORT: return f->dst_port;
	case COL_TCP_FLAGS: return f->tcp_flags;
	case COL_PROTOCOL: return f->protocol;
	case COL_TOS: return f->tos;
	case COL_SRC_AS: return f->src_as;
	case COL_DST_AS: return f->dst_as;
	case COL_SRC_MASK: return f->src_mask;
	case COL_DST_MASK: return f->dst_mask;
	case COL_QUIRKS: return f->quirks;
	default: fail_msg("column %d", (int)c); return 0;
	}
}

/* The first column that is not as in want, or -1. */
static int
find_difference(
    const struct taken *t, size_t i, const struct fixture_flow *want)
{
	struct source s = fixture_source(want->source);
	const int64_t *row = t->row[i];

	assert_in_range(row[COL_EXPORTER], 0, t->n_exporters - 1);
	if (!addr_equal(&t->exporter[row[COL_EXPORTER]], &s.exporter))
		return COL_EXPORTER;
	for (unsigned c = COL_EXPORTER + 1; c < N_FLOW_COLUMNS; c++)
		if (row[c] != field(want, c))
			return (int)c;
	return -1;
}

/* ---- generated filters, and a matcher that knows nothing of ASTs ---- */

enum { MAX_PARTS = 4, MAX_TEXT = 400 };

/* One value: the flow's field masked equals lo, or lies in lo to hi, or its
 * source is in a set of bits. */
struct value {
	enum { IS_MASKED, IS_RANGE, IS_SOURCES } kind;
	int64_t lo, hi; /* hi: the mask, when masked */
};

struct spec {
	enum ast_kind kind; /* AST_RANGES for all leaves */
	enum flow_column column;
	struct value value[MAX_PARTS];
	struct spec *child[MAX_PARTS];
	size_t n_parts;      /* values or children */
	char word[MAX_TEXT]; /* of a leaf that has one, else "" */
};

static bool
naive_value(const struct value *v, const struct fixture_flow *x,
    enum flow_column column)
{
	if (v->kind == IS_SOURCES)
		return (v->lo >> x->source & 1) != 0;
	if (v->kind == IS_MASKED)
		return (field(x, column) & v->hi) == v->lo;
	return field(x, column) >= v->lo && field(x, column) <= v->hi;
}

static bool
naive_match(const struct spec *s, const struct fixture_flow *x)
{
	size_t n = 0; /* parts that say yes */

	for (size_t i = 0; i < s->n_parts; i++)
		n += s->kind == AST_RANGES
			 ? naive_value(&s->value[i], x, s->column)
			 : naive_match(s->child[i], x);
	if (s->kind == AST_AND)
		return n == s->n_parts;
	return s->kind == AST_NOT ? n == 0 : n > 0;
}

static void
add_ip4(uint64_t *rng, struct value *v, char *text, size_t len)
{
	static const unsigned lens[] = {32, 32, 30, 25, 24, 16, 8, 1, 0};
	unsigned bits = lens[fixture_random(rng, ARRAY_LEN(lens))];
	uint32_t a = fixture_random_flow(rng, 0).src_addr;
	uint32_t mask = (uint32_t)(UINT64_C(0xffffffff) << (32 - bits));

	*v = (struct value){IS_MASKED, a & mask, mask};
	snprintf(text, len, "%u.%u.%u.%u/%u", a >> 24, a >> 16 & 255,
	    a >> 8 & 255, a & 255, bits);
}

static void
add_port(uint64_t *rng, struct value *v, char *text, size_t len)
{
	int a = fixture_random_flow(rng, 0).src_port;
	int b = fixture_random_flow(rng, 0).src_port;

	*v = (struct value){IS_RANGE, a, a};
	if (b > a && fixture_random(rng, 2) == 0) {
		v->hi = b;
		snprintf(text, len, b % 2 == 0 ? "%d:%d" : "%d-%d", a, b);
	} else {
		snprintf(text, len, "%d", a);
	}
}

static void
add_protocol(uint64_t *rng, struct value *v, char *text, size_t len)
{
	int a = fixture_random_flow(rng, 0).protocol;

	*v = (struct value){IS_RANGE, a, a};
	snprintf(text, len, "%d", a);
}

static void
add_flags(uint64_t *rng, struct value *v, char *text, size_t len)
{
	char letters[FLAGS_TEXT_LEN], mask_letters[FLAGS_TEXT_LEN];
	unsigned value = (unsigned)fixture_random(rng, 256);
	unsigned mask = (unsigned)fixture_random(rng, 256);

	if (fixture_random(rng, 3) == 0)
		mask = 255;
	value &= mask;
	*v = (struct value){IS_MASKED, value, mask};
	flags_format((uint8_t)value, letters);
	flags_format((uint8_t)mask, mask_letters);
	if (mask == 255)
		snprintf(text, len, "%u", value);
	else if (value % 2 == 0)
		snprintf(text, len, "0x%x/%u", value, mask);
	else
		snprintf(text, len, "%s/%s", letters, mask_letters);
}

static void
add_exporter(uint64_t *rng, struct value *v, char *text, size_t len)
{
	static const struct {
		const char *text;
		int64_t sources;
	} rows[] = {{"192.0.2.1", 3}, {"192.0.2.1/24", 7}, {"192.0.2.77", 4},
	    {"0.0.0.0/0", 15}, {"2001:db8::1", 16}, {"2001:db8::/64", 16},
	    {"2001:db8::/32", 48}, {"::/0", 48}, {"203.0.113.1", 0}};
	size_t i = fixture_random(rng, ARRAY_LEN(rows));

	*v = (struct value){IS_SOURCES, rows[i].sources, 0};
	snprintf(text, len, "%s", rows[i].text);
}

static const struct {
	const char *name;
	enum flow_column column;
	void (*add)(uint64_t *rng, struct value *v, char *text, size_t len);
} word_kinds[] = {
    {"src", COL_SRC_ADDR, add_ip4},
    {"dst", COL_DST_ADDR, add_ip4},
    {"sport", COL_SRC_PORT, add_port},
    {"dport", COL_DST_PORT, add_port},
    {"proto", COL_PROTOCOL, add_protocol},
    {"flags", COL_TCP_FLAGS, add_flags},
    {"exporter", COL_EXPORTER, add_exporter},
};

static struct spec *
random_word(uint64_t *rng, size_t kind)
{
	struct spec *s = xcalloc(1, sizeof *s);
	size_t len;

	s->kind = AST_RANGES;
	s->column = word_kinds[kind].column;
	s->n_parts = 1 + fixture_random(rng, MAX_PARTS);
	snprintf(s->word, sizeof s->word, "%s", word_kinds[kind].name);
	for (size_t i = 0; i < s->n_parts; i++) {
		len = strlen(s->word);
		s->word[len++] = i == 0 ? '=' : ',';
		word_kinds[kind].add(
		    rng, &s->value[i], s->word + len, sizeof s->word - len);
	}
	return s;
}

/* Ranges of any column that has no word of its own too, near values that
 * flows have. */
static struct spec *
random_ranges(uint64_t *rng, const struct fixture_flow *flows, size_t n)
{
	struct spec *s = xcalloc(1, sizeof *s);

	s->kind = AST_RANGES;
	s->column =
	    (enum flow_column)(1 + fixture_random(rng, N_FLOW_COLUMNS - 1));
	s->n_parts = fixture_random(rng, MAX_PARTS + 1);
	for (size_t i = 0; i < s->n_parts; i++) {
		int64_t a = field(&flows[fixture_random(rng, n)], s->column);
		int64_t b = field(&flows[fixture_random(rng, n)], s->column);

		s->value[i] =
		    (struct value){IS_RANGE, a < b ? a : b, a < b ? b : a};
	}
	return s;
}

static struct spec *
random_tree(
    uint64_t *rng, const struct fixture_flow *flows, size_t n, unsigned depth)
{
	static const enum ast_kind kinds[] = {AST_AND, AST_OR, AST_NOT};
	struct spec *s;

	if (depth == 0 || fixture_random(rng, 3) == 0) {
		if (fixture_random(rng, 2) == 0)
			return random_ranges(rng, flows, n);
		return random_word(
		    rng, fixture_random(rng, ARRAY_LEN(word_kinds)));
	}
	s = xcalloc(1, sizeof *s);
	s->kind = kinds[fixture_random(rng, ARRAY_LEN(kinds))];
	s->n_parts = s->kind == AST_NOT ? 1 : fixture_random(rng, MAX_PARTS);
	for (size_t i = 0; i < s->n_parts; i++)
		s->child[i] = random_tree(rng, flows, n, depth - 1);
	return s;
}

/* Some different words, as a command line has them. */
static struct spec *
random_words(uint64_t *rng)
{
	struct spec *s = xcalloc(1, sizeof *s);
	size_t first = fixture_random(rng, ARRAY_LEN(word_kinds));

	s->kind = AST_AND;
	s->n_parts = fixture_random(rng, MAX_PARTS);
	for (size_t i = 0; i < s->n_parts; i++)
		s->child[i] =
		    random_word(rng, (first + i) % ARRAY_LEN(word_kinds));
	return s;
}

static void
spec_free(struct spec *s)
{
	if (s->kind != AST_RANGES)
		for (size_t i = 0; i < s->n_parts; i++)
			spec_free(s->child[i]);
	free(s);
}

/* The tree as the code under test has it; words go through the parser. */
static struct ast *
to_ast(const struct spec *s)
{
	struct ast *a;

	if (s->word[0] != '\0') {
		struct filter f;

		fixture_filter(&f, s->word);
		assert_int_equal(f.ast->n_children, 1);
		a = f.ast->child[0];
		f.ast->n_children = 0;
		filter_release(&f);
		return a;
	}
	a = ast_new(s->kind);
	a->column = s->column;
	for (size_t i = 0; i < s->n_parts; i++) {
		if (s->kind == AST_RANGES)
			ast_add_range(a, s->value[i].lo, s->value[i].hi);
		else
			ast_add_child(a, to_ast(s->child[i]));
	}
	ast_normalize_ranges(a);
	return a;
}

static void
random_times(
    uint64_t *rng, struct filter *f, const struct fixture_flow *flows, size_t n)
{
	const struct flow *a = &flows[fixture_random(rng, n)].flow;
	const struct flow *b = &flows[fixture_random(rng, n)].flow;

	f->has_from = fixture_random(rng, 2) == 0;
	f->has_to = fixture_random(rng, 2) == 0;
	/* at the millisecond of a flow, and one off */
	f->from_ms = a->end_ms - 1 + (int64_t)fixture_random(rng, 3);
	f->to_ms = b->start_ms - 1 + (int64_t)fixture_random(rng, 3);
}

static bool
naive_time(const struct filter *f, const struct flow *x)
{
	return !(f->has_from && x->end_ms < f->from_ms) &&
	       !(f->has_to && x->start_ms >= f->to_ms);
}

/* ---- the two back ends against the naive one ---- */

enum { N_FLOWS = 3500, SEGMENT_ROWS = 500, N_FILTERS = 300 };

/* Two days: one all sealed but for its last segment; one with two sealed
 * segments, one that has half of its indexes, and live ones. */
static struct fixture_flow *
store_two_days(const char *dir, uint64_t *rng)
{
	size_t n = N_FLOWS / 2;
	struct fixture_flow *flows =
	    fixture_flows(rng, N_FLOWS, NOW_MS - 2 * MS_PER_DAY, NOW_MS);
	int32_t today = clock_day(NOW_MS);

	fixture_store(dir, today - 1, flows, n, SEGMENT_ROWS, SIZE_MAX);
	fixture_store(dir, today, flows + n, N_FLOWS - n, SEGMENT_ROWS, 17);
	return flows;
}

struct match_check {
	const struct filter *filter;
	const bool *want;
	size_t n, n_wrong;
};

static int
check_match(const struct batch *b, void *arg, struct err *err)
{
	struct match_check *m = arg;

	(void)err;
	for (size_t i = 0; i < b->n; i++, m->n++)
		m->n_wrong += match_flow(m->filter, b, i) != m->want[m->n];
	return 0;
}

/* In memory, over everything, with just the columns it asks for. */
static bool
memory_agrees(const char *dir, const struct filter *f, const bool *want)
{
	struct filter all;
	struct match_check m = {.filter = f, .want = want};
	const struct scan_query q = {
	    .dir = dir, .filter = &all, .columns = match_columns(f)};
	struct scan_stats stats;
	struct err err;

	filter_init(&all);
	if (scan_run(&q, check_match, &m, &stats, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(m.n, N_FLOWS);
	filter_release(&all);
	return m.n_wrong == 0;
}

/* The wanted flows and no others, in order. */
static bool
sql_agrees(const char *dir, const struct filter *f, const bool *want,
    const struct fixture_flow *flows)
{
	struct scan_stats stats;
	struct taken t;
	size_t n = 0;
	bool same = true;

	scan(&t, dir, f, ALL_COLUMNS, &stats);
	for (size_t i = 0; i < N_FLOWS && same; i++)
		if (want[i])
			same = n < t.n &&
			       find_difference(&t, n++, &flows[i]) == -1;
	same = same && n == t.n;
	free(t.row);
	return same;
}

/* How many flows pass. */
static size_t
run_naive(const struct filter *f, const struct spec *s,
    const struct fixture_flow *flows, bool *want)
{
	size_t n = 0;

	for (size_t i = 0; i < N_FLOWS; i++) {
		want[i] =
		    naive_time(f, &flows[i].flow) && naive_match(s, &flows[i]);
		n += want[i];
	}
	return n;
}

static void
sql_and_memory_agree_with_a_naive_matcher(void **state)
{
	uint64_t rng = 20240301;
	struct fixture_flow *flows = store_two_days(*state, &rng);
	size_t n_some = 0; /* filters that match some flows and not all */

	for (int i = 0; i < N_FILTERS; i++) {
		struct spec *s = i % 2 == 0
				     ? random_words(&rng)
				     : random_tree(&rng, flows, N_FLOWS, 3);
		struct filter f = {.ast = to_ast(s)};
		bool want[N_FLOWS];
		size_t n;

		random_times(&rng, &f, flows, N_FLOWS);
		n = run_naive(&f, s, flows, want);
		n_some += n > 0 && n < N_FLOWS;
		if (!sql_agrees(*state, &f, want, flows))
			fail_msg("filter %d: SQL", i);
		if (!memory_agrees(*state, &f, want))
			fail_msg("filter %d: match_flow", i);
		filter_release(&f);
		spec_free(s);
	}
	assert_in_range(n_some, N_FILTERS / 2, N_FILTERS);
	free(flows);
}

/* ---- time ---- */

static void
from_is_included_and_to_is_not(void **state)
{
	/* flows live 100-200, 200-200 and 201-300, seconds and ms later */
	static const struct fixture_flow flows[] = {
	    {.flow = {.start_ms = 1000000100, .end_ms = 1000000200}},
	    {.flow = {.start_ms = 1000000200, .end_ms = 1000000200}},
	    {.flow = {.start_ms = 1000000201, .end_ms = 1000000300}},
	};
	static const struct {
		const char *words;
		size_t want;
	} rows[] = {
	    {"from=@1000000.200", 3},
	    {"from=@1000000.201", 1},
	    {"from=@1000000.300", 1},
	    {"from=@1000000.301", 0},
	    {"to=@1000000.100", 0},
	    {"to=@1000000.101", 1},
	    {"to=@1000000.200", 1},
	    {"to=@1000000.201", 2},
	    {"to=@1000000.202", 3},
	    {"from=@1000000.200 to=@1000000.201", 2},
	    {"from=@1000000.150 to=@1000000.151", 1},
	    {"from=@1000000.201 to=@1000000.202", 1},
	};
	int32_t today = clock_day(NOW_MS);

	fixture_store(*state, today - 1, flows, 3, 3, SIZE_MAX); /* sealed */
	fixture_store(*state, today, flows, 3, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct scan_stats stats;
		size_t n = count_flows(*state, rows[i].words, &stats);

		if (n != 2 * rows[i].want)
			fail_msg("%s: %zu flows", rows[i].words, n);
	}
}

static void
segments_out_of_the_time_are_not_read(void **state)
{
	uint64_t rng = 4;
	struct fixture_flow *flows = store_two_days(*state, &rng);
	struct scan_stats all, stats;

	assert_int_equal(count_flows(*state, "", &all), N_FLOWS);
	assert_int_equal(all.n_shards, 2);
	assert_int_equal(all.n_segments, 8);
	assert_int_equal(all.n_segments_pruned, 0);
	assert_true(count_flows(*state, "from=-10m", &stats) > 0);
	assert_int_equal(stats.n_segments, 1);
	assert_int_equal(stats.n_segments_pruned, 7);
	assert_int_equal(count_flows(*state, "from=now", &stats), 0);
	assert_int_equal(stats.n_segments, 0);
	/* the bounds are of all that is stored nevertheless */
	assert_true(stats.has_bounds);
	assert_int_equal(stats.min_start_ms, all.min_start_ms);
	assert_int_equal(stats.max_end_ms, all.max_end_ms);
	for (size_t i = 0; i < N_FLOWS; i++) {
		assert_true(flows[i].flow.start_ms >= stats.min_start_ms);
		assert_true(flows[i].flow.end_ms <= stats.max_end_ms);
	}
	free(flows);
}

/* ---- batches ---- */

static void
only_wanted_columns_are_filled(void **state)
{
	static const struct fixture_flow flow = {
	    .flow = {.dst_port = 443, .octets = 5}, .source = 1};
	struct filter f;
	struct scan_stats stats;
	struct taken t;

	fixture_store(*state, 0, &flow, 1, 0, 0);
	fixture_filter(&f, "dport=443");
	for (unsigned c = 0; c < N_FLOW_COLUMNS; c++) {
		scan(&t, *state, &f, 1u << c, &stats);
		assert_int_equal(t.n, 1);
		for (unsigned k = 0; k < N_FLOW_COLUMNS; k++)
			assert_int_equal(t.row[0][k], k != c ? -1
						      : k == COL_EXPORTER
							  ? 0
							  : field(&flow, k));
		free(t.row);
	}
	filter_release(&f);
}

static void
large_segments_come_in_batches(void **state)
{
	uint64_t rng = 5;
	size_t n = 2 * BATCH_MAX;
	struct fixture_flow *flows =
	    fixture_flows(&rng, n, NOW_MS - MS_PER_DAY, NOW_MS);
	struct scan_stats stats;
	struct filter f;
	struct taken t;

	fixture_store(*state, 0, flows, n, 0, 0);
	fixture_filter(&f, "");
	scan(&t, *state, &f, ALL_COLUMNS, &stats);
	assert_int_equal(t.n, n);
	/* 256, 512 and so on: the first come soon */
	assert_int_equal(t.n_batches, 6);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(find_difference(&t, i, &flows[i]), -1);
	free(t.row);
	filter_release(&f);
	free(flows);
}

/* Shards number their sources each in its own way. */
static void
an_exporter_has_one_position_in_all_shards(void **state)
{
	static const size_t sources[][4] = {{0, 1, 4, 0}, {5, 4, 3, 0}};
	static const int64_t want[] = {0, 0, 1, 0, 2, 1, 3, 0};
	struct filter f;
	struct scan_stats stats;
	struct taken t;

	for (int32_t day = 0; day < 2; day++) {
		struct fixture_flow flows[4] = {0};

		for (size_t i = 0; i < 4; i++)
			flows[i].source = sources[day][i];
		fixture_store(*state, day, flows, 4, 0, 0);
	}
	fixture_filter(&f, "");
	scan(&t, *state, &f, 1u << COL_EXPORTER, &stats);
	assert_int_equal(t.n, ARRAY_LEN(want));
	for (size_t i = 0; i < t.n; i++)
		assert_int_equal(t.row[i][COL_EXPORTER], want[i]);
	assert_int_equal(t.n_exporters, 4);
	free(t.row);
	filter_release(&f);
}

struct stopper {
	int answer, n_calls;
};

static int
stop(const struct batch *b, void *arg, struct err *err)
{
	struct stopper *s = arg;

	(void)b;
	(void)err;
	s->n_calls++;
	return s->answer;
}

static void
the_consumer_can_end_the_scan(void **state)
{
	uint64_t rng = 6;
	struct filter f;
	const struct scan_query q = {.dir = *state, .filter = &f};

	free(store_two_days(*state, &rng));
	fixture_filter(&f, "");
	for (int answer = ERR_FULL; answer <= 1; answer++) {
		struct stopper s = {.answer = answer};
		struct scan_stats stats;

		assert_int_equal(scan_run(&q, stop, &s, &stats, NULL), answer);
		assert_int_equal(s.n_calls, answer == 0 ? 14 : 1);
	}
	filter_release(&f);
}

/* ---- beside a writer ---- */

struct writing {
	struct shard *shard;
	size_t n_seen, n_calls;
};

static void
append_flows(struct shard *s, uint8_t n)
{
	struct flow flows[30] = {0};
	struct packet p = {.source = fixture_source(0), .n_flows = n};
	struct err err;

	if (shard_append(s, &p, flows, &err) != 0)
		fail_msg("%s", err.text);
}

/* For each batch the writer commits more: into this segment and new ones. */
static int
write_more(const struct batch *b, void *arg, struct err *err)
{
	struct writing *w = arg;

	(void)err;
	w->n_seen += b->n;
	w->n_calls++;
	for (int i = 0; i < 3; i++)
		append_flows(w->shard, 30);
	assert_int_equal(shard_commit(w->shard, NULL), 0);
	assert_int_equal(shard_seal_step(w->shard, NULL), 1);
	return 0;
}

static void
a_shard_is_read_as_of_one_moment(void **state)
{
	char *path = store_shard_path(*state, 0);
	struct writing w = {0};
	struct scan_stats stats;
	struct filter f;
	const struct scan_query q = {.dir = *state, .filter = &f};
	struct err err;

	if (shard_open_write(&w.shard, path, 30, &err) != 0)
		fail_msg("%s", err.text);
	append_flows(w.shard, 30);
	append_flows(w.shard, 20);
	assert_int_equal(shard_commit(w.shard, NULL), 0);
	append_flows(w.shard, 7); /* not committed: not seen */
	fixture_filter(&f, "");
	if (scan_run(&q, write_more, &w, &stats, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(w.n_calls, 2);
	assert_int_equal(w.n_seen, 50);
	assert_int_equal(count_flows(*state, "", &stats), 50 + 7 + 2 * 3 * 30);
	shard_close(w.shard);
	filter_release(&f);
	free(path);
}

/* ---- stores that are not as they should be ---- */

static void
an_empty_store_has_no_flows(void **state)
{
	struct scan_stats stats = {.n_shards = 9, .has_bounds = true};

	assert_int_equal(count_flows(*state, "", &stats), 0);
	assert_int_equal(stats.n_shards, 0);
	assert_false(stats.has_bounds);
	/* a shard that just came into being */
	fixture_store(*state, 0, NULL, 0, 0, 0);
	assert_int_equal(count_flows(*state, "", &stats), 0);
	assert_int_equal(stats.n_shards, 1);
	assert_false(stats.has_bounds);
}

static void
exec(const char *path, const char *sql)
{
	struct db *db;
	struct err err;

	if (db_open(&db, path, DB_WRITE, &err) != 0 ||
	    db_exec(db, sql, &err) != 0)
		fail_msg("%s", err.text);
	db_close(db);
}

static void
damaged_shards_are_named(void **state)
{
	static const struct {
		const char *sql; /* NULL: the file is overwritten */
		int want;
	} rows[] = {
	    {"DELETE FROM source WHERE id = 3", ERR_CORRUPT},
	    {"PRAGMA user_version = 99", ERR_NEWER},
	    {NULL, ERR_CORRUPT},
	};
	struct fixture_flow flows[3] = {
	    {.source = 0}, {.source = 1}, {.source = 2}};
	char *path = store_shard_path(*state, 1);
	struct filter f;
	const struct scan_query q = {.dir = *state, .filter = &f};

	fixture_filter(&f, "");
	fixture_store(*state, 0, flows, 3, 0, 0);
	fixture_store(*state, 1, flows, 3, 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stopper s = {0};
		struct scan_stats stats;
		struct err err = {0};
		FILE *file;
		int rc;

		if (rows[i].sql != NULL) {
			exec(path, rows[i].sql);
		} else {
			assert_non_null(file = fopen(path, "r+"));
			for (int k = 0; k < 1000; k++)
				fputs("no database", file);
			assert_int_equal(fclose(file), 0);
		}
		rc = scan_run(&q, stop, &s, &stats, &err);
		if (rc != rows[i].want || strstr(err.text, path) == NULL)
			fail_msg("row %zu: %d %s", i, rc, err.text);
		assert_int_equal(s.n_calls, 1); /* the good shard */
	}
	filter_release(&f);
	free(path);
}

static void
a_missing_folder_is_an_error(void **state)
{
	char *dir = xasprintf("%s/none", (char *)*state);
	struct stopper s = {0};
	struct scan_stats stats;
	struct filter f;
	const struct scan_query q = {.dir = dir, .filter = &f};
	struct err err = {0};

	fixture_filter(&f, "");
	assert_int_equal(scan_run(&q, stop, &s, &stats, &err), ERR_SYSTEM);
	assert_non_null(strstr(err.text, dir));
	filter_release(&f);
	free(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_store, remove_store)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(sql_and_memory_agree_with_a_naive_matcher),
	    TEST(from_is_included_and_to_is_not),
	    TEST(segments_out_of_the_time_are_not_read),
	    TEST(only_wanted_columns_are_filled),
	    TEST(large_segments_come_in_batches),
	    TEST(an_exporter_has_one_position_in_all_shards),
	    TEST(the_consumer_can_end_the_scan),
	    TEST(a_shard_is_read_as_of_one_moment),
	    TEST(an_empty_store_has_no_flows),
	    TEST(damaged_shards_are_named),
	    TEST(a_missing_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
