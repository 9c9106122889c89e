/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_ALERT_RULE_H
#define WEIR_REPORT_ALERT_RULE_H
/*
 * When the values of a tracking are an alarm: a rule, what is remembered of the
 * periods before, and a step for each new period. Pure: no clock, no files;
 * whoever calls keeps the state and delivers the messages.
 *
 * A period that breaks the rule is a miss. Misses are consecutive when their
 * periods touch: a period without a value between them ends the row, as does a
 * gap. A rule with hold_s 0 and several misses in a row starts counting anew
 * with each message, so it speaks again after that many more; one with hold_s
 * goes on counting and speaks again when hold_s has passed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum alert_kind {
	ALERT_ABOVE,   /* value > threshold */
	ALERT_BELOW,   /* value < threshold */
	ALERT_SIGMA,   /* value > mean + k standard deviations of the periods
			  before, to the nearest whole number */
	ALERT_WEEKS,   /* value > k times the mean of the same period in the
			  weeks before */
	ALERT_NO_DATA, /* no value at all */
};

enum { ALERT_MAX_READINGS = 64 };

struct alert_rule {
	enum alert_kind kind;
	double threshold;  /* ABOVE, BELOW: unit of the tracking */
	unsigned readings; /* SIGMA: periods before, 2 at least; WEEKS: weeks;
			      at most ALERT_MAX_READINGS */
	double k;          /* SIGMA, WEEKS */
	unsigned in_a_row; /* misses before it speaks, 1 at least */
	int64_t hold_s;    /* least time between two messages of a row of
			      misses, 0: none */
	bool recovery;     /* speak when it is over */
	/* Minutes of the local day in which it keeps silent, the second not
	 * included; may go over midnight; equal: never. */
	unsigned quiet_from, quiet_to;
};

/* Zeroed at first, and when the rule or the tracking changes. */
struct alert_state {
	bool spoken;            /* a message is out, its end is not yet */
	unsigned n_misses;      /* in a row, as counted by the rule */
	int64_t first_miss_s;   /* end of the first period of the row */
	int64_t last_miss_s;    /* end of the last one, 0: no row goes on */
	int64_t last_message_s; /* end of the period of the last "fired" */
	double worst;           /* value of the row farthest from the limit */
};

enum alert_event_kind { ALERT_QUIET, ALERT_FIRED, ALERT_RECOVERED };

struct alert_event {
	enum alert_event_kind kind;
	bool miss;              /* whether this period was one */
	double limit;           /* what value was compared with; NAN: nothing */
	double mean, deviation; /* SIGMA and WEEKS, else 0 */
	unsigned n_misses;      /* up to this message */
	int64_t first_miss_s;   /* of the row that is told of, or is over */
	double worst;
};

/*
 * The periods a rule looks back at, for the period that ends at end_s: the
 * time of number i, from 0 to readings - 1. 0 when the rule looks at none.
 */
int64_t alert_reading_s(
    const struct alert_rule *rule, size_t i, int64_t end_s, int64_t step_s);

/* Whether a minute of the local day is one of silence. */
bool alert_is_quiet(const struct alert_rule *rule, unsigned minute);

/*
 * Take the period of step_s seconds that ends at end_s, later than any before.
 *   value      its value; NAN: none is known
 *   before     the readings as alert_reading_s names them, NAN where none is
 *              known: a mean needs all of SIGMA, at least one of WEEKS
 *   minute     of the local day at end_s, for quiet_from and quiet_to
 */
struct alert_event alert_step(const struct alert_rule *rule,
    struct alert_state *state, int64_t end_s, int64_t step_s, double value,
    const double *before, unsigned minute);

#endif
