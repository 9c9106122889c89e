/* SPDX-License-Identifier: ISC */
/* Who scans: see scanners.h. */
#include "report/scanners.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "query/ast.h"
#include "query/quantity.h"
#include "report/pairs.h"
#include "schema/base/addr.h"
#include "schema/base/hash.h"
#include "schema/base/mem.h"
#include "schema/batch.h"

/* A count-min sketch: of all its places a source has the smallest count, which
 * is its own or, when others share them all, more. Never less. */
enum { SKETCH_ROWS = 2, SKETCH_BITS = 20, SKETCH_SIZE = 1 << SKETCH_BITS };

/* Halving what is small gains nothing. */
enum { LEAST_TO_HALVE = 4096 };

enum { TELLS_FLAGS = 10 }; /* per cent of the TCP flows of an exporter */

struct kind_sums {
	uint64_t flows, packets, octets, time_ms;
	int64_t start_ms, end_ms;
};

struct suspect {
	uint32_t addr;
	struct pairs pairs;
	struct kind_sums *sums[N_PROBE_KINDS]; /* NULL: no such probe */
};

struct exporter {
	struct addr addr;
	uint64_t tcp, with_flags; /* flows */
};

struct scanners {
	struct scanners_wishes wish;
	uint32_t threshold; /* probes that may be enough */
	uint64_t seed;
	uint64_t n_sampled;
	uint32_t *sketch; /* SKETCH_ROWS times SKETCH_SIZE */
	struct exporter *exporter;
	size_t n_exporters, cap_exporters;
	size_t *exporter_at; /* by position in the batches of one scan */
	size_t n_positions, cap_positions;
	struct suspect *suspect;
	size_t n_suspects, cap_suspects;
	uint32_t *slot; /* number of a suspect + 1, by address; 0: free */
	size_t n_slots; /* a power of two */
	uint64_t n_pairs;
};

struct scanners *
scanners_new(const struct scanners_wishes *w)
{
	struct scanners *s = xcalloc(1, sizeof *s);

	s->wish = *w;
	s->threshold = w->hosts < w->ports ? w->hosts : w->ports;
	s->seed = hash_seed();
	s->sketch =
	    xcalloc((size_t)SKETCH_ROWS * SKETCH_SIZE, sizeof *s->sketch);
	s->n_slots = 1024;
	s->slot = xcalloc(s->n_slots, sizeof *s->slot);
	return s;
}

void
scanners_free(struct scanners *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_suspects; i++) {
		pairs_release(&s->suspect[i].pairs);
		for (size_t k = 0; k < N_PROBE_KINDS; k++)
			free(s->suspect[i].sums[k]);
	}
	free(s->suspect);
	free(s->slot);
	free(s->exporter);
	free(s->exporter_at);
	free(s->sketch);
	free(s);
}

flow_column_set
scanners_columns(bool second)
{
	static const flow_column_set times =
	    (flow_column_set)1 << COL_START_MS | (flow_column_set)1
						     << COL_END_MS;

	return PROBE_COLUMNS | (flow_column_set)1 << COL_EXPORTER |
	       (second ? times : (flow_column_set)1 << COL_SAMPLING);
}

/* ---- the first time ---- */

static uint32_t *
place(const struct scanners *s, size_t row, uint32_t addr)
{
	uint64_t hash = hash_mix(addr ^ s->seed);

	return &s->sketch[row * SKETCH_SIZE +
			  (hash >> row * SKETCH_BITS & (SKETCH_SIZE - 1))];
}

static void
count_probe(struct scanners *s, uint32_t addr)
{
	for (size_t row = 0; row < SKETCH_ROWS; row++) {
		uint32_t *n = place(s, row, addr);

		*n += *n < UINT32_MAX;
	}
}

static bool
may_have_enough(const struct scanners *s, uint32_t addr)
{
	for (size_t row = 0; row < SKETCH_ROWS; row++)
		if (*place(s, row, addr) < s->threshold)
			return false;
	return true;
}

static size_t
number_of_exporter(struct scanners *s, const struct addr *a)
{
	for (size_t i = 0; i < s->n_exporters; i++)
		if (addr_equal(&s->exporter[i].addr, a))
			return i;
	s->exporter = xgrow(s->exporter, s->n_exporters, &s->cap_exporters,
	    sizeof *s->exporter);
	s->exporter[s->n_exporters] = (struct exporter){.addr = *a};
	return s->n_exporters++;
}

/* Who exported flow i; positions keep their meaning during one scan. */
static struct exporter *
exporter_of(struct scanners *s, const struct batch *b, size_t i)
{
	size_t at = (size_t)b->col[COL_EXPORTER][i];

	while (s->n_positions <= at) {
		size_t number =
		    number_of_exporter(s, &b->exporters[s->n_positions]);

		s->exporter_at = xgrow(s->exporter_at, s->n_positions,
		    &s->cap_positions, sizeof *s->exporter_at);
		s->exporter_at[s->n_positions++] = number;
	}
	return &s->exporter[s->exporter_at[at]];
}

static void
learn_flags(struct scanners *s, const struct batch *b, size_t i)
{
	struct exporter *x;

	if (b->col[COL_PROTOCOL][i] != IPPROTO_TCP)
		return;
	x = exporter_of(s, b, i);
	x->tcp++;
	x->with_flags += b->col[COL_TCP_FLAGS][i] != 0;
}

static bool
is_left_out(const struct scanners *s, const struct batch *b, size_t i)
{
	return s->wish.no_web && probe_is_of_web(b, i);
}

static bool
is_wanted(const struct scanners *s, const struct probe *p)
{
	return p->kind < N_PROBE_KINDS && (s->wish.kinds & 1u << p->kind) != 0;
}

static bool
accepts(const struct ast *a, uint32_t addr)
{
	bool is_and = a->kind == AST_AND;

	switch (a->kind) {
	case AST_RANGES: return ast_holds(a, addr);
	case AST_NOT: return !accepts(a->child[0], addr);
	case AST_TRUE: return true;
	default: break;
	}
	for (size_t i = 0; i < a->n_children; i++)
		if (accepts(a->child[i], addr) != is_and)
			return !is_and;
	return is_and;
}

static bool
is_suppressed(const struct scanners *s, uint32_t addr)
{
	return s->wish.suppressed != NULL && accepts(s->wish.suppressed, addr);
}

void
scanners_count(struct scanners *s, const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct probe p = probe_begun(b, i);

		learn_flags(s, b, i);
		s->n_sampled +=
		    (b->col[COL_SAMPLING][i] & SAMPLING_INTERVAL_MASK) > 1;
		if (is_wanted(s, &p) && !is_left_out(s, b, i) &&
		    !is_suppressed(s, p.scanner))
			count_probe(s, p.scanner);
	}
}

void
scanners_turn(struct scanners *s)
{
	s->n_positions = 0;
}

static bool
tells_flags(const struct exporter *x)
{
	return x->with_flags * 100 >= x->tcp * TELLS_FLAGS;
}

size_t
scanners_without_flags(const struct scanners *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_exporters; i++)
		n += !tells_flags(&s->exporter[i]);
	return n;
}

uint64_t
scanners_sampled(const struct scanners *s)
{
	return s->n_sampled;
}

/* ---- the second time ---- */

static uint32_t *
slot_of(const struct scanners *s, uint32_t addr)
{
	size_t at = (size_t)hash_mix(addr ^ s->seed) & (s->n_slots - 1);

	while (s->slot[at] != 0 && s->suspect[s->slot[at] - 1].addr != addr)
		at = (at + 1) & (s->n_slots - 1);
	return &s->slot[at];
}

static void
grow_slots(struct scanners *s)
{
	free(s->slot);
	s->n_slots *= 2;
	s->slot = xcalloc(s->n_slots, sizeof *s->slot);
	for (size_t i = 0; i < s->n_suspects; i++)
		*slot_of(s, s->suspect[i].addr) = (uint32_t)i + 1;
}

/* The source, made if it may have enough; NULL: it has not. */
static int
find_suspect(
    struct scanners *s, uint32_t addr, struct suspect **out, struct err *err)
{
	uint32_t *slot;

	*out = NULL;
	if (!may_have_enough(s, addr) || is_suppressed(s, addr))
		return 0;
	slot = slot_of(s, addr);
	if (*slot == 0) {
		if (s->n_suspects == SCANNERS_MAX_SOURCES)
			return err_set(err, ERR_LIMIT,
			    "more than %d sources to look at closely: give a "
			    "shorter span, fewer kinds or higher limits",
			    SCANNERS_MAX_SOURCES);
		s->suspect = xgrow(s->suspect, s->n_suspects, &s->cap_suspects,
		    sizeof *s->suspect);
		s->suspect[s->n_suspects] = (struct suspect){.addr = addr};
		*slot = (uint32_t)++s->n_suspects;
		if (s->n_suspects * 2 > s->n_slots) {
			grow_slots(s);
			slot = slot_of(s, addr);
		}
	}
	*out = &s->suspect[*slot - 1];
	return 0;
}

static void
halve(struct scanners *s, struct suspect *src)
{
	s->n_pairs -= src->pairs.n;
	pairs_halve(&src->pairs);
	s->n_pairs += src->pairs.n;
}

static int
make_room(struct scanners *s, struct err *err)
{
	struct suspect *largest = &s->suspect[0];

	for (size_t i = 1; i < s->n_suspects; i++)
		if (s->suspect[i].pairs.n > largest->pairs.n)
			largest = &s->suspect[i];
	if (largest->pairs.n < LEAST_TO_HALVE)
		return err_set(err, ERR_LIMIT,
		    "more than %d hosts and ports tried, by %zu sources: give "
		    "a shorter span, fewer kinds or higher limits",
		    SCANNERS_MAX_PAIRS, s->n_suspects);
	halve(s, largest);
	return 0;
}

static int
mark(struct scanners *s, struct suspect *src, const struct probe *p,
    struct err *err)
{
	const struct pair pair = {.host = p->target,
	    .port = p->port,
	    .class = (uint8_t)p->class,
	    .marks = p->mark};

	s->n_pairs += pairs_mark(&src->pairs, &pair);
	/* A host's ports stay together, so there is an end to it. */
	if (src->pairs.n > SCANNERS_MAX_PAIRS_OF_ONE)
		halve(s, src);
	return s->n_pairs > SCANNERS_MAX_PAIRS ? make_room(s, err) : 0;
}

static void
add_sums(
    struct suspect *src, enum probe_kind kind, const struct batch *b, size_t i)
{
	int64_t start_ms = b->col[COL_START_MS][i];
	int64_t end_ms = b->col[COL_END_MS][i];
	struct kind_sums *k = src->sums[kind];

	if (k == NULL) {
		k = src->sums[kind] = xcalloc(1, sizeof *k);
		k->start_ms = start_ms;
		k->end_ms = end_ms;
	}
	if (start_ms < k->start_ms)
		k->start_ms = start_ms;
	if (end_ms > k->end_ms)
		k->end_ms = end_ms;
	k->flows++;
	k->packets += (uint64_t)b->col[COL_PACKETS][i];
	k->octets += (uint64_t)b->col[COL_OCTETS][i];
	k->time_ms += (uint64_t)(end_ms - start_ms);
}

static bool
is_believed(
    struct scanners *s, const struct probe *p, const struct batch *b, size_t i)
{
	return p->kind != PROBE_NULL || tells_flags(exporter_of(s, b, i));
}

static int
add_begun(struct scanners *s, const struct batch *b, size_t i, struct err *err)
{
	struct probe p = probe_begun(b, i);
	struct suspect *src;
	int rc;

	if (p.mark == 0 ||
	    (p.kind < N_PROBE_KINDS &&
		(!is_wanted(s, &p) || !is_believed(s, &p, b, i))))
		return 0;
	if ((rc = find_suspect(s, p.scanner, &src, err)) != 0 || src == NULL)
		return rc;
	if (p.kind < N_PROBE_KINDS)
		add_sums(src, p.kind, b, i);
	return mark(s, src, &p, err);
}

static int
add_answer(struct scanners *s, const struct batch *b, size_t i, struct err *err)
{
	struct probe p = probe_answer(b, i);
	struct suspect *src;
	int rc;

	if (p.mark == 0)
		return 0;
	if ((rc = find_suspect(s, p.scanner, &src, err)) != 0 || src == NULL)
		return rc;
	return mark(s, src, &p, err);
}

int
scanners_add(struct scanners *s, const struct batch *b, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (is_left_out(s, b, i))
			continue;
		rc = add_begun(s, b, i, err);
		if (rc == 0)
			rc = add_answer(s, b, i, err);
	}
	return rc;
}

/* ---- what comes of it ---- */

/* By port: hosts that did not let the source in, and those that did. */
struct port_counts {
	uint32_t failed, worked;
	bool probed;
};

struct finding {
	const struct scanners *s;
	const struct suspect *src;
	const struct pair *pair; /* of the class, by host and port */
	size_t n;
	enum probe_kind kind;
	struct port_counts *port; /* 65536 */
	uint64_t failed, worked;  /* pairs */
	uint64_t failed_hosts;
	struct scanner out;
};

static bool
is_probed(const struct finding *f, const struct pair *p)
{
	return (p->marks & probes[f->kind].mark) != 0;
}

/* Whether the source got somewhere. Only a SYN begins a session. */
static bool
has_worked(const struct finding *f, const struct pair *p)
{
	if (f->kind == PROBE_SYN)
		return (p->marks & MARK_COMPLETED) != 0;
	return probes[f->kind].class != CLASS_TCP && is_probed(f, p) &&
	       (p->marks & MARK_WELCOMED) != 0;
}

static bool
is_most(const struct finding *f, uint64_t failed, uint64_t worked)
{
	return failed * 100 >= (failed + worked) * f->s->wish.failed;
}

static void
take_pair(struct finding *f, const struct pair *p, bool host_refused)
{
	if (!is_probed(f, p))
		return;
	f->out.pairs++;
	f->out.refused += host_refused || (p->marks & MARK_REFUSED) != 0;
	f->out.answered += (p->marks & (MARK_WELCOMED | MARK_COMPLETED)) != 0;
}

/* The n pairs of one host. *most: ports that failed on the top target. */
static void
take_host(struct finding *f, const struct pair *p, size_t n, uint64_t *most)
{
	/* A host says of UDP only that it refuses, not which port. */
	bool refused = f->kind == PROBE_UDP && p[0].port == 0 &&
		       (p[0].marks & MARK_REFUSED) != 0;
	uint64_t failed = 0, worked = 0, probed = f->out.pairs;

	for (size_t i = 0; i < n; i++) {
		take_pair(f, &p[i], refused);
		f->port[p[i].port].probed |= is_probed(f, &p[i]);
		if (has_worked(f, &p[i])) {
			worked++;
			f->port[p[i].port].worked++;
		} else if (is_probed(f, &p[i])) {
			failed++;
			f->port[p[i].port].failed++;
		}
	}
	f->failed += failed;
	f->worked += worked;
	f->out.targets += f->out.pairs > probed;
	f->failed_hosts += failed > 0;
	if (failed >= f->s->wish.ports && is_most(f, failed, worked))
		f->out.of_ports = true;
	if (failed > *most) {
		*most = failed;
		f->out.top_target = p[0].host;
	}
}

static void
take_hosts(struct finding *f)
{
	uint64_t most = 0;

	for (size_t i = 0, n; i < f->n; i += n) {
		for (n = 1;
		     i + n < f->n && f->pair[i + n].host == f->pair[i].host;
		     n++)
			continue;
		take_host(f, &f->pair[i], n, &most);
	}
}

/* Hosts of a sample stand for others. */
static uint64_t
scaled(const struct finding *f, uint64_t n)
{
	return n << f->src->pairs.level;
}

static void
take_port(
    struct finding *f, uint16_t port, struct port_counts c, uint32_t *most)
{
	f->out.ports += c.probed;
	if (scaled(f, c.failed) >= f->s->wish.hosts &&
	    is_most(f, c.failed, c.worked))
		f->out.of_hosts = true;
	if (c.failed > *most) {
		*most = c.failed;
		f->out.top_port = port;
	}
}

/* Many hosts on one port, or at least on any. Clears the counts again. */
static void
take_ports(struct finding *f)
{
	uint32_t most = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct port_counts *c = &f->port[f->pair[i].port];

		take_port(f, f->pair[i].port, *c, &most);
		*c = (struct port_counts){0};
	}
	f->out.spread = !f->out.of_hosts && !f->out.of_ports &&
			scaled(f, f->failed_hosts) >= f->s->wish.hosts &&
			is_most(f, f->failed, f->worked);
}

static void
finish(struct finding *f)
{
	const struct kind_sums *k = f->src->sums[f->kind];
	struct scanner *o = &f->out;

	o->addr = f->src->addr;
	o->kind = f->kind;
	o->estimated = f->src->pairs.level > 0;
	o->targets = scaled(f, o->targets);
	o->pairs = scaled(f, o->pairs);
	o->refused = scaled(f, o->refused);
	o->answered = scaled(f, o->answered);
	o->flows = k->flows;
	o->packets = k->packets;
	o->octets = k->octets;
	o->time_ms = k->time_ms;
	o->start_ms = k->start_ms;
	o->end_ms = k->end_ms;
}

static bool
look_at(struct finding *f)
{
	f->out = (struct scanner){0};
	f->failed = f->worked = f->failed_hosts = 0;
	take_hosts(f);
	take_ports(f);
	if (!f->out.of_hosts && !f->out.of_ports && !f->out.spread)
		return false;
	finish(f);
	return true;
}

struct found {
	struct scanner *scanner;
	size_t n, cap;
};

static void
look_at_suspect(const struct scanners *s, const struct suspect *src,
    struct port_counts *port, struct found *found)
{
	struct pair *pair;

	if (src->pairs.n << src->pairs.level < s->threshold)
		return;
	pair = pairs_sorted(&src->pairs);
	for (size_t k = 0; k < N_PROBE_KINDS; k++) {
		struct finding f = {
		    .s = s,
		    .src = src,
		    .kind = (enum probe_kind)k,
		    .port = port,
		};
		size_t first = 0;

		if (src->sums[k] == NULL)
			continue;
		while (first < src->pairs.n &&
		       pair[first].class != probes[k].class)
			first++;
		f.pair = pair + first;
		while (first + f.n < src->pairs.n &&
		       f.pair[f.n].class == probes[k].class)
			f.n++;
		if (!look_at(&f))
			continue;
		found->scanner = xgrow(found->scanner, found->n, &found->cap,
		    sizeof *found->scanner);
		found->scanner[found->n++] = f.out;
	}
	free(pair);
}

static int
by_flows(const void *x, const void *y)
{
	const struct scanner *a = x, *b = y;

	if (a->flows != b->flows)
		return a->flows > b->flows ? -1 : 1;
	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return (a->kind > b->kind) - (a->kind < b->kind);
}

struct scanner *
scanners_find(const struct scanners *s, size_t *n)
{
	struct port_counts *port = xcalloc(UINT16_MAX + 1, sizeof *port);
	struct found found = {0};

	for (size_t i = 0; i < s->n_suspects; i++)
		look_at_suspect(s, &s->suspect[i], port, &found);
	free(port);
	if (found.n > 0)
		qsort(found.scanner, found.n, sizeof *found.scanner, by_flows);
	*n = found.n;
	return found.scanner;
}
