/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_TRACK_UPDATE_H
#define WEIR_REPORT_TRACK_UPDATE_H
/*
 * Bringing the files of trackings up to date, or making them anew.
 *
 * Periods are [start, start + 300 s). Those that are due are taken in blocks,
 * in order: the values of all trackings from one pass over the flows, copies of
 * the files with them, all of it synced, the copies in place of the files, and
 * then state.db says how far it is. Killed at any moment, it is done again from
 * there, and a file leaves out what it has already: no period is missed, and
 * none is in twice. A file that is older than state.db says, say, from a
 * backup, is caught up from where it ends.
 *
 * A tracking that counts its last periods anew, for flows exported late, has a
 * second file without them, to which they are added each time.
 */
#include <stddef.h>
#include <stdint.h>

#include "report/track.h"
#include "schema/base/err.h"

struct conf;
struct scan_watch;

/* How far it is, and how it ended. */
struct track_result {
	size_t n_trackings; /* that there was something to do for */
	size_t n_failed;    /* of them */
	uint64_t n_values;  /* periods of all of them together */
	int64_t done_s;     /* end of the last period that is done */
};

struct track_work {
	const char *dir;
	const struct conf *conf; /* for scale=header and names in filters */
	int64_t now_ms;
	int64_t to_s;             /* periods that end then or before are due */
	struct scan_watch *watch; /* who may end it; NULL: nobody */
	/* A tracking could not be done, the others go on; NULL: nobody is told.
	 */
	void (*failed)(const char *name, const struct err *err, void *arg);
	void (*progress)(const struct track_result *r, void *arg); /* or NULL */
	void *arg;                                                 /* of both */
};

/* All active ones. ERR_BUSY: another process is at it. */
int track_update(const struct track_work *w, struct track_result *out,
    struct err *err) MUST_CHECK;

/*
 * Files of these trackings (active or archived) anew, with periods from from_s
 * on up to to_s counted; what the old one knows of before is kept. Each takes
 * the place of the old one when it is whole.
 */
int track_recreate(const struct track_work *w, const int64_t *id, size_t n,
    int64_t from_s, struct track_result *out, struct err *err) MUST_CHECK;

#endif
