/* SPDX-License-Identifier: ISC */
/* Datagrams one behind the other, as collector/reader_raw.c reads them:
 * nothing says who sent them. */
#include "report/export.h"
#include "report/pack.h"
#include "report/sink.h"

static int
raw_begin(void **state, struct sink *sink, struct err *err)
{
	(void)err;
	*state = sink;
	return 0;
}

static int
raw_put(void *state, const struct packed *d, struct err *err)
{
	uint8_t datagram[NF5_MAX_LEN];

	sink_put(state, datagram, pack_encode(d, datagram));
	return sink_check(state, err);
}

static int
raw_end(void *state, struct buf *lost, struct err *err)
{
	(void)lost;
	return sink_check(state, err);
}

static void
raw_free(void *state)
{
	(void)state; /* the sink, which is the caller's */
}

const struct export_format export_raw = {
    .begin = raw_begin,
    .put = raw_put,
    .end = raw_end,
    .free = raw_free,
};
