/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_PAN_KEY_H
#define WEIR_REPORT_PAN_KEY_H
/* Where the key of pan.h comes from: chance, or a file of its bytes alone. */
#include "report/pan.h"
#include "schema/base/err.h"

/* A new one, of getrandom(2). */
int pan_key_make(uint8_t key[PAN_KEY_LEN], struct err *err) MUST_CHECK;

int pan_key_read(
    uint8_t key[PAN_KEY_LEN], const char *path, struct err *err) MUST_CHECK;
/* Into a new file that only the user may read. */
int pan_key_write(const uint8_t key[PAN_KEY_LEN], const char *path,
    struct err *err) MUST_CHECK;

#endif
