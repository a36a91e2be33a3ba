#ifndef PACK_SPOOL_H
#define PACK_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "pack_index.h"

/* The records of each shard to be, one file a shard, before they become HDF5: accepted image a goes
 * to spool a % count.  More spools than files may be open are fine. */

struct spool;

/* Spools in folder, which has to be there; their files are made as they are needed.  Functions that
 * take err return 0, or -1 with the reason in it. */
struct spool *spool_open(const char *folder, int count);
void spool_close(struct spool *s); /* NULL is fine */

/* A spool's length is what was read, passed or appended so far; there the next record is read or
 * appended.  Read a record into buffer [bytes + mask_bytes], checking its CRCs. */
int spool_read(
	struct spool *s, int i, const struct pack_record *r, uint8_t *buffer, char err[ERR_MAX]);

/* Move on past a record without reading it; back to the start. */
void spool_pass(struct spool *s, int i, const struct pack_record *r);
void spool_rewind(struct spool *s, int i);

/* Cut all spools at their lengths. Fails when one is shorter: its bytes were lost. */
int spool_cut(struct spool *s, char err[ERR_MAX]);

/* Append a record: r's bytes of jpeg and its mask_bytes of mask. */
int spool_append(struct spool *s, int i, const struct pack_record *r, const uint8_t *jpeg,
	const uint8_t *mask, char err[ERR_MAX]);

/* All that was appended is on the disk. */
int spool_sync(struct spool *s, char err[ERR_MAX]);

/* Remove the file of spool i; fine if it is gone. */
void spool_remove(struct spool *s, int i);

#endif
