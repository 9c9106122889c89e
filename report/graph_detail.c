/* SPDX-License-Identifier: ISC */
/* Lines behind a graph: see graph_detail.h. */
#include "report/graph_detail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/commands.h"
#include "schema/base/buf.h"
#include "schema/base/mem.h"

enum { LINE_MAX_LEN = 65536 };

static bool
is_filter_word(const char *word)
{
	const char *equals = strchr(word, '=');

	return word[0] == '@' ||
	       (equals != NULL && filter_knows(word, (size_t)(equals - word)));
}

/* A command line in the making; all words owned. */
struct command {
	char **argv;
	int argc;
};

static void
add(struct command *c, const char *before, const char *word)
{
	c->argv[c->argc++] = xasprintf("%s%s", before, word);
}

static void
command_release(struct command *c)
{
	for (int i = 0; i < c->argc; i++)
		free(c->argv[i]);
	free(c->argv);
}

/* What the lines are sorted by. */
static const char *
order_of(const struct graph_request *g, bool talks)
{
	static const char *const of_talks[N_LOADS] = {
	    [LOAD_BITS] = "octets",
	    [LOAD_PACKETS] = "packets",
	    [LOAD_FLOWS] = "flows",
	    [LOAD_ACTIVE] = "flows",
	};
	static const char *const of_flows[N_LOADS] = {
	    [LOAD_BITS] = "octets",
	    [LOAD_PACKETS] = "packets",
	    [LOAD_FLOWS] = "octets",
	    [LOAD_ACTIVE] = "duration",
	};

	return talks ? of_talks[g->load] : of_flows[g->load];
}

/* Up to the filter words. */
static void
begin(struct command *c, const struct graph_request *g, bool talks)
{
	char number[24];

	snprintf(number, sizeof number, "%" PRId64,
	    g->detail < 0 ? -g->detail : g->detail);
	add(c, talks ? "report" : "list", "");
	if (talks)
		add(c, "src,sport,dst,dport,proto", "");
	add(c, g->detail < 0 ? "sort=-" : "sort=", order_of(g, talks));
	add(c, "lines=", number);
}

/* As it would be typed. */
static void
print(const struct command *c, const struct request *r)
{
	struct buf line;

	buf_init(&line, LINE_MAX_LEN);
	filter_print(&r->filter, &line);
	printf("\nweir");
	for (int i = 0; i < c->argc; i++)
		printf(" %s", c->argv[i]);
	printf("%s%s\n\n", line.len > 0 ? " " : "", buf_str(&line));
	fflush(stdout);
	buf_release(&line);
}

static void
add_options(struct command *c, const struct request *r)
{
	add(c, "-d", r->dir);
	if (r->file != NULL)
		add(c, "-c", r->file);
}

int
graph_detail(const struct graph_request *g, const struct request *r,
    size_t n_words, char **word)
{
	bool talks = g->detail_of == DETAIL_TALKS ||
		     (g->detail_of == DETAIL_USUAL && g->load != LOAD_ACTIVE);
	struct command c = {.argv = xcalloc(n_words + 8, sizeof *c.argv)};
	int status;

	begin(&c, g, talks);
	print(&c, r);
	for (size_t i = 0; i < n_words; i++)
		if (is_filter_word(word[i]))
			add(&c, "", word[i]);
	add_options(&c, r);
	status =
	    talks ? report_main(c.argc, c.argv) : list_main(c.argc, c.argv);
	command_release(&c);
	return status;
}
