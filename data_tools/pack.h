#ifndef PACK_H
#define PACK_H

#include "base/die.h"
#include "pack_source.h"

/* Images into a packed data set (data/dataset.h).
 *
 * The work folder OUT/.pack holds a journal and a spool file a shard; a pack that was stopped in
 * any way goes on from them.  Accepted image number a goes to shard a % shards, so shards are of
 * equal counts and each is a fair sample of a source sorted by class.  What is written does not
 * depend on threads or interruptions. */

enum { PACK_SHARDS = 64 };

struct pack_options {
	struct pack_input input;
	const char *out;
	const char *name, *split;
	int shards;          /* 0: PACK_SHARDS, or as many as there are images */
	int threads;         /* > 0 */
	int max_side;        /* larger images are reduced; 0: none */
	double max_rejected; /* share of the images */
};

struct pack_outcome {
	uint64_t images, rejected, masks, bytes; /* bytes of the shard files */
	int classes, shards;
	int was_there; /* the set was packed by the same call before; nothing was done, the rest is
			  not set */
};

/* 0 when the set is whole; -1: err tells what is wrong and what to do. */
int pack_run(const struct pack_options *o, struct pack_outcome *outcome, char err[ERR_MAX]);

struct pack_checked {
	uint64_t images, masks, bytes, bad;
	int shards;
};

/* Read every record and mask of a packed set again and check it; each bad one is told by a warning
 * and counted. decode: decode the images too.  -1 only when the set cannot be opened. */
int pack_verify(
	const char *path, int threads, int decode, struct pack_checked *checked, char err[ERR_MAX]);

#endif
