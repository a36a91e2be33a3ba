#ifndef CLI_DRY_RUN_H
#define CLI_DRY_RUN_H

#include "base/config.h"

/* What --dry-run is told beside the settings. */
struct dry_run {
	const char *gpu;   /* --gpu */
	const char *image; /* --image WIDTHxHEIGHT */
	long ranks;        /* --ranks */
};

/* Take these options out of argv; *asked: --dry-run was there. -1 with err. */
int dry_run_take(struct dry_run *d, int *asked, int *argc, char **argv, char err[ERR_MAX]);
void dry_run_help(void);

/* Print memory, work and messages of a step.  -1 with err. */
int dry_run_print(const struct dry_run *d, const struct config *c, char err[ERR_MAX]);

#endif
