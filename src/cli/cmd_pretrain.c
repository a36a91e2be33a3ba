#include "cli/commands.h"

int cmd_pretrain(int argc, char **argv)
{
	(void)argc, (void)argv;
	return EXIT_USAGE;
}
