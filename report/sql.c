/* SPDX-License-Identifier: ISC */
/*
 * weir sql: one SELECT over the whole store, as a table in any format. What a
 * statement may do is query/sql_session.h's business.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "query/scan.h"
#include "query/sql_session.h"
#include "query/sql_table.h"
#include "report/commands.h"
#include "report/request.h"
#include "report/sink.h"
#include "report/table.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/base/num.h"

enum {
	STATEMENT_MAX = 100000, /* bytes */
	TEXT_MAX = 1 << 20,     /* bytes of an explanation */
	TERMINAL_LINES = 100,   /* shown there, if not asked for more */
	LOOK_AHEAD = 1000,      /* rows that the widths of columns come from */
	TIMEOUT_MS = 10000,
	GRACE_MS = 2000, /* until a statement that does not stop is killed */
	MEMORY = 256,    /* MB */
};

struct command {
	struct request request;
	const char *argument; /* the statement; borrowed from argv */
	const char *file;
	bool explain, schema;
	struct sql_limits limits;
	char *text; /* the statement */
	struct sql_session *session;
	struct sink *sink;
	struct out out;
};

/* ---- the command line ---- */

static int
set_statement(void *arg, const char *word, struct err *err)
{
	struct command *c = arg;

	if (c->argument != NULL)
		return err_set(err, ERR_USAGE,
		    "one statement, in quotes: \"%.60s\" is another word",
		    word);
	c->argument = word;
	return 0;
}

static int
set_timeout(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	return request_read_timeout(value, &c->limits.timeout_ms, err);
}

static int
set_memory(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;
	uint64_t n;

	if (!parse_u64(value, 1000000, &n) || (n > 0 && n < 4))
		return err_set(err, ERR_USAGE,
		    "memory=%.60s: want megabytes, 4 or more; 0: no limit",
		    value);
	c->limits.memory = (int64_t)n * 1000000;
	return 0;
}

static int
set_file(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	(void)err;
	c->file = value;
	return 0;
}

static int
set_explain(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	(void)value;
	(void)err;
	c->explain = true;
	return 0;
}

static int
set_schema(void *arg, const char *value, struct err *err)
{
	struct command *c = arg;

	(void)value;
	(void)err;
	c->schema = true;
	return 0;
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir sql \"SELECT ...\" [WORDS] [OPTIONS]\n\n"
	    "Any SELECT over all shards. It can change nothing, and ends by "
	    "itself. The\nstatement may also come from standard input (-) or a "
	    "file (-i).\n\n"
	    "words:\n"
	    "  lines=N      stop after N rows (0: all; 100 on a terminal)\n"
	    "  timeout=T    stop after so many seconds, or 5m, 1h (0: never; "
	    "10)\n"
	    "  memory=N     megabytes for sorting and grouping (0: any; "
	    "256)\n\n"
	    "examples:\n"
	    "  weir sql --schema\n"
	    "  weir sql \"SELECT ip(src_addr), sum(octets) FROM flows\n"
	    "    WHERE start_ms >= time_ms('-1h') AND dst_port = 443\n"
	    "    GROUP BY 1 ORDER BY 2 DESC LIMIT 10\"\n"
	    "  weir sql \"SELECT * FROM flows_text\n"
	    "    WHERE in_net(src_addr, '10.1.0.0/16') LIMIT 10\"\n"
	    "  weir sql -i question.sql -f csv -o answer.csv\n");
}

static const struct request_word words[] = {
    {"timeout", set_timeout},
    {"memory", set_memory},
};

static const struct request_option options[] = {
    {'i', NULL, "FILE", "read the statement there", set_file},
    {'n', "explain", NULL, "how it would be answered, what would be read",
	set_explain},
    {'s', "schema", NULL, "the tables, their columns and the functions",
	set_schema},
};

static const struct request_spec spec = {
    .word = words,
    .n_words = ARRAY_LEN(words),
    .option = options,
    .n_options = ARRAY_LEN(options),
    .bare = set_statement,
    .help = help,
    .free_words = true,
};

/* ---- the statement's text ---- */

static int
read_all(int fd, const char *name, char **out, struct err *err)
{
	char *text = xcalloc(1, STATEMENT_MAX + 2);
	size_t len = 0;
	ssize_t n;

	while (len <= STATEMENT_MAX &&
	       (n = read(fd, text + len, STATEMENT_MAX + 1 - len)) != 0) {
		if (n < 0 && errno != EINTR) {
			free(text);
			return err_sys(err, "%s", name);
		}
		len += n > 0 ? (size_t)n : 0;
	}
	*out = text;
	if (len > STATEMENT_MAX)
		return err_set(err, ERR_USAGE,
		    "%s: a statement of more than %d bytes", name,
		    STATEMENT_MAX);
	if (strlen(text) != len)
		return err_set(
		    err, ERR_USAGE, "%s: a NUL byte in the statement", name);
	return 0;
}

static int
read_file(const char *path, char **out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0) {
		(void)err_sys(err, "%s", path);
		return ERR_USAGE;
	}
	rc = read_all(fd, path, out, err);
	(void)close(fd);
	return rc;
}

static int
find_statement(struct command *c, struct err *err)
{
	if (c->argument != NULL && c->file != NULL)
		return err_set(err, ERR_USAGE,
		    "a statement and -i %s: want one of them", c->file);
	if (c->file != NULL)
		return read_file(c->file, &c->text, err);
	if (c->argument == NULL)
		return err_set(err, ERR_USAGE,
		    "want a statement: weir sql \"SELECT ...\"");
	if (strcmp(c->argument, "-") == 0)
		return read_all(STDIN_FILENO, "standard input", &c->text, err);
	c->text = xstrdup(c->argument);
	return 0;
}

/* ---- columns ---- */

struct columns {
	struct table_column column[SQL_MAX_COLUMNS];
	char *name[SQL_MAX_COLUMNS]; /* owned */
	size_t n;
};

static bool
has_name(const struct columns *k, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->name[i], name) == 0)
			return true;
	return false;
}

/* No two alike: an object of JSON has each name once. */
static char *
unique_name(const struct columns *k, const char *name)
{
	char *unique = xstrdup(name);

	for (int i = 2; has_name(k, unique); i++) {
		free(unique);
		unique = xasprintf("%s_%d", name, i);
	}
	return unique;
}

static void
make_columns(struct columns *k, const struct sql_session *s)
{
	size_t n = sql_n_columns(s);

	assert(n <= SQL_MAX_COLUMNS);
	*k = (struct columns){0};
	for (size_t i = 0; i < n; i++) {
		k->name[i] = unique_name(k, sql_column_name(s, i));
		k->column[i] = (struct table_column){
		    .name = k->name[i],
		    .heading = k->name[i],
		    .kind = VALUE_ANY,
		};
		k->n++;
	}
}

static void
release_columns(struct columns *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->name[i]);
}

/* ---- rows ---- */

/* One row that outlives the step: values, and the texts they point to. */
struct row {
	struct table_value value[SQL_MAX_COLUMNS];
	union table_cell cell[SQL_MAX_COLUMNS];
	char *text[SQL_MAX_COLUMNS]; /* owned; NULL: no text */
};

static char *
hex_of(const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *from = bytes;
	char *out = xcalloc(len + 1, 2), *to = out;

	for (size_t i = 0; i < len; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	return out;
}

static void
take_value(struct row *r, size_t i, struct sql_value v)
{
	struct table_value *to = &r->value[i];

	r->text[i] = NULL;
	r->cell[i].any = to;
	switch (v.type) {
	case SQL_NULL: to->kind = VALUE_NULL; break;
	case SQL_INTEGER:
		to->kind = VALUE_SIGNED;
		to->cell.difference = v.integer;
		break;
	case SQL_REAL:
		to->kind = VALUE_REAL;
		to->cell.real = v.real;
		break;
	case SQL_TEXT:
	case SQL_BLOB:
		to->kind = VALUE_TEXT;
		to->cell.text = r->text[i] = v.type == SQL_TEXT
						 ? xstrdup(v.bytes)
						 : hex_of(v.bytes, v.len);
		break;
	}
}

static void
take_row(struct row *r, const struct sql_session *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		take_value(r, i, sql_value(s, i));
}

static void
release_row(struct row *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(r->text[i]);
}

/* The first rows of an answer, to find out how wide its columns are. */
struct ahead {
	struct row **row;
	size_t n, cap;
};

static void
release_ahead(struct ahead *a, size_t n_columns)
{
	for (size_t i = 0; i < a->n; i++) {
		release_row(a->row[i], n_columns);
		free(a->row[i]);
	}
	free(a->row);
}

/* 1: there may be more, 0: that was all, or an error. */
static int
look_ahead(struct command *c, struct ahead *a, size_t n_columns, uint64_t lines,
    struct err *err)
{
	int rc = 1;

	while (a->n < LOOK_AHEAD && (lines == 0 || a->n < lines) &&
	       (rc = sql_step(c->session, err)) == 1) {
		struct row *r = xcalloc(1, sizeof *r);

		take_row(r, c->session, n_columns);
		a->row = xgrow(a->row, a->n, &a->cap, sizeof(struct row *));
		a->row[a->n++] = r;
	}
	return rc;
}

/* A column of nothing but numbers is aligned as one. */
static void
align(struct columns *k, const struct ahead *a)
{
	for (size_t i = 0; i < k->n; i++) {
		size_t n_numbers = 0, n_others = 0;

		for (size_t r = 0; r < a->n; r++) {
			enum value_kind kind = a->row[r]->value[i].kind;

			n_numbers += kind == VALUE_SIGNED || kind == VALUE_REAL;
			n_others += kind == VALUE_TEXT;
		}
		k->column[i].right = n_numbers > 0 && n_others == 0;
	}
}

/* ---- the answer ---- */

static uint64_t
lines_to_show(const struct command *c)
{
	if (c->request.has_lines)
		return c->request.lines;
	return c->request.format == &out_text && isatty(c->sink->fd)
		   ? TERMINAL_LINES
		   : 0;
}

static void
begin(struct command *c, const struct columns *k)
{
	struct table_head head = {
	    .column = k->column, .n_columns = k->n, .caption = c->text};

	out_begin(&c->out, &head);
}

static void
end(struct command *c, bool more)
{
	const struct scan_stats *st = sql_stats(c->session);
	struct table_foot foot = {.matched = c->out.n_rows};
	struct buf note;

	buf_init(&note, TEXT_MAX);
	buf_puts(&note, more ? "the first " : "");
	request_plural(&note, &c->out.style, c->out.n_rows, "row");
	buf_puts(&note, more ? " (lines=0 shows all)\n" : "\n");
	/* Not of other tables than flows. */
	if (st->n_shards + st->n_shards_pruned > 0)
		request_note(&c->request, &c->out.style, st, 1, &note);
	foot.note = buf_str(&note);
	out_end(&c->out, &foot);
	buf_release(&note);
}

/* The rows behind those looked at ahead: 1: there are more than shown. */
static int
write_rest(struct command *c, size_t n_columns, uint64_t lines, struct err *err)
{
	struct row *r = xcalloc(1, sizeof *r);
	int rc;

	while ((rc = sql_step(c->session, err)) == 1 &&
	       (lines == 0 || c->out.n_rows < lines)) {
		take_row(r, c->session, n_columns);
		out_row(&c->out, r->cell);
		release_row(r, n_columns);
		if ((rc = sink_check(c->sink, err)) != 0)
			break;
	}
	free(r);
	return rc;
}

static int
write_answer(struct command *c, struct columns *k, struct err *err)
{
	uint64_t lines = lines_to_show(c);
	struct ahead a = {0};
	int rc = 1;

	if (c->out.format->measure != NULL)
		rc = look_ahead(c, &a, k->n, lines, err);
	if (rc >= 0) {
		align(k, &a);
		begin(c, k);
		for (size_t i = 0; i < a.n; i++)
			out_measure(&c->out, a.row[i]->cell);
		for (size_t i = 0; i < a.n; i++)
			out_row(&c->out, a.row[i]->cell);
	}
	release_ahead(&a, k->n);
	if (rc == 1)
		rc = write_rest(c, k->n, lines, err);
	if (rc >= 0)
		end(c, rc == 1);
	return rc < 0 ? rc : 0;
}

/* Lines of text as a table of one column. */
static void
write_lines(struct command *c, const char *name, char *text)
{
	const struct table_column column = {
	    .name = name, .heading = name, .kind = VALUE_TEXT};
	struct table_head head = {
	    .column = &column, .n_columns = 1, .caption = c->text};
	struct table_foot foot = {.note = ""};
	char *line;

	out_begin(&c->out, &head);
	while ((line = strsep(&text, "\n")) != NULL) {
		union table_cell cell = {.text = line};

		if (text != NULL || *line != '\0')
			out_row(&c->out, &cell);
	}
	foot.matched = c->out.n_rows;
	out_end(&c->out, &foot);
}

static int
write_explanation(struct command *c, struct err *err)
{
	struct buf text;
	int rc;

	buf_init(&text, TEXT_MAX);
	rc = sql_explain(c->session, &text, err);
	if (rc == 0) {
		char *copy = xstrdup(buf_str(&text));

		write_lines(c, "plan", copy);
		free(copy);
	}
	buf_release(&text);
	return rc;
}

static int
write_result(struct command *c, struct err *err)
{
	struct columns k;
	int rc;

	if (c->explain)
		return write_explanation(c, err);
	make_columns(&k, c->session);
	rc = write_answer(c, &k, err);
	release_columns(&k);
	return rc;
}

/* ---- the guard ---- */

/*
 * A statement looks at the clock between the steps of SQLite's machine; one
 * call of a function, such as replace() on long texts, is one step however
 * long it takes. Who watches ends the process then.
 */
struct guard {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	bool is_over, running;
	struct timespec until; /* of the monotonic clock */
	const struct sink *sink;
};

static void *
keep_guard(void *arg)
{
	struct guard *w = arg;
	int rc = 0;

	pthread_mutex_lock(&w->mutex);
	while (!w->is_over && rc == 0)
		rc = pthread_cond_timedwait(&w->ended, &w->mutex, &w->until);
	if (!w->is_over) {
		log_warnx("stopped: the time is up and the statement does not "
			  "end by itself");
		if (w->sink->temporary != NULL)
			(void)unlink(w->sink->temporary);
		_exit(1);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static void
begin_guard(struct guard *w, int64_t timeout_ms, const struct sink *sink)
{
	int64_t until_ms = clock_monotonic_ms() + timeout_ms + GRACE_MS;
	pthread_condattr_t attr;

	*w = (struct guard){.sink = sink};
	if (timeout_ms == 0)
		return;
	w->until.tv_sec = (time_t)(until_ms / 1000);
	w->until.tv_nsec = (long)(until_ms % 1000) * 1000000;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->ended, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&w->mutex, NULL);
	w->running = pthread_create(&w->thread, NULL, keep_guard, w) == 0;
}

static void
end_guard(struct guard *w)
{
	if (!w->running)
		return;
	pthread_mutex_lock(&w->mutex);
	w->is_over = true;
	pthread_cond_signal(&w->ended);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
}

/* ---- the command ---- */

static int
answer(struct command *c, struct err *err)
{
	struct guard guard;
	int rc = request_open(&c->request, &c->sink, &c->out, err);

	if (rc != 0)
		return rc;
	begin_guard(&guard, c->limits.timeout_ms, c->sink);
	rc = write_result(c, err);
	end_guard(&guard);
	out_release(&c->out);
	if (rc != 0) {
		sink_abandon(c->sink);
		return rc;
	}
	return sink_close(c->sink, err);
}

static int
write_schema(struct command *c, struct err *err)
{
	struct sink *sink;
	struct buf text;
	int rc = sink_open(&sink, c->request.output, err);

	if (rc != 0)
		return rc;
	buf_init(&text, TEXT_MAX);
	sql_describe(&text);
	sink_puts(sink, buf_str(&text));
	buf_release(&text);
	return sink_close(sink, err);
}

static int
ask(struct command *c, struct err *err)
{
	int rc;

	watch_begin(&c->request.watch, 0);
	c->limits.stop = &c->request.watch.scan.stop;
	rc = sql_open(&c->session, c->request.dir, &c->limits, err);
	if (rc == 0)
		rc = sql_prepare(c->session, c->text, err);
	if (rc == 0)
		rc = answer(c, err);
	rc = request_read(&c->request, rc, err);
	sql_close(c->session);
	return request_status(NULL, rc, err);
}

static int
run(struct command *c)
{
	struct err err = {0};
	int rc;

	if (c->request.help)
		return request_status(
		    "sql", request_help(&c->request, &err), &err);
	if (c->schema)
		return request_status("sql", write_schema(c, &err), &err);
	if ((rc = find_statement(c, &err)) != 0)
		return request_status("sql", rc, &err);
	return ask(c, &err);
}

int
sql_main(int argc, char **argv)
{
	struct command c = {
	    .limits = {.timeout_ms = TIMEOUT_MS,
		.memory = (int64_t)MEMORY * 1000000},
	};
	struct err err = {0};
	int rc = request_parse(&c.request, &spec, argc, argv, &c, &err);
	int status = rc != 0 ? request_status("sql", rc, &err) : run(&c);

	free(c.text);
	request_release(&c.request);
	return status;
}
