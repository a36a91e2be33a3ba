#include "cli/commands.h"

int cmd_pack(int argc, char **argv)
{
	(void)argc, (void)argv;
	return EXIT_USAGE;
}
