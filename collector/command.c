/* SPDX-License-Identifier: ISC */
/* Options, help and the end of a command: see command.h. */
#include "collector/command.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/base/log.h"
#include "schema/base/mem.h"

enum {
	MAX_OPTIONS = 32, /* of a command */
	MAX_NAME = 24,    /* "--max-size" */
	OWN = 256,        /* getopt's number of option 0; above letters */
};

struct parser {
	const struct command *command;
	struct command_line line;
	struct conf_setting setting[COMMAND_MAX_SETTINGS];
	char name[COMMAND_MAX_SETTINGS][MAX_NAME]; /* of settings */
	char letters[3 * MAX_OPTIONS];             /* getopt's */
	struct option words[MAX_OPTIONS + 2];
	bool help;
};

/* The table as getopt wants it. */
static void
make_getopt(struct parser *p)
{
	const struct command *c = p->command;
	size_t n = 0;
	char *at = p->letters + snprintf(p->letters, 8, ":c:d:h");

	for (size_t i = 0; i < c->n_options; i++) {
		const struct command_option *o = &c->option[i];

		if (o->letter != 0) {
			*at++ = o->letter;
			if (o->key != NULL)
				*at++ = ':';
		}
		if (o->word != NULL)
			p->words[n++] = (struct option){o->word,
			    o->key != NULL ? required_argument : no_argument,
			    NULL, OWN + (int)i};
	}
	p->words[n] = (struct option){"help", no_argument, NULL, 'h'};
}

static const struct command_option *
find_option(const struct command *c, int got)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (got == OWN + (int)i || got == c->option[i].letter)
			return &c->option[i];
	return NULL;
}

static int
take_own(struct parser *p, const struct command_option *o, char *self,
    struct err *err)
{
	struct conf_options *to = &p->line.options;
	size_t n = to->n_settings;
	const bool yes = true;

	if (o->key == NULL) {
		memcpy(self + o->flag, &yes, sizeof yes);
		return 0;
	}
	if (n == COMMAND_MAX_SETTINGS)
		return err_set(err, ERR_USAGE, "%s: more than %d options",
		    p->command->name, COMMAND_MAX_SETTINGS);
	if (o->word != NULL)
		snprintf(p->name[n], MAX_NAME, "--%s", o->word);
	else
		snprintf(p->name[n], MAX_NAME, "-%c", o->letter);
	p->setting[n] = (struct conf_setting){o->key, p->name[n], optarg};
	to->setting = p->setting;
	to->n_settings++;
	return 0;
}

static int
take_option(struct parser *p, int got, char **argv, char *self, struct err *err)
{
	const char *name = p->command->name;
	const struct command_option *o;

	switch (got) {
	case 'c': p->line.options.file = optarg; return 0;
	case 'd': p->line.options.dir = optarg; return 0;
	case 'h': p->help = true; return 0;
	case ':':
		return err_set(err, ERR_USAGE, "%s: %.60s needs a value", name,
		    argv[optind - 1]);
	default: break;
	}
	if ((o = find_option(p->command, got)) != NULL)
		return take_own(p, o, self, err);
	return err_set(err, ERR_USAGE,
	    "%s: unknown option \"%.60s\": weir %s -h lists them", name,
	    argv[optind - 1], name);
}

static int
check_args(const struct command *c, int n, char **args, struct err *err)
{
	if (n < c->min_args)
		return err_set(err, ERR_USAGE, "%s: %s", c->name, c->want_args);
	if (n <= c->max_args)
		return 0;
	return err_set(err, ERR_USAGE,
	    c->max_args == 0 ? "%s: \"%.60s\" is no option"
			     : "%s: \"%.60s\" is one too many",
	    c->name, args[c->max_args]);
}

static int
parse(struct parser *p, int argc, char **argv, void *self, struct err *err)
{
	int got, rc = 0;

	make_getopt(p);
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while (
	    rc == 0 && !p->help &&
	    (got = getopt_long(argc, argv, p->letters, p->words, NULL)) != -1)
		rc = take_option(p, got, argv, self, err);
	p->line.args = argv + optind;
	if (rc == 0 && !p->help)
		rc = check_args(p->command, argc - optind, argv + optind, err);
	return rc;
}

static int
run(struct parser *p, void *self, struct err *err)
{
	const struct command *c = p->command;
	struct conf *conf;
	int rc = conf_open(&conf, &p->line.options, err);

	if (rc != 0)
		return rc;
	p->line.conf = conf;
	rc = c->run(self, &p->line, err);
	conf_free(conf);
	return rc;
}

int
command_run(const struct command *c, int argc, char **argv, void *self)
{
	struct parser *p = xcalloc(1, sizeof *p);
	struct err err;
	int rc;

	log_init(LOG_LEVEL_INFO);
	p->command = c;
	rc = parse(p, argc, argv, self, &err);
	if (rc == 0 && p->help)
		printf("%s%s  -h, --help      this help\n\nexamples:\n%s",
		    c->usage, conf_options_help, c->examples);
	else if (rc == 0)
		rc = run(p, self, &err);
	/* Before the error: both may go to one file. */
	if ((fflush(stdout) != 0 || ferror(stdout)) && rc == 0)
		rc = err_sys(&err, "%s: standard output", c->name);
	if (rc != 0)
		log_warnx("%s", err.text);
	free(p);
	return err_exit_status(rc);
}
