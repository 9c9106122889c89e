/* SPDX-License-Identifier: ISC */
#ifndef WEIR_QUERY_PIECES_H
#define WEIR_QUERY_PIECES_H
/*
 * What a scan has to read, cut into pieces that threads take one after the
 * other: some ten thousand rows of a segment each, in order of arrival. How it
 * is cut does not depend on who takes it. Any thread may call any of this.
 */
#include <stdbool.h>
#include <stdint.h>

#include "query/scan.h"
#include "query/view.h"

struct piece_shard;
struct pieces;

struct piece {
	uint64_t number;          /* from 0 */
	struct scan_stats passed; /* shards and segments begun or left out
				     since the piece before */
	struct piece_shard *shard;
	size_t segment; /* position in the shard */
	uint64_t part;  /* of the segment */
	struct plan_path path;
};

/* q is borrowed until pieces_close; stop(arg) may end what is read early. */
int pieces_open(struct pieces **out, const struct scan_query *q, bool in_order,
    bool (*stop)(void *), void *arg, struct err *err) MUST_CHECK;
void pieces_close(struct pieces *p); /* when no piece is at work */

/* 1; 0: there are no more, and only number and passed are set; an error, after
 * which there are no more. */
int pieces_next(
    struct pieces *p, struct piece *out, struct err *err) MUST_CHECK;

/* All but n_flows. */
void pieces_progress(struct pieces *p, struct scan_progress *out);

/* Read it: see view_run. piece_end follows, read or not. */
int piece_read(struct pieces *p, const struct piece *piece,
    struct view_sink *sink, struct err *err) MUST_CHECK;
void piece_end(struct pieces *p, const struct piece *piece);

#endif
