/* SPDX-License-Identifier: ISC */
/* The headers of datagrams: see headers.h. */
#include "schema/headers.h"

#include <stdlib.h>

#include "schema/base/mem.h"
#include "schema/db.h"
#include "schema/shard.h"
#include "sql.h"

struct headers {
	struct shard *shard;
	struct stmt *rows;
};

int
headers_open(struct headers **out, struct shard *s, struct err *err)
{
	struct headers *h = xcalloc(1, sizeof *h);
	int rc = db_prepare(shard_db(s), sql_select_headers, &h->rows, err);

	if (rc != 0) {
		free(h);
		return rc;
	}
	h->shard = s;
	*out = h;
	return 0;
}

int
headers_next(struct headers *h, struct header *out, struct err *err)
{
	size_t n_sources;
	const struct source *source = shard_sources(h->shard, &n_sources);
	struct stmt *q = h->rows;
	int rc = stmt_step(q, err);
	int64_t source_id;

	if (rc != 1)
		return rc;
	source_id = stmt_int(q, 3);
	if (source_id < 1 || (uint64_t)source_id > n_sources)
		return err_set(err, ERR_CORRUPT,
		    "%s: a datagram of source %lld, which is not in table "
		    "source",
		    shard_path(h->shard), (long long)source_id);
	*out = (struct header){
	    .segment_id = (uint32_t)stmt_int(q, 0),
	    .first_flow = (uint64_t)stmt_int(q, 1),
	    .packet =
		{
		    .n_flows = (uint8_t)stmt_int(q, 2),
		    .source = source[source_id - 1],
		    .received_ms = stmt_int(q, 4),
		    .unix_secs = (uint32_t)stmt_int(q, 5),
		    .unix_nsecs = (uint32_t)stmt_int(q, 6),
		    .uptime_ms = (uint32_t)stmt_int(q, 7),
		    .sequence = (uint32_t)stmt_int(q, 8),
		    .no_sequence = stmt_int(q, 9) != 0,
		},
	};
	return 1;
}

void
headers_close(struct headers *h)
{
	if (h == NULL)
		return;
	stmt_finalize(h->rows);
	free(h);
}
