/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_REQUEST_H
#define WEIR_REPORT_REQUEST_H
/*
 * What the commands that answer have in common: options and words in any
 * order, the caption and notes around the answer, where it goes, and how the
 * command ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "query/filter.h"
#include "query/scale.h"
#include "report/table.h"
#include "report/watch.h"
#include "schema/base/addr.h"
#include "schema/base/buf.h"
#include "schema/base/err.h"

struct conf;
struct naming;
struct dedup;
struct scan_query;
struct scan_stats;
struct store_names;

/* A word of one command alone: "key=value". */
struct request_word {
	const char *key;
	int (*set)(void *arg, const char *value, struct err *err);
};

/* An option of one command alone. */
struct request_option {
	char letter;
	const char *name;  /* behind "--"; NULL: the letter alone */
	const char *value; /* what it is called in help; NULL: it has none */
	const char *help;
	int (*set)(void *arg, const char *value, struct err *err);
};

enum { REQUEST_MAX_OPTIONS = 8 };

struct request_spec {
	const struct request_word *word;
	size_t n_words;
	const struct request_option *option;
	size_t n_options; /* at most REQUEST_MAX_OPTIONS */
	/* Names for -f, NULL behind the last one, instead of those of tables;
	 * NULL: tables. Without any name there is no -f. */
	const char *const *formats;
	bool tables_too; /* besides those */
	/* A word without "="; NULL: there is none. */
	int (*bare)(void *arg, const char *word, struct err *err);
	void (*help)(struct buf *text);
	bool names;      /* it shows names of what it has */
	bool scale;      /* it shows octets or packets of flows */
	bool scans;      /* it reads flows through request_query */
	bool no_words;   /* not even common ones and those of the filter */
	bool free_words; /* what is no own word nor lines= is bare */
};

/* What names= asks for. */
enum request_names {
	NAMES_NO,
	NAMES_LOCAL, /* what is known here */
	NAMES_ALL,   /* the DNS as well */
};

enum { NO_OWN_FORMAT = 1000 };

struct request {
	const struct request_spec *spec; /* borrowed */
	struct conf *conf;  /* what -c and -d say, or defaults; NULL with -h */
	const char *file;   /* -c; borrowed from argv */
	const char *dir;    /* data folder; the configuration's */
	const char *output; /* file; NULL: standard output */
	const struct out_format *format; /* of a table */
	bool has_format;   /* -f or the name of the file told it */
	size_t own_format; /* position in spec->formats, or NO_OWN_FORMAT: a
			      table's, see format */
	struct filter filter;
	struct store_names *store_names; /* that it may use; NULL with -h */
	bool has_lines;                  /* lines= was given */
	uint64_t lines;                  /* rows to show; 0: all */
	bool has_dedup;                  /* dedup= was given */
	int64_t dedup_ms;   /* how far starts of the same flow may be apart */
	int64_t timeout_ms; /* 0: none */
	unsigned n_threads; /* -j; 0: one for each core */
	bool explain;       /* --explain: see explain_table.h */
	struct watch watch;
	bool help; /* -h: print help, nothing else */
	enum out_units units;
	const char *link;   /* see out_style; borrowed from argv */
	bool has_saved;     /* words of a saved filter */
	struct scale scale; /* for a scan_query */
	const char *scaled; /* scale= as typed; NULL: not given, or none */
	enum request_names names;
	struct endpoint name_server; /* family 0: the configured one */
	int64_t resolve_wait_ms;
	uint64_t seen;  /* bit per word already given */
	int64_t now_ms; /* what relative times count from */
};

/*
 * Read a command line; arg goes to the spec's functions. ERR_USAGE with a text
 * that names what is wrong and what is known. Release in any case.
 */
int request_parse(struct request *r, const struct request_spec *spec, int argc,
    char **argv, void *arg, struct err *err) MUST_CHECK;
void request_release(struct request *r);

/* What scale= says; "" is none. */
int request_read_scale(const char *value, const struct conf *conf,
    struct scale *out, struct err *err) MUST_CHECK;

/* Where in argv the first word without "=" is; 0: there is none. */
int request_find_bare(const struct request_spec *spec, int argc, char **argv);

/* The value of timeout=: seconds, or a number with its unit. */
int request_read_timeout(
    const char *value, int64_t *ms, struct err *err) MUST_CHECK;

/* Print help to standard output. */
int request_help(const struct request *r, struct err *err) MUST_CHECK;

/* What the words and the configuration say of names, with or without asking
 * the DNS. */
int request_naming(const struct request *r, bool ask, struct naming **out,
    struct err *err) MUST_CHECK;

/* What a scan of the answer has in common with others; it is looked on until
 * request_read. Borrows r. */
struct scan_query request_query(struct request *r);

/*
 * The reading of flows is over, with rc: signals do again what they do, the
 * line on the terminal is gone. Returns rc, or ERR_STOPPED when a signal came
 * too late to end it.
 */
int request_read(struct request *r, int rc, struct err *err) MUST_CHECK;

/* Open where the answer goes, and begin a writer for it. */
int request_open(const struct request *r, struct sink **sink, struct out *out,
    struct err *err) MUST_CHECK;

/* Whether the format is one that people read, not programs. */
bool request_is_for_people(const struct request *r);

/* The span of the answer: as asked, else the bounds of what is stored. stats
 * NULL: not known yet. */
void request_span(const struct request *r, const struct scan_stats *stats,
    struct table_head *head);

/* Lines of a caption: the filter in canonical words, the span of head. */
void request_caption(
    const struct request *r, const struct table_head *head, struct buf *text);

/*
 * If dedup= was given, find which flows of q are seen more than once and have q
 * leave them out; *out is to be freed behind the scan, NULL when it was not.
 */
int request_dedup(const struct request *r, struct scan_query *q,
    struct dedup **out, struct err *err) MUST_CHECK;

/* Lines of a note: what was read; with n_rows 0, that nothing matched and what
 * is stored, if anything. */
void request_note(const struct request *r, const struct out_style *style,
    const struct scan_stats *stats, uint64_t n_rows, struct buf *text);

/* "1 row", "1,208 rows". */
void request_plural(struct buf *text, const struct out_style *style, uint64_t n,
    const char *noun);

/*
 * The end of a command: one line on stderr if rc is an error, and below it on a
 * terminal what was typed with a caret; the exit status. command NULL: its help
 * is no help. If a signal stopped it, it ends the process, so that a shell's
 * loop ends as well.
 */
int request_status(const char *command, int rc, const struct err *err);

/* Warn on stderr that the store has nothing at all, where the answer is no
 * text for people that says so. */
void request_warn_empty(
    const struct request *r, const struct scan_stats *stats);

#endif
