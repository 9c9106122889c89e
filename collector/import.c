/* SPDX-License-Identifier: ISC */
/*
 * `weir import`: the NetFlow v5 in files, into the store, file by file, with
 * one line for each that says what was in it.
 *
 * A file is known again by its content. imports.db has a row for it before its
 * first flow is stored, which is marked as ended when its last one is safe on
 * the disk. In between each shard notes, in the transaction that stores flows,
 * how many of the file's datagrams were gone through. So an import that was
 * killed, or that the disk was full for, goes on later where it was: nothing is
 * stored twice and nothing is left out, in the flows. (The minutes of status
 * lack what was not yet stored of them.)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/account.h"
#include "collector/command.h"
#include "collector/commands.h"
#include "collector/file_progress.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "collector/tree.h"
#include "collector/writer.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"
#include "schema/base/mem.h"
#include "schema/imports.h"

/* Large enough that a commit costs little, small enough for memory. */
enum { COMMIT_FLOWS = 50000 };

/* How much of a file an earlier, interrupted run left in a shard. */
struct mark {
	int32_t day;
	uint64_t n_datagrams;
};

struct import {
	const char *dir;
	bool verbose;          /* name malformed datagrams */
	bool again;            /* also what was imported before */
	int worst;             /* exit status so far */
	struct writer *writer; /* NULL until there is a file to read */
	struct imports *imports;
	struct import_run
	    run;              /* of this file; without an id: not known again */
	bool resumed;         /* there are marks */
	uint64_t n_datagrams; /* of this file: sound ones gone through */
	struct mark *mark;    /* of the days met */
	size_t n_marks, cap_marks;
	struct file_progress progress;
	struct account *account;
	uint64_t uncommitted; /* flows */
	bool store_failed;    /* no use to go on with the next file */
};

struct tally {
	uint64_t datagrams, flows, packets, octets; /* stored */
	uint64_t stored_before;                     /* datagrams */
	uint64_t foreign[N_EXPORT_KINDS];
	uint64_t malformed;
	char problem[SIFT_PROBLEM_LEN]; /* of the first malformed one */
};

/* A failure of the store, as against one of the file. */
static int
store_result(struct import *im, int rc)
{
	if (rc < 0)
		im->store_failed = true;
	return rc;
}

/* What the account has finished, of the minutes of export. */
static int
store_minutes(struct import *im, struct err *err)
{
	struct minute_row row;
	int rc = 0;

	while (rc == 0 && account_take(im->account, &row, 1) == 1)
		rc = writer_add_minute(im->writer, &row, err);
	return store_result(im, rc);
}

static int
commit(struct import *im, struct err *err)
{
	int rc = writer_commit(im->writer, err);

	im->uncommitted = 0;
	while (rc == 0 && (rc = writer_seal_step(im->writer, err)) == 1)
		rc = 0;
	return store_result(im, rc);
}

/* Up to which datagram this file is in the shard of day. */
static int
find_mark(struct import *im, int32_t day, uint64_t *n, struct err *err)
{
	struct mark m = {.day = day};
	int rc;

	for (size_t i = 0; i < im->n_marks; i++)
		if (im->mark[i].day == day) {
			*n = im->mark[i].n_datagrams;
			return 0;
		}
	rc = store_result(im,
	    writer_imported(im->writer, day, im->run.key, &m.n_datagrams, err));
	if (rc != 0)
		return rc;
	im->mark = xgrow(im->mark, im->n_marks, &im->cap_marks, sizeof m);
	im->mark[im->n_marks++] = m;
	*n = m.n_datagrams;
	return 0;
}

/* 1: an interrupted run has stored this datagram. */
static int
stored_before(struct import *im, int32_t day, struct err *err)
{
	uint64_t mark = 0;
	int rc;

	if (!im->resumed)
		return 0;
	rc = find_mark(im, day, &mark, err);
	return rc != 0 ? rc : im->n_datagrams <= mark;
}

static int
add(struct import *im, int32_t day, const struct sifted *s, struct err *err)
{
	int rc = writer_add(im->writer, day, &s->packet, s->flows, err);

	if (rc == 0 && im->run.id > 0)
		rc = writer_note_import(
		    im->writer, day, im->run.key, im->n_datagrams, err);
	return store_result(im, rc);
}

static int
store(
    struct import *im, const struct sifted *s, struct tally *t, struct err *err)
{
	const struct packet *p = &s->packet;
	int64_t export_ms = (int64_t)p->unix_secs * MS_PER_S;
	int32_t day = clock_day(export_ms);
	int rc;

	im->n_datagrams++;
	if ((rc = stored_before(im, day, err)) != 0) {
		t->stored_before++;
		return rc < 0 ? rc : 0;
	}
	if ((rc = add(im, day, s, err)) != 0)
		return rc;
	account_packet(im->account, p, s->flows, s->rc > 0, export_ms);
	if ((rc = store_minutes(im, err)) != 0)
		return rc;
	t->datagrams++;
	t->flows += p->n_flows;
	for (size_t i = 0; i < p->n_flows; i++) {
		t->packets += s->flows[i].packets;
		t->octets += s->flows[i].octets;
	}
	im->uncommitted += p->n_flows;
	return im->uncommitted >= COMMIT_FLOWS ? commit(im, err) : 0;
}

static void
count_malformed(
    struct tally *t, const char *path, const struct datagram *d, int rc)
{
	char problem[SIFT_PROBLEM_LEN], from[ADDR_TEXT_LEN];

	sift_problem(rc, d, problem);
	if (t->malformed++ == 0)
		memcpy(t->problem, problem, sizeof problem);
	addr_format(&d->from, from);
	log_debug("%s: malformed v5 from %s: %s", path, from, problem);
}

static int
read_all(struct import *im, struct reader *r, const char *path, struct tally *t,
    struct err *err)
{
	struct sift sift = {0};
	struct sifted s;
	struct datagram d;
	int rc;

	while ((rc = reader_next(r, &d, err)) == 1) {
		file_progress_step(&im->progress, reader_position(r), t->flows);
		sift_datagram(&sift, &d, &s);
		if (s.kind != EXPORT_NETFLOW5)
			t->foreign[s.kind]++;
		else if (s.rc < 0)
			count_malformed(t, path, &d, s.rc);
		else if ((rc = store(im, &s, t, err)) != 0)
			return rc;
	}
	return rc;
}

static void
put_foreign(struct buf *line, const struct tally *t)
{
	const char *before = "; skipped: ";

	for (int k = 0; k < N_EXPORT_KINDS; k++) {
		if (t->foreign[k] == 0)
			continue;
		buf_printf(line, "%s%llu %s", before,
		    (unsigned long long)t->foreign[k],
		    k == EXPORT_UNKNOWN
			? "other UDP"
			: export_kind_name((enum export_kind)k));
		before = ", ";
	}
}

static void
print_summary(
    const char *path, const struct tally *t, const struct reader_skips *skips)
{
	struct buf line;

	buf_init(&line, 2048);
	buf_printf(&line,
	    "%llu datagrams, %llu flows, %llu packets, %llu octets",
	    (unsigned long long)t->datagrams, (unsigned long long)t->flows,
	    (unsigned long long)t->packets, (unsigned long long)t->octets);
	if (t->stored_before > 0)
		buf_printf(&line, "; stored before it was interrupted: %llu",
		    (unsigned long long)t->stored_before);
	put_foreign(&line, t);
	if (t->malformed > 0)
		buf_printf(&line, "; malformed v5: %llu (%s%s)",
		    (unsigned long long)t->malformed,
		    t->malformed > 1 ? "first: " : "", t->problem);
	if (skips->fragments > 0)
		buf_printf(&line, "; IP fragments not read: %llu",
		    (unsigned long long)skips->fragments);
	if (skips->cut > 0)
		buf_printf(&line, "; frames cut short: %llu",
		    (unsigned long long)skips->cut);
	if (skips->tagged > 0)
		buf_printf(&line, "; flow-tools tags dropped: of %llu flows",
		    (unsigned long long)skips->tagged);
	if (skips->unclosed)
		buf_puts(&line, "; not closed by flow-capture");
	printf("%s: %s\n", path, buf_str(&line));
	buf_release(&line);
}

/* ---- one file ---- */

/* The sum of a regular file; "" of a pipe, which can be read but once. */
static int
sum_content(const char *path, char out[SHA256_DIGEST_STRING_LENGTH],
    uint64_t *size, struct err *err)
{
	static const size_t chunk = 1 << 16;
	SHA2_CTX sum;
	struct stat st;
	uint8_t *data;
	ssize_t n;
	int fd;

	out[0] = '\0';
	*size = 0;
	if (strcmp(path, "-") == 0)
		return 0;
	if (stat(path, &st) != 0)
		return err_sys(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return err_sys(err, "%s", path);
	data = xcalloc(1, chunk);
	SHA256Init(&sum);
	while ((n = read(fd, data, chunk)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0) {
			SHA256Update(&sum, data, (size_t)n);
			*size += (uint64_t)n;
		}
	if (n < 0)
		err_sys(err, "%s", path);
	close(fd);
	free(data);
	(void)SHA256End(&sum, out);
	return n < 0 ? ERR_SYSTEM : 0;
}

/* Make the store ready, when the first file is there to be read. */
static int
open_store(struct import *im, struct err *err)
{
	int rc = 0;

	if (im->writer == NULL)
		rc = writer_open(&im->writer, im->dir, 0, err);
	if (rc == 0 && im->imports == NULL)
		rc = imports_open(&im->imports, im->dir, err);
	return store_result(im, rc);
}

/* What is known of the file: 1 it is to be left out, 0 go on. */
static int
begin_run(struct import *im, const char *path, const char *sum, struct err *err)
{
	int rc;

	im->run = (struct import_run){0};
	im->resumed = false;
	im->n_datagrams = 0;
	im->n_marks = 0;
	if (sum[0] == '\0')
		return 0;
	rc = imports_find(im->imports, sum, &im->run, err);
	if (rc == 1 && im->run.ended_ms == 0) {
		im->resumed = true;
		return 0;
	}
	if (rc == 1 && !im->again)
		return 1;
	if (rc >= 0)
		rc = imports_begin(
		    im->imports, sum, path, clock_now_ms(), &im->run, err);
	return store_result(im, rc);
}

/* Everything of the file is stored: make it safe, then say so. */
static int
end_run(struct import *im, struct err *err)
{
	int rc;

	if (im->run.id == 0)
		return 0;
	if ((rc = writer_sync(im->writer, err)) == 0)
		rc = imports_end(im->imports, &im->run, clock_now_ms(), err);
	return store_result(im, rc);
}

static int
commit_file(struct import *im, struct err *err)
{
	int rc;

	account_finish(im->account, 0);
	account_forget_sequences(im->account);
	if ((rc = store_minutes(im, err)) == 0)
		rc = commit(im, err);
	return rc;
}

/* What came before damage in a file is stored and told, as is the damage; the
 * rest will not come, so that was all of it. */
static int
store_file(
    struct import *im, struct reader *r, const char *path, struct err *err)
{
	struct tally tally = {0};
	struct err later;
	int rc = read_all(im, r, path, &tally, err);
	int committed;

	file_progress_end(&im->progress);
	if (im->store_failed)
		return rc;
	committed = commit_file(im, &later);
	if (committed == 0 && (rc == 0 || rc == ERR_CORRUPT))
		committed = end_run(im, &later);
	if (committed == 0)
		print_summary(path, &tally, reader_skips(r));
	else if (rc == 0)
		*err = later;
	return rc != 0 ? rc : committed;
}

static void
print_known(const struct import *im, const char *path)
{
	char when[CLOCK_TEXT_LEN];

	clock_format_ms(im->run.ended_ms, when);
	printf("%s: already imported on %.19s, skipped (--again imports it "
	       "once more)\n",
	    path, when);
}

static int
import_file(struct import *im, const char *path, struct err *err)
{
	char sum[SHA256_DIGEST_STRING_LENGTH];
	struct reader *r;
	uint64_t size;
	int rc;

	if ((rc = sum_content(path, sum, &size, err)) != 0 ||
	    (rc = reader_open(&r, path, err)) != 0)
		return rc;
	file_progress_begin(&im->progress, path, size);
	if ((rc = open_store(im, err)) == 0)
		rc = begin_run(im, path, sum, err);
	if (rc == 0)
		rc = store_file(im, r, path, err);
	else if (rc == 1)
		print_known(im, path);
	reader_close(r);
	return rc < 0 ? rc : 0;
}

/* ---- all of them ---- */

static void
tell(struct import *im, int status, const char *text)
{
	fflush(stdout); /* both may go to one file */
	log_warnx("%s", text);
	if (status > im->worst)
		im->worst = status;
}

static int
take_path(const char *path, const char *problem, void *arg)
{
	struct import *im = arg;
	struct err err;
	int rc;

	if (problem != NULL)
		rc = err_set(&err, ERR_SYSTEM, "%s: %s", path, problem);
	else
		rc = import_file(im, path, &err);
	if (rc != 0)
		tell(im, err_exit_status(rc), err.text);
	return im->store_failed;
}

static void
import_all(struct import *im, char **paths)
{
	struct err err;
	int rc;

	while (*paths != NULL && tree_walk(*paths, take_path, im) == 0)
		paths++;
	if (im->store_failed && im->writer != NULL)
		writer_roll_back(im->writer);
	imports_close(im->imports);
	rc = writer_close(im->writer, clock_day(clock_now_ms()), &err);
	if (rc != 0)
		tell(im, 1, err.text);
	free(im->mark);
}

static int
import(void *self, struct command_line *line, struct err *err)
{
	struct import *im = self;

	(void)err; /* each file's failure is told on its own */
	if (im->verbose)
		log_init(LOG_LEVEL_DEBUG);
	im->dir = line->conf->data;
	im->account = account_new(NULL, NULL);
	import_all(im, line->args);
	account_free(im->account);
	return 0;
}

static const struct command_option options[] = {
    {'v', NULL, NULL, offsetof(struct import, verbose)},
    {0, "again", NULL, offsetof(struct import, again)},
};

static const struct command command = {
    .name = "import",
    .usage =
	"usage: weir import [-hv] [--again] [-c FILE] [-d DIR] FILE|FOLDER "
	"...\n"
	"\n"
	"Store the NetFlow v5 that is in files: pcap and pcapng captures,\n"
	"flow-tools files, and raw datagrams one behind the other; - is "
	"standard\n"
	"input; of a folder all files in and below it, by name. Flows go to "
	"the\n"
	"day of their export. A file whose content was imported before is "
	"left\n"
	"out, and one that was interrupted goes on where it was.\n"
	"\n"
	"  -v              name each malformed datagram\n"
	"  --again         import once more what was imported before\n",
    .examples = "  weir import export.pcap\n"
		"  weir import -d /var/lib/weir 2024-03-*.pcap\n"
		"  weir import /var/flows/2024\n"
		"  zcat export.pcap.gz | weir import -\n",
    .option = options,
    .n_options = ARRAY_LEN(options),
    .min_args = 1,
    .max_args = INT_MAX,
    .want_args = "no FILE given",
    .run = import,
};

int
import_main(int argc, char **argv)
{
	struct import im = {0};
	int status = command_run(&command, argc, argv, &im);

	return status > im.worst ? status : im.worst;
}
