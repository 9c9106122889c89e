/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_ACCOUNT_SAY_H
#define WEIR_COLLECTOR_ACCOUNT_SAY_H
/*
 * What an account tells the log. Nothing happens when there is nobody to say
 * it to.
 */
#include <stdint.h>

struct account;
struct engine;

void account_say_first(
    struct account *a, const struct engine *e, uint32_t sequence);

/* What is due; gaps and restarts once they are older than settle_ms. */
void account_say_due(struct account *a, int64_t now_ms, int64_t settle_ms);

#endif
