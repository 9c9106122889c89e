/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_SIFT_H
#define WEIR_COLLECTOR_SIFT_H
/*
 * Tell the exports in a file from the other traffic a capture may hold, and
 * damaged v5 from payloads that begin with its version by chance. A socket
 * that waits for exports needs none of this.
 */
#include "collector/export_kind.h"
#include "collector/nf5.h"

struct datagram;

/* What was learned from a file so far; zeroed at its start. */
struct sift {
	uint8_t v5_port[(UINT16_MAX + 1) / 8]; /* ports that got sound v5 */
};

struct sifted {
	enum export_kind kind; /* EXPORT_NETFLOW5: see rc */
	int rc;                /* of nf5_decode: < 0 is malformed v5 */
	struct packet packet;  /* the rest only when rc >= 0 */
	struct flow flows[NF5_MAX_RECORDS];
};

void sift_datagram(
    struct sift *s, const struct datagram *d, struct sifted *out);

enum { SIFT_PROBLEM_LEN = 80 };

/* Why nf5_decode refused d with rc, in words. */
void sift_problem(int rc, const struct datagram *d, char out[SIFT_PROBLEM_LEN]);

#endif
