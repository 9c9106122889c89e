/* SPDX-License-Identifier: ISC */
#ifndef WEIR_REPORT_COMMANDS_H
#define WEIR_REPORT_COMMANDS_H
/* The subcommands that answer: argv[0] is the command's name; they print, and
 * return the exit status 0 done, 1 failed, 2 usage. */

int anonymize_main(int argc, char **argv);
int report_main(int argc, char **argv);
int graph_main(int argc, char **argv);
int list_main(int argc, char **argv);
int sql_main(int argc, char **argv);
int status_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int filter_main(int argc, char **argv);
int group_main(int argc, char **argv);
int export_main(int argc, char **argv);
int generate_main(int argc, char **argv);
int track_main(int argc, char **argv);
int import_flowviewer_main(int argc, char **argv);

/* Reports with words of their own, for report_main, which takes their name out
 * of argv. */
int report_scan_main(int argc, char **argv);
int report_summary_main(int argc, char **argv);

#endif
