/* SPDX-License-Identifier: ISC */
/*
 * The command table. This file knows every part, and nobody includes it. A
 * subcommand is one file with one x_main and one row here.
 */
#include <stdio.h>
#include <string.h>

#include "collector/commands.h"
#include "report/commands.h"
#include "schema/base/attr.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the name */
	const char *summary;
};

static const struct command commands[] = {
    {"collect", collect_main, "receive NetFlow v5 and store it"},
    {"import", import_main, "store the NetFlow v5 of capture files"},
    {"import-flowviewer", import_flowviewer_main,
	"take over monitors, RRDs, filters of FlowViewer"},
    {"check", check_main, "whether the store is whole; mend it"},
    {"backup", backup_main, "copy the store while it is written to"},
    {"expire", expire_main, "remove the oldest days, to keep to limits"},
    {"send", send_main, "replay a file as NetFlow v5 datagrams"},
    {"report", report_main, "who used the line: sums by any key"},
    {"graph", graph_main, "load over time, as a picture or as numbers"},
    {"track", track_main, "traffic of filters, written down for years"},
    {"list", list_main, "flows, one a line"},
    {"sql", sql_main, "any SELECT over all shards"},
    {"status", status_main, "collector, exporters, loss, what is stored"},
    {"serve", serve_main, "reports in a browser, and over HTTP"},
    {"export", export_main, "flows as NetFlow v5 again, for other tools"},
    {"group", group_main, "named values for filters: networks, ports, ..."},
    {"filter", filter_main, "filters under a name, for every command"},
    {"anonymize", anonymize_main, "a store with other addresses, for others"},
    {"generate", generate_main, "made-up NetFlow v5, to try things out"},
};

static void
usage(FILE *to)
{
	fputs("usage: weir COMMAND [OPTIONS] [WORDS]\n\ncommands:\n", to);
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		fprintf(
		    to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\nweir COMMAND -h explains a command; weir -V prints the "
	      "version.\n",
	    to);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0 ||
	    strcmp(name, "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0) {
		printf("weir %s\n", WEIR_VERSION);
		return 0;
	}
	if (argc > 1)
		fprintf(stderr, "weir: unknown command \"%s\"\n\n", name);
	usage(stderr);
	return 2;
}
