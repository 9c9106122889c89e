/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_RELAY_H
#define WEIR_COLLECTOR_RELAY_H
/*
 * Datagrams sent on to other collectors as they came. Receiving never waits
 * for it: what a target's socket does not take is dropped and counted, as is
 * what the target's machine says it has no taker for.
 */
#include <stddef.h>
#include <stdint.h>

#include "schema/base/err.h"

struct account;
struct conf;
struct relay;

/* The targets of a configuration; what was sent goes to the account, which is
 * borrowed. ERR_SYSTEM: no way to one of them. */
int relay_new(struct relay **out, const struct conf *conf,
    struct account *account, struct err *err) MUST_CHECK;
/* What was counted is handed over. Accepts NULL. */
void relay_free(struct relay *r);

/* One more datagram; data must stay until relay_flush. */
void relay_add(struct relay *r, const uint8_t *data, size_t len);
/* Send them. At most RELAY_AT_ONCE may be added between. */
enum { RELAY_AT_ONCE = 64 };
void relay_flush(struct relay *r, int64_t now_ms);

/* Once a second or so: hand over counts that are due; say what could not be
 * sent, once a minute and target. */
void relay_tick(struct relay *r, int64_t now_ms);

#endif
