/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_PRIVILEGE_H
#define WEIR_COLLECTOR_PRIVILEGE_H
/* Giving up root for good, once the sockets are bound. */
#include "schema/base/err.h"

/*
 * Become user, with its groups alone, and make sure that there is no way back.
 * ERR_USAGE: no such user; ERR_SYSTEM: not allowed.
 */
int privilege_drop(const char *user, struct err *err) MUST_CHECK;

#endif
