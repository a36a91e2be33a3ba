/* main.c - which subcommand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "autoconfig.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "pack", cmd_pack,
		"images -> HDF5 shards (folder of classes, manifest, tar); checks every image" },
	{ "demo-data", cmd_demo_data, "make a small set of real photographs to try everything on" },
	{ "views", cmd_views, "a contact sheet (PNG) of the views that the network will see" },
	{ "pretrain", cmd_pretrain, "shards -> encoder (under mpirun or srun; one rank a device)" },
	{ "status", cmd_status,
		"how runs stand: progress, loss curve, speed, evaluations, time left" },
	{ "eval", cmd_eval, "encoder -> accuracy: linear, knn" },
	{ "export", cmd_export, "checkpoint -> safetensors with torchvision's names" },
	{ "import", cmd_import, "safetensors -> initial weights for pretrain and eval" },
	{ "bench", cmd_bench, "how fast each part is on this machine" },
	{ "doctor", cmd_doctor, "would a run start here, and if not, why; what a helpdesk asks" },
};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *out, int status)
{
	fprintf(out,
		"Reliquary %s: pre-training of image encoders by ReLICv2\n\nusage: reliquary COMMAND ...\n\n",
		PACKAGE_VERSION);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\n'reliquary COMMAND --help' tells the options of one.\n");
	return status;
}

/* HDF5 locks each file that it opens, which some cluster filesystems refuse.  Ours have their names
 * only when they are whole, and never change: locks serve nothing.  A value of the user's stays. */
static void open_without_locks(void)
{
	setenv("HDF5_USE_FILE_LOCKING", "FALSE", 0);
}

int main(int argc, char **argv)
{
	open_without_locks();
	if (argc < 2)
		return usage(stderr, EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
		strcmp(argv[1], "help") == 0)
		return usage(stdout, EXIT_DONE);
	if (strcmp(argv[1], "--version") == 0) {
		printf("reliquary %s\n", PACKAGE_VERSION);
		return EXIT_DONE;
	}
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "reliquary: there is no command '%s'\n\n", argv[1]);
	return usage(stderr, EXIT_USAGE);
}
