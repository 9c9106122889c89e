/* SPDX-License-Identifier: ISC */
/*
 * Messages by mail and webhook through libcurl: see deliver.h.
 * Sources: RFC 5321 (reply codes), RFC 5322 (headers), RFC 2047 (words that are
 * not ASCII in them), RFC 3834 (Auto-Submitted).
 */
#include "report/deliver.h"

/* Its checks of types are macros of the functions' names. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/deliver_program.h"
#include "schema/base/buf.h"
#include "schema/base/lazy.h"
#include "schema/base/mem.h"

/* clang-format off */
#define CURL_FUNCTIONS(X) \
	X(curl_easy_cleanup) X(curl_easy_getinfo) X(curl_easy_init) \
	X(curl_easy_perform) X(curl_easy_setopt) X(curl_easy_strerror) \
	X(curl_free) X(curl_mime_addpart) X(curl_mime_data) \
	X(curl_mime_encoder) X(curl_mime_filename) X(curl_mime_free) \
	X(curl_mime_init) X(curl_mime_type) X(curl_slist_append) \
	X(curl_slist_free_all) X(curl_url) X(curl_url_cleanup) X(curl_url_get) \
	X(curl_url_set)
/* clang-format on */

LAZY_LIBRARY(curl, "libcurl.so.4", CURL_FUNCTIONS)

enum {
	CONNECT_TIMEOUT_S = 10,
	MAX_HEADER = 2000,
	/* RFC 2047: an encoded word has at most 75 characters, of which
	 * =?UTF-8?Q? and ?= take 12, and a byte takes three. */
	ENCODED_BYTES = (75 - 12) / 3,
};

/* ---- what may be sent to ---- */

static bool
is_plain(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f ||
		    strchr("<>\"(),;:\\", *s) != NULL)
			return false;
	return true;
}

static int
check_address(const char *what, const char *s, struct err *err)
{
	const char *at = s != NULL ? strchr(s, '@') : NULL;

	if (at == NULL || at == s || at[1] == '\0' || !is_plain(s))
		return err_set(err, ERR_USAGE,
		    "%s \"%s\" is no mail address: want NAME@DOMAIN", what,
		    s != NULL ? s : "");
	return 0;
}

static int
check_url(const char *what, const char *s, const char *a, const char *b,
    struct err *err)
{
	CURLU *u = curl()->curl_url();
	char *scheme = NULL, *host = NULL;
	bool ok =
	    s != NULL &&
	    curl()->curl_url_set(u, CURLUPART_URL, s, 0) == CURLUE_OK &&
	    curl()->curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ==
		CURLUE_OK &&
	    curl()->curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
	    (strcmp(scheme, a) == 0 || strcmp(scheme, b) == 0);

	curl()->curl_free(scheme);
	curl()->curl_free(host);
	curl()->curl_url_cleanup(u);
	if (!ok)
		return err_set(err, ERR_USAGE,
		    "%s \"%s\": want %s://HOST[:PORT]... or %s://", what,
		    s != NULL ? s : "", a, b);
	return 0;
}

int
deliver_check(const struct deliver_target *t, struct err *err)
{
	int rc;

	switch (t->kind) {
	case DELIVER_MAIL:
		if ((rc = check_address("to", t->to, err)) != 0 ||
		    (rc = check_address("from", t->from, err)) != 0)
			return rc;
		return check_url(
		    "mail server", t->server, "smtp", "smtps", err);
	case DELIVER_WEBHOOK:
		return check_url("webhook", t->to, "http", "https", err);
	case DELIVER_PROGRAM:
		if (t->argv == NULL || t->argv[0] == NULL ||
		    t->argv[0][0] != '/')
			return err_set(
			    err, ERR_USAGE, "program: want its path from / on");
		return 0;
	}
	return 0;
}

/* ---- what both protocols share ---- */

static size_t
drop(char *data, size_t size, size_t n, void *arg)
{
	(void)data;
	(void)arg;
	return size * n;
}

/* NULL: libcurl is out of memory. */
static CURL *
new_request(const char *url, const char *protocols, char *said)
{
	CURL *c = curl()->curl_easy_init();

	if (c == NULL)
		return NULL;
	curl()->curl_easy_setopt(c, CURLOPT_URL, url);
	curl()->curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	curl()->curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl()->curl_easy_setopt(
	    c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl()->curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)DELIVER_TIMEOUT_S);
	curl()->curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
	curl()->curl_easy_setopt(c, CURLOPT_ERRORBUFFER, said);
	curl()->curl_easy_setopt(c, CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
	return c;
}

/* Failures that say nothing of the message, only of the moment. */
static bool
is_passing(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_OUT_OF_MEMORY: return true;
	default: return false;
	}
}

static int
fail(CURLcode code, const char *url, const char *said, struct err *err)
{
	return err_set(err, is_passing(code) ? ERR_BUSY : ERR_SYSTEM, "%s: %s",
	    url, said[0] != '\0' ? said : curl()->curl_easy_strerror(code));
}

/* ---- mail ---- */

/* Bytes of the character at s, so that none is cut in two. */
static size_t
character_len(const char *s)
{
	size_t n = 1;

	while (n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80)
		n++;
	return n;
}

/* A header's text: what is not ASCII encoded, control characters as blanks. */
static void
put_words(struct buf *b, const char *s)
{
	size_t in_word = 0;
	bool plain = true;

	for (const char *p = s; *p != '\0'; p++)
		plain = plain && (unsigned char)*p < 0x80;
	for (; *s != '\0' && plain; s++)
		buf_printf(b, "%c", *s < ' ' || *s == 0x7f ? ' ' : *s);
	while (*s != '\0') {
		size_t n = character_len(s);

		if (in_word + n > ENCODED_BYTES) {
			buf_puts(b, "?=\r\n ");
			in_word = 0;
		}
		if (in_word == 0)
			buf_puts(b, "=?UTF-8?Q?");
		in_word += n;
		for (; n > 0; n--, s++)
			buf_printf(b, "=%02X",
			    (unsigned char)*s < ' ' ? ' ' : (unsigned char)*s);
	}
	if (!plain)
		buf_puts(b, "?=");
}

static struct curl_slist *
add_header(
    struct curl_slist *list, const char *name, const char *value, bool words)
{
	struct buf b;

	buf_init(&b, MAX_HEADER);
	buf_printf(&b, "%s: ", name);
	if (words)
		put_words(&b, value);
	else
		buf_puts(&b, value);
	list = curl()->curl_slist_append(list, buf_str(&b));
	buf_release(&b);
	return list;
}

static struct curl_slist *
mail_headers(const struct deliver_target *t, const struct deliver_message *m)
{
	char date[64], id[200];
	time_t at = (time_t)m->date_s;
	struct curl_slist *h = NULL;
	struct tm tm;

	gmtime_r(&at, &tm);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	snprintf(id, sizeof id, "<%s%s>", m->id, strchr(t->from, '@'));
	h = add_header(h, "From", t->from, false);
	h = add_header(h, "To", t->to, false);
	h = add_header(h, "Subject", m->subject, true);
	h = add_header(h, "Date", date, false);
	h = add_header(h, "Message-ID", id, false);
	return add_header(h, "Auto-Submitted", "auto-generated", false);
}

/* With the line ends of mail: the encoder takes any other for a character. */
static char *
mail_text(const char *text)
{
	char *out = xreallocarray(NULL, strlen(text) + 1, 2), *p = out;

	for (; *text != '\0'; text++) {
		if (*text == '\n')
			*p++ = '\r';
		*p++ = *text;
	}
	*p = '\0';
	return out;
}

static curl_mime *
mail_body(CURL *c, const struct deliver_message *m)
{
	curl_mime *mime = curl()->curl_mime_init(c);
	curl_mimepart *part = curl()->curl_mime_addpart(mime);
	char *text = mail_text(m->text);

	curl()->curl_mime_data(part, text, CURL_ZERO_TERMINATED);
	free(text);
	curl()->curl_mime_type(part, "text/plain; charset=utf-8");
	curl()->curl_mime_encoder(part, "quoted-printable");
	if (m->png == NULL)
		return mime;
	part = curl()->curl_mime_addpart(mime);
	curl()->curl_mime_data(part, m->png, m->png_len);
	curl()->curl_mime_type(part, "image/png");
	curl()->curl_mime_filename(part, "graph.png");
	curl()->curl_mime_encoder(part, "base64");
	return mime;
}

static int
deliver_mail(const struct deliver_target *t, const struct deliver_message *m,
    struct err *err)
{
	char said[CURL_ERROR_SIZE] = "";
	CURL *c = new_request(t->server, "smtp,smtps", said);
	struct curl_slist *headers, *to;
	curl_mime *body;
	CURLcode code;
	long reply = 0;

	if (c == NULL)
		return fail(CURLE_OUT_OF_MEMORY, t->server, said, err);
	headers = mail_headers(t, m);
	to = curl()->curl_slist_append(NULL, t->to);
	body = mail_body(c, m);
	curl()->curl_easy_setopt(c, CURLOPT_MAIL_FROM, t->from);
	curl()->curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl()->curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl()->curl_easy_setopt(c, CURLOPT_MIMEPOST, body);
	/* A password is not sent in the clear. */
	curl()->curl_easy_setopt(c, CURLOPT_USE_SSL,
	    (long)(t->user != NULL ? CURLUSESSL_ALL : CURLUSESSL_TRY));
	if (t->user != NULL) {
		curl()->curl_easy_setopt(c, CURLOPT_USERNAME, t->user);
		curl()->curl_easy_setopt(c, CURLOPT_PASSWORD, t->password);
	}
	code = curl()->curl_easy_perform(c);
	curl()->curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply);
	curl()->curl_mime_free(body);
	curl()->curl_slist_free_all(to);
	curl()->curl_slist_free_all(headers);
	curl()->curl_easy_cleanup(c);
	if (code == CURLE_OK)
		return 0;
	if (reply >= 400 && reply < 500)
		return err_set(
		    err, ERR_BUSY, "%s: reply %ld: %s", t->server, reply, said);
	if (reply >= 500)
		return err_set(err, ERR_SYSTEM, "%s: reply %ld: %s", t->server,
		    reply, said);
	return fail(code, t->server, said, err);
}

/* ---- webhook ---- */

static int
deliver_webhook(const struct deliver_target *t, const struct deliver_message *m,
    struct err *err)
{
	char said[CURL_ERROR_SIZE] = "";
	CURL *c = new_request(t->to, "http,https", said);
	struct curl_slist *headers = NULL;
	CURLcode code;
	long status = 0;

	if (c == NULL)
		return fail(CURLE_OUT_OF_MEMORY, t->to, said, err);
	headers =
	    add_header(headers, "Content-Type", "application/json", false);
	headers = add_header(headers, "Idempotency-Key", m->id, false);
	headers = add_header(headers, "Expect", "", false);
	curl()->curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl()->curl_easy_setopt(c, CURLOPT_POSTFIELDS, m->json);
	code = curl()->curl_easy_perform(c);
	curl()->curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	curl()->curl_slist_free_all(headers);
	curl()->curl_easy_cleanup(c);
	if (code != CURLE_OK)
		return fail(code, t->to, said, err);
	if (status >= 200 && status < 300)
		return 0;
	return err_set(err,
	    status == 408 || status == 429 || status >= 500 ? ERR_BUSY
							    : ERR_SYSTEM,
	    "%s: HTTP status %ld", t->to, status);
}

int
deliver(const struct deliver_target *t, const struct deliver_message *m,
    struct err *err)
{
	int rc = deliver_check(t, err);

	if (rc != 0)
		return rc;
	switch (t->kind) {
	case DELIVER_MAIL: return deliver_mail(t, m, err);
	case DELIVER_WEBHOOK: return deliver_webhook(t, m, err);
	case DELIVER_PROGRAM: return deliver_to_program(t->argv, m, err);
	}
	return 0;
}
