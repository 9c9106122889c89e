/* SPDX-License-Identifier: ISC */
#include "report/web_words.h"

#include <assert.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "schema/base/mem.h"

static const char lower[] = "abcdefghijklmnopqrstuvwxyz_-";

/* What takes a file or another host than the configuration's, or leads to one:
 * whoever sends a browser here must not choose it. */
static const char *const refused[] = {
    "font", "link", "resolver", "suppress_file"};

void
web_words_add(struct web_words *w, const char *word)
{
	assert(w->n + 1 < ARRAY_LEN(w->argv));
	w->argv[w->n++] = xstrdup(word);
}

void
web_words_release(struct web_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->argv[i]);
	*w = (struct web_words){0};
}

/* The first byte tells options from words. */
static bool
is_name(const char *name, size_t len)
{
	return len > 0 && name[0] >= 'a' && name[0] <= 'z' &&
	       strspn(name, lower) >= len;
}

static int
check_name(const char *name, size_t len, struct err *err)
{
	if (!is_name(name, len))
		return err_set(
		    err, ERR_USAGE, "\"%.60s\": want words name=value", name);
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		if (strlen(refused[i]) == len &&
		    strncmp(refused[i], name, len) == 0)
			return err_set(err, ERR_USAGE,
			    "%s= is for the command line alone", refused[i]);
	return 0;
}

static int
add_word(struct web_words *w, const char *word, struct err *err)
{
	if (w->n >= WEB_MAX_WORDS)
		return err_set(
		    err, ERR_USAGE, "more than %d words", WEB_MAX_WORDS);
	web_words_add(w, word);
	return 0;
}

static int
add_pair(
    struct web_words *w, const char *name, const char *value, struct err *err)
{
	int rc = check_name(name, strlen(name), err);
	char *word;

	if (rc != 0)
		return rc;
	word = xasprintf("%s=%s", name, value);
	rc = add_word(w, word, err);
	free(word);
	return rc;
}

/* "dport=443 @web-in": as typed behind a command. */
static int
add_text(struct web_words *w, const char *text, struct err *err)
{
	char *copy = xstrdup(text), *rest = copy, *word;
	int rc = 0;

	while (rc == 0 && (word = strsep(&rest, " \t\r\n")) != NULL) {
		if (word[0] == '\0')
			continue;
		if (word[0] != '@')
			rc = check_name(word, strcspn(word, "="), err);
		if (rc == 0 && word[0] != '@' && strchr(word, '=') == NULL)
			rc = err_set(err, ERR_USAGE,
			    "\"%.60s\": want words name=value", word);
		if (rc == 0)
			rc = add_word(w, word, err);
	}
	free(copy);
	return rc;
}

/* Keys of a report, the kind of a graph. */
static int
add_bare(struct web_words *w, const struct web_command *c,
    struct evkeyvalq *params, struct err *err)
{
	const char *value = evhttp_find_header(params, c->bare);

	if (value == NULL || value[0] == '\0')
		value = c->bare_default;
	if (value == NULL)
		return err_set(err, ERR_USAGE, "%s= is missing", c->bare);
	if (value[0] < 'a' || value[0] > 'z' ||
	    value[strspn(value, "abcdefghijklmnopqrstuvwxyz_0123456789,/-")] !=
		'\0')
		return err_set(err, ERR_USAGE,
		    "%s=%.60s: want names with commas between them", c->bare,
		    value);
	return add_word(w, value, err);
}

static bool
is_own(const struct web_command *c, const char *name)
{
	return strcmp(name, "format") == 0 ||
	       (c->unused != NULL && strcmp(name, c->unused) == 0) ||
	       (c->bare != NULL && strcmp(name, c->bare) == 0) ||
	       /* Of the form, whose fields are one for all questions. */
	       strcmp(name, "keys") == 0 || strcmp(name, "kind") == 0;
}

int
web_words_read(struct web_words *w, const struct web_command *c,
    struct evkeyvalq *params, struct err *err)
{
	const struct evkeyval *p;
	int rc = 0;

	*w = (struct web_words){0};
	web_words_add(w, "weir");
	for (size_t i = 0; i < ARRAY_LEN(c->argv) && c->argv[i] != NULL; i++)
		web_words_add(w, c->argv[i]);
	if (c->bare != NULL && (rc = add_bare(w, c, params, err)) != 0)
		return rc;
	TAILQ_FOREACH(p, params, next)
	{
		if (p->value[0] == '\0' || is_own(c, p->key))
			continue;
		if (c->no_words)
			rc = err_set(err, ERR_USAGE,
			    "%.60s=: only format= is known here", p->key);
		else if (strcmp(p->key, "words") == 0)
			rc = add_text(w, p->value, err);
		else
			rc = add_pair(w, p->key, p->value, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
