/* SPDX-License-Identifier: ISC */
/*
 * Configuration files through libconfuse: see conf_read.h. libconfuse knows
 * the grammar; what a key is and what it may hold is the tables' business.
 *
 * Its lexer (3.3) gets a file without comments and with all quotes and braces
 * in order: it counts lines wrongly behind comments, and it takes an open
 * quote, comment or section for the end of the file, and drops characters that
 * it does not know, without a word.
 */
#include "schema/conf_read.h"

#include <confuse.h>
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"
#include "schema/base/near.h"
#include "schema/conf_type.h"

enum {
	MAX_FILE = 16 << 20, /* bytes */
	MAX_FILES = 1000,
	MAX_DEPTH = 16, /* of braces */
};

/* A value as it stands in a file; owned by libconfuse's tree. */
struct value {
	const char *key;  /* libconfuse's */
	const char *path; /* the reader's */
	int line;
	char text[];
};

struct file {
	char *path;
	const char *from; /* the file that names it; NULL: none does */
	int from_line;
};

struct reader {
	const struct conf_section *root;
	struct file *file; /* read, or to be read */
	size_t n_files, cap_files;
	const struct file *at; /* being read */
	struct err *err;
	bool failed; /* err tells why */
};

static int fail(struct reader *r, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* The first failure of a file is told; what follows from it is not. */
static int
fail(struct reader *r, int line, const char *fmt, ...)
{
	char text[sizeof r->err->text];
	va_list ap;

	if (r->failed)
		return ERR_USAGE;
	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return err_set(
	    r->err, ERR_USAGE, "%.200s:%d: %s", r->at->path, line, text);
}

/* ---- text that libconfuse reads right ---- */

struct cleaner {
	struct reader *reader;
	char *p; /* in the text, which ends with a NUL */
	int line;
	int open[MAX_DEPTH]; /* lines of braces */
	int depth;
};

static void
blank_comment(struct cleaner *c)
{
	while (*c->p != '\0' && *c->p != '\n')
		*c->p++ = ' ';
}

static int
blank_long_comment(struct cleaner *c)
{
	int began = c->line;
	char *end = strstr(c->p + 2, "*/");

	if (end == NULL)
		return fail(c->reader, began, "comment without end, want a */");
	for (; c->p < end + 2; c->p++) {
		if (*c->p == '\n')
			c->line++;
		else
			*c->p = ' ';
	}
	return 0;
}

static int
pass_string(struct cleaner *c)
{
	char quote = *c->p++;

	for (; *c->p != quote; c->p++) {
		if (*c->p == '\\' && c->p[1] != '\0' && c->p[1] != '\n')
			c->p++;
		else if (*c->p == '\0' || *c->p == '\n')
			return fail(c->reader, c->line,
			    "string without end, want a %c on the same line",
			    quote);
		else if (quote == '"' && c->p[0] == '$' && c->p[1] == '{')
			return fail(c->reader, c->line,
			    "variables are not known, want \\${ for the "
			    "characters themselves");
	}
	c->p++;
	return 0;
}

static int
pass_brace(struct cleaner *c)
{
	if (*c->p == '{' && c->depth == MAX_DEPTH)
		return fail(c->reader, c->line, "too many { in each other");
	if (*c->p == '}' && c->depth == 0)
		return fail(c->reader, c->line,
		    "\"}\" closes nothing, want a { before it");
	if (*c->p++ == '{')
		c->open[c->depth++] = c->line;
	else
		c->depth--;
	return 0;
}

/* A character that begins no string, comment or brace. */
static int
pass_other(struct cleaner *c)
{
	unsigned char here = (unsigned char)*c->p,
		      next = (unsigned char)c->p[1];

	if (here == '*' || here == '(' || here == ')' || here == ';' ||
	    (here == '+' && next != '=') || (here == '$' && next == '{'))
		return fail(c->reader, c->line,
		    "\"%c\" outside of quotes, want it within a \"string\"",
		    here);
	if ((here < ' ' && strchr("\t\n\r", here) == NULL) || here == 0x7f)
		return fail(
		    c->reader, c->line, "character %u, which is no text", here);
	if (here == '\n')
		c->line++;
	c->p++;
	return 0;
}

static bool
begins_word(const char *text, const char *p)
{
	return p == text || strchr(" \t\r\n{}=,", p[-1]) != NULL;
}

static int
clean(struct reader *r, char *text)
{
	struct cleaner c = {.reader = r, .p = text, .line = 1};
	int rc = 0;

	while (rc == 0 && *c.p != '\0') {
		bool first = begins_word(text, c.p);

		if (*c.p == '#' || (first && strncmp(c.p, "//", 2) == 0))
			blank_comment(&c);
		else if (first && strncmp(c.p, "/*", 2) == 0)
			rc = blank_long_comment(&c);
		else if (*c.p == '"' || *c.p == '\'')
			rc = pass_string(&c);
		else if (*c.p == '{' || *c.p == '}')
			rc = pass_brace(&c);
		else
			rc = pass_other(&c);
	}
	if (rc == 0 && c.depth > 0)
		rc = fail(r, c.open[c.depth - 1],
		    "\"{\" is not closed, want a } for it");
	return rc;
}

/* ---- files ---- */

static int
refuse_file(struct reader *r, const struct file *f, const char *why)
{
	if (r->failed)
		return ERR_USAGE;
	r->failed = true;
	if (f->from == NULL)
		return err_set(
		    r->err, ERR_USAGE, "configuration %s: %s", f->path, why);
	return err_set(r->err, ERR_USAGE,
	    "%.200s:%d: " CONF_INCLUDE ": %.200s: %s", f->from, f->from_line,
	    f->path, why);
}

/* The text of the file; NULL: it is refused. */
static char *
load(struct reader *r, const struct file *f, struct buf *text)
{
	char part[65536];
	struct stat st;
	FILE *in;
	size_t n;

	/* Patterns may find what is not meant, such as pipes. */
	if (f->from != NULL && stat(f->path, &st) == 0 &&
	    !S_ISREG(st.st_mode)) {
		(void)refuse_file(r, f, "is no file");
		return NULL;
	}
	if ((in = fopen(f->path, "re")) == NULL) {
		(void)refuse_file(r, f, strerror(errno));
		return NULL;
	}
	buf_puts(text, ""); /* an empty file is text as well */
	while ((n = fread(part, 1, sizeof part, in)) > 0 && !text->overflow)
		buf_put(text, part, n);
	if (ferror(in) != 0)
		(void)refuse_file(r, f, strerror(errno));
	else if (text->overflow)
		(void)refuse_file(r, f, "is larger than 16 MiB");
	else if (strlen(text->data) != text->len)
		(void)refuse_file(r, f, "holds NUL, so it is no text");
	fclose(in);
	return r->failed ? NULL : text->data;
}

static int
add_file(struct reader *r, char *path, const char *from, int from_line)
{
	struct file f = {.path = path, .from = from, .from_line = from_line};

	r->file = xgrow(r->file, r->n_files, &r->cap_files, sizeof f);
	r->file[r->n_files] = f;
	for (size_t i = 0; i < r->n_files; i++)
		if (strcmp(r->file[i].path, path) == 0) {
			r->n_files++;
			return refuse_file(
			    r, &f, "is read already, want it once");
		}
	r->n_files++;
	if (r->n_files > MAX_FILES)
		return refuse_file(r, &f, "one file too many, of 1000");
	return 0;
}

/* Files that v names, in the folder of the file it stands in unless it says
 * otherwise; of a pattern, all that there are. */
static int
include(struct reader *r, const struct value *v)
{
	const char *slash = strrchr(v->path, '/');
	int dir_len =
	    v->text[0] != '/' && slash != NULL ? (int)(slash - v->path) + 1 : 0;
	char *pattern = xasprintf("%.*s%s", dir_len, v->path, v->text);
	bool is_pattern = strpbrk(v->text, "*?[") != NULL;
	glob_t found;
	int rc = 0;

	if (!is_pattern)
		return add_file(r, pattern, v->path, v->line);
	if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
			rc = add_file(
			    r, xstrdup(found.gl_pathv[i]), v->path, v->line);
		globfree(&found);
	}
	free(pattern);
	return rc;
}

/* ---- what libconfuse calls ---- */

/* libconfuse hands its callbacks nothing of ours, and is at one file at a
 * time itself: this is what it is at. */
static _Thread_local struct reader *current;

static int
on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	size_t len = strlen(text);
	struct value *v;

	if (current->failed) /* it took the place of another one */
		return -1;
	v = xcalloc(1, sizeof *v + len + 1);
	v->key = opt->name;
	v->path = current->at->path;
	v->line = cfg->line;
	memcpy(v->text, text, len + 1);
	*(void **)result = v;
	return 0;
}

static int
refuse_value(struct reader *r, const struct value *v, const struct err *err)
{
	r->failed = true;
	return err_set(r->err, ERR_USAGE, "%.200s:%d: %s: %s", v->path, v->line,
	    v->key, err->text);
}

/* While a file is read: another value takes the place of this one. */
static void
on_value_gone(void *value)
{
	struct value *v = value;
	struct err why;

	if (current != NULL && !current->failed) {
		err_set(&why, ERR_USAGE, "is given once more, want it once");
		(void)refuse_value(current, v, &why);
	}
	free(v);
}

static void
refuse_key(const cfg_t *cfg, const char *key)
{
	bool is_root = strcmp(cfg->name, "root") == 0;
	struct near near = {.word = key};

	for (size_t i = 0; cfg->opts[i].name != NULL; i++)
		near_offer(&near, cfg->opts[i].name);
	if (near.best != NULL)
		(void)fail(current, cfg->line,
		    "%.60s: is unknown%s%s, did you mean %s?", key,
		    is_root ? "" : " in section ", is_root ? "" : cfg->name,
		    near.best);
	else
		(void)fail(current, cfg->line,
		    "%.60s: is unknown%s%s, want a key that "
		    "`weir collect -n -v` lists",
		    key, is_root ? "" : " in section ",
		    is_root ? "" : cfg->name);
}

/* libconfuse's messages, whose one argument is the word in question, and
 * ours, which that word stands before. */
static void
on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	static const char *const messages[][2] = {
	    {"missing equal sign", "has no = behind it, want KEY = VALUE"},
	    {"unexpected token", "is not expected here, want KEY = VALUE, "
				 "KEY = {VALUE, VALUE} or SECTION { ... }"},
	    {"missing title", "has no title, want SECTION TITLE { ... }"},
	    {"missing opening brace",
		"has no { behind it, want SECTION { ... }"},
	    {"found duplicate title", "is there twice, want one section"},
	};
	const char *word = strchr(fmt, '%') != NULL ? va_arg(ap, char *) : "";

	if (word == NULL)
		word = "";
	if (strncmp(fmt, "no such option", 14) == 0) {
		refuse_key(cfg, word);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (strncmp(fmt, messages[i][0], strlen(messages[i][0])) == 0) {
			(void)fail(current, cfg->line, "%.60s: %s", word,
			    messages[i][1]);
			return;
		}
	(void)fail(current, cfg->line, "%s%s%.60s", fmt,
	    word[0] != '\0' ? ": " : "", word);
}

/* The tables as libconfuse wants them; free_options. All keys are lists, so
 * that a value too many is ours to refuse. */
static cfg_opt_t *
make_options(const struct conf_section *s, bool is_root)
{
	cfg_opt_t *o = xcalloc(s->n_keys + s->n_sections + 2, sizeof *o);
	const cfg_opt_t value = {.type = CFGT_PTR,
	    .flags = CFGF_LIST | CFGF_NODEFAULT,
	    .parsecb = on_value,
	    .freecb = on_value_gone};
	size_t n = 0;

	for (size_t i = 0; i < s->n_keys; i++) {
		o[n] = value;
		o[n++].name = s->key[i].key;
	}
	for (size_t i = 0; i < s->n_sections; i++) {
		const struct conf_section *in = &s->section[i];

		o[n++] = (cfg_opt_t){.name = in->name,
		    .type = CFGT_SEC,
		    .flags =
			CFGF_MULTI |
			(in->title == NULL ? 0
					   : CFGF_TITLE | CFGF_NO_TITLE_DUPES),
		    .subopts = make_options(in, false)};
	}
	if (is_root) {
		o[n] = value;
		o[n].name = CONF_INCLUDE;
	}
	return o;
}

static void
free_options(cfg_opt_t *o)
{
	for (size_t i = 0; o[i].name != NULL; i++)
		if (o[i].subopts != NULL)
			free_options(o[i].subopts);
	free(o);
}

/* ---- from libconfuse's tree into the struct ---- */

static int
fill_key(
    struct reader *r, const struct conf_key *key, cfg_opt_t *opt, void *section)
{
	unsigned n = cfg_opt_size(opt);
	struct err err;

	for (unsigned i = 0; i < n; i++) {
		const struct value *v = cfg_opt_getnptr(opt, i);

		if (key->count == 0 && i > 0) {
			err_set(&err, ERR_USAGE,
			    "\"%.60s\" is one too many, want one value",
			    v->text);
			return refuse_value(r, v, &err);
		}
		if (conf_put(key, section, v->text, &err) != 0)
			return refuse_value(r, v, &err);
	}
	return 0;
}

static int fill(
    struct reader *r, const struct conf_section *s, cfg_t *cfg, void *section);

/* line is that of the section's closing brace. */
static int
refuse_section(struct reader *r, const struct conf_section *s, const cfg_t *cfg,
    const struct err *err)
{
	const char *title = cfg->title != NULL ? cfg->title : "";

	r->failed = true;
	return err_set(r->err, ERR_USAGE, "%.200s:%d: %s%s%.60s: %s",
	    cfg->filename, cfg->line, s->name, title[0] != '\0' ? " " : "",
	    title, err->text);
}

static void
note_place(const struct conf_section *s, const cfg_t *cfg, char *section)
{
	char *place;

	if (s->place == 0)
		return;
	place = xasprintf("%s:%d", cfg->filename, cfg->line);
	memcpy(section + s->place, &place, sizeof place);
}

static int
fill_sections(struct reader *r, const struct conf_section *s, cfg_opt_t *opt,
    void *parent)
{
	unsigned n = cfg_opt_size(opt);
	char *at = conf_set_sections(s, parent, n);
	struct err err;
	int rc = 0;

	for (unsigned i = 0; i < n && rc == 0; i++, at += s->size) {
		cfg_t *cfg = cfg_opt_getnsec(opt, i);

		if (i == s->max)
			rc = err_set(&err, ERR_USAGE,
			    "one too many, want at most %zu", s->max);
		else if (s->title != NULL)
			rc = conf_put(s->title, at, cfg->title, &err);
		if (rc != 0)
			return refuse_section(r, s, cfg, &err);
		conf_preset(s, at);
		note_place(s, cfg, at);
		if ((rc = fill(r, s, cfg, at)) != 0)
			return rc;
		if (s->check != NULL && s->check(at, &err) != 0)
			return refuse_section(r, s, cfg, &err);
	}
	return rc;
}

/* Options are in the order of make_options. */
static int
fill(struct reader *r, const struct conf_section *s, cfg_t *cfg, void *section)
{
	int rc = 0;

	for (size_t i = 0; i < s->n_keys && rc == 0; i++)
		rc = fill_key(r, &s->key[i], &cfg->opts[i], section);
	if (rc == 0 && s->keys_done != NULL)
		s->keys_done(section);
	for (size_t i = 0; i < s->n_sections && rc == 0; i++)
		rc = fill_sections(
		    r, &s->section[i], &cfg->opts[s->n_keys + i], section);
	return rc;
}

/* ---- one file after the other ---- */

/* What it includes is read after it. */
static int
take_includes(struct reader *r, cfg_t *cfg)
{
	cfg_opt_t *opt = &cfg->opts[r->root->n_keys + r->root->n_sections];
	int rc = 0;

	for (unsigned i = 0; i < cfg_opt_size(opt) && rc == 0; i++)
		rc = include(r, cfg_opt_getnptr(opt, i));
	current = NULL;
	cfg_free_value(opt);
	return rc;
}

static int
parse_text(struct reader *r, cfg_t *cfg, char *text)
{
	FILE *in = fmemopen(text, strlen(text), "r");
	int rc;

	if (in == NULL)
		return fail(r, 1, "%s", strerror(errno));
	current = r;
	rc = cfg_parse_fp(cfg, in);
	fclose(in);
	if (rc != CFG_SUCCESS || r->failed)
		rc = fail(r, cfg->line, "is not understood here");
	if (rc == 0)
		rc = take_includes(r, cfg);
	current = NULL;
	return rc;
}

static int
read_file(struct reader *r, cfg_t *cfg, const struct file *f)
{
	struct buf buf;
	char *text;
	int rc = ERR_USAGE;

	buf_init(&buf, MAX_FILE);
	r->at = f;
	if ((text = load(r, f, &buf)) != NULL) {
		free(cfg->filename);
		cfg->filename = xstrdup(f->path);
		if ((rc = clean(r, text)) == 0 && text[0] != '\0')
			rc = parse_text(r, cfg, text);
	}
	buf_release(&buf);
	return rc;
}

static void
release(struct reader *r)
{
	for (size_t i = 0; i < r->n_files; i++)
		free(r->file[i].path);
	free(r->file);
}

int
conf_read(const struct conf_section *root, void *section, const char *path,
    struct err *err)
{
	struct reader r = {.root = root, .err = err};
	cfg_opt_t *options = make_options(root, true);
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	int rc;

	free_options(options);
	if (cfg == NULL)
		abort(); /* libconfuse fails here for want of memory alone */
	(void)cfg_set_error_function(cfg, on_error);
	rc = add_file(&r, xstrdup(path), NULL, 0);
	for (size_t i = 0; i < r.n_files && rc == 0; i++) {
		struct file f = r.file[i]; /* the array may move */

		rc = read_file(&r, cfg, &f);
	}
	if (rc == 0)
		rc = fill(&r, root, cfg, section);
	cfg_free(cfg);
	release(&r);
	return rc;
}
