/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_GATE_H
#define WEIR_COLLECTOR_GATE_H
/*
 * Which exporters are let in: those of the configuration, and others if it
 * says so, up to a maximum. What is past it is refused, so that forged senders
 * fill neither memory nor a day's table of sources.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/flow.h"

struct conf;
struct gate;

enum {
	/* Sources (exporter, engine, sampling word) that are let in within a
	 * day, so rows that a day's table of sources may have. */
	GATE_MAX_SOURCES = 4096,
	/* Exporters; all that the configuration names by full address have
	 * their place kept. */
	GATE_MAX_EXPORTERS = 4096,
	/* Sources of one exporter. */
	GATE_SOURCES_EACH = 64,
};

enum gate_verdict {
	GATE_PASS,
	GATE_NOT_CONFIGURED, /* and unknown ones are refused */
	GATE_NO_ROOM,        /* there are as many as may be */
};

/* conf is borrowed until gate_configure or gate_free. */
struct gate *gate_new(const struct conf *conf);
void gate_free(struct gate *g); /* accepts NULL */

/* Go by another configuration; who is in and may be so stays. */
void gate_configure(struct gate *g, const struct conf *conf);

/* Before a datagram is looked at: where it came from, to which of our ports. */
enum gate_verdict gate_check(
    struct gate *g, const struct addr *from, uint16_t port);

/* The source of a sound datagram that passed: it takes its place. */
enum gate_verdict gate_admit(
    struct gate *g, const struct source *s, int64_t now_ms);

/* Now and then: who was silent for a day makes room, if it is wanted. */
void gate_tick(struct gate *g, int64_t now_ms);

#endif
