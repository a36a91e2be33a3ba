#ifndef DATA_STAGE_COPY_H
#define DATA_STAGE_COPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"

/* One file on its way to a folder of this host, block by block, so that whoever waits can do
 * something between.  The copy gets its name when it was written, read back from the disk, and had
 * the checksum (CRC-32C) of what had been read.  Beside it a record NAME.sum keeps the size and
 * time of the original and the checksum; a copy with the right record is read, and used again where
 * its checksum holds. */

enum stage_phase { STAGE_NEW, STAGE_CHECK, STAGE_WRITE, STAGE_READ_BACK, STAGE_DONE };

struct stage_copy {
	char *from, *to, *record, *temporary;
	uint64_t bytes;  /* of the original */
	int64_t changed; /* its time of change, ns */
	enum stage_phase phase;
	int in, out;
	uint64_t at; /* bytes of the phase done */
	uint32_t crc, expected;
	int reused; /* done: the copy was there */
};

enum { STAGE_BLOCK = 4 << 20 };

/* A copy of the file `from`, in folder, by the same name.  -1: from cannot be looked at. Free with
 * stage_copy_free in any case. */
int stage_copy_init(struct stage_copy *c, const char *from, const char *folder, char err[ERR_MAX]);

/* 1 if a copy with the right record is there; its content was not looked at. */
int stage_copy_is_there(const struct stage_copy *c);

/* The next block, by way of block [STAGE_BLOCK].  1: there is more to do; 0: the copy is there; -1:
 * a disk is full or at fault, or the original was changed meanwhile. */
int stage_copy_step(struct stage_copy *c, uint8_t *block, char err[ERR_MAX]);

/* What is unfinished is removed; a finished copy stays. */
void stage_copy_free(struct stage_copy *c);

#endif
