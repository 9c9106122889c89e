/* SPDX-License-Identifier: ISC */
#ifndef WEIR_COLLECTOR_COMMANDS_H
#define WEIR_COLLECTOR_COMMANDS_H
/* The subcommands that write: argv[0] is the command's name; they print, and
 * return the exit status 0 done, 1 failed, 2 usage. */

int backup_main(int argc, char **argv);
int check_main(int argc, char **argv);
int collect_main(int argc, char **argv);
int expire_main(int argc, char **argv);
int import_main(int argc, char **argv);
int send_main(int argc, char **argv);

#endif
