/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_DELIVER_H
#define WEIR_REPORT_DELIVER_H
/*
 * One message to one place: by SMTP, to a webhook, or to a program. A single
 * try, of bounded time; when to try again is the caller's business, and the
 * code returned tells whether there is a point. The only code that speaks to
 * libcurl.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

enum deliver_kind { DELIVER_MAIL, DELIVER_WEBHOOK, DELIVER_PROGRAM };

/* All borrowed. */
struct deliver_target {
	enum deliver_kind kind;
	const char *to;     /* MAIL: one address; WEBHOOK: http or https URL */
	const char *server; /* MAIL: smtp://HOST[:PORT] or smtps:// */
	const char *from;   /* MAIL: one address */
	const char *user;   /* MAIL: to log in with; NULL: no login */
	const char *password;
	char *const *argv; /* PROGRAM: NULL behind the last one */
};

struct deliver_message {
	const char *id; /* letters and digits, no other message has it: what
			   was accepted and not acknowledged comes twice under
			   one Message-ID */
	const char *subject; /* one line, UTF-8 */
	const char *text;    /* MAIL: the body, UTF-8, lines end in \n */
	const char *json;    /* WEBHOOK and PROGRAM (standard input) */
	int64_t date_s;
	const void *png; /* MAIL: attached; NULL: nothing */
	size_t png_len;
};

enum { DELIVER_TIMEOUT_S = 30 };

/*
 * What is wrong with a target, before anything is sent to it: ERR_USAGE with
 * a text that names the value. Values that would become lines or addresses of
 * their own are refused here.
 */
int deliver_check(const struct deliver_target *t, struct err *err) MUST_CHECK;

/*
 * Send it now. Returns 0: accepted; ERR_BUSY: not now, a later try may work
 * (no connection, time-out, SMTP 4xx, HTTP 408, 429 and 5xx, a program's exit
 * status 75); ERR_SYSTEM: refused for good; ERR_USAGE: see deliver_check.
 */
int deliver(const struct deliver_target *t, const struct deliver_message *m,
    struct err *err) MUST_CHECK;

#endif
