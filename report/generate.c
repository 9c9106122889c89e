/* SPDX-License-Identifier: ISC */
/*
 * weir generate: made-up NetFlow v5 in a file, for a first look, for tests, and
 * to see what a machine can take. What is in it is traffic.c's and simulate.c's
 * business, what the file looks like that of export_pcap.c and export_raw.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/commands.h"
#include "report/export.h"
#include "report/request.h"
#include "report/simulate.h"
#include "report/sink.h"
#include "report/traffic.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/num.h"
#include "schema/base/when.h"

enum word {
	WORD_FLOWS,
	WORD_SEED,
	WORD_HOSTS,
	WORD_EXPORTERS,
	WORD_ENGINES,
	WORD_SAMPLING,
	WORD_SCANS,
	WORD_LOST,
	WORD_LATE,
	WORD_DUPLICATES,
	WORD_RESTARTS,
	N_WORDS
};

enum { MILLION = 1000000 };

static const struct {
	const char *name;
	uint64_t usual, min, max;
	bool is_percent; /* a number of a million */
	const char *help;
} words[N_WORDS] = {
    [WORD_FLOWS] = {"flows", 100000, 1, UINT64_C(1000000000000), false,
	"flows, without those of scans"},
    [WORD_SEED] = {"seed", 1, 0, UINT64_MAX, false,
	"other numbers give other flows"},
    [WORD_HOSTS] = {"hosts", 5000, 1, TRAFFIC_MAX_HOSTS, false,
	"hosts at the site, in 10.0.0.0/8"},
    [WORD_EXPORTERS] = {"exporters", 1, 1, SIMULATE_MAX_EXPORTERS, false,
	"routers, 192.0.2.1 and on"},
    [WORD_ENGINES] = {"engines", 1, 1, SIMULATE_MAX_ENGINES, false,
	"in each router"},
    [WORD_SAMPLING] = {"sampling", 0, 0, 16383, false,
	"1 packet in as many is counted; 0: all are"},
    [WORD_SCANS] = {"scans", 0, 0, SIMULATE_MAX_SCANS, false,
	"SYN, UDP, FIN, NULL and Xmas scans of the site"},
    [WORD_LOST] = {"lost", 0, 0, MILLION, true, "per cent of the datagrams"},
    [WORD_LATE] = {"late", 0, 0, MILLION, true,
	"per cent; others overtake them"},
    [WORD_DUPLICATES] = {"duplicates", 0, 0, MILLION, true,
	"per cent that arrive twice"},
    [WORD_RESTARTS] = {"restarts", 0, 0, SIMULATE_MAX_RESTARTS, false,
	"times that a router starts anew"},
};

static const struct {
	const char *name;
	const struct export_format *format;
} formats[] = {{"pcap", &export_pcap}, {"raw", &export_raw}};

/* 2026-01-05T00:00Z, a Monday, and the longest span. */
static const int64_t USUAL_FROM_MS = INT64_C(1767571200) * MS_PER_S;
static const int64_t MAX_SPAN_MS = INT64_C(366) * MS_PER_DAY;

struct generate {
	uint64_t value[N_WORDS];
	uint32_t seen; /* bit per word already given */
	bool has_from, has_to;
	int64_t from_ms, to_ms;
	const char *output;
	const struct export_format *format;
	void *state; /* of format */
	bool help;
	struct err *err;
};

/* ---- words ---- */

static int
refuse_word(const char *word, struct err *err)
{
	struct buf known;

	buf_init(&known, 400);
	for (size_t i = 0; i < N_WORDS; i++)
		buf_printf(&known, " %s", words[i].name);
	err_set(err, ERR_USAGE,
	    "unknown word \"%.60s\": words are WORD=VALUE, of%s from to", word,
	    buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

/* "250", "20k", "1M", "2G" */
static bool
parse_count(const char *text, uint64_t *out)
{
	static const char units[] = "kMG";
	size_t len = strlen(text);
	const char *unit = len > 1 ? strchr(units, text[len - 1]) : NULL;
	uint64_t factor = 1;
	char digits[24];

	if (unit == NULL)
		return parse_u64(text, UINT64_MAX, out);
	if (len > sizeof digits)
		return false;
	memcpy(digits, text, len - 1);
	digits[len - 1] = '\0';
	for (const char *u = units; u <= unit; u++)
		factor *= 1000;
	if (!parse_u64(digits, UINT64_MAX / factor, out))
		return false;
	*out *= factor;
	return true;
}

/* "2", "0.5", "0.0001" per cent, as a number of a million. */
static bool
parse_percent(const char *text, uint64_t *out)
{
	uint64_t n = 0;
	size_t digits = strspn(text, "0123456789"), behind = 0;

	if (digits == 0 || digits > 3)
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (uint64_t)(text[i] - '0');
	text += digits;
	if (*text == '.') {
		text++;
		behind = strspn(text, "0123456789");
		if (behind == 0 || behind > 4)
			return false;
	}
	for (size_t i = 0; i < 4; i++)
		n = n * 10 + (i < behind ? (uint64_t)(text[i] - '0') : 0);
	*out = n;
	return text[behind] == '\0';
}

static int
set_number(struct generate *g, enum word i, const char *value, struct err *err)
{
	uint64_t n;
	bool ok = words[i].is_percent ? parse_percent(value, &n)
				      : parse_count(value, &n);

	if ((g->seen & 1u << i) != 0)
		return err_set(err, ERR_USAGE, "%s=%.60s: %s is given twice",
		    words[i].name, value, words[i].name);
	g->seen |= 1u << i;
	if (words[i].is_percent && (!ok || n > MILLION))
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want per cent, 0 to 100, at most 4 places",
		    words[i].name, value);
	if (!ok || n < words[i].min || n > words[i].max)
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want a number, %llu to %llu; k, M, G multiply",
		    words[i].name, value, (unsigned long long)words[i].min,
		    (unsigned long long)words[i].max);
	g->value[i] = n;
	return 0;
}

static int
set_time(const char *word, const char *value, bool *has, int64_t *ms,
    struct err *err)
{
	struct complaint why = {0};
	struct when w;

	if (when_read(&w, value, &why) != 0 ||
	    when_settle(&w, WHEN_ASK, &why) != 0)
		return err_set(
		    err, ERR_USAGE, "%.70s: %s: %s", word, why.what, why.hint);
	*ms = when_resolve(&w, clock_now_ms());
	if (*has)
		return err_set(err, ERR_USAGE, "%.70s: is given twice", word);
	*has = true;
	return 0;
}

static int
take_word(struct generate *g, const char *word, struct err *err)
{
	const char *value = strchr(word, '=');
	size_t len;

	if (value == NULL)
		return refuse_word(word, err);
	len = (size_t)(value++ - word);
	for (size_t i = 0; i < N_WORDS; i++)
		if (strlen(words[i].name) == len &&
		    memcmp(words[i].name, word, len) == 0)
			return set_number(g, (enum word)i, value, err);
	if (len == 4 && memcmp(word, "from", len) == 0)
		return set_time(word, value, &g->has_from, &g->from_ms, err);
	if (len == 2 && memcmp(word, "to", len) == 0)
		return set_time(word, value, &g->has_to, &g->to_ms, err);
	return refuse_word(word, err);
}

/* ---- the command line ---- */

static int
set_format(struct generate *g, const char *name, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i].name, name) == 0) {
			g->format = formats[i].format;
			return 0;
		}
	return err_set(err, ERR_USAGE,
	    "unknown format \"%.60s\": formats are pcap raw", name);
}

static int
take_options(struct generate *g, int argc, char **argv, struct err *err)
{
	static const struct option longer[] = {
	    {"help", no_argument, NULL, 'h'}, {0}};
	int letter, rc = 0;

	opterr = 0;
	while (rc == 0 && !g->help &&
	       (letter = getopt_long(argc, argv, ":f:o:h", longer, NULL)) != -1)
		switch (letter) {
		case 'f': rc = set_format(g, optarg, err); break;
		case 'o': g->output = optarg; break;
		case 'h': g->help = true; break;
		default:
			rc = err_set(err, ERR_USAGE,
			    letter == ':' ? "%.60s needs a value"
					  : "unknown option \"%.60s\": "
					    "options are -f -o -h",
			    argv[optind - 1]);
		}
	return rc;
}

static int64_t
whole_second(int64_t ms)
{
	return ms - ms % MS_PER_S;
}

static int
check_span(struct generate *g, struct err *err)
{
	static const int64_t max_ms = (int64_t)UINT32_MAX * MS_PER_S;

	g->from_ms = g->has_from ? whole_second(g->from_ms) : USUAL_FROM_MS;
	g->to_ms = g->has_to ? whole_second(g->to_ms) : g->from_ms + MS_PER_DAY;
	if (g->to_ms <= g->from_ms)
		return err_set(err, ERR_USAGE,
		    "from must be before to by a second at least");
	if (g->to_ms - g->from_ms > MAX_SPAN_MS)
		return err_set(
		    err, ERR_USAGE, "from and to are more than 366 days apart");
	if (g->from_ms < 0 || g->to_ms > max_ms)
		return err_set(err, ERR_USAGE,
		    "NetFlow v5 knows the years 1970 to 2105 alone");
	return 0;
}

static int
parse(struct generate *g, int argc, char **argv, struct err *err)
{
	int rc = take_options(g, argc, argv, err);

	if (rc != 0 || g->help)
		return rc;
	for (int i = optind; i < argc && rc == 0; i++)
		rc = take_word(g, argv[i], err);
	if (rc == 0)
		rc = check_span(g, err);
	if (rc != 0)
		return rc;
	if (g->format == &export_raw && g->value[WORD_EXPORTERS] > 1)
		return err_set(err, ERR_USAGE,
		    "exporters=%llu: raw datagrams do not say who sent them, "
		    "use -f pcap",
		    (unsigned long long)g->value[WORD_EXPORTERS]);
	if (g->output == NULL && isatty(STDOUT_FILENO))
		return err_set(err, ERR_USAGE,
		    "the terminal cannot show datagrams: use -o FILE");
	return 0;
}

static int
print_help(struct err *err)
{
	struct sink *sink;
	struct buf text;
	int rc = sink_open(&sink, NULL, err);

	if (rc != 0)
		return rc;
	buf_init(&text, 4096);
	buf_puts(&text,
	    "usage: weir generate [WORDS] -o FILE [-f pcap|raw]\n\n"
	    "Made-up NetFlow v5 as routers at the border of a site would "
	    "export it, for\n`weir import` and `weir send`. The same words "
	    "give the same bytes everywhere.\n\nwords (usual value):\n");
	for (size_t i = 0; i < N_WORDS; i++)
		buf_printf(&text, "  %-9s  %s (%llu)\n", words[i].name,
		    words[i].help, (unsigned long long)words[i].usual);
	buf_puts(&text,
	    "  from, to   when they are exported (from=2026-01-05T00:00Z, a "
	    "day)\n\noptions:\n"
	    "  -f FORMAT  pcap, or raw datagrams one behind the other\n"
	    "  -o FILE    write there, whole or not at all; - is standard "
	    "output\n"
	    "  -h         this help\n\n"
	    "examples:\n"
	    "  weir generate flows=1M scans=6 from=-1d to=now -o day.pcap\n"
	    "  weir generate exporters=3 engines=2 lost=0.5 late=0.1 "
	    "restarts=1 -o lossy.pcap\n"
	    "  weir generate flows=20M from=2026-02-01 to=2026-02-08 -o - | "
	    "weir import -\n"
	    "  weir generate flows=3M -o load.pcap && weir send load.pcap "
	    "--to 127.0.0.1:2055 --rate 200000\n");
	sink_puts(sink, buf_str(&text));
	buf_release(&text);
	return sink_close(sink, err);
}

/* ---- at work ---- */

static struct simulate_wishes
wishes_of(const struct generate *g)
{
	const uint64_t *v = g->value;

	return (struct simulate_wishes){
	    .flows = v[WORD_FLOWS],
	    .seed = v[WORD_SEED],
	    .from_ms = g->from_ms,
	    .to_ms = g->to_ms,
	    .hosts = (uint32_t)v[WORD_HOSTS],
	    .exporters = (uint32_t)v[WORD_EXPORTERS],
	    .engines = (uint32_t)v[WORD_ENGINES],
	    .sampling = (uint32_t)v[WORD_SAMPLING],
	    .scans = (uint32_t)v[WORD_SCANS],
	    .restarts = (uint32_t)v[WORD_RESTARTS],
	    .lost = (uint32_t)v[WORD_LOST],
	    .late = (uint32_t)v[WORD_LATE],
	    .duplicates = (uint32_t)v[WORD_DUPLICATES],
	};
}

static int
put_datagram(const struct packed *d, void *arg)
{
	struct generate *g = arg;

	return g->format->put(g->state, d, g->err);
}

static int
write_file(struct generate *g, struct simulation *s, struct err *err)
{
	struct sink *sink;
	int rc = sink_open(&sink, g->output, err);

	if (rc != 0)
		return rc;
	if ((rc = g->format->begin(&g->state, sink, err)) == 0) {
		rc = simulate_run(s, put_datagram, g);
		if (rc == 0)
			rc = g->format->end(g->state, NULL, err);
		g->format->free(g->state);
	}
	if (rc != 0) {
		sink_abandon(sink);
		return rc;
	}
	return sink_close(sink, err);
}

/* Numbers as they are: for people, and for tests to compare. */
static void
print_scan(FILE *to, const struct traffic_scan *s)
{
	char from[CLOCK_TEXT_LEN], until[CLOCK_TEXT_LEN];
	char scanner[ADDR_TEXT_LEN], target[ADDR_TEXT_LEN];

	clock_format_ms(s->from_ms, from);
	clock_format_ms(s->to_ms, until);
	ip4_format(s->scanner, scanner);
	ip4_format(s->target, target);
	if (traffic_scan_is_of_ports(s))
		fprintf(to, "scan: %s, by %s, ports 1 to %u of %s",
		    traffic_scan_name(s), scanner, s->n_targets, target);
	else
		fprintf(to, "scan: %s, by %s, port %u of %u hosts from %s on",
		    traffic_scan_name(s), scanner, s->port, s->n_targets,
		    target);
	fprintf(to, ", %.19s to %.19s\n", from, until);
}

static void
print_truth(FILE *to, const char *path, const struct simulate_truth *t)
{
	fprintf(to,
	    "%s: %llu datagrams, %llu flows (%llu of scans); lost %llu "
	    "datagrams, %llu flows; %llu late; %llu duplicates, %llu flows; "
	    "%u restarts\n",
	    path, (unsigned long long)t->datagrams,
	    (unsigned long long)t->flows, (unsigned long long)t->scan_flows,
	    (unsigned long long)t->lost_datagrams,
	    (unsigned long long)t->lost_flows, (unsigned long long)t->late,
	    (unsigned long long)t->duplicates,
	    (unsigned long long)t->duplicate_flows, t->restarts);
	for (uint32_t i = 0; i < t->n_scans; i++)
		print_scan(to, &t->scan[i]);
}

static int
run(struct generate *g, struct err *err)
{
	const struct simulate_wishes wishes = wishes_of(g);
	struct simulation *s = simulate_new(&wishes);
	int rc = write_file(g, s, err);

	if (rc == 0 && g->output != NULL && strcmp(g->output, "-") != 0)
		print_truth(stdout, g->output, simulate_truth(s));
	simulate_free(s);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		return err_sys(err, "standard output");
	return rc;
}

int
generate_main(int argc, char **argv)
{
	struct err err = {0};
	struct generate g = {.format = &export_pcap, .err = &err};
	int rc;

	for (size_t i = 0; i < N_WORDS; i++)
		g.value[i] = words[i].usual;
	rc = parse(&g, argc, argv, &err);
	if (rc == 0)
		rc = g.help ? print_help(&err) : run(&g, &err);
	return request_status("generate", rc, &err);
}
