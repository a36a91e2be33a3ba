#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

/* The subcommands: each gets argv from its own name on and returns the exit status: 0 done, 1 the
 * input or the work was at fault, 2 the command line was, 75 (EXIT_AGAIN) stopped on request with a
 * checkpoint: run the same command again. */

enum { EXIT_DONE = 0, EXIT_INPUT = 1, EXIT_USAGE = 2, EXIT_AGAIN = 75 };

int cmd_pack(int argc, char **argv);
int cmd_demo_data(int argc, char **argv);
int cmd_views(int argc, char **argv);
int cmd_pretrain(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif
