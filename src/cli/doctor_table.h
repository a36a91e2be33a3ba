#ifndef CLI_DOCTOR_TABLE_H
#define CLI_DOCTOR_TABLE_H

#include "cli/doctor_verdicts.h"

/* What was found, as tables.  Hosts of which a table says the same share a line. */

/* Programs, libraries, systems; mpi: see comm_describe. */
void doctor_print_versions(FILE *out, const struct doctor_ranks *r, const char *mpi);

/* A line a host: ranks, cores, threads, limits, memory. */
void doctor_print_hosts(FILE *out, const struct doctor_ranks *r);

/* Cards, for ranks that have any. */
void doctor_print_devices(FILE *out, const struct doctor_ranks *r);

/* Disks of data and run, and how fast they were. */
void doctor_print_files(FILE *out, const struct doctor_ranks *r, const struct config *c);

#endif
