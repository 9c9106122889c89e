/* SPDX-License-Identifier: ISC */
/* Messages to a real SMTP server, a real HTTP server and real programs. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/deliver.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/mem.h"
#include "tests/temp.h"

/* ---- a server for one connection ---- */

struct server {
	int fd;
	char url[64];
	const char *refuse; /* what a request begins with to get reply */
	const char *reply;
	void (*serve)(struct server *s, FILE *in, FILE *out);
	pthread_t thread;
	struct buf got;
};

static const char *
reply_to(const struct server *s, const char *line, const char *else_)
{
	return s->refuse != NULL &&
		       strncmp(line, s->refuse, strlen(s->refuse)) == 0
		   ? s->reply
		   : else_;
}

static void
serve_smtp(struct server *s, FILE *in, FILE *out)
{
	char line[4096];
	bool data = false;

	fputs("220 sink\r\n", out);
	while (fgets(line, sizeof line, in) != NULL) {
		const char *answer = "250 ok";

		buf_puts(&s->got, line);
		if (data && strcmp(line, ".\r\n") != 0)
			continue;
		if (data)
			answer = reply_to(s, ".", "250 queued");
		else if (strncmp(line, "DATA", 4) == 0)
			answer = "354 go on";
		else
			answer = reply_to(s, line, "250 ok");
		data = strncmp(answer, "354", 3) == 0;
		fprintf(out, "%s\r\n", answer);
	}
}

static void
serve_http(struct server *s, FILE *in, FILE *out)
{
	char line[4096];
	size_t len = 0;

	while (
	    fgets(line, sizeof line, in) != NULL && strcmp(line, "\r\n") != 0) {
		buf_puts(&s->got, line);
		sscanf(line, "Content-Length: %zu", &len);
	}
	for (; len > 0; len--)
		buf_printf(&s->got, "%c", fgetc(in));
	fprintf(out, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok",
	    s->reply != NULL ? s->reply : "200 OK");
}

static void *
run_server(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->fd, NULL, NULL);
	FILE *in, *out;

	if (fd < 0)
		return NULL;
	in = fdopen(fd, "r");
	out = fdopen(dup(fd), "w");
	setvbuf(out, NULL, _IOLBF, BUFSIZ);
	s->serve(s, in, out);
	fclose(out);
	fclose(in);
	return NULL;
}

static void
start(struct server *s, const char *scheme)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof a;

	buf_init(&s->got, 1 << 20);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(s->fd, 1), 0);
	getsockname(s->fd, (struct sockaddr *)&a, &len);
	snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%u", scheme,
	    ntohs(a.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static void
stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
}

static void
assert_has(const struct server *s, const char *want)
{
	if (strstr(buf_str(&s->got), want) == NULL)
		fail_msg("\"%s\" is not in:\n%s", want, buf_str(&s->got));
}

static const struct deliver_message message = {
    .id = "weir1a2b",
    .subject = "Gr\xc3\xbc\xc3\x9f"
	       "e: over 100 Mbit/s\r\nBcc: x@example.org",
    .text = "First line\n.\nVolume: \xe2\x89\xa5 5\n",
    .json = "{\"name\":\"vpn\"}",
    .date_s = 1709295056,
    .png = "\x89PNG",
    .png_len = 4,
};

/* ---- mail ---- */

static void
mail_is_whole_and_adds_no_header(void **state)
{
	struct server s = {.serve = serve_smtp};
	struct deliver_target t = {.kind = DELIVER_MAIL,
	    .to = "noc@example.net",
	    .from = "weir@example.org",
	    .server = s.url};
	struct err err = {0};

	(void)state;
	start(&s, "smtp");
	assert_int_equal(deliver(&t, &message, &err), 0);
	stop(&s);
	assert_has(&s, "MAIL FROM:<weir@example.org>");
	assert_has(&s, "RCPT TO:<noc@example.net>");
	assert_has(&s, "From: weir@example.org\r\n");
	assert_has(&s, "To: noc@example.net\r\n");
	assert_has(&s, "Date: Fri, 01 Mar 2024 12:10:56 +0000\r\n");
	assert_has(&s, "Message-ID: <weir1a2b@example.org>\r\n");
	assert_has(&s, "Subject: =?UTF-8?Q?=47=72=C3=BC=C3=9F=65=3A");
	assert_has(&s, "First line\r\n..\r\nVolume: =E2=89=A5 5\r\n");
	assert_has(&s, "Content-Type: image/png");
	assert_null(strstr(buf_str(&s.got), "\nBcc:"));
	buf_release(&s.got);
}

static void
replies_tell_whether_to_try_again(void **state)
{
	static const struct {
		const char *refuse, *reply;
		int want;
	} cases[] = {
	    {"RCPT", "450 4.2.1 mailbox busy", ERR_BUSY},
	    {"RCPT", "550 5.1.1 no such user", ERR_SYSTEM},
	    {"MAIL", "451 4.3.0 later", ERR_BUSY},
	    {".", "452 4.3.1 no room", ERR_BUSY},
	    {".", "554 5.6.0 refused", ERR_SYSTEM},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct server s = {.serve = serve_smtp,
		    .refuse = cases[i].refuse,
		    .reply = cases[i].reply};
		struct deliver_target t = {.kind = DELIVER_MAIL,
		    .to = "noc@example.net",
		    .from = "weir@example.org",
		    .server = s.url};
		struct err err = {0};
		int rc;

		start(&s, "smtp");
		rc = deliver(&t, &message, &err);
		stop(&s);
		if (rc != cases[i].want ||
		    strncmp(err.text, s.url, strlen(s.url)) != 0)
			fail_msg("%s %s: %d %s", cases[i].refuse,
			    cases[i].reply, rc, err.text);
		buf_release(&s.got);
	}
}

/* ---- webhook ---- */

static void
webhooks_get_the_message_as_json(void **state)
{
	static const struct {
		const char *status;
		int want;
	} cases[] = {
	    {"200 OK", 0},
	    {"204 No Content", 0},
	    {"302 Found", ERR_SYSTEM},
	    {"404 Not Found", ERR_SYSTEM},
	    {"408 Request Timeout", ERR_BUSY},
	    {"429 Too Many Requests", ERR_BUSY},
	    {"503 Service Unavailable", ERR_BUSY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct server s = {
		    .serve = serve_http, .reply = cases[i].status};
		struct deliver_target t = {
		    .kind = DELIVER_WEBHOOK, .to = s.url};
		struct err err = {0};
		int rc;

		start(&s, "http");
		rc = deliver(&t, &message, &err);
		stop(&s);
		if (rc != cases[i].want)
			fail_msg("%s: %d %s", cases[i].status, rc, err.text);
		assert_has(&s, "POST / HTTP/1.1\r\n");
		assert_has(&s, "Content-Type: application/json\r\n");
		assert_has(&s, "Idempotency-Key: weir1a2b\r\n");
		assert_has(&s, "{\"name\":\"vpn\"}");
		buf_release(&s.got);
	}
}

static void
nobody_there_is_worth_another_try(void **state)
{
	static const struct deliver_target targets[] = {
	    {.kind = DELIVER_WEBHOOK, .to = "http://127.0.0.1:1/"},
	    {.kind = DELIVER_MAIL,
		.to = "a@b",
		.from = "a@b",
		.server = "smtp://127.0.0.1:1"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++)
		assert_int_equal(
		    deliver(&targets[i], &message, &err), ERR_BUSY);
}

/* ---- programs ---- */

static void
programs_get_the_message_and_no_shell(void **state)
{
	char *dir = temp_new();
	char *file = xasprintf("%s/got; rm -rf x", dir);
	char tee[] = "/usr/bin/tee", *argv[] = {tee, file, NULL};
	struct deliver_target t = {.kind = DELIVER_PROGRAM, .argv = argv};
	struct err err = {0};
	char got[100] = "";
	FILE *f;

	(void)state;
	assert_int_equal(deliver(&t, &message, &err), 0);
	f = fopen(file, "r");
	assert_non_null(f);
	assert_non_null(fgets(got, sizeof got, f));
	fclose(f);
	assert_string_equal(got, message.json);
	free(file);
	temp_remove(dir);
}

static void
exit_statuses_tell_whether_to_try_again(void **state)
{
	static const struct {
		const char *script;
		int want;
		const char *text;
	} cases[] = {
	    {"exit 75", ERR_BUSY, "/bin/sh: asks to try again (75)"},
	    {"exit 3", ERR_SYSTEM, "/bin/sh: exit status 3"},
	    {"kill -11 $$", ERR_SYSTEM, "/bin/sh: ended by signal 11"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char sh[] = "/bin/sh", option[] = "-c";
		char *argv[] = {sh, option, xstrdup(cases[i].script), NULL};
		struct deliver_target t = {
		    .kind = DELIVER_PROGRAM, .argv = argv};

		assert_int_equal(deliver(&t, &message, &err), cases[i].want);
		assert_string_equal(err.text, cases[i].text);
		free(argv[2]);
	}
}

/* ---- targets ---- */

static void
bad_targets_are_refused_by_name(void **state)
{
	static char mail[] = "mail";
	static char *const none[] = {NULL}, *const relative[] = {mail, NULL};
	static const struct {
		struct deliver_target target;
		const char *text;
	} cases[] = {
	    {{.kind = DELIVER_MAIL, .to = "noc", .from = "a@b"},
		"to \"noc\" is no mail address: want NAME@DOMAIN"},
	    {{.kind = DELIVER_MAIL, .to = "a@b\r\nDATA", .from = "a@b"},
		"to \"a@b\r\nDATA\" is no mail address: want NAME@DOMAIN"},
	    {{.kind = DELIVER_MAIL, .to = "a@b,c@d", .from = "a@b"},
		"to \"a@b,c@d\" is no mail address: want NAME@DOMAIN"},
	    {{.kind = DELIVER_MAIL, .to = "a@b", .from = "a@b"},
		"mail server \"\": want smtp://HOST[:PORT]... or smtps://"},
	    {{.kind = DELIVER_WEBHOOK, .to = "file:///etc/passwd"},
		"webhook \"file:///etc/passwd\": want http://HOST[:PORT]... or "
		"https://"},
	    {{.kind = DELIVER_PROGRAM, .argv = none},
		"program: want its path from / on"},
	    {{.kind = DELIVER_PROGRAM, .argv = relative},
		"program: want its path from / on"},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(
		    deliver(&cases[i].target, &message, &err), ERR_USAGE);
		assert_string_equal(err.text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail_is_whole_and_adds_no_header),
	    cmocka_unit_test(replies_tell_whether_to_try_again),
	    cmocka_unit_test(webhooks_get_the_message_as_json),
	    cmocka_unit_test(nobody_there_is_worth_another_try),
	    cmocka_unit_test(programs_get_the_message_and_no_shell),
	    cmocka_unit_test(exit_statuses_tell_whether_to_try_again),
	    cmocka_unit_test(bad_targets_are_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
