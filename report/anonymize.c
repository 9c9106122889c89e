/* SPDX-License-Identifier: ISC */
/*
 * weir anonymize: a store with other addresses, to be handed to others. Which
 * addresses is pan.c's business, what else is left out that of
 * anonymize_day.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report/anonymize_day.h"
#include "report/commands.h"
#include "report/new_store.h"
#include "report/pan_key.h"
#include "report/request.h"
#include "schema/base/attr.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/store.h"

struct anonymize {
	struct request request;
	const char *key, *new_key; /* paths */
	bool drop_ports, keep_as;
	sigset_t signals; /* blocked, and looked at every now and then */
	int signal;       /* the one that came, 0 */
	uint64_t n_flows;
	size_t n_days;
};

/* ---- words ---- */

static int
set_key(void *arg, const char *value, struct err *err)
{
	struct anonymize *a = arg;

	(void)err;
	a->key = value;
	return 0;
}

static int
set_new_key(void *arg, const char *value, struct err *err)
{
	struct anonymize *a = arg;

	(void)err;
	a->new_key = value;
	return 0;
}

static int
set_yes_no(bool *yes, const char *option, const char *value, struct err *err)
{
	*yes = strcmp(value, "yes") == 0;
	if (*yes || strcmp(value, "no") == 0)
		return 0;
	return err_set(
	    err, ERR_USAGE, "--%s %.60s: want yes or no", option, value);
}

static int
set_keep_ports(void *arg, const char *value, struct err *err)
{
	struct anonymize *a = arg;
	bool keep;
	int rc = set_yes_no(&keep, "keep-ports", value, err);

	a->drop_ports = !keep;
	return rc;
}

static int
set_keep_as(void *arg, const char *value, struct err *err)
{
	struct anonymize *a = arg;

	return set_yes_no(&a->keep_as, "keep-as", value, err);
}

static void
help(struct buf *text)
{
	buf_puts(text,
	    "usage: weir anonymize [WORDS] -o NEWDIR [OPTIONS]\n\n"
	    "A new store with other addresses for all there are, by "
	    "Crypto-PAn: addresses of\none prefix are of one prefix again. "
	    "The same key gives the same addresses, and\nthose of nfanon; "
	    "without one, a key is made up and forgotten. Times, counters,\n"
	    "flags, interfaces and masks stay. AS numbers tell who a prefix "
	    "was: they become 0.\n\n"
	    "With words other than from and to the minutes of report loss are "
	    "left out, with\nany words the headers of datagrams: they tell of "
	    "flows that are not there.\n\n"
	    "examples:\n"
	    "  weir anonymize from=2026-11-23 to=2026-11-24 -o /tmp/for-study\n"
	    "  weir anonymize --new-key site.key -o /srv/week1 from=-7d\n"
	    "  weir anonymize --key site.key --keep-ports no src=10.1.0.0/16 "
	    "-o /srv/campus\n");
}

static const struct request_option options[] = {
    {'k', "key", "FILE", "key, 32 bytes (by chance)", set_key},
    {'K', "new-key", "FILE", "make a key", set_new_key},
    {'p', "keep-ports", "yes|no", "no: ports become 0 (yes)", set_keep_ports},
    {'a', "keep-as", "yes|no", "no: AS numbers become 0 (no)", set_keep_as},
};
static const char *const no_formats[] = {NULL};

static const struct request_spec spec = {
    .option = options,
    .n_options = ARRAY_LEN(options),
    .formats = no_formats,
    .help = help,
};

static int
check(const struct anonymize *a, struct err *err)
{
	if (a->request.output == NULL)
		return err_set(err, ERR_USAGE,
		    "-o NEWDIR is missing: the folder for the new store");
	if (a->key != NULL && a->new_key != NULL)
		return err_set(err, ERR_USAGE, "--key or --new-key, not both");
	if (a->request.has_lines || a->request.has_dedup)
		return err_set(err, ERR_USAGE,
		    "anonymize takes all flows that match: no lines= or "
		    "dedup=");
	return 0;
}

/* ---- signals ---- */

static void
block_signals(struct anonymize *a)
{
	sigemptyset(&a->signals);
	sigaddset(&a->signals, SIGHUP);
	sigaddset(&a->signals, SIGINT);
	sigaddset(&a->signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &a->signals, NULL);
}

static int
stop_if_asked(void *arg, struct err *err)
{
	struct anonymize *a = arg;
	const struct timespec now = {0};

	if (a->signal == 0) {
		int signal = sigtimedwait(&a->signals, NULL, &now);

		a->signal = signal > 0 ? signal : 0;
	}
	if (a->signal == 0)
		return 0;
	return err_set(err, ERR_STOPPED, "interrupted");
}

/* Whoever waits for us shall see why we ended. */
static void
end_by_signal(const struct anonymize *a)
{
	if (a->signal != 0)
		(void)raise(a->signal);
	sigprocmask(SIG_UNBLOCK, &a->signals, NULL);
}

/* ---- at work ---- */

static int
do_day(struct anonymize *a, const struct anonymize_wishes *w,
    const struct store_shard *file, const struct new_store *to, struct err *err)
{
	char *path = new_store_shard_path(to, file->day);
	char name[CLOCK_DAY_LEN];
	uint64_t n_flows;
	int rc = anonymize_day(w, file->day, file->path, path, &n_flows, err);

	free(path);
	if (rc != 0 || n_flows == 0)
		return rc;
	a->n_flows += n_flows;
	a->n_days++;
	clock_format_day(file->day, name);
	printf("%s: %llu flows\n", name, (unsigned long long)n_flows);
	fflush(stdout);
	return 0;
}

static int
do_days(struct anonymize *a, struct pan *pan, const struct new_store *to,
    struct err *err)
{
	const struct filter *f = &a->request.filter;
	const struct anonymize_wishes w = {
	    .pan = pan,
	    .filter = f,
	    .drop_ports = a->drop_ports,
	    .drop_as = !a->keep_as,
	    .headers = filter_is_span(f) && !f->has_from && !f->has_to,
	    .minutes = filter_is_span(f),
	    .stop = stop_if_asked,
	    .arg = a,
	};
	struct store_list list;
	int rc = store_list(&list, a->request.dir, err);

	if (rc != 0)
		return rc;
	for (size_t i = 0; i < list.n && rc == 0; i++)
		if ((rc = stop_if_asked(a, err)) == 0)
			rc = do_day(a, &w, &list.shard[i], to, err);
	store_list_release(&list);
	if (rc == 0 && a->n_flows == 0)
		rc = err_set(err, ERR_SYSTEM,
		    "no flow of %s matches: %s is not made", a->request.dir,
		    a->request.output);
	return rc;
}

static int
make_store(struct anonymize *a, struct pan *pan, struct err *err)
{
	struct new_store to;
	int rc = new_store_open(&to, a->request.output, err);

	if (rc != 0)
		return rc;
	if ((rc = do_days(a, pan, &to, err)) != 0) {
		new_store_abandon(&to);
		return rc;
	}
	if ((rc = new_store_keep(&to, err)) == 0)
		printf("%s: %zu %s, %llu flows\n", a->request.output, a->n_days,
		    a->n_days == 1 ? "day" : "days",
		    (unsigned long long)a->n_flows);
	return rc;
}

static int
get_key(const struct anonymize *a, uint8_t key[PAN_KEY_LEN], struct err *err)
{
	int rc;

	if (a->key != NULL)
		return pan_key_read(key, a->key, err);
	if ((rc = pan_key_make(key, err)) == 0 && a->new_key != NULL)
		rc = pan_key_write(key, a->new_key, err);
	return rc;
}

static int
run(struct anonymize *a, struct err *err)
{
	uint8_t key[PAN_KEY_LEN];
	struct pan *pan;
	int rc = check(a, err);

	if (rc == 0)
		rc = get_key(a, key, err);
	if (rc != 0)
		return rc;
	block_signals(a);
	pan = pan_new(key);
	explicit_bzero(key, sizeof key);
	rc = make_store(a, pan, err);
	pan_free(pan);
	if (rc != 0 && a->new_key != NULL)
		(void)unlink(a->new_key); /* nothing was made with it */
	end_by_signal(a);
	if (rc == 0 && (fflush(stdout) != 0 || ferror(stdout)))
		rc = err_sys(err, "standard output");
	return rc;
}

int
anonymize_main(int argc, char **argv)
{
	struct anonymize a = {0};
	struct err err = {0};
	int rc = request_parse(&a.request, &spec, argc, argv, &a, &err);

	if (rc == 0)
		rc = a.request.help ? request_help(&a.request, &err)
				    : run(&a, &err);
	request_release(&a.request);
	return request_status("anonymize", rc, &err);
}
