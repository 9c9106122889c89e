/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_COMMAND_H
#define WEIR_COLLECTOR_COMMAND_H
/*
 * What the commands that keep a store have in common: their options as a
 * table, the configuration, help, one line for what went wrong, the exit
 * status.
 */
#include <stddef.h>

#include "schema/conf.h"

/* An option of one command; -c, -d and -h all have. */
struct command_option {
	char letter;      /* 0: only the word */
	const char *word; /* behind two dashes; NULL: only the letter */
	const char *key;  /* of the configuration, that its value sets */
	size_t flag;      /* without a key: offset of a bool in self */
};

struct command_line {
	struct conf_options options; /* to read the configuration once more */
	const struct conf *conf;
	char **args; /* behind the options; NULL behind the last */
};

struct command {
	const char *name;
	const char *usage; /* ends with the lines on its own options */
	const char *examples;
	const struct command_option *option;
	size_t n_options;
	int min_args, max_args;
	const char *want_args; /* "no FILE given", when there are too few */
	int (*run)(void *self, struct command_line *line, struct err *err);
};

enum { COMMAND_MAX_SETTINGS = 256 };

/* self: the command's own struct, whose flags are set. The exit status. */
int command_run(const struct command *c, int argc, char **argv, void *self);

/* Rows and lines for the limits of a store. */
#define COMMAND_LIMITS                                                         \
	{0, "max-size", "max-size", 0}, {0, "max-age", "max-age", 0},          \
	{                                                                      \
		0, "min-free", "min-free", 0                                   \
	}
#define COMMAND_LIMITS_HELP                                                    \
	"  --max-size 10G  remove the oldest days while all take more\n"       \
	"                  (K, M, G, T: 1024 to the step)\n"                   \
	"  --max-age 90d   remove days more than so many days before today\n"  \
	"  --min-free 5G   remove the oldest days while less is free\n"

#endif
