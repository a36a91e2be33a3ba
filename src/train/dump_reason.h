#ifndef TRAIN_DUMP_REASON_H
#define TRAIN_DUMP_REASON_H

/* For dump.c and dump_read.c only: what HDF5 says went wrong. */

enum { DUMP_REASON_MAX = 256 };

/* HDF5 prints no error by itself in this thread from now on. */
void dump_quiet(void);

/* Why the last HDF5 call of this thread failed, in its innermost words; to be asked for before any
 * other call. */
const char *dump_reason(char reason[DUMP_REASON_MAX]);

#endif
