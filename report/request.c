/* SPDX-License-Identifier: ISC */
/* Command lines of the commands that answer: see request.h. */
#include "report/request.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "query/dedup.h"
#include "query/scan.h"
#include "query/store_names.h"
#include "query/value.h"
#include "report/resolve.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/clock.h"
#include "schema/base/complain.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"
#include "schema/base/when.h"
#include "schema/conf.h"

enum { HELP_MAX = 65536 }; /* bytes */

/* ---- words ---- */

typedef int set_fn(struct request *r, const char *value, struct err *err);

static int
set_lines(struct request *r, const char *value, struct err *err)
{
	if (!parse_u64(value, INT64_MAX, &r->lines))
		return err_set(err, ERR_USAGE,
		    "lines=%s: \"%s\" is no number of rows; 0 means all", value,
		    value);
	r->has_lines = true;
	return 0;
}

/* The position of value in names, or an error. */
static int
choose(const char *key, const char *value, const char *const *names,
    const char *want, struct err *err)
{
	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], value) == 0)
			return i;
	return err_set(err, ERR_USAGE, "%s=%.60s: want %s", key, value, want);
}

static int
set_units(struct request *r, const char *value, struct err *err)
{
	static const char *const names[] = {
	    [UNITS_PLAIN] = "plain",
	    [UNITS_SI] = "si",
	    [UNITS_BINARY] = "binary",
	    NULL,
	};
	int units = choose(
	    "units", value, names, "plain, si (1000) or binary (1024)", err);

	if (units < 0)
		return units;
	r->units = (enum out_units)units;
	return 0;
}

static int
set_link(struct request *r, const char *value, struct err *err)
{
	static const char *const starts[] = {"/", "?", "http://", "https://"};

	for (size_t i = 0; i < ARRAY_LEN(starts); i++)
		if (strncmp(value, starts[i], strlen(starts[i])) == 0 &&
		    strpbrk(value, "#\\") == NULL) {
			r->link = value;
			return 0;
		}
	return err_set(err, ERR_USAGE,
	    "link=%.60s: want the URL of a page of this question, such as "
	    "http://HOST:8080/report?keys=src",
	    value);
}

static int
set_names(struct request *r, const char *value, struct err *err)
{
	static const char *const names[] = {
	    [NAMES_NO] = "no",
	    [NAMES_LOCAL] = "local",
	    [NAMES_ALL] = "yes",
	    NULL,
	};
	int which = choose(
	    "names", value, names, "no, local (without the DNS) or yes", err);

	if (which < 0)
		return which;
	r->names = (enum request_names)which;
	return 0;
}

static int
set_resolver(struct request *r, const char *value, struct err *err)
{
	enum { DNS_PORT = 53 };
	struct endpoint e = {.port = DNS_PORT};

	if (!addr_parse(value, &e.addr) &&
	    (!endpoint_parse(value, &e) || addr_is_any(&e.addr) || e.port == 0))
		return err_set(err, ERR_USAGE,
		    "resolver=%.60s: is no name server, want ADDR, ADDR:PORT "
		    "or [V6ADDR]:PORT",
		    value);
	r->name_server = e;
	return 0;
}

static int
set_resolve_wait(struct request *r, const char *value, struct err *err)
{
	enum { MAX_S = 3600 };
	uint64_t seconds;

	if (!parse_u64(value, MAX_S, &seconds))
		return err_set(err, ERR_USAGE,
		    "resolve_wait=%.60s: want seconds, 0-%d", value, MAX_S);
	r->resolve_wait_ms = (int64_t)seconds * MS_PER_S;
	return 0;
}

int
request_read_scale(const char *value, const struct conf *conf,
    struct scale *out, struct err *err)
{
	*out = (struct scale){.mode = SCALE_NONE, .conf = conf};
	if (value[0] == '\0' || strcmp(value, "none") == 0)
		return 0;
	out->mode = SCALE_HEADER;
	if (strcmp(value, "header") == 0)
		return 0;
	out->mode = SCALE_FIXED;
	if (parse_u64(value, SCALE_MAX_FACTOR, &out->factor) && out->factor > 0)
		return 0;
	return err_set(err, ERR_USAGE,
	    "scale=%.60s: want none, header or a number, 1-%d", value,
	    SCALE_MAX_FACTOR);
}

static int
set_scale(struct request *r, const char *value, struct err *err)
{
	int rc;

	if (value[0] == '\0')
		return err_set(err, ERR_USAGE,
		    "scale=: want none, header or a number, 1-%d",
		    SCALE_MAX_FACTOR);
	rc = request_read_scale(value, r->conf, &r->scale, err);
	r->scaled = rc == 0 && r->scale.mode != SCALE_NONE ? value : NULL;
	return rc;
}

static int
set_dedup(struct request *r, const char *value, struct err *err)
{
	enum { MAX_MS = 3600 * 1000 };

	if (!value_read_duration(value, MAX_MS, &r->dedup_ms))
		return err_set(err, ERR_USAGE,
		    "dedup=%.60s: want how far starts of the same flow may be "
		    "apart, with its unit: 500ms, 1s, up to 1h",
		    value);
	r->has_dedup = true;
	return 0;
}

int
request_read_timeout(const char *value, int64_t *ms, struct err *err)
{
	enum { MAX_S = 366 * 86400 };
	struct complaint why = {0};
	uint64_t seconds;

	if (parse_u64(value, MAX_S, &seconds)) {
		*ms = (int64_t)seconds * MS_PER_S;
		return 0;
	}
	if (when_read_span(ms, value, &why) == 0)
		return 0;
	return err_set(err, ERR_USAGE,
	    "timeout=%.60s: want seconds, or a number with its unit: 30s, 2m; "
	    "0 is no limit",
	    value);
}

static int
set_timeout(struct request *r, const char *value, struct err *err)
{
	return request_read_timeout(value, &r->timeout_ms, err);
}

/* Words that commands share; those of the filter aside. */
static const struct common_word {
	const char *key;
	set_fn *set;
	enum {
		OF_ALL,
		OF_FLOWS,
		OF_TABLES,
		OF_COUNTERS,
		OF_NAMES,
		OF_SCANS
	} kind; /* what has it */
} common[] = {
    {"lines", set_lines, OF_ALL},
    {"dedup", set_dedup, OF_FLOWS},
    {"units", set_units, OF_TABLES},
    {"timeout", set_timeout, OF_SCANS},
    {"link", set_link, OF_TABLES},
    {"scale", set_scale, OF_COUNTERS},
    {"names", set_names, OF_NAMES},
    {"resolver", set_resolver, OF_NAMES},
    {"resolve_wait", set_resolve_wait, OF_NAMES},
};

static bool
has_tables(const struct request_spec *spec)
{
	return spec->formats == NULL || spec->tables_too;
}

static bool
takes_word(const struct request_spec *spec, const struct common_word *w)
{
	switch (w->kind) {
	case OF_FLOWS: return !spec->free_words;
	case OF_TABLES: return has_tables(spec) && !spec->free_words;
	case OF_COUNTERS: return spec->scale;
	case OF_NAMES: return spec->names;
	case OF_SCANS: return spec->scans;
	case OF_ALL: break;
	}
	return true;
}

static void
list_words(const struct request_spec *spec, struct buf *text)
{
	for (size_t i = 0; i < spec->n_words; i++)
		buf_printf(text, "%s ", spec->word[i].key);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (takes_word(spec, &common[i]))
			buf_printf(text, "%s ", common[i].key);
	filter_list_words(text);
}

static void
suggest_word(const struct request_spec *spec, struct suggestion *s)
{
	for (size_t i = 0; i < spec->n_words; i++)
		suggest_offer(s, spec->word[i].key);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (takes_word(spec, &common[i]))
			suggest_offer(s, common[i].key);
	filter_suggest_words(s);
}

/* len: of the key. */
static int
unknown_word(
    const struct request *r, const char *word, size_t len, struct err *err)
{
	char *key = xasprintf("%.*s", (int)len, word);
	struct suggestion meant;
	struct buf known;

	suggest_begin(&meant, key);
	suggest_word(r->spec, &meant);
	buf_init(&known, 1000);
	list_words(r->spec, &known);
	if (meant.name[0] != '\0')
		err_set(err, ERR_USAGE,
		    "unknown word \"%.60s\": do you mean %s%s?", word,
		    meant.name, word[len] != '=' ? "=VALUE" : "");
	else
		err_set(err, ERR_USAGE,
		    "unknown word \"%.60s\": words are %s%s", word,
		    word[len] != '=' ? "WORD=VALUE, of " : "", buf_str(&known));
	buf_release(&known);
	free(key);
	return ERR_USAGE;
}

static bool
is_key(const char *key, const char *word, size_t len)
{
	return strlen(key) == len && memcmp(key, word, len) == 0;
}

/* Words are numbered: those of the command, then the common ones. */
static int
see_once(struct request *r, size_t number, const char *word, const char *key,
    struct err *err)
{
	uint64_t bit = UINT64_C(1) << number;

	if ((r->seen & bit) != 0)
		return err_set(
		    err, ERR_USAGE, "%.60s: %s is given twice", word, key);
	r->seen |= bit;
	return 0;
}

static int
set_own_word(
    struct request *r, size_t i, const char *word, void *arg, struct err *err)
{
	const struct request_word *own = &r->spec->word[i];
	int rc = see_once(r, i, word, own->key, err);

	return rc != 0 ? rc : own->set(arg, word + strlen(own->key) + 1, err);
}

static int
set_common_word(struct request *r, size_t i, const char *word, struct err *err)
{
	const char *key = common[i].key;
	int rc = see_once(r, r->spec->n_words + i, word, key, err);

	return rc != 0 ? rc : common[i].set(r, word + strlen(key) + 1, err);
}

static int
take_word(struct request *r, const char *word, void *arg, struct err *err)
{
	const struct request_spec *spec = r->spec;
	const char *equals = strchr(word, '=');
	size_t len;

	if (!spec->no_words && !spec->free_words && word[0] == '@') {
		r->has_saved = true;
		return filter_add_word(&r->filter, word, r->now_ms, err);
	}
	if (spec->bare != NULL && (equals == NULL || spec->no_words))
		return spec->bare(arg, word, err);
	if (equals == NULL)
		return unknown_word(r, word, strlen(word), err);
	len = (size_t)(equals - word);
	for (size_t i = 0; i < spec->n_words; i++)
		if (is_key(spec->word[i].key, word, len))
			return set_own_word(r, i, word, arg, err);
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (takes_word(spec, &common[i]) &&
		    is_key(common[i].key, word, len))
			return set_common_word(r, i, word, err);
	if (spec->free_words)
		return spec->bare(arg, word, err);
	if (filter_knows(word, len))
		return filter_add_word(&r->filter, word, r->now_ms, err);
	return unknown_word(r, word, len, err);
}

/* ---- options ---- */

static void
list_formats(const struct request_spec *spec, struct buf *text)
{
	for (size_t i = 0; spec->formats != NULL && spec->formats[i] != NULL;
	     i++)
		buf_printf(text, "%s%s", i > 0 ? " " : "", spec->formats[i]);
	if (spec->tables_too)
		buf_puts(text, " ");
	if (has_tables(spec))
		out_format_list(text);
}

static bool
find_own_format(struct request *r, const char *name)
{
	for (size_t i = 0;
	     r->spec->formats != NULL && r->spec->formats[i] != NULL; i++)
		if (strcmp(r->spec->formats[i], name) == 0) {
			r->own_format = i;
			return true;
		}
	return false;
}

static bool
find_table_format(struct request *r, const char *name)
{
	const struct out_format *format = out_format_find(name);

	if (!has_tables(r->spec) || format == NULL)
		return false;
	r->format = format;
	r->own_format = NO_OWN_FORMAT;
	return true;
}

static bool
has_formats(const struct request_spec *spec)
{
	return has_tables(spec) || spec->formats[0] != NULL;
}

static int
set_format(struct request *r, const char *name, struct err *err)
{
	struct buf known;

	if (!has_formats(r->spec))
		return err_set(
		    err, ERR_USAGE, "option -f: there is one format alone");
	r->has_format = true;
	if (find_own_format(r, name) || find_table_format(r, name))
		return 0;
	buf_init(&known, 200);
	list_formats(r->spec, &known);
	err_set(err, ERR_USAGE, "unknown format \"%.60s\": formats are %s",
	    name, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

static int
set_threads(struct request *r, const char *value, struct err *err)
{
	uint64_t n;

	if (!parse_u64(value, SCAN_MAX_THREADS, &n) || n == 0)
		return err_set(err, ERR_USAGE,
		    "option -j %.60s: want a number of threads, 1-%d", value,
		    SCAN_MAX_THREADS);
	r->n_threads = (unsigned)n;
	return 0;
}

static int
unknown_option(const struct request *r, char **argv, struct err *err)
{
	char letter[3] = {'-', (char)optopt, '\0'};
	struct buf known;

	buf_init(&known, 200);
	buf_printf(&known, "-c -d -f -o -h%s", r->spec->scans ? " -j -n" : "");
	for (size_t i = 0; i < r->spec->n_options; i++)
		buf_printf(&known, " -%c", r->spec->option[i].letter);
	/* 0: a long one, which getopt has stepped over. */
	err_set(err, ERR_USAGE, "unknown option \"%.60s\": options are %s",
	    optopt == 0 ? argv[optind - 1] : letter, buf_str(&known));
	buf_release(&known);
	return ERR_USAGE;
}

/* Without -f the name of the file tells, if it does. */
static void
choose_format(struct request *r)
{
	const char *dot = r->output != NULL ? strrchr(r->output, '.') : NULL;

	if (!r->has_format && dot != NULL)
		r->has_format =
		    find_own_format(r, dot + 1) ||
		    find_table_format(
			r, strcmp(dot, ".txt") == 0 ? "text" : dot + 1);
}

static int
take_option(
    struct request *r, int option, char **argv, void *arg, struct err *err)
{
	for (size_t i = 0; i < r->spec->n_options; i++)
		if (r->spec->option[i].letter == option)
			return r->spec->option[i].set(arg, optarg, err);
	switch (option) {
	case 'c': r->file = optarg; return 0;
	case 'd': r->dir = optarg; return 0;
	case 'f': return set_format(r, optarg, err);
	case 'j': return set_threads(r, optarg, err);
	case 'n': r->explain = true; return 0;
	case 'o': r->output = optarg; return 0;
	case 'h': r->help = true; return 0;
	case ':':
		return err_set(
		    err, ERR_USAGE, "option -%c needs a value", optopt);
	default: return unknown_option(r, argv, err);
	}
}

/* The options of all commands, and those of this one. */
struct options {
	char letters[16 + 2 * REQUEST_MAX_OPTIONS];
	struct option longer[REQUEST_MAX_OPTIONS + 3];
};

static void
collect_options(const struct request_spec *spec, struct options *o)
{
	size_t n = 0, len;

	*o = (struct options){.letters = ":c:d:f:o:h"};
	len = strlen(o->letters);
	if (spec->scans) {
		o->letters[len++] = 'j';
		o->letters[len++] = ':';
		o->letters[len++] = 'n';
		o->longer[n++] =
		    (struct option){"explain", no_argument, NULL, 'n'};
	}
	o->longer[n++] = (struct option){"help", no_argument, NULL, 'h'};
	assert(spec->n_options <= REQUEST_MAX_OPTIONS);
	for (size_t i = 0; i < spec->n_options; i++) {
		const struct request_option *x = &spec->option[i];

		o->letters[len++] = x->letter;
		if (x->value != NULL)
			o->letters[len++] = ':';
		if (x->name != NULL)
			o->longer[n++] = (struct option){x->name,
			    x->value != NULL ? required_argument : no_argument,
			    NULL, x->letter};
	}
}

/* On a copy, as getopt moves words behind the options. */
int
request_find_bare(const struct request_spec *spec, int argc, char **argv)
{
	char **copy = xcalloc((size_t)argc + 1, sizeof *copy);
	const char *bare = NULL;
	struct options o;
	int at = 0;

	memcpy(copy, argv, (size_t)argc * sizeof *copy);
	collect_options(spec, &o);
	opterr = 0;
	optind = 0;
	while (getopt_long(argc, copy, o.letters, o.longer, NULL) != -1)
		continue;
	for (int i = optind; i < argc && bare == NULL; i++)
		if (strchr(copy[i], '=') == NULL)
			bare = copy[i];
	free(copy);
	for (int i = 1; i < argc && bare != NULL && at == 0; i++)
		if (argv[i] == bare)
			at = i;
	return at;
}

static int
take_options(
    struct request *r, int argc, char **argv, void *arg, struct err *err)
{
	struct options o;
	int option, rc = 0;

	collect_options(r->spec, &o);
	opterr = 0;
	optind = 0; /* glibc: start anew, words and options in any order */
	while (
	    rc == 0 && !r->help &&
	    (option = getopt_long(argc, argv, o.letters, o.longer, NULL)) != -1)
		rc = take_option(r, option, argv, arg, err);
	return rc;
}

static int
open_conf(struct request *r, struct err *err)
{
	const struct conf_options o = {.file = r->file, .dir = r->dir};
	int rc = conf_open(&r->conf, &o, err);

	if (rc != 0)
		return rc;
	r->dir = r->conf->data;
	r->store_names = store_names_new(r->dir, r->conf, NULL);
	r->filter.names = store_names(r->store_names);
	return 0;
}

int
request_parse(struct request *r, const struct request_spec *spec, int argc,
    char **argv, void *arg, struct err *err)
{
	int rc;

	*r = (struct request){
	    .spec = spec,
	    .format = &out_text,
	    .resolve_wait_ms = RESOLVE_WAIT_MS,
	    .own_format = has_tables(spec) ? NO_OWN_FORMAT : 0,
	    .now_ms = clock_now_ms(),
	};
	filter_init(&r->filter);
	if ((rc = take_options(r, argc, argv, arg, err)) != 0 || r->help ||
	    (rc = open_conf(r, err)) != 0)
		return rc;
	choose_format(r);
	for (int i = optind; rc == 0 && i < argc; i++)
		rc = take_word(r, argv[i], arg, err);
	if (rc == 0)
		rc = filter_check(&r->filter, err);
	/* The answer's times are in the zone that was asked for. */
	if (rc == 0 && filter_zone(&r->filter)[0] != '\0')
		(void)clock_set_zone(filter_zone(&r->filter));
	return rc;
}

void
request_release(struct request *r)
{
	watch_end(&r->watch);
	filter_release(&r->filter);
	store_names_free(r->store_names);
	conf_free(r->conf);
}

/* ---- help ---- */

static void
put_option(struct buf *text, const struct request_option *x)
{
	const char *value = x->value != NULL ? x->value : "";

	buf_printf(text, "  -%c %-13s%s", x->letter, value, x->help);
	if (x->name != NULL)
		buf_printf(text, "; also --%s", x->name);
	buf_puts(text, "\n");
}

static void
put_names_help(struct buf *text)
{
	buf_printf(text,
	    "\nwords of names:\n"
	    "  names=WHICH  local: of services, configured exporters, "
	    "interfaces, AS\n"
	    "               numbers; yes: of hosts as well, from the DNS; no "
	    "(no)\n"
	    "  resolver=ADDR:PORT\n"
	    "               name server (the configured one, else those of "
	    "resolv.conf)\n"
	    "  resolve_wait=SECONDS\n"
	    "               for all answers of the DNS together (%d)\n",
	    RESOLVE_WAIT_MS / MS_PER_S);
}

int
request_help(const struct request *r, struct err *err)
{
	struct sink *sink;
	struct buf text;
	int rc = sink_open(&sink, NULL, err);

	if (rc != 0)
		return rc;
	buf_init(&text, HELP_MAX);
	r->spec->help(&text);
	if (!r->spec->no_words && !r->spec->free_words) {
		if (has_tables(r->spec))
			buf_puts(&text,
			    "\nwords for people (text, html):\n"
			    "  units=UNITS  octets and rates by 1000 (si), by "
			    "1024 (binary) or as\n"
			    "               they are (plain)\n"
			    "  link=URL     html, fragment: of the page of "
			    "this "
			    "question; values link\n"
			    "               to it narrowed by them\n");
		if (r->spec->scale)
			buf_printf(&text,
			    "\nwords of counters:\n"
			    "  scale=HOW    multiply octets and packets: "
			    "header "
			    "by the sampling\n"
			    "               interval that is configured for "
			    "the "
			    "exporter, else by\n"
			    "               its header's; 2-%d by that; none "
			    "(none)\n",
			    SCALE_MAX_FACTOR);
		if (r->spec->names)
			put_names_help(&text);
		buf_puts(&text,
		    "\nwords of flows seen more than once:\n"
		    "  dedup=TIME   the same addresses, ports and protocol "
		    "from "
		    "other exporters or\n"
		    "               interfaces, starting within TIME (1s), "
		    "count once\n");
		buf_puts(&text, "\nfilter words: ");
		filter_list_words(&text);
		buf_puts(&text,
		    "\n  values of one word are alternatives, different words "
		    "must all match\n");
	}
	if (r->spec->scans)
		buf_puts(&text,
		    "\nwords of time taken:\n"
		    "  timeout=T    give up after so many seconds, or 30s, 2m "
		    "(never)\n");
	buf_printf(&text, "\noptions:\n%s", conf_options_help);
	if (has_formats(r->spec)) {
		buf_puts(&text, "  -f FORMAT       ");
		list_formats(r->spec, &text);
		buf_puts(&text, "\n");
	}
	buf_puts(&text, "  -o FILE         write there, whole or not at all\n");
	if (r->spec->scans)
		buf_puts(&text,
		    "  -j N            read with N threads (one for each "
		    "core)\n"
		    "  -n              how the flows would be found; also "
		    "--explain\n");
	for (size_t i = 0; i < r->spec->n_options; i++)
		put_option(&text, &r->spec->option[i]);
	buf_puts(&text, "  -h, --help      this help\n");
	sink_puts(sink, buf_str(&text));
	buf_release(&text);
	return sink_close(sink, err);
}
