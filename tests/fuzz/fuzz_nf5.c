/* SPDX-License-Identifier: ISC */
/* A UDP payload from anybody: the decoder, the naming of other exports. */
#include <stdbool.h>
#include <stdlib.h>

#include "collector/export_kind.h"
#include "collector/nf5.h"
#include "collector/reader.h"
#include "collector/sift.h"
#include "tests/fuzz/fuzz_main.h"

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_decoded(
    const struct packet *p, const struct flow *flows, size_t len, int rc)
{
	size_t need = NF5_HEADER_LEN + p->n_flows * (size_t)NF5_RECORD_LEN;

	must(p->n_flows >= 1 && p->n_flows <= NF5_MAX_RECORDS);
	must(need <= len);
	must(len > UINT16_MAX || (size_t)rc == len - need);
	for (size_t i = 0; i < p->n_flows; i++) {
		const struct flow *f = &flows[i];

		must(f->start_ms <= f->end_ms);
		must(f->end_ms - f->start_ms <= FLOW_MAX_DURATION_MS);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct packet p;
	struct flow flows[NF5_MAX_RECORDS];
	struct sift sift = {0};
	struct sifted sifted;
	struct datagram d = {.data = data, .len = len, .to_port = 2055};
	char problem[SIFT_PROBLEM_LEN];
	int rc = nf5_decode(data, len, &p, flows);

	if (rc >= 0) {
		check_decoded(&p, flows, len, rc);
		must(export_kind(data, len) == EXPORT_NETFLOW5);
	} else {
		sift_problem(rc, &d, problem);
	}
	must(export_kind(data, len) < N_EXPORT_KINDS);
	sift_datagram(&sift, &d, &sifted);
	must(rc < 0 || sifted.kind == EXPORT_NETFLOW5);
	return 0;
}
