/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_TEMP_H
#define WEIR_TESTS_TEMP_H
/* A folder of its own for each test, gone afterwards. */

/* Make one below TMPDIR or /tmp; the path is temp_remove's to free. */
char *temp_new(void);
/* Remove it with all that is in it. */
void temp_remove(char *dir);

#endif
