/* SPDX-License-Identifier: ISC */
#ifndef WEIR_SCHEMA_BASE_LOG_H
#define WEIR_SCHEMA_BASE_LOG_H
/*
 * Lines on stderr. One event, one line, the object first. Under systemd
 * (JOURNAL_STREAM set) lines carry the priority prefix of sd-daemon(3).
 * Only commands and the collector's edge log; library code returns errors.
 */
#include "schema/base/attr.h"

enum log_level { LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

void log_init(enum log_level level); /* call once, before threads start */
void log_warn(const char *fmt, ...) PRINTF_LIKE(1, 2); /* adds errno */
void log_warnx(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
