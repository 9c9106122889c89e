/* SPDX-License-Identifier: ISC */
#ifndef WEIR_TESTS_COLLECTOR_RUN_MAIN_H
#define WEIR_TESTS_COLLECTOR_RUN_MAIN_H
/* Run a command's main in this process and see what it prints. Needs
 * cmocka.h. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RUN_MAX_ARGS = 16, RUN_MAX_TEXT = 8192 };

struct run {
	int status;
	char out[RUN_MAX_TEXT], err[RUN_MAX_TEXT];
};

/* Point fd at a new file without a name; *saved is what it was. */
static inline FILE *
run_divert(int fd, int *saved)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	*saved = dup(fd);
	assert_int_equal(dup2(fileno(f), fd), fd);
	return f;
}

static inline void
run_restore(int fd, int saved, FILE *f, char text[RUN_MAX_TEXT])
{
	size_t len;

	dup2(saved, fd);
	close(saved);
	rewind(f);
	len = fread(text, 1, RUN_MAX_TEXT - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* args: the command's name, its arguments, NULL. */
static inline void
run_main(int (*x_main)(int, char **), const char *const *args, struct run *r)
{
	char *argv[RUN_MAX_ARGS + 1] = {0};
	char *owned[RUN_MAX_ARGS + 1]; /* getopt reorders argv */
	int argc = 0, saved_out, saved_err;
	FILE *out, *err;

	for (; args[argc] != NULL; argc++) {
		assert_true(argc < RUN_MAX_ARGS);
		argv[argc] = strdup(args[argc]);
	}
	memcpy(owned, argv, sizeof owned);
	fflush(stdout);
	out = run_divert(STDOUT_FILENO, &saved_out);
	err = run_divert(STDERR_FILENO, &saved_err);
	optind = 0; /* glibc: start anew */
	r->status = x_main(argc, argv);
	fflush(stdout);
	run_restore(STDOUT_FILENO, saved_out, out, r->out);
	run_restore(STDERR_FILENO, saved_err, err, r->err);
	for (int i = 0; i < argc; i++)
		free(owned[i]);
}

#endif
