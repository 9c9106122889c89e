/* SPDX-License-Identifier: ISC */
/*
 * weir serve: a page to ask on, and the answers of commands over HTTP. Each
 * question is this program run as a child (web_child.c), so that a slow or
 * wrong one holds up nobody, and says the same as on the command line. There
 * are no users yet, so it listens on this host alone, and answers only who
 * calls it by a name of this host: a page from elsewhere whose name was made
 * to lead here (DNS rebinding) calls it by its own.
 */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "report/commands.h"
#include "report/html/asset.h"
#include "report/request.h"
#include "report/web_child.h"
#include "report/web_page.h"
#include "report/web_words.h"
#include "schema/base/addr.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/conf.h"

enum {
	MAX_HEADER_BYTES = 16 << 10,
	MAX_BODY_BYTES = 4 << 10,
	IDLE_S = 30, /* a connection without a question */
	HTTP_FORBIDDEN = 403,
	HTTP_TIMED_OUT = 504,
};

struct serve {
	struct request request;
	struct endpoint listen;
	struct event_base *base;
	struct evhttp *http;
	struct web_children *children;
	struct event *signal[2];
};

/* A question while it is answered. */
struct job {
	struct serve *serve;
	struct evhttp_request *req;
	const struct web_command *command;
	const char *format; /* of a file; NULL: a page */
	const char *type;
	struct evkeyvalq params;
	struct web_words words;
	size_t n_shown; /* words that the page shows */
};

static const struct web_command cmd_report = {
    .name = "report",
    .argv = {"report"},
    .bare = "keys",
    .bare_default = "src,dst",
};
static const struct web_command cmd_list = {.name = "list", .argv = {"list"}};
static const struct web_command cmd_graph = {
    .name = "graph",
    .argv = {"graph"},
    .bare = "kind",
    .bare_default = "bps",
    .unused = "lines",
};
static const struct web_command cmd_status = {
    .name = "status",
    .argv = {"status"},
    .no_words = true,
};
static const struct web_command cmd_tracks = {
    .name = "tracks",
    .argv = {"track", "list"},
    .no_words = true,
};

/* ---- what goes back ---- */

static void
put_header(struct evhttp_request *req, const char *name, const char *value)
{
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(req), name, value);
}

/* Bars of shares are style attributes, which nothing but style can be in. */
static void
put_policy(struct evhttp_request *req)
{
	char *policy = xasprintf(
	    "default-src 'none'; style-src 'self' 'unsafe-inline'; "
	    "img-src 'self' data:; script-src 'self' 'sha256-%s'; "
	    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	    asset_sort_js_hash);

	put_header(req, "Content-Security-Policy", policy);
	free(policy);
}

static void
send_body(struct evhttp_request *req, int code, const char *type,
    struct evbuffer *body)
{
	static const char *const headers[][2] = {
	    {"X-Content-Type-Options", "nosniff"},
	    {"X-Frame-Options", "DENY"},
	    {"Referrer-Policy", "no-referrer"},
	    {"Cross-Origin-Resource-Policy", "same-origin"},
	    {"Cache-Control", "no-store"},
	};
	char *len = xasprintf("%zu", evbuffer_get_length(body));

	put_policy(req);
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		put_header(req, headers[i][0], headers[i][1]);
	put_header(req, "Content-Type", type);
	put_header(req, "Content-Length", len);
	free(len);
	/* libevent would send it. */
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		(void)evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(req, code, NULL, body);
}

static void
send_text(
    struct evhttp_request *req, int code, const char *type, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	(void)evbuffer_add(body, text, strlen(text));
	send_body(req, code, type, body);
	evbuffer_free(body);
}

static void
send_line(struct evhttp_request *req, int code, const char *line)
{
	char *text = xasprintf("%s\n", line);

	send_text(req, code, "text/plain; charset=utf-8", text);
	free(text);
}

static void
send_page(struct evhttp_request *req, int code, const struct web_page *page)
{
	struct evbuffer *body = evbuffer_new();

	web_page_put(body, page);
	send_body(req, code, "text/html; charset=utf-8", body);
	evbuffer_free(body);
}

/* ---- one question ---- */

static void
job_free(struct job *j)
{
	evhttp_clear_headers(&j->params);
	web_words_release(&j->words);
	free(j);
}

/* Why there is no answer, as a page or a line. The job is over. */
static void
job_fail(struct job *j, int code, const char *line)
{
	const struct web_page page = {
	    .question = j->command->name,
	    .params = &j->params,
	    .argv = j->n_shown > 0 ? j->words.argv : NULL,
	    .n_argv = j->n_shown,
	    .problem = line,
	};

	if (j->format != NULL)
		send_line(j->req, code, line);
	else
		send_page(j->req, code, &page);
	job_free(j);
}

static void
job_answer(struct job *j, struct evbuffer *out)
{
	const struct web_page page = {
	    .question = j->command->name,
	    .params = &j->params,
	    .argv = j->words.argv,
	    .n_argv = j->n_shown,
	    .answer = out,
	};

	if (j->format != NULL)
		send_body(j->req, HTTP_OK, j->type, out);
	else
		send_page(j->req, HTTP_OK, &page);
	job_free(j);
}

static void
on_done(void *arg, const struct web_result *r)
{
	struct job *j = arg;
	const char *line = r->line[0] != '\0' ? r->line : "weir failed";

	switch (r->end) {
	case WEB_CHILD_EXITED:
		if (r->status == 0)
			job_answer(j, r->out);
		else
			job_fail(j,
			    r->status == 2 ? HTTP_BADREQUEST : HTTP_INTERNAL,
			    line);
		return;
	case WEB_CHILD_LATE:
		job_fail(j, HTTP_TIMED_OUT,
		    "given up after a minute: ask for a shorter time");
		return;
	case WEB_CHILD_LONG:
		job_fail(j, HTTP_INTERNAL,
		    "the answer is longer than 64 MiB: ask for fewer lines=");
		return;
	case WEB_CHILD_KILLED:
	case WEB_CHILD_UNWANTED: break;
	}
	job_fail(j, HTTP_INTERNAL, line);
}

/* libevent does not read from a client that is to be answered, nor sees it
 * leave. */
static bool
is_wanted(void *arg)
{
	struct job *j = arg;
	struct evhttp_connection *c = evhttp_request_get_connection(j->req);
	struct pollfd p = {.events = POLLRDHUP};

	if (c == NULL)
		return false;
	p.fd = bufferevent_getfd(evhttp_connection_get_bufferevent(c));
	return poll(&p, 1, 0) <= 0;
}

static bool
has_word(const struct web_words *w, const char *begin)
{
	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->argv[i], begin, strlen(begin)) == 0)
			return true;
	return false;
}

/* Reports with words of their own. */
static const struct {
	const char *keys;
	bool timeout; /* they take that at least */
} own_words[] = {{"summary", true}, {"scan", true}, {"loss", false}};

static size_t
find_own_words(const struct job *j)
{
	size_t i = 0;

	if (j->command != &cmd_report)
		return ARRAY_LEN(own_words);
	while (i < ARRAY_LEN(own_words) &&
	       strcmp(j->words.argv[2], own_words[i].keys) != 0)
		i++;
	return i;
}

/* A page is for people, who want the top. */
static bool
wants_lines(const struct job *j)
{
	return j->format == NULL && j->command != &cmd_graph &&
	       !has_word(&j->words, "lines=") &&
	       find_own_words(j) == ARRAY_LEN(own_words);
}

static bool
wants_timeout(const struct job *j)
{
	size_t own = find_own_words(j);

	return !j->command->no_words && !has_word(&j->words, "timeout=") &&
	       (own == ARRAY_LEN(own_words) || own_words[own].timeout);
}

static void
add_options(struct job *j)
{
	const struct request *r = &j->serve->request;
	struct web_words *w = &j->words;
	const char *format = j->command == &cmd_graph ? "svg" : "html";

	if (wants_lines(j))
		web_words_add(w, "lines=100");
	if (r->conf->file != NULL) { /* with -d a child looks for none */
		web_words_add(w, "-c");
		web_words_add(w, r->conf->file);
	}
	web_words_add(w, "-d");
	web_words_add(w, r->dir);
	j->n_shown = w->n;
	if (wants_timeout(j))
		web_words_add(w, "timeout=55s"); /* it says so itself */
	web_words_add(w, "-f");
	web_words_add(w, j->format != NULL ? j->format : format);
}

/* NUL ends an argument, so it cannot be in one. */
static int
read_query(struct job *j, struct err *err)
{
	const char *query =
	    evhttp_uri_get_query(evhttp_request_get_evhttp_uri(j->req));

	if (query == NULL || query[0] == '\0')
		return 0;
	if (strstr(query, "%00") != NULL)
		return err_set(err, ERR_USAGE, "a value has a byte NUL");
	if (evhttp_parse_query_str(query, &j->params) != 0)
		return err_set(err, ERR_USAGE,
		    "the address is wrong: want name=value&name=value");
	return 0;
}

static int
choose_type(struct job *j, struct err *err)
{
	static const char *const types[][2] = {
	    {"json", "application/json"},
	    {"csv", "text/csv; charset=utf-8"},
	    {"ndjson", "application/x-ndjson"},
	    {"text", "text/plain; charset=utf-8"},
	    {"html", "text/html; charset=utf-8"},
	    {"svg", "image/svg+xml"},
	    {"png", "image/png"},
	};
	const char *format = evhttp_find_header(&j->params, "format");

	if (format == NULL || format[0] == '\0')
		format = "json";
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (strcmp(types[i][0], format) != 0)
			continue;
		j->format = types[i][0];
		j->type = types[i][1];
		return 0;
	}
	return err_set(err, ERR_USAGE,
	    "unknown format \"%.60s\": formats are png svg text csv json "
	    "ndjson html",
	    format);
}

/* What was asked may hold anything; an answer of one line is one. */
static void
make_one_line(char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void
ask(struct serve *s, struct evhttp_request *req, const struct web_command *c,
    bool page)
{
	struct job *j = xcalloc(1, sizeof *j);
	const struct web_child_call call = {on_done, is_wanted, j};
	struct err err = {0};
	int rc;

	j->serve = s;
	j->req = req;
	j->command = c;
	j->format = page ? NULL : "";
	TAILQ_INIT(&j->params);
	if ((rc = read_query(j, &err)) == 0 && !page)
		rc = choose_type(j, &err);
	if (rc == 0)
		rc = web_words_read(&j->words, c, &j->params, &err);
	if (rc == 0) {
		add_options(j);
		rc = web_child_start(s->children, j->words.argv, &call, &err);
	}
	make_one_line(err.text);
	if (rc == ERR_USAGE)
		job_fail(j, HTTP_BADREQUEST, err.text);
	else if (rc == ERR_BUSY)
		job_fail(j, HTTP_SERVUNAVAIL, err.text);
	else if (rc != 0)
		job_fail(j, HTTP_INTERNAL, err.text);
}

/* ---- addresses ---- */

struct path {
	const char *path;
	const struct web_command *command; /* NULL: what text says */
	bool page;
	const char *type;
	const char *text[2];
};

static const struct path paths[] = {
    {"/report", &cmd_report, true, NULL, {NULL}},
    {"/list", &cmd_list, true, NULL, {NULL}},
    {"/graph", &cmd_graph, true, NULL, {NULL}},
    {"/api/report", &cmd_report, false, NULL, {NULL}},
    {"/api/list", &cmd_list, false, NULL, {NULL}},
    {"/api/graph", &cmd_graph, false, NULL, {NULL}},
    {"/api/status", &cmd_status, false, NULL, {NULL}},
    {"/api/tracks", &cmd_tracks, false, NULL, {NULL}},
    {"/healthz", NULL, false, "text/plain", {"ok\n", ""}},
    {"/style.css", NULL, false, "text/css", {asset_page_css, asset_serve_css}},
    {"/sort.js", NULL, false, "text/javascript", {asset_sort_js, ""}},
};

static void
answer_path(struct serve *s, struct evhttp_request *req, const char *path)
{
	const struct web_page front = {0};

	if (strcmp(path, "/") == 0) {
		send_page(req, HTTP_OK, &front);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct path *p = &paths[i];
		char *text;

		if (strcmp(path, p->path) != 0)
			continue;
		if (p->command != NULL) {
			ask(s, req, p->command, p->page);
			return;
		}
		text = xasprintf("%s%s", p->text[0], p->text[1]);
		send_text(req, HTTP_OK, p->type, text);
		free(text);
		return;
	}
	send_line(req, HTTP_NOTFOUND, "there is nothing here: see /");
}

static bool
is_loopback(const struct addr *a)
{
	struct prefix v4, v6;

	return prefix_parse("127.0.0.0/8", &v4) &&
	       prefix_parse("::1/128", &v6) &&
	       (prefix_holds(&v4, a) || prefix_holds(&v6, a));
}

/* "localhost", "127.0.0.1", "[::1]", with or without ":8080". */
static bool
is_own_name(const char *host)
{
	char name[ADDR_TEXT_LEN + 8];
	struct addr addr;
	size_t len;

	if (host == NULL)
		return false;
	if (host[0] == '[') {
		len = strcspn(++host, "]");
		if (host[len] != ']')
			return false;
	} else {
		len = strcspn(host, ":");
	}
	if (len >= sizeof name)
		return false;
	memcpy(name, host, len);
	name[len] = '\0';
	return strcasecmp(name, "localhost") == 0 ||
	       (addr_parse(name, &addr) && is_loopback(&addr));
}

/* A page of another site may lead here, but not use what comes as a part of
 * it, nor have it worked out. Browsers say so; programs do not. */
static bool
is_part_of_another(struct evkeyvalq *headers)
{
	const char *site = evhttp_find_header(headers, "Sec-Fetch-Site");
	const char *mode = evhttp_find_header(headers, "Sec-Fetch-Mode");

	return site != NULL && strcmp(site, "cross-site") == 0 &&
	       (mode == NULL || strcmp(mode, "navigate") != 0);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(req);
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *path =
	    evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD) {
		put_header(req, "Allow", "GET, HEAD");
		send_line(req, HTTP_BADMETHOD, "only GET and HEAD");
	} else if (!is_own_name(evhttp_find_header(headers, "Host"))) {
		send_line(req, HTTP_FORBIDDEN,
		    "Host: want localhost or a loopback address");
	} else if (is_part_of_another(headers)) {
		send_line(req, HTTP_FORBIDDEN, "not as a part of other pages");
	} else {
		answer_path(
		    arg, req, path == NULL || path[0] == '\0' ? "/" : path);
	}
}

/* ---- the server ---- */

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct serve *s = arg;

	(void)what;
	log_info("serve: %s, stopping", strsignal((int)number));
	event_base_loopbreak(s->base);
}

static int
listen_on(struct serve *s, struct err *err)
{
	char addr[ADDR_TEXT_LEN], name[ENDPOINT_TEXT_LEN];
	struct sockaddr_storage where;
	struct evhttp_bound_socket *bound;
	struct endpoint got;
	socklen_t len = sizeof where;

	addr_format(&s->listen.addr, addr);
	bound = evhttp_bind_socket_with_handle(s->http, addr, s->listen.port);
	if (bound == NULL) {
		endpoint_format(&s->listen, name);
		return err_sys(err, "cannot listen on %s", name);
	}
	if (getsockname(evhttp_bound_socket_get_fd(bound),
		(struct sockaddr *)&where, &len) != 0)
		return err_sys(err, "getsockname");
	got = endpoint_from_sockaddr((struct sockaddr *)&where);
	endpoint_format(&got, name);
	log_info("listening on http://%s/", name);
	return 0;
}

static int
serve(struct serve *s, struct err *err)
{
	static const int signals[] = {SIGINT, SIGTERM};
	int rc;

	/* A client that left is an error of a write. */
	(void)signal(SIGPIPE, SIG_IGN);
	s->base = event_base_new();
	s->http = s->base != NULL ? evhttp_new(s->base) : NULL;
	if (s->http == NULL)
		abort(); /* libevent fails here for want of memory alone */
	evhttp_set_gencb(s->http, on_request, s);
	evhttp_set_allowed_methods(s->http, UINT16_MAX);
	evhttp_set_max_headers_size(s->http, MAX_HEADER_BYTES);
	evhttp_set_max_body_size(s->http, MAX_BODY_BYTES);
	evhttp_set_timeout(s->http, IDLE_S);
	s->children = web_children_new(s->base);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		s->signal[i] = evsignal_new(s->base, signals[i], on_signal, s);
		event_add(s->signal[i], NULL);
	}
	if ((rc = listen_on(s, err)) == 0)
		event_base_dispatch(s->base);
	web_children_free(s->children);
	evhttp_free(s->http);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		event_free(s->signal[i]);
	event_base_free(s->base);
	return rc;
}

/* ---- the command ---- */

static int
set_listen(void *arg, const char *value, struct err *err)
{
	struct serve *s = arg;

	if (!endpoint_parse(value, &s->listen))
		return err_set(err, ERR_USAGE,
		    "option -l %.60s: want ADDR:PORT, as 127.0.0.1:8080",
		    value);
	if (!is_loopback(&s->listen.addr))
		return err_set(err, ERR_USAGE,
		    "option -l %.60s: want an address of this host alone, "
		    "127.0.0.1 or [::1], as there are no users yet",
		    value);
	return 0;
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir serve [OPTIONS]\n\n"
	    "Reports, listings and graphs in a browser, and for programs as "
	    "JSON, CSV and\nother formats under /api/report, /api/list, "
	    "/api/graph, /api/status and\n/api/tracks. Only this host can "
	    "connect.\n\n"
	    "examples:\n"
	    "  weir serve -d /var/lib/weir\n"
	    "  curl 'http://127.0.0.1:8080/api/report?"
	    "keys=src,dst&from=-1h&format=csv'\n"
	    "  ssh -L 8080:127.0.0.1:8080 collector   # then open "
	    "http://127.0.0.1:8080/\n");
}

static const struct request_option options[] = {
    {'l', NULL, "ADDR:PORT",
	"listen there (127.0.0.1:8080); port 0: any that is free", set_listen},
};
static const char *const no_formats[] = {NULL};

static int
no_word(void *arg, const char *word, struct err *err)
{
	(void)arg;
	return err_set(
	    err, ERR_USAGE, "unknown word \"%.60s\", want options", word);
}

static const struct request_spec spec = {
    .option = options,
    .n_options = ARRAY_LEN(options),
    .formats = no_formats,
    .bare = no_word,
    .help = help,
    .no_words = true,
};

int
serve_main(int argc, char **argv)
{
	struct serve s = {0};
	struct err err = {0};
	int rc;

	(void)endpoint_parse("127.0.0.1:8080", &s.listen);
	rc = request_parse(&s.request, &spec, argc, argv, &s, &err);
	if (rc == 0)
		rc = s.request.help ? request_help(&s.request, &err)
				    : serve(&s, &err);
	request_release(&s.request);
	return request_status("serve", rc, &err);
}
