/* SPDX-License-Identifier: ISC */
#include "report/web_page.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "schema/base/attr.h"

struct field {
	const char *name, *label, *hint;
	int size;
};

static const struct field fields[] = {
    {"keys", "Keys of a report", "src,dst", 16},
    {"words", "Filter words", "src=10.0.0.0/8 dport=443 flags=S/SA", 0},
    {"where", "Where", "octets > 1M and not proto=udp", 24},
    {"from", "From", "-1h", 16},
    {"to", "To", "now", 16},
    {"lines", "Lines", "100", 6},
};

static const struct {
	const char *href, *text;
} examples[] = {
    {"/report?keys=src&from=-1h", "Top sources of the last hour"},
    {"/report?keys=proto,dport&from=-1h", "Top services"},
    {"/report?keys=src,dst&from=-10m&to=-5m", "Who was at that time"},
    {"/list?words=flags%3DS/SA&from=-1h", "SYN without an answer"},
    {"/graph?kind=bps&from=-1d", "Load of a day"},
};

static const char *const kinds[] = {
    "bps", "pps", "fps", "active", "heatmap", "billing"};
static const char *const table_formats[] = {
    "csv", "json", "ndjson", "text", NULL};
static const char *const graph_formats[] = {"png", "svg", "csv", "json", NULL};

static void
put(struct evbuffer *out, const char *text)
{
	(void)evbuffer_add(out, text, strlen(text));
}

/* Fit for an element and for an attribute in quotes. */
static void
put_text(struct evbuffer *out, const char *text)
{
	char *safe = evhttp_htmlescape(text);

	if (safe != NULL)
		put(out, safe);
	free(safe);
}

static const char *
value_of(const struct web_page *p, const char *name)
{
	const char *value =
	    p->params != NULL ? evhttp_find_header(p->params, name) : NULL;

	return value != NULL ? value : "";
}

/* ---- the form ---- */

static bool
has_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (strcmp(fields[i].name, name) == 0)
			return true;
	return strcmp(name, "kind") == 0 || strcmp(name, "format") == 0;
}

static void
put_field(struct evbuffer *out, const struct web_page *p, const struct field *f)
{
	evbuffer_add_printf(out, "<label%s>%s<input name=%s placeholder=\"%s\"",
	    f->size == 0 ? " class=wide" : "", f->label, f->name, f->hint);
	if (f->size > 0)
		evbuffer_add_printf(out, " size=%d", f->size);
	put(out, " value=\"");
	put_text(out, value_of(p, f->name));
	put(out, "\"></label>\n");
}

/* Words of an address that no field has go on as they are. */
static void
put_hidden(struct evbuffer *out, const struct web_page *p)
{
	const struct evkeyval *x;

	if (p->params == NULL)
		return;
	TAILQ_FOREACH(x, p->params, next)
	{
		if (x->value[0] == '\0' || has_field(x->key))
			continue;
		put(out, "<label>");
		put_text(out, x->key);
		put(out, "<input size=16 name=\"");
		put_text(out, x->key);
		put(out, "\" value=\"");
		put_text(out, x->value);
		put(out, "\"></label>\n");
	}
}

static void
put_kinds(struct evbuffer *out, const struct web_page *p)
{
	put(out, "<label>Kind of a graph<select name=kind>");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		evbuffer_add_printf(out, "<option%s>%s",
		    strcmp(value_of(p, "kind"), kinds[i]) == 0 ? " selected"
							       : "",
		    kinds[i]);
	put(out, "</select></label>\n");
}

static void
put_form(struct evbuffer *out, const struct web_page *p)
{
	put(out, "<form class=ask action=/report>\n<div class=fields>\n");
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		put_field(out, p, &fields[i]);
	put_hidden(out, p);
	put_kinds(out, p);
	put(out, "<button>Report</button>\n"
		 "<button formaction=/list>List</button>\n"
		 "<button formaction=/graph>Graph</button>\n</div>\n<p>");
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		put(out, "<a href=\"");
		put_text(out, examples[i].href);
		evbuffer_add_printf(out, "\">%s</a> ", examples[i].text);
	}
	put(out, "</p>\n");
}

/* ---- what was asked ---- */

static bool
is_plain(const char *word)
{
	return word[0] != '\0' &&
	       strspn(word, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "@%_+=:,./-") == strlen(word);
}

/* As a shell takes it for one word. */
static void
put_quoted(struct evbuffer *out, const char *word)
{
	put(out, "&#39;");
	for (size_t n; *word != '\0'; word += n) {
		char part[256];

		n = strcspn(word, "'");
		if (n == 0) {
			put(out, "&#39;\\&#39;&#39;");
			n = 1;
			continue;
		}
		n = n < sizeof part ? n : sizeof part - 1;
		memcpy(part, word, n);
		part[n] = '\0';
		put_text(out, part);
	}
	put(out, "&#39;");
}

static void
put_same(struct evbuffer *out, const struct web_page *p)
{
	put(out, "<p>The same as <code>");
	for (size_t i = 0; i < p->n_argv; i++) {
		put(out, i > 0 ? " " : "");
		if (is_plain(p->argv[i]))
			put(out, p->argv[i]);
		else
			put_quoted(out, p->argv[i]);
	}
	put(out, "</code></p>\n");
}

static void
put_param(struct evbuffer *out, const struct evkeyval *x)
{
	char *name = evhttp_uriencode(x->key, -1, 0);
	char *value = evhttp_uriencode(x->value, -1, 0);

	if (name != NULL && value != NULL)
		evbuffer_add_printf(out, "%s=%s&amp;", name, value);
	free(name);
	free(value);
}

static void
put_download(struct evbuffer *out, const struct web_page *p, const char *format)
{
	const struct evkeyval *x;

	evbuffer_add_printf(out, "<a download=\"%s.%s\" href=\"/api/%s?",
	    p->question, strcmp(format, "text") == 0 ? "txt" : format,
	    p->question);
	TAILQ_FOREACH(x, p->params, next)
	if (x->value[0] != '\0' && strcmp(x->key, "format") != 0)
		put_param(out, x);
	evbuffer_add_printf(out, "format=%s\">%s</a> ", format, format);
}

static bool
is_graph(const struct web_page *p)
{
	return p->question != NULL && strcmp(p->question, "graph") == 0;
}

static void
put_downloads(struct evbuffer *out, const struct web_page *p)
{
	const char *const *formats =
	    is_graph(p) ? graph_formats : table_formats;

	put(out, "<p>Download as ");
	for (size_t i = 0; formats[i] != NULL; i++)
		put_download(out, p, formats[i]);
	put(out, "</p>\n");
}

/* ---- the answer ---- */

/* An image cannot run what is in it, whatever that is. */
static void
put_picture(struct evbuffer *out, struct evbuffer *svg)
{
	size_t len = evbuffer_get_length(svg);
	const char *data = (const char *)evbuffer_pullup(svg, -1);
	char *safe =
	    len == 0 ? NULL : evhttp_uriencode(data, (ev_ssize_t)len, 0);

	put(out, "<main><img alt=\"Load over time\" src=\"data:image/svg+xml,");
	if (safe != NULL)
		put(out, safe);
	put(out, "\"></main>\n");
	free(safe);
}

/* Text is escaped in the page, so that these can only be its own. */
static void
put_table(struct evbuffer *out, struct evbuffer *page)
{
	struct evbuffer_ptr begin =
	    evbuffer_search(page, "<main>", strlen("<main>"), NULL);
	struct evbuffer_ptr end =
	    evbuffer_search(page, "</main>", strlen("</main>"), NULL);

	if (begin.pos < 0 || end.pos < begin.pos)
		return;
	(void)evbuffer_drain(page, (size_t)begin.pos);
	(void)evbuffer_remove_buffer(page, out, (size_t)(end.pos - begin.pos));
	put(out, "</main>\n<script src=/sort.js></script>\n");
}

static void
put_problem(struct evbuffer *out, const char *line)
{
	put(out, "<main><div class=empty><p>");
	put_text(out, line);
	put(out, "</p></div></main>\n");
}

void
web_page_put(struct evbuffer *out, const struct web_page *p)
{
	put(out,
	    "<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	    "<meta name=viewport content=\"width=device-width\">\n"
	    "<title>weir");
	if (p->question != NULL)
		evbuffer_add_printf(out, " %s", p->question);
	put(out, "</title>\n<link rel=stylesheet href=/style.css>\n</head>\n"
		 "<body>\n");
	put_form(out, p);
	if (p->argv != NULL)
		put_same(out, p);
	if (p->answer != NULL)
		put_downloads(out, p);
	put(out, "</form>\n");
	if (p->problem != NULL)
		put_problem(out, p->problem);
	else if (p->answer != NULL && is_graph(p))
		put_picture(out, p->answer);
	else if (p->answer != NULL)
		put_table(out, p->answer);
	put(out, "</body>\n</html>\n");
}
