/* SPDX-License-Identifier: ISC */
/*
 * `weir import`: the NetFlow v5 in files, into the store, file by file, with
 * one line for each that says what was in it.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/commands.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "collector/writer.h"
#include "schema/base/buf.h"
#include "schema/base/clock.h"
#include "schema/base/log.h"

static const char usage_text[] =
    "usage: weir import [-hv] [-d DIR] FILE ...\n"
    "\n"
    "Store the NetFlow v5 that is in files: pcap and pcapng captures,\n"
    "flow-tools files, and raw datagrams one behind the other; - is standard\n"
    "input. Flows go to the day of their export. A file imported twice is\n"
    "stored twice.\n"
    "\n"
    "  -d DIR  data folder, made if missing (default ./var)\n"
    "  -v      name each malformed datagram\n"
    "\n"
    "examples:\n"
    "  weir import export.pcap\n"
    "  weir import -d /var/lib/weir 2024-03-*.pcap\n"
    "  zcat export.pcap.gz | weir import -\n";

/* Large enough that a commit costs little, small enough for memory. */
enum { COMMIT_FLOWS = 50000 };

struct import {
	const char *dir;
	struct writer *writer; /* NULL until there is a file to read */
	uint64_t uncommitted;  /* flows */
	bool store_failed;     /* no use to go on with the next file */
};

struct tally {
	uint64_t datagrams, flows, packets, octets; /* stored */
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

static int
commit(struct import *im, struct err *err)
{
	int rc = writer_commit(im->writer, err);

	im->uncommitted = 0;
	while (rc == 0 && (rc = writer_seal_step(im->writer, err)) == 1)
		rc = 0;
	return store_result(im, rc);
}

static int
store(
    struct import *im, const struct sifted *s, struct tally *t, struct err *err)
{
	const struct packet *p = &s->packet;
	int32_t day = clock_day((int64_t)p->unix_secs * MS_PER_S);
	int rc =
	    store_result(im, writer_add(im->writer, day, p, s->flows, err));

	if (rc != 0)
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

/* What came before damage in a file is stored and told, as is the damage. */
static int
import_file(struct import *im, const char *path, struct err *err)
{
	struct tally tally = {0};
	struct reader *r;
	int rc, committed;

	if ((rc = reader_open(&r, path, err)) != 0)
		return rc;
	if (im->writer == NULL)
		rc =
		    store_result(im, writer_open(&im->writer, im->dir, 0, err));
	if (rc == 0)
		rc = read_all(im, r, path, &tally, err);
	if (!im->store_failed) {
		committed = commit(im, rc == 0 ? err : NULL);
		rc = rc != 0 ? rc : committed;
	}
	if (!im->store_failed)
		print_summary(path, &tally, reader_skips(r));
	reader_close(r);
	return rc;
}

/* Returns the worst exit status of all files. */
static int
import_files(struct import *im, char **paths)
{
	struct err err;
	int rc, worst = 0;

	for (; *paths != NULL && !im->store_failed; paths++) {
		if ((rc = import_file(im, *paths, &err)) == 0)
			continue;
		fflush(stdout); /* both may go to one file */
		log_warnx("%s", err.text);
		if (err_exit_status(rc) > worst)
			worst = err_exit_status(rc);
	}
	if (im->store_failed && im->writer != NULL)
		writer_roll_back(im->writer);
	rc = writer_close(im->writer, clock_day(clock_now_ms()), &err);
	if (rc != 0) {
		log_warnx("%s", err.text);
		worst = worst > 1 ? worst : 1;
	}
	return worst;
}

int
import_main(int argc, char **argv)
{
	struct import im = {.dir = "./var"};
	int letter, status;

	log_init(LOG_LEVEL_INFO);
	while ((letter = getopt(argc, argv, "d:hv")) != -1) {
		switch (letter) {
		case 'd': im.dir = optarg; break;
		case 'v': log_init(LOG_LEVEL_DEBUG); break;
		case 'h': fputs(usage_text, stdout); return 0;
		default: fputs(usage_text, stderr); return 2;
		}
	}
	if (optind == argc) {
		log_warnx("import: no FILE given");
		fputs(usage_text, stderr);
		return 2;
	}
	status = import_files(&im, argv + optind);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		log_warn("import: standard output");
		status = status > 1 ? status : 1;
	}
	return status;
}
