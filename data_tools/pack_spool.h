#ifndef PACK_SPOOL_H
#define PACK_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/die.h"
#include "pack_index.h"

/* The records of each shard to be, one file a shard, before they become HDF5: accepted image a goes
 * to spool a % count.  More spools than files may be open are fine. */

struct spool;

struct spool *spool_open(const char *folder, int count);
void spool_close(struct spool *s); /* NULL is fine */

/* Bytes of spool i that are spoken for; a spool is read and appended to from there. */
uint64_t spool_length(const struct spool *s, int i);

/* Read a record at the length of spool i into buffer (bytes + mask_bytes) and move on, checking its
 * CRCs. */
int spool_read(
	struct spool *s, int i, const struct pack_record *r, uint8_t *buffer, char err[ERR_MAX]);

/* Move on past a record without reading it; back to the start. */
void spool_pass(struct spool *s, int i, const struct pack_record *r);
void spool_rewind(struct spool *s, int i);

/* Cut all spools at their lengths. Fails when one is shorter: its bytes were lost. */
int spool_cut(struct spool *s, char err[ERR_MAX]);

int spool_append(struct spool *s, int i, const struct pack_record *r, const uint8_t *jpeg,
	const uint8_t *mask, char err[ERR_MAX]);
int spool_sync(struct spool *s, char err[ERR_MAX]);

/* Remove the file of spool i; fine if it is gone. */
void spool_remove(struct spool *s, int i);

#endif
