/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_ACCOUNT_STATE_H
#define WEIR_COLLECTOR_ACCOUNT_STATE_H
/* What an account holds: for account.c and account_say.c alone. */
#include <pthread.h>

#include "collector/account.h"
#include "collector/roster.h"

enum { ACCOUNT_OTHERS = 0 }; /* their element of both tables */

struct exporter {
	struct addr addr;
	bool is_sound; /* some datagram of it was */
	int64_t last_ms;
	struct minute minute; /* what was refused of it alone */
	/* Since it was last said, and when that was (0: never). */
	uint64_t refused[N_MINUTE_REFUSED];
	int64_t malformed_said_ms, loss_said_ms, restart_said_ms;
	int64_t hourly_said_ms[N_MINUTE_REFUSED];
};

struct engine {
	struct account_engine sum;
	size_t exporter;              /* its position */
	struct minute minute;         /* not handed over yet */
	struct sequence_counters cut; /* what was handed over */
	/* To be said: what is above these, and the numbers of the last one. */
	uint64_t lost_said, gaps_said, restarts_said;
	int64_t gap_ms, restart_ms; /* the first not said; 0: none */
	struct numbers {
		uint32_t sequence, expected;
	} gap, restart;
};

struct account {
	struct exporter *exporter;
	struct engine *engine;
	/* Positions in these are those in the rosters. */
	size_t n_exporters, n_engines, n_unsound;
	struct roster *exporters, *engines;
	struct engine *last_engine; /* mostly the next one as well */
	struct collector_minute minute;
	bool minute_used; /* something is in it */
	int64_t handed_over_ms;
	bool to_say; /* something may be due */
	account_say *say;
	void *say_arg;
	int64_t lines_since_ms;
	unsigned n_lines, n_lines_left_out;

	pthread_mutex_t lock; /* of what follows */
	struct minute_row *row;
	size_t first_row, n_rows;
};

#endif
