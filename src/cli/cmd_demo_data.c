#include "cli/commands.h"

int cmd_demo_data(int argc, char **argv)
{
	(void)argc, (void)argv;
	return EXIT_USAGE;
}
