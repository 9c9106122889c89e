/* SPDX-License-Identifier: ISC */
/* Exports or other traffic: see sift.h. */
#include "collector/sift.h"

#include <stdbool.h>
#include <stdio.h>

#include "collector/reader.h"
#include "schema/base/num.h"

static bool
port_is_known(const struct sift *s, uint16_t port)
{
	return (s->v5_port[port / 8] >> (port % 8) & 1) != 0;
}

static void
learn_port(struct sift *s, uint16_t port)
{
	s->v5_port[port / 8] |= (uint8_t)(1u << (port % 8));
}

/*
 * A payload that begins 00 05 and does not decode. It counts as v5 when it came
 * in a raw file (port 0) or to a port that got sound v5 before. Elsewhere it
 * needs a whole header and either a possible count or the length of whole
 * records: a TFTP error begins 00 05 too, and a DNS query may.
 */
static bool
is_meant_as_v5(const struct sift *s, const struct datagram *d)
{
	size_t count;

	if (d->to_port == 0 || port_is_known(s, d->to_port))
		return true;
	if (d->len < NF5_HEADER_LEN)
		return false;
	count = get_be16(d->data + 2);
	return (count >= 1 && count <= NF5_MAX_RECORDS) ||
	       (d->len <= NF5_MAX_LEN &&
		   (d->len - NF5_HEADER_LEN) % NF5_RECORD_LEN == 0);
}

void
sift_datagram(struct sift *s, const struct datagram *d, struct sifted *out)
{
	out->rc = 0;
	out->kind = export_kind(d->data, d->len);
	if (out->kind != EXPORT_NETFLOW5)
		return;
	out->rc = nf5_decode(d->data, d->len, &out->packet, out->flows);
	if (out->rc >= 0) {
		learn_port(s, d->to_port);
		/* Raw files do not say who sent them. */
		out->packet.source.exporter =
		    d->from.family != 0 ? d->from : addr_from_ip4(0);
		out->packet.received_ms = d->received_ms;
		out->packet.no_sequence = d->no_sequence;
	} else if (!is_meant_as_v5(s, d)) {
		out->kind = EXPORT_UNKNOWN;
	}
}

void
sift_problem(int rc, const struct datagram *d, char out[SIFT_PROBLEM_LEN])
{
	unsigned count = d->len >= 4 ? get_be16(d->data + 2) : 0;

	if (rc == ERR_COUNT)
		snprintf(out, SIFT_PROBLEM_LEN, "record count %u not in 1..%d",
		    count, NF5_MAX_RECORDS);
	else if (d->len < NF5_HEADER_LEN)
		snprintf(out, SIFT_PROBLEM_LEN,
		    "%zu bytes, shorter than the header", d->len);
	else
		snprintf(out, SIFT_PROBLEM_LEN,
		    "%zu bytes, %u needed for %u records", d->len,
		    NF5_HEADER_LEN + count * NF5_RECORD_LEN, count);
}
